// Things that may stand only once: each loop compares a later part with the earlier ones and complains at the later.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "config/reading.hpp"
#include "controller/model/rule_order.hpp"

namespace linekeeper::config {
namespace {

/// A value that must be unique, who has it already, in words.
template <class T>
class Taken {
 public:
  /// @return who had it before, or nothing
  std::optional<std::string> take(const T& value, const std::string& who) {
    const auto [at, fresh] = owners_.emplace(value, who);
    return fresh ? std::nullopt : std::optional(at->second);
  }
  [[nodiscard]] std::optional<std::string> owner_of(const T& value) const {
    const auto at = owners_.find(value);
    return at == owners_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  std::map<T, std::string> owners_;
};

void check_tables_and_marks(const Reading& reading) {
  Taken<std::uint32_t> tables, marks;
  const auto table = [&](const Section& section, std::uint32_t number, std::string_view key) {
    if (const auto owner = tables.take(number, section.label())) {
      section.complain(key, fmt::format("{} and {} both use routing table {}", section.label(), *owner, number),
                       fmt::format("a table of its own, {} to {}", kTableFirst, kTableLast));
    }
  };
  const auto key_of = [](model::Family family) { return family == model::Family::V4 ? "table" : "table6"; };
  for (std::size_t i = 0; i < reading.circuits.size(); ++i) {
    const Section& section = reading.circuits[i];
    const model::Circuit& circuit = reading.site.circuits[i];
    table(section, circuit.table, key_of(circuit.family));
    if (!circuit.mark) continue;
    if (const auto owner = marks.take(*circuit.mark, section.label())) {
      section.complain("mark", fmt::format("{} and {} both use mark {:#x}", section.label(), *owner, *circuit.mark), "a mark of its own");
    }
  }
  for (std::size_t i = 0; i < reading.classes.size(); ++i) {
    const Section& section = reading.classes[i];
    const model::TrafficClass& steered = reading.site.classes[i];
    table(section, steered.table, key_of(steered.family));
    if (!steered.match.mark) continue;
    // Two classes may share a mark and differ in another condition; a circuit's mark never reaches a class.
    if (const auto owner = marks.owner_of(*steered.match.mark)) {
      section.complain("match", fmt::format("{} matches mark {:#x}, which is {}'s", section.label(), *steered.match.mark, *owner),
                       "a mark that selects no circuit");
    }
  }
  for (std::size_t i = reading.circuits.size(); i < reading.site.circuits.size(); ++i)
    table(reading.circuit_section(i), reading.site.circuits[i].table, "table6");
  for (std::size_t i = reading.classes.size(); i < reading.site.classes.size(); ++i)
    if (const auto& apart = reading.site.classes[i].apart)
      table(reading.carriers[apart->carrier.index()], reading.site.classes[i].table, "steer_apart");
    else
      table(reading.class_section(i), reading.site.classes[i].table, "table6");
}

void check_devices_and_addresses(const Reading& reading) {
  Taken<std::string> devices;
  for (std::size_t i = 0; i < reading.circuits.size(); ++i) {
    const std::string& device = reading.site.circuits[i].interface;
    if (device.empty()) continue;
    if (const auto owner = devices.take(device, reading.circuits[i].label())) {
      reading.circuits[i].complain("interface", fmt::format("{} and {} both use interface {}", reading.circuits[i].label(), *owner, quoted(device)),
                                   "one interface each: probes are kept on their circuit by its device");
    }
  }
  Taken<model::IpAddress> addresses;
  for (std::size_t i = 0; i < reading.targets.size(); ++i) {
    if (!reading.targets[i].has("address")) continue;
    const model::IpAddress& address = reading.site.targets[i].address;
    if (address == model::IpAddress{}) continue;  // ill-formed: told already
    if (const auto owner = addresses.take(address, reading.targets[i].label())) {
      reading.targets[i].complain("address", fmt::format("{} and {} have the same address", reading.targets[i].label(), *owner),
                                  "another host: one host counted twice proves nothing more");
    }
  }
}

void check_pinned_sources(const Reading& reading) {
  std::vector<std::pair<model::Prefix, std::size_t>> seen;
  for (std::size_t i = 0; i < reading.site.circuits.size(); ++i) {
    const Section& section = reading.circuit_section(i);
    for (const model::Prefix& source : reading.site.circuits[i].sources) {
      for (const auto& [other, owner] : seen) {
        if (!source.overlaps(other)) continue;
        section.complain("sources",
                         fmt::format("{} pins {}, which overlaps {} of {}", section.label(), source.to_string(), other.to_string(),
                                     reading.circuit_section(owner).label()),
                         "a source leaves by one circuit only");
        break;
      }
      seen.emplace_back(source, i);
    }
  }
  for (std::size_t i = 0; i < reading.classes.size(); ++i) {
    const auto& wanted = reading.site.classes[i].match.source;
    for (const auto& [pinned, owner] : seen) {
      if (!wanted || pinned.length > wanted->length || !pinned.contains(wanted->address)) continue;
      reading.classes[i].complain("match",
                                  fmt::format("{} can never match: {} is pinned to {}", reading.classes[i].label(), wanted->to_string(),
                                              reading.circuit_section(owner).label()),
                                  "a source that is not pinned, or unpin it");
    }
  }
}

/// Both go to one network, or both to anywhere.
bool destinations_meet(const model::ClassMatch& a, const model::ClassMatch& b) {
  if (a.destinations.empty() || b.destinations.empty()) return a.destinations.empty() && b.destinations.empty();
  return std::ranges::any_of(a.destinations, [&](const model::Prefix& p) {
    return std::ranges::any_of(b.destinations, [&](const model::Prefix& q) { return p.overlaps(q); });
  });
}

/// Whatever `later` matches, `earlier` does.
bool takes_all_of(const model::ClassMatch& earlier, const model::ClassMatch& later) {
  const auto holds_all = [](const model::Prefix& wide, const model::Prefix& narrow) {
    return wide.length <= narrow.length && wide.contains(narrow.address);
  };
  if (earlier.mark && earlier.mark != later.mark) return false;
  if (earlier.incoming_interface && earlier.incoming_interface != later.incoming_interface) return false;
  if (earlier.source && (!later.source || !holds_all(*earlier.source, *later.source))) return false;
  if (earlier.destinations.empty()) return true;
  return !later.destinations.empty() && std::ranges::all_of(later.destinations, [&](const model::Prefix& p) {
    return std::ranges::any_of(earlier.destinations, [&](const model::Prefix& wide) { return holds_all(wide, p); });
  });
}

/// The first match that holds takes a packet: one that stands behind a wider one would never be asked.
void check_class_order(const Reading& reading) {
  const model::Site& site = reading.site;
  if (reading.problems.mention("class") || reading.problems.mention("carrier")) return;  // told already
  const auto order = model::rule_order(site);
  for (auto later = order.begin(); later != order.end(); ++later) {
    const model::TrafficClass& c = site[*later];
    if (c.match.destinations.empty()) continue;
    const auto before =
        std::find_if(order.begin(), later, [&](model::ClassId id) { return site[id].family == c.family && takes_all_of(site[id].match, c.match); });
    if (before == later) continue;
    const Section& section = c.apart ? reading.carriers[c.apart->carrier.index()] : reading.class_section(later->index());
    section.complain(c.apart ? "steer_apart" : "match",
                     fmt::format("{} can never match: class {} stands before it and takes all of its traffic",
                                 c.apart ? "class " + quoted(c.name) + " of " + section.label() : section.label(), quoted(site[*before].name)),
                     c.apart ? "a trunk of that class, or steer_apart = false" : "put it before that one");
  }
}

void check_class_matches(const Reading& reading) {
  const auto& classes = reading.site.classes;
  for (std::size_t i = 0; i < reading.classes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (std::ranges::none_of(reading.class_families[i].families, [&](model::Family f) { return reading.class_families[j].has(f); })) continue;
      const model::ClassMatch &a = classes[i].match, &b = classes[j].match;
      const bool sources_meet = a.source && b.source ? a.source->overlaps(*b.source) : !a.source && !b.source;
      if (a.mark != b.mark || a.incoming_interface != b.incoming_interface || !sources_meet || !destinations_meet(a, b)) continue;
      const Section& section = reading.classes[i];
      if (a.everything() && (section.has("match") || reading.classes[j].has("match"))) continue;  // a match that was ill-formed: told already
      const std::string both = section.label() + " and " + reading.classes[j].label();
      if (a.everything()) {
        section.complain("match", both + " both take everything else", "at most one class without match");
      } else {
        section.complain("match", both + " match the same traffic", "conditions that cannot both hold");
      }
      break;
    }
  }
}

void check_trunks(const Reading& reading) {
  const model::Site& site = reading.site;
  Taken<std::string> sockets, class_names;
  for (std::size_t i = 0; i < reading.pbxs.size(); ++i) {
    const std::string& socket = site.pbxs[i].rpc_socket;
    if (socket.empty()) continue;
    if (const auto owner = sockets.take(socket, reading.pbxs[i].label())) {
      reading.pbxs[i].complain("rpc_socket", fmt::format("{} and {} have the same rpc_socket", reading.pbxs[i].label(), *owner),
                               "one [[pbx]] for one Kamailio");
    }
  }
  for (std::size_t i = 0; i < reading.classes.size(); ++i) class_names.take(site.classes[i].name, reading.classes[i].label());
  Taken<std::pair<model::PbxId, std::string>> keys;
  std::map<std::pair<model::PbxId, int>, const model::TrunkMember*> sets;
  for (std::size_t i = 0; i < reading.trunks.size(); ++i) {
    const Section& section = reading.trunks[i];
    const model::Trunk& trunk = site.trunks[i];
    if (site.pbxs.empty()) return;
    if (!trunk.name.empty() && class_names.owner_of(trunk.name)) {
      section.complain("name", fmt::format("a class and a trunk are both called {}", quoted(trunk.name)),
                       "people type it: `linekeeper failover NAME` must mean one thing");
    }
    if (const auto owner = keys.take({trunk.pbx, trunk.key}, section.label())) {
      section.complain(
          "key",
          fmt::format("{} and {} write the same key {} of {}", section.label(), *owner, quoted(trunk.key), reading.pbxs[trunk.pbx.index()].label()),
          "a key of its own");
    }
    for (const model::TrunkMember& member : trunk.members) {
      const auto [at, fresh] = sets.emplace(std::pair(trunk.pbx, member.dispatcher_set), &member);
      if (fresh || (at->second->carrier == member.carrier && at->second->circuit == member.circuit)) continue;  // two trunks may offer the same way
      const bool named = !member.called.empty();
      section.complain(named ? "ways" : "sets",
                       fmt::format("{} {}: {} stands for two different ways", section.label(), named ? "ways" : "sets", member.in_pbx()),
                       fmt::format("a {} of its own for each carrier and circuit", named ? "name" : "dispatcher set"));
    }
  }
}

}  // namespace

void check_overlaps(const Reading& reading) {
  check_tables_and_marks(reading);
  check_devices_and_addresses(reading);
  check_pinned_sources(reading);
  check_class_matches(reading);
  check_class_order(reading);
  check_trunks(reading);
}

}  // namespace linekeeper::config
