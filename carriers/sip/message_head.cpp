#include "carriers/sip/message_head.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace linekeeper::sip {
namespace {

constexpr std::string_view kBlank = " \t";

char lower_one(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// RFC 3261 7.3.3 and the registrations since.
std::string full_name(std::string_view name) {
  static constexpr std::array<std::pair<char, std::string_view>, 11> kCompact{{{'c', "content-type"},
                                                                               {'e', "content-encoding"},
                                                                               {'f', "from"},
                                                                               {'i', "call-id"},
                                                                               {'k', "supported"},
                                                                               {'l', "content-length"},
                                                                               {'m', "contact"},
                                                                               {'s', "subject"},
                                                                               {'t', "to"},
                                                                               {'u', "allow-events"},
                                                                               {'v', "via"}}};
  if (name.size() == 1)
    for (const auto& [letter, full] : kCompact)
      if (letter == lower_one(name.front())) return std::string(full);
  return lower(name);
}

/// CR LF in pairs only, no NUL (RFC 3261 7.5, 25.1).
bool characters_fit(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const bool pair = head[i] == '\r' && i + 1 < head.size() && head[i + 1] == '\n';
    if (head[i] == '\0' || (!pair && (head[i] == '\r' || head[i] == '\n'))) return false;
    if (pair) ++i;
  }
  return true;
}

/// @param lines the header lines, each ended by CRLF
std::expected<std::vector<HeaderField>, Malformed> read_fields(std::string_view lines) {
  std::vector<HeaderField> fields;
  for (std::size_t count = 0; !lines.empty(); ++count) {
    if (count == kMostHeaderLines) return std::unexpected(Malformed::TooManyHeaders);
    const auto end = lines.find("\r\n");
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (!line.empty() && kBlank.contains(line.front())) {  // a folded line goes on with the field before it
      if (fields.empty()) return std::unexpected(Malformed::HeaderLine);
      (fields.back().value += ' ') += trimmed(line);
      continue;
    }
    const auto colon = line.find(':');
    const auto name = trimmed(line.substr(0, colon));
    if (colon == std::string_view::npos || !is_token(name)) return std::unexpected(Malformed::HeaderLine);
    fields.push_back({.name = full_name(name), .value = std::string(trimmed(line.substr(colon + 1)))});
  }
  return fields;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower_one);
  return out;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (lower_one(c) >= 'a' && lower_one(c) <= 'z') || std::string_view("-.!%*_+`'~").contains(c);
  });
}

std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> out;
  bool quoted = false, angled = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    const bool end = i >= value.size();
    const char c = end ? ',' : value[i];
    if (end || (c == ',' && !quoted && !angled)) {
      if (const auto piece = trimmed(value.substr(begin, std::min(i, value.size()) - begin)); !piece.empty()) out.emplace_back(piece);
      begin = i + 1;
    } else if (quoted && c == '\\') {
      ++i;
    } else if (c == '"' && !angled) {
      quoted = !quoted;
    } else if (!quoted && c == '<') {
      angled = true;
    } else if (!quoted && c == '>') {
      angled = false;
    }
  }
  return out;
}

const std::string* MessageHead::only(std::string_view name) const {
  const std::string* found = nullptr;
  for (const HeaderField& f : fields) {
    if (f.name != name) continue;
    if (found != nullptr) return nullptr;
    found = &f.value;
  }
  return found;
}

std::size_t MessageHead::count(std::string_view name) const { return static_cast<std::size_t>(std::ranges::count(fields, name, &HeaderField::name)); }

std::vector<std::string> MessageHead::list(std::string_view name) const {
  std::vector<std::string> all;
  for (const HeaderField& f : fields)
    if (f.name == name)
      for (std::string& piece : split_list(f.value)) all.push_back(std::move(piece));
  return all;
}

std::expected<MessageHead, Malformed> split_message(std::string_view datagram) {
  if (datagram.size() > kLargestDatagram) return std::unexpected(Malformed::TooLarge);
  const auto start = datagram.find_first_not_of("\r\n");  // RFC 3261 7.5: empty lines before the start line are ignored
  if (start == std::string_view::npos) return std::unexpected(Malformed::KeepAlive);
  datagram.remove_prefix(start);
  const auto end = datagram.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::unexpected(Malformed::Unterminated);
  auto head = datagram.substr(0, end + 2);
  if (!characters_fit(head)) return std::unexpected(Malformed::Characters);
  MessageHead out{.start_line = head.substr(0, head.find("\r\n")), .fields = {}, .body = datagram.substr(end + 4)};
  head.remove_prefix(out.start_line.size() + 2);
  auto fields = read_fields(head);
  if (!fields) return std::unexpected(fields.error());
  out.fields = std::move(*fields);
  return out;
}

}  // namespace linekeeper::sip
