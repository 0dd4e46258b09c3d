// Any bytes as a DNS server's answer to an update: never believed, for nobody else has the key.
#include <cstdint>
#include <cstdlib>

#include "carriers/trunks/dns_update.hpp"

using namespace linekeeper::trunks;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kNow = 1'795'367'704;
  static const auto key = *make_tsig_key("linekeeper.", "c2l4dGVlbiBieXRlcyBsb25nIQ==");
  static const auto asked = *dns_update(
      "lab.example.", {.owner = "order.lab.example.", .type = RecordType::SRV, .ttl = 5, .values = {"10 0 5060 sbc.example."}}, 0x1234, key, kNow);
  const std::span message(data, size);
  if (dns_reply(message, asked, key, kNow)) std::abort();
  const auto verdict = tsig_verify(message, key, asked.mac, kNow).verdict;
  if (verdict == TsigVerdict::Good || verdict == TsigVerdict::BadTime) std::abort();
  return 0;
}
