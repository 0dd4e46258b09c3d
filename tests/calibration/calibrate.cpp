// calibrate [days] [runs] [interval in ms] [early, late or never]
//
// Prints the tables of controller/decision/README.md: for each background how often a year each detector gives a false alarm, for each
// fault how long until the first alarm (median, 99th percentile). The closed loop is the real one in small: three targets in turn, gaps
// jittered by a tenth, a round trip of 33 ms, early word after 100 ms, a loss final after 1 s, fates told in the order of sending, and
// probes each 40 ms while the detector wants them.
// `days` of each background are run with one seed. Alarms too rare to be seen are extrapolated from the scores that came close: `x` after
// a figure says so; the tail of scores is exponential.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/decision/delay_detector.hpp"
#include "controller/decision/loss_detector.hpp"
#include "controller/decision/recovery_test.hpp"
#include "controller/decision/silence_learner.hpp"
#include "tests/calibration/line.hpp"

namespace linekeeper::calibration {

using decision::DelayDetector;
using decision::LossDetector;
using decision::RecoveryTest;
using decision::SilenceLearner;
using model::Duration;
using model::Instant;
using model::ProbeKind;

namespace {

constexpr std::size_t kTargets = 3;
constexpr double kRoundTrip = 0.033, kOverdue = 0.1, kFinal = 1.0, kCloser = 0.04, kDay = 86400, kYear = 365.25 * kDay;

constexpr LineKind kBackgrounds[] = {{.name = "iid .1 %", .independent = 0.001},
                                     {.name = "iid 2 %", .independent = 0.02},
                                     {.name = "GE 2 %/50 ms", .in_bursts = 0.02, .burst_seconds = 0.05},
                                     {.name = "GE 2 %/200 ms", .in_bursts = 0.02, .burst_seconds = 0.2},
                                     {.name = "GE 2 %/200 ms h=.7", .in_bursts = 0.02, .burst_seconds = 0.2, .within_burst = 0.7}};
constexpr LineKind kFaults[] = {{.name = "+10 %", .independent = 0.1},
                                {.name = "+20 %", .independent = 0.2},
                                {.name = "+30 %", .independent = 0.3},
                                {.name = "+50 %", .independent = 0.5},
                                {.name = "GE 10 %/200 ms", .in_bursts = 0.1, .burst_seconds = 0.2},
                                {.name = "GE 20 %/200 ms", .in_bursts = 0.2, .burst_seconds = 0.2},
                                {.name = "GE 10 %/1 s", .in_bursts = 0.1, .burst_seconds = 1},
                                {.name = "ramp 0-30 % in 300 s", .independent = 0.3, .ramp_seconds = 300}};

Instant at(double seconds) { return Instant{Duration(static_cast<Duration::rep>(seconds * 1e9))}; }

/// When probes may follow closer: by the early word too, by final losses only, or not at all.
enum class Closer : std::uint8_t { Early, Late, Never };

/// A circuit that is probed: when probes leave, when their fates are known.
class ProbedCircuit {
 public:
  ProbedCircuit(double interval, Closer closer, std::uint64_t seed)
      : detector(kTargets, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(interval))),
        chance(seed),
        interval_(interval),
        when_closer_(closer) {}

  /// Until `end`, or until `seen` (called for each fate that has become final) says stop.
  void run(double end, const std::function<bool(double)>& loses, const std::function<bool(double)>& seen) {
    while (true) {
      const bool scheduled = scheduled_ <= closer_;
      const double now = scheduled ? scheduled_ : closer_;
      if (now >= end) return;
      if (learn_fates(now, seen)) return;
      send(now, scheduled, loses(now));
      const double next_closer = now + kCloser * jitter();
      closer_ = when_closer_ != Closer::Never && detector.wants_closer()
                    ? (scheduled_ - next_closer < kCloser / 2 ? scheduled_ + kCloser : next_closer)
                    : 1e300;
    }
  }

  LossDetector detector;
  Chance chance;
  double probes = 0;

 private:
  struct Probe {
    double sent, known;
    std::size_t position;
    bool lost;
    ProbeKind kind;
  };

  double jitter() { return 0.9 + 0.2 * chance.uniform(); }
  void send(double now, bool scheduled, bool lost) {
    std::size_t& turn = scheduled ? turn_scheduled_ : turn_closer_;
    turn = (turn + 1) % kTargets;
    last_known_ = std::max(last_known_, now + (lost ? kFinal : kRoundTrip));
    open_.push_back({now, last_known_, turn, lost, scheduled ? ProbeKind::Scheduled : ProbeKind::Closer});
    early_.push_back({now, now + (lost ? kOverdue : kRoundTrip), turn, lost, ProbeKind::Scheduled});
    if (scheduled) scheduled_ = now + interval_ * jitter();
    probes += 1;
  }
  bool learn_fates(double now, const std::function<bool(double)>& seen) {
    for (; !early_.empty() && early_.front().known <= now; early_.pop_front())
      if (when_closer_ == Closer::Early) detector.early(early_.front().position, early_.front().lost);
    while (!open_.empty() && open_.front().known <= now) {
      const Probe p = open_.front();
      open_.pop_front();
      detector.add(p.position, at(p.sent), p.lost, p.kind);
      if (seen(p.known)) return true;
    }
    return false;
  }

  double interval_;
  Closer when_closer_;
  double scheduled_ = 0, closer_ = 1e300, last_known_ = 0;
  std::size_t turn_scheduled_ = 0, turn_closer_ = 1;
  std::deque<Probe> open_, early_;
};

/// How often a score climbs to which height between two returns to nothing.
class Tail {
 public:
  void add(double score) {
    if (score > 0.05) {
      highest_ = std::max(highest_, score);
      return;
    }
    for (std::size_t h = 0; h < counts_.size() && static_cast<double>(h) / 2 <= highest_ && highest_ > 0; ++h) counts_[h] += 1;
    highest_ = 0;
  }
  [[nodiscard]] std::string a_year_above(double alarm, double years) const {
    const auto count = [&](double h) { return counts_[std::min(counts_.size() - 1, static_cast<std::size_t>(h * 2))]; };
    if (count(alarm) >= 3) return fmt::format("{:.1f}", count(alarm) / years);
    std::size_t upper = 0;
    for (std::size_t h = 0; h < counts_.size(); ++h) upper = counts_[h] >= 8 ? h : upper;
    const std::size_t lower = upper > 8 ? upper - 8 : 2;
    if (upper <= lower || counts_[upper] <= 0) return "0";
    const double slope = std::log(counts_[lower] / counts_[upper]) / (static_cast<double>(upper - lower) / 2);
    return fmt::format("{:.2g}x", counts_[upper] / years * std::exp(-slope * (alarm - static_cast<double>(upper) / 2)));
  }

 private:
  std::array<double, 80> counts_{};
  double highest_ = 0;
};

void false_alarms(double days, double interval, Closer closer) {
  fmt::print("| background | probes/s | lossy a year | bursty a year |\n|---|---|---|---|\n");
  for (const LineKind& kind : kBackgrounds) {
    ProbedCircuit circuit(interval, closer, 7);
    Chance chance(11);
    Line line(kind, 0, chance);
    Tail lossy, bursty;
    circuit.run(
        days * kDay, [&](double now) { return line.loses(now); },
        [&](double) {
          lossy.add(circuit.detector.lossy());
          bursty.add(circuit.detector.bursty());
          return false;
        });
    const double years = days * kDay / kYear;
    fmt::print("| {} | {:.2f} | {} | {} |\n", kind.name, circuit.probes / (days * kDay), lossy.a_year_above(circuit.detector.lossy_alarm(), years),
               bursty.a_year_above(circuit.detector.bursty_alarm(), years));
    std::fflush(stdout);
  }
}

std::string median_and_p99(std::vector<double> delays) {
  std::sort(delays.begin(), delays.end());
  const auto one = [&](double share) {
    const double d = delays[std::min(delays.size() - 1, static_cast<std::size_t>(share * static_cast<double>(delays.size())))];
    return d > 1e6 ? std::string("-") : fmt::format("{:.1f}", d);
  };
  return one(0.5) + " / " + one(0.99);
}

void detection(int runs, double interval, Closer closer, const LineKind& background) {
  fmt::print("| fault on {} | lossy | bursty | first |\n|---|---|---|---|\n", background.name);
  for (const LineKind& kind : kFaults) {
    std::vector<double> lossy, bursty, first;
    for (int run = 0; run < runs; ++run) {
      const auto seed = static_cast<std::uint64_t>(run);
      ProbedCircuit circuit(interval, closer, 100 + seed);
      Chance chance(100000 + seed), chance_of_fault(200000 + seed);
      const double begins = 60 + interval * chance.uniform();
      Line before(background, 0, chance), fault(kind, begins, chance_of_fault);
      double by_loss = 1e9, by_bursts = 1e9;
      circuit.run(
          begins + 1200,
          [&](double now) {
            const bool lost = before.loses(now);
            return (now >= begins && fault.loses(now)) || lost;
          },
          [&](double known) {
            if (circuit.detector.lossy_alarmed()) by_loss = std::min(by_loss, known - begins);
            if (circuit.detector.bursty_alarmed()) by_bursts = std::min(by_bursts, known - begins);
            return std::max(by_loss, by_bursts) < 1e9;
          });
      lossy.push_back(by_loss);
      bursty.push_back(by_bursts);
      first.push_back(std::min(by_loss, by_bursts));
    }
    fmt::print("| {} | {} | {} | {} |\n", kind.name, median_and_p99(lossy), median_and_p99(bursty), median_and_p99(first));
    std::fflush(stdout);
  }
}

/// Round trips over a line whose queue fills and drains (bufferbloat): full for `busy` seconds on average, and a hundredth of what passes
/// a full queue finds it as good as empty.
struct Queue {
  double busy, idle, full_ms, passes;
};

void delays(double days, int runs) {
  fmt::print("| delay | alarms a year |\n|---|---|\n");
  for (const auto& [name, queue] : {std::pair("queue of 200 ms, 2 s busy, 8 s idle", Queue{2, 8, 200, 0.01}),
                                    std::pair("queue of 200 ms, 8 s busy, 20 s idle", Queue{8, 20, 200, 0.01}),
                                    std::pair("queue of 500 ms, 30 s busy, 60 s idle", Queue{30, 60, 500, 0.05}),
                                    std::pair("queue of 500 ms, 30 s busy, 60 s idle, nothing passes", Queue{30, 60, 500, 0})}) {
    Chance chance(5);
    DelayDetector detector(kTargets);
    double turns = chance.exponential(queue.idle);
    bool busy = false, was = false;
    int alarms = 0;
    std::size_t position = 0;
    for (double now = 0; now < days * kDay; now += 0.2, position = (position + 1) % kTargets) {
      for (; now >= turns; busy = !busy, turns += chance.exponential(busy ? queue.busy : queue.idle)) {
      }
      const double queued = busy && chance.uniform() >= queue.passes ? queue.full_ms * (0.5 + 0.5 * chance.uniform()) : 0;
      detector.add(position, Duration(static_cast<Duration::rep>((33 + chance.exponential(2) + queued) * 1e6)), at(now));
      const bool is = detector.alarmed(at(now));
      alarms += is && !was ? 1 : 0;
      was = is;
    }
    fmt::print("| {} | {:.0f} |\n", name, alarms / (days * kDay / kYear));
  }
  for (const double added : {100.0, 150.0, 300.0}) {
    std::vector<double> took;
    for (int run = 0; run < runs; ++run) {
      Chance chance(900 + static_cast<std::uint64_t>(run));
      DelayDetector detector(kTargets);
      const double begins = 3600 + chance.uniform();
      double found = 1e9;
      std::size_t position = 0;
      for (double now = 0; now < begins + 60 && found > 1e8; now += 0.2, position = (position + 1) % kTargets) {
        const double ms = 33 + chance.exponential(2) + (now >= begins ? added : 0);
        detector.add(position, Duration(static_cast<Duration::rep>(ms * 1e6)), at(now));
        if (now > begins && detector.alarmed(at(now))) found = now + ms / 1000 - begins;
      }
      took.push_back(found);
    }
    fmt::print("+{} ms found in {} s\n", added, median_and_p99(took));
  }
}

/// What silence is learned to mean death, on a line probed each 200 ms with a timeout of 80 ms and quick probes each 20 ms while overdue.
void silences(double days) {
  fmt::print("| background | silence for 12 / 3 / 1 false deaths a year, s | exceeded in the second half, 12 a year wanted |\n|---|---|---|\n");
  for (const LineKind& kind : kBackgrounds) {
    Chance chance(3);
    Line line(kind, 0, chance);
    SilenceLearner learner;
    int exceeded = 0;
    double known = 0;
    for (double now = 0; now < days * kDay;) {
      if (!line.loses(now)) {
        now += 0.2 * (0.9 + 0.2 * chance.uniform());
        continue;
      }
      const double first = now;
      now += 0.08;
      while (line.loses(now)) now += 0.02;
      const Duration silence = at(now + kRoundTrip - first - 0.08) - Instant{};
      learner.watched(at(first - known) - Instant{});
      known = first;
      if (now > days * kDay / 2 && silence > std::max<Duration>(learner.limit(12), std::chrono::milliseconds(700))) ++exceeded;
      learner.observe(silence);
    }
    const auto limit = [&](double times) { return model::seconds(learner.limit(times)); };
    fmt::print("| {} | {:.2f} / {:.2f} / {:.2f} | {:.1f} |\n", kind.name, limit(12), limit(3), limit(1), exceeded / (days * kDay / kYear / 2));
  }
}

void recovery(int runs) {
  for (const double loss : {0.0, 0.01, 0.02, 0.05, 0.1}) {
    std::vector<double> took;
    for (int run = 0; run < runs; ++run) {
      Chance chance(40 + static_cast<std::uint64_t>(run));
      RecoveryTest test;
      int probes = 0;
      for (; !test.passed() && probes < 5 * 86400; ++probes) test.add(chance.uniform() < loss);
      took.push_back(test.passed() ? probes / 5.0 : 1e9);
    }
    fmt::print("recovery with {} % of loss passes after {} s\n", loss * 100, median_and_p99(took));
  }
}

int calibrate(const std::vector<std::string>& words) {
  const auto word = [&](std::size_t i, const char* otherwise) { return i < words.size() ? words[i] : std::string(otherwise); };
  const double days = std::atof(word(0, "30").c_str());
  const int runs = std::atoi(word(1, "500").c_str());
  const double interval = std::atof(word(2, "200").c_str()) / 1000;
  const std::string when = word(3, "early");
  const Closer closer = when == "never" ? Closer::Never : when == "late" ? Closer::Late : Closer::Early;
  if (!(days > 0) || runs < 1 || !(interval > 0)) {
    fmt::print(stderr, "calibrate [days] [runs] [interval in ms] [early, late or never]\n");
    return 2;
  }
  false_alarms(days, interval, closer);
  detection(runs, interval, closer, kBackgrounds[0]);
  detection(runs, interval, closer, kBackgrounds[3]);
  delays(days, std::min(runs, 200));
  silences(days);
  recovery(std::min(runs, 200));
  return 0;
}

}  // namespace
}  // namespace linekeeper::calibration

int main(int count, char** words) { return linekeeper::calibration::calibrate({words + 1, words + count}); }
