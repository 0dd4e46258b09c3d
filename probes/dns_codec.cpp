#include "probes/dns_codec.hpp"

#include <algorithm>

namespace linekeeper::probes {
namespace {

constexpr std::size_t kLongestLabel = 63, kLongestName = 255;                                      // RFC 1035 2.3.4
constexpr std::uint8_t kResponse = 0x80, kOpcode = 0x78, kRecursionDesired = 0x01, kRcode = 0x0f;  // of bytes 2 and 3

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// The letter in the case that the next of `letters` says.
std::uint8_t dressed(char c, std::uint64_t& letters) {
  const bool capital = c >= 'A' && c <= 'Z';
  if (!capital && !(c >= 'a' && c <= 'z')) return static_cast<std::uint8_t>(c);
  const auto small = static_cast<std::uint8_t>(capital ? c - 'A' + 'a' : c);
  const bool raise = (letters & 1) != 0;
  letters >>= 1;
  return raise ? static_cast<std::uint8_t>(small - 'a' + 'A') : small;
}

}  // namespace

std::vector<std::uint8_t> dns_query(std::string_view name, std::uint16_t id, std::uint64_t letters) {
  std::vector<std::uint8_t> out;
  out.reserve(kDnsHead + name.size() + 6);
  put16(out, id);
  for (const std::uint16_t word : {std::uint16_t{kRecursionDesired << 8U}, std::uint16_t{1}, std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0}})
    put16(out, word);  // flags; one question, no answer, authority or additional record
  if (name.ends_with('.')) name.remove_suffix(1);
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > kLongestLabel) return {};
    out.push_back(static_cast<std::uint8_t>(label.size()));
    for (const char c : label) out.push_back(dressed(c, letters));
    name.remove_prefix(label.size());
    if (name.starts_with('.')) name.remove_prefix(1);
    if (name.empty()) break;
  }
  out.push_back(0);
  if (out.size() - kDnsHead > kLongestName) return {};
  put16(out, 1);  // QTYPE A
  put16(out, 1);  // QCLASS IN
  return out;
}

std::optional<std::uint16_t> dns_id(std::span<const std::uint8_t> message) {
  if (message.size() < kDnsHead) return std::nullopt;
  return static_cast<std::uint16_t>(message[0] << 8 | message[1]);
}

std::optional<int> dns_answer(std::span<const std::uint8_t> message, std::span<const std::uint8_t> query) {
  if (query.size() < kDnsHead || message.size() < query.size()) return std::nullopt;
  const bool same_id = std::ranges::equal(message.first(2), query.first(2));
  const bool response = (message[2] & kResponse) != 0 && (message[2] & kOpcode) == (query[2] & kOpcode);
  const bool one_question = message[4] == 0 && message[5] == 1;
  const auto question = query.subspan(kDnsHead);
  if (!same_id || !response || !one_question || !std::ranges::equal(message.subspan(kDnsHead, question.size()), question)) return std::nullopt;
  return message[3] & kRcode;
}

}  // namespace linekeeper::probes
