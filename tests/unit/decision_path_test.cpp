// When a path is down, by answers and by silence, at the limits.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "controller/decision/carrier_ways.hpp"
#include "controller/decision/path_health.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::Below;
using decision::PathHealth;
using model::Cause;
using model::Duration;
using model::Health;
using model::Instant;
using model::ProbeKind;
using model::ReplyClass;
using model::SipResult;

namespace {

constexpr Instant kStart{1000s};

model::Site site_of(int fall = 2, Duration dead_after = 4s) {
  model::Site s;
  s.circuits = {{.name = "fiber"}};
  s.carriers = {{.name = "north"}};  // interval 15 s, floor 10 s, deadline 3 s
  s.carrier_health.fall = fall;
  s.carrier_health.dead_after = dead_after;
  return s;
}

/// A path that was up at kStart.
template <class Judged>
struct PathOf {
  explicit PathOf(model::Site s = site_of()) : site(std::move(s)), health(site, model::CarrierId{0}, model::CircuitId{0}, kStart - 1min) {
    answer(0, kStart - 15s, 200, kStart - 15s + 20ms);
    judge(kStart);
  }
  void answer(std::uint64_t sequence, Instant sent, int code, Instant now, bool late = false, bool provisional = false) {
    health.on(model::SipOutcome{.sequence = sequence,
                                .result = SipResult::Final,
                                .code = code,
                                .reply = code >= 500 ? ReplyClass::Down : ReplyClass::Up,
                                .late = late,
                                .sent = sent,
                                .provisional = provisional},
              now);
  }
  void overdue(std::uint64_t sequence, Instant sent) { health.on(model::SipOverdue{.sequence = sequence, .sent = sent}, sent + 1s); }
  void lost(std::uint64_t sequence, Instant sent, ProbeKind kind = ProbeKind::Scheduled, SipResult how = SipResult::Timeout,
            bool provisional = false) {
    health.on(model::SipOutcome{.sequence = sequence, .result = how, .error = 111, .sent = sent, .kind = kind, .provisional = provisional},
              sent + 3s);
  }
  void provisional(std::uint64_t sequence, Instant sent, Instant now) { health.on(model::SipProvisional{.sequence = sequence, .sent = sent}, now); }
  Health judge(Instant now) {
    health.judge(below, now);
    return health.verdict().health;
  }

  model::Site site;
  Judged health;
  Below below{.health = Health::Up};
};
using Path = PathOf<PathHealth>;

/// Overdue at kStart, and with verify OPTIONS after 1, 1.75, 2.75 s: as many as `count`.
void silence(Path& p, int count = 4) {
  constexpr Duration kAt[] = {0s, 1s, 1750ms, 2750ms};
  for (int i = 0; i < count; ++i) p.overdue(static_cast<std::uint64_t>(i) + 1, kStart + kAt[i]);
}

}  // namespace

TEST_CASE("path: silence means down after dead_after from the first unanswered OPTIONS, not a nanosecond before") {
  for (const Duration dead_after : {Duration(3s), Duration(4s), Duration(7s)}) {
    Path p(site_of(2, dead_after));
    silence(p);
    CHECK(p.judge(kStart + dead_after - 1ns) == Health::Up);
    CHECK(p.health.next_wakeup() == kStart + dead_after);
    CHECK(p.judge(kStart + dead_after) == Health::Down);
    CHECK(p.health.verdict().cause == Cause::SipTimeout);
    CHECK(p.health.verdict().detail == 4);
    CHECK(p.health.first_bad() == kStart);
    CHECK(p.health.down_by_carrier());
    CHECK_FALSE(p.health.trusted());
  }
}

TEST_CASE("path: one unanswered OPTIONS fewer than fall is no verdict, however long; the last needs its second too") {
  for (const int fall : {2, 3, 4}) {
    Path p(site_of(fall));
    silence(p, fall - 1);
    CHECK(p.judge(kStart + 8s) == Health::Up);
    CHECK(p.health.next_wakeup() > kStart + 1min);
    p.overdue(99, kStart + 20s);
    CHECK(p.judge(kStart + 21s - 1ns) == Health::Up);
    CHECK(p.health.next_wakeup() == kStart + 21s);
    CHECK(p.judge(kStart + 21s) == Health::Down);
    CHECK(p.health.verdict().detail == fall);
  }
}

TEST_CASE("path: where the carrier's own pace finds silence sooner, that counts") {
  auto site = site_of();
  site.carriers[0].interval = site.carriers[0].floor = 1s;
  site.carriers[0].deadline = 800ms;
  Path p(site);
  p.health.on({.sequence = 1, .result = SipResult::Timeout, .sent = kStart}, kStart + 800ms);
  CHECK(p.health.overdue());
  p.health.on(model::SipOverdue{.sequence = 2, .sent = kStart + 900ms}, kStart + 1700ms);
  CHECK(p.judge(kStart + 1800ms - 1ns) == Health::Up);
  CHECK(p.judge(kStart + 1800ms) == Health::Down);
}

TEST_CASE("path: fall OPTIONS of the usual pace that ended badly mean down, of the verify kind they do not") {
  for (const SipResult how : {SipResult::Timeout, SipResult::Refused}) {
    Path usual(site_of(2, 1h));
    usual.site.carriers[0].floor = 2h;
    usual.lost(1, kStart, ProbeKind::Scheduled, how);
    CHECK(usual.judge(kStart + 3s) == Health::Up);
    usual.lost(2, kStart + 10s, ProbeKind::Scheduled, how);
    CHECK(usual.judge(kStart + 13s) == Health::Down);
    CHECK(usual.health.verdict().cause == (how == SipResult::Timeout ? Cause::SipTimeout : Cause::SipRefused));
    CHECK(usual.health.verdict().detail == (how == SipResult::Timeout ? 2 : 111));
    Path verify(site_of(2, 1h));
    verify.site.carriers[0].floor = 2h;
    verify.lost(1, kStart, ProbeKind::Scheduled, how);
    for (std::uint64_t i = 2; i < 20; ++i) verify.lost(i, kStart + 10s, ProbeKind::Verify, how);
    CHECK(verify.judge(kStart + 13s) == Health::Up);
  }
}

TEST_CASE("path: fall bad answers mean down; the same answer to OPTIONS that were out together counts once") {
  Path p;
  p.answer(1, kStart, 503, kStart + 20ms);
  CHECK(p.judge(kStart + 20ms) == Health::Up);
  CHECK(p.health.last_was_bad());
  p.answer(2, kStart + 10ms, 503, kStart + 30ms);
  CHECK(p.judge(kStart + 30ms) == Health::Up);
  p.answer(3, kStart + 1s, 503, kStart + 1020ms);
  CHECK(p.judge(kStart + 1020ms) == Health::Down);
  CHECK(p.health.verdict().cause == Cause::SipRejected);
  CHECK(p.health.verdict().detail == 503);
}

TEST_CASE("path: up again after rise good answers, one fewer is recovering; those of a burst are one") {
  Path p;
  p.site.carrier_health.stale_after = 10min;
  silence(p);
  CHECK(p.judge(kStart + 4s) == Health::Down);
  const Instant back = kStart + 5s;
  for (std::uint64_t i = 1; i <= 4; ++i) p.answer(i, kStart + 1s, 200, back + std::chrono::milliseconds(i), i < 3);
  CHECK(p.judge(back + 1s) == Health::Down);
  CHECK(p.health.verdict().cause == Cause::Recovering);
  p.answer(5, back + 10s, 200, back + 10s + 20ms);
  CHECK(p.judge(back + 11s) == Health::Up);
  CHECK_FALSE(p.health.trusted());
  CHECK(p.judge(back + 11s + p.site.carrier_health.hold_down) == Health::Up);
  CHECK(p.health.trusted());
}

TEST_CASE("path: any response ends the silence, and it begins anew with what stays unanswered from then on") {
  for (const int which : {1, 2, 3, 4}) {
    for (const bool provisional : {true, false}) {
      Path p;
      silence(p);
      CHECK(p.health.overdue());
      const Instant sent = kStart + std::array<Duration, 4>{0s, 1s, 1750ms, 2750ms}[static_cast<std::size_t>(which) - 1];
      if (provisional)
        p.provisional(static_cast<std::uint64_t>(which), sent, kStart + 4s - 1ns);
      else
        p.answer(static_cast<std::uint64_t>(which), sent, 200, kStart + 4s - 1ns);
      CHECK_FALSE(p.health.overdue());
      CHECK(p.health.last_heard() == kStart + 4s - 1ns);
      CHECK(p.judge(kStart + 5s) == Health::Up);
      // Those sent before the one that was answered were lost on the way; those sent after it count from the response on.
      p.overdue(90, sent - 1ns);
      CHECK_FALSE(p.health.overdue());
      p.overdue(91, kStart + 3900ms);
      p.overdue(92, kStart + 4s);
      CHECK(p.judge(kStart + 8s - 2ns) == Health::Up);
      CHECK(p.judge(kStart + 8s - 1ns) == Health::Down);
    }
  }
}

TEST_CASE("path: a late answer takes its timeout back") {
  Path p;
  p.overdue(1, kStart);
  p.lost(1, kStart);
  p.overdue(2, kStart + 1s);
  CHECK(p.judge(kStart + 3500ms) == Health::Up);
  p.answer(1, kStart, 200, kStart + 3600ms, true);
  CHECK_FALSE(p.health.last_was_bad());
  p.lost(2, kStart + 1s);
  CHECK(p.judge(kStart + 4s) == Health::Up);
  CHECK(p.judge(kStart + 7s) == Health::Up);  // the one: not two
}

TEST_CASE("path: an OPTIONS that was taken with 100 and never finished ended badly, and is no silence") {
  Path p;
  p.provisional(1, kStart, kStart + 20ms);
  p.lost(1, kStart, ProbeKind::Scheduled, SipResult::Timeout, true);
  CHECK_FALSE(p.health.overdue());
  CHECK(p.health.last_was_bad());
  CHECK(p.judge(kStart + 20s) == Health::Up);
  p.provisional(2, kStart + 20s, kStart + 20s + 20ms);
  p.lost(2, kStart + 20s, ProbeKind::Verify, SipResult::Timeout, true);
  CHECK(p.judge(kStart + 23s) == Health::Down);
  CHECK(p.health.verdict().cause == Cause::SipTimeout);
}

TEST_CASE("path: an error of our own sending is no evidence, and takes its suspicion with it") {
  Path p;
  p.overdue(1, kStart);
  for (std::uint64_t i = 1; i < 20; ++i) p.health.on({.sequence = i, .result = SipResult::LocalError, .error = 1, .sent = kStart}, kStart + 2s);
  CHECK_FALSE(p.health.overdue());
  CHECK(p.judge(kStart + 10s) == Health::Up);
}

TEST_CASE("path: while the circuit is in doubt silence is blamed on it, answers are not") {
  Path p;
  p.below.doubtful = true;
  silence(p);
  CHECK(p.judge(kStart + 30s) == Health::Up);
  CHECK(p.health.trusted());
  p.answer(10, kStart + 31s, 503, kStart + 31s + 20ms);
  p.answer(11, kStart + 33s, 503, kStart + 33s + 20ms);
  CHECK(p.judge(kStart + 34s) == Health::Down);
}

TEST_CASE("path: when the doubt is over, what was asked during it stays void; what is asked from then on counts") {
  Path p;
  silence(p);
  p.lost(1, kStart);
  p.below.doubtful = true;
  CHECK(p.judge(kStart + 3500ms) == Health::Up);
  p.overdue(5, kStart + 5s);
  p.below.doubtful = false;
  CHECK(p.judge(kStart + 8s) == Health::Up);
  CHECK_FALSE(p.health.overdue());
  p.lost(2, kStart + 1s);
  p.overdue(6, kStart + 8s - 1ns);  // sent in doubt, told after it
  CHECK_FALSE(p.health.overdue());
  p.overdue(7, kStart + 8s);
  p.overdue(8, kStart + 9s);
  CHECK(p.judge(kStart + 12s - 1ns) == Health::Up);
  CHECK(p.judge(kStart + 12s) == Health::Down);
}

TEST_CASE("path: a circuit in doubt is no excuse once it has carried another carrier's answer in the same time") {
  Path p;
  silence(p);
  p.below = {.health = Health::Up, .doubtful = true, .others_answered = kStart};
  CHECK(p.judge(kStart + 4s) == Health::Up);
  p.below.others_answered = kStart + 1ns;
  CHECK(p.judge(kStart + 4s) == Health::Down);
}

TEST_CASE("path: our own loop stood still: what was open then is void, what had ended before stays") {
  for (const bool ended_before : {false, true}) {
    Path p;
    p.overdue(1, kStart);
    p.lost(1, kStart);  // at 3 s
    p.health.stalled({.from = kStart + (ended_before ? 3s : 2999ms), .to = kStart + 10s});
    CHECK(p.health.overdue() == ended_before);
    p.lost(2, kStart + 10s - 1ns);  // sent before it was over
    CHECK(p.judge(kStart + 13s) == Health::Up);
    p.lost(3, kStart + 10s, ProbeKind::Verify);
    CHECK(p.judge(kStart + 14s) == (ended_before ? Health::Down : Health::Up));
  }
}

TEST_CASE("path: over a dead circuit nothing is held against the carrier, and what was lost there is not when it is back") {
  Path p;
  p.overdue(1, kStart);
  p.below.health = Health::Down;
  CHECK(p.judge(kStart + 1s) == Health::Down);
  CHECK(p.health.verdict().cause == Cause::CircuitDown);
  CHECK_FALSE(p.health.down_by_carrier());
  for (std::uint64_t i = 2; i < 10; ++i) p.lost(i, kStart + std::chrono::seconds(i));
  p.judge(kStart + 12s);
  p.below.health = Health::Up;
  CHECK(p.judge(kStart + 20s) == Health::Unknown);
  CHECK_FALSE(p.health.overdue());
  p.lost(11, kStart + 20s - 1ns);
  CHECK_FALSE(p.health.overdue());
  CHECK(p.health.trusted());
  p.answer(12, kStart + 21s, 200, kStart + 21s + 20ms);
  CHECK(p.judge(kStart + 22s) == Health::Up);
}

TEST_CASE("path: evidence that has gone stale is unknown, and its silence does not speak again") {
  Path p;
  p.overdue(1, kStart);
  const Duration stale = p.site.carrier_health.stale_after;
  CHECK(p.judge(kStart + 1s + stale) == Health::Up);
  CHECK(p.judge(kStart + 1s + stale + 1ns) == Health::Unknown);
  CHECK_FALSE(p.health.overdue());
  p.overdue(2, kStart + 2min);
  CHECK(p.judge(kStart + 2min + 10s) == Health::Unknown);
}

TEST_CASE("path: a silence of hours keeps its first and its count, and nothing else grows") {
  Path p(site_of(3));
  for (std::uint64_t i = 0; i < 5000; ++i) p.lost(i, kStart + std::chrono::seconds(i) * 10);
  CHECK(p.judge(kStart + 50'000s) == Health::Down);
  CHECK(p.health.verdict().detail == 5000);
  CHECK(p.health.first_bad() == kStart);
}

TEST_CASE("path: the order in which overdue OPTIONS are told makes no difference, nor does telling one twice") {
  std::mt19937 chance(7);
  for (int i = 0; i < 200; ++i) {
    Path p(site_of(3));
    std::vector<std::pair<std::uint64_t, Duration>> all = {{1, 0s}, {2, 1s}, {3, 1750ms}, {3, 1750ms}, {1, 0s}};
    std::ranges::shuffle(all, chance);
    for (const auto& [sequence, after] : all) p.overdue(sequence, kStart + after);
    CHECK(p.judge(kStart + 4s - 1ns) == Health::Up);
    CHECK(p.judge(kStart + 4s) == Health::Down);
    CHECK(p.health.verdict().detail == 3);
  }
}

TEST_CASE("path: whatever is told, a path is never down by silence within dead_after of the last response") {
  std::mt19937_64 chance(11);
  const auto pick = [&](std::uint64_t n) { return chance() % n; };
  int downs = 0;
  for (int story = 0; story < 2000; ++story) {
    Path p(site_of(2 + static_cast<int>(pick(3))));
    Instant now = kStart, heard = kStart - 15s;
    std::vector<std::pair<std::uint64_t, Instant>> open;
    std::uint64_t sequence = 0;
    for (int i = 0; i < 60; ++i) {
      now += std::chrono::milliseconds(pick(1500));
      open.emplace_back(++sequence, now);
      const auto& [which, sent] = open[pick(open.size())];
      const auto fate = pick(10);
      if (fate < 6 && now - sent >= 1s && sent >= heard) p.health.on(model::SipOverdue{.sequence = which, .sent = sent}, now);
      if (fate == 6) p.health.on(model::SipProvisional{.sequence = which, .sent = sent}, now);
      if (fate == 7) p.answer(which, sent, 200, now, pick(2) == 0);
      if (fate == 6 || fate == 7) heard = now;
      const bool was = p.health.verdict().health == Health::Down;
      const bool is = p.judge(now) == Health::Down;
      if (!was && is) ++downs;
      if (!was && is) CHECK(now - heard >= 4s);
    }
  }
  CHECK(downs > 100);
}

TEST_CASE("path: OPTIONS that are lost while the circuit is to blame hold it back from the last of them, from `fall` in a row on") {
  Path p;
  p.below = {.health = Health::Degraded, .doubtful = true};
  CHECK(p.judge(kStart) == Health::Up);
  p.lost(1, kStart);
  p.lost(2, kStart + 1s, ProbeKind::Verify);  // out of turn: not counted
  CHECK(p.health.doubted_until() == Instant::min());
  p.lost(3, kStart + 15s);
  CHECK(p.health.doubted_until() == kStart + 18s + 60s);
  CHECK(p.judge(kStart + 18s) == Health::Up);  // the circuit's fault, most likely: nothing leaves for it
  CHECK(p.health.trusted());
  p.lost(4, kStart + 30s);
  CHECK(p.health.doubted_until() == kStart + 33s + 60s);

  Path heard;
  heard.below = p.below;
  heard.judge(kStart);
  heard.lost(1, kStart);
  heard.answer(2, kStart + 15s, 200, kStart + 15s + 20ms);
  heard.lost(3, kStart + 30s);
  CHECK(heard.health.doubted_until() == Instant::min());
}

TEST_CASE("path: OPTIONS that are lost by a dead circuit hold it back as well") {
  Path p;
  p.below = {.health = Health::Down};
  p.judge(kStart);
  p.lost(1, kStart);
  p.lost(2, kStart + 15s);
  CHECK(p.health.doubted_until() == kStart + 18s + 60s);
}

TEST_CASE("path: by a circuit that holds it back a carrier steered apart is not led home, and after it is") {
  PathOf<decision::PathEndpoints> p;
  p.below = {.health = Health::Degraded, .doubtful = true};
  p.judge(kStart);
  p.lost(1, kStart);
  const auto well = [&p](Instant now) {
    const model::TrafficClass part{.name = "voice-north", .circuits = {model::CircuitId{0}}};
    const std::vector<decision::CircuitView> circuits = {{.health = Health::Up, .proven_well = true}};
    const std::vector<decision::HoldDown> back = {decision::HoldDown(10s, 1min)};
    return decision::carrier_ways(part, circuits, std::span(&p.health, 1), std::nullopt, back, now)[0].proven_well;
  };
  CHECK(p.judge(kStart + 3s) == Health::Up);
  CHECK(well(kStart + 3s));  // one is lost now and then
  p.lost(2, kStart + 15s);
  CHECK(p.judge(kStart + 18s) == Health::Up);
  REQUIRE(p.health.doubted_until() == kStart + 78s);
  CHECK_FALSE(well(kStart + 18s));
  CHECK_FALSE(well(kStart + 78s - 1ns));
  CHECK(well(kStart + 78s));
}
