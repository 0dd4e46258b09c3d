// Any bytes as a STAMP request and as a reply. Beside not crashing: an answer is as long as its question and is read back as what was
// written; nobody who does not know the timestamp has a reply taken for one; sessions and rates stay within their bounds.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "probes/stamp_codec.hpp"
#include "probes/stamp_reflector.hpp"

using namespace linekeeper;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  if (const auto reply = probes::parse_stamp_reply(bytes)) {
    (void)probes::between(reply->received, reply->sent);
    const runtime::HashKey secret{0x1d63e0a57f4b2c98, runtime::keyed_hash({1, 2}, bytes)};
    model::IpAddress target;
    const auto shown = probes::marked({0xe6cf5a8080000000}, secret, target, reply->request.sequence);
    if ((shown.bits >> 16) != (0xe6cf5a8080000000U >> 16)) std::abort();
  }
  probes::StampReflector reflector({.stateful = size % 2 == 0, .from = {}, .packets_per_second = 3, .each_per_second = 2}, 862);
  std::vector<std::uint8_t> out(size);
  for (std::uint16_t n = 0; n < 5; ++n) {
    const probes::Reflected packet{.source = {}, .port = static_cast<std::uint16_t>(1000 + n), .ttl = 9, .received = {7}, .bytes = bytes};
    const auto answered = reflector.answer(packet, {8}, model::Instant(std::chrono::hours(1)), out);
    if (!answered) continue;
    if (n >= 2 || *answered != size) std::abort();
    const auto request = probes::parse_stamp_request(bytes);
    const auto read = probes::parse_stamp_reply(out);
    if (!request || !read || read->request.sequence != request->sequence || read->request.sent != request->sent || read->received.bits != 7 ||
        read->sent.bits != 8 || read->ttl != 9)
      std::abort();
    if (read->sequence != (size % 2 == 0 ? 0 : request->sequence)) std::abort();
  }
  return 0;
}
