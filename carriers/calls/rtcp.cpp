#include "carriers/calls/rtcp.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>

namespace linekeeper::calls {
namespace {

constexpr std::uint8_t kSenderReport = 200, kReceiverReport = 201;
constexpr std::size_t kHead = 8, kSenderInfo = 20, kBlock = 24;
constexpr double kTimestamps = 8000, kFractionOne = 256;

ReceiverReport report(double fraction, double jitter) {
  return {.loss_ratio = fraction / kFractionOne,
          .jitter = std::chrono::duration_cast<model::Duration>(std::chrono::duration<double>(jitter / kTimestamps))};
}

std::uint32_t u32(std::string_view b, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<std::uint8_t>(b[at + i]);
  return v;
}

/// A compound packet (RFC 3550 6.1).
std::vector<ReceiverReport> read_packets(std::string_view rest) {
  std::vector<ReceiverReport> reports;
  while (rest.size() >= kHead) {
    const auto first = static_cast<std::uint8_t>(rest[0]), type = static_cast<std::uint8_t>(rest[1]);
    const std::size_t length = 4 * (1 + (std::size_t{static_cast<std::uint8_t>(rest[2])} << 8 | static_cast<std::uint8_t>(rest[3])));
    if (first >> 6 != 2 || length > rest.size()) return {};
    std::size_t at = type == kSenderReport ? kHead + kSenderInfo : kHead;
    const std::size_t count = type == kSenderReport || type == kReceiverReport ? first & 0x1FU : 0;
    if (at + count * kBlock > length && count > 0) return {};
    for (std::size_t i = 0; i < count && reports.size() < kMostReports; ++i, at += kBlock)
      reports.push_back(report(static_cast<std::uint8_t>(rest[at + 4]), u32(rest, at + 12)));
    rest.remove_prefix(length);
  }
  return rest.empty() ? reports : std::vector<ReceiverReport>();
}

std::vector<ReceiverReport> read_json(std::string_view text) {
  namespace json = boost::json;
  boost::system::error_code error;
  json::parse_options bounded;
  bounded.max_depth = 8;
  const json::value all = json::parse(text, error, {}, bounded);
  const json::object* object = error ? nullptr : all.if_object();
  const json::value* blocks = object != nullptr ? object->if_contains("report_blocks") : nullptr;
  if (blocks == nullptr || !blocks->is_array()) return {};
  std::vector<ReceiverReport> reports;
  for (const json::value& block : blocks->get_array()) {
    const json::object* one = block.if_object();
    const auto number = [&](const char* key) -> std::optional<double> {
      const json::value* v = one != nullptr ? one->if_contains(key) : nullptr;
      if (v == nullptr || !v->is_number()) return std::nullopt;
      return v->to_number<double>();
    };
    const auto fraction = number("fraction_lost"), jitter = number("ia_jitter");
    if (!fraction || !jitter || *fraction < 0 || *fraction >= kFractionOne || *jitter < 0 || *jitter > UINT32_MAX) return {};
    if (reports.size() < kMostReports) reports.push_back(report(*fraction, *jitter));
  }
  return reports;
}

}  // namespace

std::vector<ReceiverReport> read_rtcp(std::string_view payload) { return payload.starts_with('{') ? read_json(payload) : read_packets(payload); }

}  // namespace linekeeper::calls
