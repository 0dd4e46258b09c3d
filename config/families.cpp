// A circuit that carries IPv4 and IPv6 becomes two, and so does a class that goes by such circuits: either family fails without the
// other, so each is measured, judged and steered by itself. The second is called after the first, and has no section of its own.
#include <fmt/format.h>

#include <set>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using model::Family;

/// Keeps what is of `family`. @return whether something was not
template <class List, class FamilyOf>
bool keep(List& list, Family family, FamilyOf family_of) {
  return std::erase_if(list, [&](const auto& one) { return family_of(one) != family; }) > 0;
}

/// The circuit's part of one family.
model::Circuit part_of(const model::Circuit& both, Family family, const model::Site& site) {
  model::Circuit one = both;
  one.family = family;
  keep(one.targets, family, [&](model::TargetId t) { return site[t].address.family; });
  keep(one.sources, family, [](const model::Prefix& p) { return p.address.family; });
  keep(one.resolvers, family, [](const model::IpAddress& a) { return a.family; });
  return one;
}

/// What is given for a family that the circuit does not carry is a mistake, but for targets that nobody named.
void check_unused(const Section& section, const FamilyWish& wish, const model::Circuit& circuit, const model::Site& site) {
  for (const Family family : {Family::V4, Family::V6}) {
    if (wish.has(family)) continue;
    const auto complain = [&](std::string_view key, std::string_view what) {
      section.complain(key, fmt::format("{} {} {}, but it carries no {}", section.label(), key, what, name_of(family)),
                       R"(leave it out, or have families = ["ipv4", "ipv6"])");
    };
    const auto is_of = [&](const model::TargetId t) { return site[t].address.family == family; };
    if (section.has("targets") && std::ranges::any_of(circuit.targets, is_of))
      complain("targets", "names " + site[*std::ranges::find_if(circuit.targets, is_of)].name);
    const auto source = std::ranges::find(circuit.sources, family, [](const model::Prefix& p) { return p.address.family; });
    if (source != circuit.sources.end()) complain("sources", "has " + source->to_string());
    const auto resolver = std::ranges::find(circuit.resolvers, family, &model::IpAddress::family);
    if (resolver != circuit.resolvers.end()) complain("resolvers", "has " + resolver->to_string());
    if (family == Family::V4 ? circuit.expect_public.has_value() : wish.expect_public6.has_value())
      complain(family == Family::V4 ? "expect_public" : "expect_public6", "is given");
    if (family == Family::V4 ? circuit.gateway.has_value() : wish.gateway6.has_value())
      complain(family == Family::V4 ? "gateway" : "gateway6", "is given");
    if ((family == Family::V4 ? circuit.nat : wish.nat6).kind != model::Nat::Kind::Off) complain(family == Family::V4 ? "nat" : "nat6", "is given");
  }
}

void split_circuits(Reading& reading) {
  model::Site& site = reading.site;
  const std::size_t accesses = reading.circuits.size();
  for (std::size_t i = 0; i < accesses; ++i) {
    const Section& section = reading.circuits[i];
    const FamilyWish& wish = reading.circuit_families[i];
    check_unused(section, wish, site.circuits[i], site);
    const model::Circuit both = site.circuits[i];
    const auto six = [&](model::Circuit one) {
      one.gateway = wish.gateway6;
      one.nat = wish.nat6;  // that IPv4 is translated says nothing of IPv6, which need not be
      one.table = wish.table6;
      one.expect_public = wish.expect_public6;
      return one;
    };
    site.circuits[i] = wish.has(Family::V4) ? part_of(both, Family::V4, site) : six(part_of(both, Family::V6, site));
    if (!wish.has(Family::V4) || !wish.has(Family::V6)) continue;
    model::Circuit twin = six(part_of(both, Family::V6, site));
    twin.name = both.name + std::string(kSecondFamily);
    twin.twin = model::id_at<model::CircuitId>(i);
    if (std::ranges::find(site.circuits, twin.name, &model::Circuit::name) != site.circuits.end())
      section.complain("name",
                       fmt::format("{} carries IPv6, which is shown as {}, and another circuit is called so", section.label(), quoted(twin.name)),
                       "another name for that one");
    reading.circuit_owners.push_back(i);
    site.circuits.push_back(std::move(twin));
  }
}

/// What keeps a class from being one of `family`, in words: what it matches is all of the other. Empty: nothing. (Destinations may be of
/// both: each of its classes has its own.)
std::string_view matches_other(const model::ClassMatch& match, Family family) {
  const auto is_other = [&](const model::Prefix& p) { return p.address.family != family; };
  if (match.source && is_other(*match.source)) return "a source";
  if (!match.destinations.empty() && std::ranges::all_of(match.destinations, is_other)) return "destinations";
  return {};
}

void split_class(Reading& reading, std::size_t position) {
  model::Site& site = reading.site;
  const Section& section = reading.classes[position];
  const FamilyWish& wish = reading.class_families[position];
  const model::TrafficClass both = site.classes[position];
  if (both.circuits.empty()) return;  // told already
  std::vector<Family> families;
  for (const Family family : {Family::V4, Family::V6}) {
    const bool carried = !of_family(site, both.circuits, family).empty();
    const std::string_view other = matches_other(both.match, family);
    if (!other.empty()) {
      if (wish.given && wish.has(family))
        section.complain("families", fmt::format("{} is to steer {}, but matches {} of the other family", section.label(), name_of(family), other),
                         "one class for each family");
      continue;
    }
    const bool asked = wish.given || both.match.source || !both.match.destinations.empty();
    if (wish.has(family) && !carried && asked)
      section.complain("circuits", fmt::format("{} is to steer {}, but none of its circuits carries it", section.label(), name_of(family)),
                       R"(families = ["ipv4", "ipv6"] for those circuits that do)");
    if (wish.has(family) && carried) families.push_back(family);
  }
  if (families.empty()) return;  // told just now
  const auto become = [&](model::TrafficClass& one, Family family) {
    one.family = family;
    one.circuits = of_family(site, both.circuits, family);
    keep(one.match.destinations, family, [](const model::Prefix& p) { return p.address.family; });
    if (family == Family::V6) one.table = wish.table6;
  };
  become(site.classes[position], families.front());
  if (families.size() == 1) return;
  model::TrafficClass twin = both;
  become(twin, families.back());
  twin.name += kSecondFamily;
  if (std::ranges::find(site.classes, twin.name, &model::TrafficClass::name) != site.classes.end())
    section.complain("name",
                     fmt::format("{} steers IPv6 too, which is shown as {}, and another class is called so", section.label(), quoted(twin.name)),
                     "another name for that one");
  reading.class_owners.push_back(position);
  site.classes.push_back(std::move(twin));
}

}  // namespace

const char* name_of(Family family) { return family == Family::V4 ? "IPv4" : "IPv6"; }

std::vector<model::CircuitId> of_family(const model::Site& site, const std::vector<model::CircuitId>& circuits, Family family) {
  std::vector<model::CircuitId> found;
  for (const model::CircuitId id : circuits) {
    if (site[id].family == family) {
      found.push_back(id);
      continue;
    }
    const auto twin = std::ranges::find(site.circuits, std::optional(id), &model::Circuit::twin);
    if (family == Family::V6 && twin != site.circuits.end())
      found.push_back(model::id_at<model::CircuitId>(static_cast<std::size_t>(twin - site.circuits.begin())));
  }
  return found;
}

void FamilyWish::read(Section& section, std::uint32_t table_when_absent) {
  table6 = static_cast<std::uint32_t>(section.integer("table6").value_or(static_cast<std::int64_t>(table_when_absent)));
  const auto words = section.texts("families");
  given = words.has_value();
  if (!words) return;
  families.clear();
  for (const auto& word : *words) families.insert(word.text == "ipv6" ? Family::V6 : Family::V4);
}

void split_families(Reading& reading) {
  for (std::size_t i = 0; i < reading.circuits.size(); ++i) reading.circuit_owners.push_back(i);
  for (std::size_t i = 0; i < reading.classes.size(); ++i) reading.class_owners.push_back(i);
  split_circuits(reading);
  if (reading.site.circuits.size() > kMaxCircuits && !reading.circuits.empty())
    reading.circuits.back().complain(
        "families", fmt::format("there are {} circuits with those of IPv6, and {} are the most", reading.site.circuits.size(), kMaxCircuits),
        "fewer of both families");
  const std::size_t written = reading.classes.size();
  for (std::size_t i = 0; i < written; ++i) split_class(reading, i);
  if (reading.site.classes.size() > kMaxClasses && !reading.classes.empty())
    reading.classes.back().complain(
        "families", fmt::format("there are {} classes with those of IPv6, and {} are the most", reading.site.classes.size(), kMaxClasses),
        "fewer of both families");
}

}  // namespace linekeeper::config
