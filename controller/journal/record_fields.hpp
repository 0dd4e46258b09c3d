#pragma once
// What stands in each kind of record of an observation block, field by field, and the number that the kind keeps for ever. One description for
// writing and reading (varint.hpp); blocks, checksums and order are observation_codec's.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "controller/journal/observation_codec.hpp"
#include "controller/journal/varint.hpp"

namespace linekeeper::journal::record {

using model::Instant;

inline constexpr std::size_t kLongestText = 65536;  // of an order's names and reason

// A number for each kind of record that stays its own for ever; a kind that goes leaves its number unused.
template <class T>
inline constexpr std::uint8_t kTag = 0;
template <>
inline constexpr std::uint8_t kTag<model::ProbeSent> = 1;
template <>
inline constexpr std::uint8_t kTag<model::ProbeReply> = 2;
template <>
inline constexpr std::uint8_t kTag<model::ProbeRejected> = 3;
template <>
inline constexpr std::uint8_t kTag<model::ProbeLocalError> = 4;
template <>
inline constexpr std::uint8_t kTag<model::SipOutcome> = 5;
template <>
inline constexpr std::uint8_t kTag<model::LinkState> = 6;
template <>
inline constexpr std::uint8_t kTag<model::GatewayState> = 7;
template <>
inline constexpr std::uint8_t kTag<model::ResolverState> = 8;
template <>
inline constexpr std::uint8_t kTag<model::LoopStall> = 9;
template <>
inline constexpr std::uint8_t kTag<model::TrunkLoad> = 10;
template <>
inline constexpr std::uint8_t kTag<model::SipOverdue> = 11;
template <>
inline constexpr std::uint8_t kTag<model::SipProvisional> = 12;
template <>
inline constexpr std::uint8_t kTag<model::CheckOutcome> = 13;
template <>
inline constexpr std::uint8_t kTag<model::ProberStuck> = 17;
template <>
inline constexpr std::uint8_t kTag<model::CallOutcome> = 18;
template <>
inline constexpr std::uint8_t kTag<model::CarrierLocated> = 44;
template <>
inline constexpr std::uint8_t kTag<DeciderStarted> = 20;
template <>
inline constexpr std::uint8_t kTag<Recalled> = 27;
template <>
inline constexpr std::uint8_t kTag<RoutesAdopted> = 21;
template <>
inline constexpr std::uint8_t kTag<TrunkAdopted> = 22;
template <>
inline constexpr std::uint8_t kTag<OrdersGiven> = 23;
template <>
inline constexpr std::uint8_t kTag<Reissued> = 24;
template <>
inline constexpr std::uint8_t kTag<Woken> = 25;
template <>
inline constexpr std::uint8_t kTag<Standing> = 26;
template <>
inline constexpr std::uint8_t kTag<MovesRecalled> = 28;
template <>
inline constexpr std::uint8_t kTag<MovesHeld> = 29;
template <>
inline constexpr std::uint8_t kTag<WayProbed> = 30;
template <>
inline constexpr std::uint8_t kTag<ShareFound> = 31;

/// A reply that tells more than that it came. A record of its own: blocks written before there were such are read as ever, and the
/// usual reply is no longer than it was.
struct FullReply {
  model::ProbeReply reply;
};
template <>
inline constexpr std::uint8_t kTag<FullReply> = 16;

/// An outcome that says something of our credentials: likewise.
struct ChallengedOutcome {
  model::SipOutcome outcome;
};
template <>
inline constexpr std::uint8_t kTag<ChallengedOutcome> = 40;

/// What was heard of one of a carrier's several addresses; likewise a record of its own.
template <class T>
struct OfEndpoint {
  T of;
};
template <>
inline constexpr std::uint8_t kTag<OfEndpoint<model::SipOutcome>> = 41;
template <>
inline constexpr std::uint8_t kTag<OfEndpoint<model::SipOverdue>> = 42;
template <>
inline constexpr std::uint8_t kTag<OfEndpoint<model::SipProvisional>> = 43;
template <class T>
concept NamesEndpoint = requires(T t) { t.endpoint.has_value(); };

/// An archive with what a record is told from: the names' counts, the instant, the newest sequence of each circuit.
template <class Base>
struct Archive : Base {
  using Base::Base;
  Instant now{};
  std::size_t circuits = 0, targets = 0, carriers = 0, classes = 0, trunks = 0;
  std::vector<std::uint64_t>* sequences = nullptr;

  void knows(const BlockNames& names) {
    circuits = names.circuits.size();
    targets = names.targets.size();
    carriers = names.carriers.size();
    classes = names.classes.size();
    trunks = names.trunks.size();
  }
};

template <class A, class I>
void id(A& a, I& v, std::size_t of) {
  std::uint64_t n = v.value;
  if constexpr (A::kReads) {
    if (of == 0) return a.fail();
    a.count(n, of - 1);
    v.value = static_cast<std::uint16_t>(n);
  } else {
    a.number(n);
  }
}

template <class A>
void address(A& a, model::IpAddress& v) {
  choice(a, v.family, model::Family::V6);
  for (std::size_t i = 0; i < v.size(); ++i) a.byte(v.bytes[i]);
}

/// The sequence of a probe: `ahead` of the circuit's newest, usually exactly.
template <class A>
void sequence(A& a, std::uint64_t& v, model::CircuitId circuit, std::uint64_t ahead) {
  if (a.sequences->size() <= circuit.index()) return;  // only in bytes that were found bad
  std::uint64_t& newest = (*a.sequences)[circuit.index()];
  near(a, v, newest + ahead);
  newest = std::max(newest, v);
}

template <class A>
void fields(A& a, model::ProbeSent& o) {
  id(a, o.circuit, a.circuits);
  // Kind and target share a number: a byte for each probe is a byte for most of what is written.
  std::uint64_t both = o.target.value * std::uint64_t{3} + static_cast<std::uint64_t>(o.kind);
  a.number(both);
  if constexpr (A::kReads) {
    if (both / 3 >= a.targets) return a.fail();
    o.target = model::TargetId{static_cast<std::uint16_t>(both / 3)};
    o.kind = static_cast<model::ProbeKind>(both % 3);
  }
  sequence(a, o.sequence, o.circuit, 1);
  instant(a, o.sent, a.now);
}
static_assert(static_cast<int>(model::ProbeKind::Verify) == 2);

/// What became of a probe: which probe, through what, to whom.
template <class A, class O>
void fields_of_probe(A& a, O& o) {
  id(a, o.circuit, a.circuits);
  id(a, o.target, a.targets);
  sequence(a, o.sequence, o.circuit, 0);
}

template <class A>
void fields(A& a, model::ProbeReply& o) {
  fields_of_probe(a, o);
  duration(a, o.rtt);
}

template <class A>
void fields(A& a, FullReply& o) {
  fields(a, o.reply);
  whole(a, o.reply.code);
  maybe(a, o.reply.reflection, [&](model::Reflection& r) {
    std::uint64_t session = r.session, ours = r.ours;
    a.count(session, UINT32_MAX);
    a.count(ours, UINT32_MAX);
    std::optional<std::uint64_t> theirs = r.theirs ? std::optional<std::uint64_t>(*r.theirs) : std::nullopt;
    maybe(a, theirs, [&](std::uint64_t& count) { a.count(count, UINT32_MAX); });
    duration(a, r.outbound);
    duration(a, r.inbound);
    if constexpr (A::kReads) {
      r.session = static_cast<std::uint32_t>(session);
      r.ours = static_cast<std::uint32_t>(ours);
      r.theirs = theirs ? std::optional(static_cast<std::uint32_t>(*theirs)) : std::nullopt;
    }
  });
}

template <class A>
void fields(A& a, model::ProberStuck& o) {
  id(a, o.circuit, a.circuits);
  instant(a, o.since, a.now);
}

template <class A>
void fields(A& a, model::ProbeRejected& o) {
  fields_of_probe(a, o);
  whole(a, o.error);
}

template <class A>
void fields(A& a, model::ProbeLocalError& o) {
  id(a, o.circuit, a.circuits);
  id(a, o.target, a.targets);
  whole(a, o.error);
}

template <class A>
void fields(A& a, model::SipOutcome& o) {
  id(a, o.carrier, a.carriers);
  id(a, o.circuit, a.circuits);
  a.number(o.sequence);
  choice(a, o.result, model::SipResult::LocalError);
  whole(a, o.code);
  choice(a, o.reply, model::ReplyClass::Down);
  whole(a, o.error);
  flag(a, o.late);
  instant(a, o.sent, a.now);
  maybe(a, o.rtt, [&](model::Duration& d) { duration(a, d); });
  maybe(a, o.retry_after, [&](model::Duration& d) { duration(a, d); });
  maybe(a, o.received_address, [&](model::IpAddress& ip) { address(a, ip); });
  choice(a, o.kind, model::ProbeKind::Verify);
  flag(a, o.provisional);
}

template <class A>
void fields(A& a, ChallengedOutcome& o) {
  fields(a, o.outcome);
  choice(a, o.outcome.authorisation, model::SipAuthorisation::Refused);
}

/// SipOverdue and SipProvisional: which OPTIONS of which path.
template <class A, class O>
void fields_of_options(A& a, O& o) {
  id(a, o.carrier, a.carriers);
  id(a, o.circuit, a.circuits);
  a.number(o.sequence);
  instant(a, o.sent, a.now);
}
template <class A>
void fields(A& a, model::SipOverdue& o) {
  fields_of_options(a, o);
}
template <class A>
void fields(A& a, model::SipProvisional& o) {
  fields_of_options(a, o);
}

template <class A>
void fields(A& a, model::Endpoint& e) {
  address(a, e.address);
  std::uint64_t port = e.port;
  a.count(port, UINT16_MAX);
  if constexpr (A::kReads) e.port = static_cast<std::uint16_t>(port);
  choice(a, e.transport, model::SipTransport::Tls);
}
template <class A, class T>
void fields(A& a, OfEndpoint<T>& o) {
  fields(a, o.of);
  if constexpr (std::is_same_v<T, model::SipOutcome>) choice(a, o.of.authorisation, model::SipAuthorisation::Refused);
  maybe(a, o.of.endpoint, [&](model::Endpoint& e) { fields(a, e); });
}
template <class A>
void fields(A& a, model::CarrierLocated& o) {
  id(a, o.carrier, a.carriers);
  id(a, o.circuit, a.circuits);
  choice(a, o.lookup, model::Lookup::NoSuchName);
  instant(a, o.answered, a.now);
  list(a, o.endpoints, [&](model::LocatedEndpoint& e) {
    fields(a, e.at);
    std::uint64_t priority = e.priority, weight = e.weight;
    a.count(priority, UINT16_MAX);
    a.count(weight, UINT16_MAX);
    a.text(e.name, kLongestName);
    if constexpr (A::kReads) {
      e.priority = static_cast<std::uint16_t>(priority);
      e.weight = static_cast<std::uint16_t>(weight);
    }
  });
  if constexpr (A::kReads)
    if (o.endpoints.size() > model::kMostEndpoints) return a.fail();
  list(a, o.refused, [&](model::IpAddress& ip) { address(a, ip); });
}

template <class A>
void fields(A& a, model::LinkState& o) {
  id(a, o.circuit, a.circuits);
  flag(a, o.present);
  flag(a, o.admin_up);
  flag(a, o.carrier);
  whole(a, o.ifindex);
  maybe(a, o.address, [&](model::IpAddress& ip) { address(a, ip); });
  maybe(a, o.gateway, [&](model::IpAddress& ip) { address(a, ip); });
  flag(a, o.direct);
}

template <class A>
void fields(A& a, model::GatewayState& o) {
  id(a, o.circuit, a.circuits);
  choice(a, o.neighbour, model::Neighbour::Silent);
  maybe(a, o.confirmed, [&](model::Instant& at) { instant(a, at, a.now); });
}

template <class A>
void fields(A& a, model::ResolverState& o) {
  id(a, o.circuit, a.circuits);
  flag(a, o.answering);
}

template <class A>
void fields(A& a, model::LoopStall& o) {
  instant(a, o.from, a.now);
  instant(a, o.to, a.now);
}

template <class A>
void fields(A& a, model::TrunkLoad& o) {
  id(a, o.trunk, a.trunks);
  whole(a, o.calls);
  real(a, o.calls_per_second);
  if constexpr (A::kReads)
    if (!std::isfinite(o.calls_per_second)) a.fail();
}

template <class A>
void fields(A& a, model::CheckOutcome& o) {
  id(a, o.circuit, a.circuits);
  choice(a, o.kind, model::CheckKind::Hops);
  a.text(o.check, kLongestName);
  choice(a, o.result, model::CheckResult::LocalError);
  instant(a, o.at, a.now);
  maybe(a, o.took, [&](model::Duration& d) { duration(a, d); });
  whole(a, o.code);
  maybe(a, o.certificate_left, [&](model::Duration& d) { duration(a, d); });
  maybe(a, o.address, [&](model::IpAddress& ip) { address(a, ip); });
  list(a, o.hops, [&](model::IpAddress& ip) { address(a, ip); });
  a.text(o.detail, model::kLongestCheckDetail);
  if constexpr (A::kReads)
    if (o.hops.size() > model::kMostHops) a.fail();
}

template <class A>
void fields(A& a, model::CallOutcome& o) {
  id(a, o.carrier, a.carriers);
  id(a, o.circuit, a.circuits);
  a.byte(o.endpoint);
  choice(a, o.fate, model::CallFate::Cancelled);
  whole(a, o.code);
  maybe(a, o.pdd, [&](model::Duration& d) { duration(a, d); });
  flag(a, o.again);
  flag(a, o.trial);
  instant(a, o.sent, a.now);
}

template <class A>
void fields(A&, DeciderStarted&) {}

template <class A>
void fields(A& a, Recalled& i) {
  id(a, i.circuit, a.circuits);
  a.text(i.text, kLongestMemory);
  duration(a, i.age);
}

template <class A>
void fields(A& a, MovesRecalled& i) {
  id(a, i.traffic_class, a.classes);
  a.text(i.text, kLongestMemory);
  duration(a, i.age);
}

template <class A>
void fields(A& a, MovesHeld& i) {
  list(a, i.moves, [&](MovesHeld::Move& m) {
    id(a, m.traffic_class, a.classes);
    maybe(a, m.stands, [&](model::CircuitId& circuit) { id(a, circuit, a.circuits); });
    flag(a, m.escape);
    duration(a, m.again_after);
  });
}

template <class A>
void fields(A& a, WayProbed& i) {
  id(a, i.traffic_class, a.classes);
  id(a, i.by, a.circuits);
  flag(a, i.proven);
}

template <class A>
void fields(A& a, ShareFound& i) {
  id(a, i.traffic_class, a.classes);
  list(a, i.circuits, [&](model::CircuitId& circuit) { id(a, circuit, a.circuits); });
  if constexpr (A::kReads)
    if (i.circuits.size() > a.circuits) a.fail();
}

template <class A>
void fields(A& a, RoutesAdopted& i) {
  a.number(i.generation);
  list(a, i.classes, [&](std::optional<model::CircuitId>& c) { maybe(a, c, [&](model::CircuitId& circuit) { id(a, circuit, a.circuits); }); });
  if constexpr (A::kReads)
    if (i.classes.size() > a.classes) a.fail();
}

template <class A>
void fields(A& a, TrunkAdopted& i) {
  id(a, i.trunk, a.trunks);
  list(a, i.sets, [&](int& set) { whole(a, set); });
}

template <class A>
void wall(A& a, model::WallTime& t) {
  std::int64_t ms = t.time_since_epoch().count();
  near(a, ms, 0);
  if constexpr (A::kReads) t = model::WallTime(std::chrono::milliseconds(ms));
}

template <class A>
void fields(A& a, OrdersGiven& i) {
  list(a, i.overrides, [&](model::Override& o) {
    near(a, o.id, 0);
    choice(a, o.kind, model::OverrideKind::Failback);
    for (std::string* text : {&o.subject, &o.to, &o.owner, &o.reason}) a.text(*text, kLongestText);
    wall(a, o.since);
    wall(a, o.until);
  });
}

template <class A>
void fields(A&, Reissued&) {}
template <class A>
void fields(A&, Woken&) {}

template <class A>
void fields(A& a, Standing& i) {
  fields(a, i.routes);
  list(a, i.trunks, [&](TrunkAdopted& t) { fields(a, t); });
  fields(a, i.orders);
  list(a, i.links, [&](model::LinkState& l) { fields(a, l); });
  list(a, i.gateways, [&](model::GatewayState& g) { fields(a, g); });
  list(a, i.resolvers, [&](model::ResolverState& r) { fields(a, r); });
  list(a, i.learned, [&](Recalled& r) { fields(a, r); });
}

template <class A>
void fields(A& a, BlockHead& h) {
  instant(a, h.run, Instant{});
  a.number(h.index);
  for (auto* names : {&h.names.circuits, &h.names.targets, &h.names.carriers, &h.names.classes, &h.names.trunks}) {
    list(a, *names, [&](std::string& name) { a.text(name, kLongestName); });
    if constexpr (A::kReads)
      if (names->size() > 65536) a.fail();  // positions are 16 bits wide
  }
}

}  // namespace linekeeper::journal::record
