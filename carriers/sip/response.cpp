#include <sys/time.h>

#include <ctime>
// libosip2's headers need the two above.
#include <osipparser2/osip_parser.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "carriers/sip/message.hpp"

namespace linekeeper::sip {
namespace {

template <class T>
using Parsed = std::expected<T, Malformed>;

struct FreeVia {
  void operator()(osip_via_t* v) const { osip_via_free(v); }
};

constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token(std::string_view s) {  // RFC 3261 25.1
  return !s.empty() && std::ranges::all_of(s, [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || std::string_view("-.!%*_+`'~").contains(c);
  });
}

/// The whole of `s` as a decimal number, nothing else around it.
template <class T>
std::optional<T> number(std::string_view s) {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (s.empty() || s[0] == '-' || error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

/// The fields we read, unfolded and trimmed. Everything else is skipped.
struct Fields {
  std::optional<std::string> via, from, to, call_id, cseq, content_length, retry_after;

  std::optional<std::string>* named(std::string_view name) {
    std::string n(name);
    std::ranges::transform(n, n.begin(), lower);
    if (n == "via" || n == "v") return &via;
    if (n == "from" || n == "f") return &from;
    if (n == "to" || n == "t") return &to;
    if (n == "call-id" || n == "i") return &call_id;
    if (n == "cseq") return &cseq;
    if (n == "content-length" || n == "l") return &content_length;
    if (n == "retry-after") return &retry_after;
    return nullptr;
  }
};

/// RFC 3261 7.2: "SIP/2.0 SP 3DIGIT SP reason". @return the status
Parsed<int> read_status(std::string_view line) {
  if (line.ends_with(" SIP/2.0")) return std::unexpected(Malformed::Request);
  if (!line.starts_with("SIP/2.0 ") || line.size() < 12 || line[11] != ' ') return std::unexpected(Malformed::StatusLine);
  const auto status = number<int>(line.substr(8, 3));
  if (!status || *status < 100 || *status > 699) return std::unexpected(Malformed::StatusLine);
  return *status;
}

/// @param head the header lines, each ended by CRLF
Parsed<Fields> read_fields(std::string_view head) {
  Fields fields;
  std::optional<std::string>* last = nullptr;  // where a folded line (RFC 3261 7.3.1) goes on
  bool any = false;
  for (std::size_t lines = 0; !head.empty(); ++lines) {
    if (lines == kMostHeaderLines) return std::unexpected(Malformed::TooManyHeaders);
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (kBlank.contains(line.empty() ? 'x' : line[0])) {
      if (!any) return std::unexpected(Malformed::HeaderLine);
      if (last != nullptr) ((** last += ' ') += trimmed(line));
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(trimmed(line.substr(0, colon)))) return std::unexpected(Malformed::HeaderLine);
    any = true;
    last = fields.named(trimmed(line.substr(0, colon)));
    if (last == nullptr) continue;
    if (*last) return std::unexpected(Malformed::Repeated);
    *last = std::string(trimmed(line.substr(colon + 1)));
  }
  return fields;
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
std::optional<std::string_view> parameter(osip_via_t& via, const char* name) {
  osip_generic_param_t* found = nullptr;
  std::string copy(name);  // the library takes a char*
  if (osip_via_param_get_byname(&via, copy.data(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gvalue == nullptr ? std::string_view{} : std::string_view(found->gvalue);
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
  if (datagram.size() > kLargestDatagram) return std::unexpected(Malformed::TooLarge);
  const std::size_t bytes = datagram.size();
  const auto start = datagram.find_first_not_of("\r\n");  // RFC 3261 7.5: empty lines before the start line are ignored
  if (start == std::string_view::npos) return std::unexpected(Malformed::KeepAlive);
  datagram.remove_prefix(start);
  const auto end = datagram.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::unexpected(Malformed::Unterminated);
  auto head = datagram.substr(0, end + 2);
  const auto body = datagram.substr(end + 4);
  for (std::size_t i = 0; i < head.size(); ++i) {
    const bool pair = head[i] == '\r' && i + 1 < head.size() && head[i + 1] == '\n';
    if (head[i] == '\0' || (!pair && (head[i] == '\r' || head[i] == '\n'))) return std::unexpected(Malformed::Characters);
    if (pair) ++i;
  }

  const auto first_line = head.substr(0, head.find("\r\n"));
  head.remove_prefix(first_line.size() + 2);
  const auto status = read_status(first_line);
  if (!status) return std::unexpected(status.error());
  const auto fields = read_fields(head);
  if (!fields) return std::unexpected(fields.error());
  for (const auto* needed : {&fields->via, &fields->from, &fields->to, &fields->call_id, &fields->cseq})
    if (!*needed || (*needed)->empty()) return std::unexpected(Malformed::Missing);
  if (fields->content_length) {
    const auto length = number<std::size_t>(*fields->content_length);
    if (!length || *length > body.size()) return std::unexpected(Malformed::ContentLength);
  }

  Response out;
  out.bytes = bytes;
  out.status = *status;
  out.call_id = *fields->call_id;
  if (const auto read = read_cseq(*fields->cseq, out); !read) return std::unexpected(read.error());
  if (const auto read = read_via(*fields->via, out); !read) return std::unexpected(read.error());
  if (fields->retry_after) out.retry_after = read_retry_after(*fields->retry_after);
  return out;
}

}  // namespace linekeeper::sip
