#pragma once
// The site most switch tests speak of: two circuits, a voice class by mark, a data class for everything else.
#include "controller/switch/switch_guards.hpp"

namespace linekeeper::route::fixture {

inline model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }
inline model::Prefix net(const char* text) { return *model::Prefix::parse(text); }

inline DesiredCircuit fiber() {
  return {.name = "fiber", .interface = "wan0", .table = 7101, .gateway = ip("10.0.1.1"), .source = ip("10.0.1.2"), .pinned_sources = {}, .mark = {}};
}
inline DesiredCircuit coax() {
  return {.name = "coax",
          .interface = "wan1",
          .table = 7102,
          .gateway = ip("10.0.2.1"),
          .source = ip("10.0.2.2"),
          .pinned_sources = {net("10.9.9.9")},
          .mark = 0x102};
}
inline DesiredClass voice(const char* circuit) {
  return {.name = "voice", .table = 7201, .circuit = circuit, .escape = false, .mark = 0x10, .source = {}, .incoming_interface = {}};
}
inline DesiredClass everything(const char* circuit) {
  return {.name = "data", .table = 7202, .circuit = circuit, .escape = false, .mark = {}, .source = {}, .incoming_interface = {}};
}
inline Desired site(const char* voice_by, const char* data_by) {
  return {.circuits = {fiber(), coax()}, .classes = {voice(voice_by), everything(data_by)}};
}
inline Apply plan(std::uint64_t generation, Desired d) { return {.generation = generation, .desired = std::move(d), .retired_classes = {}}; }

/// Links up, nothing of ours in the kernel yet.
inline KernelState clean() {
  KernelState s;
  s.links = {{.ifindex = 1, .name = "lo", .up = true, .carrier = true, .addresses = {net("127.0.0.1")}},
             {.ifindex = 2, .name = "wan0", .up = true, .carrier = true, .addresses = {{ip("10.0.1.2"), 24}}},
             {.ifindex = 3, .name = "wan1", .up = true, .carrier = true, .addresses = {{ip("10.0.2.2"), 24}}}};
  return s;
}

/// What a kernel would hold after these operations, route and nexthop coupling included.
inline KernelState carried_out(KernelState s, const std::vector<Operation>& ops) {
  for (const Operation& op : ops) {
    if (const auto* n = std::get_if<Nexthop>(&op.object)) {
      std::erase_if(s.nexthops, [&](const Nexthop& o) { return o.id == n->id; });
      if (op.act == Act::Put)
        s.nexthops.push_back(*n);
      else
        std::erase_if(s.routes, [&](const Route& r) { return r.nexthop == n->id; });
    } else if (const auto* r = std::get_if<Route>(&op.object)) {
      std::erase_if(s.routes, [&](const Route& o) { return o.table == r->table && o.metric == r->metric && o.destination == r->destination; });
      if (op.act == Act::Put) s.routes.push_back(*r);
    } else if (const auto* u = std::get_if<Rule>(&op.object)) {
      if (op.act == Act::Put)
        s.rules.push_back(*u);
      else
        std::erase(s.rules, *u);
    }
  }
  return s;
}

inline KernelState standing_site(const char* voice_by, const char* data_by) {
  const KernelState s = clean();
  return carried_out(s, reach(wanted(site(voice_by, data_by), s), s));
}

inline Memory told(const char* voice_by, const char* data_by, std::uint64_t generation = 1) {
  return {.accepted = generation, .applied = generation, .desired = site(voice_by, data_by), .history = {}};
}

inline model::Instant at(std::chrono::seconds s) { return model::Instant(s); }

/// The IPv6 part of a circuit.
inline DesiredCircuit six(DesiredCircuit four, std::uint32_t table, const char* gateway, const char* source) {
  four.name += "-ipv6";
  four.family = model::Family::V6;
  four.table = table;
  four.gateway = ip(gateway);
  four.source = ip(source);
  four.pinned_sources.clear();
  return four;
}

}  // namespace linekeeper::route::fixture
