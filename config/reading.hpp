#pragma once
// The file being read: the Site as far as it has come, and beside each of its parts the section it was read from, so that a
// mistake found by comparing two parts can still be told with its place. One reader for each group of sections; they run in
// the order references point (targets, circuits, classes, carriers, PBXs, trunks), whatever the order of the file.
#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "config/section.hpp"

namespace linekeeper::config {

struct Reading {
  Problems& problems;
  model::Site site;
  std::vector<Section> targets, circuits, classes, carriers, pbxs, trunks;    ///< one for each element of the Site's lists
  std::vector<Section> probing, circuit_health, carrier_health, connections;  ///< one; empty when the file has no such section
};

void read_settings(Section& root, Reading& reading);  ///< [site] [daemon] [http] [probing] [circuit_health] [carrier_health] [connections]
void read_circuits(Section& root, Reading& reading);  ///< [[target]] [[circuit]]
void read_classes(Section& root, Reading& reading);   ///< [[class]]
void read_voice(Section& root, Reading& reading);     ///< [[carrier]] [[pbx]] [[trunk]]

void check_connections(const Reading& reading);  ///< marks and translations
void check_overlaps(const Reading& reading);     ///< tables, marks, sources, interfaces, addresses, dispatcher sets, shared names
void check_limits(const Reading& reading);       ///< corroboration, etiquette, timing that contradicts itself
/// The computed worst case against each RTO. Left out where what it is computed from is itself mistaken.
void check_objectives(const Reading& reading);

/// Opens one element of a [[kind]] list and reads its name, which must be unique among `taken`.
/// @param name  the element's name; also set when it is ill-formed, so that references to it are not mistakes of their own
Section open_named(Reading& reading, const toml::table& table, std::string_view kind, std::span<const std::string> taken, std::string& name);

/// An IPv6 address is well-formed but not steered yet: a mistake that says so.
[[nodiscard]] bool is_ipv4(const Section& section, std::string_view key, Place place, const model::IpAddress& address);

template <class T>
[[nodiscard]] std::vector<std::string> names_of(const std::vector<T>& list) {
  std::vector<std::string> names;
  for (const T& one : list) names.push_back(one.name);
  return names;
}

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

/// Every id of `list`: smallest priority first, then the cheaper, then in the order of the file.
template <class Id, class T>
[[nodiscard]] std::vector<Id> by_priority(const std::vector<T>& list) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < list.size(); ++i) ids.push_back(model::id_at<Id>(i));
  std::ranges::sort(ids, {}, [&](Id id) { return std::tuple(list[id.index()].priority, list[id.index()].cost, id); });
  return ids;
}

}  // namespace linekeeper::config
