#include "carriers/trunks/ami_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace linekeeper::trunks {
namespace {

constexpr std::string_view kGreeting = "Asterisk Call Manager/";
constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::size_t kMostFields = 64;

bool is_one_line(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos; }

bool same_letters(std::string_view a, std::string_view b) {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(a, b, {}, small, small);
}

/// Appends "name: value"; false where that would not be one line, or none that Asterisk reads whole.
bool append(std::string& text, std::string_view name, std::string_view value) {
  if (!is_one_line(name) || !is_one_line(value) || name.size() + value.size() + 4 > kLongestAmiLine) return false;
  text.append(name).append(": ").append(value).append("\r\n");
  return true;
}

}  // namespace

model::Result<std::string> ami_action(std::string_view action, std::uint64_t id, std::span<const AmiField> fields) {
  const auto refuse = [](std::string_view name) {
    return std::unexpected(model::Error{"what was to be sent to Asterisk is refused: its " + std::string(name) +
                                            " has a line break or a NUL in it, or is longer than " + std::to_string(kLongestAmiLine) + " bytes",
                                        "Look for it in the configuration and in the file of the secret", EINVAL});
  };
  std::string text;
  if (!append(text, "Action", action)) return refuse("Action");
  append(text, "ActionID", std::to_string(id));
  for (const auto& [name, value] : fields)
    if (!append(text, name, value)) return refuse(is_one_line(name) ? name : "field");
  return text + "\r\n";
}

std::string_view AmiMessage::get(std::string_view name) const {
  const auto found = std::ranges::find_if(fields, [name](const auto& field) { return same_letters(field.first, name); });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

void AmiReader::feed(std::string_view bytes) { unread_.append(bytes.substr(0, kMostUnread + 1 - std::min(unread_.size(), kMostUnread + 1))); }

std::expected<std::optional<AmiMessage>, std::string> AmiReader::next() {
  if (unread_.size() > kMostUnread) return std::unexpected("a message of it has more than " + std::to_string(kMostUnread) + " bytes");
  if (!greeted_) {
    const auto known = std::min(unread_.size(), kGreeting.size());
    if (std::string_view(unread_).substr(0, known) != kGreeting.substr(0, known))
      return std::unexpected("it does not greet as Asterisk's manager does");
    const auto line = unread_.find("\r\n");
    if (line == std::string::npos) return std::nullopt;
    unread_.erase(0, line + 2);
    greeted_ = true;
  }
  const auto end = unread_.find(kEnd);
  if (end == std::string::npos) return std::nullopt;
  AmiMessage message;
  std::string_view rest(unread_.data(), end + 2);
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || message.fields.size() == kMostFields) continue;  // output of a command, or an event's endless list
    auto value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    message.fields.emplace_back(line.substr(0, colon), value);
  }
  unread_.erase(0, end + kEnd.size());
  return message;
}

std::optional<std::int64_t> ami_time(const AmiMessage& pong) {
  const auto text = pong.get("Timestamp");
  std::int64_t seconds = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (wrong != std::errc{} || seconds < 0 || (end != text.data() + text.size() && *end != '.')) return std::nullopt;
  return seconds;
}

}  // namespace linekeeper::trunks
