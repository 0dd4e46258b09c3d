#pragma once
// A line as the detectors' tables know it: independent loss, bursts (Gilbert-Elliott in continuous time), and both from one seed.
#include <cmath>
#include <cstdint>
#include <limits>

namespace linekeeper::calibration {

/// xorshift64*: years of probes are drawn, and the same ones on every machine.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  double uniform() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<double>((state_ * 2685821657736338717u) >> 11) * 0x1p-53;
  }
  double exponential(double mean) { return -mean * std::log(1 - uniform()); }

 private:
  std::uint64_t state_;
};

struct LineKind {
  const char* name;
  double independent = 0;    ///< share of packets
  double in_bursts = 0;      ///< share of packets lost within bursts
  double burst_seconds = 1;  ///< mean
  double within_burst = 1;   ///< loss in a burst
  double ramp_seconds = 0;   ///< independent loss grows to its share in this time
};

class Line {
 public:
  Line(const LineKind& kind, double begins, Chance& chance)
      : kind_(kind),
        begins_(begins),
        chance_(&chance),
        turns_(kind.in_bursts > 0 ? begins + chance.exponential(gap()) : std::numeric_limits<double>::max()) {}
  bool loses(double now) {
    for (; now >= turns_; bad_ = !bad_, turns_ += chance_->exponential(bad_ ? kind_.burst_seconds : gap())) {
    }
    if (bad_ && chance_->uniform() < kind_.within_burst) return true;
    if (kind_.independent <= 0) return false;
    const double grown = kind_.ramp_seconds > 0 ? std::fmin(1, (now - begins_) / kind_.ramp_seconds) : 1;
    return chance_->uniform() < kind_.independent * grown;
  }

 private:
  [[nodiscard]] double gap() const { return kind_.burst_seconds * (kind_.within_burst - kind_.in_bursts) / kind_.in_bursts; }

  LineKind kind_;
  double begins_;
  Chance* chance_;
  bool bad_ = false;
  double turns_;
};

}  // namespace linekeeper::calibration
