#include "controller/switch/flow_drains.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/switch/flow_marks.hpp"
#include "controller/switch/route_diff.hpp"

namespace linekeeper::route {
namespace {

using model::Instant;

template <class Part>
const Part* named(const std::vector<Part>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Part::name);
  return found == all.end() ? nullptr : &*found;
}
template <class Part>
const Part* numbered(const std::vector<Part>& all, std::uint32_t flow) {
  const auto found = std::ranges::find(all, flow, &Part::flow);
  return found == all.end() ? nullptr : &*found;
}

/// What one plan means for the connections that one class has on one circuit.
struct Leaving {
  const DesiredCircuit& circuit;
  const DesiredClass& traffic_class;
  bool moved;    ///< the class goes another way than in the plan before, or there was none
  bool died;     ///< the circuit was not dead (for the class) in the plan before
  bool removed;  ///< the circuit is in the plan before only
  bool led;      ///< the class is shared, and what it has there can go on elsewhere as it is
  [[nodiscard]] Behind state() const {
    if (removed) return Behind::Removed;
    if (traffic_class.dead_on(circuit)) return Behind::Dead;
    return led ? Behind::Unshared : Behind::Drains;
  }
};

void leave(FlowMemory& memory, const Leaving& l, Instant now) {
  const auto entry = std::ranges::find_if(memory.behind, [&](const LeftBehind& b) {
    return b.family == l.circuit.family && b.circuit == l.circuit.flow && b.traffic_class == l.traffic_class.flow;
  });
  const bool known = entry != memory.behind.end();
  const Behind state = l.state();
  if (known && (entry->state != Behind::Drains || state == Behind::Drains)) return;  // as it was, or being deleted already
  if (!known && !l.moved && !(state == Behind::Dead && l.died)) return;
  LeftBehind fresh{.family = l.circuit.family,
                   .circuit = l.circuit.flow,
                   .traffic_class = l.traffic_class.flow,
                   .circuit_name = l.circuit.name,
                   .state = state,
                   .deadline = now + l.traffic_class.drain,
                   .next = now};
  if (!known) return memory.behind.push_back(fresh);
  fresh.flows = entry->flows;
  *entry = fresh;
}

void leave_circuits(FlowMemory& memory, const std::optional<Desired>& before, const Desired& plan, const DesiredClass& c, Instant now) {
  const DesiredCircuit* way = named(plan.circuits, c.circuit);
  if (way == nullptr) return;  // steered nowhere: nothing is better than what they have
  const auto goes_by = [&](const DesiredCircuit& x) { return c.goes_by(x.name); };
  std::erase_if(memory.behind, [&](const LeftBehind& b) {
    const DesiredCircuit* x = numbered(plan.circuits, b.circuit);
    return b.family == c.family && b.traffic_class == c.flow && x != nullptr && goes_by(*x);
  });
  const DesiredClass* was = before ? named(before->classes, c.name) : nullptr;
  const bool moved = was == nullptr || was->circuit.empty() ||
                     std::ranges::any_of(before->circuits, [&](const DesiredCircuit& x) { return was->goes_by(x.name) && !goes_by(x); });
  if (was != nullptr && was->drain != c.drain)
    for (LeftBehind& b : memory.behind)
      if (b.family == c.family && b.traffic_class == c.flow) b.deadline += c.drain - was->drain;
  for (const DesiredCircuit& x : plan.circuits) {
    if (goes_by(x)) continue;
    const DesiredCircuit* stood = before ? named(before->circuits, x.name) : nullptr;
    const bool was_dead = stood != nullptr && (was != nullptr ? was->dead_on(*stood) : stood->dead);
    const bool led = !c.shares.empty() && !led_to(c, &x, plan).empty();
    leave(memory, {.circuit = x, .traffic_class = c, .moved = moved, .died = !was_dead, .removed = false, .led = led}, now);
  }
  if (!before) return;
  for (const DesiredCircuit& x : before->circuits) {
    if (named(plan.circuits, x.name) != nullptr) continue;
    leave(memory, {.circuit = x, .traffic_class = c, .moved = moved, .died = false, .removed = true, .led = false}, now);
  }
}

void forget_addresses(FlowMemory& memory, const std::optional<Desired>& before, const Desired& plan, model::Family family, Instant now) {
  std::erase_if(memory.old_addresses, [&](const OldAddress& o) {
    if (o.address.family != family) return false;
    const DesiredCircuit* c = numbered(plan.circuits, o.circuit);
    return c == nullptr || c->source == o.address;  // it has it again
  });
  if (!before) return;
  for (const DesiredCircuit& c : plan.circuits) {
    const DesiredCircuit* was = named(before->circuits, c.name);
    if (was == nullptr || !was->source || was->source == c.source) continue;
    const bool known =
        std::ranges::any_of(memory.old_addresses, [&](const OldAddress& o) { return o.circuit == c.flow && o.address == was->source; });
    if (!known) memory.old_addresses.push_back({.circuit = c.flow, .address = *was->source, .next = now});
  }
}

/// Why connections of the class may not go there now; empty: they may.
std::string keeps_from_going(const DesiredClass& c, const DesiredCircuit& way, const Desired& desired, const KernelState& observed) {
  if (c.dead_on(way)) return fmt::format("{}, where class {} goes, is dead too", way.name, c.name);
  const Link* link = observed.link(way.interface);
  if (link == nullptr || !link->usable()) return fmt::format("{} has no link", way.name);
  if (!holds(circuits_in_kernel(c.table, desired.circuits, observed), way.name))
    return fmt::format("the kernel does not send class {} by {}", c.name, way.name);
  return {};
}

/// The next of the three looks of deleting. @return false: that was the last.
bool next_deletion(std::uint32_t& looks, Instant& next, bool whole, Instant now) {
  if (!whole) {
    next = now;
    return true;
  }
  if (looks >= std::size(kStraysAfter)) return false;
  next = now + kStraysAfter[looks++];
  return true;
}

}  // namespace

void leave_behind(FlowMemory& memory, const std::optional<Desired>& stood, const Desired& given, Instant now) {
  if (given.flow_mask == 0) {
    memory.behind.clear();
    memory.old_addresses.clear();
    return;
  }
  for (const model::Family family : {model::Family::V4, model::Family::V6}) {
    const Desired plan = family_part(given, family);
    const auto before = stood ? std::optional(family_part(*stood, family)) : std::nullopt;
    std::erase_if(memory.behind, [&](const LeftBehind& b) { return b.family == family && numbered(plan.classes, b.traffic_class) == nullptr; });
    for (const DesiredClass& c : plan.classes) leave_circuits(memory, before, plan, c, now);
    forget_addresses(memory, before, plan, family, now);
  }
}

Instant due_at(const LeftBehind& left) {
  // A deadline that had come at the look before, when something kept it from being carried out, is no reason to look sooner.
  const bool ahead = left.state == Behind::Drains && left.deadline > left.next - kCountDrainsEvery;
  return ahead ? std::min(left.next, left.deadline) : left.next;
}

std::optional<Instant> next_look(const FlowMemory& memory) {
  std::optional<Instant> first;
  const auto sooner = [&](Instant at) { first = first ? std::min(*first, at) : at; };
  for (const LeftBehind& b : memory.behind) sooner(due_at(b));
  for (const OldAddress& o : memory.old_addresses) sooner(o.next);
  return first;
}

std::vector<Elsewhere> led_to(const DesiredClass& c, const DesiredCircuit* from, const Desired& plan) {
  const auto translates = [](const DesiredCircuit& x) { return x.nat.kind != Nat::Kind::Off; };
  std::vector<Elsewhere> ways;
  if (from != nullptr && translates(*from)) return ways;
  for (const DesiredCircuit& x : plan.circuits) {
    if (!c.goes_by(x.name) || x.flow == 0 || translates(x)) continue;
    if (c.dead_on(x) && x.name != c.circuit) continue;  // of a share only what lives; where nothing does its first
    const auto share = std::ranges::find(c.shares, x.name, &DesiredShare::circuit);
    ways.push_back({.mark = FlowMarks(plan.flow_mask).value(x.flow, c.flow), .weight = share == c.shares.end() ? 1 : share->weight});
  }
  return ways;
}

std::string keeps_from_cutting(const LeftBehind& left, const Desired& given, const KernelState& observed) {
  const Desired desired = family_part(given, left.family);
  const DesiredClass* c = numbered(desired.classes, left.traffic_class);
  if (c == nullptr || named(desired.circuits, c->circuit) == nullptr) return "its class goes by no circuit";
  const DesiredCircuit* own = numbered(desired.circuits, left.circuit);
  if (own != nullptr && c->goes_by(own->name)) return fmt::format("class {} goes by it", c->name);
  std::string why;  // of a share one way is enough
  for (const DesiredCircuit& way : desired.circuits) {
    if (!c->goes_by(way.name)) continue;
    why = keeps_from_going(*c, way, desired, observed);
    if (why.empty()) break;
  }
  return why;
}

std::string keeps_from_cutting(const OldAddress& old, const Desired& given, const KernelState& observed) {
  const Desired desired = family_part(given, old.address.family);
  const DesiredCircuit* c = numbered(desired.circuits, old.circuit);
  if (c == nullptr) return "its circuit is no longer configured";
  const Link* link = observed.link(c->interface);
  if (!c->source || !c->gateway || link == nullptr || !link->usable()) return fmt::format("{} has no other address yet", c->name);
  if (holds(link->addresses, old.address, &model::Prefix::address)) return fmt::format("{} still has {}", c->name, old.address.to_string());
  return {};
}

bool to_be_cut(const LeftBehind& left, Instant now) { return left.state != Behind::Drains || now >= left.deadline; }

bool looked(LeftBehind& left, std::uint64_t flows, bool cutting, bool whole, Instant now) {
  const bool first_count = left.flows == 0 && left.looks == 0;
  left.flows = flows;
  if (cutting) {
    if (left.state == Behind::Drains) left.state = Behind::Deadline;
    left.flows = 0;
    return next_deletion(left.looks, left.next, whole, now);
  }
  left.next = now + kCountDrainsEvery;
  if (flows != 0 || left.state != Behind::Drains) return true;
  // Nothing at the first look is no proof: a packet that was routed just before the move may be marked just after it.
  left.looks = 1;
  return first_count;
}

bool looked(OldAddress& old, bool whole, Instant now) { return next_deletion(old.looks, old.next, whole, now); }

std::string_view to_string(Behind b) {
  switch (b) {
    case Behind::Drains: return "drains";
    case Behind::Dead: return "dead";
    case Behind::Deadline: return "deadline";
    case Behind::Removed: return "removed";
    case Behind::Unshared: return "unshared";
  }
  return "?";
}

}  // namespace linekeeper::route
