// Any bytes as a SIP response. libosip2 is not instrumented, so plain byte mutation learns nothing inside it: half of the
// inputs are made here, header lines of a good response swapped, repeated, cut and filled with what has hurt parsers before.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "carriers/sip/message.hpp"
#include "carriers/sip/options_transaction.hpp"

using namespace linekeeper;

namespace {

const sip::TransactionIds kIds{.branch = "z9hG4bK0123456789abcdef0123456789abcdef", .call_id = "abcd", .from_tag = "ef01", .cseq = 7};

constexpr std::array kLines{"SIP/2.0 200 OK",
                            "SIP/2.0 503 ",
                            "Via: SIP/2.0/UDP 192.0.2.10:40123;rport=40999;branch=z9hG4bK0123456789abcdef0123456789abcdef;received=203.0.113.9",
                            "v: SIP / 2.0 / UDP [2001:db8::1]:5060 ;branch = z9hG4bKx ;received=[2001:db8::9] (comment)",
                            "From: \"A \\\" B\" <sip:site42@192.0.2.10>;tag=ef01",
                            "To: <sip:sip.north.example>;tag=b27e",
                            "Call-ID: abcd",
                            "CSeq: 7 OPTIONS",
                            "Content-Length: 0",
                            "Retry-After: 120 (soon);duration=5",
                            "Contact: <sip:x>,<sip:y>",
                            " folded"};
constexpr std::array kPieces{";",          ",",  "=",    ":",    "\"",         "<",      ">",       "(",        ")",        "[",  "]",
                             "%00",        "\\", "\t",   " ",    "\r",         "\n",     "\r\n",    "\r\n\r\n", ";branch=", ";;", "=;",
                             "4294967296", "-1", "\xff", "\x80", ";received=", ";rport", "SIP/2.0", "/",        "@"};

std::string made(std::minstd_rand& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  std::vector<std::string> lines{kLines[below(8) == 0 ? 1 : 0]};
  for (std::size_t i = 2; i < 9; ++i)
    if (below(30) != 0) lines.emplace_back(kLines[i]);
  for (auto extra = below(3); extra > 0; --extra)
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(1 + below(lines.size())), kLines[below(kLines.size())]);
  for (auto turns = below(4); turns > 0; --turns) {
    auto& line = lines[below(lines.size())];
    const auto at = below(line.size() + 1);
    if (below(3) == 0)
      line.erase(at, 1 + below(12));
    else
      for (auto times = below(20) == 0 ? below(200) : 1; times > 0; --times) line.insert(at, kPieces[below(kPieces.size())]);
  }
  std::string text;
  for (const auto& line : lines) text += line + "\r\n";
  return text + "\r\n";
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  std::minstd_rand random(seed);
  const auto text = made(random);
  const auto length = text.size() < max_size ? text.size() : max_size;
  std::memcpy(data, text.data(), length);
  return length;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto response = sip::parse_response(text);
  if (!response) return 0;
  if (response->status < 100 || response->status > 699 || response->branch.empty() || response->cseq > 0x7fffffff) std::abort();
  if (response->retry_after && (*response->retry_after < model::Duration::zero() || *response->retry_after > std::chrono::hours(24))) std::abort();
  sip::OptionsTransaction t(kIds, std::chrono::seconds(3), model::Instant{});
  const auto step = t.on_response(*response, model::Instant{});
  // What counts as ours must have said so.
  if (!step.inert && (!text.contains(kIds.branch) || !text.contains(kIds.call_id) || !text.contains("OPTIONS"))) std::abort();
  if (step.outcome && (step.outcome->code < 200 || step.outcome->code > 699)) std::abort();
  return 0;
}
