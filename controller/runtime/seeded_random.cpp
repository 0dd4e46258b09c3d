#include "controller/runtime/seeded_random.hpp"

#include <array>
#include <bit>

namespace linekeeper::runtime {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t keyed_hash(HashKey key, std::span<const std::uint8_t> bytes) {
  // The four constants spell "somepseudorandomlygeneratedbytes" (section 2.2 of the paper).
  SipState s{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d, key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573};
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= std::uint64_t{bytes[i]} << (8 * (i % 8));
    if (i % 8 == 7) {
      s.absorb(word);
      word = 0;
    }
  }
  s.absorb(word | (std::uint64_t{bytes.size() & 0xff} << 56));
  s.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

SeededRandom::SeededRandom(std::uint64_t seed) : key_{seed, ~seed} {}

std::uint64_t SeededRandom::next() {
  std::array<std::uint8_t, 8> block{};
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::uint8_t>(counter_ >> (8 * i));
  ++counter_;
  return keyed_hash(key_, block);
}

double SeededRandom::unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

HashKey SeededRandom::key() {
  const auto k0 = next();
  return {k0, next()};
}

}  // namespace linekeeper::runtime
