#pragma once
// Chance for the simulator: one seed, the same draws on every machine. The distributions are our own, because those of the standard
// library differ between libraries, and so does the last bit of their logarithm.
#include <cmath>
#include <cstdint>

#include "controller/model/time.hpp"
#include "controller/runtime/seeded_random.hpp"
#include "tests/sim/fault_table.hpp"

namespace linekeeper::sim {

/// Whose draws they are. Each has its own, so that a script written to a file and read again meets the same packets.
enum class Stream : std::uint64_t { Script, World, Daemon, Beside };

class Chance {
 public:
  Chance(std::uint64_t seed, Stream stream) : random_(seed * 4 + static_cast<std::uint64_t>(stream)) {}

  std::uint64_t bits() { return random_.next(); }
  double unit() { return random_.unit(); }                       ///< evenly in [0, 1)
  bool yes(double probability) { return unit() < probability; }  ///< draws always, so that a trace does not depend on a probability of 0
  bool yes_of_a_million(Measure millionths) { return below(1'000'000) < static_cast<std::uint64_t>(millionths < 0 ? 0 : millionths); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.next() % n); }
  int between(int low, int high) { return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1))); }  ///< both ends included
  model::Duration between(model::Duration low, model::Duration high) {
    return low + model::Duration(static_cast<model::Duration::rep>(unit() * static_cast<double>((high - low).count())));
  }
  /// Exponentially distributed: how long a state without memory lasts.
  model::Duration lasting(model::Duration mean) {
    return model::Duration(static_cast<model::Duration::rep>(-natural_logarithm(1.0 - unit()) * static_cast<double>(mean.count())));
  }
  template <class T, std::size_t N>
  T one_of(const T (&choices)[N]) {
    return choices[below(N)];
  }

 private:
  /// ln x for x > 0: the exponent exactly, the rest by the series of 2 artanh((m - 1) / (m + 1)), m in [1/2, 1).
  static double natural_logarithm(double x) {
    int exponent = 0;
    const double m = std::frexp(x, &exponent);  // exact
    const double z = (m - 1) / (m + 1);
    double term = z, sum = 0;
    for (int k = 1; k < 40; k += 2) {
      sum += term / k;
      term *= z * z;
    }
    return 2 * sum + exponent * 0.6931471805599453;
  }

  runtime::SeededRandom random_;
};

}  // namespace linekeeper::sim
