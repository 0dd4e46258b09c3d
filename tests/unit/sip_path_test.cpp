// The client's rules and the verdict in one loop, in virtual time: how soon a silent carrier is found, and how little it hears.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include "tests/support/virtual_path.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using Reply = VirtualPath::Reply;
using Answer = std::optional<Reply>;

namespace {

/// Answers until `end`, then never again.
VirtualPath::Carrier until(Instant end) {
  return [end](Instant now, std::uint64_t, int) { return now < end ? Answer(Reply{}) : std::nullopt; };
}

/// When the first OPTIONS was sent at or after `end`.
Instant first_after(const VirtualPath& p, Instant end) { return *std::ranges::lower_bound(p.starts, end); }

template <class T>
std::vector<T> told(const VirtualPath& p) {
  std::vector<T> found;
  for (const auto& o : p.told)
    if (const auto* one = std::get_if<T>(&o)) found.push_back(*one);
  return found;
}

/// The most starts within any `span`.
std::ptrdiff_t most_within(const std::vector<Instant>& starts, Duration span) {
  std::ptrdiff_t most = 0;
  for (auto from = starts.begin(); from != starts.end(); ++from) most = std::max(most, std::upper_bound(from, starts.end(), *from + span) - from);
  return most;
}

std::vector<Duration> gaps_from(const VirtualPath& p, Instant first, std::size_t count) {
  std::vector<Duration> gaps;
  for (auto at = std::ranges::lower_bound(p.starts, first); at != p.starts.end() && gaps.size() < count; ++at) gaps.push_back(*at - first);
  return gaps;
}

}  // namespace

TEST_CASE("path: with an interval of 15 s a silent carrier is down 4 s after the first OPTIONS it does not answer, whenever it dies") {
  std::vector<Duration> found;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    VirtualPath p(one_path(), seed);
    runtime::SeededRandom chance(seed + 5000);
    const Instant dies = kPathStart + 60s + std::chrono::milliseconds(chance.next() % 15'000);
    p.carrier = until(dies);
    p.run_until(dies + 30s);
    REQUIRE(p.downs.size() == 1);
    CHECK(p.downs[0] - first_after(p, dies) == 4s);
    found.push_back(p.downs[0] - dies);
  }
  std::ranges::sort(found);
  CHECK(found[500] < 12s);
  CHECK(found[990] < 20s);
  CHECK(found.back() <= 20'500ms);  // an interval with all its jitter, and 4 s
}

TEST_CASE("path: a suspicion asks at 1, 1.75, 2.75 and 4 s, and then at the floor's pace however long it lasts") {
  VirtualPath p(one_path());
  const Instant dies = kPathStart + 40s;
  p.carrier = until(dies);
  p.run_until(dies + 1h);
  const auto first = first_after(p, dies);
  const auto gaps = gaps_from(p, first, 6);
  CHECK(std::vector(gaps.begin(), gaps.begin() + 5) == std::vector<Duration>{0s, 1s, 1750ms, 2750ms, 4s});
  CHECK(gaps[5] >= 14s);
  for (auto at = std::ranges::lower_bound(p.starts, first + 5s); at + 1 != p.starts.end(); ++at) CHECK(*(at + 1) - *at >= 10s);
  const auto overdue = told<model::SipOverdue>(p);
  REQUIRE(overdue.size() >= 5);
  CHECK(overdue[0].sent == first);
}

TEST_CASE("path: verify OPTIONS are transactions of their own, and are told apart from those of the usual pace") {
  VirtualPath p(one_path());
  p.carrier = until(kPathStart + 1s);
  p.run(25s);
  std::vector<model::ProbeKind> kinds;
  std::vector<std::uint64_t> sequences;
  for (const auto& o : told<model::SipOutcome>(p))
    if (o.result == model::SipResult::Timeout) {
      kinds.push_back(o.kind);
      sequences.push_back(o.sequence);
    }
  using enum model::ProbeKind;
  REQUIRE(kinds.size() == 5);
  CHECK(kinds == std::vector{Scheduled, Verify, Verify, Verify, Verify});
  CHECK(std::ranges::adjacent_find(sequences) == sequences.end());
  CHECK(p.path().counters().verify == 4);
}

TEST_CASE("path: one OPTIONS lost with all its packets is a suspicion of a second, never a verdict and never a bad one") {
  VirtualPath p(one_path());
  const Instant at = kPathStart + 40s;
  std::optional<std::uint64_t> unlucky;
  p.carrier = [&](Instant now, std::uint64_t sequence, int) -> Answer {
    if (now >= at && !unlucky) unlucky = sequence;
    return sequence == unlucky ? std::nullopt : Answer(Reply{});
  };
  p.run_until(at);
  p.run_until(p.path().next_wakeup() + 1s);
  CHECK(p.health.overdue());
  p.run(31ms);
  CHECK_FALSE(p.health.overdue());
  p.run(5min);
  CHECK(p.downs.empty());
  CHECK(p.health.trusted());
  CHECK_FALSE(p.health.last_was_bad());
  CHECK(p.path().counters().verify == 1);
}

TEST_CASE("path: once a later OPTIONS is answered those before it are lost on the way, not overdue") {
  VirtualPath p(one_path());
  p.run(40s);
  std::optional<std::uint64_t> first;
  p.carrier = [&](Instant, std::uint64_t sequence, int) {
    if (!first) first = sequence;
    return sequence < *first + 2 ? std::nullopt : Answer(Reply{});
  };
  p.run(40s);
  REQUIRE(told<model::SipOverdue>(p).size() == 1);  // the second was sent 0.75 s before the third, which was answered
  CHECK(told<model::SipOverdue>(p)[0].sequence == *first);
  CHECK(p.path().counters().verify == 2);
}

TEST_CASE("path: an answer that is a little late starts the second anew for those that were sent meanwhile") {
  VirtualPath p(one_path());
  p.carrier = [](Instant, std::uint64_t, int) { return Answer(Reply{.after = 1100ms}); };
  p.run(10min);
  std::size_t usual = 0;
  for (const auto& o : told<model::SipOutcome>(p)) usual += o.kind == model::ProbeKind::Scheduled ? 1U : 0U;
  CHECK(usual > 30);
  CHECK(told<model::SipOverdue>(p).size() <= usual + 1);  // never the verify OPTIONS too
}

TEST_CASE("path: a carrier that takes 2.5 s for every answer is never called down, and is not asked again and again") {
  VirtualPath p(one_path());
  p.carrier = [](Instant, std::uint64_t, int) { return Answer(Reply{.after = 2500ms}); };
  p.run(10min);
  CHECK(p.downs.empty());
  CHECK(p.health.verdict().health == model::Health::Up);
  CHECK(most_within(p.starts, 10min) <= 1 + 60 + 4 + 40);
  // A second after each start it is overdue, and that is verified as long as there are tokens; no answer after the first adds to it.
  CHECK(p.path().counters().verify < 50);
}

TEST_CASE("path: a single response of any kind, to any OPTIONS of a silence, keeps the path from being called down for it") {
  for (const int status : {100, 200, 404, 486, 503}) {
    for (const std::uint64_t which : {0U, 1U, 2U, 3U}) {
      for (const Duration after : {1ms, 1100ms, 2800ms}) {
        const Duration at = std::array<Duration, 4>{0s, 1s, 1750ms, 2750ms}[which] + after;
        // Once the first has been given up, a 503 or a 100 that leads to nothing is the second in a row to end badly.
        if ((status == 100 || status == 503) && at >= 3s) continue;
        VirtualPath p(one_path());
        p.run(40s);
        const Instant dies = p.now;
        std::optional<std::uint64_t> first;
        p.carrier = [&](Instant, std::uint64_t sequence, int n) -> Answer {
          if (!first) first = sequence;
          return sequence == *first + which && n == 0 ? Answer(Reply{.status = status, .after = after}) : std::nullopt;
        };
        p.run_until(p.path().next_wakeup() + 1ms);
        p.run_until(first_after(p, dies) + 4s);
        CAPTURE(status);
        CAPTURE(which);
        CHECK(p.downs.empty() == (at <= 4s));
      }
    }
  }
}

TEST_CASE("path: 503 is said a second time within about a second, for one token; good answers in between cost nothing") {
  VirtualPath p(one_path());
  const Instant at = kPathStart + 40s;
  p.carrier = [&](Instant now, std::uint64_t, int) { return Answer(Reply{.status = now < at ? 200 : 503}); };
  p.run_until(at + 30s);
  REQUIRE(p.downs.size() == 1);
  CHECK(p.downs[0] - first_after(p, at) == 1060ms);  // its round trip, a second, the other round trip
  p.run(10min);
  CHECK(p.path().counters().verify == 2);  // two confirmations at most, whatever the rule wants of them
}

TEST_CASE("path: 100 and then nothing is no silence, but ended badly, and is confirmed a second after its deadline") {
  VirtualPath p(one_path());
  p.carrier = [](Instant, std::uint64_t, int) { return Answer(Reply{.status = 100}); };
  p.run(20s);
  CHECK(told<model::SipOverdue>(p).empty());
  CHECK(gaps_from(p, kPathStart, 3) == std::vector<Duration>{0s, 4s, 8s});
  REQUIRE(p.downs.size() == 1);
  CHECK(p.downs[0] == kPathStart + 7s);
}

TEST_CASE("path: a carrier that says when to ask again is not asked sooner than the floor") {
  VirtualPath p(one_path());
  const Instant at = kPathStart + 40s;
  p.carrier = [&](Instant now, std::uint64_t, int) {
    return Answer(now < at ? Reply{} : Reply{.status = 503, .retry_after = model::Duration(120s)});
  };
  p.run_until(at + 5min);
  CHECK(p.path().counters().verify == 0);
  for (std::size_t i = 1; i < p.starts.size(); ++i) CHECK(p.starts[i] - p.starts[i - 1] >= 10s);
  CHECK(p.downs.size() == 1);
}

TEST_CASE("path: asked each second, silence is found no later than by two timeouts in a row") {
  std::vector<Duration> found;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    VirtualPath p(one_path(1s, 1s, 800ms), seed);
    runtime::SeededRandom chance(seed + 9000);
    const Instant dies = kPathStart + 10s + std::chrono::milliseconds(chance.next() % 1000);
    p.carrier = until(dies);
    p.run_until(dies + 10s);
    REQUIRE(p.downs.size() == 1);
    CHECK(p.downs[0] - first_after(p, dies) == 1800ms);
    found.push_back(p.downs[0] - dies);
  }
  std::ranges::sort(found);
  CHECK(found[250] < 2400ms);
  CHECK(found.back() <= 2900ms);
}

TEST_CASE("path: without verify OPTIONS the floor decides, and fewer than the rule wants are not enough") {
  VirtualPath never(one_path(15s, 10s, 3s, 0));
  never.carrier = until(kPathStart + 40s);
  never.run(2min);
  REQUIRE(never.downs.size() == 1);
  for (std::size_t i = 1; i < never.starts.size(); ++i) CHECK(never.starts[i] - never.starts[i - 1] >= 10s);
  CHECK(never.downs[0] - first_after(never, kPathStart + 40s) >= 11s);
  CHECK(never.downs[0] - first_after(never, kPathStart + 40s) <= 12s);  // a floor, its jitter, and a second

  auto site = one_path(15s, 10s, 3s, 1);
  site.carrier_health.fall = 3;
  VirtualPath one(site);
  one.carrier = until(kPathStart + 40s);
  one.run(2min);
  REQUIRE(one.downs.size() == 1);
  CHECK(one.downs[0] - first_after(one, kPathStart + 40s) >= 12s);  // the third comes a floor after the second
  CHECK(one.downs[0] - first_after(one, kPathStart + 40s) <= 13s);
}

TEST_CASE("path: our own failing sends start no suspicion, and do not spin") {
  VirtualPath p(one_path());
  p.run(40s);
  p.broken = true;
  const auto before = p.told.size();
  p.run(1min);
  CHECK(p.told.size() - before <= 8);
  CHECK(p.downs.empty());
  CHECK_FALSE(p.health.overdue());
}

TEST_CASE("path: when the way changes the silence of the old one is forgotten") {
  VirtualPath p(one_path());
  p.carrier = until(kPathStart + 1s);
  p.run_until(kPathStart + 20s);
  const auto before = p.starts.size();
  p.path().forget();
  p.path().changed(p.now);
  p.carrier = until(model::kNever);
  p.run(40s);
  CHECK(p.starts[before] - p.starts[before - 1] >= 10s);
  CHECK_FALSE(p.health.overdue());
}

TEST_CASE("path: no story, with reloads and restarts in it, makes a carrier hear more than floor and burst allow, in any window") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    runtime::SeededRandom chance(seed + 1);
    const auto pick = [&](std::uint64_t n) { return chance.next() % n; };
    const auto floor = std::chrono::milliseconds(200 + pick(12'000));
    const auto interval = floor + std::chrono::milliseconds(pick(10'000));
    const auto deadline = std::min<Duration>(std::chrono::milliseconds(100 + pick(4000)), interval);
    const int burst = static_cast<int>(pick(7));
    VirtualPath p(one_path(interval, floor, deadline, burst), seed);
    p.carrier = [&](Instant, std::uint64_t, int) -> Answer {
      constexpr int kSaid[] = {100, 200, 200, 404, 500, 503, 603};
      if (pick(3) == 0) return std::nullopt;
      return Reply{.status = kSaid[pick(7)], .after = std::chrono::milliseconds(pick(6000)), .retry_after = {}};
    };
    for (int i = 0; i < 60; ++i) {
      p.run(std::chrono::milliseconds(pick(30'000)));
      if (pick(4) == 0) p.carrier = [](Instant, std::uint64_t, int) { return std::nullopt; };
      if (pick(4) == 0) p.carrier = [&](Instant, std::uint64_t, int) { return Answer(Reply{.after = std::chrono::milliseconds(pick(2000))}); };
      p.broken = pick(10) == 0;
      if (pick(5) == 0) p.path().changed(p.now);
      if (pick(3) == 0) p.path().doubted(p.now);
      if (pick(4) == 0) p.restart(p.path().debt());
      if (pick(6) == 0)  // after a crash all is taken for spent
        p.restart({.floor_until = p.now + floor, .burst_full = p.now + burst * Duration(interval)});
    }
    int too_many = 0;
    for (std::size_t from = 0; from < p.starts.size(); ++from)
      for (std::size_t to = from; to < p.starts.size(); ++to) {
        const auto span = p.starts[to] - p.starts[from];
        const auto allowed = 1 + span / Duration(floor) + (burst == 0 ? 0 : burst + span / Duration(interval));
        if (static_cast<Duration::rep>(to - from + 1) > allowed) ++too_many;
      }
    CHECK(too_many == 0);
    CHECK(p.starts.size() > 10);
  }
}

TEST_CASE("path: a second silence soon after the first finds fewer tokens, and no more than came back") {
  VirtualPath p(one_path());
  p.carrier = until(kPathStart + 1s);
  p.run_until(p.now + 20s);
  p.carrier = until(model::kNever);
  p.run(20s);
  CHECK_FALSE(p.health.overdue());
  const auto before = p.path().counters().verify;
  CHECK(before == 4);
  p.carrier = until(p.now);
  p.run(25s);
  const auto used = p.path().counters().verify - before;
  CHECK(used >= 1);
  CHECK(used <= 4);
  const sip::Debt& debt = p.path().debt();
  CHECK(debt.burst_full > p.now);
  CHECK(debt.burst_full <= p.now + 60s);
}

TEST_CASE("path: what an OPTIONS has cost is told with its outcome, headers and retransmissions counted, and never twice") {
  VirtualPath p(one_path());
  p.carrier = [](Instant now, std::uint64_t, int packet) {  // the second packet is answered, after the deadline
    return now < kPathStart + 1s ? Answer(Reply{}) : packet == 1 ? Answer(Reply{.after = 4s}) : std::nullopt;
  };
  p.run(21s);
  const auto outcomes = told<model::SipOutcome>(p);
  constexpr std::uint32_t kPacket = 7 + 28, kAnswer = 300 + 28;  // "OPTIONS"; IPv4 and UDP
  REQUIRE(outcomes.size() >= 3);
  CHECK(outcomes[0].bytes_sent == kPacket);
  CHECK(outcomes[0].bytes_received == kAnswer);
  const auto timeout = std::ranges::find(outcomes, model::SipResult::Timeout, &model::SipOutcome::result);
  REQUIRE(timeout != outcomes.end());
  CHECK(timeout->bytes_sent == 3 * kPacket);  // at 0, 0.5 and 1.5 s; the deadline is 3 s
  CHECK(timeout->bytes_received == 0);
  const auto late = std::ranges::find(outcomes, true, &model::SipOutcome::late);
  REQUIRE(late != outcomes.end());
  CHECK(late->sequence == timeout->sequence);
  CHECK(late->bytes_sent == 0);
  CHECK(late->bytes_received == kAnswer);
}

namespace {

/// Asks who we are unless the OPTIONS has credentials.
VirtualPath::Carrier asks(VirtualPath& p, bool accepts, bool stale = false) {
  return [&p, accepts, stale](Instant, std::uint64_t sequence, int) {
    if (accepts && p.with_credentials[sequence - 1]) return Answer(Reply{});
    return Answer(Reply{.status = 401,
                        .challenge = sip::Challenge{.realm = "north", .nonce = "n", .opaque = {}, .algorithm = {}, .qop = true, .stale = stale}});
  };
}

void authenticate(VirtualPath& p) { p.path().authenticate({{.user = "4420", .password = "secret"}, runtime::SeededRandom(3)}); }

std::vector<model::SipAuthorisation> said(const VirtualPath& p) {
  std::vector<model::SipAuthorisation> out;
  for (const auto& o : told<model::SipOutcome>(p)) out.push_back(o.authorisation);
  return out;
}

}  // namespace

TEST_CASE("path: a challenge is answered once, by the same call with the next CSeq, and later OPTIONS have the credentials at once") {
  using enum model::SipAuthorisation;
  VirtualPath p(one_path());
  authenticate(p);
  p.carrier = asks(p, true);
  p.run(5s);
  REQUIRE(p.starts.size() == 2);
  CHECK(p.starts[1] - p.starts[0] < 100ms);
  CHECK(p.calls[1].call_id == p.calls[0].call_id);
  CHECK(p.calls[1].from_tag == p.calls[0].from_tag);
  CHECK(p.calls[1].cseq == p.calls[0].cseq + 1);
  CHECK(p.calls[1].branch != p.calls[0].branch);
  p.run(60s);
  const auto all = said(p);
  REQUIRE(all.size() >= 4);
  CHECK(all[0] == Challenged);
  for (std::size_t i = 1; i < all.size(); ++i) CHECK(all[i] == Accepted);
  CHECK(p.calls[2].call_id != p.calls[1].call_id);
  CHECK(p.health.verdict().health == model::Health::Up);
}

TEST_CASE("path: where no token is left the challenge is answered when the floor is over, and not sooner") {
  VirtualPath p(one_path(15s, 10s, 3s, 0));
  authenticate(p);
  p.carrier = asks(p, true);
  p.run(14s);
  REQUIRE(p.starts.size() == 2);
  CHECK(p.starts[1] - p.starts[0] >= 10s);
  CHECK(p.starts[1] - p.starts[0] <= 11s);
  CHECK(p.with_credentials[1]);
}

TEST_CASE("path: credentials that are refused are shown once, then not for ten minutes, and the carrier is not down for it") {
  using enum model::SipAuthorisation;
  VirtualPath p(one_path());
  authenticate(p);
  p.carrier = asks(p, false);
  p.run(9min);
  CHECK(std::ranges::count(p.with_credentials, true) == 1);
  const auto all = said(p);
  CHECK(std::ranges::count(all, Challenged) == 1);
  CHECK(std::ranges::count(all, Refused) == static_cast<std::ptrdiff_t>(all.size()) - 1);
  CHECK(p.downs.empty());
  p.run(2min);
  CHECK(std::ranges::count(p.with_credentials, true) == 2);
}

TEST_CASE("path: a nonce that is stale again and again is answered at the usual pace, one retry each, and refuses nobody") {
  using enum model::SipAuthorisation;
  VirtualPath p(one_path());
  authenticate(p);
  p.carrier = asks(p, false, true);
  p.run(3min);
  CHECK(std::ranges::count(said(p), Refused) == 0);
  CHECK(p.starts.size() <= 1 + 18 + 4 + 12);
}

TEST_CASE("path: without credentials a challenge is an answer like any other") {
  VirtualPath p(one_path());
  p.carrier = asks(p, true);
  p.run(1min);
  for (const auto a : said(p)) CHECK(a == model::SipAuthorisation::Unknown);
  CHECK(p.health.verdict().health == model::Health::Up);
}

TEST_CASE("path: circuits that share a carrier's pace never ask closer than it, whatever is suspected, restarted, crashed or reloaded") {
  constexpr Duration kGap = 5s;
  const auto settings = one_path(15s, 10s, 3s, 4).carriers[0];
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::minstd_rand chance(seed);
    const auto pick = [&](unsigned below) { return static_cast<unsigned>(chance() % below); };
    std::vector<Instant> starts;
    std::vector<sip::Debt> debts(3);
    std::vector<sip::OptionsPath> paths;
    runtime::SeededRandom random(seed);
    Instant now = kPathStart;
    const auto begin = [&] {
      auto pace = std::make_shared<sip::CarrierPace>(kGap);
      paths.clear();
      for (const auto& debt : debts) pace->owed(debt, settings);
      for (const auto& debt : debts) {
        paths.emplace_back(model::CarrierId{0}, settings, model::CircuitId{0}, runtime::SeededRandom(random.next()), debt);
        paths.back().share(pace);
        paths.back().begin(now, 0s);
      }
    };
    begin();
    for (const Instant end = now + 10min; now < end; now += 50ms) {
      for (std::size_t i = 0; i < paths.size(); ++i) {
        for (auto turn = paths[i].turn(now); turn.act != sip::OptionsPath::Act::Nothing; turn = paths[i].turn(now))
          if (turn.act == sip::OptionsPath::Act::Start) {
            starts.push_back(now);
            paths[i].started(turn.sequence, paths[i].next_ids(random, turn.sequence), "OPTIONS", now);
          }
        if (pick(400) == 0) paths[i].doubted(now);
        if (pick(400) == 0) paths[i].changed(now);
        debts[i] = paths[i].debt();
      }
      if (pick(600) == 0) begin();  // reload, or an orderly restart
      if (pick(900) == 0) {         // a crash: all is taken for spent
        for (auto& debt : debts) debt = {.floor_until = now + settings.floor, .burst_full = now + settings.verify_burst * settings.interval};
        begin();
      }
    }
    int too_close = 0;
    for (std::size_t i = 1; i < starts.size(); ++i) too_close += starts[i] - starts[i - 1] < kGap ? 1 : 0;
    CHECK(too_close == 0);
    CHECK(starts.size() > 50);
  }
}
