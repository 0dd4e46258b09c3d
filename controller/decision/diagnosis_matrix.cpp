#include "controller/decision/diagnosis_matrix.hpp"

#include <algorithm>

#include "controller/model/assert.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::CircuitId;
using model::Health;
using model::Instant;
using model::Neighbour;
using model::SetAside;
using Says = TargetEvidence::Says;

Evidence Evidence::sized(const model::Site& site) {
  Evidence e;
  e.circuits.resize(site.circuits.size());
  e.paths.resize(site.carriers.size() * site.circuits.size());
  e.targets.resize(site.targets.size() * site.circuits.size());
  return e;
}

Matrix::Matrix(const model::Site& site, const Evidence& evidence) : site_(&site), evidence_(&evidence) {
  LK_ASSERT(evidence.circuits.size() == site.circuits.size());
  LK_ASSERT(evidence.paths.size() == site.carriers.size() * site.circuits.size());
  LK_ASSERT(evidence.targets.size() == site.targets.size() * site.circuits.size());
}

std::size_t Matrix::circuits() const { return site_->circuits.size(); }

LinkSeen Matrix::link(CircuitId c) const {
  const auto& link = at(c).link;
  if (!link) return LinkSeen::Unknown;
  if (!link->present || !link->admin_up || !link->carrier) return LinkSeen::Down;
  return link->usable() ? LinkSeen::Up : LinkSeen::NoAddress;
}

bool Matrix::probed(model::TargetId t, CircuitId c) const {
  const auto& targets = (*site_)[c].targets;
  return std::ranges::find(targets, t) != targets.end();
}

bool Matrix::is_gateway(model::TargetId t, CircuitId c) const {
  const auto& link = at(c).link;
  return link && link->gateway && *link->gateway == (*site_)[t].address;
}

const TargetEvidence* Matrix::echo_of_gateway(CircuitId c) const {
  for (const model::TargetId t : (*site_)[c].targets)
    if (is_gateway(t, c)) return &evidence_->target(t, c);
  return nullptr;
}

GatewaySeen Matrix::gateway(CircuitId c) const {
  const CircuitEvidence& e = at(c);
  const TargetEvidence* echo = echo_of_gateway(c);
  if (echo != nullptr && echo->says == Says::Answers) return GatewaySeen::Answers;
  if (e.neighbour == Neighbour::Silent) return GatewaySeen::Dead;
  // The kernel's "reachable" outlives the gateway by up to 45 s: it counts only when it is newer than the silence.
  if (e.neighbour == Neighbour::Answers && e.gateway_confirmed && *e.gateway_confirmed >= e.first_bad) return GatewaySeen::Answers;
  // Silent and not set aside: it used to answer echo requests, so it does not filter them.
  if (echo != nullptr && echo->says == Says::Silent && echo->set_aside == SetAside::No) return GatewaySeen::Dead;
  return GatewaySeen::Unknown;
}

Beyond Matrix::beyond(CircuitId c) const {
  const CircuitEvidence& e = at(c);
  if (e.health == Health::Up) return e.suspect ? Beyond::Suspect : Beyond::Answers;
  if (e.local_errors || e.cause == Cause::LocalErrors) return Beyond::Unsent;  // never evidence against the circuit
  if (e.health == Health::Unknown) return Beyond::Unknown;
  switch (e.cause) {
    case Cause::Silent: return Beyond::Dead;
    case Cause::Lossy:
    case Cause::Bursty: return Beyond::Lossy;
    case Cause::Delayed: return Beyond::Delayed;
    case Cause::Recovering: return Beyond::Recovering;
    case Cause::NoEvidence:
    case Cause::Stale:
    case Cause::LocalErrors:
    case Cause::Answering:
    case Cause::LinkDown:
    case Cause::NoAddress:
    case Cause::NoGateway:
    case Cause::CircuitDown:
    case Cause::SipTimeout:
    case Cause::SipRefused:
    case Cause::SipRejected:
    case Cause::SipUnauthorised:
    case Cause::BackupAddresses: return Beyond::Odd;
  }
  return Beyond::Odd;
}

Us Matrix::us() const {
  if (evidence_->late) return Us::Late;
  int sending = 0, failing = 0;
  for (std::size_t i = 0; i < circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    if (link(c) != LinkSeen::Up || (*site_)[c].twin) continue;
    ++(beyond(c) == Beyond::Unsent ? failing : sending);
  }
  if (failing >= 2 && sending == 0) return Us::CannotSend;  // one alone is told of that circuit
  return evidence_->starting ? Us::Starting : Us::Well;
}

namespace {

/// When several faults began: each after its last good probe and by its first bad one.
struct Beginnings {
  int count = 0;
  Instant latest_good = Instant::min(), earliest_bad = Instant::max();
  void add(const CircuitEvidence& e) {
    ++count;
    latest_good = std::max(latest_good, e.last_good.value_or(Instant::min()));
    earliest_bad = std::min(earliest_bad, e.first_bad);
  }
  /// They may have begun so near each other; circuits that are probed seldom say less exactly when.
  [[nodiscard]] bool within(model::Duration d) const { return count >= 2 && (latest_good <= earliest_bad || latest_good - earliest_bad <= d); }
};

}  // namespace

bool Matrix::gone_together() const {
  Beginnings gone;
  for (std::size_t i = 0; i < circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    const bool is_gone = link(c) == LinkSeen::Down || (link(c) == LinkSeen::Up && beyond(c) == Beyond::Dead && gateway(c) == GatewaySeen::Dead);
    if (!is_gone) return false;
    gone.add(at(c));
  }
  return gone.within(kGoneTogether);
}

Others Matrix::others() const {
  // IPv4 and IPv6 of one access that fail together are that access.
  if (std::ranges::count_if(site_->circuits, [](const model::Circuit& c) { return !c.twin; }) < 2) return Others::Apart;
  if (gone_together()) return Others::GoneTogether;
  Beginnings silent;
  int answering_gateways = 0;
  for (std::size_t i = 0; i < circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    const LinkSeen l = link(c);
    if (l == LinkSeen::Down || l == LinkSeen::NoAddress) continue;  // fails by itself, and says nothing of what is beyond
    if (l != LinkSeen::Up || beyond(c) != Beyond::Dead) return Others::Apart;
    const GatewaySeen g = gateway(c);
    if (g == GatewaySeen::Dead) continue;
    silent.add(at(c));
    if (!(*site_)[c].twin) answering_gateways += g == GatewaySeen::Answers ? 1 : 0;
  }
  if (!silent.within(kSilentTogether)) return Others::Apart;
  return answering_gateways >= 2 ? Others::DeadTogether : Others::SilentTogether;
}

Answer Matrix::answer(model::CarrierId k, CircuitId c) const {
  const PathEvidence& p = evidence_->path(k, c);
  const CircuitEvidence& circuit = at(c);
  if (circuit.health != Health::Up && circuit.health != Health::Degraded) return Answer::NotAsked;
  switch (p.health) {
    case Health::Unknown: return Answer::NotAsked;
    case Health::Up:
      if (p.calls_failing) return Answer::NoCalls;
      return p.partly_dead ? Answer::PartlyDead : Answer::Well;
    case Health::Degraded: return p.partly_dead ? Answer::PartlyDead : Answer::Warns;
    case Health::Down: break;
  }
  if (p.cause == Cause::CircuitDown) return Answer::NotAsked;
  // Silence by a circuit that is lossy or suspect is the circuit's; what the carrier says in words is its own by any.
  const bool in_words = p.cause == Cause::SipRejected || p.cause == Cause::SipUnauthorised;
  return in_words || beyond(c) == Beyond::Answers ? Answer::Dead : Answer::NotAsked;
}

Answer Matrix::answer(model::TargetId t, CircuitId c) const {
  if (!probed(t, c) || beyond(c) != Beyond::Answers) return Answer::NotAsked;
  const TargetEvidence& e = evidence_->target(t, c);
  switch (e.set_aside) {
    case SetAside::No: return e.says == Says::Answers ? Answer::Well : Answer::NotAsked;  // a few lost probes are not yet a silent target
    case SetAside::Dead: return Answer::Dead;
    case SetAside::Lossy:
    case SetAside::Lying: return Answer::Warns;
  }
  return Answer::NotAsked;
}

Answer Matrix::resolver(CircuitId c) const {
  const auto& answers = at(c).resolver;
  if (!answers) return Answer::NotAsked;
  return *answers ? Answer::Well : Answer::Dead;
}

void Tally::add(Answer a) {
  switch (a) {
    case Answer::NotAsked: break;
    case Answer::Well: ++well; break;
    case Answer::PartlyDead:
      ++well;
      ++partly;
      break;
    case Answer::Warns: ++warns; break;
    case Answer::NoCalls:
    case Answer::Dead: ++bad; break;
  }
}

Elsewhere Tally::elsewhere(Answer mine) const {
  // To one that is dead here, an answer elsewhere is life, whatever it says; to one that answers wrongly here, only a right one counts.
  const int alive = well + (mine == Answer::Dead || mine == Answer::NoCalls ? warns : 0);
  if (alive > 0) return Elsewhere::Well;
  return well + warns + bad > 1 ? Elsewhere::Same : Elsewhere::NotAsked;
}

}  // namespace linekeeper::decision
