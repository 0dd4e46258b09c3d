// Any bytes as the answer of a STUN server. Beside not crashing: an answer has the transaction, and one that was asked for under another is
// none. Half of the time it starts from a well-formed head: the cookie alone would take the fuzzer for ever.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "probes/checks/stun_codec.hpp"

using namespace linekeeper;

namespace {
constexpr probes::StunTransaction kAsked{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr probes::StunTransaction kOther{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13};
constexpr std::size_t kHead = 20;
}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 2 == 0 || size < kHead) return size;
  size -= size % 4;
  const auto request = probes::stun_request(kAsked);
  std::memcpy(data, request.data(), kHead);
  data[0] = 1;
  data[1] = seed % 8 < 4 ? 0x01 : 0x11;
  data[2] = static_cast<std::uint8_t>((size - kHead) >> 8);
  data[3] = static_cast<std::uint8_t>(size - kHead);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const auto answer = probes::parse_stun_answer(kAsked, bytes);
  if (!answer) return 0;
  if (size < kHead || std::memcmp(data + 8, kAsked.data(), kAsked.size()) != 0) std::abort();
  if (probes::parse_stun_answer(kOther, bytes)) std::abort();
  if (const auto* error = std::get_if<probes::StunError>(&*answer); error != nullptr && (error->code < 300 || error->code > 699)) std::abort();
  return 0;
}
