#pragma once
// Numbers that nobody outside knows beforehand.
#include <cstdint>
#include <random>

namespace linekeeper::trunks {

inline std::uint64_t unguessable_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace linekeeper::trunks
