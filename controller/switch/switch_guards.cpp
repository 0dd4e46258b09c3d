#include "controller/switch/switch_guards.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "controller/switch/flow_marks.hpp"

namespace linekeeper::route {
namespace {

using model::Duration;
using model::Instant;

constexpr std::uint32_t kAgainAfterLostPath = 100;  // ms; the brain hears of the link by itself, and sooner

Refused refusal(const Apply& plan, std::string guard, std::string why, std::string remedy, std::vector<std::string> classes = {}) {
  return {
      .generation = plan.generation, .guard = std::move(guard), .why = std::move(why), .remedy = std::move(remedy), .classes = std::move(classes)};
}

const DesiredCircuit* find_circuit(const std::vector<DesiredCircuit>& circuits, std::string_view name) {
  const auto found = std::ranges::find(circuits, name, &DesiredCircuit::name);
  return found == circuits.end() ? nullptr : &*found;
}

const DesiredClass* remembered(const DesiredClass& c, const Memory& memory) {
  if (!memory.desired) return nullptr;
  const auto found = std::ranges::find(memory.desired->classes, c.table, &DesiredClass::table);
  return found == memory.desired->classes.end() ? nullptr : &*found;
}

/// Names of the circuits that a class goes by, the first of a share first.
std::vector<std::string> ways_of(const DesiredClass& c) {
  std::vector<std::string> names;
  if (!c.circuit.empty()) names.push_back(c.circuit);
  for (const DesiredShare& s : c.shares)
    if (s.circuit != c.circuit) names.push_back(s.circuit);
  return names;
}

/// The tables of the circuits a class was told to use: what tells a move from a mere renaming of a circuit.
std::vector<std::uint32_t> told_tables(const DesiredClass& c, const Memory& memory, const KernelState& observed,
                                       const std::vector<DesiredCircuit>& circuits) {
  const DesiredClass* before = remembered(c, memory);
  const bool by_memory = before != nullptr && !before->circuit.empty();
  const auto names = by_memory ? ways_of(*before) : circuits_in_kernel(c.table, circuits, observed);
  std::vector<std::uint32_t> tables;
  for (const std::string& name : names)
    if (const DesiredCircuit* circuit = find_circuit(by_memory ? memory.desired->circuits : circuits, name)) tables.push_back(circuit->table);
  return tables;
}

/// To a circuit that it does not go by yet. A share that only loses circuits moves nobody anywhere new, and one that lost some gets them
/// back by a move: so every change of a share is within the limits, and a dead circuit leaves it whatever they are.
bool moves(const DesiredClass& c, const Apply& plan, const Memory& memory, const KernelState& observed) {
  const auto told = told_tables(c, memory, observed, plan.desired.circuits);
  return std::ranges::any_of(ways_of(c), [&](const std::string& name) {
    const DesiredCircuit* to = find_circuit(plan.desired.circuits, name);
    return to != nullptr && !holds(told, to->table);
  });
}

std::size_t within(const std::vector<Instant>& at, Instant now, Duration window) {
  return static_cast<std::size_t>(std::ranges::count_if(at, [&](Instant t) { return t <= now && now - t < window; }));
}

/// How long from now until the oldest of the last `limit` entries leaves the window.
Duration wait_for_room(const std::vector<Instant>& at, std::size_t limit, Instant now, Duration window) {
  return at.at(at.size() - limit) + window - now;
}

std::string why_unusable(const DesiredCircuit& c, const KernelState& observed) {
  const Link* link = observed.link(c.interface);
  if (link == nullptr) return "there is no interface " + c.interface;
  if (!link->up) return "interface " + c.interface + " is set down";
  if (!link->carrier) return "interface " + c.interface + " has no carrier";
  if (!c.gateway && !link->direct) return "its gateway is not known";
  return {};
}

const char* family_name(model::Family family) { return family == model::Family::V4 ? "IPv4" : "IPv6"; }

bool plausible_interface(std::string_view name) {
  return !name.empty() && name.size() < 16 && name != "." && name != ".." &&
         std::ranges::none_of(name, [](char c) { return c == '/' || c == ':' || static_cast<unsigned char>(c) <= 0x20; });
}

std::string circuit_mistake(const DesiredCircuit& c) {
  if (c.name.empty()) return "a circuit without a name";
  if (!plausible_interface(c.interface)) return fmt::format("circuit {}: '{}' is no interface name", c.name, c.interface);
  const auto other = [&](const model::IpAddress& a) { return a.family != c.family; };
  if ((c.gateway && other(*c.gateway)) || (c.source && other(*c.source)) || std::ranges::any_of(c.pinned_sources, other, &model::Prefix::address))
    return fmt::format("circuit {} is of {} and has an address of the other family", c.name, family_name(c.family));
  return {};
}

std::string destinations_mistake(const DesiredClass& c) {
  if (c.destinations.size() > kMaxDestinations)
    return fmt::format("class {} names {} destinations, and {} are the most", c.name, c.destinations.size(), kMaxDestinations);
  std::set<model::Prefix> seen;
  for (const model::Prefix& p : c.destinations) {
    if (p.address.family != c.family)
      return fmt::format("class {} is of {} and names a destination of the other family", c.name, family_name(c.family));
    if (p.length == 0) return fmt::format("class {} names {} as a destination, which is everything", c.name, p.to_string());
    if (!seen.insert(p).second) return fmt::format("class {} names the destination {} twice", c.name, p.to_string());
  }
  return {};
}

std::string shares_mistake(const DesiredClass& c, const Desired& desired) {
  std::set<std::string> seen;
  for (const DesiredShare& s : c.shares) {
    const DesiredCircuit* circuit = find_circuit(desired.circuits, s.circuit);
    if (circuit == nullptr) return fmt::format("class {} is to be shared by '{}', which is no circuit of the plan", c.name, s.circuit);
    if (circuit->family != c.family)
      return fmt::format("class {} is of {} and is to be shared by {}, which is not", c.name, family_name(c.family), s.circuit);
    if (s.weight == 0 || s.weight > kMaxWeight)
      return fmt::format("class {} is to be shared by {} with weight {}, and 1 to {} can be had", c.name, s.circuit, s.weight, kMaxWeight);
    if (!seen.insert(s.circuit).second) return fmt::format("class {} is to be shared by {} twice", c.name, s.circuit);
  }
  if (!c.shares.empty() && !seen.contains(c.circuit))
    return fmt::format("class {} is to go by '{}', which has no part in its share", c.name, c.circuit);
  return {};
}

std::string class_mistake(const DesiredClass& c, const Desired& desired) {
  if (c.name.empty()) return "a class without a name";
  const DesiredCircuit* circuit = find_circuit(desired.circuits, c.circuit);
  if (!c.circuit.empty() && circuit == nullptr) return fmt::format("class {} is to go by '{}', which is no circuit of the plan", c.name, c.circuit);
  if (circuit != nullptr && circuit->family != c.family)
    return fmt::format("class {} is of {} and is to go by {}, which is not", c.name, family_name(c.family), c.circuit);
  if (c.incoming_interface && !plausible_interface(*c.incoming_interface))
    return fmt::format("class {}: '{}' is no interface name", c.name, *c.incoming_interface);
  if (c.source && c.source->address.family != c.family)
    return fmt::format("class {} is of {} and matches a source of the other family", c.name, family_name(c.family));
  if (auto m = shares_mistake(c, desired); !m.empty()) return m;
  return destinations_mistake(c);
}

/// The first thing that two parts of the plan claim both, or that lies outside our ranges.
class Claims {
 public:
  void table(const std::string& who, std::uint32_t t) {
    if (t < kTableFirst || t > kTableLast)
      note(fmt::format("{}: table {} is outside {}-{}, which is what linekeeper-switch may write", who, t, kTableFirst, kTableLast));
    once(who, fmt::format("table {}", t));
  }
  void mark(const std::string& who, std::optional<std::uint32_t> m) {
    if (m == 0U) note(who + ": mark 0 is what unmarked packets carry");
  }
  /// One that nobody else may have.
  void own_mark(const std::string& who, model::Family family, std::optional<std::uint32_t> m) {
    mark(who, m);
    if (m) once(who, family, fmt::format("mark {:#x}", *m));
  }
  /// Rules are of one family: what both families have once each is claimed by neither twice.
  void once(const std::string& who, model::Family family, const std::string& what) {
    once(who, family == model::Family::V4 ? what : what + " (IPv6)");
  }
  void once(const std::string& who, const std::string& what) {
    const auto [place, fresh] = owner_.emplace(what, who);
    if (!fresh) note(fmt::format("{} and {} both claim {}", place->second, who, what));
  }
  void note(std::string what) {
    if (mistake_.empty()) mistake_ = std::move(what);
  }
  [[nodiscard]] const std::string& mistake() const { return mistake_; }

 private:
  std::map<std::string, std::string> owner_;
  std::string mistake_;
};

/// A nexthop of a class goes, and the other kind has come in its place: it has become shared, or is no more.
bool replaced(const DesiredClass& c, std::uint32_t nexthop, const std::vector<Operation>& operations) {
  const bool group = nexthop == group_nexthop(c.table);
  if (group == c.shares.empty()) return true;
  // Undone: back to the other kind that stood before.
  return std::ranges::any_of(operations, [&](const Operation& op) {
    const auto* r = std::get_if<Route>(&op.object);
    return op.act == Act::Put && r != nullptr && r->table == c.table && r->nexthop != 0 && r->nexthop != nexthop;
  });
}

/// Leaves a class where it stands, but for circuits of its share that it is to leave: to those it was not told to use it does not go.
/// @return false: it stands on none of the plan's circuits
bool stay(DesiredClass& c, const std::vector<std::uint32_t>& told, const DesiredClass* before, const std::vector<DesiredCircuit>& circuits) {
  std::vector<DesiredShare> wished = std::exchange(c.shares, {}), standing, both;
  const bool was_shared = before != nullptr && !before->shares.empty();
  for (const std::uint32_t table : told) {
    const auto there = std::ranges::find(circuits, table, &DesiredCircuit::table);
    if (there == circuits.end()) continue;
    const auto wish = std::ranges::find(wished, there->name, &DesiredShare::circuit);
    standing.push_back({.circuit = there->name, .weight = 1});
    if (was_shared)
      if (const auto s = std::ranges::find(before->shares, there->name, &DesiredShare::circuit); s != before->shares.end())
        standing.back().weight = s->weight;
    if (wish != wished.end()) both.push_back(*wish);
  }
  const auto& left = both.empty() ? standing : both;
  if (!holds(left, c.circuit, &DesiredShare::circuit)) c.circuit = left.empty() ? "" : left.front().circuit;
  if (was_shared || !wished.empty()) c.shares = left;
  return !standing.empty();
}

/// What the plan's classes go by: not to be removed.
class InUse {
 public:
  InUse(const Apply& plan, const std::vector<Operation>& operations) {
    for (const DesiredClass& c : plan.desired.classes) {
      if (c.circuit.empty()) continue;
      tables_.insert(c.table);
      for (const std::uint32_t either : {class_nexthop(c.table), group_nexthop(c.table)})
        if (!replaced(c, either, operations)) nexthops_.insert(either);
      for (const std::string& name : ways_of(c)) {
        const DesiredCircuit* circuit = find_circuit(plan.desired.circuits, name);
        if (circuit == nullptr) continue;
        tables_.insert(circuit->table);
        nexthops_.insert(circuit_nexthop(circuit->table));
      }
    }
  }
  [[nodiscard]] bool stranded_by(const Operation& op) const {
    if (op.act != Act::Remove) return false;
    const auto* r = std::get_if<Route>(&op.object);
    const auto* n = std::get_if<Nexthop>(&op.object);
    return (r != nullptr && r->metric != kTerminalMetric && tables_.contains(r->table)) || (n != nullptr && nexthops_.contains(n->id));
  }

 private:
  std::set<std::uint32_t> tables_, nexthops_;
};

}  // namespace

std::string told_circuit(const DesiredClass& c, const Memory& memory, const KernelState& observed, const std::vector<DesiredCircuit>& circuits) {
  const DesiredClass* before = remembered(c, memory);
  if (before != nullptr && !before->circuit.empty()) return before->circuit;
  return circuit_in_kernel(c.table, circuits, observed);
}

std::optional<Refused> stale_generation(const Apply& plan, const Memory& memory) {
  if (plan.generation > memory.accepted) return std::nullopt;
  return refusal(plan, "stale_generation", fmt::format("generation {} is not above {}, the last one accepted", plan.generation, memory.accepted),
                 "say hello, read the generation from the answer and count on from there");
}

std::optional<Refused> foreign_ranges(const Apply& plan) {
  Claims claims;
  for (const DesiredCircuit& c : plan.desired.circuits) {
    const std::string who = "circuit " + c.name;
    if (auto m = circuit_mistake(c); !m.empty()) claims.note(m);
    claims.once(who, "the name " + c.name + " of a circuit");
    claims.once(who, c.family, "interface " + c.interface);
    claims.table(who, c.table);
    claims.own_mark(who, c.family, c.mark);
    for (const auto& p : c.pinned_sources) claims.once(who, "source " + p.to_string());
  }
  if (plan.desired.classes.size() > kRuleEverything - kRuleClass) claims.note("more classes than the rule band has room for");
  for (const DesiredClass& c : plan.desired.classes) {
    const std::string who = "class " + c.name;
    if (auto m = class_mistake(c, plan.desired); !m.empty()) claims.note(m);
    claims.once(who, "the name " + c.name + " of a class");
    claims.table(who, c.table);
    claims.mark(who, c.mark);
    if (!c.source && !c.incoming_interface && c.destinations.empty()) claims.own_mark(who, c.family, c.mark);
    if (c.everything()) claims.once(who, c.family, "everything that no other class takes");
  }
  if (auto m = flow_mistake(plan.desired); !m.empty()) claims.note(m);
  if (claims.mistake().empty()) return std::nullopt;
  return refusal(plan, "foreign", claims.mistake(), "correct the tables, marks or names in the configuration (linekeeper config check)");
}

std::optional<Refused> last_path(const Apply& plan, const Memory& memory, const KernelState& observed) {
  if (plan.desired.circuits.empty() || plan.desired.classes.empty())
    return refusal(plan, "last_path", "the plan names no circuits or no classes, and empty is never taken to mean all",
                   "stop linekeeper-switch and run linekeeper-switch --remove-everything if routes are to go");
  for (const DesiredClass& c : plan.desired.classes) {
    const DesiredCircuit* circuit = find_circuit(plan.desired.circuits, c.circuit);
    if (circuit == nullptr) {
      if (observed.class_way(c.table) == nullptr) continue;
      return refusal(plan, "last_path", fmt::format("class {} is steered now and would be steered nowhere", c.name), "name a circuit for it",
                     {c.name});
    }
  }
  for (const Nexthop& n : observed.nexthops) {
    if (!is_ours(n) || n.id < kClassNexthopFirst) continue;
    const std::uint32_t table = table_of_class_nexthop(n.id);
    if (holds(plan.desired.classes, table, &DesiredClass::table)) continue;
    DesiredClass lost;
    lost.table = table;
    const DesiredClass* known = remembered(lost, memory);
    const std::string name = known != nullptr ? known->name : std::string();
    if (known != nullptr && holds(plan.retired_classes, name)) continue;
    if (known == nullptr && !plan.retired_classes.empty()) continue;  // memory lost: the name cannot be checked, the intent is stated
    return refusal(plan, "last_path", fmt::format("class {} (table {}) is steered now and is not in the plan", name, table),
                   "keep it in the plan, or name it in retired_classes when the configuration no longer has it", {name});
  }
  return std::nullopt;
}

std::optional<Refused> last_path_operations(const Apply& plan, const std::vector<Operation>& operations) {
  const InUse in_use(plan, operations);
  for (const Operation& op : operations)
    if (in_use.stranded_by(op))
      return refusal(plan, "last_path", "carrying the plan out would remove " + to_string(op.object) + ", which is in use",
                     "this is a mistake of ours: report it");
  return std::nullopt;
}

std::vector<Operation> way_back(const Apply& plan, const KernelState& before, const KernelState& now) {
  auto operations = reach(standing(before), now);
  const InUse in_use(plan, operations);
  std::erase_if(operations, [&](const Operation& op) { return in_use.stranded_by(op); });
  return operations;
}

std::string overwritten(const Operation& op, const KernelState& observed) {
  if (op.act != Act::Put) return {};
  const auto first = [](const auto& all, auto same) -> std::string {
    for (const auto& o : all)
      if (!is_ours(o) && same(o)) return to_string(Object(o));
    return {};
  };
  if (const auto* n = std::get_if<Nexthop>(&op.object)) return first(observed.nexthops, [&](const Nexthop& o) { return o.id == n->id; });
  if (const auto* r = std::get_if<Route>(&op.object))
    return first(observed.routes, [&](const Route& o) { return o.table == r->table && o.metric == r->metric && o.destination == r->destination; });
  return {};  // a rule is only ever added beside others, never in place of one
}

std::optional<Refused> foreign_objects(const Apply& plan, const std::vector<Operation>& operations, const KernelState& observed) {
  std::string which;
  for (const Operation& op : operations)
    if (which = overwritten(op, observed); !which.empty())
      return refusal(plan, "foreign", which + " stands where ours has to be and was not made by us",
                     "remove it, or choose other tables in the configuration");
  if (std::ranges::any_of(plan.desired.classes, &DesiredClass::escape)) return std::nullopt;
  const auto foreign = [&](const auto& all) {
    for (const auto& o : all)
      if (which.empty() && !is_ours(o)) which = to_string(Object(o));
  };
  foreign(observed.nexthops);
  foreign(observed.rules);
  foreign(observed.routes);
  if (which.empty()) return std::nullopt;
  return refusal(plan, "foreign", which + " stands inside our ranges and was not made by us",
                 fmt::format("remove it, or move it out of tables {}-{}, rules {}-{}, nexthops {}-{}", kTableFirst, kTableLast, kRuleFirst, kRuleLast,
                             kNexthopFirst, kNexthopLast));
}

std::optional<Refused> judge(const Apply& plan, const Memory& memory, const KernelState& observed) {
  if (auto r = stale_generation(plan, memory)) return r;
  if (auto r = foreign_ranges(plan)) return r;
  return last_path(plan, memory, observed);
}

std::optional<HeldMove> lost_path(const DesiredClass& c, const Apply& plan, const Memory& memory, const KernelState& observed) {
  const DesiredCircuit* circuit = find_circuit(plan.desired.circuits, c.circuit);
  if (circuit == nullptr || !moves(c, plan, memory, observed)) return std::nullopt;
  const std::string broken = why_unusable(*circuit, observed);
  if (broken.empty()) return std::nullopt;
  // One circuit of a share without a link is left out of it in the kernel until it has one; that is no reason to hold the others back.
  for (const DesiredShare& s : c.shares)
    if (const DesiredCircuit* other = find_circuit(plan.desired.circuits, s.circuit); other != nullptr && why_unusable(*other, observed).empty())
      return std::nullopt;
  return HeldMove{.traffic_class = c.name,
                  .circuit = {},
                  .escape = c.escape,
                  .guard = "last_path",
                  .why = fmt::format("class {} would move to {}, but {}", c.name, circuit->name, broken),
                  .remedy = "leave the class where it is, or choose a circuit whose link is up",
                  .again_ms = kAgainAfterLostPath};
}

std::optional<HeldMove> rate_limit(const DesiredClass& c, const Apply& plan, const Memory& memory, const KernelState& observed, Instant now) {
  const auto found = memory.history.find(c.table);
  if (found == memory.history.end() || !moves(c, plan, memory, observed)) return std::nullopt;
  const MoveHistory& h = found->second;
  const auto full = [&](const std::vector<Instant>& at, std::size_t limit, Duration window, std::string_view what) -> std::optional<HeldMove> {
    if (within(at, now, window) < limit) return std::nullopt;
    const Duration wait = wait_for_room(at, limit, now, window);
    return HeldMove{
        .traffic_class = c.name,
        .circuit = {},
        .escape = c.escape,
        .guard = "rate_limit",
        .why = fmt::format("class {}: {} {} in {} minutes are all it may have", c.name, limit, what,
                           std::chrono::duration_cast<std::chrono::minutes>(window).count()),
        .remedy = fmt::format("leave it where it is; the next is possible in {} s", std::chrono::ceil<std::chrono::seconds>(wait).count()),
        .again_ms = static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count())};
  };
  if (c.escape) return full(h.escapes, kEscapesPerTenMinutes, kShortWindow, "escapes");
  // Both windows may be full: the one that is full for longer says when.
  auto hour = full(h.moves, kMovesPerHour, kLongWindow, "moves");
  auto ten = full(h.moves, kMovesPerTenMinutes, kShortWindow, "moves");
  return hour && (!ten || hour->again_ms > ten->again_ms) ? hour : ten;
}

std::expected<std::vector<HeldMove>, Refused> hold_moves(Apply& plan, const Memory& memory, const KernelState& observed, Instant now) {
  std::vector<HeldMove> all;
  Apply left = plan;  // the guards look at what was asked for, not at what is left of it so far
  for (DesiredClass& c : left.desired.classes) {
    auto held = lost_path(c, plan, memory, observed);
    if (!held) held = rate_limit(c, plan, memory, observed, now);
    if (!held) continue;
    const bool known = stay(c, told_tables(c, memory, observed, plan.desired.circuits), remembered(c, memory), left.desired.circuits);
    if (!known && observed.class_way(c.table) != nullptr)
      return std::unexpected(refusal(plan, held->guard, held->why + "; and where it stands is no circuit of the plan", held->remedy, {c.name}));
    if (all.size() == kMaxHeldMoves)
      return std::unexpected(refusal(plan, held->guard, fmt::format("{}; and so have {} others", held->why, all.size()), held->remedy, {c.name}));
    c.escape = false;
    held->circuit = c.circuit;
    all.push_back(std::move(*held));
  }
  plan = std::move(left);
  return all;
}

void remember_moves(const Apply& plan, const KernelState& observed, Instant now, Memory& memory) {
  for (const DesiredClass& c : plan.desired.classes) {
    // Its first way is no move: nobody is taken from anywhere, and the judge does not count it either.
    if (!moves(c, plan, memory, observed) || told_circuit(c, memory, observed, plan.desired.circuits).empty()) continue;
    MoveHistory& h = memory.history[c.table];
    (c.escape ? h.escapes : h.moves).push_back(now);
  }
  // Instants after `now` are of an earlier boot whose file survived: worth nothing.
  for (auto& [table, h] : memory.history) {
    std::erase_if(h.moves, [&](Instant t) { return t > now || now - t >= kLongWindow; });
    std::erase_if(h.escapes, [&](Instant t) { return t > now || now - t >= kShortWindow; });
  }
  std::erase_if(memory.history, [](const auto& entry) { return entry.second.moves.empty() && entry.second.escapes.empty(); });
}

RepairLimit::Verdict RepairLimit::ask(const std::string& key, Instant now) {
  Repairs& r = repairs_[key];
  std::erase_if(r.at, [&](Instant t) { return now - t >= kShortWindow; });
  if (r.at.size() < kRepairsPerTenMinutes) {
    r.at.push_back(now);
    r.told = false;
    return Verdict::Repair;
  }
  if (r.told) return Verdict::StillGivenUp;
  r.told = true;
  return Verdict::GaveUp;
}

}  // namespace linekeeper::route
