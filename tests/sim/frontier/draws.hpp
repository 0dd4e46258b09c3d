#pragma once
// Chance for channels: one seed, the same draws on every machine. Years of bursts are made of billions of draws, so this is a tenth of
// what tests/sim/chance.hpp costs: SplitMix64 (Steele, Lea, Flood 2014) instead of a keyed hash, as no channel has a secret to keep.
#include <array>
#include <bit>
#include <cstdint>

#include "controller/model/time.hpp"

namespace linekeeper::sim::frontier {

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return finished(state_ += 0x9e3779b97f4a7c15); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  ///< evenly in [0, 1)
  bool yes(double probability) { return unit() < probability; }
  model::Duration between(model::Duration low, model::Duration high) { return low + times(high - low, unit()); }
  /// Exponentially distributed with mean 1: how long what has no memory lasts.
  double exponential() { return -natural_logarithm(1.0 - unit()); }
  model::Duration lasting(model::Duration mean) { return times(mean, exponential()); }

  [[nodiscard]] static constexpr model::Duration times(model::Duration d, double factor) {
    return model::Duration(static_cast<model::Duration::rep>(static_cast<double>(d.count()) * factor));
  }
  /// Another seed for each thing that is drawn.
  [[nodiscard]] static constexpr std::uint64_t seed(std::uint64_t from, std::uint64_t a, std::uint64_t b = 0) {
    return finished(finished(from + a * 0x9e3779b97f4a7c15) + b * 0xc2b2ae3d27d4eb4f + 1);
  }

 private:
  static constexpr std::uint64_t finished(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  /// ln x for a normal x in (0, 1]: the exponent exactly, the rest by the series of 2 artanh((m - 1) / (m + 1)) with m between .71 and 1.41,
  /// where eleven terms are enough. The library's differs between machines in the last bit.
  static double natural_logarithm(double x) {
    constexpr std::array<double, 11> kOdd = {1, 1. / 3, 1. / 5, 1. / 7, 1. / 9, 1. / 11, 1. / 13, 1. / 15, 1. / 17, 1. / 19, 1. / 21};
    const auto bits = std::bit_cast<std::uint64_t>(x);
    int exponent = static_cast<int>(bits >> 52) - 1022;
    double m = std::bit_cast<double>((bits & 0x000fffffffffffff) | 0x3fe0000000000000);  // in [1/2, 1)
    if (m < 0.7071067811865476) {
      m *= 2;
      --exponent;
    }
    const double z = (m - 1) / (m + 1), square = z * z;
    double sum = 0;
    for (std::size_t i = kOdd.size(); i-- > 0;) sum = sum * square + kOdd[i];
    return 2 * z * sum + exponent * 0.6931471805599453;
  }

  std::uint64_t state_;
};

}  // namespace linekeeper::sim::frontier
