#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::int64_t kMaxSet = 65535;

/// One reference by name; when the key is absent, the only element there is.
template <class Id>
std::optional<Id> reference(Section& section, std::string_view key, std::span<const std::string> known) {
  const auto name = section.text(key);
  if (!name) {
    if (section.has(key)) return std::nullopt;  // ill-formed: told already
    if (known.size() == 1) return model::id_at<Id>(0);
    section.complain(key, fmt::format("{} has no {}", section.label(), key),
                     known.empty() ? fmt::format("configure a [[{}]] first", key) : fmt::format("name one of {}", listed(known)));
    return std::nullopt;
  }
  const auto found = std::ranges::find(known, *name);
  if (found != known.end()) return model::id_at<Id>(static_cast<std::size_t>(found - known.begin()));
  Fault fault = unknown_name(key, *name, known);
  section.complain(key, fmt::format("{}: {}", section.label(), fault.what), std::move(fault.remedy));
  return std::nullopt;
}

/// One dispatcher set number.
std::optional<int> set_number(const Section& section, const toml::node& node, std::string_view of) {
  const auto* value = node.as_integer();
  if (value != nullptr && value->get() >= 1 && value->get() <= kMaxSet) return static_cast<int>(value->get());
  const std::string found = value != nullptr ? fmt::format("{}", value->get()) : std::string(type_words(node));
  section.complain_at(place_of(node.source()), "sets", fmt::format("{} sets: the set of {} is {}", section.label(), of, found),
                      "a dispatcher set number, 1 to 65535");
  return std::nullopt;
}

/// sets.CARRIER = { CIRCUIT = N, ... }: members in the class's order of circuits.
void read_circuit_sets(const Section& section, const toml::table& table, model::CarrierId carrier, const Reading& reading, model::Trunk& trunk) {
  const auto& circuits = reading.site[trunk.traffic_class].circuits;
  const std::string& carrier_name = reading.site[carrier].name;
  std::vector<std::string> known;
  for (const auto circuit : circuits) {
    const std::string& name = reading.site[circuit].name;
    known.push_back(name);
    const toml::node* node = table.get(name);
    if (node == nullptr) continue;  // this carrier cannot be reached by that circuit (address not provisioned): allowed
    if (const auto set = set_number(section, *node, quoted(carrier_name) + " by " + quoted(name))) trunk.members.push_back({carrier, circuit, *set});
  }
  for (auto&& [key, node] : table) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    Fault fault = unknown_name("circuit", key.str(), known);
    section.complain_at(place_of(key.source()), "sets",
                        fmt::format("{} sets of {}: {} in class {}", section.label(), quoted(carrier_name), fault.what,
                                    quoted(reading.site[trunk.traffic_class].name)),
                        std::move(fault.remedy));
  }
  if (table.empty()) {
    section.complain_at(place_of(table.source()), "sets", fmt::format("{} sets: {} has no set at all", section.label(), quoted(carrier_name)),
                        "a set for each circuit, or one number");
  }
}

void read_sets(Section& section, const Reading& reading, model::Trunk& trunk) {
  const toml::table* table = section.table("sets");
  if (table == nullptr) return;
  std::vector<std::string> known;
  for (const auto carrier : trunk.carriers) {
    const std::string& name = reading.site[carrier].name;
    known.push_back(name);
    const toml::node* node = table->get(name);
    if (node == nullptr) {
      section.complain("sets", fmt::format("{} sets: carrier {} has none", section.label(), quoted(name)),
                       "every carrier of the trunk needs its dispatcher set");
    } else if (node->is_table()) {
      read_circuit_sets(section, *node->as_table(), carrier, reading, trunk);
    } else if (const auto set = set_number(section, *node, quoted(name))) {
      trunk.members.push_back({carrier, std::nullopt, *set});
    }
  }
  for (auto&& [key, node] : *table) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    Fault fault = unknown_name("carrier", key.str(), known);
    section.complain_at(place_of(key.source()), "sets", fmt::format("{} sets: {} in this trunk", section.label(), fault.what),
                        std::move(fault.remedy));
  }
}

}  // namespace

void read_trunk(Section& section, Reading& reading, model::Trunk& trunk) {
  const auto& site = reading.site;
  const auto pbx = reference<model::PbxId>(section, "pbx", names_of(site.pbxs));
  const auto traffic_class = reference<model::ClassId>(section, "class", names_of(site.classes));
  trunk.carriers = references(section, "carriers", "carrier", names_of(site.carriers), by_priority<model::CarrierId>(site.carriers));
  if (trunk.carriers.empty() && !section.has("carriers")) {
    section.complain("carriers", fmt::format("{} has no carrier: none is configured", section.label()), "configure a [[carrier]] first");
  }
  section.text("key", trunk.key);
  section.duration("rto", trunk.rto);
  section.flag("emergency", trunk.emergency);
  if (const auto calls = section.integer("busy_hour_calls")) trunk.busy_hour_calls = static_cast<int>(*calls);
  trunk.busy_hour_calls_per_second = section.number("busy_hour_calls_per_second");
  if (const auto failback = section.text("failback")) trunk.failback = *parse_failback(*failback);
  trunk.pbx = pbx.value_or(model::PbxId{});
  trunk.traffic_class = traffic_class.value_or(model::ClassId{});
  if (traffic_class)
    read_sets(section, reading, trunk);
  else
    section.table("sets");  // its circuits are those of the class: nothing to compare with
  section.finish();
}

}  // namespace linekeeper::config
