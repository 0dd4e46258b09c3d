#include "controller/switch/flow_switch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "controller/runtime/log.hpp"
#include "controller/switch/flow_table.hpp"

namespace linekeeper::route {
namespace {

using model::Family;
using model::Instant;
using runtime::Level;

// Deleting one takes some microseconds; the daemon's next plan must not wait for a hundred thousand of them.
constexpr std::size_t kDeleteAtOnce = 1000;
constexpr std::size_t kRelabelled = 200'000;
constexpr Family kFamilies[] = {Family::V4, Family::V6};

template <class Part>
const Part* numbered(const std::vector<Part>& all, Family family, std::uint32_t flow) {
  const auto found = std::ranges::find_if(all, [&](const Part& p) { return p.family == family && p.flow == flow; });
  return found == all.end() ? nullptr : &*found;
}

std::string class_name(const Desired& plan, const LeftBehind& left) {
  const DesiredClass* found = numbered(plan.classes, left.family, left.traffic_class);
  return found == nullptr ? std::string() : found->name;
}

std::string wanted_tables(const Desired& plan) {
  std::string both;
  for (const Family family : kFamilies) both += to_string(flow_table(plan, family));
  return both;
}

std::vector<Elsewhere> led_to(const LeftBehind& left, const Desired& plan) {
  const DesiredClass* traffic = numbered(plan.classes, left.family, left.traffic_class);
  return traffic == nullptr ? std::vector<Elsewhere>() : led_to(*traffic, numbered(plan.circuits, left.family, left.circuit), plan);
}

/// The ways of a share in turn, each as often as it weighs.
std::uint32_t mark_of_turn(const std::vector<Elsewhere>& ways, std::uint64_t turn) {
  std::uint64_t sum = 0;
  for (const Elsewhere& way : ways) sum += way.weight;
  turn %= sum;
  for (const Elsewhere& way : ways) {
    if (turn < way.weight) return way.mark;
    turn -= way.weight;
  }
  return ways.back().mark;
}

/// Deletes what was found, or leads it over in one step where it may stay what it is. A deleted one begins anew with its next packet, and if
/// that is an answer on its way to us it is taken for one that came in by the old circuit, and belongs there.
/// @param living  they are on a circuit that lives: what cannot be led over stays
/// @return how many were let go
model::Result<std::uint64_t> let_go(Conntrack& conntrack, const std::vector<Connection>& connections, const std::vector<Elsewhere>& elsewhere,
                                    std::uint32_t mask, bool living = false) {
  std::uint64_t gone = 0;
  for (const Connection& c : connections) {
    const bool stays = !elsewhere.empty() && c.seen_as == c.source;
    if (!stays && living) continue;
    if (auto done = stays ? conntrack.mark(c, mark_of_turn(elsewhere, gone), mask) : conntrack.remove(c); !done) return std::unexpected(done.error());
    ++gone;
  }
  return gone;
}

constexpr std::chrono::milliseconds kBothWaysSeen(100);  // voice sends each 20 ms

// Where IPv6's table begins in the text of both; that of IPv4 alone is as it was before there were two.
constexpr std::string_view kOfIpv6 = "ip6\n";

std::string_view of_family(std::string_view both, Family family) {
  const auto six = std::min(both.find(kOfIpv6), both.size());
  return family == Family::V4 ? both.substr(0, six) : both.substr(six);
}

/// What became of our tables, in words.
std::string changes(std::string_view put, std::string_view stands) {
  std::string words;
  for (const Family family : kFamilies) {
    const auto was = of_family(put, family), is = of_family(stands, family);
    if (was == is) continue;
    words += fmt::format("{}nftables table {} {}", words.empty() ? "" : "; ", flow_table_name(family),
                         is.empty() ? "was removed (flush ruleset?)" : "was changed");
  }
  return words;
}

bool same_news(const Flows& a, const Flows& b) {
  const auto same = [](const Draining& x, const Draining& y) {
    return x.traffic_class == y.traffic_class && x.circuit == y.circuit && x.flows == y.flows;
  };
  return std::ranges::equal(a.draining, b.draining, same) && a.problem == b.problem;
}

}  // namespace

model::Result<Conntrack*> FlowSwitch::conntrack() {
  if (!conntrack_) {
    auto opened = Conntrack::open();
    if (!opened) return std::unexpected(opened.error());
    conntrack_ = std::move(*opened);
  }
  return &*conntrack_;
}

model::Result<NftTable*> FlowSwitch::nftables() {
  if (!nftables_) {
    auto opened = NftTable::open();
    if (!opened) return std::unexpected(opened.error());
    nftables_ = std::move(*opened);
  }
  return &*nftables_;
}

model::Result<std::string> FlowSwitch::show(Family family) {
  auto open = nftables();
  if (!open) return std::unexpected(open.error());
  auto shown = (*open)->show(family);
  // A kernel without IPv6 has no tables of it.
  if (!shown && family == Family::V6 && shown.error().code == EAFNOSUPPORT) return std::string();
  return shown;
}

/// As it stands, of both families.
model::Result<std::string> FlowSwitch::show() {
  std::string both;
  for (const Family family : kFamilies) {
    auto shown = show(family);
    if (!shown) return shown;
    if (family == Family::V6 && !shown->empty()) both += kOfIpv6;
    both += *shown;
  }
  return both;
}

/// One family's table: what stands under its name is replaced if it is ours.
model::Result<void> FlowSwitch::write(const FlowTable& table) {
  auto open = nftables();
  if (!open) return std::unexpected(open.error());
  const auto stands = show(table.family);
  if (!stands) return std::unexpected(stands.error());
  if (stands->empty() && table.chains.empty()) return {};
  if (!stands->empty() && stands->find(kFlowTableComment) == std::string::npos) {
    if (table.chains.empty()) return {};
    return std::unexpected(model::Error{.what = fmt::format("nftables has a table {} that was not made by us", flow_table_name(table.family)),
                                        .remedy = "rename it: this name is ours"});
  }
  return (*open)->put(table);
}

/// Where none of our tables stands the kernel may not have followed connections until now: the first packet that it sees of a call in progress
/// is as likely an answer, and the call would count as begun from outside and be kept to that circuit for good. So for a moment packets that
/// come in decide nothing; of whoever talks both ways one has gone out by then. @post nothing is promised: what fails is said by put()
void FlowSwitch::begin_tracking(const Desired& plan) {
  bool begun = false;
  for (const Family family : kFamilies) {
    const auto stands = show(family);
    const FlowTable whole = flow_table(plan, family);
    if (!stands || !stands->empty() || whole.chains.empty()) continue;
    const FlowTable deaf = flow_table(plan, family, Arrivals::Ignored);
    begun = (to_string(deaf) != to_string(whole) && write(deaf)) || begun;
  }
  if (begun) std::this_thread::sleep_for(kBothWaysSeen);
}

void FlowSwitch::put(const Desired& plan, FlowMemory& memory) {
  const auto failed = [&](const model::Error& error) {
    if (problem_ != error.what) runtime::log(Level::Warning, "connections are not kept to their circuits: " + error.what + ". " + error.remedy);
    problem_ = error.what;
    remedy_ = error.remedy;
    memory.shown_table.clear();
  };
  memory.wanted_table = wanted_tables(plan);
  begin_tracking(plan);
  // Both are tried, whatever becomes of one: a site is not to lose IPv4's for want of a module for IPv6.
  std::optional<model::Error> refused;
  for (const Family family : kFamilies)
    if (auto done = write(flow_table(plan, family)); !done && !refused) refused = done.error();
  if (refused) return failed(*refused);
  auto shown = show();
  if (!shown) return failed(shown.error());
  memory.shown_table = std::move(*shown);
  problem_.clear();
  remedy_.clear();
}

void FlowSwitch::prepare(const std::optional<Desired>& before, const Desired& plan, FlowMemory& memory) {
  const std::string wanted = wanted_tables(plan);
  if (wanted == memory.wanted_table) return;  // a move changes nothing here; what failed is tried again by look()
  if (wanted.empty() && memory.shown_table.empty()) {
    memory.wanted_table.clear();
    problem_.clear();
    return;
  }
  put(plan, memory);
  if (before && before->flow_mask != 0 && plan.flow_mask != 0 && before->flow_mask != plan.flow_mask) relabel(*before, plan);
}

/// The bits that are ours have been moved by a reload: connections in progress get their numbers in the new place.
void FlowSwitch::relabel(const Desired& before, const Desired& plan) {
  const FlowMarks old(before.flow_mask), fresh(plan.flow_mask);
  auto open = conntrack();
  for (const DesiredCircuit& c : before.circuits) {
    if (!open) break;
    if (c.flow == 0) continue;  // of a plan that an earlier release carried out
    const auto found = (*open)->find(c.family, old.value(c.flow), old.circuit_mask(), kRelabelled);
    if (!found) return runtime::log(Level::Warning, "connections cannot be marked anew: " + found.error().what);
    for (const Connection& one : found->connections) {
      const bool fits = c.flow <= fresh.most_circuits() && old.class_in(one.mark) <= fresh.most_classes();
      const auto done = (*open)->mark(one, fits ? fresh.value(c.flow, old.class_in(one.mark)) : 0, old.mask() | fresh.mask());
      if (!done) return runtime::log(Level::Warning, "connections cannot be marked anew: " + done.error().what);
    }
  }
}

void FlowSwitch::stands(const std::optional<Desired>& before, const Desired& plan, FlowMemory& memory, Instant now) {
  leave_behind(memory, before, plan, now);
}

bool FlowSwitch::look_at(LeftBehind& left, const Desired& plan, const KernelState& state, Instant now) {
  const FlowMarks marks(plan.flow_mask);
  const bool due = to_be_cut(left, now);
  const bool cutting = due && keeps_from_cutting(left, plan, state).empty();
  auto open = conntrack();
  if (!open || left.circuit == 0 || left.traffic_class == 0) return false;
  const auto found = (*open)->find(left.family, marks.value(left.circuit, left.traffic_class), marks.mask(), cutting ? kDeleteAtOnce : 0);
  const auto gone = found && cutting ? let_go(**open, found->connections, led_to(left, plan), marks.mask(), left.state == Behind::Unshared)
                                     : model::Result<std::uint64_t>(0);
  if (!found || !gone) {
    runtime::log(Level::Warning,
                 fmt::format("connections left on {} cannot be looked after: {}", left.circuit_name, found ? gone.error().what : found.error().what));
    left.next = now + kCountDrainsEvery;
    return true;
  }
  if (*gone > 0)
    cuts_.push_back({.traffic_class = class_name(plan, left),
                     .circuit = left.circuit_name,
                     .why = std::string(to_string(left.state == Behind::Drains ? Behind::Deadline : left.state)),
                     .flows = *gone,
                     .strays = left.looks > 0});
  const bool whole = found->whole() || (left.state == Behind::Unshared && *gone == 0);  // then nothing that is left can be led over
  return looked(left, found->count, cutting, !cutting || whole, now);
}

bool FlowSwitch::look_at(OldAddress& old, const Desired& plan, const KernelState& state, Instant now) {
  if (!keeps_from_cutting(old, plan, state).empty()) {
    old.next = now + kCountDrainsEvery;
    return true;
  }
  const FlowMarks marks(plan.flow_mask);
  auto open = conntrack();
  if (!open || old.circuit == 0) return false;
  auto found = (*open)->find(old.address.family, marks.value(old.circuit), marks.circuit_mask(), kRelabelled);
  if (!found) return false;
  std::erase_if(found->connections, [&](const Connection& c) { return c.source != old.address && c.seen_as != old.address; });
  const bool whole = found->connections.size() <= kDeleteAtOnce;
  if (!whole) found->connections.resize(kDeleteAtOnce);
  const auto gone = let_go(**open, found->connections, {}, 0);
  const DesiredCircuit* circuit = numbered(plan.circuits, old.address.family, old.circuit);
  if (gone && *gone > 0 && circuit != nullptr)
    cuts_.push_back({.traffic_class = {}, .circuit = circuit->name, .why = "address", .flows = *gone, .strays = old.looks > 0});
  return looked(old, whole, now);
}

bool FlowSwitch::work(const Desired& plan, FlowMemory& memory, Kernel& kernel, Instant now) {
  const auto due = next_look(memory);
  if (!due || *due > now || plan.flow_mask == 0) return false;
  const auto state = kernel.read({});
  if (!state) return false;
  std::erase_if(memory.behind, [&](LeftBehind& b) { return due_at(b) <= now && !look_at(b, plan, *state, now); });
  std::erase_if(memory.old_addresses, [&](OldAddress& o) { return o.next <= now && !look_at(o, plan, *state, now); });
  return true;
}

std::optional<Drift> FlowSwitch::look(const Desired& plan, FlowMemory& memory, RepairLimit& repairs, Instant now) {
  if (memory.wanted_table.empty()) return std::nullopt;
  const auto stands = show();
  if (!stands) return std::nullopt;  // said when it was put
  if (!memory.shown_table.empty() && *stands == memory.shown_table) return std::nullopt;
  if (memory.shown_table.empty()) {
    put(plan, memory);  // the kernel would not take it before: a module may have been loaded since
    return std::nullopt;
  }
  const std::string what = changes(memory.shown_table, *stands);
  switch (repairs.ask("nftables table", now)) {
    case RepairLimit::Verdict::StillGivenUp: return std::nullopt;
    case RepairLimit::Verdict::GaveUp:
      problem_ = what + ", and is left alone after having been put back too often";
      remedy_ = "find out who does it (nft monitor), and have it keep our tables of that name";
      return Drift{.what = what + fmt::format(" (put back {} times in 10 minutes; now left alone)", kRepairsPerTenMinutes),
                   .repaired = false,
                   .gave_up = true};
    case RepairLimit::Verdict::Repair: break;
  }
  put(plan, memory);
  return Drift{.what = what, .repaired = problem_.empty(), .gave_up = false};
}

model::Result<std::vector<std::string>> FlowSwitch::remove(FlowMemory& memory) {
  memory = {};
  std::vector<std::string> removed;
  for (const Family family : kFamilies) {
    const auto stands = show(family);
    if (!stands || stands->find(kFlowTableComment) == std::string::npos) continue;
    if (auto done = write({.family = family, .chains = {}}); !done) return std::unexpected(done.error());
    removed.push_back("nftables table " + flow_table_name(family));
  }
  return removed;
}

std::optional<Flows> FlowSwitch::news(const Desired& plan, const FlowMemory& memory, Instant now) {
  Flows fresh{.draining = {}, .cut = std::move(cuts_), .problem = problem_, .remedy = remedy_};
  cuts_.clear();
  for (const LeftBehind& b : memory.behind)
    if (b.flows > 0)
      fresh.draining.push_back({.traffic_class = class_name(plan, b),
                                .circuit = b.circuit_name,
                                .flows = b.flows,
                                .left = std::chrono::ceil<std::chrono::seconds>(std::max(b.deadline - now, model::Duration::zero()))});
  const bool nothing = fresh.cut.empty() && same_news(fresh, told_.value_or(Flows{}));
  if (nothing) return std::nullopt;
  told_ = fresh;
  return fresh;
}

}  // namespace linekeeper::route
