#include "carriers/calls/call_book.hpp"

#include <algorithm>
#include <utility>

#include "carriers/calls/fate.hpp"

namespace linekeeper::calls {

using model::CallFate;
using model::CarrierId;
using model::CircuitId;
using model::Duration;
using model::Instant;

namespace {

/// A carrier's calls by this circuit are counted as load of the first trunk that offers it so; see loads().
std::optional<std::size_t> trunk_of(const model::Site& site, CarrierId carrier, CircuitId circuit) {
  std::optional<std::size_t> emergency;
  for (std::size_t t = 0; t < site.trunks.size(); ++t) {
    const bool offers = std::ranges::any_of(
        site.trunks[t].members, [&](const model::TrunkMember& m) { return m.carrier == carrier && (!m.circuit || m.circuit == circuit); });
    if (!offers) continue;
    if (!site.trunks[t].emergency) return t;
    if (!emergency) emergency = t;
  }
  return emergency;
}

}  // namespace

CallBook::CallBook(const model::Site& site, std::uint64_t seed, std::size_t most_legs, std::size_t most_calls)
    : site_(&site),
      seed_(seed),
      most_legs_(most_legs),
      most_calls_(most_calls),
      ways_(site.carriers.size()),
      paths_(site.carriers.size() * site.circuits.size(), Path{.slow_after = site.calls.slow_max}),
      ends_seen_(site.carriers.size()),
      attempts_(site.trunks.size()) {
  for (std::size_t k = 0; k < site.carriers.size(); ++k) {
    const auto carrier = model::id_at<CarrierId>(k);
    const model::Carrier& settings = site.carriers[k];
    if (settings.addresses.empty() && !settings.named()) parties_.push_back({{settings.address, settings.port}, {.carrier = carrier}});
    for (std::size_t e = 0; e < settings.addresses.size(); ++e)
      parties_.push_back(
          {{settings.addresses[e].address, settings.addresses[e].port}, {.carrier = carrier, .endpoint = static_cast<std::uint8_t>(e)}});
    for (std::size_t c = 0; c < site.circuits.size(); ++c) trunks_.push_back(trunk_of(site, carrier, model::id_at<CircuitId>(c)));
  }
  sort_parties();
}

// --- who is who ---

void CallBook::sort_parties() {
  std::ranges::sort(parties_, {}, [](const auto& p) { return std::pair(p.first.address, p.second.carrier); });
}

void CallBook::is_at(CarrierId carrier, std::span<const model::Endpoint> addresses) {
  const bool known = std::ranges::all_of(addresses, [&](const model::Endpoint& e) {
    const auto party = carrier_at({e.address, e.port});
    return party && party->carrier == carrier;
  });
  if (known) return;
  // What DNS named before stays, for its calls that are in progress; an address that another carrier has is left to that one.
  auto has = static_cast<std::size_t>(std::ranges::count(parties_, carrier, [](const auto& p) { return p.second.carrier; }));
  for (const model::Endpoint& e : addresses) {
    const Endpoint at{e.address, e.port};
    if (has >= kMostAddresses || carrier_at(at)) continue;
    parties_.push_back({at, {.carrier = carrier, .endpoint = static_cast<std::uint8_t>(has++)}});
    sort_parties();
  }
}

CallBook::Key CallBook::hash(std::string_view a, std::string_view b) const {
  // FNV-1a, from a seed nobody outside knows; the pieces apart, so that "ab" "c" is not "a" "bc".
  constexpr std::uint64_t kPrime = 0x100000001b3;
  Key h = 0xcbf29ce484222325 ^ seed_;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * kPrime;
    h = (h ^ 0x100) * kPrime;
  };
  mix(a);
  mix(b);
  return h ^ h >> 29;
}

/// Of both directions the same: in a request of the far side the tags change places (RFC 3261 12.2.1.1).
CallBook::Key CallBook::call_key(const SipSeen& sip) const { return hash(sip.call_id, sip.from_tag) + hash(sip.call_id, sip.to_tag); }

std::optional<CallBook::Party> CallBook::carrier_at(const Endpoint& e) const {
  const auto same = std::ranges::equal_range(parties_, e.address, {}, [](const auto& p) -> const model::IpAddress& { return p.first.address; });
  if (same.empty()) return std::nullopt;
  const auto port = std::ranges::find(same, e.port, [](const auto& p) { return p.first.port; });
  return port != same.end() ? port->second : same.front().second;  // a carrier may answer and call from another port
}

std::optional<CircuitId> CallBook::circuit_of(const model::IpAddress& ours, CarrierId carrier) const {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    for (const model::Prefix& source : site_->circuits[c].sources)
      if (source.contains(ours)) return model::id_at<CircuitId>(c);
  return ways_[carrier.index()];
}

std::optional<std::pair<CarrierId, CircuitId>> CallBook::way_of(std::string_view call_id) const {
  const auto found = call_by_id_.find(hash(call_id, {}));
  if (found == call_by_id_.end()) return std::nullopt;
  return std::pair(found->second->carrier, found->second->circuit);
}

// --- what is seen ---

const std::vector<model::CallOutcome>& CallBook::see(const Endpoint& from, const Endpoint& to, std::string_view message, Instant now) {
  told_.clear();
  const auto sip = read_sip(message);
  if (!sip) {
    ++counts_.unread;
    return told_;
  }
  ++counts_.messages;
  if (sip->status != 0)
    response(*sip, now);
  else
    request(from, to, *sip, now);
  return told_;
}

void CallBook::request(const Endpoint& from, const Endpoint& to, const SipSeen& sip, Instant now) {
  switch (sip.method) {
    case Method::Invite:
      if (sip.to_tag.empty()) begin(from, to, sip, now);
      return;
    case Method::Cancel:
      if (const auto leg = leg_by_key_.find(hash(sip.call_id, sip.branch)); leg != leg_by_key_.end()) leg->second->cancelled = true;
      return;
    case Method::Bye:
      if (!sip.to_tag.empty()) end_call(call_key(sip));
      return;
    case Method::Ack:
    case Method::Other: return;
  }
}

void CallBook::begin(const Endpoint& from, const Endpoint& to, const SipSeen& sip, Instant now) {
  const auto callee = carrier_at(to);
  const auto party = callee ? callee : carrier_at(from);
  if (!party) return;  // between the PBX and its phones
  const Key key = hash(sip.call_id, sip.branch);
  if (leg_by_key_.contains(key)) return;  // sent again
  const auto circuit = circuit_of(callee ? from.address : to.address, party->carrier);
  if (!circuit) {
    ++counts_.elsewhere;
    return;
  }
  if (legs_.size() >= most_legs_) {
    ++counts_.evicted;
    erase(legs_.begin());
  }
  legs_.push_back(
      {.key = key, .carrier = party->carrier, .circuit = *circuit, .endpoint = party->endpoint, .outbound = callee.has_value(), .begun = now});
  leg_by_key_[key] = std::prev(legs_.end());
  ++at(party->carrier, *circuit).pending;
  if (const auto trunk = trunks_[party->carrier.index() * site_->circuits.size() + circuit->index()]; trunk && callee) count_attempt(*trunk, now);
  arm(legs_.back(), now);
}

void CallBook::response(const SipSeen& sip, Instant now) {
  if (sip.method != Method::Invite) return;
  const auto found = leg_by_key_.find(hash(sip.call_id, sip.branch));
  if (found == leg_by_key_.end()) return;
  Leg& leg = *found->second;
  if (leg.ended) return;  // sent again, or another answer of a fork (RFC 3261 13.2.2.4): one attempt, one end
  leg.heard = true;
  const Duration after = now - leg.begun;
  if (sip.status < 200) {
    if (sip.status >= 180 && !leg.rang) leg.rang = after;
    return;
  }
  leg.ended = true;
  settle(leg);
  if (sip.status < 300) answered(leg, sip, now);
  const auto fate = fate_of(sip.status, sip.cause, leg.rang.has_value(), leg.cancelled);
  if (fate && leg.outbound) tell(leg, *fate, sip.status, leg.rang.value_or(after));
  arm(leg, now);
}

void CallBook::answered(const Leg& leg, const SipSeen& sip, Instant now) {
  expire_calls(now);
  const Key key = call_key(sip);
  if (call_by_key_.contains(key)) return;
  if (calls_.size() >= most_calls_) {
    ++counts_.evicted;
    erase(calls_.begin());
  }
  calls_.push_back({.key = key, .call_id = hash(sip.call_id, {}), .carrier = leg.carrier, .circuit = leg.circuit, .begun = now});
  call_by_key_[key] = call_by_id_[calls_.back().call_id] = std::prev(calls_.end());
  ++at(leg.carrier, leg.circuit).calls;
}

void CallBook::end_call(Key key) {
  const auto found = call_by_key_.find(key);
  if (found == call_by_key_.end()) return;
  ends_seen_[found->second->carrier.index()] = true;
  erase(found->second);
}

// --- what follows ---

void CallBook::tell(const Leg& leg, CallFate fate, int code, std::optional<Duration> pdd) {
  told_.push_back({.carrier = leg.carrier,
                   .circuit = leg.circuit,
                   .endpoint = leg.endpoint,
                   .fate = fate,
                   .code = code,
                   .pdd = pdd,
                   .again = leg.told,
                   .sent = leg.begun});
}

void CallBook::settle(Leg& leg) {
  if (std::exchange(leg.pending, false)) --at(leg.carrier, leg.circuit).pending;
}

/// When this leg is to be looked at next.
Instant CallBook::next_of(const Leg& leg, Instant now) const {
  if (leg.ended) return now + kLinger;
  Instant next = leg.begun + kRings;
  if (!leg.outbound || leg.told || leg.rang) return next;
  if (!leg.heard && now < leg.begun + site_->calls.unanswered_after) next = std::min(next, leg.begun + site_->calls.unanswered_after);
  const Instant slow = leg.begun + at(leg.carrier, leg.circuit).slow_after;
  return now < slow ? std::min(next, slow) : next;
}

void CallBook::arm(const Leg& leg, Instant now) {
  timers_.push({next_of(leg, now), leg.key, leg.begun});
  if (timers_.size() <= 4 * most_legs_) return;
  // Those of legs that are gone wait for their time; under a flood they are the most.
  std::vector<Timer> living;
  for (const Leg& l : legs_) living.push_back({next_of(l, now), l.key, l.begun});
  timers_ = Timers({}, std::move(living));
}

void CallBook::due(Leg& leg, Instant now) {
  const bool judged = leg.outbound && !leg.told && !leg.rang && !leg.cancelled && leg.begun > missed_;
  const Duration after = now - leg.begun;
  if (!judged) return;
  if (!leg.heard && after >= site_->calls.unanswered_after) {
    tell(leg, CallFate::CarrierFailed, 0, std::nullopt);
    leg.told = true;
    settle(leg);
  } else if (after >= at(leg.carrier, leg.circuit).slow_after) {
    tell(leg, CallFate::Slow, 0, after);
    leg.told = true;
  }
}

const std::vector<model::CallOutcome>& CallBook::look(Instant now) {
  told_.clear();
  expire_calls(now);
  while (!timers_.empty() && timers_.top().due <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    const auto found = leg_by_key_.find(timer.leg);
    if (found == leg_by_key_.end() || found->second->begun != timer.begun) continue;
    Leg& leg = *found->second;
    // Two timers of one leg may be waiting: the one before its end, and the one after.
    if (leg.ended ? timer.due >= leg.begun + kLinger : now >= leg.begun + kRings) {
      erase(found->second);
      continue;
    }
    if (leg.ended) continue;
    due(leg, now);
    arm(leg, now);
  }
  return told_;
}

void CallBook::erase(Legs::iterator leg) {
  settle(*leg);
  leg_by_key_.erase(leg->key);
  legs_.erase(leg);
}

void CallBook::erase(Calls::iterator call) {
  --at(call->carrier, call->circuit).calls;
  call_by_key_.erase(call->key);
  if (const auto id = call_by_id_.find(call->call_id); id != call_by_id_.end() && id->second == call) call_by_id_.erase(id);
  calls_.erase(call);
}

void CallBook::expire_calls(Instant now) {
  while (!calls_.empty() && now - calls_.front().begun > kLongestCall) erase(calls_.begin());
}

// --- load ---

CallBook::Attempts& CallBook::wound(std::size_t trunk, Instant now) {
  Attempts& a = attempts_[trunk];
  const std::int64_t second = now.time_since_epoch() / std::chrono::seconds(1);
  if (second - a.newest >= static_cast<std::int64_t>(Attempts::kSeconds))
    a.of.fill(0);
  else
    while (a.newest < second) a.of[static_cast<std::size_t>(++a.newest) % Attempts::kSeconds] = 0;
  a.newest = second;
  return a;
}

void CallBook::count_attempt(std::size_t trunk, Instant now) {
  Attempts& a = wound(trunk, now);
  ++a.of[static_cast<std::size_t>(a.newest) % Attempts::kSeconds];
}

std::vector<model::TrunkLoad> CallBook::loads(Instant now) {
  expire_calls(now);
  std::vector<model::TrunkLoad> loads;
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) {
    const auto& carriers = site_->trunks[t].carriers;
    if (std::ranges::none_of(carriers, [&](CarrierId k) { return ends_seen_[k.index()]; })) continue;
    model::TrunkLoad load{.trunk = model::id_at<model::TrunkId>(t)};
    for (std::size_t i = 0; i < paths_.size(); ++i)
      if (trunks_[i] == t) load.calls += paths_[i].calls + paths_[i].pending;
    int attempts = 0;
    for (const int n : wound(t, now).of) attempts += n;
    load.calls_per_second = static_cast<double>(attempts) / static_cast<double>(Attempts::kSeconds);
    loads.push_back(load);
  }
  return loads;
}

}  // namespace linekeeper::calls
