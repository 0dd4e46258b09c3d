#include "tests/sim/frontier/channel.hpp"

#include <algorithm>
#include <limits>

namespace linekeeper::sim::frontier {

namespace {

constexpr Duration kDelayMean = std::chrono::milliseconds(2);
constexpr std::int64_t kNoLoss = std::numeric_limits<std::int64_t>::max() / 2;

/// -ln(1 - p), by its series: the library's logarithm differs between machines in the last bit.
double hazard(double p) {
  double term = p, sum = 0;
  for (int k = 1; k < 200; ++k, term *= p) sum += term / k;
  return sum;
}

}  // namespace

LossModel gilbert_elliott(double stationary, Duration burst, double in_burst) {
  const double bad = stationary / in_burst;  // share of time
  const auto gap = Duration(static_cast<Duration::rep>(static_cast<double>(burst.count()) * (1 - bad) / bad));
  return {.in_good = 0, .in_burst = in_burst, .gap = gap, .bursts = {Burst{1, burst}, Burst{}}};
}

LossProcess::LossProcess(const LossModel& model, std::uint64_t seed, Instant begin)
    : model_(model), draws_(seed), hazard_(hazard(model.in_good)), began_(begin), ends_(model::kNever), clean_left_(draw_clean()) {
  if (model_.gap > Duration::zero()) ends_ = begin + draws_.lasting(model_.gap);
}

std::int64_t LossProcess::draw_clean() {
  if (model_.in_good <= 0) return kNoLoss;
  return static_cast<std::int64_t>(draws_.exponential() / hazard_);  // geometric: the whole part of an exponential
}

void LossProcess::turn() {
  began_ = ends_;
  in_burst_ = !in_burst_;
  if (!in_burst_) {
    ends_ = began_ + draws_.lasting(model_.gap);
    return;
  }
  const bool second = model_.bursts[1].share > 0 && draws_.yes(model_.bursts[1].share);
  ends_ = began_ + draws_.lasting(model_.bursts[second ? 1 : 0].mean);
}

bool LossProcess::lost(Instant at) {
  while (at >= ends_) turn();
  if (in_burst_ && (model_.in_burst >= 1 || draws_.yes(model_.in_burst))) return true;
  if (in_burst_) return false;
  if (clean_left_-- > 0) return false;
  clean_left_ = draw_clean();
  return true;
}

Channel::Channel(const LossModel& model, std::uint64_t seed, Instant begin) : leg_(model, seed, begin), draws_(Draws::seed(seed, 1)), seed_(seed) {}

void Channel::begin(const Fault& fault, Instant at) {
  fault_ = fault;
  since_ = at;
  if (fault.kind == FaultKind::Bursts) bursts_.emplace(gilbert_elliott(fault.loss, fault.lasts, 1), Draws::seed(seed_, 2), at);
}

bool Channel::answers(Instant at) {
  const bool lost = leg_.lost(at);
  if (at < since_) return !lost;
  switch (fault_.kind) {
    case FaultKind::None:
    case FaultKind::Delay: return !lost;
    case FaultKind::BlackHole: return false;
    case FaultKind::Loss: return !draws_.yes(fault_.loss) && !lost;
    case FaultKind::Bursts: return !bursts_->lost(at) && !lost;
    case FaultKind::Ramp: return !draws_.yes(fault_.loss * std::min(1.0, model::seconds(at - since_) / model::seconds(fault_.lasts))) && !lost;
  }
  return !lost;
}

Duration Channel::round_trip(Instant at) {
  const Duration added = fault_.kind == FaultKind::Delay && at >= since_ ? fault_.delay : Duration::zero();
  return kShortestRoundTrip + draws_.lasting(kDelayMean) + added;
}

}  // namespace linekeeper::sim::frontier
