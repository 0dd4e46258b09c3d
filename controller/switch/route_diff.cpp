#include "controller/switch/route_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "controller/switch/flow_marks.hpp"

namespace linekeeper::route {
namespace {

using model::Family;

model::Prefix everywhere(Family family) { return {.address = {.family = family, .bytes = {}}, .length = 0}; }

const DesiredCircuit* circuit_named(const std::vector<DesiredCircuit>& circuits, std::string_view name) {
  const auto found = std::ranges::find(circuits, name, &DesiredCircuit::name);
  return found == circuits.end() ? nullptr : &*found;
}

/// The nexthop by which the circuit can be used now, or nothing.
std::optional<Nexthop> way_of(const DesiredCircuit& circuit, const KernelState& observed) {
  const Link* link = observed.link(circuit.interface);
  if (link == nullptr || !link->usable() || (!circuit.gateway && !link->direct)) return std::nullopt;
  return Nexthop{.id = 0,
                 .protocol = kRouteProtocol,
                 .family = circuit.family,
                 .ifindex = link->ifindex,
                 .gateway = circuit.gateway,
                 .onlink = circuit.gateway.has_value(),
                 .other = false};
}

Route route_to(std::uint32_t table, Family family, std::uint32_t nexthop) {
  return {.table = table,
          .protocol = kRouteProtocol,
          .type = RouteType::Unicast,
          .metric = default_metric(family),
          .destination = everywhere(family),
          .nexthop = nexthop,
          .source = {}};
}

void keep_what_stands(std::uint32_t table, std::uint32_t nexthop, const KernelState& observed, Wanted& w) {
  const Nexthop* stands = observed.nexthop(nexthop);
  if (stands == nullptr) return;
  Nexthop kept = *stands;
  std::erase_if(kept.group, [&](const GroupMember& m) { return !holds(w.nexthops, m.id, &Nexthop::id); });
  if (!stands->group.empty() && kept.group.empty()) return;
  w.nexthops.push_back(std::move(kept));
  for (const Route& r : observed.routes)
    if (is_ours(r) && r.table == table && r.nexthop == nexthop) w.routes.push_back(r);
}

Rule rule_to(std::uint32_t priority, Family family, std::uint32_t table) {
  Rule r;
  r.family = family;
  r.priority = priority;
  r.protocol = kRouteProtocol;
  r.table = table;
  return r;
}

Rule source_rule(const model::Prefix& source, std::uint32_t table) {
  Rule r = rule_to(kRuleSource + static_cast<std::uint32_t>(source.address.size() * 8) - source.length, source.address.family, table);
  r.source = source;
  return r;
}

/// A site's own marks are compared without our bits, which connections in progress carry beside them.
Rule mark_rule(std::uint32_t priority, Family family, std::uint32_t table, std::uint32_t mark, std::uint32_t mask) {
  Rule r = rule_to(priority, family, table);
  r.mark = mark;
  r.mark_mask = mask;
  return r;
}

void want_circuit(const DesiredCircuit& c, bool used, const FlowMarks& marks, const KernelState& observed, Wanted& w) {
  w.routes.push_back({.table = c.table,
                      .protocol = kRouteProtocol,
                      .type = RouteType::Unreachable,
                      .metric = kTerminalMetric,
                      .destination = everywhere(c.family),
                      .nexthop = 0,
                      .source = {}});
  if (auto way = way_of(c, observed)) {
    way->id = circuit_nexthop(c.table);
    w.nexthops.push_back(*way);
    Route r = route_to(c.table, c.family, way->id);
    const auto& addresses = observed.link(c.interface)->addresses;
    if (c.source && holds(addresses, *c.source, &model::Prefix::address)) r.source = c.source;
    w.routes.push_back(r);
  } else if (used) {
    keep_what_stands(c.table, circuit_nexthop(c.table), observed, w);
  }
  if (c.mark) w.rules.push_back(mark_rule(kRuleMark, c.family, c.table, *c.mark, ~marks.mask()));
  // Connections keep to their circuit only while it leads somewhere: else they go as their class does, not into its `unreachable`.
  const bool leads = std::ranges::any_of(w.routes, [&](const Route& r) { return r.table == c.table && r.nexthop != 0; });
  if (marks.on() && c.flow != 0 && leads) w.rules.push_back(mark_rule(kRuleConnection, c.family, c.table, marks.value(c.flow), marks.circuit_mask()));
  w.rules.push_back(rule_to(kRuleOutgoing, c.family, c.table));
  w.rules.back().outgoing = c.interface;
  if (c.source) w.rules.push_back(source_rule({*c.source, static_cast<std::uint8_t>(c.source->size() * 8)}, c.table));
  for (const auto& p : c.pinned_sources) w.rules.push_back(source_rule(p, c.table));
}

/// By the circuits of a share that can be used now; nothing: by none of them.
std::optional<Nexthop> shared_way(const DesiredClass& c, const Desired& desired, const KernelState& observed) {
  Nexthop group{.id = group_nexthop(c.table), .protocol = kRouteProtocol, .family = c.family, .ifindex = 0, .gateway = {}, .onlink = false};
  for (const DesiredShare& s : c.shares) {
    const DesiredCircuit* circuit = circuit_named(desired.circuits, s.circuit);
    if (circuit != nullptr && way_of(*circuit, observed)) group.group.push_back({.id = circuit_nexthop(circuit->table), .weight = s.weight});
  }
  std::ranges::sort(group.group, {}, &GroupMember::id);
  return group.group.empty() ? std::nullopt : std::optional(std::move(group));
}

std::optional<Nexthop> class_way(const DesiredClass& c, const DesiredCircuit& circuit, const Desired& desired, const KernelState& observed) {
  if (!c.shares.empty()) return shared_way(c, desired, observed);
  auto way = way_of(circuit, observed);
  if (way) way->id = class_nexthop(c.table);
  return way;
}

void want_class(const DesiredClass& c, std::uint32_t position, const Desired& desired, const KernelState& observed, Wanted& w) {
  Rule r = rule_to(c.everything() ? kRuleEverything : kRuleClass + position, c.family, c.table);
  r.mark = c.mark;
  if (c.mark) r.mark_mask = ~desired.flow_mask;
  r.source = c.source;
  r.incoming = c.incoming_interface.value_or("");
  if (c.destinations.empty()) w.rules.push_back(r);
  for (const auto& p : c.destinations) {
    r.destination = p;
    w.rules.push_back(r);
  }
  const DesiredCircuit* circuit = circuit_named(desired.circuits, c.circuit);
  if (circuit == nullptr) return;  // not steered (a name that is none was refused before)
  if (auto way = class_way(c, *circuit, desired, observed)) {
    w.routes.push_back(route_to(c.table, c.family, way->id));
    w.nexthops.push_back(std::move(*way));
  } else {
    for (const std::uint32_t either : {class_nexthop(c.table), group_nexthop(c.table)}) keep_what_stands(c.table, either, observed, w);
  }
}

/// The kernel keeps one route for each of these; two that agree in them replace one another.
bool same_slot(const Route& a, const Route& b) { return a.table == b.table && a.metric == b.metric && a.destination == b.destination; }

std::tuple<std::uint32_t, Family, std::uint32_t> rule_place(const Rule& r) { return {r.priority, r.family, r.table}; }

bool is_class_nexthop(std::uint32_t id) { return id >= kClassNexthopFirst; }

const DesiredClass* class_of_table(const Desired& desired, std::uint32_t table) {
  const auto found = std::ranges::find(desired.classes, table, &DesiredClass::table);
  return found == desired.classes.end() ? nullptr : &*found;
}

std::string circuit_of(const Nexthop& way, const std::vector<DesiredCircuit>& circuits, const KernelState& observed) {
  for (const DesiredCircuit& c : circuits) {
    const Link* link = observed.link(c.interface);
    if (c.family == way.family && link != nullptr && link->ifindex == way.ifindex) return c.name;
  }
  return {};
}

/// "fiber", or "fiber (3) and coax (1)" of a group.
std::string way_words(const Nexthop& way, const std::vector<DesiredCircuit>& circuits, const KernelState& observed) {
  std::string words;
  for (const GroupMember& m : way.group) {
    const auto circuit = std::ranges::find(circuits, m.id, [](const DesiredCircuit& c) { return circuit_nexthop(c.table); });
    const std::string name = circuit == circuits.end() ? fmt::format("nexthop {}", m.id) : circuit->name;
    words += fmt::format("{}{} ({})", words.empty() ? "" : " and ", name, m.weight);
  }
  if (!way.group.empty()) return words;
  const std::string circuit = circuit_of(way, circuits, observed);
  return circuit.empty() ? fmt::format("interface {}", way.ifindex) : circuit;
}

/// A class's move, or nothing when the operation is not about where a class goes.
std::optional<std::string> class_words(const Operation& op, const Desired& desired, const KernelState& before) {
  const auto* n = std::get_if<Nexthop>(&op.object);
  if (n == nullptr || !is_class_nexthop(n->id)) return std::nullopt;
  const DesiredClass* c = class_of_table(desired, table_of_class_nexthop(n->id));
  if (c == nullptr) return fmt::format("class of table {}: removed", table_of_class_nexthop(n->id));
  const std::uint32_t other_kind = n->group.empty() ? group_nexthop(c->table) : class_nexthop(c->table);
  const bool leaves_kind = before.nexthop(other_kind) != nullptr;
  // What goes with a class that becomes shared, or is no more, has been told with what came in its place.
  if (op.act == Act::Remove && !c->circuit.empty() && n->group.empty() == !c->shares.empty()) return std::nullopt;
  const Nexthop* stood = before.nexthop(leaves_kind ? other_kind : n->id);
  const auto name = [&](const Nexthop& way) { return way_words(way, desired.circuits, before); };
  const std::string from = stood == nullptr ? "not steered" : name(*stood);
  const std::string to = op.act == Act::Remove ? "not steered" : name(*n);
  if (from == to && n->group.empty()) return fmt::format("class {}: {} by gateway {}", c->name, to, n->gateway ? n->gateway->to_string() : "none");
  return fmt::format("class {}: {} -> {}", c->name, from, to);
}

}  // namespace

Wanted wanted(const Desired& desired, const KernelState& observed) {
  Wanted w;
  for (const Family family : {Family::V4, Family::V6}) {
    if (!holds(desired.circuits, family, &DesiredCircuit::family)) continue;
    w.rules.push_back(rule_to(kRuleMain, family, kMainTable));
    w.rules.back().suppress_prefixlength = 0;
  }
  for (const DesiredCircuit& c : desired.circuits)
    want_circuit(c, std::ranges::any_of(desired.classes, [&](const DesiredClass& k) { return k.goes_by(c.name); }), FlowMarks(desired.flow_mask),
                 observed, w);
  std::uint32_t position = 0;
  for (const DesiredClass& c : desired.classes) want_class(c, position++, desired, observed, w);
  // Two circuits' values may ask for the same rule (a pinned source that is also the own address): the kernel keeps one.
  std::vector<Rule> once;
  for (const Rule& r : w.rules)
    if (!holds(once, r)) once.push_back(r);
  w.rules = std::move(once);
  std::ranges::sort(w.rules, {}, rule_place);
  return w;
}

Wanted standing(const KernelState& observed) {
  Wanted w;
  const auto ours = [](const auto& o) { return is_ours(o); };
  std::ranges::copy_if(observed.nexthops, std::back_inserter(w.nexthops), ours);
  std::ranges::copy_if(observed.routes, std::back_inserter(w.routes), ours);
  std::ranges::copy_if(observed.rules, std::back_inserter(w.rules), ours);
  std::ranges::sort(w.rules, {}, rule_place);
  return w;
}

std::vector<Operation> reach(const Wanted& want, const KernelState& observed) {
  std::vector<Operation> ops;
  // Ends of tables first, then ways, then the routes through them, then the rules that lead in: no packet meets half a table.
  for (const Route& r : want.routes)
    if (r.nexthop == 0 && !holds(observed.routes, r)) ops.push_back({Act::Put, r});
  for (const bool group : {false, true})  // its members first
    for (const Nexthop& n : want.nexthops)
      if (group != n.group.empty() && !holds(observed.nexthops, n)) ops.push_back({Act::Put, n});
  for (const Route& r : want.routes)
    if (r.nexthop != 0 && !holds(observed.routes, r)) ops.push_back({Act::Put, r});
  for (const Rule& r : want.rules)
    if (!holds(observed.rules, r)) ops.push_back({Act::Put, r});
  // What is no longer wanted: the rules that lead in first, last in line first, so that the order holds while they go.
  std::vector<Rule> leaving;
  for (const Rule& r : observed.rules)
    if (is_ours(r) && !holds(want.rules, r)) leaving.push_back(r);
  std::ranges::sort(leaving, std::greater{}, rule_place);
  for (const Rule& r : leaving) ops.push_back({Act::Remove, r});
  for (const Route& r : observed.routes)
    if (is_ours(r) && std::ranges::none_of(want.routes, [&](const Route& x) { return same_slot(x, r); })) ops.push_back({Act::Remove, r});
  for (const Nexthop& n : observed.nexthops)
    if (is_ours(n) && !holds(want.nexthops, n.id, &Nexthop::id)) ops.push_back({Act::Remove, n});
  return ops;
}

std::vector<std::string> circuits_in_kernel(std::uint32_t class_table, const std::vector<DesiredCircuit>& circuits, const KernelState& observed) {
  std::vector<std::string> all;
  const auto add = [&](const Nexthop& way) {
    if (auto name = circuit_of(way, circuits, observed); !name.empty()) all.push_back(std::move(name));
  };
  const Nexthop* n = observed.class_way(class_table);
  if (n != nullptr && n->group.empty()) add(*n);
  if (n != nullptr)
    for (const GroupMember& m : n->group)
      if (const Nexthop* member = observed.nexthop(m.id)) add(*member);
  return all;
}

std::string circuit_in_kernel(std::uint32_t class_table, const std::vector<DesiredCircuit>& circuits, const KernelState& observed) {
  const auto all = circuits_in_kernel(class_table, circuits, observed);
  return all.empty() ? std::string() : all.front();
}

ClassNow class_now(const DesiredClass& c, const std::vector<DesiredCircuit>& circuits, const KernelState& observed) {
  ClassNow now{.name = c.name, .table = c.table, .circuit = c.circuit, .interface = {}, .shares = {}};
  const Nexthop* way = observed.class_way(c.table);
  auto in_kernel = circuits_in_kernel(c.table, circuits, observed);
  if (way != nullptr && !holds(in_kernel, c.circuit)) now.circuit = in_kernel.empty() ? "" : in_kernel.front();
  if (way != nullptr && !way->group.empty()) now.shares = std::move(in_kernel);
  if (way == nullptr)
    for (const DesiredShare& s : c.shares) now.shares.push_back(s.circuit);
  return now;
}

std::vector<int> interfaces_of(const Object& object, const Wanted& want) {
  const auto of = [&](const Nexthop& n) {
    std::vector<int> all;
    if (n.group.empty()) all.push_back(n.ifindex);
    for (const GroupMember& m : n.group)
      if (const auto member = std::ranges::find(want.nexthops, m.id, &Nexthop::id); member != want.nexthops.end()) all.push_back(member->ifindex);
    return all;
  };
  if (const auto* n = std::get_if<Nexthop>(&object)) return of(*n);
  const auto* r = std::get_if<Route>(&object);
  if (r == nullptr) return {};
  const auto n = std::ranges::find(want.nexthops, r->nexthop, &Nexthop::id);
  return n == want.nexthops.end() ? std::vector<int>() : of(*n);
}

std::vector<std::string> describe(const std::vector<Operation>& operations, const Desired& desired, const KernelState& before) {
  std::vector<std::string> moves;
  std::vector<std::string> rest;
  for (const Operation& op : operations) {
    if (auto move = class_words(op, desired, before))
      moves.push_back(*move);
    else
      rest.push_back((op.act == Act::Put ? "set " : "removed ") + to_string(op.object));
  }
  moves.insert(moves.end(), rest.begin(), rest.end());
  return moves;
}

std::string object_key(const Object& object) {
  if (const auto* n = std::get_if<Nexthop>(&object)) return fmt::format("nexthop {}", n->id);
  if (const auto* r = std::get_if<Route>(&object)) return fmt::format("route {} table {} metric {}", r->destination.to_string(), r->table, r->metric);
  return to_string(object);
}

}  // namespace linekeeper::route
