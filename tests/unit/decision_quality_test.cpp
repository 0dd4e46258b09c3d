#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "controller/decision/circuit_health.hpp"
#include "controller/decision/quality.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::burst_ratio;
using decision::Codec;
using decision::delay_impairment;
using decision::LineFigures;
using decision::loss_impairment;
using decision::mean_opinion_score;
using decision::mouth_to_ear;
using decision::voice_quality;
using doctest::Approx;
using model::Duration;
using model::Instant;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
Approx about(double value, double within) { return Approx(value).epsilon(within / value); }

/// One circuit and its three targets, probed every 200 ms; "." is answered after 20 ms, "x" never, "?" has not been decided yet.
struct Probed {
  model::Site site = tests::two_by_two();
  decision::CircuitHealth health{site, model::CircuitId{0}, Instant{}};
  std::uint64_t sequence = 0;
  Instant now{};

  explicit Probed(std::string_view fates = "") {
    health.on(model::LinkState{.present = true,
                               .admin_up = true,
                               .carrier = true,
                               .ifindex = 2,
                               .address = model::IpAddress::parse("192.0.2.77"),
                               .gateway = model::IpAddress::parse("192.0.2.76")},
              now);
    probe(fates);
  }
  void probe(std::string_view fates) {
    for (const char fate : fates) {
      const model::TargetId target = model::id_at<model::TargetId>(sequence % site.targets.size());
      health.on(model::ProbeSent{.target = target, .sequence = ++sequence, .sent = now});
      if (fate == '.') health.on(model::ProbeReply{.target = target, .sequence = sequence, .rtt = 20ms}, now + 20ms);
      now += 200ms;
      if (fate != '?') health.judge(now + 2s);
    }
  }
  [[nodiscard]] model::Figures figures() const { return health.status(model::Instant{}).figures; }
};

}  // namespace

TEST_CASE("quality: delay costs nothing up to 100 ms, then what G.107 says") {
  CHECK(delay_impairment(-1s) == 0);
  CHECK(delay_impairment(0ms) == 0);
  CHECK(delay_impairment(100ms) == 0);
  CHECK(delay_impairment(101ms) >= 0);
  CHECK(delay_impairment(101ms) < 0.001);
  CHECK(delay_impairment(150ms) == about(0.2, 0.05));
  CHECK(delay_impairment(200ms) == about(3.0, 0.05));
  CHECK(delay_impairment(300ms) == about(14.8, 0.05));
  CHECK(delay_impairment(400ms) == about(24.1, 0.05));
  CHECK(delay_impairment(Duration::max()) < 50);
}

TEST_CASE("quality: 4.1 % of loss leaves G.711 with concealment at R 80, .5 % does G.729A") {
  CHECK(voice_quality(LineFigures{.loss_ratio = 0.041}).r_factor == about(80, 0.2));
  CHECK(voice_quality(LineFigures{.loss_ratio = 0.005}, Codec::G729A).r_factor == about(80, 0.2));
  CHECK(loss_impairment(0, 1, Codec::G711) == 0);
  CHECK(loss_impairment(0, 1, Codec::G729A) == 11);
  CHECK(loss_impairment(0.251, 1, Codec::G711) == Approx(47.5));  // at Bpl percent half of the range is gone
  CHECK(loss_impairment(0.19, 1, Codec::G729A) == Approx(11 + 42));
}

TEST_CASE("quality: without concealment .7 % of loss is what 4.1 % is with it; Opus stands between") {
  CHECK(voice_quality(LineFigures{.loss_ratio = 0.007}, Codec::G711NoPlc).r_factor == about(80, 0.3));
  CHECK(loss_impairment(0.043, 1, Codec::G711NoPlc) == Approx(47.5));
  CHECK(loss_impairment(0.20, 1, Codec::Opus) == Approx(47.5));
  CHECK(mouth_to_ear({.one_way = 30ms}, Codec::Opus) == 97ms);
  for (const double loss : {0.0, 0.01, 0.1}) {
    CHECK(voice_quality(LineFigures{.loss_ratio = loss}, Codec::Opus).r_factor <=
          voice_quality(LineFigures{.loss_ratio = loss}, Codec::G711).r_factor);
    CHECK(voice_quality(LineFigures{.loss_ratio = loss}, Codec::Opus).r_factor >=
          voice_quality(LineFigures{.loss_ratio = loss}, Codec::G711NoPlc).r_factor);
    CHECK(voice_quality(LineFigures{.loss_ratio = loss}, Codec::None).r_factor ==
          voice_quality(LineFigures{.loss_ratio = loss}, Codec::G711).r_factor);
  }
}

TEST_CASE("quality: of figures, half of the round trip goes each way; of a line that answers nothing there is none") {
  model::Figures figures{.rtt = 80ms, .jitter = 12ms, .loss_ratio = 0.05, .samples = 50, .burst_ratio = 1.5};
  const auto expected = voice_quality(LineFigures{.loss_ratio = 0.05, .burst_ratio = 1.5, .one_way = 40ms, .jitter = 12ms}, Codec::G729A);
  REQUIRE(voice_quality(figures, Codec::G729A));
  CHECK(voice_quality(figures, Codec::G729A)->r_factor == expected.r_factor);
  CHECK(voice_quality(figures, Codec::G729A)->mos == expected.mos);
  model::Figures silent = figures, unknown = figures, fresh = figures;
  silent.loss_ratio = 1;
  unknown.rtt = std::nullopt;
  fresh.samples = 0;
  for (const auto& none : {silent, unknown, fresh}) CHECK_FALSE(voice_quality(none, Codec::G711));
}

TEST_CASE("quality: a line is beyond its limits above what enters, and within again at what leaves") {
  using decision::beyond;
  const model::QualityLimits limits{};  // loss 5 and 2 %, round trip 200 and 150 ms, R 70 and 80
  const auto with = [](double loss, Duration rtt) { return model::Figures{.rtt = rtt, .loss_ratio = loss, .samples = 100'000'000}; };
  std::string which = "old";
  CHECK_FALSE(decision::beyond(false, with(0.05, 20ms), limits, Codec::None, &which));
  CHECK(which.empty());
  CHECK(decision::beyond(false, with(0.0501, 20ms), limits, Codec::None, &which));
  CHECK(which == "loss 5.0 % above 5.0 %");
  CHECK(decision::beyond(true, with(0.0201, 20ms), limits, Codec::None, &which));
  CHECK(which == "loss 2.0 % above 2.0 %");
  CHECK_FALSE(decision::beyond(true, with(0.02, 20ms), limits, Codec::None));

  CHECK_FALSE(decision::beyond(false, with(0, 200ms), limits, Codec::None));
  CHECK(decision::beyond(false, with(0, 201ms), limits, Codec::None, &which));
  CHECK(which == "round trip 201 ms above 200 ms");
  CHECK(decision::beyond(true, with(0, 151ms), limits, Codec::None));
  CHECK_FALSE(decision::beyond(true, with(0, 150ms), limits, Codec::None));
  CHECK(decision::beyond(true, with(0.03, 20ms), limits, Codec::None));      // one within, the other not
  CHECK(decision::beyond(false, with(1, Duration{}), limits, Codec::G711));  // no round trip is needed to see that all is lost
}

TEST_CASE("quality: loss counts as far as it is certain: chance alone takes nobody over a limit") {
  const model::QualityLimits limits;  // enters above 5 %
  const auto of = [](double loss, int samples, double burst = 1) {
    return model::Figures{.rtt = Duration(20ms), .loss_ratio = loss, .samples = samples, .burst_ratio = burst};
  };
  CHECK(decision::certain_loss(of(0, 200), 3.1) == 0);
  CHECK(decision::certain_loss(of(0.05, 0), 3.1) == 0);
  CHECK(decision::certain_loss(of(0.1, 200), 3.1) == about(0.1 - 3.1 * 0.0212, 0.0005));
  CHECK_FALSE(decision::beyond(false, of(0.09, 200), limits, Codec::None));
  CHECK_FALSE(decision::beyond(false, of(0.12, 200), limits, Codec::None));
  CHECK(decision::beyond(false, of(0.13, 200), limits, Codec::None));
  CHECK_FALSE(decision::beyond(false, of(0.13, 200, 2), limits, Codec::None));  // in bursts: as good as half as many probes
  CHECK(decision::beyond(false, of(0.3, 50), limits, Codec::None));
  auto over = of(0.3, 200);
  over.recent_loss = 0.04;  // it was so, and is not any more
  CHECK_FALSE(decision::beyond(false, over, limits, Codec::None));
  over.recent_loss = 0.3;
  CHECK(decision::beyond(false, over, limits, Codec::None));
  CHECK(decision::beyond(true, of(0.03, 200), limits, Codec::None));  // to leave, what is seen counts
}

TEST_CASE("quality: a way out is refused for loss that chance does not explain, for its round trip, and for what nothing is known of") {
  const model::QualityLimits limits;  // within at 2 % and 150 ms, R 80
  const auto of = [](int lost, int samples, Duration rtt = 20ms) {
    return model::Figures{.rtt = rtt, .loss_ratio = static_cast<double>(lost) / samples, .samples = samples};
  };
  CHECK_FALSE(decision::surely_beyond(of(1, 45), limits, Codec::G711));  // 2.2 %
  CHECK_FALSE(decision::surely_beyond(of(13, 200), limits, Codec::None));
  CHECK(decision::surely_beyond(of(14, 200), limits, Codec::None));
  CHECK_FALSE(decision::surely_beyond(of(0, 200, 150ms), limits, Codec::None));
  CHECK(decision::surely_beyond(of(0, 200, 151ms), limits, Codec::None));
  CHECK(decision::surely_beyond({}, limits, Codec::None));
  auto over = of(60, 200);
  over.recent_loss = 0.02;
  CHECK_FALSE(decision::surely_beyond(over, limits, Codec::G711));
  over.recent_loss = 0.04;
  CHECK(decision::surely_beyond(over, limits, Codec::G711));
}

TEST_CASE("quality: R counts for a class with a codec, by that codec, and no figures change nothing") {
  using decision::beyond;
  const model::QualityLimits limits{.loss_enter = 1, .loss_exit = 1, .rtt_enter = 10s, .rtt_exit = 10s};
  model::Figures figures{.rtt = 20ms, .loss_ratio = 0.03, .samples = 100'000'000};
  std::string which;
  CHECK(voice_quality(figures, Codec::G711)->r_factor > 80);
  CHECK(voice_quality(figures, Codec::G711NoPlc)->r_factor < 70);
  CHECK_FALSE(decision::beyond(false, figures, limits, Codec::G711));
  CHECK_FALSE(decision::beyond(true, figures, limits, Codec::G711));
  CHECK_FALSE(decision::beyond(true, figures, limits, Codec::None));
  CHECK(decision::beyond(false, figures, limits, Codec::G711NoPlc, &which));
  CHECK(which.starts_with("R "));
  CHECK(which.ends_with(" below 70.0"));
  CHECK_FALSE(decision::beyond(false, figures, limits, Codec::G729A));  // 70.2: between the limits, so it stays what it was
  CHECK(decision::beyond(true, figures, limits, Codec::G729A, &which));
  CHECK(which.ends_with(" below 80.0"));
  figures.samples = 0;
  CHECK_FALSE(decision::beyond(false, figures, limits, Codec::G711NoPlc));
  CHECK(decision::beyond(true, figures, limits, Codec::G711NoPlc));
}

TEST_CASE("quality: the scores of R that G.107 prints, and its two ends") {
  CHECK(mean_opinion_score(90) == about(4.34, 0.005));
  CHECK(mean_opinion_score(80) == about(4.03, 0.006));  // 4.024, printed as 4.03
  CHECK(mean_opinion_score(70) == about(3.60, 0.005));
  CHECK(mean_opinion_score(60) == about(3.10, 0.005));
  CHECK(mean_opinion_score(50) == about(2.58, 0.005));
  CHECK(mean_opinion_score(6.5) == 1);
  CHECK(mean_opinion_score(6.51) == 1);  // the polynomial says .99999
  CHECK(mean_opinion_score(6.6) > 1);
  CHECK(mean_opinion_score(100) == 4.5);
  for (const double r : {-1.0, 0.0, 3.2, -std::numeric_limits<double>::infinity(), kNan}) CHECK(mean_opinion_score(r) == 1);
  CHECK(mean_opinion_score(std::numeric_limits<double>::infinity()) == 4.5);
}

TEST_CASE("quality: a clean line has R 93.2 and a score of 4.4, a dead one 0 and 1") {
  CHECK(voice_quality(LineFigures{}).r_factor == Approx(93.2));
  CHECK(voice_quality(LineFigures{}).mos == about(4.41, 0.005));
  const auto dead = voice_quality(LineFigures{.loss_ratio = 1, .burst_ratio = 2, .one_way = 1s});
  CHECK(dead.r_factor == 0);
  CHECK(dead.mos == 1);
}

TEST_CASE("quality: from mouth to ear stand a packet, the look-ahead, and a buffer of 40 ms or 4.6 times the jitter") {
  CHECK(mouth_to_ear({.one_way = 30ms}, Codec::G711) == 90ms);
  CHECK(mouth_to_ear({.one_way = 30ms}, Codec::G729A) == 95ms);
  CHECK(mouth_to_ear({.one_way = 30ms, .jitter = 8600us}, Codec::G711) == 90ms);
  CHECK(mouth_to_ear({.one_way = 30ms, .jitter = 8700us}, Codec::G711) > 90ms);
  CHECK(mouth_to_ear({.one_way = 30ms, .jitter = 100ms}, Codec::G711) / 1us == 510517);
  // One in a hundred packets comes too late for the buffer, and counts as lost.
  CHECK(voice_quality(LineFigures{.jitter = 8700us}).r_factor == about(93.2 - 95.0 / 26.1, 0.01));
  CHECK(voice_quality(LineFigures{.jitter = 2ms}).r_factor == about(93.2, 0.001));
}

TEST_CASE("quality: losses in runs are worse than losses alone, never better, and twice as bad at most") {
  CHECK(burst_ratio(0, 0, 50) == 1);
  CHECK(burst_ratio(50, 1, 50) == 1);   // all lost: nothing to compare with
  CHECK(burst_ratio(10, 10, 50) == 1);  // evenly apart: .8
  CHECK(burst_ratio(10, 8, 50) == 1);   // as by chance
  CHECK(burst_ratio(10, 7, 50) == Approx(10.0 / 7 * 0.8));
  CHECK(burst_ratio(10, 4, 50) == Approx(2));
  CHECK(burst_ratio(10, 3, 50) == 2);
  CHECK(burst_ratio(10, 1, 50) == 2);
  for (const int nonsense : {-1, 0}) {
    CHECK(burst_ratio(nonsense, 1, 50) == 1);
    CHECK(burst_ratio(1, nonsense, 50) == 1);
    CHECK(burst_ratio(1, 1, nonsense) == 1);
  }
}

TEST_CASE("quality: what is out of range counts as the nearest value that is not") {
  const auto same = [](const LineFigures& a, const LineFigures& b) { return voice_quality(a).r_factor == voice_quality(b).r_factor; };
  CHECK(same({.loss_ratio = -0.1}, {.loss_ratio = 0}));
  CHECK(same({.loss_ratio = 1.1}, {.loss_ratio = 1}));
  CHECK(same({.loss_ratio = 0.1, .burst_ratio = 0.9}, {.loss_ratio = 0.1, .burst_ratio = 1}));
  CHECK(same({.loss_ratio = 0.1, .burst_ratio = 2.1}, {.loss_ratio = 0.1, .burst_ratio = 2}));
  CHECK(same({.one_way = -1s, .jitter = -1s}, {}));
  CHECK(same({.one_way = Duration::max(), .jitter = Duration::max()}, {.one_way = 10s, .jitter = 10s}));
  CHECK(same({.one_way = Duration::min(), .jitter = Duration::min()}, {}));
  CHECK(same({.loss_ratio = kNan, .burst_ratio = kNan}, {.loss_ratio = 1, .burst_ratio = 2}));
}

TEST_CASE("quality: no figure that gets worse makes the line better, whatever the others are") {
  constexpr unsigned kSeed = 20261122;
  std::mt19937 chance(kSeed);
  const auto within = [&](double least, double most) { return std::uniform_real_distribution(least, most)(chance); };
  const auto span = [&](double most_ms) { return Duration(static_cast<Duration::rep>(within(0, most_ms) * 1e6)); };
  INFO("seed ", kSeed);
  for (int i = 0; i < 4000; ++i) {
    const LineFigures line{
        .loss_ratio = within(-0.05, 1.05) * within(0, 1), .burst_ratio = within(0.9, 2.1), .one_way = span(600), .jitter = span(60)};
    LineFigures lossier = line, burstier = line, farther = line, shakier = line;
    lossier.loss_ratio += within(0, 0.1);
    burstier.burst_ratio += within(0, 0.5);
    farther.one_way += span(100);
    shakier.jitter += span(20);
    for (const Codec codec : {Codec::G711, Codec::G711NoPlc, Codec::G729A, Codec::Opus, Codec::None}) {
      const auto was = voice_quality(line, codec);
      CHECK((was.r_factor >= 0 && was.r_factor <= 93.2 && was.mos >= 1 && was.mos <= 4.5));
      for (const LineFigures& worse : {lossier, burstier, farther, shakier}) {
        const auto is = voice_quality(worse, codec);
        CHECK(is.r_factor <= was.r_factor + 1e-9);
        CHECK(is.mos <= was.mos + 1e-9);
      }
    }
    CHECK(voice_quality(line, Codec::G729A).r_factor <= voice_quality(line).r_factor);
  }
}

TEST_CASE("quality: a circuit has none before a probe is decided, and none while nothing answers") {
  CHECK_FALSE(Probed("").figures().mos);
  CHECK_FALSE(Probed("??").figures().mos);
  CHECK_FALSE(Probed("xxxxxx").figures().mos);
  const auto one = Probed("xxx.").figures();
  CHECK(one.r_factor.has_value());
  CHECK(one.mos.has_value());
  Probed gone("....");
  CHECK(gone.figures().mos == about(4.41, 0.005));
  gone.probe(std::string(50, 'x'));  // its round trip is still remembered
  CHECK(gone.figures().rtt.has_value());
  CHECK_FALSE(gone.figures().mos);
  CHECK_FALSE(gone.figures().r_factor);
}

TEST_CASE("quality: a circuit's figure comes from its loss, its runs of losses in the order of sending, and half its round trip") {
  const auto scattered = Probed(".x...x...x...x...x..").figures();
  CHECK(scattered.loss_ratio == 0.25);
  CHECK(*scattered.r_factor == Approx(voice_quality(LineFigures{.loss_ratio = 0.25, .one_way = 10ms}).r_factor));
  const auto in_a_run = Probed("......xxxxx.........").figures();
  CHECK(in_a_run.loss_ratio == 0.25);
  CHECK(*in_a_run.r_factor == Approx(voice_quality(LineFigures{.loss_ratio = 0.25, .burst_ratio = 2, .one_way = 10ms}).r_factor));
  CHECK(*Probed("....xx...x....xx....").figures().r_factor ==
        Approx(voice_quality(LineFigures{.loss_ratio = 0.25, .burst_ratio = 5.0 / 3 * 0.75, .one_way = 10ms}).r_factor));
  CHECK(*in_a_run.mos == Approx(mean_opinion_score(*in_a_run.r_factor)));
  CHECK_FALSE(Probed("....").health.status(model::Instant{}).targets[0].figures.mos);  // the circuit as a whole only
}

TEST_CASE("quality: it decides nothing, a line that sounds bad but answers stays the way") {
  tests::VirtualSite site;
  site.start_empty();
  site.run(30s);
  CHECK(*site.status().circuits[0].figures.mos == about(4.4, 0.05));
  site.rtt = 900ms;
  site.run(60s);
  CHECK(*site.status().circuits[0].figures.mos < 3.3);
  CHECK(site.way() == "fiber");
  site.black_hole(0);
  site.run(60s);
  CHECK_FALSE(site.status().circuits[0].figures.mos);
  CHECK(site.way() == "coax");
}
