#include "carriers/calls/call_reader.hpp"

#include <algorithm>
#include <charconv>

namespace linekeeper::calls {
namespace {

constexpr std::string_view kVersion = "SIP/2.0";

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }  // folded lines (RFC 3261 7.3.1) are read as one

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Names of headers, methods' parameters and reasons are compared so (RFC 3261 7.3.1).
bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::uint32_t> number(std::string_view s) {
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
  return error == std::errc{} && end == s.data() + s.size() ? std::optional(n) : std::nullopt;
}

Method method_of(std::string_view word) {  // case counts in methods
  if (word == "INVITE") return Method::Invite;
  if (word == "ACK") return Method::Ack;
  if (word == "CANCEL") return Method::Cancel;
  if (word == "BYE") return Method::Bye;
  return Method::Other;
}

/// The next piece of `rest` up to `end` or the first of several values, outside quotes and <>. What follows stays in `rest`.
std::string_view piece(std::string_view& rest, char end) {
  bool quoted = false, angled = false;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '<') {
      angled = true;
    } else if (c == '>') {
      angled = false;
    } else if (!angled && (c == end || c == ',')) {
      break;
    }
  }
  i = std::min(i, rest.size());
  const std::string_view taken = rest.substr(0, i);
  rest = i < rest.size() && rest[i] == end ? rest.substr(i + 1) : std::string_view();
  return trimmed(taken);
}

/// The parameter of the first value of a header.
std::string_view parameter(std::string_view value, std::string_view name) {
  piece(value, ';');
  while (!value.empty()) {
    const std::string_view one = piece(value, ';');
    const std::size_t equals = one.find('=');
    if (equals != std::string_view::npos && same(trimmed(one.substr(0, equals)), name)) return trimmed(one.substr(equals + 1));
  }
  return {};
}

/// One header with its folded lines, taken from `rest`. @return false: no more, or a line that is none
bool next_header(std::string_view& rest, std::string_view& name, std::string_view& value) {
  std::size_t end = 0;
  while (true) {
    end = rest.find('\n', end);
    if (end == std::string_view::npos) end = rest.size();
    if (end + 1 >= rest.size() || (rest[end + 1] != ' ' && rest[end + 1] != '\t')) break;
    ++end;
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;  // the empty line before the body as well
  name = trimmed(line.substr(0, colon));
  value = trimmed(line.substr(colon + 1));
  return true;
}

bool start_line(std::string_view line, SipSeen& seen) {
  line = trimmed(line);
  if (line.starts_with(kVersion)) {
    const auto status = number(line.substr(std::min(kVersion.size() + 1, line.size()), 3));
    if (!status || *status < 100 || *status > 699 || line[kVersion.size()] != ' ') return false;
    seen.status = static_cast<int>(*status);
    return true;
  }
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !line.ends_with(kVersion) || line.size() < space + 2 + kVersion.size()) return false;
  seen.method = method_of(line.substr(0, space));
  return true;
}

/// "7 INVITE"
bool read_cseq(std::string_view value, SipSeen& seen) {
  const std::size_t space = std::min(value.find_first_of(" \t\r\n"), value.size());
  const auto n = number(value.substr(0, space));
  const Method method = method_of(trimmed(value.substr(space)));
  if (!n || (seen.status == 0 && method != seen.method)) return false;
  seen.cseq = *n;
  seen.method = method;
  return true;
}

/// "Q.850;cause=34;text=...", perhaps beside "SIP;cause=..." (RFC 3326).
void read_reason(std::string_view value, SipSeen& seen) {
  while (!value.empty()) {
    std::string_view one = value;
    const std::string_view protocol = piece(one, ';');
    if (same(protocol, "Q.850")) {
      if (const auto cause = number(parameter(value, "cause")); cause && *cause <= 127) seen.cause = static_cast<int>(*cause);
      return;
    }
    piece(value, ',');
  }
}

}  // namespace

std::optional<SipSeen> read_sip(std::string_view message) {
  SipSeen seen;
  const std::size_t first = message.find('\n');
  if (first == std::string_view::npos || !start_line(message.substr(0, first), seen)) return std::nullopt;
  std::string_view rest = message.substr(first + 1), name, value;
  bool cseq = false;
  std::size_t lines = 0;
  while (next_header(rest, name, value)) {
    if (++lines > kMostHeaderLines) return std::nullopt;
    const auto is = [&](std::string_view full, std::string_view compact) { return same(name, full) || (!compact.empty() && same(name, compact)); };
    if (seen.branch.empty() && is("Via", "v")) {
      seen.branch = parameter(value, "branch");
      if (seen.branch.empty()) return std::nullopt;  // RFC 2543 had none; what speaks that cannot be told apart
    } else if (seen.call_id.empty() && is("Call-ID", "i")) {
      seen.call_id = value;
    } else if (!cseq && is("CSeq", "")) {
      cseq = read_cseq(value, seen);
      if (!cseq) return std::nullopt;
    } else if (seen.from_tag.empty() && is("From", "f")) {
      seen.from_tag = parameter(value, "tag");
    } else if (seen.to_tag.empty() && is("To", "t")) {
      seen.to_tag = parameter(value, "tag");
    } else if (!seen.cause && is("Reason", "")) {
      read_reason(value, seen);
    }
  }
  if (!cseq || seen.call_id.empty() || seen.branch.empty() || seen.from_tag.empty()) return std::nullopt;
  for (const std::string_view id : {seen.call_id, seen.branch, seen.from_tag, seen.to_tag})
    if (id.size() > kLongestIdentifier) return std::nullopt;
  return seen;
}

}  // namespace linekeeper::calls
