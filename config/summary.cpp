#include <fmt/format.h>

#include <algorithm>

#include "config/budget.hpp"
#include "config/loader.hpp"
#include "config/values.hpp"

namespace linekeeper::config {
namespace {

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, two spaces between, no trailing blanks.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}", row[i], widths[i] + 2);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

template <class Id>
std::string names(const model::Site& site, const std::vector<Id>& ids) {
  std::string out;
  for (const Id id : ids) out += (out.empty() ? "" : ", ") + site[id].name;
  return out;
}

std::string count(std::size_t n, std::string_view one, std::string_view many) { return fmt::format("{} {}", n, n == 1 ? one : many); }

std::string tenths(model::Duration d) { return fmt::format("{:.1f}s", model::seconds(d)); }

std::string matched(const model::ClassMatch& match) {
  if (match.everything()) return "everything else";
  std::string out;
  const auto add = [&](const std::string& condition) { out += (out.empty() ? "" : ", ") + condition; };
  if (match.mark) add(fmt::format("mark {:#x}", *match.mark));
  if (match.source) add("from " + match.source->to_string());
  if (match.incoming_interface) add("in by " + *match.incoming_interface);
  return out;
}

std::string circuits_of(const model::Site& site) {
  std::vector<Row> rows{{"CIRCUIT", "INTERFACE", "GATEWAY", "TABLE", "PROVIDER", "MEASURED AGAINST"}};
  for (const auto& circuit : site.circuits) {
    rows.push_back({circuit.name, circuit.interface, circuit.gateway ? circuit.gateway->to_string() : "kernel", std::to_string(circuit.table),
                    circuit.provider, names(site, circuit.targets)});
  }
  return table(rows);
}

std::string classes_of(const model::Site& site) {
  std::vector<Row> rows{{"CLASS", "CIRCUITS", "TABLE", "MATCHES"}};
  for (const auto& steered : site.classes)
    rows.push_back({steered.name, names(site, steered.circuits), std::to_string(steered.table), matched(steered.match)});
  return table(rows);
}

std::string carriers_of(const model::Site& site) {
  std::vector<Row> rows{{"CARRIER", "ADDRESS", "DOMAIN", "OPTIONS", "FLOOR", "PROVIDER"}};
  for (const auto& carrier : site.carriers) {
    rows.push_back({carrier.name, fmt::format("{}:{}", carrier.address.to_string(), carrier.port), carrier.domain, "every " + show(carrier.interval),
                    show(carrier.floor), carrier.provider});
  }
  return table(rows);
}

std::string trunks_of(const model::Site& site) {
  std::vector<Row> rows{{"TRUNK", "PBX", "CLASS", "CARRIERS", "DISPATCHER SETS"}};
  for (const auto& trunk : site.trunks) {
    std::string sets;
    for (const auto& member : trunk.members) {
      sets += fmt::format("{}{} {}", sets.empty() ? "" : ", ", member.dispatcher_set, site[member.carrier].name);
      if (member.circuit) sets += " by " + site[*member.circuit].name;
    }
    rows.push_back({trunk.name, site[trunk.pbx].name, site[trunk.traffic_class].name, names(site, trunk.carriers), sets});
  }
  return table(rows);
}

std::string worst_of(const model::Site& site) {
  std::vector<Row> rows{{"WHEN THIS FALLS SILENT", "RECOVERS", "DETECT", "DECIDE", "SWITCH", "VERIFY", "TOTAL", "RTO"}};
  for (const WorstCase& worst : worst_cases(site)) {
    rows.push_back({worst.fails, worst.recovers, tenths(worst.detect), tenths(worst.decide), tenths(worst.apply), tenths(worst.verify),
                    tenths(worst.total()), show(worst.rto)});
  }
  return table(rows);
}

/// Sound, and yet worth knowing.
std::string remarks_of(const model::Site& site) {
  std::string out;
  for (const auto& steered : site.classes) {
    if (steered.circuits.size() == 1)
      out += fmt::format("note: class {} has one circuit only: when {} fails there is no other way\n", steered.name, site[steered.circuits[0]].name);
  }
  for (const auto& trunk : site.trunks) {
    if (trunk.carriers.size() == 1)
      out += fmt::format("note: trunk {} has one carrier only: when {} fails there is no other\n", trunk.name, site[trunk.carriers[0]].name);
  }
  return out;
}

}  // namespace

std::string summary(const model::Site& site) {
  std::string out = fmt::format("{}: no mistakes. {}, {}, {}, {}, {}.\n\n", site.name, count(site.circuits.size(), "circuit", "circuits"),
                                count(site.targets.size(), "target", "targets"), count(site.classes.size(), "class", "classes"),
                                count(site.carriers.size(), "carrier", "carriers"), count(site.trunks.size(), "trunk", "trunks"));
  out += circuits_of(site) + '\n' + classes_of(site) + '\n';
  if (!site.carriers.empty()) out += carriers_of(site) + '\n';
  if (!site.trunks.empty()) out += trunks_of(site) + '\n';
  out += "Worst case, from the last good answer to three successes on the new way:\n" + worst_of(site);
  const std::string remarks = remarks_of(site);
  return remarks.empty() ? out : out + '\n' + remarks;
}

}  // namespace linekeeper::config
