// Any bytes as an echo reply and as an ICMP error's quote. Beside not crashing: without the key nothing matches. The key
// follows from the input, because libFuzzer watches comparisons and copies what it sees compared: with one key for all it
// forged a tag within a second.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "probes/icmp_codec.hpp"
#include "probes/sequence_window.hpp"

using namespace linekeeper;

namespace {
constexpr runtime::HashKey kSecret{0x1d63e0a57f4b2c98, 0x8f0e5a2b6c7d3149};

std::size_t copied(const probes::EchoPacket& packet, std::uint8_t* data, std::size_t most) {
  const auto size = packet.size() < most ? packet.size() : most;
  std::memcpy(data, packet.data(), size);
  return size;
}
}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// Half of the time starts from a well-formed packet: the magic alone would take the fuzzer for ever.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  if (seed % 2 == 0) {
    model::IpAddress target;
    if (seed % 4 == 0) target.family = model::Family::V6;
    size = copied(probes::echo_request({seed, 1}, target, seed / 8), data, max_size);
    if (seed % 16 < 8 && size > 0) data[0] = target.family == model::Family::V4 ? 0 : 129;
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const runtime::HashKey key{runtime::keyed_hash(kSecret, bytes), kSecret.k1};
  probes::SequenceWindow window;
  for (std::uint64_t s = 65'400; s < 65'700; ++s) window.add({.sequence = s, .target = 0, .sent = {}});
  for (const auto family : {model::Family::V4, model::Family::V6}) {
    model::IpAddress address;
    address.family = family;
    if (probes::parse_echo_reply(key, address, bytes)) std::abort();
    const auto quoted = probes::parse_quoted_request(key, address, bytes);
    if (!quoted) continue;
    if (quoted->sequence || size >= probes::kEchoSize) std::abort();
    const auto probe = window.waiting(quoted->low_bits);
    if (probe && (!window.reject(probe->sequence) || window.reject(probe->sequence) || !window.answer(probe->sequence))) std::abort();
  }
  return 0;
}
