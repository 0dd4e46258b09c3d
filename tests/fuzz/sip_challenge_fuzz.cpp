// Any bytes as the value of a WWW-Authenticate: what is taken must be answerable, and its answer must be one header line whose quotes
// are closed. The answer itself is not read back: it is no challenge.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "carriers/sip/digest.hpp"

using namespace linekeeper;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  static_cast<void>(sip::challenge_in(text));
  const auto challenge = sip::parse_challenge(text, size % 2 == 0);
  if (!challenge) return 0;
  if (challenge->nonce.empty()) std::abort();
  sip::DigestSession session({.user = "site42", .password = "secret"}, runtime::SeededRandom(1));
  if (!session.take(*challenge)) std::abort();
  const auto header = session.header("OPTIONS", "sip:north.example");
  if (!header) return 0;  // this host's OpenSSL may refuse MD5
  if (header->second.find_first_of("\r\n") != std::string::npos) std::abort();
  bool quoted = false;
  for (std::size_t i = 0; i < header->second.size(); ++i) {
    if (header->second[i] == '\\' && quoted)
      ++i;
    else if (header->second[i] == '"')
      quoted = !quoted;
  }
  if (quoted) std::abort();
  return 0;
}
