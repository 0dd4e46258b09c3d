#pragma once
// The file being read: the Site as far as it has come, and beside each of its parts the section it was read from, so that a
// mistake found by comparing two parts can still be told with its place. One reader for each group of sections; they run in
// the order references point (targets, circuits, classes, carriers, PBXs, trunks), whatever the order of the file.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "config/section.hpp"

namespace linekeeper::config {

/// Which families a circuit or class is to have, and what it has of its own for IPv6.
struct FamilyWish {
  std::set<model::Family> families;
  bool given = false;  ///< by the file
  std::optional<model::IpAddress> gateway6;
  std::optional<model::Prefix> expect_public6;
  model::Nat nat6;
  std::uint32_t table6 = 0;

  [[nodiscard]] bool has(model::Family family) const { return families.contains(family); }
  void read(Section& section, std::uint32_t table_when_absent);  ///< "families", "table6"
};

/// Most circuits and most classes there may be, those of IPv6 counted (the judge tells of circuits by bits of one word).
inline constexpr std::size_t kMaxCircuits = 64, kMaxClasses = 64;

/// What an IPv6 circuit or class is called beside the IPv4 one of the same section.
inline constexpr std::string_view kSecondFamily = "-ipv6";

struct Reading {
  Problems& problems;
  model::Site site;
  std::vector<Section> targets, circuits, classes, carriers, pbxs, trunks, checks;       ///< in the order of the file
  std::vector<Section> probing, circuit_health, carrier_health, connections, resolvers;  ///< one; empty when the file has no such section
  std::vector<FamilyWish> circuit_families, class_families;                              ///< one for each section
  std::vector<std::set<model::Family>> check_families;                                   ///< likewise; empty: not given
  /// Position of the section that each circuit (class) of the Site comes from: the IPv6 ones follow after all others, then carriers' classes.
  std::vector<std::size_t> circuit_owners, class_owners;
  std::set<std::size_t> shared_classes;  ///< positions of sections that say share = true

  [[nodiscard]] const Section& circuit_section(std::size_t position) const { return circuits[circuit_owners[position]]; }
  [[nodiscard]] const Section& class_section(std::size_t position) const { return classes[class_owners[position]]; }
};

void read_settings(Section& root,
                   Reading& reading);  ///< [site] [daemon] [http] [probing] [circuit_health] [carrier_health] [connections] [resolvers]
void read_circuits(Section& root, Reading& reading);  ///< [[target]] [[circuit]]
void read_checks(Section& root, Reading& reading);    ///< [[check]]
void read_classes(Section& root, Reading& reading);   ///< [[class]]
void read_calls(Section& root, Reading& reading);     ///< [calls]
void read_answering(Section& root, Reading& reading);
void check_own_calls(const Reading& reading);
void read_voice(Section& root, Reading& reading);  ///< [[carrier]] [[pbx]] [[trunk]]
void split_families(Reading& reading);             ///< circuits and classes of two families: after all readers, before what is made of them

void fit_checks(Reading& reading);               ///< circuits of checks: after both families are there
void share_classes(Reading& reading);            ///< weights of classes that are shared: after both families are there
void pace_carriers(Reading& reading);            ///< what a carrier hears of all circuits together, shared out: before the checks
void check_presets(const Reading& reading);      ///< keys against the rule of the carrier's etiquette
void steer_carriers_apart(Reading& reading);     ///< classes of carriers: behind those of the second family
void check_resolvers(const Reading& reading);    ///< somebody to name, whatever circuit is in use
void check_connections(const Reading& reading);  ///< marks and translations
void check_overlaps(const Reading& reading);     ///< tables, marks, sources, interfaces, addresses, dispatcher sets, shared names
void check_limits(const Reading& reading);       ///< corroboration, etiquette, timing that contradicts itself
/// The computed worst case against each RTO. Left out where what it is computed from is itself mistaken.
void check_objectives(const Reading& reading);

/// Opens one element of a [[kind]] list and reads its name, which must be unique among `taken`.
/// @param name  the element's name; also set when it is ill-formed, so that references to it are not mistakes of their own
Section open_named(Reading& reading, const toml::table& table, std::string_view kind, std::span<const std::string> taken, std::string& name);

template <class T>
[[nodiscard]] std::vector<std::string> names_of(const std::vector<T>& list) {
  std::vector<std::string> names;
  for (const T& one : list) names.push_back(one.name);
  return names;
}

/// Reads every [[kind]] of the file into `parts`, and keeps the section of each beside it.
/// @param read  (section, part, position): all but the name
template <class T, class Read>
void read_list(Section& root, Reading& reading, std::string_view kind, std::size_t limit, std::vector<T>& parts, std::vector<Section>& sections,
               Read read) {
  for (const toml::table* table : root.tables(kind, limit)) {
    T part;
    Section section = open_named(reading, *table, kind, names_of(parts), part.name);
    read(section, part, parts.size());
    parts.push_back(std::move(part));
    sections.push_back(std::move(section));
  }
}

/// The circuits of one family among `circuits`, in their order: themselves, or their IPv6 twins.
[[nodiscard]] std::vector<model::CircuitId> of_family(const model::Site& site, const std::vector<model::CircuitId>& circuits, model::Family family);
[[nodiscard]] const char* name_of(model::Family family);  ///< "IPv4", "IPv6"

/// Resolves the names in section[key] against `known`; absent: `otherwise`.
template <class Id>
[[nodiscard]] std::vector<Id> references(Section& section, std::string_view key, std::string_view kind, std::span<const std::string> known,
                                         std::vector<Id> otherwise) {
  const auto items = section.texts(key);
  if (!items) return otherwise;
  std::vector<Id> ids;
  for (const auto& item : *items) {
    std::size_t i = 0;
    while (i < known.size() && known[i] != item.text) ++i;
    if (i < known.size()) {
      ids.push_back(model::id_at<Id>(i));
    } else {
      Fault fault = unknown_name(kind, item.text, known);
      section.complain_at(item.place, key, section.label() + " " + std::string(key) + ": " + fault.what, std::move(fault.remedy));
    }
  }
  return ids;
}

/// Most networks that a class's traffic may go to, and most of all classes together: each is a rule that the kernel goes through, and a
/// plan names them all in one message (kMaxDestinations, kMaxMessage in controller/switch/protocol.hpp).
inline constexpr std::size_t kMaxDestinations = 64, kMaxDestinationsTogether = 512;

/// Networks that traffic goes to: none of them everything, none within another.
[[nodiscard]] std::vector<model::Prefix> read_destinations(Section& section, std::string_view key);

/// The keys of one section each: [[carrier]], [[pbx]] and [[trunk]] without their names.
void read_carrier(Section& section, model::Carrier& carrier);
void read_pbx(Section& section, model::Pbx& pbx);
/// The ways of a PBX that asks us, from the trunk that it has.
void give_ways(Reading& reading, std::size_t position);
void read_trunk(Section& section, Reading& reading, model::Trunk& trunk);

/// Every id of `list`: smallest priority first, then the cheaper, then in the order of the file.
template <class Id, class T>
[[nodiscard]] std::vector<Id> by_priority(const std::vector<T>& list) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < list.size(); ++i) ids.push_back(model::id_at<Id>(i));
  std::ranges::sort(ids, {}, [&](Id id) { return std::tuple(list[id.index()].priority, list[id.index()].cost, id); });
  return ids;
}

}  // namespace linekeeper::config
