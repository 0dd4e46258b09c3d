#include "carriers/trunks/esl_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace linekeeper::trunks {

model::Result<std::string> esl_command(std::string_view command) {
  if (command.empty() || command.size() > kLongestEslCommand || command.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return std::unexpected(model::Error{"what was to be sent to FreeSWITCH is refused: it has a line break or a NUL in it, or more than " +
                                            std::to_string(kLongestEslCommand) + " bytes",
                                        "Look for it in the configuration and in the file of the secret", EINVAL});
  return std::string(command) + "\n\n";
}

void EslReader::feed(std::string_view bytes) { unread_.append(bytes.substr(0, kMostEslUnread + 1 - std::min(unread_.size(), kMostEslUnread + 1))); }

std::expected<std::optional<EslMessage>, std::string> EslReader::next() {
  if (unread_.size() > kMostEslUnread) return std::unexpected("a message of it has more than " + std::to_string(kMostEslUnread) + " bytes");
  const auto end = unread_.find("\n\n");
  if (end == std::string::npos) return std::nullopt;
  EslMessage message;
  std::size_t length = 0;
  std::string_view rest(unread_.data(), end + 1);
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) return std::unexpected("a line of it is no header");
    const auto name = line.substr(0, colon);
    const auto value = line.substr(colon + 2);
    if (name == "Content-Type") message.type = value;
    if (name == "Reply-Text") message.reply = value;
    if (name != "Content-Length") continue;
    const auto [last, wrong] = std::from_chars(value.data(), value.data() + value.size(), length);
    if (wrong != std::errc{} || last != value.data() + value.size() || length > kMostEslUnread)
      return std::unexpected("its Content-Length is no length, or too long");
  }
  if (message.type.empty()) return std::unexpected("a message of it has no Content-Type");
  if (unread_.size() - (end + 2) < length) return std::nullopt;
  message.body = unread_.substr(end + 2, length);
  unread_.erase(0, end + 2 + length);
  return message;
}

std::optional<std::string_view> esl_value(const EslMessage& response) {
  std::string_view text = response.body;
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty() || text == "-ERR no reply") return std::nullopt;
  return text;
}

}  // namespace linekeeper::trunks
