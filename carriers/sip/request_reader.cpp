#include "carriers/sip/request_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "carriers/sip/dialog_fields.hpp"
#include "carriers/sip/message_head.hpp"

namespace linekeeper::sip {
namespace {

constexpr std::size_t kMostVias = 32, kMostRecordRoutes = 32;
constexpr std::size_t kLongestField = 2048;  // of one that is copied into an answer

template <class T>
std::optional<T> number(std::string_view s) {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (s.empty() || s.front() == '-' || error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return value;
}

struct RequestLine {
  std::string_view method, uri, version;
};

/// RFC 3261 7.1: three parts, single spaces between them.
std::optional<RequestLine> read_line(std::string_view line) {
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  return RequestLine{.method = line.substr(0, first), .uri = line.substr(first + 1, last - first - 1), .version = line.substr(last + 1)};
}

std::string scheme_of(std::string_view uri) { return lower(uri.substr(0, uri.find(':'))); }

/// Host and port of a SIP URI: an IPv6 address only in brackets (RFC 5118 4.2), a port that is one.
bool host_fits(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return false;
    const auto address = model::IpAddress::parse(std::string(text.substr(1, close - 1)));
    if (!address || address->family != model::Family::V6) return false;
    port = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    if (text.empty() || colon == 0) return false;
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  return port.empty() || (port.front() == ':' && number<std::uint16_t>(port.substr(1)).value_or(0) != 0);
}

/// A Request-URI as far as it matters here: no blanks, no brackets around it, and a host where the scheme has one.
bool uri_fits(std::string_view uri) {
  if (uri.empty() || std::ranges::any_of(uri, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>' || c == '"'; }))
    return false;
  const auto scheme = scheme_of(uri);
  if (scheme != "sip" && scheme != "sips") return uri.contains(':');
  std::string_view rest = uri.substr(scheme.size() + 1);
  // A user may hold ';' and '?' (RFC 3261 19.1.1): what stands before the '@' is not looked at.
  if (const auto at = rest.find('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  return host_fits(rest.substr(0, rest.find_first_of(";?")));
}

/// Quotes that are opened are closed.
bool quotes_fit(std::string_view value) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\')
      ++i;
    else if (value[i] == '"')
      quoted = !quoted;
  }
  return !quoted;
}

/// Splits "host:port" or "[v6]:port". @return false when the port is none
bool read_sent_by(std::string_view text, Request& out) {
  auto colon = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  colon = text.find(':', colon == std::string_view::npos ? 0 : colon);
  out.sent_by = trimmed(text.substr(0, colon));
  if (out.sent_by.empty() || out.sent_by.size() > 255) return false;
  if (colon == std::string_view::npos) return true;
  const auto port = number<std::uint16_t>(trimmed(text.substr(colon + 1)));
  if (!port || *port == 0) return false;
  out.sent_by_port = *port;
  return true;
}

/// RFC 3261 20.42: "SIP / 2.0 / UDP host:port ; parameters", with blanks where RFC 4475 3.1.1.1 likes them.
bool read_top_via(std::string_view via, Request& out) {
  const auto semicolon = via.find(';');
  std::string_view head = trimmed(via.substr(0, semicolon));
  std::array<std::string_view, 2> protocol;
  for (auto& part : protocol) {
    const auto slash = head.find('/');
    if (slash == std::string_view::npos) return false;
    part = trimmed(head.substr(0, slash));
    head = trimmed(head.substr(slash + 1));
  }
  const auto blank = head.find_first_of(" \t");
  if (lower(protocol[0]) != "sip" || protocol[1] != "2.0" || blank == std::string_view::npos || !is_token(head.substr(0, blank))) return false;
  out.transport = lower(head.substr(0, blank));
  std::ranges::transform(out.transport, out.transport.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (!read_sent_by(trimmed(head.substr(blank)), out)) return false;
  // A Via has no brackets around an address: all its parameters are its own.
  const auto parameters = "<x>" + std::string(semicolon == std::string_view::npos ? std::string_view() : via.substr(semicolon));
  out.branch = address_parameter(parameters, "branch").value_or("");
  out.rport = address_parameter(parameters, "rport").has_value();
  return true;
}

bool read_cseq(std::string_view value, Request& out) {
  const auto blank = value.find_first_of(" \t");
  if (blank == std::string_view::npos) return false;
  const auto n = number<std::uint32_t>(value.substr(0, blank));
  out.cseq_method = trimmed(value.substr(blank));
  if (!n || *n > 0x7fffffff || !is_token(out.cseq_method)) return false;
  out.cseq = *n;
  return true;
}

/// The fields without which nothing can be answered.
std::expected<void, Malformed> read_answerable(const MessageHead& head, Request& out) {
  for (const std::string_view needed : {"from", "to", "call-id", "cseq"}) {
    if (head.count(needed) > 1) return std::unexpected(Malformed::Repeated);
    const std::string* value = head.only(needed);
    if (value == nullptr || value->empty()) return std::unexpected(Malformed::Missing);
    if (value->size() > kLongestField) return std::unexpected(Malformed::Field);
  }
  out.vias = head.list("via");
  if (out.vias.empty()) return std::unexpected(Malformed::Missing);
  if (out.vias.size() > kMostVias || std::ranges::any_of(out.vias, [](const auto& v) { return v.size() > kLongestField; }))
    return std::unexpected(Malformed::Field);
  if (!read_top_via(out.vias.front(), out)) return std::unexpected(Malformed::Field);
  out.from = *head.only("from");
  out.to = *head.only("to");
  out.call_id = *head.only("call-id");
  out.cseq_value = *head.only("cseq");
  out.to_tag = address_parameter(out.to, "tag").value_or("");
  out.record_routes = head.list("record-route");
  if (out.record_routes.size() > kMostRecordRoutes) return std::unexpected(Malformed::Field);
  return {};
}

/// What is wrong with a request that can be answered; 0: nothing.
int wrong(const MessageHead& head, const RequestLine& line, Incoming& in) {
  constexpr int kBadRequest = 400, kUnsupportedScheme = 416, kBadExtension = 420, kTooManyHops = 483, kVersion = 505, kTooLarge = 513;
  if (line.version != "SIP/2.0") return lower(line.version).starts_with("sip/") ? kVersion : kBadRequest;
  if (!uri_fits(line.uri)) return kBadRequest;
  if (!read_cseq(*head.only("cseq"), in.request) || in.request.cseq_method != in.request.method) return kBadRequest;
  for (const std::string_view once : {"content-length", "max-forwards"})
    if (head.count(once) > 1) return kBadRequest;
  if (const std::string* value = head.only("content-length")) {
    const auto length = number<std::size_t>(*value);
    if (!length || *length > in.request.body.size()) return kBadRequest;
    in.request.body = in.request.body.substr(0, *length);
  }
  if (const std::string* value = head.only("max-forwards")) {
    const auto hops = number<std::uint32_t>(*value);
    if (!hops || *hops > 255) return kBadRequest;
    if (*hops == 0 && in.request.method != "OPTIONS") return kTooManyHops;  // an OPTIONS is answered by whom it has reached (RFC 3261 11.2)
  }
  if (!quotes_fit(in.request.from) || !quotes_fit(in.request.to)) return kBadRequest;
  if (address_uri(in.request.from).empty() || address_uri(in.request.to).empty()) return kBadRequest;
  const auto scheme = scheme_of(line.uri);
  if (scheme != "sip" && scheme != "sips" && scheme != "tel") return kUnsupportedScheme;
  if (auto wanted = head.list("require"); !wanted.empty() && in.request.method != "ACK" && in.request.method != "CANCEL") {
    std::string all;
    for (const std::string& one : wanted) all += (all.empty() ? "" : ", ") + one;
    if (all.size() > kLongestField) return kTooLarge;
    in.more.emplace_back("Unsupported", std::move(all));
    return kBadExtension;
  }
  return 0;
}

}  // namespace

std::expected<Incoming, Malformed> parse_request(std::string_view datagram) {
  auto head = split_message(datagram);
  if (!head) return std::unexpected(head.error());
  if (head->start_line.starts_with("SIP/")) return std::unexpected(Malformed::StatusLine);
  const auto line = read_line(head->start_line);
  if (!line || !is_token(line->method) || line->method.size() > 64) return std::unexpected(Malformed::StatusLine);
  Incoming in;
  in.request.method = line->method;
  in.request.uri = line->uri;
  in.request.body = head->body;
  if (const auto read = read_answerable(*head, in.request); !read) return std::unexpected(read.error());
  in.status = wrong(*head, *line, in);
  return in;
}

std::string transaction_key(const Request& r) {
  // An ACK belongs to the INVITE that it acknowledges; a CANCEL is a transaction of its own with the INVITE's branch.
  const std::string& method = r.method == "ACK" ? "INVITE" : r.method;
  const std::string sent_by = lower(r.sent_by) + ":" + std::to_string(r.sent_by_port);
  if (r.branch.starts_with("z9hG4bK") && r.branch.size() > 7) return r.branch + "|" + sent_by + "|" + method;
  return r.call_id + "|" + std::to_string(r.cseq) + "|" + r.from + "|" + r.uri + "|" + r.vias.front() + "|" + method;
}

}  // namespace linekeeper::sip
