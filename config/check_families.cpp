// By which families a check goes: those that are wished, that of the address it asks, or IPv4. Its circuits are then those that carry them.
#include <fmt/format.h>

#include <algorithm>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using model::Check;
using model::CheckKind;
using model::Family;

/// A numeric address among what the check asks, with the key that holds it.
struct Asked {
  std::string_view key;
  model::IpAddress address;
};

std::optional<model::IpAddress> numeric_host(std::string_view url) {
  url.remove_prefix(std::min(url.size(), url.find("://") + 3));
  if (url.starts_with('[')) return model::IpAddress::parse(url.substr(1, url.find(']') - 1));
  return model::IpAddress::parse(url.substr(0, url.find_first_of(":/?")));
}

std::optional<Asked> numeric(const Check& check) {
  if (check.pinned) return Asked{"pinned", *check.pinned};
  if (check.target) return Asked{"target", *check.target};
  if (check.server) return Asked{"server", *check.server};
  if (const auto host = check.url.empty() ? std::nullopt : numeric_host(check.url)) return Asked{"url", *host};
  return std::nullopt;
}

/// What the circuit's resolvers are needed for; empty: they are not.
std::string_view looks_up(const Check& check, const std::optional<Asked>& asked) {
  if (check.kind == CheckKind::Resolver) return "asks the circuit's own resolvers";
  return !check.url.empty() && !asked ? "has to look up the host of its url" : "";
}

std::set<Family> wanted(const Reading& reading, std::size_t position, const std::optional<Asked>& asked) {
  const std::set<Family>& given = reading.check_families[position];
  if (!given.empty()) return given;
  if (asked) return {asked->address.family};
  const Check& check = reading.site.checks[position];
  return {of_family(reading.site, check.circuits, Family::V4).empty() ? Family::V6 : Family::V4};
}

/// @param resolvers_given  somewhere in the circuit's section
void complain_of_resolvers(const Section& section, const model::Circuit& circuit, std::string_view why, bool resolvers_given) {
  const bool v4 = circuit.family == Family::V4;
  section.complain("",
                   fmt::format("{} {}, and circuit {} has no resolvers{}", section.label(), why, quoted(circuit.name),
                               resolvers_given ? fmt::format(" of {}", name_of(circuit.family)) : ""),
                   fmt::format(R"(give circuit {} resolvers = ["{}"], or leave it out of the check's circuits)", quoted(circuit.name),
                               v4 ? "192.0.2.53" : "2001:db8::53"));
}

void fit(Reading& reading, std::size_t position) {
  const Section& section = reading.checks[position];
  Check& check = reading.site.checks[position];
  if (check.circuits.empty()) return;  // told already
  const auto asked = numeric(check);
  const std::set<Family> families = wanted(reading, position, asked);
  const auto other = asked ? std::ranges::find_if(families, [&](Family f) { return f != asked->address.family; }) : families.end();
  if (other != families.end())
    return section.complain("families",
                            fmt::format("{} is to go by {}, and its {} {} is {}", section.label(), name_of(*other), asked->key,
                                        quoted(asked->address.to_string()), name_of(asked->address.family)),
                            "a [[check]] of its own for each family");
  const std::vector<model::CircuitId> written = std::exchange(check.circuits, {});
  for (const Family family : families) {
    const auto carrying = of_family(reading.site, written, family);
    if (carrying.empty())
      return section.complain(section.has("families")   ? "families"
                              : section.has("circuits") ? "circuits"
                                                        : "",
                              fmt::format("{} goes by {}, and none of its circuits carries it", section.label(), name_of(family)),
                              "circuits that do, or another of its families");
    check.circuits.insert(check.circuits.end(), carrying.begin(), carrying.end());
  }
  const std::string_view why = looks_up(check, asked);
  if (why.empty()) return;
  for (const model::CircuitId c : check.circuits) {
    const model::Circuit& circuit = reading.site[c];
    const Section& owner = reading.circuit_section(c.index());
    const bool well_formed = std::ranges::any_of(
        reading.site.circuits, [&](const model::Circuit& one) { return one.interface == circuit.interface && !one.resolvers.empty(); });
    if (!circuit.resolvers.empty() || (owner.has("resolvers") && !well_formed)) continue;
    return complain_of_resolvers(section, circuit, why, well_formed);
  }
}

}  // namespace

void fit_checks(Reading& reading) {
  for (std::size_t i = 0; i < reading.checks.size(); ++i) fit(reading, i);
}

}  // namespace linekeeper::config
