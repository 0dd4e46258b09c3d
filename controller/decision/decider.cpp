#include "controller/decision/decider.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::EventId;
using model::Guard;
using model::Health;
using model::Instant;

namespace {

EventId event_of(Health h, EventId up) {
  // Up, Degraded, Down, Unknown stand in this order for circuits, paths and carriers alike (event.hpp).
  const auto base = static_cast<int>(up);
  switch (h) {
    case Health::Up: return up;
    case Health::Degraded: return static_cast<EventId>(base + 1);
    case Health::Down: return static_cast<EventId>(base + 2);
    case Health::Unknown: return static_cast<EventId>(base + 3);
  }
  return up;
}

std::string nanoseconds(Instant t) { return std::to_string(t.time_since_epoch().count()); }

}  // namespace

Decider::Decider(model::SitePtr site, Instant started)
    : site_(std::move(site)), started_(started), carriers_(site_->carriers.size()), classes_(site_->classes.size()), trunks_(site_->trunks.size()) {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) circuits_.emplace_back(*site_, model::id_at<model::CircuitId>(c), started);
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    for (std::size_t c = 0; c < site_->circuits.size(); ++c)
      paths_.emplace_back(*site_, model::id_at<model::CarrierId>(k), model::id_at<model::CircuitId>(c), started);
  for (model::Verdict& v : carriers_) v.since = started;
  for (ClassState& c : classes_) c.since = started;
  for (TrunkState& t : trunks_) t.since = started;
}

const PathHealth& Decider::path(model::CarrierId carrier, model::CircuitId circuit) const {
  return paths_[carrier.index() * circuits_.size() + circuit.index()];
}

void Decider::tell(EventId id, std::string subject, std::string text, Instant now, std::vector<std::pair<std::string, std::string>> fields) {
  out_.events.push_back(
      {.sequence = 0, .id = id, .wall = {}, .at = now, .subject = std::move(subject), .text = std::move(text), .fields = std::move(fields)});
}

const Output& Decider::observe(const model::Observation& observation, Instant now) {
  out_.clear();
  bool replan = false, look = false;
  struct Visitor {
    Decider& d;
    Instant now;
    bool& replan;
    bool& look;
    void operator()(const model::ProbeSent& o) const { d.circuits_.at(o.circuit.index()).on(o); }
    void operator()(const model::ProbeReply& o) const { d.circuits_.at(o.circuit.index()).on(o, now); }
    void operator()(const model::ProbeRejected&) const {}  // a hint that can be forged: the silence that follows is what counts
    void operator()(const model::ProbeLocalError& o) const { d.circuits_.at(o.circuit.index()).on(o, now); }
    void operator()(const model::SipOutcome& o) const {
      look = true;  // a suspicion may have come or gone without a change of health; OPTIONS are rare
      PathHealth& p = d.paths_.at(o.carrier.index() * d.circuits_.size() + o.circuit.index());
      const int before = p.last_code();
      if (!p.on(o, now)) return;
      const std::string& carrier = (*d.site_)[o.carrier].name;
      const std::string& circuit = (*d.site_)[o.circuit].name;
      d.tell(EventId::CarrierCodeChanged, "carrier " + carrier,
             fmt::format("{} answers OPTIONS through {} with {} instead of {}.", carrier, circuit, o.code, before), now,
             {{"circuit", circuit}, {"code", std::to_string(o.code)}, {"before", std::to_string(before)}});
    }
    void operator()(const model::GatewayState&) const {}
    void operator()(const model::ResolverState&) const {}
    void operator()(const model::LoopStall& o) const {
      for (PathHealth& p : d.paths_) p.stalled(o);
    }
    void operator()(const model::SipOverdue& o) const {
      look = true;
      d.paths_.at(o.carrier.index() * d.circuits_.size() + o.circuit.index()).on(o, now);
    }
    void operator()(const model::SipProvisional& o) const {
      look = true;
      d.paths_.at(o.carrier.index() * d.circuits_.size() + o.circuit.index()).on(o, now);
    }
    void operator()(const model::TrunkLoad&) const {}
    void operator()(const model::LinkState& o) const {
      CircuitHealth& c = d.circuits_.at(o.circuit.index());
      if (c.link() == o) return;
      if (c.link())
        d.tell(EventId::LinkChanged, "circuit " + (*d.site_)[o.circuit].name,
               fmt::format("{}: {}, address {}, gateway {}.", (*d.site_)[o.circuit].interface,
                           !o.present    ? "does not exist"
                           : !o.admin_up ? "set down"
                           : !o.carrier  ? "no carrier"
                                         : "carrier present",
                           o.address ? o.address->to_string() : "none", o.gateway ? o.gateway->to_string() : "none"),
               now);
      c.on(o, now);
      replan = true;  // the switch must know the new address, gateway or interface
    }
  };
  std::visit(Visitor{*this, now, replan, look}, observation);
  return finish(now, replan, look);
}

const Output& Decider::adopt(const Adopted& adopted, Instant now) {
  out_.clear();
  generation_ = std::max(generation_, adopted.generation);
  if (!adopted_)
    for (std::size_t i = 0; i < classes_.size() && i < adopted.classes.size(); ++i)
      if (adopted.classes[i]) {
        classes_[i].choice.circuit = adopted.classes[i];
        classes_[i].choice.motive = model::Motive::Adopted;
      }
  adopted_ = true;
  return finish(now, true);
}

const Output& Decider::adopt(const TrunkAdopted& adopted, Instant now) {
  out_.clear();
  TrunkState& state = trunks_.at(adopted.trunk.index());
  const auto& members = (*site_)[adopted.trunk].members;
  if (!state.adopted && adopted.sets.size() == members.size()) {
    std::vector<model::TrunkStep> order;
    for (const int set : adopted.sets) {
      const auto m = std::ranges::find(members, set, &model::TrunkMember::dispatcher_set);
      if (m != members.end()) order.push_back({.member = static_cast<std::size_t>(m - members.begin())});
    }
    if (order.size() == members.size()) {
      // Whoever stands behind one that it is preferred to was put there for a reason that died with the daemon before us: it
      // earns its place again by its hold-down (I4, I13).
      const auto preferred = order_trunk(*site_, (*site_)[adopted.trunk], {}, model::Motive::NotYet, member_views((*site_)[adopted.trunk], {}),
                                         classes_[(*site_)[adopted.trunk].traffic_class.index()].choice.circuit, {});
      for (auto s = preferred.order.begin(); s != preferred.order.end(); ++s) {
        const auto stands = std::ranges::find(order, s->member, &model::TrunkStep::member);
        const bool in_place =
            std::all_of(order.begin(), stands, [&](const model::TrunkStep& before) { return std::find(preferred.order.begin(), s, before) != s; });
        const model::TrunkMember& m = members[s->member];
        for (std::size_t c = 0; c < circuits_.size() && !in_place; ++c)
          if (!m.circuit || m.circuit->index() == c) paths_[m.carrier.index() * circuits_.size() + c].distrust();
      }
      state.decision.order = std::move(order);
      state.decision.motive = model::Motive::Adopted;
    }
  }
  state.adopted = true;
  return finish(now, true);
}

const Output& Decider::order(const OrdersInForce& orders, Instant now) {
  out_.clear();
  const auto applies = [](const model::Override& o, const std::string& name, std::string_view group) {
    return o.subject == name || o.subject == group || o.subject.empty();
  };
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    classes_[i].orders = {};
    for (const model::Override& o : orders.overrides) {
      if (!applies(o, site_->classes[i].name, "routing")) continue;
      if (o.kind == model::OverrideKind::Hold) classes_[i].orders.hold = true;
      const auto to = std::ranges::find(site_->circuits, o.to, &model::Circuit::name);
      if (o.kind == model::OverrideKind::Force && to != site_->circuits.end())
        classes_[i].orders.force = model::id_at<model::CircuitId>(static_cast<std::size_t>(to - site_->circuits.begin()));
    }
  }
  for (std::size_t i = 0; i < trunks_.size(); ++i) {
    trunks_[i].orders = {};
    for (const model::Override& o : orders.overrides) {
      if (!applies(o, site_->trunks[i].name, "trunks")) continue;
      if (o.kind == model::OverrideKind::Hold) trunks_[i].orders.hold = true;
      const auto to = std::ranges::find(site_->carriers, o.to, &model::Carrier::name);
      if (o.kind == model::OverrideKind::Force && to != site_->carriers.end())
        trunks_[i].orders.force = model::id_at<model::CarrierId>(static_cast<std::size_t>(to - site_->carriers.begin()));
    }
  }
  judge_all(now);
  choose_all(now);
  return finish(now, false);
}

const Output& Decider::reissue(Instant now) {
  out_.clear();
  return finish(now, true);
}

const Output& Decider::wake(Instant now) {
  out_.clear();
  return finish(now, false);
}

bool Decider::judge_all(Instant now) {
  bool changed = false;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    if (!circuits_[c].judge(now)) continue;
    changed = true;
    const model::CircuitStatus s = circuits_[c].status();
    const std::string& name = site_->circuits[c].name;
    const std::string clause = circuit_clause(*site_, s, now);
    tell(event_of(s.verdict.health, EventId::CircuitUp), "circuit " + name,
         s.verdict.health == Health::Up ? fmt::format("{} is up: {}.", name, clause) : fmt::format("{} is {}.", name, clause), now,
         {{"cause", std::string(to_string(s.verdict.cause))},
          {"last_good_boot_ns", s.last_good ? nanoseconds(*s.last_good) : "0"},
          {"first_bad_boot_ns", nanoseconds(circuits_[c].first_bad())}});
  }
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const PathHealth::Change change = paths_[i].judge(circuits_[i % circuits_.size()].verdict().health, now);
    changed = changed || change.health || change.trust;
    if (!change.health) continue;
    const model::PathStatus s = paths_[i].status();
    const std::string name = fmt::format("{} via {}", (*site_)[s.carrier].name, (*site_)[s.circuit].name);
    tell(event_of(s.verdict.health, EventId::PathUp), "path " + name, fmt::format("{}: {}.", name, path_clause(*site_, s, now)), now,
         {{"cause", std::string(to_string(s.verdict.cause))}, {"first_bad_boot_ns", nanoseconds(paths_[i].first_bad())}});
  }
  return judge_carriers(now) || changed;
}

bool Decider::judge_carriers(Instant now) {
  bool changed = false;
  for (std::size_t k = 0; k < carriers_.size(); ++k) {
    int up = 0, degraded = 0, down_by_carrier = 0, down_by_circuit = 0;
    for (std::size_t c = 0; c < circuits_.size(); ++c) {
      const model::Verdict& v = paths_[k * circuits_.size() + c].verdict();
      up += v.health == Health::Up ? 1 : 0;
      degraded += v.health == Health::Degraded ? 1 : 0;
      const bool by_carrier = paths_[k * circuits_.size() + c].down_by_carrier();
      down_by_carrier += by_carrier ? 1 : 0;
      down_by_circuit += v.health == Health::Down && !by_carrier ? 1 : 0;
    }
    const auto ways = static_cast<int>(circuits_.size());
    Health next = Health::Unknown;  // also when every circuit is down: the carrier cannot be asked and is not blamed
    if (up > 0)
      next = Health::Up;
    else if (degraded > 0)
      next = Health::Degraded;
    else if (down_by_carrier > 0 && down_by_carrier + down_by_circuit == ways)
      next = Health::Down;
    if (next == carriers_[k].health) continue;
    changed = true;
    carriers_[k] = {next, next == Health::Down ? Cause::SipTimeout : Cause::Answering, 0, now};
    model::Status s{.site = site_, .now = now, .circuits = circuit_statuses(now), .paths = path_statuses()};
    const std::string& name = site_->carriers[k].name;
    tell(event_of(next, EventId::CarrierUp), "carrier " + name,
         fmt::format("{} is {}: {}.", name, to_string(next), carrier_clause(s, model::id_at<model::CarrierId>(k))), now);
  }
  return changed;
}

model::Plan Decider::make_plan(Instant now) const {
  model::Plan plan{.generation = generation_, .decided = now, .dead = {}, .classes = {}, .trunks = {}};
  for (std::size_t c = 0; c < circuits_.size(); ++c)
    if (circuits_[c].verdict().health == Health::Down) plan.dead.push_back(model::id_at<model::CircuitId>(c));
  for (std::size_t i = 0; i < classes_.size(); ++i)
    plan.classes.push_back({.traffic_class = model::id_at<model::ClassId>(i),
                            .circuit = classes_[i].choice.circuit,
                            .motive = classes_[i].choice.motive,
                            .reason = {},
                            .rejected = {},
                            .since = classes_[i].since});
  for (std::size_t i = 0; i < trunks_.size(); ++i)
    plan.trunks.push_back({.trunk = model::id_at<model::TrunkId>(i),
                           .order = trunks_[i].decision.order,
                           .motive = trunks_[i].decision.motive,
                           .reason = {},
                           .rejected = {},
                           .since = trunks_[i].since});
  return plan;
}

void Decider::publish(Instant now, bool force) {
  if (!adopted_) {
    plan_due_ = plan_due_ || force;
    return;
  }
  model::Plan next = make_plan(now);
  const auto same_class = [](const model::ClassChoice& a, const model::ClassChoice& b) { return a.circuit == b.circuit; };
  const auto same_trunk = [](const model::TrunkChoice& a, const model::TrunkChoice& b) { return a.order == b.order; };
  const bool changed = standing_.dead != next.dead || !std::ranges::equal(standing_.classes, next.classes, same_class) ||
                       !std::ranges::equal(standing_.trunks, next.trunks, same_trunk);
  if (!changed && !force && !plan_due_) return;
  if (last_path_holds(*site_, standing_, next)) {
    ++suppressed_[Guard::LastPath];
    return;
  }
  plan_due_ = false;
  next.generation = ++generation_;
  standing_ = next;
  out_.plan = std::move(next);
}

const Output& Decider::finish(Instant now, bool replan, bool look) {
  const bool changed = judge_all(now);
  Instant next = model::kNever;
  bool recheck_due = false;
  for (const ClassState& c : classes_) recheck_due = recheck_due || c.choice.recheck <= now || c.choice.held_by == Guard::Freshness;
  for (const TrunkState& t : trunks_) recheck_due = recheck_due || t.decision.held_by == Guard::Freshness;
  if (changed || replan || look || recheck_due) choose_all(now);
  publish(now, replan);
  for (const CircuitHealth& c : circuits_) next = std::min(next, c.next_wakeup());
  for (const PathHealth& p : paths_) next = std::min(next, p.next_wakeup());
  for (const ClassState& c : classes_) next = std::min(next, c.choice.recheck);
  out_.next_wakeup = next;
  return out_;
}

}  // namespace linekeeper::decision
