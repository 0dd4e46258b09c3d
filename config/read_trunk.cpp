#include <fmt/format.h>

#include <algorithm>

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

/// What a trunk's ways are called in its PBX, and under which key of the configuration they stand.
struct Naming {
  bool numbers = true;  ///< Kamailio's dispatcher sets
  [[nodiscard]] const char* key() const { return numbers ? "sets" : "ways"; }
  [[nodiscard]] const char* one() const { return numbers ? "set" : "way"; }
  [[nodiscard]] const char* remedy() const {
    return numbers ? "a dispatcher set number, 1 to 65535" : "a name of 1 to 64 letters, digits or . _ - : @ + /, in quotes";
  }
};

struct Way {
  int number = 0;
  std::string called;
};

bool is_way(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("._-:@+/").contains(c);
  });
}

/// The number of a name within its PBX: that of the same name elsewhere there, or the next.
int number_of(const std::string& name, const model::Trunk& trunk, const Reading& reading) {
  int most = 0;
  const auto look = [&](const model::Trunk& t) -> std::optional<int> {
    if (t.pbx != trunk.pbx) return std::nullopt;
    for (const model::TrunkMember& m : t.members) {
      if (m.called == name) return m.dispatcher_set;
      most = std::max(most, m.dispatcher_set);
    }
    return std::nullopt;
  };
  for (const model::Trunk& t : reading.site.trunks)
    if (const auto known = look(t)) return *known;
  if (const auto known = look(trunk)) return *known;
  return most + 1;
}

std::optional<Way> read_way(const Section& section, Naming naming, const toml::node& node, std::string_view of, const model::Trunk& trunk,
                            const Reading& reading) {
  const auto* number = node.as_integer();
  const auto* name = node.as_string();
  if (naming.numbers && number != nullptr && number->get() >= 1 && number->get() <= kMaxSet) return Way{static_cast<int>(number->get()), {}};
  if (!naming.numbers && name != nullptr && is_way(name->get())) return Way{number_of(name->get(), trunk, reading), name->get()};
  const std::string found = naming.numbers && number != nullptr  ? fmt::format("{}", number->get())
                            : !naming.numbers && name != nullptr ? quoted(name->get())
                                                                 : std::string(type_words(node));
  section.complain_at(place_of(node.source()), naming.key(),
                      fmt::format("{} {}: the {} of {} is {}", section.label(), naming.key(), naming.one(), of, found), naming.remedy());
  return std::nullopt;
}

/// sets.CARRIER = { CIRCUIT = N, ... }: members in the class's order of circuits.
void read_circuit_ways(const Section& section, Naming naming, const toml::table& table, model::CarrierId carrier, const Reading& reading,
                       model::Trunk& trunk) {
  const auto& circuits = reading.site[trunk.traffic_class].circuits;
  const std::string& carrier_name = reading.site[carrier].name;
  std::vector<std::string> known;
  for (const auto circuit : circuits) {
    const std::string& name = reading.site[circuit].name;
    known.push_back(name);
    const toml::node* node = table.get(name);
    if (node == nullptr) continue;  // this carrier cannot be reached by that circuit (address not provisioned): allowed
    if (auto way = read_way(section, naming, *node, quoted(carrier_name) + " by " + quoted(name), trunk, reading))
      trunk.members.push_back({.carrier = carrier, .circuit = circuit, .dispatcher_set = way->number, .called = std::move(way->called)});
  }
  for (auto&& [key, node] : table) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    Fault fault = unknown_name("circuit", key.str(), known);
    section.complain_at(place_of(key.source()), naming.key(),
                        fmt::format("{} {} of {}: {} in class {}", section.label(), naming.key(), quoted(carrier_name), fault.what,
                                    quoted(reading.site[trunk.traffic_class].name)),
                        std::move(fault.remedy));
  }
  if (table.empty()) {
    section.complain_at(place_of(table.source()), naming.key(),
                        fmt::format("{} {}: {} has no {} at all", section.label(), naming.key(), quoted(carrier_name), naming.one()),
                        fmt::format("a {} for each circuit, or {}", naming.one(), naming.numbers ? "one number" : "one name"));
  }
}

void read_ways(Section& section, Naming naming, const Reading& reading, model::Trunk& trunk) {
  const toml::table* table = section.table(naming.key());
  if (table == nullptr) {
    if (!section.has(naming.key()))
      section.complain(naming.key(), fmt::format("{} has no {}", section.label(), naming.key()),
                       naming.numbers ? "for example: sets = { north = { fiber = 11, coax = 12 }, south = 21 }"
                                      : R"(for example: ways = { north = { fiber = "north-w1", coax = "north-w2" }, south = "south" })");
    return;
  }
  std::vector<std::string> known;
  for (const auto carrier : trunk.carriers) {
    const std::string& name = reading.site[carrier].name;
    known.push_back(name);
    const toml::node* node = table->get(name);
    if (node == nullptr) {
      section.complain(
          naming.key(), fmt::format("{} {}: carrier {} has none", section.label(), naming.key(), quoted(name)),
          naming.numbers ? "every carrier of the trunk needs its dispatcher set" : "every carrier of the trunk needs its name in the PBX");
    } else if (node->is_table()) {
      read_circuit_ways(section, naming, *node->as_table(), carrier, reading, trunk);
    } else if (auto way = read_way(section, naming, *node, quoted(name), trunk, reading)) {
      trunk.members.push_back({.carrier = carrier, .circuit = std::nullopt, .dispatcher_set = way->number, .called = std::move(way->called)});
    }
  }
  for (auto&& [key, node] : *table) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    Fault fault = unknown_name("carrier", key.str(), known);
    section.complain_at(place_of(key.source()), naming.key(), fmt::format("{} {}: {} in this trunk", section.label(), naming.key(), fault.what),
                        std::move(fault.remedy));
  }
}

/// The one of the two keys that is not its PBX's. @return whether it stands there
bool refuse_other(Section& section, Naming naming) {
  const Naming other{.numbers = !naming.numbers};
  if (section.table(other.key()) == nullptr) return false;
  section.complain(other.key(), fmt::format("{} {}: its PBX's ways are {}", section.label(), other.key(), naming.numbers ? "numbers" : "names"),
                   fmt::format("write them as {}", naming.key()));
  return true;
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
  const Naming naming{.numbers = !pbx || site[*pbx].driver == model::PbxDriver::Kamailio};
  if (traffic_class && pbx) {
    const bool told = refuse_other(section, naming);
    if (told && section.table(naming.key()) == nullptr) return section.finish();  // one mistake, not two
    read_ways(section, naming, reading, trunk);
  } else {  // its circuits are those of the class: nothing to compare with
    section.table("sets");
    section.table("ways");
  }
  section.finish();
}

}  // namespace linekeeper::config
