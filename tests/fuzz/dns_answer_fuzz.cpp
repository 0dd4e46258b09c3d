// Any bytes as the answer to a query, and any text as a name. Beside not crashing: without the id and the case of the letters nothing
// matches. Both follow from the input, because libFuzzer watches comparisons and copies what it sees compared.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/runtime/seeded_random.hpp"
#include "probes/dns_codec.hpp"

using namespace linekeeper;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const std::uint64_t secret = runtime::keyed_hash({0x1d63e0a57f4b2c98, 0x8f0e5a2b6c7d3149}, bytes);
  const auto query = probes::dns_query("a.root-servers.net", static_cast<std::uint16_t>(secret), secret >> 16);
  // Thirty-one bits by chance: once in two thousand million inputs.
  if (probes::dns_answer(bytes, query)) std::abort();
  const auto any = probes::dns_query({reinterpret_cast<const char*>(data), size}, 1, secret);
  if (!any.empty() && (any.size() > probes::kDnsHead + 255 + 4 || any.size() < probes::kDnsHead + 5)) std::abort();
  if (!any.empty() && probes::dns_id(any) != 1) std::abort();
  auto answer = any;
  if (!answer.empty()) {
    answer[2] |= 0x80;
    answer[3] = static_cast<std::uint8_t>(size & 0xf);
    answer.insert(answer.end(), bytes.begin(), bytes.end());
    if (probes::dns_answer(answer, any) != static_cast<int>(size & 0xf)) std::abort();
  }
  return 0;
}
