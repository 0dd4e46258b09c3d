#include "controller/switch/route_switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controller/runtime/clock.hpp"
#include "controller/runtime/log.hpp"
#include "controller/switch/flow_marks.hpp"
#include "controller/switch/read_back.hpp"

namespace linekeeper::route {
namespace {

using runtime::Level;

// I10: a world that changes while we write (a link that comes up) is met again; one that never agrees is an error.
constexpr int kRounds = 3;
constexpr std::chrono::seconds kAskedAgain{1};  // one gateway, whatever the daemon wants: the kernel itself asks no faster

void add_tables(const Desired& d, std::set<std::uint32_t>& tables) {
  for (const auto& c : d.circuits) tables.insert(c.table);
  for (const auto& c : d.classes) tables.insert(c.table);
}

Failed failed(const Apply& plan, std::string why, std::string remedy) {
  return {.generation = plan.generation, .why = std::move(why), .remedy = std::move(remedy)};
}

bool touches(const std::vector<Operation>& ops, const DesiredClass& c) {
  return std::ranges::any_of(ops, [&](const Operation& op) {
    const auto* n = std::get_if<Nexthop>(&op.object);
    const auto* r = std::get_if<Route>(&op.object);
    const auto* u = std::get_if<Rule>(&op.object);
    return (n != nullptr && n->id >= kClassNexthopFirst && table_of_class_nexthop(n->id) == c.table) || (r != nullptr && r->table == c.table) ||
           (u != nullptr && u->table == c.table);
  });
}

/// A rule that keeps connections to their circuit goes when that leads nowhere, and comes again with it.
bool follows_link(const Operation& op, const Desired& desired, const KernelState& state, const std::set<int>& excused) {
  const auto* rule = std::get_if<Rule>(&op.object);
  if (rule == nullptr || !keeps_connections(*rule)) return false;
  const auto circuit = std::ranges::find(desired.circuits, rule->table, &DesiredCircuit::table);
  const Link* link = circuit == desired.circuits.end() ? nullptr : state.link(circuit->interface);
  return op.act == Act::Remove || (link != nullptr && excused.contains(link->ifindex));
}

std::vector<std::uint32_t> busy_numbers(const FlowMemory& memory) {
  std::vector<std::uint32_t> numbers;
  for (const LeftBehind& b : memory.behind) numbers.push_back(b.circuit);
  return numbers;
}

std::string join(const std::vector<std::string>& all) {
  constexpr std::size_t kNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < kNamed; ++i) text += (i == 0 ? "" : "; ") + all[i];
  return all.size() > kNamed ? text + fmt::format("; and {} more", all.size() - kNamed) : text;
}

}  // namespace

RouteSwitch::RouteSwitch(Kernel kernel, MemoryFile file, Memory memory, std::set<std::uint32_t> leftover)
    : kernel_(std::move(kernel)), file_(std::move(file)), memory_(std::move(memory)), leftover_(std::move(leftover)) {}

model::Result<RouteSwitch> RouteSwitch::adopt(Kernel kernel, MemoryFile file) {
  auto memory = file.load();
  if (!memory) runtime::log(Level::Warning, memory.error().to_string());
  auto tables = kernel.our_tables();
  if (!tables) return std::unexpected(tables.error());
  return RouteSwitch(std::move(kernel), std::move(file), memory.value_or(Memory{}), std::move(*tables));
}

model::Result<KernelState> RouteSwitch::read(const Desired* plan) {
  std::set<std::uint32_t> tables = leftover_;
  if (memory_.desired) add_tables(*memory_.desired, tables);
  if (plan != nullptr) add_tables(*plan, tables);
  return kernel_.read(tables);
}

void RouteSwitch::save() {
  // A full or read-only runtime directory must not keep a site on a dead way: said, and gone on.
  if (auto saved = file_.save(memory_); !saved) runtime::log(Level::Warning, saved.error().to_string());
}

Reply RouteSwitch::hello() {
  flows_.tell_again();
  left_alone_ = false;  // the next look tells it again
  repairs_.tell_again();
  led_past_.clear();
  StateReply reply{.generation = memory_.accepted, .classes = {}};
  auto state = read(nullptr);
  if (!state) return Failed{.generation = memory_.accepted, .why = state.error().what, .remedy = state.error().remedy};
  const auto interface_of_class = [&](std::uint32_t table) {
    const Nexthop* n = state->class_way(table);
    const auto interfaces = n == nullptr ? std::vector<int>() : state->interfaces(*n);
    const Link* link = interfaces.empty() ? nullptr : state->link(interfaces.front());
    return link == nullptr ? std::string() : link->name;
  };
  if (memory_.desired) {
    for (const DesiredClass& c : memory_.desired->classes) {
      reply.classes.push_back(class_now(c, memory_.desired->circuits, *state));
      reply.classes.back().interface = interface_of_class(c.table);
    }
    return reply;
  }
  for (const Nexthop& n : state->nexthops) {
    if (!is_ours(n) || n.id < kClassNexthopFirst) continue;
    const std::uint32_t table = table_of_class_nexthop(n.id);
    if (!holds(reply.classes, table, &ClassNow::table))
      reply.classes.push_back({.name = {}, .table = table, .circuit = {}, .interface = interface_of_class(table)});
  }
  return reply;
}

/// Applies differences until there are none, at most kRounds times; returns the state that agrees.
model::Result<KernelState> RouteSwitch::converge(const Desired& desired, KernelState state) {
  model::Error last{.what = "the kernel does not keep what it was told", .remedy = "see who else writes routes: ip monitor", .code = 0};
  for (int round = 0; round < kRounds; ++round) {
    const auto ops = reach(wanted(desired, state), state);
    for (const Operation& op : ops) {
      auto done = kernel_.carry_out(op);
      if (done) continue;
      last = done.error();
      break;  // look again before the next attempt: a link may have gone
    }
    auto after = read(&desired);
    if (!after) return after;
    if (reach(wanted(desired, *after), *after).empty()) return after;
    state = std::move(*after);
  }
  return std::unexpected(last);
}

std::string RouteSwitch::put_back(const KernelState& before, const Apply& plan) {
  auto state = read(&plan.desired);
  if (!state) return "what stood could not be put back: " + state.error().what;
  if (memory_.desired) flows_.prepare(plan.desired, *memory_.desired, memory_.flows);
  std::string trouble;
  for (const Operation& op : way_back(plan, before, *state))
    if (auto done = kernel_.carry_out(op); !done) trouble = done.error().what;
  return trouble.empty() ? "what stood was put back" : "what stood was put back as far as possible (" + trouble + ")";
}

/// Asks the routing decision about every class that is to be steered. @return remarks; `failures` for classes the plan touched.
std::vector<std::string> RouteSwitch::proofs(const Desired& desired, const std::vector<Operation>& operations, const KernelState& state,
                                             std::vector<std::string>& failures) {
  std::vector<std::string> remarks;
  for (const DesiredClass& c : desired.classes) {
    const Nexthop* way = state.class_way(c.table);
    if (c.circuit.empty() || way == nullptr) continue;
    const ProofResult r = prove(kernel_, c, state.interfaces(*way), desired, state);
    if (r.proof == Proof::Proven) continue;
    const bool fault = r.proof == Proof::Contradicted && touches(operations, c);
    (fault ? failures : remarks)
        .push_back(fmt::format("class {} is {} to go by {}: {}", c.name, r.proof == Proof::Unproven ? "not proven" : "seen not", c.circuit, r.words));
  }
  return remarks;
}

Reply RouteSwitch::apply(const Apply& given, model::Instant now) {
  Apply plan = given;
  if (auto r = stale_generation(plan, memory_)) return *r;
  if (auto r = foreign_ranges(plan)) return *r;  // before its tables are read
  number_flows(plan.desired, memory_.desired, busy_numbers(memory_.flows));
  auto before = read(&plan.desired);
  if (!before) return failed(plan, "cannot read the kernel's tables: " + before.error().what, before.error().remedy);
  if (auto r = judge(plan, memory_, *before)) return *r;
  auto held = hold_moves(plan, memory_, *before, now);  // from here on the plan is what may be carried out of it
  if (!held) return held.error();
  const auto operations = reach(wanted(plan.desired, *before), *before);
  if (auto r = last_path_operations(plan, operations)) return *r;
  if (auto r = foreign_objects(plan, operations, *before)) return *r;

  memory_.accepted = plan.generation;
  remember_moves(plan, *before, now, memory_);
  save();  // before the act: a crash must not forget a move (I3) or accept an old plan again (I21)
  flows_.prepare(memory_.desired, plan.desired, memory_.flows);
  auto after = converge(plan.desired, *before);
  if (!after) return failed(plan, after.error().what + "; " + put_back(*before, plan), after.error().remedy);
  std::vector<std::string> contradicted;
  const auto remarks = proofs(plan.desired, operations, *after, contradicted);
  if (!contradicted.empty())
    return failed(plan, join(contradicted) + "; " + put_back(*before, plan),
                  "find the rule that takes the traffic first: ip rule; ip route get 192.0.2.1");

  Applied applied{.generation = plan.generation, .changes = describe(operations, plan.desired, *before), .took_us = 0, .held = std::move(*held)};
  applied.changes.insert(applied.changes.end(), remarks.begin(), remarks.end());
  flows_.stands(memory_.desired, plan.desired, memory_.flows, now);
  if (memory_.desired) add_tables(*memory_.desired, leftover_);  // a table given up is still looked into for strays
  memory_.desired = plan.desired;
  memory_.applied = plan.generation;
  repairs_.forget();
  left_alone_ = false;
  applied.took_us = std::chrono::duration_cast<std::chrono::microseconds>(runtime::boot_now() - now).count();
  save();
  return applied;
}

bool RouteSwitch::ask_gateway(const AskGateway& question, model::Instant now) {
  if (!memory_.desired) return false;
  const auto circuit = std::ranges::find(memory_.desired->circuits, question.circuit, &DesiredCircuit::name);
  if (circuit == memory_.desired->circuits.end() || !circuit->gateway) return false;
  std::erase_if(asked_, [now](const auto& each) { return now - each.second >= kAskedAgain; });
  if (!asked_.try_emplace(circuit->name, now).second) return false;
  const auto asked = kernel_.ask_gateway(circuit->interface, *circuit->gateway);
  if (!asked) runtime::log(Level::Warning, fmt::format("cannot have the gateway of {} asked: {}", circuit->name, asked.error().to_string()));
  return asked.value_or(false);
}

std::vector<Drift> RouteSwitch::look(const std::set<int>& excused, model::Instant now) {
  if (!memory_.desired) return {};  // never told anything: what stands is left alone
  auto state = read(nullptr);
  if (!state) {
    runtime::log(Level::Warning, "cannot look at the kernel's tables: " + state.error().what);
    return {};
  }
  const Wanted want = wanted(*memory_.desired, *state);
  std::vector<std::string> repaired;
  std::vector<std::string> gave_up;
  const bool was_left_alone = std::exchange(left_alone_, false);
  for (const Operation& op : reach(want, *state)) {
    const bool own_doing = std::ranges::any_of(interfaces_of(op.object, want), [&](int i) { return excused.contains(i); }) ||
                           follows_link(op, *memory_.desired, *state, excused);
    const std::string words = (op.act == Act::Put ? "missing or changed: " : "stray: ") + to_string(op.object);
    const std::string foreign = overwritten(op, *state);
    const auto verdict = own_doing && foreign.empty() ? RepairLimit::Verdict::Repair : repairs_.ask(object_key(op.object), now);
    if (verdict == RepairLimit::Verdict::GaveUp) gave_up.push_back(words);
    left_alone_ = left_alone_ || verdict != RepairLimit::Verdict::Repair;
    if (verdict != RepairLimit::Verdict::Repair) continue;
    const auto done = foreign.empty() ? kernel_.carry_out(op)
                                      : model::Result<void>(std::unexpected(model::Error{.what = foreign + " is in its place", .remedy = {}}));
    if (done && own_doing) runtime::log(Level::Notice, "link or address changed: set " + to_string(op.object));
    if (done && !own_doing) repaired.push_back(words);
    if (!done) runtime::log(Level::Warning, words + ": cannot repair it: " + done.error().what);
  }
  std::vector<Drift> drifts;
  if (!repaired.empty()) drifts.push_back({.what = join(repaired), .repaired = true, .gave_up = false});
  if (auto drift = flows_.look(*memory_.desired, memory_.flows, repairs_, now)) drifts.push_back(std::move(*drift));
  if (!gave_up.empty()) {
    drifts.push_back({.what = join(gave_up) + fmt::format(" (put back {} times in 10 minutes; now left alone)", kRepairsPerTenMinutes),
                      .repaired = false,
                      .gave_up = true});
  } else if (was_left_alone && !left_alone_) {
    drifts.push_back({.what = "all that was left alone stands again", .repaired = true, .gave_up = true});
  }
  if (auto drift = led_past(*state)) drifts.push_back(std::move(*drift));
  return drifts;
}

/// Ours may stand as it was written while a rule of somebody else's takes the traffic first: only the routing decision knows. Such a rule
/// is not ours to remove (I11), so it is told when it comes, and when it is over.
std::optional<Drift> RouteSwitch::led_past(const KernelState& state) {
  const auto ask = [this](const DesiredClass& c, const KernelState& now) -> ProofResult {
    const Nexthop* way = now.class_way(c.table);
    const bool routed = std::ranges::any_of(now.routes, [&](const Route& r) { return r.table == c.table && r.nexthop != 0; });
    if (c.circuit.empty() || way == nullptr || !routed) return {};  // what is missing is told elsewhere
    return prove(kernel_, c, now.interfaces(*way), *memory_.desired, now);
  };
  std::set<std::string> past;
  std::vector<std::string> words;
  for (const DesiredClass& c : memory_.desired->classes) {
    ProofResult proof = ask(c, state);
    if (proof.proof == Proof::Contradicted) {
      const auto now = read(nullptr);  // a link may have gone since, and what was put back stands only now
      proof = now ? ask(c, *now) : ProofResult{};
    }
    if (proof.proof == Proof::Contradicted) words.push_back(fmt::format("class {} is led past {}: {}", c.name, c.circuit, proof.words));
    if (proof.proof == Proof::Contradicted || (proof.proof == Proof::Unproven && led_past_.contains(c.name))) past.insert(c.name);
  }
  if (past == led_past_) return std::nullopt;
  led_past_ = std::move(past);
  if (!words.empty()) return Drift{.what = join(words), .repaired = false, .gave_up = false, .foreign = true};
  if (!led_past_.empty()) return std::nullopt;
  return Drift{
      .what = "every class goes by its circuit again: nothing stands before our rules any more", .repaired = true, .gave_up = false, .foreign = true};
}

std::optional<Flows> RouteSwitch::tend(model::Instant now) {
  if (!memory_.desired) return std::nullopt;
  if (flows_.work(*memory_.desired, memory_.flows, kernel_, now)) save();
  return flows_.news(*memory_.desired, memory_.flows, now);
}

model::Result<std::vector<std::string>> RouteSwitch::remove_everything() {
  auto state = read(nullptr);
  if (!state) return std::unexpected(state.error());
  std::vector<std::string> removed;
  for (const Operation& op : reach(Wanted{}, *state)) {
    if (auto done = kernel_.carry_out(op); !done) return std::unexpected(done.error());
    removed.push_back(to_string(op.object));
  }
  auto table = flows_.remove(memory_.flows);
  if (!table) return std::unexpected(table.error());
  removed.insert(removed.end(), table->begin(), table->end());
  file_.remove();
  memory_ = {};
  return removed;
}

}  // namespace linekeeper::route
