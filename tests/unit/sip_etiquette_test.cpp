#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "carriers/sip/etiquette.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Instant;
using sip::Etiquette;

namespace {
constexpr Instant kStart{1000s};
Etiquette etiquette(model::Duration interval, model::Duration floor, std::uint64_t seed = 1, int burst = 0, sip::Debt debt = {}) {
  model::Carrier carrier;
  carrier.interval = interval;
  carrier.floor = floor;
  carrier.verify_burst = burst;
  return Etiquette(carrier, runtime::SeededRandom(seed), debt);
}
}  // namespace

TEST_CASE("etiquette: nothing before it begins, then after the wait it was given") {
  auto e = etiquette(15s, 10s);
  CHECK(e.next() == model::kNever);
  CHECK(e.debt().floor_until == Instant::min());
  e.changed(kStart);
  CHECK(e.next() == model::kNever);
  e.begin(kStart, 3s);
  CHECK(e.next() == kStart + 3s);
}

TEST_CASE("etiquette: gaps lie within 10 % of the interval, spread over it") {
  auto e = etiquette(20s, 10s);
  model::Duration shortest = 1h, longest = 0s;
  Instant at = kStart;
  for (int i = 0; i < 2000; ++i) {
    e.started(at);
    const auto gap = e.next() - at;
    CHECK(gap >= 18s);
    CHECK(gap <= 22s);
    shortest = std::min(shortest, gap);
    longest = std::max(longest, gap);
    at = e.next();
  }
  CHECK(shortest < 18'100ms);
  CHECK(longest > 21'900ms);
}

TEST_CASE("etiquette: an interval whose jitter reaches below the floor stops at the floor") {
  auto e = etiquette(10s, 10s);
  for (int i = 0; i < 200; ++i) {
    const Instant at = kStart + i * 1min;
    e.started(at);
    CHECK(e.next() >= at + 10s);
    CHECK(e.next() <= at + 11s);
  }
}

TEST_CASE("etiquette: suspicion brings the next one to the floor and a tenth of it at most") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    auto e = etiquette(60s, 10s, seed);
    e.started(kStart);
    e.suspected(kStart + 3s);
    CHECK(e.next() >= kStart + 10s);
    CHECK(e.next() <= kStart + 11s);
  }
}

TEST_CASE("etiquette: suspicion after the floor has passed asks now, and never later than without it") {
  auto e = etiquette(60s, 10s);
  e.started(kStart);
  const auto usual = e.next();
  e.suspected(kStart + 30s);
  CHECK(e.next() >= kStart + 30s);
  CHECK(e.next() <= kStart + 31s);
  CHECK(e.next() < usual);
  auto f = etiquette(10s, 10s);
  f.started(kStart);
  const auto before = f.next();
  f.suspected(kStart + 1s);
  CHECK(f.next() <= before);
}

TEST_CASE("etiquette: what could not be sent is tried after 1, 2, 4, 8, 15, 15 seconds") {
  auto e = etiquette(15s, 10s);
  e.begin(kStart, 0s);
  for (const auto wait : {1s, 2s, 4s, 8s, 15s, 15s}) {
    e.not_sent(kStart);
    CHECK(e.next() == kStart + wait);
  }
  e.started(kStart + 1h);
  e.not_sent(kStart + 2h);
  CHECK(e.next() == kStart + 2h + 1s);
}

TEST_CASE("etiquette: a change of the way asks within half a second, but not within the floor") {
  auto e = etiquette(60s, 10s);
  e.started(kStart);
  e.changed(kStart + 2s);
  CHECK(e.next() >= kStart + 10s);
  CHECK(e.next() <= kStart + 10'500ms);
  e.changed(kStart + 40s);
  CHECK(e.next() <= kStart + 40'500ms);
}

TEST_CASE("etiquette: who asked for less is asked nothing before then, by floor or by token, and as ever afterwards") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  e.spare(kStart + 12s);
  e.spare(kStart + 11s);  // the longer counts
  e.silent(kStart + 1s);
  CHECK(e.next_verify() == kStart + 12s);
  e.suspected(kStart + 1s);
  CHECK(e.next() == kStart + 12s);
  CHECK_FALSE(e.free(kStart + 12s - 1ns));
  CHECK(e.free(kStart + 12s));
  e.started(kStart + 12s);
  CHECK(e.next_verify() == kStart + 12s + 750ms);
}

TEST_CASE("etiquette: no pattern of calls ever puts two starts closer than the floor") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    runtime::SeededRandom random(seed);
    const auto interval = std::chrono::milliseconds(random.next() % 20'000), floor = std::chrono::milliseconds(random.next() % 15'000);
    auto e = etiquette(interval, floor, seed);
    e.begin(kStart, 0s);
    Instant now = kStart, last{};
    bool any = false;
    for (int i = 0; i < 500; ++i) {
      now += std::chrono::milliseconds(random.next() % 3000);
      switch (random.next() % 5) {
        case 0: e.suspected(now); break;
        case 1: e.changed(now); break;
        case 2: e.begin(now, 0s); break;
        case 3: e.not_sent(now); break;
        default: break;
      }
      if (now < e.next()) continue;
      if (any) CHECK(now - last >= floor);
      e.started(now);
      last = now;
      any = true;
    }
    CHECK(any);
  }
}

TEST_CASE("etiquette: a silence asks at once, then after 0.75, 1 and 1.25 s, and no more until something is heard") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  CHECK(e.next_verify() == model::kNever);
  Instant at = kStart + 1s;
  e.silent(at);
  for (const auto gap : {0ms, 750ms, 1000ms, 1250ms}) {
    at += gap;
    CHECK(e.next_verify() == at);
    CHECK_FALSE(e.free(at));
    e.started(at);
  }
  CHECK(e.next_verify() == model::kNever);
  e.silent(at + 1h);
  CHECK(e.next_verify() == model::kNever);
  e.stirred();
  e.silent(at + 2h);
  CHECK(e.next_verify() == at + 2h);
}

TEST_CASE("etiquette: tokens come back one each interval, and there are never more than the burst") {
  auto e = etiquette(15s, 10s, 1, 2);
  e.begin(kStart, 0s);
  const auto silence = [&](Instant now) {
    e.stirred();
    e.silent(now);
    return e.next_verify();
  };
  e.started(kStart);
  CHECK(silence(kStart + 1s) == kStart + 1s);
  e.started(kStart + 1s);
  CHECK(silence(kStart + 2s) == kStart + 2s);
  e.started(kStart + 2s);
  CHECK(silence(kStart + 3s) == kStart + 12s);  // the floor comes before the next token (at 16 s)
  e.started(kStart + 12s);                      // free: costs none
  CHECK(silence(kStart + 13s) == kStart + 16s);
  CHECK(silence(kStart + 16s - 1ns) == kStart + 16s);
  CHECK(silence(kStart + 16s) == kStart + 16s);
  e.started(kStart + 16s);
  CHECK(silence(kStart + 17s) == kStart + 26s);
  e.started(kStart + 1h);  // full again, not fuller
  for (const auto at : {kStart + 1h + 1s, kStart + 1h + 2s}) {
    CHECK(silence(at) == at);
    e.started(at);
  }
  CHECK(silence(kStart + 1h + 3s) == kStart + 1h + 12s);
}

TEST_CASE("etiquette: no token is spent on what the floor gives within 0.75 s") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  e.silent(kStart + 9250ms - 1ns);
  CHECK(e.next_verify() == kStart + 9250ms - 1ns);
  e.stirred();
  e.silent(kStart + 9250ms);
  CHECK(e.next_verify() == kStart + 10s);
  e.started(kStart + 10s);
  CHECK(e.debt().burst_full <= kStart);
}

TEST_CASE("etiquette: a burst of nothing never goes below the floor") {
  auto e = etiquette(15s, 10s, 1, 0);
  e.begin(kStart, 0s);
  e.started(kStart);
  e.silent(kStart + 1s);
  e.rejected(kStart + 2s);
  CHECK(e.next_verify() == model::kNever);
}

TEST_CASE("etiquette: a bad answer asks once more after a second, twice until a good one, and ends a silence") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  Instant now = kStart;
  for (int i = 0; i < 2; ++i) {
    e.rejected(now);
    CHECK(e.next_verify() == now + 1s);
    e.started(now += 1s);
    CHECK(e.next_verify() == model::kNever);
  }
  e.rejected(now);
  CHECK(e.next_verify() == model::kNever);
  e.answered();
  e.rejected(now);
  CHECK(e.next_verify() == now + 1s);
}

TEST_CASE("etiquette: what is owed survives: the floor, and the tokens that are spent") {
  auto e = etiquette(15s, 10s, 1, 2);
  e.begin(kStart, 0s);
  e.started(kStart);
  for (const auto at : {kStart + 1s, kStart + 2s}) {
    e.stirred();
    e.silent(at);
    e.started(at);
  }
  auto next = etiquette(15s, 10s, 2, 2, e.debt());
  next.begin(kStart + 3s, 0s);
  CHECK(next.next() == kStart + 12s);
  CHECK(next.debt().floor_until == kStart + 12s);  // also before it has asked anything itself: a second reload loses nothing
  next.started(kStart + 12s);
  next.silent(kStart + 13s);
  CHECK(next.next_verify() == kStart + 16s);
}

TEST_CASE("etiquette: what is owed by a longer interval is no more than a whole burst of this one") {
  auto e = etiquette(15s, 10s, 1, 2, {.floor_until = kStart, .burst_full = kStart + 2h});
  e.begin(kStart, 0s);
  CHECK(e.debt().burst_full == kStart + 30s);
}

TEST_CASE("etiquette: a verify OPTIONS that cannot be sent is tried again later, not at once") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  e.silent(kStart + 1s);
  e.not_sent(kStart + 1s);
  CHECK(e.next_verify() == kStart + 2s);
}

TEST_CASE("etiquette: doubt from another circuit asks once at once, for a token where the floor would take longer") {
  auto e = etiquette(15s, 10s, 1, 4);
  e.begin(kStart, 0s);
  e.started(kStart);
  e.answered();
  e.doubted(kStart + 3s);
  CHECK(e.next_verify() == kStart + 3s);
  e.started(kStart + 3s);
  CHECK(e.next_verify() == model::kNever);          // one, not a burst
  CHECK(e.debt().burst_full == kStart + 3s + 15s);  // and it has cost a token
  e.answered();
  e.doubted(kStart + 13s);  // the floor is over: nothing is owed for this one
  CHECK(e.next_verify() == kStart + 13s);
  e.started(kStart + 13s);
  CHECK(e.debt().burst_full == kStart + 3s + 15s);
}

TEST_CASE("etiquette: doubt from another circuit has no token of its own, and does not shorten a suspicion of this one") {
  auto none = etiquette(15s, 10s, 1, 0);
  none.begin(kStart, 0s);
  none.started(kStart);
  none.doubted(kStart + 3s);
  CHECK(none.next_verify() == model::kNever);
  auto spent = etiquette(15s, 10s, 1, 1);
  spent.begin(kStart, 0s);
  spent.started(kStart);
  spent.doubted(kStart + 1s);
  spent.started(kStart + 1s);
  spent.doubted(kStart + 2s);
  CHECK(spent.next_verify() == kStart + 11s);  // the floor, as the token is not back before +16 s
  auto silent = etiquette(15s, 10s, 1, 4);
  silent.begin(kStart, 0s);
  silent.started(kStart);
  silent.silent(kStart + 1s);
  silent.doubted(kStart + 1s);
  silent.started(kStart + 1s);
  CHECK(silent.next_verify() == kStart + 1750ms);  // the burst goes on
}

TEST_CASE("etiquette: endpoints that share one are together never asked closer than its floor, but for its tokens, and each has its turn") {
  constexpr std::size_t kEndpoints = 4;
  const auto common = std::make_shared<sip::Debt>();
  std::vector<Etiquette> all;
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    all.push_back(etiquette(15s, 10s, i + 1, 4));
    all.back().take_turns(common, kEndpoints);
    all.back().begin(kStart, 0s);
  }
  std::vector<int> turns(kEndpoints);
  Instant last = Instant::min();
  for (int n = 0; n < 400; ++n) {
    const auto next = std::ranges::min_element(all, {}, &Etiquette::next);
    const Instant at = next->next();
    if (n > 0) REQUIRE(at - last >= 10s);
    next->started(at);
    ++turns[static_cast<std::size_t>(next - all.begin())];
    last = at;
  }
  for (const int t : turns) CHECK(t > 80);  // of 100 each
}

TEST_CASE("etiquette: the tokens of endpoints that share one are spent once") {
  const auto common = std::make_shared<sip::Debt>();
  std::vector<Etiquette> all;
  for (std::uint64_t i = 0; i < 3; ++i) {
    all.push_back(etiquette(15s, 10s, i, 2));
    all.back().take_turns(common, 3);
    all.back().begin(kStart, 0s);
  }
  all[0].started(kStart);
  int sooner = 0;
  for (Etiquette& e : all) e.doubted(kStart + 1s);
  for (Etiquette& e : all)
    if (e.next_verify() == kStart + 1s) {
      e.started(kStart + 1s);
      ++sooner;
    }
  CHECK(sooner == 2);
}
