#include "tests/sim/model_switch.hpp"

#include <algorithm>

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

}  // namespace

void ModelSwitch::link(const World& world, std::size_t circuit) {
  const model::LinkState state = world.link(circuit);
  const std::string& name = site_->circuits[circuit].interface;
  auto found = std::ranges::find(kernel_.links, name, &Link::name);
  if (found == kernel_.links.end()) found = kernel_.links.insert(found, Link{.name = name, .addresses = {}});
  const bool gone = found->ifindex != state.ifindex || !state.carrier;
  const int before = found->ifindex;
  *found = Link{.ifindex = state.ifindex, .name = name, .up = state.admin_up, .carrier = state.carrier, .addresses = {}};
  if (state.address) found->addresses.push_back({*state.address, 24});
  if (!gone) return;
  std::vector<std::uint32_t> flushed;
  for (const Nexthop& n : kernel_.nexthops)
    if (n.ifindex == before) flushed.push_back(n.id);
  std::erase_if(kernel_.nexthops, [&](const Nexthop& n) { return n.ifindex == before; });
  std::erase_if(kernel_.routes, [&](const Route& r) { return r.nexthop != 0 && holds(flushed, r.nexthop); });
}

bool ModelSwitch::steered(std::uint32_t table) const {
  return kernel_.nexthop(class_nexthop(table)) != nullptr &&
         std::ranges::any_of(kernel_.routes, [&](const Route& r) { return r.table == table && r.nexthop == class_nexthop(table); });
}

void ModelSwitch::remove(const Object& object) {
  if (const auto* n = std::get_if<Nexthop>(&object)) {
    std::erase_if(kernel_.nexthops, [&](const Nexthop& o) { return o.id == n->id; });
    std::erase_if(kernel_.routes, [&](const Route& r) { return r.nexthop == n->id; });
  } else if (const auto* r = std::get_if<Route>(&object)) {
    std::erase_if(kernel_.routes, [&](const Route& o) { return o == *r; });
  } else {
    std::erase_if(kernel_.rules, [&](const Rule& o) { return o == std::get<Rule>(object); });
  }
}

bool ModelSwitch::put(const Operation& op, Instant now) {
  if (const auto* n = std::get_if<Nexthop>(&op.object)) {
    const Link* link = kernel_.link(n->ifindex);
    if (link == nullptr || !link->usable()) return false;  // ENETDOWN
    const auto stands = std::ranges::find(kernel_.nexthops, n->id, &Nexthop::id);
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
  if (!memory_.desired) return;
  for (const Operation& op : reach(wanted(*memory_.desired, kernel_), kernel_)) carry_out(op, now);
}

StateReply ModelSwitch::hello() const {
  StateReply reply{.generation = memory_.accepted, .classes = {}};
  const auto interface_of = [&](std::uint32_t table) {
    const Nexthop* n = kernel_.nexthop(class_nexthop(table));
    const Link* link = n == nullptr ? nullptr : kernel_.link(n->ifindex);
    return link == nullptr ? std::string() : link->name;
  };
  if (memory_.desired) {
    for (const DesiredClass& c : memory_.desired->classes) {
      const bool stands = kernel_.nexthop(class_nexthop(c.table)) != nullptr;
      reply.classes.push_back({.name = c.name,
                               .table = c.table,
                               .circuit = stands ? circuit_in_kernel(c.table, memory_.desired->circuits, kernel_) : c.circuit,
                               .interface = interface_of(c.table)});
    }
    return reply;
  }
  for (const Nexthop& n : kernel_.nexthops)
    if (is_ours(n) && n.id >= kClassNexthopFirst)
      reply.classes.push_back(
          {.name = {}, .table = table_of_class_nexthop(n.id), .circuit = {}, .interface = interface_of(table_of_class_nexthop(n.id))});
  return reply;
}

std::optional<Refused> ModelSwitch::judge(const Apply& plan, Instant now) const {
  if (bug_ != Planted::AcceptStaleGeneration)
    if (auto r = stale_generation(plan, memory_)) return r;
  if (auto r = foreign_ranges(plan)) return r;
  if (bug_ != Planted::DropLastPathGuard)
    if (auto r = last_path(plan, memory_, kernel_)) return r;
  if (bug_ != Planted::DropRateLimit)
    if (auto r = rate_limit(plan, memory_, kernel_, now)) return r;
  return std::nullopt;
}

void ModelSwitch::count_moves(const Apply& plan, const KernelState& before, Instant now) {
  moves_.resize(site_->classes.size());
  escapes_.resize(site_->classes.size());
  for (std::size_t i = 0; i < site_->classes.size(); ++i) {
    const auto wants = std::ranges::find(plan.desired.classes, site_->classes[i].name, &DesiredClass::name);
    if (wants == plan.desired.classes.end() || wants->circuit.empty()) continue;
    const std::string stood = told_circuit(*wants, memory_, before, plan.desired.circuits);
    if (stood.empty() || stood == wants->circuit) continue;
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

Reply ModelSwitch::apply(const Apply& plan, Instant now) {
  if (auto r = judge(plan, now)) return *r;
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
    return Failed{.generation = plan.generation, .why = "the kernel does not keep what it was told", .remedy = {}};
  }
  memory_.desired = plan.desired;
  memory_.applied = plan.generation;
  return Applied{.generation = plan.generation, .changes = describe(operations, plan.desired, before), .took_us = 0};
}

std::optional<std::size_t> ModelSwitch::way(std::size_t traffic_class) const {
  const Nexthop* n = kernel_.nexthop(class_nexthop(site_->classes[traffic_class].table));
  const Link* link = n == nullptr ? nullptr : kernel_.link(n->ifindex);
  if (link == nullptr) return std::nullopt;
  const auto found = std::ranges::find(site_->circuits, link->name, &model::Circuit::interface);
  return static_cast<std::size_t>(found - site_->circuits.begin());
}

std::optional<std::size_t> ModelSwitch::told(std::size_t traffic_class) const {
  if (const auto stands = way(traffic_class)) return stands;
  if (!memory_.desired) return std::nullopt;
  for (const DesiredClass& c : memory_.desired->classes)
    if (c.name == site_->classes[traffic_class].name) return circuit_named(*site_, c.circuit);
  return std::nullopt;
}

}  // namespace linekeeper::sim
