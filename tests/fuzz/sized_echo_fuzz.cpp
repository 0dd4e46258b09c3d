// Any bytes as the answer to an echo of some size, and as the quote of an ICMP error. Beside not crashing: without the key nothing is an answer,
// and nothing long enough to hold a tag is a quote. The key follows from the input, as in icmp_reply_fuzz.cpp.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "probes/checks/sized_echo.hpp"

using namespace linekeeper;

namespace {
constexpr runtime::HashKey kSecret{0x5f4b2c981d63e0a5, 0x6c7d31498f0e5a2b};
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  if (seed % 2 == 0) {
    model::IpAddress target;
    if (seed % 4 == 0) target.family = model::Family::V6;
    const auto packet = probes::sized_echo({seed, 1}, target, static_cast<std::uint16_t>(seed / 8), probes::kSmallestSizedEcho + seed % 100);
    size = packet.size() < max_size ? packet.size() : max_size;
    std::memcpy(data, packet.data(), size);
    if (seed % 16 < 8 && size > 0) data[0] = target.family == model::Family::V4 ? 0 : 129;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const runtime::HashKey key{runtime::keyed_hash(kSecret, bytes), kSecret.k1};
  for (const auto family : {model::Family::V4, model::Family::V6}) {
    model::IpAddress address;
    address.family = family;
    if (probes::parse_sized_reply(key, address, bytes)) std::abort();
    if (probes::parse_sized_quote(key, address, bytes) && (size < 8 || size >= probes::kSmallestSizedEcho)) std::abort();
  }
  return 0;
}
