#pragma once
// Chance as a value: one seed, the same sequence on every machine and library. The generator is SipHash-2-4 over a
// counter, so what leaves the machine (a SIP branch, a probe's tag) tells nobody the seed or the next value: a plain
// generator such as SplitMix64 or Mersenne Twister can be run backwards from its output.
#include <cstdint>
#include <span>

namespace linekeeper::runtime {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// SipHash-2-4, 64 bits (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
[[nodiscard]] std::uint64_t keyed_hash(HashKey key, std::span<const std::uint8_t> bytes);

class SeededRandom {
 public:
  /// @param seed in the daemon from getrandom(2), in tests and the simulator the printed seed
  explicit SeededRandom(std::uint64_t seed);

  std::uint64_t next();  ///< 64 random bits
  double unit();         ///< evenly in [0, 1)
  HashKey key();         ///< a fresh key

 private:
  HashKey key_;
  std::uint64_t counter_ = 0;
};

}  // namespace linekeeper::runtime
