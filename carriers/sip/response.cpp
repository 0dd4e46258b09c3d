#include <sys/time.h>

#include <ctime>
// libosip2's headers need the two above.
#include <osipparser2/osip_parser.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "carriers/sip/message.hpp"
#include "carriers/sip/message_head.hpp"

namespace linekeeper::sip {
namespace {

template <class T>
using Parsed = std::expected<T, Malformed>;

struct FreeVia {
  void operator()(osip_via_t* v) const { osip_via_free(v); }
};

constexpr std::string_view kBlank = " \t";

/// The whole of `s` as a decimal number, nothing else around it.
template <class T>
std::optional<T> number(std::string_view s) {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (s.empty() || s[0] == '-' || error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

/// RFC 3261 7.2: "SIP/2.0 SP 3DIGIT SP reason". @return the status
Parsed<int> read_status(std::string_view line) {
  if (line.ends_with(" SIP/2.0")) return std::unexpected(Malformed::Request);
  if (!line.starts_with("SIP/2.0 ") || line.size() < 12 || line[11] != ' ') return std::unexpected(Malformed::StatusLine);
  const auto status = number<int>(line.substr(8, 3));
  if (!status || *status < 100 || *status > 699) return std::unexpected(Malformed::StatusLine);
  return *status;
}

/// RFC 3261 20.16: digits, white space, method.
Parsed<void> read_cseq(std::string_view value, Response& out) {
  const auto blank = value.find_first_of(kBlank);
  if (blank == std::string_view::npos) return std::unexpected(Malformed::Field);
  const auto n = number<std::uint32_t>(value.substr(0, blank));
  const auto method = trimmed(value.substr(blank));
  if (!n || *n > 0x7fffffff || !is_token(method)) return std::unexpected(Malformed::Field);
  out.cseq = *n;
  out.cseq_method = method;
  return {};
}

/// A parameter of a Via; empty when it is there without a value, nothing when it is not there.
std::optional<std::string_view> parameter(const osip_via_t& via, const char* name) {
  osip_generic_param_t* found = nullptr;
  std::string copy(name);  // the library takes a char*, and a Via that it only reads
  if (osip_via_param_get_byname(const_cast<osip_via_t*>(&via), copy.data(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gvalue == nullptr ? std::string_view{} : std::string_view(found->gvalue);
}

/// RFC 7339 4: "oc=20;oc-algo=\"loss\";oc-validity=1000". What cannot be read, or is of an algorithm we have not offered, is not there.
std::optional<model::SipOverload> read_overload(const osip_via_t& via) {
  constexpr int kDefaultValidity = 500, kLongestValidity = 86'400'000;  // milliseconds; RFC 7339 4.3
  const auto oc = parameter(via, "oc");
  if (!oc) return std::nullopt;
  const auto percent = number<int>(*oc);
  if (!percent || *percent > 100) return std::nullopt;
  if (auto algorithm = parameter(via, "oc-algo"); algorithm && *algorithm != "\"loss\"" && *algorithm != "loss") return std::nullopt;
  const auto given = parameter(via, "oc-validity");
  const auto validity = given ? number<int>(*given) : std::optional(kDefaultValidity);
  if (!validity) return std::nullopt;
  return model::SipOverload{.percent = *percent, .valid = std::chrono::milliseconds(std::min(*validity, kLongestValidity))};
}

Parsed<void> read_via(const std::string& value, Response& out) {
  if (value.contains(',')) return std::unexpected(Malformed::Repeated);  // a second Via on the line: ours has no comma anywhere
  osip_via_t* raw = nullptr;
  if (osip_via_init(&raw) != 0) return std::unexpected(Malformed::Field);
  const std::unique_ptr<osip_via_t, FreeVia> via(raw);
  if (osip_via_parse(via.get(), value.c_str()) != 0) return std::unexpected(Malformed::Field);
  const auto branch = parameter(*via, "branch");
  if (!branch || branch->empty()) return std::unexpected(Malformed::Field);
  out.branch = *branch;
  if (auto received = parameter(*via, "received")) {
    if (received->starts_with('[') && received->ends_with(']') && received->size() > 2) received = received->substr(1, received->size() - 2);
    out.received = model::IpAddress::parse(*received);  // unreadable: as if it were not there
  }
  if (const auto rport = parameter(*via, "rport")) out.rport = number<std::uint16_t>(*rport);
  out.overload = read_overload(*via);
  return {};
}

/// RFC 3261 20.33: seconds, then perhaps a comment and parameters.
std::optional<model::Duration> read_retry_after(std::string_view value) {
  const auto digits = value.substr(0, value.find_first_not_of("0123456789"));
  if (digits.empty()) return std::nullopt;
  constexpr std::uint32_t day = 86400;
  return std::chrono::seconds(digits.size() > 5 ? day : std::min(number<std::uint32_t>(digits).value_or(day), day));
}

}  // namespace

std::expected<Response, Malformed> parse_response(std::string_view datagram) {
  const auto head = split_message(datagram);
  if (!head) return std::unexpected(head.error());
  const auto status = read_status(head->start_line);
  if (!status) return std::unexpected(status.error());
  for (const std::string_view needed : {"via", "from", "to", "call-id", "cseq"}) {
    if (head->count(needed) > 1) return std::unexpected(Malformed::Repeated);
    if (const std::string* value = head->only(needed); value == nullptr || value->empty()) return std::unexpected(Malformed::Missing);
  }
  for (const std::string_view once : {"content-length", "retry-after"})
    if (head->count(once) > 1) return std::unexpected(Malformed::Repeated);
  if (const std::string* value = head->only("content-length")) {
    const auto length = number<std::size_t>(*value);
    if (!length || *length > head->body.size()) return std::unexpected(Malformed::ContentLength);
  }

  Response out;
  out.bytes = datagram.size();
  out.status = *status;
  out.call_id = *head->only("call-id");
  if (const auto read = read_cseq(*head->only("cseq"), out); !read) return std::unexpected(read.error());
  if (const auto read = read_via(*head->only("via"), out); !read) return std::unexpected(read.error());
  if (const std::string* value = head->only("retry-after")) out.retry_after = read_retry_after(*value);
  out.challenge = challenge_in(*head);
  return out;
}

}  // namespace linekeeper::sip
