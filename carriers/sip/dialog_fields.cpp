#include "carriers/sip/dialog_fields.hpp"

#include <algorithm>
#include <charconv>

namespace linekeeper::sip {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::size_t kMostOfAKind = 32;  // Record-Routes and Contacts
constexpr model::Duration kLongest = std::chrono::hours(24 * 365);

std::string_view trimmed(std::string_view s) {
  const auto first = s.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::optional<model::Duration> seconds(std::string_view value) {
  std::uint32_t n = 0;
  const auto digits = value.substr(0, value.find_first_not_of("0123456789"));
  if (digits.empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return error == std::errc() ? std::min<model::Duration>(std::chrono::seconds(n), kLongest) : kLongest;
}

/// Splits at commas that stand neither in quotes nor in angle brackets (RFC 3261 7.3.1).
std::vector<std::string> pieces(std::string_view value) {
  std::vector<std::string> out;
  bool quoted = false, angled = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    const char c = i < value.size() ? value[i] : ',';
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"' && !angled) {
      quoted = !quoted;
    } else if (!quoted && c == '<') {
      angled = true;
    } else if (!quoted && c == '>') {
      angled = false;
    } else if (i >= value.size() || (c == ',' && !quoted && !angled)) {
      if (const auto piece = trimmed(value.substr(begin, std::min(i, value.size()) - begin)); !piece.empty()) out.emplace_back(piece);
      begin = i + 1;
    }
  }
  return out;
}

/// Where the URI of a name-addr ends: everything behind belongs to the header field.
std::size_t after_address(std::string_view value) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && value[i] == '<') {
      const auto close = value.find('>', i);
      return close == std::string_view::npos ? value.size() : close + 1;
    }
  }
  return std::min(value.find(';'), value.size());  // without brackets, parameters are the field's (RFC 3261 20.10)
}

void append(std::vector<std::string>& list, std::string_view value) {
  for (std::string& piece : pieces(value))
    if (list.size() < kMostOfAKind) list.push_back(std::move(piece));
}

void take(DialogFields& out, std::string_view name, std::string_view value) {
  if (name == "to" || name == "t") {
    out.to = value;
    out.to_tag = address_parameter(value, "tag").value_or("");
  } else if (name == "contact" || name == "m") {
    append(out.contacts, value);
    if (!out.contacts.empty()) out.contact_uri = address_uri(out.contacts.front());
  } else if (name == "record-route") {
    append(out.record_routes, value);
  } else if (name == "expires") {
    out.expires = seconds(value);
  } else if (name == "min-expires") {
    out.min_expires = seconds(value);
  } else if (name == "content-type" || name == "c") {
    out.content_type = lower(trimmed(value.substr(0, value.find(';'))));
  }
}

}  // namespace

std::optional<std::string> address_parameter(std::string_view value, std::string_view name) {
  std::string_view rest = value.substr(after_address(value));
  while (!rest.empty()) {
    const auto begin = rest.find(';');
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin + 1);
    const auto one = rest.substr(0, rest.find(';'));
    const auto equals = one.find('=');
    if (lower(trimmed(one.substr(0, equals))) != name) continue;
    return equals == std::string_view::npos ? std::string() : std::string(trimmed(one.substr(equals + 1)));
  }
  return std::nullopt;
}

std::string address_uri(std::string_view value) {
  const auto end = after_address(value);
  const auto address = value.substr(0, end);
  if (!address.ends_with('>')) return std::string(trimmed(address));
  const auto open = address.rfind('<');
  return open == std::string_view::npos ? std::string() : std::string(address.substr(open + 1, address.size() - open - 2));
}

DialogFields read_dialog_fields(std::string_view datagram) {
  DialogFields out;
  datagram.remove_prefix(std::min(datagram.find_first_not_of("\r\n"), datagram.size()));  // as parse_response() does (RFC 3261 7.5)
  const auto end = datagram.find("\r\n\r\n");
  if (end == std::string_view::npos) return out;
  out.body = datagram.substr(end + 4);
  std::string_view head = datagram.substr(0, end + 2);
  head.remove_prefix(std::min(head.find("\r\n") + 2, head.size()));
  std::string name, value;
  const auto ended = [&] {
    if (!name.empty()) take(out, name, value);
  };
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    if (!line.empty() && kBlank.contains(line.front())) {  // a folded line (RFC 3261 7.3.1)
      (value += ' ') += trimmed(line);
      continue;
    }
    ended();
    const auto colon = line.find(':');
    name = colon == std::string_view::npos ? std::string() : lower(trimmed(line.substr(0, colon)));
    value = colon == std::string_view::npos ? std::string() : std::string(trimmed(line.substr(colon + 1)));
  }
  ended();
  return out;
}

}  // namespace linekeeper::sip
