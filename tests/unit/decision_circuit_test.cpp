// One circuit and the silence, loss and recovery of its probes. Properties over thousands of random stories, and the bounds.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <random>

#include "controller/decision/circuit_health.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::CircuitHealth;
using model::Cause;
using model::Duration;
using model::Health;
using model::Instant;
using model::ProbeKind;

namespace {

constexpr model::CircuitId kFiber{0};

/// Each target in a network of its own: whichever one is odd, the other two can speak.
model::Site three_networks() {
  auto site = tests::two_by_two();
  site.targets[1].network = "three";
  return site;
}

/// A prober that does what the judge asks, and a network that answers as the test says.
class Line {
 public:
  explicit Line(unsigned seed = 1, model::Site s = three_networks()) : site(std::move(s)), random(seed), health(site, kFiber, kBegin) {
    next_scheduled_ = kBegin + span(site.probing.interval);
    health.on(model::LinkState{.circuit = kFiber,
                               .present = true,
                               .admin_up = true,
                               .carrier = true,
                               .ifindex = 2,
                               .address = model::IpAddress::parse("192.0.2.77"),
                               .gateway = model::IpAddress::parse("192.0.2.76")},
              now);
    health.set_role({.in_use = true}, now);
  }
  /// After how long this probe is answered; nothing: never.
  std::function<std::optional<Duration>(Instant sent, std::size_t target, ProbeKind kind)> answer = [](auto...) { return 20ms; };

  void run(Duration time) { run_until(now + time); }
  void run_until(Instant end) {
    while (true) {
      Instant next = std::min({next_scheduled_, next_extra_, health.next_wakeup()});
      if (!replies_.empty()) next = std::min(next, replies_.begin()->first);
      if (next > end) break;
      now = std::max(now, next);
      if (!replies_.empty() && replies_.begin()->first <= now) {
        const auto reply = replies_.begin()->second;
        replies_.erase(replies_.begin());
        newest_answered[reply.target.index()] = std::max(newest_answered[reply.target.index()], now - reply.rtt);
        health.on(reply, now);
      } else if (next_scheduled_ <= now) {
        next_scheduled_ = now + jittered(health.plan().interval);
        send(turn_++ % 3, ProbeKind::Scheduled);
      } else if (next_extra_ <= now) {
        extra();
      }
      judge();
    }
    now = std::max(now, end);
  }
  void judge() {
    const auto change = health.judge(now);
    while (const auto standing = health.next_standing()) standings.push_back(*standing);
    if (change.plan) {
      const bool running = next_extra_ != model::kNever;
      next_extra_ = !health.plan().extra ? model::kNever : running ? next_extra_ : now;
      next_scheduled_ = std::min(next_scheduled_, now + health.plan().interval);
    }
    if (change.suspect && health.suspect()) suspected.push_back(now);
    if (change.health && health.verdict().health == Health::Down) {
      died.push_back(now);
      answered_since_death = 0;
      for (const auto& at : newest_answered) answered_since_death += at >= health.first_bad() ? 1 : 0;
    }
    if (change.health && health.verdict().health == Health::Degraded) degraded.push_back(now);
  }
  [[nodiscard]] model::Detectors detectors() const { return health.status(now).detectors; }
  [[nodiscard]] std::uint64_t last_sequence() const { return sequence_; }

  static constexpr Instant kBegin{1000s};
  model::Site site;
  std::mt19937 random;
  CircuitHealth health;
  Instant now = kBegin;
  std::vector<Instant> died, suspected, degraded;
  std::vector<decision::TargetStanding::Change> standings;
  std::array<Instant, 3> newest_answered{};           // by target: when the newest of its answered probes left
  int answered_since_death = 0;                       // targets that answered something sent since the silence began, when it was called death
  std::map<std::size_t, std::vector<Instant>> quick;  // by target

 private:
  Duration span(Duration most) {
    return Duration(static_cast<Duration::rep>(std::uniform_real_distribution<>(0, 1)(random) * static_cast<double>(most.count())));
  }
  Duration jittered(Duration gap) { return gap * 9 / 10 + span(gap / 5); }
  void send(std::size_t target, ProbeKind kind) {
    const model::TargetId id = model::id_at<model::TargetId>(target);
    health.on(model::ProbeSent{kFiber, id, ++sequence_, now, kind});
    if (kind != ProbeKind::Scheduled) quick[target].push_back(now);
    if (const auto after = answer(now, target, kind)) replies_.emplace(now + *after, model::ProbeReply{kFiber, id, sequence_, *after});
  }
  void extra() {
    next_extra_ = now + health.plan().extra.value_or(1h);
    do ++extra_turn_;
    while ((health.plan().among >> (extra_turn_ % 3) & 1) == 0);
    send(extra_turn_ % 3, health.plan().kind);
  }

  std::multimap<Instant, model::ProbeReply> replies_;
  Instant next_scheduled_{}, next_extra_ = model::kNever;
  std::uint64_t sequence_ = 0;
  std::size_t turn_ = 0, extra_turn_ = 0;
};

}  // namespace

TEST_CASE("circuit: on a clean line everything lost from t on means suspect and then down, in time, at any phase (500 lines)") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    Line line(seed);
    line.run(20s + 1ms * (seed % 200));
    const Instant fault = line.now;
    line.answer = [](auto...) { return std::nullopt; };
    line.run(3s);
    CAPTURE(seed);
    REQUIRE(line.died.size() == 1);
    REQUIRE(line.suspected.size() == 1);
    const Duration timeout = 80ms;
    CHECK(line.suspected[0] - fault <= 220ms + 300ms + 2 * timeout);
    CHECK(line.died[0] - fault <= 220ms + 650ms + 2 * timeout);
    CHECK(line.died[0] - fault >= 650ms);
    CHECK(line.health.first_bad() >= fault);
    CHECK(line.health.verdict().cause == Cause::Silent);
  }
}

TEST_CASE("circuit: half of the lines are called dead within 0.9 s, and new calls are led around within 0.7 s nearly always (design budgets)") {
  std::vector<Duration> dead, suspect;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    Line line(seed);
    line.run(10s + 1ms * (seed * 7 % 200));
    const Instant fault = line.now;
    line.answer = [](auto...) { return std::nullopt; };
    line.run(2s);
    dead.push_back(line.died.at(0) - fault);
    suspect.push_back(line.suspected.at(0) - fault);
  }
  std::ranges::sort(dead);
  std::ranges::sort(suspect);
  CHECK(dead[200] < 900ms);
  CHECK(dead[396] < 1000ms);
  CHECK(suspect[396] <= 700ms);
}

TEST_CASE("circuit: one that has not answered yet has the time that its neighbour's discovery takes; one that was measured until now has not") {
  const auto fate = [](std::optional<Duration> age, Duration silent) {
    Line line(5);
    if (age) {
      Line before(5);
      before.run(30s);
      REQUIRE(line.health.recall(before.health.memory(), *age));
    }
    line.answer = [](auto...) { return std::nullopt; };
    line.run(silent);
    return line.health.verdict().health;
  };
  // The first probe leaves within the first interval.
  CHECK(fate(std::nullopt, 3400ms) == Health::Unknown);
  CHECK(fate(std::nullopt, 3800ms) == Health::Down);
  CHECK(fate(90s + 1ns, 3400ms) == Health::Unknown);
  CHECK(fate(90s, 3400ms) == Health::Down);
  CHECK(fate(Duration::zero(), 2400ms) == Health::Down);
}

TEST_CASE(
    "circuit: a new one whose first answers come after two seconds, all together and one after the other, is up with them, and was never down") {
  Line line(6);
  // They have waited in the neighbour's queue: the last one is the first to have left it.
  const Instant found = line.now + 2s;
  line.answer = [&](Instant sent, std::size_t, ProbeKind) -> std::optional<Duration> { return sent < found ? found - sent : 20ms; };
  line.run(2s + 1ns);
  line.answer = [](auto...) { return 20ms; };
  line.run(2s);
  CHECK(line.died.empty());
  CHECK(line.health.verdict().health == Health::Up);
  // From then on it is one like any other.
  const Instant fault = line.now;
  line.answer = [](auto...) { return std::nullopt; };
  line.run(2500ms);
  REQUIRE(line.died.size() == 1);
  CHECK(line.died[0] - fault <= 220ms + 650ms + 2 * 80ms);  // what its neighbour took is not learned of it
}

TEST_CASE("circuit: silence one nanosecond short of what means death is not death") {
  // Answers stop, and all that was not answered is answered together just before, or just after, it would be called dead.
  for (const bool in_time : {true, false}) {
    Line line(3);
    line.run(20s);
    const Instant fault = line.now;
    line.answer = [](auto...) { return std::nullopt; };
    line.run(400ms);
    const auto detectors = line.detectors();
    REQUIRE(detectors.silent > 0s);
    const Instant overdue = line.now - detectors.silent;
    const Instant deadly = overdue + detectors.dead_after;
    line.run_until(deadly - 1ns);
    CHECK(line.died.empty());
    if (in_time) {
      for (std::uint64_t s = line.last_sequence(); s > line.last_sequence() - 9; --s)
        for (std::uint16_t t = 0; t < 3; ++t) line.health.on(model::ProbeReply{kFiber, model::TargetId{t}, s, 300ms}, line.now);
      line.answer = [](auto...) { return 20ms; };
      line.judge();
    }
    line.run_until(deadly + 1ms);
    CHECK(line.died.empty() == in_time);
    CHECK(fault < deadly);
  }
}

TEST_CASE("circuit: no death while two targets have answered what was sent since the silence began, however late (500 random stories)") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    Line line(seed);
    std::mt19937 chance(seed);
    const bool late = seed % 2 == 0;
    // Any loss up to half, in bursts of less than half a second, answers up to 600 ms late.
    const double p = 0.5 * static_cast<double>(chance() % 1000) / 1000;
    line.answer = [&chance, p, late](Instant sent, std::size_t, ProbeKind) -> std::optional<Duration> {
      const bool burst = sent.time_since_epoch() % 2s < 400ms;
      if (burst || static_cast<double>(chance() % 1000) < p * 1000) return std::nullopt;
      return late ? Duration(1ms * (20 + chance() % 580)) : Duration(20ms);
    };
    CAPTURE(seed);
    for (int i = 0; i < 600; ++i) {
      line.run(100ms);
      if (line.died.empty()) continue;
      line.died.clear();
      CHECK(line.answered_since_death <= 1);
    }
  }
}

TEST_CASE("circuit: nothing that one target does makes it suspect, degraded or dead, or hides its death (300 random stories)") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Line line(seed);
    const std::size_t odd = seed % 3;
    std::mt19937 chance(seed);
    const unsigned mood = seed % 5;
    bool dead = false;
    line.answer = [&](Instant, std::size_t target, ProbeKind kind) -> std::optional<Duration> {
      if (target != odd) return dead ? std::nullopt : std::optional<Duration>(20ms);
      switch (mood) {
        case 0: return std::nullopt;
        case 1: return 20ms;
        case 2: return chance() % 2 == 0 ? std::optional<Duration>(20ms) : std::nullopt;
        case 3: return kind == ProbeKind::Scheduled ? std::optional<Duration>(20ms) : std::nullopt;
        default: return 1ms * (20 + chance() % 900);
      }
    };
    line.run(180s);
    CAPTURE(seed);
    CAPTURE(mood);
    CHECK(line.died.empty());
    CHECK(line.suspected.empty());
    CHECK(line.degraded.empty());
    dead = true;
    const Instant fault = line.now;
    line.run(4s);
    REQUIRE(line.died.size() == 1);
    CHECK(line.died[0] - fault < 2s);
  }
}

TEST_CASE("circuit: one target that answers while all others are silent makes no circuit up that nothing was known of (I5, 200 lines)") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Line line(seed);
    const std::size_t speaks = seed % 3;
    line.answer = [&](Instant, std::size_t target, ProbeKind) { return target == speaks ? std::optional<Duration>(20ms) : std::nullopt; };
    for (int tenths = 0; tenths < 60; ++tenths) {
      line.run(100ms);
      CHECK(line.health.verdict().health != Health::Up);
    }
    CHECK(line.health.verdict().health == Health::Down);
  }
}

TEST_CASE("circuit: on the word of one target it is up where there is no other, or where the silence of the others is no death") {
  auto alone = three_networks();
  alone.circuits[0].targets.resize(1);
  Line line(1, std::move(alone));
  line.run(2s);
  CHECK(line.health.verdict().health == Health::Up);
  Line two_of_one_network(1, [] {
    auto site = three_networks();
    for (auto& target : site.targets) target.network = "one";
    return site;
  }());
  two_of_one_network.answer = [](Instant, std::size_t target, ProbeKind) { return target == 1 ? std::optional<Duration>(20ms) : std::nullopt; };
  two_of_one_network.run(3s);
  CHECK(two_of_one_network.health.verdict().health == Health::Unknown);
  two_of_one_network.run(3s);
  CHECK(two_of_one_network.health.verdict().health == Health::Up);
}

TEST_CASE("circuit: one target dead costs a black hole no more than a quarter of a second") {
  std::vector<Duration> with, without;
  for (unsigned seed = 1; seed <= 200; ++seed)
    for (const bool one_dead : {true, false}) {
      Line line(seed);
      bool dead = false;
      line.answer = [&](Instant, std::size_t target, ProbeKind) {
        return dead || (one_dead && target == 1) ? std::nullopt : std::optional<Duration>(20ms);
      };
      line.run(30s + 1ms * (seed * 13 % 200));
      dead = true;
      const Instant fault = line.now;
      line.run(3s);
      (one_dead ? with : without).push_back(line.died.at(0) - fault);
    }
  std::ranges::sort(with);
  std::ranges::sort(without);
  CHECK(with[197] - without[197] <= 250ms);
}

TEST_CASE("circuit: replies that arrive together may arrive in any order (200 random orders)") {
  const auto story = [](unsigned order) {
    Line line(5);
    line.run(20s);
    line.answer = [](auto...) { return std::nullopt; };
    line.run(500ms);
    std::vector<std::pair<std::uint64_t, std::uint16_t>> replies;
    for (std::uint64_t s = line.last_sequence(); s > line.last_sequence() - 12; --s)
      for (std::uint16_t t = 0; t < 3; ++t) replies.emplace_back(s, t);  // two of three are for the wrong target: inert
    std::mt19937 random(order);
    std::ranges::shuffle(replies, random);
    for (const auto& [s, t] : replies) line.health.on(model::ProbeReply{kFiber, model::TargetId{t}, s, 400ms}, line.now);
    line.judge();
    line.answer = [](auto...) { return 20ms; };
    line.run(10s);
    const auto status = line.health.status(line.now);
    return std::tuple(status.verdict.health, status.suspect, status.detectors.dead_after, status.detectors.lossy, status.figures.loss_ratio,
                      line.died, line.suspected);
  };
  const auto first = story(0);
  for (unsigned order = 1; order < 200; ++order) CHECK(story(order) == first);
}

TEST_CASE("circuit: duplicates, strangers and answers of the wrong target are inert") {
  Line plain(9), noisy(9);
  for (int i = 0; i < 100; ++i) {
    plain.run(100ms);
    noisy.run(100ms);
    for (std::uint64_t s = 0; s <= noisy.last_sequence() + 3; s += 1 + noisy.last_sequence() / 20)
      if (s > noisy.last_sequence()) noisy.health.on(model::ProbeReply{kFiber, model::TargetId{0}, s, 1ms}, noisy.now);
    noisy.health.on(model::ProbeReply{kFiber, model::TargetId{7}, noisy.last_sequence(), 1ms}, noisy.now);
    noisy.judge();
  }
  CHECK(plain.health.status(plain.now).figures.samples == noisy.health.status(noisy.now).figures.samples);
  CHECK(plain.health.status(plain.now).figures.rtt == noisy.health.status(noisy.now).figures.rtt);
}

TEST_CASE("circuit: our own loop standing still is no silence of the circuit, however long (I7)") {
  for (const Duration stall : {Duration(300ms), Duration(3s), Duration(60s), Duration(3600s)}) {
    Line line(4);
    line.run(20s);
    const Instant from = line.now;
    line.now += stall;
    line.health.on(model::LoopStall{.from = from, .to = line.now});
    line.judge();
    line.run(10s);
    CHECK(line.died.empty());
    CHECK(line.suspected.empty());
    CHECK(line.health.verdict().health == Health::Up);
  }
}

TEST_CASE("circuit: probes that we could not send are no silence, and some of them do not hide one (I7)") {
  Line line(6);
  line.run(20s);
  for (int i = 0; i < 100; ++i) {
    line.health.on(model::ProbeLocalError{kFiber, model::TargetId{0}, 105}, line.now);
    line.run(20ms);
  }
  CHECK(line.died.empty());
  line.answer = [](auto...) { return std::nullopt; };
  line.health.on(model::ProbeLocalError{kFiber, model::TargetId{0}, 105}, line.now);
  line.run(2s);
  CHECK(line.died.size() == 1);
}

TEST_CASE("circuit: a silence in which many probes could not be sent is one again soon after they can be (I7)") {
  Line line(6);
  line.run(20s);
  line.answer = [](auto...) { return std::nullopt; };
  for (int i = 0; i < 75; ++i) {  // among the quick probes of the silence
    line.health.on(model::ProbeLocalError{kFiber, model::TargetId{0}, 105}, line.now);
    line.run(20ms);
  }
  CHECK(line.suspected.empty());
  CHECK(line.died.empty());
  const Instant last = line.now - 20ms;
  line.run(3s);
  REQUIRE(line.suspected.size() == 1);
  REQUIRE(line.died.size() == 1);
  const Duration unhindered = line.died.front() - last;
  CHECK(unhindered >= line.site.circuit_health.dead_after_min);
  CHECK(unhindered <= line.site.circuit_health.dead_after_min + line.site.probing.timeout_min + 120ms);
}

TEST_CASE("circuit: quick probes never exceed what one target may be asked (200 random lines)") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    Line line(seed);
    std::mt19937 chance(seed);
    const unsigned p = seed % 60;
    line.answer = [&](auto...) -> std::optional<Duration> { return chance() % 100 < p ? std::nullopt : std::optional<Duration>(20ms); };
    line.run(300s);
    const auto capacity = static_cast<std::size_t>(line.site.probing.verify_budget);
    for (const auto& [target, times] : line.quick) {
      std::size_t first = 0;
      for (std::size_t last = 0; last < times.size(); ++last) {
        while (times[last] - times[first] > 60s) ++first;
        REQUIRE(last - first + 1 <= capacity + capacity / 5 + 1);
        // Nor faster than twenty a second for long.
        if (last >= 60) REQUIRE(times[last] - times[last - 60] > 2900ms);
      }
    }
  }
}

TEST_CASE("circuit: a line with bursts teaches how long its silences are, and is then not called dead for them") {
  Line line(12);
  std::mt19937 chance(12);
  std::exponential_distribution<> bad(1 / 0.35), good(1 / 20.0);
  Instant turns = line.now;
  bool in_burst = false;
  line.answer = [&](Instant sent, std::size_t, ProbeKind) -> std::optional<Duration> {
    while (turns <= sent) {
      in_burst = !in_burst;
      turns += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(in_burst ? bad(chance) : good(chance)));
    }
    return in_burst ? std::nullopt : std::optional<Duration>(20ms);
  };
  line.run(1h);
  const auto learned = line.detectors().dead_after;
  CHECK(learned > 2s);
  CHECK(learned <= 6s);
  const auto before = line.died.size();
  line.run(24h);
  CHECK(line.died.size() - before <= 2);
  // And what it learned survives.
  Line again(13);
  CHECK(again.detectors().dead_after == 650ms);
  REQUIRE(again.health.recall(line.health.memory(), 1h));
  CHECK(again.detectors().dead_after > 2s);
  CHECK_FALSE(again.health.recall("nonsense", 0s));
}

TEST_CASE("circuit: thirty in a hundred lost is a brownout, and two in a hundred are not") {
  for (const unsigned percent : {2U, 30U}) {
    Line line(20 + percent);
    line.run(60s);
    std::mt19937 chance(percent);
    line.answer = [&](auto...) -> std::optional<Duration> { return chance() % 100 < percent ? std::nullopt : std::optional<Duration>(20ms); };
    line.run(120s);
    CHECK(line.died.empty());
    CHECK(line.degraded.size() == (percent == 30 ? 1 : 0));
    if (percent == 2) continue;
    CHECK((line.health.verdict().cause == Cause::Lossy || line.health.verdict().cause == Cause::Bursty));
    CHECK_FALSE(line.health.proven_well());
    line.answer = [](auto...) { return 20ms; };
    line.run(30s);
    CHECK(line.health.verdict().health == Health::Degraded);  // 168 clean probes are wanted
    line.run(15s);
    CHECK(line.health.verdict().health == Health::Up);
    CHECK(line.health.proven_well());
  }
}

TEST_CASE("circuit: back from death its figures are those of the line that came back") {
  Line line(25);
  line.run(60s);
  line.answer = [](auto...) { return std::nullopt; };
  line.run(60s);
  CHECK(line.health.figures(line.now).loss_ratio == 1);
  line.answer = [](auto...) { return 20ms; };
  line.run(5s);
  REQUIRE(line.health.verdict().health == Health::Up);
  CHECK(line.health.figures(line.now).loss_ratio == 0);
  CHECK(line.health.figures(line.now).mos.has_value());
}

TEST_CASE("circuit: a shortest round trip that grows by 200 ms is a brownout within 21 s, one that grows by 40 ms is not") {
  for (const Duration more : {40ms, 200ms}) {
    Line line(30);
    line.run(300s);
    const Instant fault = line.now;
    line.answer = [more](auto...) { return 20ms + more; };
    line.run(60s);
    REQUIRE(line.degraded.size() == (more == Duration(200ms) ? 1 : 0));
    if (!line.degraded.empty()) {
      CHECK(line.degraded[0] - fault < 21s);
      CHECK(line.health.verdict().cause == Cause::Delayed);
    }
    CHECK(line.died.empty());
  }
}

TEST_CASE("circuit: a new one whose waiting answers come target by target, a moment apart, is not called down between them (100 lines)") {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Line line(seed);
    // They have waited in the neighbour's queue of each target's own router.
    const Instant found = line.now + 700ms + seed * 20ms;
    line.answer = [&](Instant sent, std::size_t target, ProbeKind) -> std::optional<Duration> {
      const Instant own = found + static_cast<int>(target) * 30ms;
      return sent < own ? own - sent : 20ms;
    };
    line.run(8s);
    CHECK(line.died.empty());
    CHECK(line.health.verdict().health == Health::Up);
  }
}

TEST_CASE("circuit: when the shortest round trip of late is known to have grown, the figures that classes go by have grown as much") {
  Line line(30);
  line.answer = [](auto...) { return 100us; };
  line.run(300s);
  const Instant fault = line.now;
  line.answer = [](auto...) { return 200ms + 100us; };  // a tenth of a millisecond beyond what a class of calls bears
  while (line.degraded.empty() && line.now - fault < 30s) line.run(10ms);
  REQUIRE(line.degraded.size() == 1);
  CHECK(*line.health.figures(line.now).rtt > 200ms);
}

TEST_CASE("circuit: called dead for answers that were only very late, it is up again as soon as they come") {
  Line line(40);
  line.run(30s);
  const Instant fault = line.now;
  line.answer = [](auto...) { return 1100ms; };
  line.run(3s);
  REQUIRE(line.died.size() == 1);
  CHECK(line.died[0] - fault < 1100ms);
  CHECK(line.health.verdict().health == Health::Up);
  CHECK(line.detectors().learned_over > 0s);
}

TEST_CASE("circuit: a circuit that nothing goes by is probed less, one that is to be trusted again as one in use, a metered one least") {
  Line line(50);
  line.run(10s);
  CHECK(line.health.plan().interval == 200ms);
  line.health.set_role({}, line.now);
  line.judge();
  CHECK(line.health.plan().interval == 500ms);
  line.answer = [](auto...) { return std::nullopt; };
  line.run(10s);
  REQUIRE(line.health.verdict().health == Health::Down);
  CHECK(line.health.plan().interval == 200ms);
  CHECK_FALSE(line.health.plan().extra.has_value());  // a dead circuit is not hammered
  auto site = three_networks();
  site.circuits[0].metered = true;
  Line metered(51, site);
  metered.run(10s);
  CHECK(metered.health.plan().interval == 1s);
  metered.health.set_role({}, metered.now);
  metered.judge();
  CHECK(metered.health.plan().interval == 5s);
  metered.run(120s);
  CHECK(metered.health.verdict().health == Health::Up);  // not stale between two probes
  const Instant fault = metered.now;
  metered.answer = [](auto...) { return std::nullopt; };
  metered.run(12s);
  REQUIRE(metered.died.size() == 1);
  CHECK(metered.died[0] - fault < 7s);  // it waits for its next probe, no longer: quick ones follow
}

TEST_CASE("circuit: a change of role gives no more time to bring evidence than the slower pace had left, and no less than the quicker one needs") {
  auto site = three_networks();
  site.circuits[0].metered = true;
  const Duration slow = std::max(site.circuit_health.stale_after, 3 * site.probing.metered_standby_interval);
  const Duration quick = std::max(site.circuit_health.stale_after, 3 * site.probing.metered_interval);
  REQUIRE(quick < slow);
  for (const Duration changed : {slow - quick - 1s, slow - 1s}) {  // so long after the last answer it is put in use, and nothing can be sent
    Line line(5, site);
    line.health.set_role({.in_use = false}, line.now);
    line.run(2min);
    const Instant last = *std::ranges::max_element(line.newest_answered) + 20ms;
    const Instant until = last + std::min(slow, changed + quick);
    line.health.judge(last + changed);
    REQUIRE(line.health.verdict().health == Health::Up);
    line.health.set_role({.in_use = true}, last + changed);
    line.health.judge(last + changed);
    CHECK(line.health.verdict().health == Health::Up);
    line.health.judge(until);
    CHECK(line.health.verdict().health == Health::Up);
    line.health.judge(until + 1ns);
    CHECK(line.health.verdict().health == Health::Unknown);
  }
}
