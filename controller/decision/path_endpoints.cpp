#include "controller/decision/path_endpoints.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::decision {

using model::Cause;
using model::Health;
using model::Instant;
using model::LocatedEndpoint;
using model::ReplyClass;

namespace {

bool takes_calls(const model::Verdict& v) { return v.health == Health::Up || v.health == Health::Degraded; }

}  // namespace

PathEndpoints::PathEndpoints(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, Instant started)
    : site_(&site), carrier_(carrier), circuit_(circuit) {
  const model::Carrier& settings = site[carrier];
  verdict_.since = started;
  joint_ = settings.several();
  if (!joint_) {
    add({.at = {.address = settings.address, .port = settings.port, .transport = settings.transport}}, started);
    return;
  }
  whole_.emplace(site, carrier, circuit, started);
  for (const model::Endpoint& at : settings.addresses) add({.at = at}, started);
  take_turns();
}

void PathEndpoints::add(const LocatedEndpoint& where, Instant now) {
  members_.push_back({.where = where, .health = PathHealth(*site_, carrier_, circuit_, now), .slot = ++next_slot_});
}

/// They share one etiquette, so each of them is asked the more seldom the more there are.
void PathEndpoints::take_turns() {
  for (Member& m : members_) m.health.asked_in_turn(static_cast<int>(listed()));
}

const PathEndpoints::Member* PathEndpoints::member(const std::optional<model::Endpoint>& at) const {
  if (!joint_) return &members_.front();
  const auto found = at ? std::ranges::find(members_, *at, [](const Member& m) { return m.where.at; }) : members_.end();
  return found == members_.end() ? nullptr : &*found;
}

PathEndpoints::Member* PathEndpoints::member(const std::optional<model::Endpoint>& at) {
  return const_cast<Member*>(std::as_const(*this).member(at));  // NOLINT(cppcoreguidelines-pro-type-const-cast): of our own member
}

std::size_t PathEndpoints::listed() const { return static_cast<std::size_t>(std::ranges::count_if(members_, &Member::listed)); }

std::uint16_t PathEndpoints::preferred() const {
  std::uint16_t best = UINT16_MAX;
  for (const Member& m : members_)
    if (counts(m)) best = std::min(best, m.where.priority);
  return best;
}

// --- what is heard ---

/// Sequences count up by address: with the address's own number they are told apart.
template <class T>
T PathEndpoints::as_of_whole(T told, const Member& m) {
  told.sequence = told.sequence << 16U | m.slot;
  return told;
}

void PathEndpoints::on(const model::SipOutcome& outcome, Instant now) {
  Member* const m = member(outcome.endpoint);
  if (m == nullptr) return;
  // What is known to be dead says nothing by being silent once more.
  const bool known_dead = m->health.down_by_carrier();
  m->health.on(outcome, now);
  if (!joint_ || (outcome.result != model::SipResult::Final && (known_dead || !m->listed))) return;
  auto of_all = as_of_whole(outcome, *m);
  of_all.reply = ReplyClass::Up;  // of all together only one thing is asked: whether anybody is there
  of_all.retry_after.reset();     // one address that wants rest does not speak for its fellows
  whole_->on(of_all, now);
}

void PathEndpoints::on(const model::SipOverdue& overdue, Instant now) {
  Member* const m = member(overdue.endpoint);
  if (m == nullptr) return;
  const bool known_dead = m->health.down_by_carrier();
  m->health.on(overdue, now);
  if (joint_ && !known_dead && m->listed) whole_->on(as_of_whole(overdue, *m), now);
}

void PathEndpoints::on(const model::SipProvisional& provisional, Instant now) {
  Member* const m = member(provisional.endpoint);
  if (m == nullptr) return;
  m->health.on(provisional, now);
  if (joint_) whole_->on(as_of_whole(provisional, *m), now);
}

void PathEndpoints::stalled(const model::LoopStall& stall) {
  for (Member& m : members_) m.health.stalled(stall);
  if (joint_) whole_->stalled(stall);
}

PathEndpoints::Relisted PathEndpoints::on(const model::CarrierLocated& located, Instant now) {
  Relisted changed;
  if (!joint_) return changed;
  const model::LocatedStatus before = located_.value_or(model::LocatedStatus{});
  changed.lookup = before.lookup != located.lookup;
  changed.refused =
      std::ranges::any_of(located.refused, [&](const model::IpAddress& a) { return std::ranges::find(before.refused, a) == before.refused.end(); });
  located_ = {.lookup = located.lookup, .answered = located.answered, .refused = located.refused};
  const auto& names = located.endpoints;
  for (Member& m : members_) {
    const bool named = std::ranges::find(names, m.where.at, &LocatedEndpoint::at) != names.end();
    if (m.listed && !named) {
      changed.gone.push_back(m.where.at);
      m.unlisted_at = now;
    }
    m.listed = named;
  }
  for (const LocatedEndpoint& e : names) {
    if (Member* const known = member(e.at)) {
      known->where = e;
      continue;
    }
    add(e, now);
    changed.added.push_back(e.at);
  }
  take_turns();
  return changed;
}

// --- what follows ---

void PathEndpoints::judge_members(const Below& below, Instant now) {
  turned_.clear();
  for (Member& m : members_) {
    const model::Verdict before = m.health.verdict();
    if (!m.health.judge(below, now).health || !m.listed || below.health == Health::Down) continue;
    const bool down = m.health.down_by_carrier();
    const bool was_down = before.health == Health::Down && before.cause != Cause::CircuitDown;
    if (down != was_down) turned_.push_back(status_of(m));
  }
  whole_->judge(below, now);
}

/// Those that DNS names no more go as soon as one of the others has a verdict, or when nothing was heard of them for too long to mean anything.
void PathEndpoints::let_go(Instant now) {
  const auto known = [](const Member& m) { return m.health.verdict().health != Health::Unknown; };
  const bool replaced = std::ranges::any_of(members_, [&](const Member& m) { return m.listed && known(m); });
  std::erase_if(members_, [&](const Member& m) { return !m.listed && (replaced || (!known(m) && now > m.unlisted_at)); });
  unlisted_count_ = !replaced;
}

model::Verdict PathEndpoints::evaluate_members(Instant now) const {
  const std::uint16_t best = preferred();
  const Member *first_down = nullptr, *degraded = nullptr, *backup = nullptr;
  bool any_known = false, any_unknown = false;
  for (const Member& m : members_) {
    if (!counts(m)) continue;
    const model::Verdict& v = m.health.verdict();
    any_known = any_known || v.health != Health::Unknown;
    if (m.where.priority != best) {
      if (backup == nullptr && takes_calls(v)) backup = &m;
      continue;
    }
    if (v.health == Health::Up) return {Health::Up, Cause::Answering, m.health.last_code(), now};
    if (v.health == Health::Degraded) degraded = &m;
    if (v.health == Health::Down && first_down == nullptr) first_down = &m;
    any_unknown = any_unknown || (v.health == Health::Unknown && m.listed);
  }
  if (degraded != nullptr) return {Health::Degraded, Cause::SipUnauthorised, degraded->health.last_code(), now};
  if (!any_known) return {Health::Unknown, members_.empty() ? Cause::NoEvidence : members_.front().health.verdict().cause, 0, now};
  if (any_unknown) {
    if (verdict_.cause == Cause::CircuitDown) return {Health::Unknown, Cause::NoEvidence, 0, now};
    return verdict_;
  }
  if (backup != nullptr) return {Health::Degraded, Cause::BackupAddresses, backup->health.last_code(), now};
  if (first_down != nullptr) return {Health::Down, first_down->health.verdict().cause, first_down->health.verdict().detail, now};
  return {Health::Unknown, Cause::NoEvidence, 0, now};
}

model::Verdict PathEndpoints::evaluate(const Below& below, Instant now) const {
  if (below.health == Health::Down) return {Health::Down, Cause::CircuitDown, 0, now};
  if (whole_->down_by_carrier()) return {Health::Down, whole_->verdict().cause, whole_->verdict().detail, now};
  return evaluate_members(now);
}

/// The last of them to fail: until then calls got through.
Instant PathEndpoints::began_to_fail() const {
  if (whole_->down_by_carrier()) return whole_->first_bad();
  Instant last = Instant::min();
  for (const Member& m : members_)
    if (counts(m) && m.health.down_by_carrier()) last = std::max(last, m.health.first_bad());
  return last;
}

PathHealth::Change PathEndpoints::judge(const Below& below, Instant now) {
  if (!joint_) return members_.front().health.judge(below, now);
  judge_members(below, now);
  let_go(now);
  const bool trusted_before = trusted_;
  const model::Verdict next = evaluate(below, now);
  const bool changed = next.health != verdict_.health;
  verdict_ = {next.health, next.cause, next.detail, changed ? now : verdict_.since};
  if (below.health == Health::Down && changed) first_bad_ = now;
  if (down_by_carrier()) {
    if (changed) first_bad_ = began_to_fail();
    trusted_ = false;
  } else if (takes_calls(verdict_) && now - verdict_.since >= site_->carrier_health.hold_down) {
    trusted_ = true;
  }
  return {.health = changed, .trust = trusted_ != trusted_before};
}

Instant PathEndpoints::next_wakeup() const {
  if (!joint_) return only().next_wakeup();
  Instant next = whole_->next_wakeup();
  for (const Member& m : members_) next = std::min(next, m.health.next_wakeup());
  if (!trusted_ && takes_calls(verdict_)) next = std::min(next, verdict_.since + site_->carrier_health.hold_down);
  return next;
}

void PathEndpoints::distrust() {
  trusted_ = false;
  for (Member& m : members_) m.health.distrust();
}

// --- what is shown ---

/// One address that does not answer is no suspicion against the carrier, however often it is asked: the next one is, and its silence is.
bool PathEndpoints::overdue() const {
  if (!joint_) return only().overdue();
  if (whole_->silent_options() == 0) return false;
  std::size_t silent = 0, living = 0;
  for (const Member& m : members_) {
    if (!m.listed || m.health.down_by_carrier()) continue;
    ++living;
    silent += m.health.overdue() ? 1 : 0;
  }
  return silent >= std::min<std::size_t>(2, std::max<std::size_t>(1, living));
}

bool PathEndpoints::last_was_bad() const {
  if (!joint_) return only().last_was_bad();
  const auto bad = [](const Member& m) { return m.health.last_was_bad(); };
  const bool all = listed() > 0 && std::ranges::all_of(members_, [&](const Member& m) { return !m.listed || bad(m); });
  return overdue() || all;
}

std::optional<Instant> PathEndpoints::last_good() const {
  std::optional<Instant> newest;
  for (const Member& m : members_) newest = std::max(newest, m.health.last_good());
  return newest;
}

bool PathEndpoints::partly_dead() const {
  if (!joint_ || !takes_calls(verdict_)) return false;
  return std::ranges::any_of(members_, [](const Member& m) { return m.listed && m.health.down_by_carrier(); });
}

model::EndpointStatus PathEndpoints::status_of(const Member& m) const {
  const model::PathStatus s = m.health.status();
  return {.where = m.where,
          .verdict = s.verdict,
          .reason = {},
          .last_code = s.last_code,
          .listed = m.listed,
          .preferred = m.where.priority == preferred(),
          .rtt = s.rtt,
          .last_good = s.last_good};
}

model::PathStatus PathEndpoints::status() const {
  if (!joint_) return only().status();
  model::PathStatus s = whole_->status();
  s.verdict = verdict_;
  s.last_good = last_good();
  s.located = located_;
  for (const Member& m : members_) s.endpoints.push_back(status_of(m));
  return s;
}

}  // namespace linekeeper::decision
