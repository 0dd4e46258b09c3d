#pragma once
// The rules others ship, and the plain ones everybody reaches for. Each is written from its public documentation.
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "tests/sim/frontier/rule.hpp"

namespace linekeeper::sim::frontier {

struct Peer {
  std::string_view name;
  std::string_view setting;    ///< what is fixed
  std::string_view threshold;  ///< what the level counts
  std::string_view source;     ///< where it is described
  double packets_per_second = 0;
  int shipped = 0;  ///< threshold of the shipped or recommended setting; 0: there is none, it is a family
  int most = 0;     ///< no threshold can be above that (a window is full); 0: none
  std::function<std::unique_ptr<Rule>(std::uint64_t seed, Instant begin)> make;
};

[[nodiscard]] std::span<const Peer> peers();

/// The place of the peer of that name; it must exist.
[[nodiscard]] std::size_t peer_named(std::string_view name);

}  // namespace linekeeper::sim::frontier
