#include <fmt/format.h>

#include <algorithm>

#include "config/budget.hpp"
#include "config/loader.hpp"
#include "config/traffic.hpp"
#include "config/values.hpp"
#include "controller/model/probe_bytes.hpp"

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
  constexpr std::size_t kNamed = 3;
  for (std::size_t i = 0; i < match.destinations.size() && i < kNamed; ++i) add("to " + match.destinations[i].to_string());
  if (match.destinations.size() > kNamed) add(fmt::format("and {} more", match.destinations.size() - kNamed));
  return out;
}

std::string circuits_of(const model::Site& site) {
  std::vector<Row> rows{{"CIRCUIT", "INTERFACE", "GATEWAY", "TABLE", "PROBED", "PROVIDER", "MEASURED AGAINST"}};
  for (const auto& circuit : site.circuits) {
    rows.push_back(
        {circuit.name, circuit.interface, circuit.gateway ? circuit.gateway->to_string() : "kernel", std::to_string(circuit.table),
         fmt::format("every {}, {} on standby", show(interval_in_use(site.probing, circuit)), show(interval_on_standby(site.probing, circuit))),
         circuit.provider + (circuit.metered ? " (metered)" : ""), names(site, circuit.targets)});
  }
  return table(rows);
}

/// What moves a class off a circuit that still answers.
std::string limits_of(const model::TrafficClass& steered) {
  if (!steered.limits) return "its death only";
  const model::QualityLimits& limits = *steered.limits;
  std::string out = fmt::format("{:.4g} % loss, {} round trip", limits.loss_enter * 100, show(limits.rtt_enter));
  if (steered.codec != model::Codec::None) out += fmt::format(", R {} ({})", limits.r_enter, word_of(steered.codec));
  return out;
}

/// "fiber, coax", or of one that is shared "fiber (3), coax (1), shared".
std::string ways_of(const model::Site& site, const model::TrafficClass& steered) {
  if (!steered.shares()) return names(site, steered.circuits);
  std::string out;
  for (std::size_t i = 0; i < steered.circuits.size(); ++i)
    out += fmt::format("{}{} ({})", i == 0 ? "" : ", ", site[steered.circuits[i]].name, steered.weights[i]);
  return out + ", shared";
}

std::string classes_of(const model::Site& site) {
  std::vector<Row> rows{{"CLASS", "CIRCUITS", "TABLE", "MATCHES", "LEAVES A CIRCUIT AT", "GOES BACK"}};
  for (const auto& steered : site.classes) {
    rows.push_back({steered.name, ways_of(site, steered) + (steered.avoid_metered ? " (metered ones last)" : ""), std::to_string(steered.table),
                    matched(steered.match), limits_of(steered), show(steered.failback)});
  }
  return table(rows);
}

std::string takes(const model::Carrier& carrier) {
  std::string out = carrier.channels ? count(static_cast<std::size_t>(*carrier.channels), "call", "calls") : "any number";
  if (carrier.calls_per_second) out += fmt::format(", {} new/s", *carrier.calls_per_second);
  return out;
}

std::string place_of(const model::Carrier& carrier) {
  if (carrier.named()) return carrier.host + (carrier.host_port ? fmt::format(":{}", *carrier.host_port) : "");
  const std::string first = fmt::format("{}:{}", carrier.address.to_string(), carrier.port);
  return carrier.addresses.size() > 1 ? fmt::format("{} and {} more", first, carrier.addresses.size() - 1) : first;
}

std::string carriers_of(const model::Site& site) {
  std::vector<Row> rows{{"CARRIER", "ADDRESS", "DOMAIN", "OPTIONS", "FLOOR", "TAKES", "PROVIDER"}};
  for (const auto& carrier : site.carriers) {
    rows.push_back({carrier.name, place_of(carrier), carrier.domain, "every " + show(carrier.interval),
                    show(carrier.floor) + (carrier.verify_burst > 0 ? fmt::format(", {} sooner", carrier.verify_burst) : ""), takes(carrier),
                    carrier.provider});
  }
  return table(rows);
}

std::string trunks_of(const model::Site& site) {
  std::vector<Row> rows{{"TRUNK", "PBX", "CLASS", "CARRIERS", "GOES BACK", "WAYS IN THE PBX"}};
  for (const auto& trunk : site.trunks) {
    std::string sets;
    for (const auto& member : trunk.members) {
      sets += fmt::format("{}{} {}", sets.empty() ? "" : ", ", member.in_pbx(), site[member.carrier].name);
      if (member.circuit) sets += " by " + site[*member.circuit].name;
    }
    rows.push_back({trunk.name + (trunk.emergency ? " (emergency)" : ""), site[trunk.pbx].name, site[trunk.traffic_class].name,
                    names(site, trunk.carriers), show(trunk.failback), sets});
  }
  return table(rows);
}

std::string rule_of(const model::Site& site) {
  const model::CircuitRule& rule = site.circuit_health;
  return fmt::format(
      "A circuit silent for {} is suspected: new calls go around it. Silent for {} to {}, as learned from it, it is dead: everything moves.\n"
      "One that lives may be called dead {} times a year. After a failure it is trusted again once it was well for {}; three times as long after\n"
      "each failure soon after coming back, up to {}.\n",
      show(rule.suspect_after), show(rule.dead_after_min), show(rule.dead_after_max), rule.false_failovers_per_year, show(rule.hold_down),
      show(rule.hold_down_max));
}

/// What becomes of connections in progress, and what the kernel must have for it.
std::string connections_of(const model::Site& site) {
  std::string translated, drains;
  for (const auto& circuit : site.circuits) {
    if (circuit.nat.kind == model::Nat::Kind::Off) continue;
    const bool fixed = circuit.nat.kind == model::Nat::Kind::Fixed;
    translated +=
        fmt::format("{}{} to {}", translated.empty() ? "" : ", ", circuit.name, fixed ? circuit.nat.address.to_string() : "its own address");
  }
  for (const auto& steered : site.classes) drains += fmt::format("{}{} {}", drains.empty() ? "" : ", ", steered.name, show(steered.drain));
  const bool keep = site.connections.keep;
  std::string out =
      keep ? fmt::format("Connections stay on a circuit that is left while it lives, at most: {}. Of a dead one they are deleted.\n", drains)
           : std::string("Connections in progress go where their class goes.\n");
  if (!translated.empty()) out += fmt::format("Source addresses are translated: {}.\n", translated);
  if (keep || !translated.empty())
    out +=
        fmt::format("For that the kernel must have nf_tables{}{} (built in, or as modules that it may load by itself).\n",
                    keep ? ", nf_conntrack, nf_conntrack_netlink and nft_ct" : "", translated.empty() ? "" : ", nft_chain_nat, nft_nat and nft_masq");
  return out;
}

/// "1.3 GB", "54 MB": powers of ten, as providers count; two digits are all that is known.
std::string bytes(double n) {
  for (const auto& [unit, word] : {std::pair(1e12, "TB"), std::pair(1e9, "GB"), std::pair(1e6, "MB")}) {
    if (n >= unit) return fmt::format("{:.{}f} {}", n / unit, n / unit < 9.95 ? 1 : 0, word);
  }
  return n == 0 ? "0" : "below 1 MB";
}

std::string traffic_of(const model::Site& site) {
  std::vector<Row> rows{{"CIRCUIT", "METERED", "PROBES IN USE", "ON STANDBY", "OPTIONS", "ALL IN USE", "ALL ON STANDBY"}};
  for (const auto& circuit : site.circuits) {
    const OwnTraffic traffic = own_traffic(site, circuit);
    rows.push_back({circuit.name, circuit.metered ? "yes" : "no", bytes(traffic.in_use), bytes(traffic.on_standby), bytes(traffic.options),
                    bytes(traffic.in_use + traffic.options), bytes(traffic.on_standby + traffic.options)});
  }
  const bool has_ipv6 = std::ranges::any_of(site.circuits, [](const model::Circuit& c) { return c.family == model::Family::V6; });
  return fmt::format(
             "What measuring costs in 30 days, both ways: an echo request or its answer is {} bytes, an OPTIONS or its answer about {}, with\n"
             "all headers from IP up{}. Quick probes while an answer is overdue come on top; calls and data are not in here.\n",
             model::probe_bytes({}).sent, kOptionsBytes, has_ipv6 ? " (IPv6: 20 bytes more)" : "") +
         table(rows);
}

std::string worst_of(const model::Site& site) {
  std::vector<Row> rows{{"WHEN THIS FALLS SILENT", "RECOVERS", "DETECT", "DETECT AT WORST", "DECIDE", "SWITCH", "VERIFY", "TOTAL", "RTO"}};
  for (const WorstCase& worst : worst_cases(site)) {
    rows.push_back({worst.fails, worst.recovers, tenths(worst.typical_detect), tenths(worst.detect), tenths(worst.decide), tenths(worst.apply),
                    tenths(worst.verify), tenths(worst.total()), show(worst.rto)});
  }
  return table(rows);
}

}  // namespace

std::string summary(const model::Site& site) {
  const auto accesses = static_cast<std::size_t>(std::ranges::count_if(site.circuits, [](const model::Circuit& c) { return !c.twin; }));
  std::string out = fmt::format("{}: no mistakes. {}, {}, {}, {}, {}.\n\n", site.name, count(accesses, "circuit", "circuits"),
                                count(site.targets.size(), "target", "targets"), count(site.classes.size(), "class", "classes"),
                                count(site.carriers.size(), "carrier", "carriers"), count(site.trunks.size(), "trunk", "trunks"));
  out += circuits_of(site) + '\n' + classes_of(site) + '\n';
  if (!site.carriers.empty()) out += carriers_of(site) + '\n';
  if (!site.trunks.empty()) out += trunks_of(site) + '\n';
  out += rule_of(site) + connections_of(site) + '\n' + traffic_of(site) + '\n';
  out +=
      "How long recovery takes, from the last good answer to three successes on the new way. DETECT is what a line with no other\n"
      "trouble comes to; the total is computed with the worst, and is what the RTO is held against:\n" +
      worst_of(site);
  const auto notes = remarks(site);
  if (!notes.empty()) out += '\n';
  for (const std::string& note : notes) out += "note: " + note + '\n';
  return out;
}

}  // namespace linekeeper::config
