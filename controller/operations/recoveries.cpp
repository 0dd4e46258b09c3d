#include "controller/operations/recoveries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace linekeeper::operations {

using model::Event;
using model::EventId;
using model::Instant;
using model::Motive;

namespace {

constexpr std::size_t kRemembered = 20;

std::string trigger_of(Motive motive) { return motive == Motive::Forced ? "operator" : "automatic"; }

std::string boot_ns(Instant t) { return std::to_string(t.time_since_epoch().count()); }

std::string milliseconds(model::Duration d) { return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()); }

std::string member_name(const model::Site& site, const model::Trunk& trunk, std::size_t member) {
  const model::TrunkMember& m = trunk.members[member];
  return m.circuit ? fmt::format("{} via {}", site[m.carrier].name, site[*m.circuit].name) : site[m.carrier].name;
}

/// A new way has been chosen: its clock starts. @return the way before.
std::optional<std::size_t> begin_move(Progress& p, std::optional<std::size_t> choice, const model::Plan& plan) {
  const auto before = std::exchange(p.choice, choice);
  p.generation = plan.generation;
  p.decided = plan.decided;
  p.applied.reset();
  p.verified.reset();
  p.detail.clear();
  return before;
}

std::vector<model::CircuitId> shared_by(const model::ClassChoice& c) {
  std::vector<model::CircuitId> out;
  for (const model::Share& s : c.shares) out.push_back(s.circuit);
  return out;
}

/// The circuit that a trunk's member goes by.
std::optional<model::CircuitId> way_of(const model::Trunk& trunk, std::size_t member, const model::Status& status) {
  const model::TrunkMember& m = trunk.members[member];
  return m.circuit ? m.circuit : status.plan.classes[trunk.class_of(m).index()].circuit;
}

/// What hit a trunk: the failure of its first member's path.
model::Incident trunk_incident(const model::Trunk& trunk, std::optional<std::size_t> failed, const model::Status& status) {
  const model::Site& site = *status.site;
  model::Incident incident{
      .mode = model::FailureMode::SipTrunk, .subject = trunk.name, .last_good = status.now, .detected = status.now, .rto_target = trunk.rto};
  if (!failed) return incident;
  incident.failed = member_name(site, trunk, *failed);
  const auto via = way_of(trunk, *failed, status);
  if (!via) return incident;
  const model::PathStatus& path = status.path(trunk.members[*failed].carrier, *via);
  const model::CircuitStatus& circuit = status.circuits[via->index()];
  const bool by_circuit = path.verdict.cause == model::Cause::CircuitDown;
  if (by_circuit) incident.mode = model::FailureMode::InternetCircuit;
  incident.last_good = (by_circuit ? circuit.last_good : path.last_good).value_or(status.now);
  // A path can be left while it is only suspect, because its carrier is down through another circuit.
  const bool down = path.verdict.health == model::Health::Down;
  incident.detected = by_circuit ? circuit.verdict.since : down ? path.verdict.since : status.now;
  return incident;
}

bool lives(const model::CircuitStatus& circuit) {
  return circuit.verdict.health == model::Health::Up || circuit.verdict.health == model::Health::Degraded;
}

model::Incident class_incident(const model::TrafficClass& traffic, std::optional<std::size_t> failed, const model::Status& status) {
  model::Incident incident{.mode = model::FailureMode::InternetCircuit,
                           .subject = traffic.name,
                           .last_good = status.now,
                           .detected = status.now,
                           .rto_target = traffic.rto};
  if (!failed) return incident;
  const model::CircuitStatus& circuit = status.circuits[*failed];
  if (const auto& apart = traffic.apart; apart && lives(circuit)) {  // it is its carrier that is dead by the circuit
    const model::PathStatus& path = status.path(apart->carrier, circuit.circuit);
    incident.mode = model::FailureMode::SipTrunk;
    incident.failed = fmt::format("{} via {}", (*status.site)[apart->carrier].name, (*status.site)[circuit.circuit].name);
    incident.last_good = path.last_good.value_or(status.now);
    incident.detected = path.verdict.health == model::Health::Down ? path.verdict.since : status.now;
    incident.rto_target = apart->rto;
    return incident;
  }
  incident.failed = "circuit " + status.site->circuits[*failed].name;
  incident.last_good = circuit.last_good.value_or(status.now);
  incident.detected = circuit.verdict.since;
  return incident;
}

Hit hit_of(const model::Trunk& trunk, std::optional<std::size_t> failed, const model::Status& status) {
  if (!failed) return {};
  return {.circuit = way_of(trunk, *failed, status), .carrier = trunk.members[*failed].carrier};
}

Hit hit_of(const model::TrafficClass& traffic, std::optional<std::size_t> circuit) {
  return {.circuit = circuit ? std::optional(model::id_at<model::CircuitId>(*circuit)) : std::nullopt,
          .carrier = traffic.apart ? std::optional(traffic.apart->carrier) : std::nullopt};
}

/// Is it the name of what hit that incident? What is wrong with everything is, of every incident.
bool names(const model::Diagnosis& d, const Hit& hit) {
  if (d.target || d.failed == model::Failed::Resolver) return false;
  if (d.failed == model::Failed::PublicAddress) return false;
  if (d.carrier) return d.carrier == hit.carrier && (!d.circuit || !hit.circuit || d.circuit == hit.circuit);
  return !d.circuit || d.circuit == hit.circuit;
}

}  // namespace

Recoveries::Recoveries(const model::Site& site) : site_(&site), classes_(site.classes.size()), trunks_(site.trunks.size()) {}

std::string Recoveries::subject(Plane plane, std::size_t index) const {
  return plane == Plane::Routing ? "class " + site_->classes[index].name : "trunk " + site_->trunks[index].name;
}

model::Incident* Recoveries::open_of(Progress& p) {
  const auto found = std::ranges::find(incidents_, p.open_incident, &model::Incident::id);
  return p.open_incident == 0 || found == incidents_.end() ? nullptr : &*found;
}

model::Incident& Recoveries::remember(Progress& p, model::Incident incident, Hit hit) {
  incident.id = next_id_++;
  p.open_incident = incident.id;
  if (incident.trigger == "automatic") unnamed_.push_back({.incident = incident.id, .hit = hit, .named = {}});
  incidents_.push_front(std::move(incident));
  if (incidents_.size() > kRemembered) incidents_.pop_back();
  return incidents_.front();
}

void Recoveries::name_incidents(const model::Status& status) {
  std::erase_if(unnamed_, [&](Unnamed& u) {
    const auto incident = std::ranges::find(incidents_, u.incident, &model::Incident::id);
    if (incident == incidents_.end()) return true;
    const bool over = incident->verified.has_value();
    if (over && (u.named || status.now - *incident->verified > kNamedAfter)) return true;
    const auto d = std::ranges::find_if(status.diagnoses, [&](const model::Diagnosis& one) { return names(one, u.hit); });
    // The same name with the evidence of later is not better: what else has changed since would be read as its cause.
    if (d == status.diagnoses.end() || u.named == d->failed) return false;
    u.named = d->failed;
    incident->diagnosis = d->sentence;
    return over;
  });
}

model::Incident& Recoveries::open(Progress& p, model::Incident incident, Hit hit, std::vector<Event>& out, Instant now) {
  const model::Incident& i = remember(p, std::move(incident), hit);
  const std::string where = i.failed.empty() ? "every way is down" : i.failed + " failed";
  out.push_back({.id = EventId::IncidentOpened,
                 .at = now,
                 .subject = "incident " + std::to_string(i.id),
                 .text = fmt::format("{}: {}; recovery is due within {:.0f} s.", i.subject, where, model::seconds(i.rto_target)),
                 .fields = {{"subject", i.subject},
                            {"failed", i.failed},
                            {"trigger", i.trigger},
                            {"last_good_boot_ns", boot_ns(i.last_good)},
                            {"detected_boot_ns", boot_ns(i.detected)}}});
  return incidents_.front();
}

void Recoveries::follow_class(const model::ClassChoice& c, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                              std::vector<Event>& out) {
  Progress& p = classes_[c.traffic_class.index()];
  const std::optional<std::size_t> choice = c.circuit ? std::optional(c.circuit->index()) : std::nullopt;
  if (choice == p.choice) return follow_shares(p, c, plan, status, wall, out);
  p.shared = shared_by(c);
  const auto before = begin_move(p, choice, plan);
  model::Incident* incident = open_of(p);
  const bool forced = c.motive == Motive::Forced && before;
  if (incident == nullptr && (c.motive == Motive::Escape || forced)) {
    model::Incident opened = forced ? model::Incident{.subject = site_->classes[c.traffic_class.index()].name,
                                                      .last_good = plan.decided,
                                                      .detected = plan.decided,
                                                      .rto_target = site_->classes[c.traffic_class.index()].rto}
                                    : class_incident(site_->classes[c.traffic_class.index()], before, status);
    opened.trigger = trigger_of(c.motive);
    opened.opened = wall;
    if (forced) {  // an order is a move with a clock, not an outage: no alarm
      incident = &remember(p, std::move(opened), {});
    } else {
      incident = &open(p, std::move(opened), hit_of(site_->classes[c.traffic_class.index()], before), out, plan.decided);
    }
  }
  if (incident == nullptr) return;
  incident->decided = plan.decided;
  incident->moved_to = choice ? site_->circuits[*choice].name : "";
  incident->applied.reset();
  changed_.push_back(*incident);
}

/// A class that shares may lose a circuit that is not its first: what went by it was cut off until the others had it.
void Recoveries::follow_shares(Progress& p, const model::ClassChoice& c, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                               std::vector<Event>& out) {
  const auto before = std::exchange(p.shared, shared_by(c));
  const auto lost = std::ranges::find_if(before, [&](model::CircuitId one) {
    return std::ranges::find(p.shared, one) == p.shared.end() && status.circuits[one.index()].verdict.health == model::Health::Down;
  });
  if (lost == before.end() || !p.choice) return;
  (void)begin_move(p, p.choice, plan);
  model::Incident* incident = open_of(p);
  if (incident == nullptr) {
    model::Incident opened = class_incident(site_->classes[c.traffic_class.index()], lost->index(), status);
    opened.trigger = trigger_of(Motive::Escape);
    opened.opened = wall;
    incident = &open(p, std::move(opened), hit_of(site_->classes[c.traffic_class.index()], lost->index()), out, plan.decided);
  }
  incident->decided = plan.decided;
  incident->moved_to = site_->circuits[*p.choice].name;
  incident->applied.reset();
  changed_.push_back(*incident);
}

void Recoveries::follow_trunk(const model::TrunkChoice& t, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                              std::vector<Event>& out) {
  Progress& p = trunks_[t.trunk.index()];
  const model::Trunk& trunk = site_->trunks[t.trunk.index()];
  const std::optional<std::size_t> choice = t.order.empty() ? std::nullopt : std::optional(t.order.front().member);
  if (choice == p.choice) return book_suspicion(p, trunk, plan, status, wall, out);
  const auto before = begin_move(p, choice, plan);
  p.suspected = t.motive == Motive::Suspicion ? before : std::nullopt;
  model::Incident* incident = open_of(p);
  if (incident == nullptr && t.motive == Motive::Escape && before) {
    model::Incident opened = trunk_incident(trunk, before, status);
    opened.trigger = trigger_of(t.motive);
    opened.opened = wall;
    incident = &open(p, std::move(opened), hit_of(trunk, before, status), out, plan.decided);
  }
  if (incident == nullptr) return;
  incident->decided = plan.decided;
  incident->moved_to = choice ? member_name(*site_, trunk, *choice) : "";
  incident->applied.reset();
  changed_.push_back(*incident);
}

/// New calls had been led around a circuit that was only silent then, and now it is dead: that move was the recovery. It is booked with
/// the instants at which it was decided, applied and proven.
void Recoveries::book_suspicion(Progress& p, const model::Trunk& trunk, const model::Plan& plan, const model::Status& status, model::WallTime wall,
                                std::vector<Event>& out) {
  if (!p.suspected) return;
  const auto via = trunk.members[*p.suspected].circuit;
  if (!via || std::ranges::find(plan.dead, *via) == plan.dead.end()) return;
  const auto failed = std::exchange(p.suspected, std::nullopt);
  model::Incident opened = trunk_incident(trunk, failed, status);
  opened.trigger = trigger_of(Motive::Escape);
  opened.opened = wall;
  opened.detected = opened.decided = p.decided;
  opened.moved_to = member_name(*site_, trunk, *p.choice);
  opened.applied = p.applied;
  changed_.push_back(open(p, std::move(opened), hit_of(trunk, failed, status), out, plan.decided));
  if (p.verified) close(p, Plane::Trunk, static_cast<std::size_t>(&p - trunks_.data()), *p.verified, plan.decided, out);
}

std::vector<Event> Recoveries::on_plan(const model::Plan& plan, const model::Status& status, model::WallTime wall) {
  std::vector<Event> out;
  for (const model::ClassChoice& c : plan.classes) follow_class(c, plan, status, wall, out);
  for (const model::TrunkChoice& t : plan.trunks) follow_trunk(t, plan, status, wall, out);
  return out;
}

std::vector<Event> Recoveries::on_all_bad(Plane plane, std::size_t index, const model::Status& status, model::WallTime wall) {
  std::vector<Event> out;
  Progress& p = at(plane, index);
  if (open_of(p) != nullptr) return out;
  model::Incident incident =
      plane == Plane::Routing ? class_incident(site_->classes[index], p.choice, status) : trunk_incident(site_->trunks[index], p.choice, status);
  incident.trigger = "automatic";
  incident.opened = wall;
  incident.decided = status.now;
  const Hit hit = plane == Plane::Routing ? hit_of(site_->classes[index], p.choice) : hit_of(site_->trunks[index], p.choice, status);
  changed_.push_back(open(p, std::move(incident), hit, out, status.now));
  return out;
}

std::vector<Event> Recoveries::on_applied(Plane plane, std::optional<std::size_t> index, std::uint64_t generation, Instant now) {
  std::vector<Event> out;
  auto& all = plane == Plane::Routing ? classes_ : trunks_;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Progress& p = all[i];
    if ((index && *index != i) || p.applied || !p.choice || p.generation > generation) continue;
    p.applied = now;
    p.detail.clear();
    if (model::Incident* incident = open_of(p); incident != nullptr && !incident->moved_to.empty()) {
      incident->applied = now;
      changed_.push_back(*incident);
    }
    out.push_back({.id = EventId::PlanApplied,
                   .at = now,
                   .subject = subject(plane, i),
                   .text = fmt::format("Done and read back {:.1f} ms after the decision.", model::seconds(now - p.decided) * 1e3),
                   .fields = {{"generation", std::to_string(generation)}, {"since_decided_ms", milliseconds(now - p.decided)}}});
  }
  return out;
}

std::vector<Event> Recoveries::on_failed(Plane plane, std::optional<std::size_t> index, std::uint64_t generation, const std::string& why, Instant now,
                                         bool refused) {
  std::vector<Event> out;
  auto& all = plane == Plane::Routing ? classes_ : trunks_;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Progress& p = all[i];
    if ((index && *index != i) || p.applied || !p.choice || p.generation > generation || p.detail == why) continue;
    p.detail = why;
    out.push_back({.id = refused ? EventId::PlanRefused : EventId::PlanFailed,
                   .at = now,
                   .subject = subject(plane, i),
                   .text = why,
                   .fields = {{"generation", std::to_string(generation)}}});
  }
  return out;
}

bool Recoveries::wants_verification(Plane plane, std::size_t index) const {
  const Progress& p = progress(plane, index);
  return p.choice && p.applied && !p.verified;
}

void Recoveries::close(Progress& p, Plane plane, std::size_t index, Instant proven, Instant now, std::vector<Event>& out) {
  model::Incident* incident = open_of(p);
  if (incident == nullptr) return;
  p.open_incident = 0;
  if (!incident->applied) incident->applied = p.applied.value_or(proven);
  incident->verified = proven;
  changed_.push_back(*incident);
  const model::Duration rto = *incident->recovery();
  if (incident->trigger == "automatic") p.last_recovery = rto;
  if (incident->trigger != "automatic") return;
  const bool met = rto <= incident->rto_target;
  out.push_back({.id = EventId::IncidentClosed,
                 .at = now,
                 .subject = "incident " + std::to_string(incident->id),
                 .text = fmt::format("{}: service is proven to work again {:.2f} s after the last good probe; the target of {:.0f} s is {}.",
                                     incident->subject, model::seconds(rto), model::seconds(incident->rto_target), met ? "met" : "MISSED"),
                 .fields = {{"subject", incident->subject},
                            {"moved_to", incident->moved_to},
                            {"rto_ms", milliseconds(rto)},
                            {"met", met ? "true" : "false"},
                            {"last_good_boot_ns", boot_ns(incident->last_good)},
                            {"detected_boot_ns", boot_ns(incident->detected)},
                            {"decided_boot_ns", boot_ns(incident->decided)},
                            {"applied_boot_ns", boot_ns(*incident->applied)},
                            {"verified_boot_ns", boot_ns(proven)},
                            {"plane", plane == Plane::Routing ? "routing" : "trunk"},
                            {"of", subject(plane, index)}}});
}

std::vector<Event> Recoveries::on_verified(Plane plane, std::size_t index, Instant now) {
  std::vector<Event> out;
  Progress& p = at(plane, index);
  if (!wants_verification(plane, index)) return out;
  p.verified = now;
  p.detail.clear();
  const std::string way = plane == Plane::Routing ? site_->circuits[*p.choice].name : member_name(*site_, site_->trunks[index], *p.choice);
  out.push_back({.id = plane == Plane::Routing ? EventId::RoutingVerified : EventId::TrunkVerified,
                 .at = now,
                 .subject = subject(plane, index),
                 .text = fmt::format("{} is proven to work end to end, {:.0f} ms after the decision.", way, model::seconds(now - p.decided) * 1e3),
                 .fields = {{"way", way}, {"since_decided_ms", milliseconds(now - p.decided)}}});
  close(p, plane, index, now, now, out);
  return out;
}

std::vector<Event> Recoveries::on_verify_failed(Plane plane, std::size_t index, const std::string& why, bool counts, model::WallTime wall,
                                                Instant now) {
  std::vector<Event> out;
  Progress& p = at(plane, index);
  if (!wants_verification(plane, index)) return out;
  if (p.detail != why) out.push_back({.id = EventId::VerifyFailed, .at = now, .subject = subject(plane, index), .text = why});
  p.detail = why;
  if (!counts || plane != Plane::Routing || open_of(p) != nullptr) return out;
  const model::TrafficClass& traffic = site_->classes[index];
  const std::string& way = site_->circuits[*p.choice].name;
  // It passed until it was moved here, and is led away, or proven after all: either ends this.
  changed_.push_back(open(p,
                          {.mode = model::FailureMode::InternetCircuit,
                           .subject = traffic.name,
                           .failed = fmt::format("the way by {}", way),
                           .moved_to = way,
                           .trigger = "automatic",
                           .opened = wall,
                           .last_good = p.decided,
                           .detected = now,
                           .decided = p.decided,
                           .applied = p.applied,
                           .rto_target = traffic.rto},
                          hit_of(traffic, p.choice), out, now));
  return out;
}

std::vector<Event> Recoveries::on_status(const model::Status& status) {
  std::vector<Event> out;
  name_incidents(status);
  const auto well = [](const model::Verdict& v) { return v.health == model::Health::Up || v.health == model::Health::Degraded; };
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    Progress& p = classes_[i];
    const model::Incident* incident = open_of(p);
    if (incident != nullptr && incident->moved_to.empty() && p.choice && well(status.circuits[*p.choice].verdict))
      close(p, Plane::Routing, i, status.now, status.now, out);
  }
  for (std::size_t i = 0; i < trunks_.size(); ++i) {
    Progress& p = trunks_[i];
    const model::Incident* incident = open_of(p);
    if (incident == nullptr || !incident->moved_to.empty() || !p.choice) continue;
    const model::Trunk& trunk = site_->trunks[i];
    const auto via = way_of(trunk, *p.choice, status);
    if (via && well(status.path(trunk.members[*p.choice].carrier, *via).verdict)) close(p, Plane::Trunk, i, status.now, status.now, out);
  }
  return out;
}

void Recoveries::fill(model::Status& status) const {
  const auto carried = [](const Progress& p) {
    return model::Carried{.applied = p.applied.has_value(), .verified = p.verified.has_value(), .detail = p.detail, .last_recovery = p.last_recovery};
  };
  status.class_carried.clear();
  status.trunk_carried.clear();
  for (const Progress& p : classes_) status.class_carried.push_back(carried(p));
  for (const Progress& p : trunks_) status.trunk_carried.push_back(carried(p));
  status.incidents.assign(incidents_.begin(), incidents_.end());
}

std::vector<model::Incident> Recoveries::take_changed() { return std::exchange(changed_, {}); }

}  // namespace linekeeper::operations
