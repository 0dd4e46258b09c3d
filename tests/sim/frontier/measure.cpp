#include "tests/sim/frontier/measure.hpp"

#include <algorithm>
#include <cmath>

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

namespace {

class Counting final : public Listener {
 public:
  explicit Counting(Excursions& to) : to_(&to) {}
  void level(int level, Instant now, Instant) override { to_->set(level, now); }
  void too_slow(Instant) override {}

 private:
  Excursions* to_;
};

/// Notes when each level is first reached after the onset.
class Timing final : public Listener {
 public:
  Timing(Instant onset, int enough) : onset_(onset), first_(static_cast<std::size_t>(enough)) {}

  void level(int level, Instant now, Instant decided) override {
    level_ = level;
    if (now >= onset_) reach(level, decided);
  }
  void too_slow(Instant decided) override {
    if (decided >= onset_) reach(static_cast<int>(first_.size()), decided);
  }
  /// What stood when the fault began counts as found at once.
  void begin() { reach(level_, onset_); }
  [[nodiscard]] bool done() const { return reached_ == first_.size(); }
  [[nodiscard]] std::size_t reached() const { return reached_; }
  [[nodiscard]] double seconds(std::size_t i) const { return model::seconds(first_[i] - onset_); }

 private:
  void reach(int level, Instant decided) {
    for (; reached_ < first_.size() && reached_ < static_cast<std::size_t>(level); ++reached_) first_[reached_] = decided;
  }
  Instant onset_;
  std::vector<Instant> first_;
  std::size_t reached_ = 0;
  int level_ = 0;
};

/// Of trials in which nothing at all is found after so many, no more are made: the rule does not see this.
constexpr int kHopeless = 20;

std::vector<Found> trials_of(const Peer& peer, const Background& background, const Fault& fault, int enough, int trials, std::uint64_t seed) {
  std::vector<std::vector<double>> times(static_cast<std::size_t>(enough));
  int made = 0;
  for (; made < trials; ++made) {
    if (made == kHopeless && times.front().empty()) break;
    const std::uint64_t own = Draws::seed(seed, static_cast<std::uint64_t>(made));
    const auto rule = peer.make(Draws::seed(own, 1), kBegin);
    Channel channel(background.loss, Draws::seed(own, 2), kBegin);
    Draws draws(Draws::seed(own, 3));
    const Instant onset = kBegin + rule->memory() + draws.between(0s, 30s);
    Timing timing(onset, enough);
    while (rule->next() < onset) rule->step(channel, timing);
    channel.begin(fault, onset);
    timing.begin();
    while (!timing.done() && rule->next() < onset + kGiveUp) rule->step(channel, timing);
    for (std::size_t i = 0; i < timing.reached(); ++i) times[i].push_back(timing.seconds(i));
  }
  std::vector<Found> found;
  for (auto& of_level : times) found.push_back(summary(std::move(of_level), made));
  return found;
}

}  // namespace

Found summary(std::vector<double> seconds, int trials) {
  Found f{.trials = trials, .found = static_cast<int>(seconds.size()), .p50 = {}, .p99 = {}};
  std::ranges::sort(seconds);
  const auto quantile = [&](double q) -> std::optional<double> {
    const auto rank = static_cast<std::size_t>(std::ceil(q * trials - 1e-9));
    if (rank == 0 || rank > seconds.size()) return std::nullopt;
    return seconds[rank - 1];
  };
  f.p50 = quantile(0.5);
  f.p99 = quantile(0.99);
  return f;
}

double Rate::low() const {
  if (events == 0 || years <= 0) return 0;
  const double n = static_cast<double>(events);
  const double root = 1 - 1 / (9 * n) - 1.96 / (3 * std::sqrt(n));
  return n * root * root * root / years;
}

double Rate::high() const {
  if (years <= 0) return 0;
  if (events == 0) return 3 / years;
  const double n = static_cast<double>(events) + 1;
  const double root = 1 - 1 / (9 * n) + 1.96 / (3 * std::sqrt(n));
  return n * root * root * root / years;
}

Excursions count_alarms(const Peer& peer, const Background& background, double span, std::uint64_t seed) {
  const auto rule = peer.make(Draws::seed(seed, 1), kBegin);
  Excursions alarms(rule->memory());
  Counting counting(alarms);
  Channel channel(background.loss, Draws::seed(seed, 2), kBegin);
  const Instant end = kBegin + years(span);
  while (rule->next() < end) {
    rule->step(channel, counting);
    rule->skip(channel, counting);
  }
  return alarms;
}

std::vector<std::vector<Found>> time_faults(const Peer& peer, const Background& background, int enough, int trials, std::uint64_t seed) {
  std::vector<std::vector<Found>> found;
  for (std::size_t f = 0; f < faults().size(); ++f) found.push_back(trials_of(peer, background, faults()[f], enough, trials, Draws::seed(seed, f)));
  return found;
}

}  // namespace linekeeper::sim::frontier
