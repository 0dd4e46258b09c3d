#include "controller/decision/decider.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/decision/explain.hpp"
#include "controller/decision/sharing.hpp"

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

/// So long after our own loop stood still nothing but a lost link moves anything: what was missed is on its way to us (I7).
constexpr std::chrono::seconds kDoubt{1};

std::string nanoseconds(Instant t) { return std::to_string(t.time_since_epoch().count()); }

}  // namespace

Decider::Decider(model::SitePtr site, Instant started)
    : site_(std::move(site)),
      started_(started),
      answers_(site_->carriers.size() * site_->circuits.size()),
      unheard_(site_->carriers.size() * site_->circuits.size()),
      due_circuits_(site_->circuits.size()),
      due_paths_(site_->carriers.size() * site_->circuits.size()),
      due_calls_(site_->calls.on() ? site_->carriers.size() * site_->circuits.size() : 0),
      heard_(site_->circuits.size()),
      carriers_(site_->carriers.size()),
      classes_(site_->classes.size(), ClassState(site_->circuits.size())),
      trunks_(site_->trunks.size()),
      evidence_(Evidence::sized(*site_)),
      checks_(*site_) {
  circuits_.reserve(site_->circuits.size());
  for (std::size_t c = 0; c < site_->circuits.size(); ++c) {
    circuits_.emplace_back(*site_, model::id_at<model::CircuitId>(c), started);
    directions_.emplace_back(*site_, model::id_at<model::CircuitId>(c));
    hold_downs_.emplace_back(site_->circuit_health.hold_down, site_->circuit_health.hold_down_max);
  }
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    for (std::size_t c = 0; c < site_->circuits.size(); ++c)
      paths_.emplace_back(*site_, model::id_at<model::CarrierId>(k), model::id_at<model::CircuitId>(c), started);
  if (site_->calls.on()) witnesses_.assign(paths_.size(), CallWitness(site_->calls));
  touched_carriers_.reserve(paths_.size());
  for (model::Verdict& v : carriers_) v.since = started;
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    classes_[i].since = started;
    if (site_->classes[i].apart)
      classes_[i].reached.assign(circuits_.size(), HoldDown(site_->carrier_health.hold_down, site_->circuit_health.hold_down_max));
  }
  for (std::size_t i = 0; i < trunks_.size(); ++i) {
    trunks_[i].since = started;
    trunks_[i].members.resize(site_->trunks[i].members.size());
  }
}

const PathEndpoints& Decider::path(model::CarrierId carrier, model::CircuitId circuit) const {
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
    CircuitHealth& circuit(model::CircuitId id) const {
      d.judge_later(id.index());
      return d.circuits_.at(id.index());
    }
    PathEndpoints& path(model::CarrierId carrier, model::CircuitId through) const {
      const std::size_t i = carrier.index() * d.circuits_.size() + through.index();
      d.judge_path_later(i);
      return d.paths_.at(i);
    }
    void operator()(const model::ProbeSent& o) const { circuit(o.circuit).on(o); }
    void operator()(const model::ProbeReply& o) const {
      circuit(o.circuit).on(o, now);
      if (d.directions_[o.circuit.index()].on(o)) d.diagnosis_due_ = true;  // a loss may have got, or lost, its direction
    }
    void operator()(const model::ProbeRejected&) const {}  // a hint that can be forged: the silence that follows is what counts
    void operator()(const model::ProbeLocalError& o) const { circuit(o.circuit).on(o, now); }
    void operator()(const model::ProberStuck& o) const {
      const std::string& circuit = (*d.site_)[o.circuit].name;
      d.tell(EventId::ProberStuck, "circuit " + circuit,
             fmt::format("Nothing was sent to the targets of {} for {}, though its link is usable: its sockets are made anew.", circuit,
                         words(now - o.since)),
             now);
    }
    void operator()(model::SipOutcome o) const {
      PathEndpoints& p = path(o.carrier, o.circuit);
      const bool bad_before = p.last_was_bad(), warned_before = p.warning().has_value();
      d.note_answer(o, now);
      p.on(o, now);
      d.note_heard(o.carrier, o.circuit);
      look = p.last_was_bad() != bad_before;  // a suspicion has come or gone without a change of health
      if ((look && !bad_before) || (p.warning() && !warned_before)) d.ask_beside(o.carrier, o.circuit);
      look = look || d.troubled_elsewhere(o.carrier, o.circuit);  // then an answer may be the proof that is waited for
    }
    void operator()(const model::GatewayState& o) const {
      CircuitEvidence& e = d.evidence_.circuits.at(o.circuit.index());
      e.neighbour = o.neighbour;
      e.gateway_confirmed = o.confirmed;
      d.diagnosis_due_ = true;
      // What a gateway says without hearing us makes its entry usable again and proves nothing: it is asked once more.
      const CircuitHealth& c = d.circuits_[o.circuit.index()];
      const bool proven = o.confirmed && *o.confirmed >= c.first_bad();
      if (d.fallen_silent(c) && !proven && o.neighbour != model::Neighbour::Silent) d.out_.ask_gateways |= std::uint64_t{1} << o.circuit.index();
    }
    void operator()(const model::ResolverState& o) const {
      d.evidence_.circuits.at(o.circuit.index()).resolver = o.answering;
      d.diagnosis_due_ = true;
    }
    void operator()(const model::CheckOutcome& o) const {
      const DataWay before = d.checks_.data_way(o.circuit);
      d.note_check(o, now);
      look = d.checks_.data_way(o.circuit) != before;
    }
    void operator()(const model::CallOutcome& o) const { look = d.note_call(o, now); }
    void operator()(const model::LoopStall& o) const {
      for (std::size_t c = 0; c < d.circuits_.size(); ++c) circuit(model::id_at<model::CircuitId>(c)).on(o);
      for (PathEndpoints& p : d.paths_) p.stalled(o);
      d.diagnosis_due_ = true;
      d.doubt_until_ = std::max(d.doubt_until_, now + kDoubt);
    }
    void operator()(const model::TrunkLoad& o) const {
      d.trunks_.at(o.trunk.index()).load = o;
      look = true;
    }
    void operator()(const model::CarrierLocated& o) const {
      look = true;
      d.diagnosis_due_ = true;
      d.tell_located(o, path(o.carrier, o.circuit).on(o, now), now);
    }
    void operator()(const model::SipOverdue& o) const {
      look = true;
      PathEndpoints& p = path(o.carrier, o.circuit);
      const bool bad_before = p.last_was_bad();
      p.on(o, now);
      if (!bad_before && p.last_was_bad()) d.ask_beside(o.carrier, o.circuit);
    }
    void operator()(const model::SipProvisional& o) const {
      look = true;
      path(o.carrier, o.circuit).on(o, now);
      d.note_heard(o.carrier, o.circuit);
    }
    void operator()(const model::LinkState& o) const {
      CircuitHealth& c = circuit(o.circuit);
      if (c.link() == o) return;
      if (c.link())
        d.tell(EventId::LinkChanged, "circuit " + (*d.site_)[o.circuit].name,
               fmt::format("{}: {}, address {}, gateway {}.", (*d.site_)[o.circuit].interface,
                           !o.present    ? "does not exist"
                           : !o.admin_up ? "set down"
                           : !o.carrier  ? "no carrier"
                                         : "carrier present",
                           o.address ? o.address->to_string() : "none",
                           o.gateway  ? o.gateway->to_string()
                           : o.direct ? "not needed"
                                      : "none"),
               now);
      c.on(o, now);
      replan = true;  // the switch must know the new address, gateway or interface
    }
  };
  std::visit(Visitor{*this, now, replan, look}, observation);
  return finish(now, replan, look);
}

const Output& Decider::reissue(Instant now) {
  out_.clear();
  return finish(now, true);
}

const Output& Decider::wake(Instant now) {
  out_.clear();
  return finish(now, false);
}

void Decider::tell_standing(std::size_t c, const TargetStanding::Change& change, Instant now) {
  const model::Circuit& circuit = site_->circuits[c];
  const model::Target& target = (*site_)[circuit.targets[change.position]];
  const auto why = [&]() -> std::string_view {
    switch (change.after) {
      case model::SetAside::Dead: return "it is silent while the others answer";
      case model::SetAside::Lossy: return "it loses far more than the others";
      case model::SetAside::Lying: return "it answers while all others are silent";
      case model::SetAside::No: break;
    }
    return "it does as the others do again";
  };
  const bool returned = change.after == model::SetAside::No;
  tell(returned ? EventId::TargetReturned : EventId::TargetSetAside, "target " + target.name,
       fmt::format("{} {} for {}: {}. This moves nothing.", target.name, returned ? "counts again" : "is set aside", circuit.name, why()), now,
       {{"circuit", circuit.name}, {"why", std::string(to_string(returned ? change.before : change.after))}});
}

bool Decider::judge_circuit(std::size_t c, Instant now) {
  CircuitHealth& circuit = circuits_[c];
  const CircuitHealth::Change change = circuit.judge(now);
  while (const auto standing = circuit.next_standing()) {
    tell_standing(c, *standing, now);
    diagnosis_due_ = true;
  }
  due_circuits_.set(c, std::max(circuit.next_wakeup(), now + model::Duration(1)));
  if (change.plan) out_.probing_changed |= std::uint64_t{1} << c;
  roles_due_ = roles_due_ || change.silent;
  if (!change.health && !change.suspect) return false;
  if (fallen_silent(circuit)) out_.ask_gateways |= std::uint64_t{1} << c;
  const std::string& name = site_->circuits[c].name;
  const model::CircuitStatus s = circuit.status(now);
  const std::string clause = circuit_clause(*site_, s, now);
  if (change.health) {
    tell(event_of(s.verdict.health, EventId::CircuitUp), "circuit " + name,
         s.verdict.health == Health::Up ? fmt::format("{} is up: {}.", name, clause) : fmt::format("{} is {}.", name, clause), now,
         {{"cause", std::string(to_string(s.verdict.cause))},
          {"last_good_boot_ns", s.last_good ? nanoseconds(*s.last_good) : "0"},
          {"first_bad_boot_ns", nanoseconds(circuit.first_bad())}});
  } else {
    tell(circuit.suspect() ? EventId::CircuitSuspect : EventId::CircuitCleared, "circuit " + name,
         circuit.suspect() ? fmt::format("{} is silent for {}: new calls go elsewhere; called down after {}.", name, words(s.detectors.silent),
                                         words(s.detectors.dead_after))
                           : fmt::format("{} answers again: new calls may use it.", name),
         now);
  }
  for (std::size_t i = c; i < paths_.size(); i += circuits_.size()) judge_path_later(i);
  return true;
}

void Decider::note_heard(model::CarrierId carrier, model::CircuitId through) {
  if (const auto at = path(carrier, through).last_heard()) heard_[through.index()].note(carrier.index(), *at);
}

/// The circuit may have swallowed question or answer.
bool Decider::doubtful(std::size_t circuit) const {
  const CircuitHealth& c = circuits_[circuit];
  return c.suspect() || c.verdict().cause == Cause::Lossy || c.verdict().cause == Cause::Bursty;
}

bool Decider::troubled_elsewhere(model::CarrierId carrier, model::CircuitId but) const {
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const PathEndpoints& other = path(carrier, model::id_at<model::CircuitId>(c));
    if (c != but.index() && (other.down_by_carrier() || other.warning())) return true;
  }
  return false;
}

Instant Decider::warns_alone_from(model::CarrierId carrier, model::CircuitId circuit) const {
  const auto& warning = path(carrier, circuit).warning();
  if (!warning) return Instant::min();
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const PathEndpoints& other = path(carrier, model::id_at<model::CircuitId>(c));
    if (c != circuit.index() && other.verdict().health == Health::Up && !other.proven_since(warning->sent))
      return warning->heard + model::kSipOverdueAfter;
  }
  return Instant::min();
}

/// Whether it is the carrier or the way to it, its other paths know: asked now, they have answered when this one is called down.
void Decider::ask_beside(model::CarrierId carrier, model::CircuitId suspected) {
  if (doubtful(suspected.index()) || circuits_[suspected.index()].verdict().health == Health::Down) return;  // then it is the circuit
  Ask ask{.carrier = carrier};
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const bool able = c != suspected.index() && !circuits_[c].suspect() && circuits_[c].verdict().health != Health::Down;
    if (able && !path(carrier, model::id_at<model::CircuitId>(c)).last_was_bad()) ask.circuits |= std::uint64_t{1} << c;
  }
  if (ask.circuits != 0) out_.ask = ask;
}

bool Decider::judge_path(std::size_t i, Instant now) {
  const CircuitHealth& circuit = circuits_[i % circuits_.size()];
  const PathHealth::Change change = paths_[i].judge({.health = circuit.verdict().health,
                                                     .doubtful = doubtful(i % circuits_.size()),
                                                     .others_answered = heard_[i % circuits_.size()].beside(i / circuits_.size())},
                                                    now);
  tell_endpoints(i, now);
  due_paths_.set(i, std::max(paths_[i].next_wakeup(), now + model::Duration(1)));
  // One that has never answered since we began fell before that: no news of its carrier, and no reason to change what stands (I13).
  if (paths_[i].down_by_carrier() && paths_[i].last_heard())
    unheard_[i] = paths_[i].first_bad();
  else if (paths_[i].verdict().health == Health::Up || paths_[i].verdict().health == Health::Degraded)
    unheard_[i].reset();
  if (change.health) {
    model::PathStatus s = paths_[i].status();
    const std::string name = fmt::format("{} via {}", (*site_)[s.carrier].name, (*site_)[s.circuit].name);
    answers_[i].fill(s);
    tell(event_of(s.verdict.health, EventId::PathUp), "path " + name, fmt::format("{}: {}.", name, path_clause(*site_, s, now)), now,
         {{"cause", std::string(to_string(s.verdict.cause))}, {"first_bad_boot_ns", nanoseconds(paths_[i].first_bad())}});
    touched_carriers_.push_back(i / circuits_.size());
  }
  return change.health || change.trust;
}

bool Decider::judge_due(Instant now) {
  bool changed = false;
  touched_carriers_.clear();
  while (due_circuits_.next() <= now) changed = judge_circuit(due_circuits_.first(), now) || changed;
  while (due_paths_.next() <= now) changed = judge_path(due_paths_.first(), now) || changed;
  for (const std::size_t k : touched_carriers_) changed = judge_carrier(k, now) || changed;
  return changed;
}

void Decider::assign_roles(Instant now) {
  roles_due_ = false;
  std::uint64_t in_use = 0;
  const auto use = [&](std::optional<model::CircuitId> c) { in_use |= c ? std::uint64_t{1} << c->index() : 0; };
  for (const ClassState& c : classes_) {
    use(c.choice.circuit);
    for (const model::CircuitId shared : c.choice.shared) use(shared);
  }
  for (std::size_t t = 0; t < trunks_.size(); ++t)
    if (!trunks_[t].decision.order.empty()) use(site_->trunks[t].members[trunks_[t].decision.order.front().member].circuit);
  std::uint64_t silent = 0;
  for (std::size_t c = 0; c < circuits_.size(); ++c)
    if ((in_use >> c & 1) != 0 && circuits_[c].silent()) silent |= std::uint64_t{1} << c;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    // Whether something goes by it already or not: it is the way out, and its own pace may be that of a metered one.
    const CircuitRole role{.in_use = (in_use >> c & 1) != 0, .confirm = (silent & ~(std::uint64_t{1} << c)) != 0};
    if (circuits_[c].set_role(role, now)) judge_circuit(c, now);
  }
}

bool Decider::judge_carrier(std::size_t k, Instant now) {
  int up = 0, degraded = 0, down_by_carrier = 0, down_by_circuit = 0;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const PathEndpoints& p = paths_[k * circuits_.size() + c];
    up += p.verdict().health == Health::Up ? 1 : 0;
    degraded += p.verdict().health == Health::Degraded ? 1 : 0;
    down_by_carrier += p.down_by_carrier() ? 1 : 0;
    down_by_circuit += p.verdict().health == Health::Down && !p.down_by_carrier() ? 1 : 0;
  }
  Health next = Health::Unknown;  // also when every circuit is down: the carrier cannot be asked and is not blamed
  if (up > 0)
    next = Health::Up;
  else if (degraded > 0)
    next = Health::Degraded;
  else if (down_by_carrier > 0 && down_by_carrier + down_by_circuit == static_cast<int>(circuits_.size()))
    next = Health::Down;
  if (next == carriers_[k].health) return false;
  carriers_[k] = {next, next == Health::Down ? Cause::SipTimeout : Cause::Answering, 0, now};
  model::Status s{.site = site_, .now = now, .circuits = circuit_statuses(now), .paths = path_statuses()};
  const std::string& name = site_->carriers[k].name;
  tell(event_of(next, EventId::CarrierUp), "carrier " + name,
       fmt::format("{} is {}: {}.", name, to_string(next), carrier_clause(s, model::id_at<model::CarrierId>(k))), now);
  return true;
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
                            .since = classes_[i].since,
                            .dead = classes_[i].dead_by_one,
                            .shares = shares_of(site_->classes[i], classes_[i].choice.shared)});
  for (std::size_t i = 0; i < trunks_.size(); ++i)
    plan.trunks.push_back({.trunk = model::id_at<model::TrunkId>(i),
                           .order = trunks_[i].tried,
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
  const auto same_class = [](const model::ClassChoice& a, const model::ClassChoice& b) {
    return a.circuit == b.circuit && a.dead == b.dead && a.shares == b.shares;
  };
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
  const bool calls_changed = look_at_calls(now);
  const bool changed = judge_due(now) || calls_changed;
  bool recheck_due = false;
  for (const ClassState& c : classes_) recheck_due = recheck_due || c.choice.recheck <= now || c.choice.held_by == Guard::Freshness;
  for (const TrunkState& t : trunks_) recheck_due = recheck_due || t.decision.recheck <= now || t.decision.held_by == Guard::Freshness;
  // Whether another circuit outlives a silent one is told by its next answer, which changes no verdict.
  for (const CircuitHealth& c : circuits_) recheck_due = recheck_due || c.suspect();
  if (changed || diagnosis_due_ || std::min(diagnoses_.next_wakeup(), diagnosis_again_) <= now) diagnose_now(now);
  if (changed || replan || look || recheck_due) {
    choose_all(now);
    roles_due_ = true;
    publish(now, replan);
  }
  if (roles_due_) assign_roles(now);
  Instant next = std::min({due_circuits_.next(), due_paths_.next(), due_calls_.next(), diagnoses_.next_wakeup(), diagnosis_again_});
  for (const ClassState& c : classes_) next = std::min(next, c.choice.recheck);
  for (const TrunkState& t : trunks_) next = std::min(next, t.decision.recheck);
  out_.next_wakeup = next;
  return out_;
}

}  // namespace linekeeper::decision
