#include "tests/sim/model_switch.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Instant;
using namespace route;

namespace {

constexpr std::size_t kRemembered = 8;  // plans that a late enactor may still come with

std::optional<std::size_t> circuit_named(const model::Site& site, std::string_view name) {
  const auto found = std::ranges::find(site.circuits, name, &model::Circuit::name);
  if (found == site.circuits.end()) return std::nullopt;
  return static_cast<std::size_t>(found - site.circuits.begin());
}

/// Inside what we may write at all: our tables, our nexthops, our band of rules (I11). The rest belongs to others.
bool inside_our_ranges(const Object& object) {
  const auto our_table = [](std::uint32_t table) { return table >= kTableFirst && table <= kTableLast; };
  if (const auto* n = std::get_if<Nexthop>(&object)) return is_ours(*n);
  if (const auto* r = std::get_if<Route>(&object)) return is_ours(*r) && our_table(r->table);
  const auto& rule = std::get<Rule>(object);
  return is_ours(rule) && rule.priority >= kRuleMain && rule.priority <= kRuleEverything && (our_table(rule.table) || rule.table == kMainTable);
}

/// A share that stands and only loses circuits moves nobody anywhere new.
bool gains_nothing(const DesiredClass& c, const Memory& memory) {
  if (!memory.desired || c.shares.empty()) return false;
  const auto before = std::ranges::find(memory.desired->classes, c.name, &DesiredClass::name);
  return before != memory.desired->classes.end() && std::ranges::all_of(c.shares, [&](const DesiredShare& s) { return before->goes_by(s.circuit); });
}

}  // namespace

ModelSwitch::ModelSwitch(const model::Site& site, Story& story, Planted bug)
    : site_(&site),
      story_(&story),
      bug_(bug),
      moves_(site.classes.size()),
      escapes_(site.classes.size()),
      ways_(site.classes.size()),
      told_(site.classes.size()) {}

void ModelSwitch::see_ways() {
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    told_[i] = ways_[i] = find_way(i);
    if (told_[i] || !memory_.desired) continue;
    for (const DesiredClass& c : memory_.desired->classes)
      if (c.name == site_->classes[i].name) told_[i] = circuit_named(*site_, c.circuit);
  }
}

void ModelSwitch::foreign_hand(std::size_t which, Instant now) {
  const auto ours = [](const auto& list) {
    std::vector<Object> all;
    for (const auto& o : list)
      if (is_ours(o)) all.emplace_back(o);
    return all;
  };
  std::vector<Object> all = which % 3 == 0 ? ours(kernel_.rules) : which % 3 == 1 ? ours(kernel_.routes) : ours(kernel_.nexthops);
  if (all.empty()) return;
  const Object& gone = all[which % all.size()];
  story_->tell(now, "somebody removes {}", to_string(gone));
  remove(gone);
  see_ways();
}

void ModelSwitch::link(const World& world, std::size_t circuit) {
  const model::LinkState state = world.link(circuit);
  const std::string& name = site_->circuits[circuit].interface;
  auto found = std::ranges::find(kernel_.links, name, &Link::name);
  if (found == kernel_.links.end()) found = kernel_.links.insert(found, Link{.name = name, .addresses = {}});
  const bool gone = found->ifindex != state.ifindex || !state.carrier;
  const int before = found->ifindex;
  *found = Link{.ifindex = state.ifindex, .name = name, .up = state.admin_up, .carrier = state.carrier, .addresses = {}};
  if (state.address) found->addresses.push_back({*state.address, 24});
  touched_.push_back(before);
  touched_.push_back(state.ifindex);
  if (!gone) return;
  std::vector<std::uint32_t> flushed;
  for (const Nexthop& n : kernel_.nexthops)
    if (n.group.empty() && n.ifindex == before) flushed.push_back(n.id);
  for (const std::uint32_t id : flushed) flush(id);
  see_ways();
}

/// A nexthop goes: out of its groups, with those that it leaves empty, and with the routes through any of them (linux/net/ipv4/nexthop.c).
void ModelSwitch::flush(std::uint32_t id) {
  std::vector<std::uint32_t> gone{id};
  for (Nexthop& n : kernel_.nexthops) {
    if (n.group.empty() || std::erase_if(n.group, [&](const GroupMember& m) { return m.id == id; }) == 0) continue;
    if (n.group.empty()) gone.push_back(n.id);
  }
  std::erase_if(kernel_.nexthops, [&](const Nexthop& n) { return holds(gone, n.id); });
  std::erase_if(kernel_.routes, [&](const Route& r) { return r.nexthop != 0 && holds(gone, r.nexthop); });
}

bool ModelSwitch::steered(std::uint32_t table) const {
  const Nexthop* way = kernel_.class_way(table);
  return way != nullptr && std::ranges::any_of(kernel_.routes, [&](const Route& r) { return r.table == table && r.nexthop == way->id; });
}

void ModelSwitch::remove(const Object& object) {
  if (const auto* n = std::get_if<Nexthop>(&object)) {
    flush(n->id);
  } else if (const auto* r = std::get_if<Route>(&object)) {
    std::erase_if(kernel_.routes, [&](const Route& o) { return o == *r; });
  } else {
    std::erase_if(kernel_.rules, [&](const Rule& o) { return o == std::get<Rule>(object); });
  }
}

bool ModelSwitch::put(const Operation& op, Instant now) {
  if (const auto* n = std::get_if<Nexthop>(&op.object)) {
    const Link* link = kernel_.link(n->ifindex);
    if (n->group.empty() && (link == nullptr || !link->usable())) return false;  // ENETDOWN
    for (const GroupMember& m : n->group)
      if (const Nexthop* member = kernel_.nexthop(m.id); member == nullptr || !member->group.empty()) return false;  // EINVAL
    const auto stands = std::ranges::find(kernel_.nexthops, n->id, &Nexthop::id);
    if (stands != kernel_.nexthops.end() && stands->group.empty() != n->group.empty()) return false;  // EINVAL: neither kind replaces the other
    if (stands == kernel_.nexthops.end()) {
      kernel_.nexthops.push_back(*n);
    } else if (bug_ == Planted::DeleteThenAdd) {
      carry_out({Act::Remove, *stands}, now);
      kernel_.nexthops.push_back(*n);
    } else if (bug_ != Planted::SayDoneDoNothing) {
      *stands = *n;
    }
    return true;
  }
  if (const auto* r = std::get_if<Route>(&op.object)) {
    if (r->nexthop != 0 && kernel_.nexthop(r->nexthop) == nullptr) return false;  // EINVAL: nexthop id does not exist
    std::erase_if(kernel_.routes, [&](const Route& o) { return o.table == r->table && o.metric == r->metric && o.destination == r->destination; });
    kernel_.routes.push_back(*r);
    return true;
  }
  kernel_.rules.push_back(std::get<Rule>(op.object));
  return true;
}

bool ModelSwitch::carry_out(const Operation& op, Instant now) {
  if (trouble > 0 && ++turn_ % 3 == 0) return false;  // EBUSY
  std::vector<bool> before;
  for (const auto& c : site_->classes) before.push_back(steered(c.table));
  bool done = true;
  if (op.act == Act::Remove)
    remove(op.object);
  else
    done = put(op, now);
  if (done) ++changes_;
  if (done) story_->mark(to_string(op.object));
  if (!inside_our_ranges(op.object)) story_->broken("I11", fmt::format("what is not ours was written: {}", to_string(op.object)), now);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] && !steered(site_->classes[i].table))
      story_->broken("I1",
                     fmt::format("class {} was steered and is not any more, by: {} {}", site_->classes[i].name, op.act == Act::Put ? "set" : "remove",
                                 to_string(op.object)),
                     now);
  return done;
}

bool ModelSwitch::converge(const Desired& desired, Instant now) {
  constexpr int kRounds = 3;  // I10
  for (int round = 0; round < kRounds; ++round) {
    for (const Operation& op : reach(wanted(desired, kernel_), kernel_))
      if (!carry_out(op, now)) break;
    if (bug_ == Planted::SayDoneDoNothing || reach(wanted(desired, kernel_), kernel_).empty()) return true;
  }
  if (trouble == 0) story_->broken("I10", "three rounds did not bring the kernel to what is wanted", now);
  return false;
}

void ModelSwitch::put_back(const Apply& plan, const KernelState& before, Instant now) {
  for (const Operation& op : way_back(plan, before, kernel_)) carry_out(op, now);
}

void ModelSwitch::look(Instant now) {
  const std::vector<int> excused = std::exchange(touched_, {});
  if (!memory_.desired) return;
  const Wanted want = wanted(*memory_.desired, kernel_);
  for (const Operation& op : reach(want, kernel_)) {
    if (std::ranges::none_of(interfaces_of(op.object, want), [&](int i) { return holds(excused, i); })) {
      const auto verdict = repairs_.ask(object_key(op.object), now);
      if (verdict == RepairLimit::Verdict::GaveUp) story_->tell(now, "switch: gives up putting back {}", to_string(op.object));
      if (verdict != RepairLimit::Verdict::Repair) continue;
    }
    carry_out(op, now);
  }
  see_ways();
}

StateReply ModelSwitch::hello() const {
  StateReply reply{.generation = memory_.accepted, .classes = {}};
  const auto interface_of = [&](std::uint32_t table) {
    const Nexthop* n = kernel_.class_way(table);
    const auto interfaces = n == nullptr ? std::vector<int>() : kernel_.interfaces(*n);
    const Link* link = interfaces.empty() ? nullptr : kernel_.link(interfaces.front());
    return link == nullptr ? std::string() : link->name;
  };
  if (memory_.desired) {
    for (const DesiredClass& c : memory_.desired->classes) {
      reply.classes.push_back(class_now(c, memory_.desired->circuits, kernel_));
      reply.classes.back().interface = interface_of(c.table);
    }
    return reply;
  }
  for (const Nexthop& n : kernel_.nexthops)
    if (is_ours(n) && n.id >= kClassNexthopFirst)
      reply.classes.push_back(
          {.name = {}, .table = table_of_class_nexthop(n.id), .circuit = {}, .interface = interface_of(table_of_class_nexthop(n.id))});
  return reply;
}

std::optional<Refused> ModelSwitch::judge(const Apply& plan) const {
  if (bug_ != Planted::AcceptStaleGeneration)
    if (auto r = stale_generation(plan, memory_)) return r;
  if (auto r = foreign_ranges(plan)) return r;
  if (bug_ != Planted::DropLastPathGuard)
    if (auto r = last_path(plan, memory_, kernel_)) return r;
  return std::nullopt;
}

void ModelSwitch::count_moves(const Apply& plan, const KernelState& before, Instant now) {
  for (std::size_t i = 0; i < site_->classes.size(); ++i) {
    const auto wants = std::ranges::find(plan.desired.classes, site_->classes[i].name, &DesiredClass::name);
    if (wants == plan.desired.classes.end() || wants->circuit.empty()) continue;
    const std::string stood = told_circuit(*wants, memory_, before, plan.desired.circuits);
    if (stood.empty() || (wants->shares.empty() && stood == wants->circuit) || gains_nothing(*wants, memory_)) continue;
    auto& at = wants->escape ? escapes_[i] : moves_[i];
    at.push_back(now);
    while (now - at.front() >= 1h) at.pop_front();
    const auto recent = static_cast<std::size_t>(std::ranges::count_if(at, [&](Instant t) { return now - t < 10min; }));
    const bool too_many = wants->escape ? recent > 12 : recent > 3 || at.size() > 6;
    if (too_many)
      story_->broken("I3",
                     fmt::format("class {} made {} {} in ten minutes and {} in an hour", site_->classes[i].name, recent,
                                 wants->escape ? "escapes" : "moves", at.size()),
                     now);
  }
}

Reply ModelSwitch::apply(const Apply& wish, Instant now) {
  Apply plan = wish;
  if (auto r = judge(plan)) return *r;
  Memory counted = memory_;
  if (bug_ == Planted::DropRateLimit) counted.history.clear();
  auto held = hold_moves(plan, counted, kernel_, now);
  if (!held) return held.error();
  if (bug_ == Planted::RefusePlanWhole && !held->empty())
    return Refused{.generation = plan.generation, .guard = held->front().guard, .why = held->front().why, .remedy = {}, .classes = {}};
  const KernelState before = kernel_;
  const auto operations = reach(wanted(plan.desired, kernel_), kernel_);
  if (bug_ != Planted::DropLastPathGuard)
    if (auto r = last_path_operations(plan, operations)) return *r;
  if (auto r = foreign_objects(plan, operations, kernel_)) return *r;
  if (plan.generation <= highest_) story_->broken("I21", fmt::format("generation {} was carried out after {}", plan.generation, highest_), now);
  highest_ = std::max(highest_, plan.generation);
  count_moves(plan, before, now);
  memory_.accepted = plan.generation;
  remember_moves(plan, before, now, memory_);
  taken_.push_back(plan);
  if (taken_.size() > kRemembered) taken_.pop_front();
  if (!converge(plan.desired, now)) {
    put_back(plan, before, now);
    see_ways();
    return Failed{.generation = plan.generation, .why = "the kernel does not keep what it was told", .remedy = {}};
  }
  memory_.desired = plan.desired;
  memory_.applied = plan.generation;
  repairs_.forget();
  see_ways();
  return Applied{.generation = plan.generation, .changes = describe(operations, plan.desired, before), .took_us = 0, .held = std::move(*held)};
}

std::vector<std::size_t> ModelSwitch::find_ways(std::size_t traffic_class) const {
  const Nexthop* n = kernel_.class_way(site_->classes[traffic_class].table);
  std::vector<std::size_t> all;
  for (const int ifindex : n == nullptr ? std::vector<int>() : kernel_.interfaces(*n))
    if (const Link* link = kernel_.link(ifindex))
      all.push_back(static_cast<std::size_t>(std::ranges::find(site_->circuits, link->name, &model::Circuit::interface) - site_->circuits.begin()));
  return all;
}

/// Of a class that is shared: the first one that it was told to use, while the kernel has that; else any.
std::optional<std::size_t> ModelSwitch::find_way(std::size_t traffic_class) const {
  const auto all = find_ways(traffic_class);
  if (all.empty()) return std::nullopt;
  if (memory_.desired)
    for (const DesiredClass& c : memory_.desired->classes) {
      const auto told = c.name == site_->classes[traffic_class].name ? circuit_named(*site_, c.circuit) : std::nullopt;
      if (told && holds(all, *told)) return told;
    }
  return all.front();
}

}  // namespace linekeeper::sim
