#pragma once
// FreeSWITCH's event socket (ESL): headers up to an empty line, then as many bytes as Content-Length says. Pure: bytes in,
// messages out. What comes in is another program's: any bytes are survived in memory bounded by kMostEslUnread.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

inline constexpr std::size_t kMostEslUnread = 64 * 1024;
inline constexpr std::size_t kLongestEslCommand = 1024;

/// @return "command\n\n"; an error (EINVAL) where it has a line break or NUL, which would begin a command of its own, or is too long
[[nodiscard]] model::Result<std::string> esl_command(std::string_view command);

struct EslMessage {
  std::string type;   ///< Content-Type: auth/request, command/reply, api/response, text/disconnect-notice, text/rude-rejection
  std::string reply;  ///< Reply-Text: "+OK accepted", "-ERR invalid"
  std::string body;
};

class EslReader {
 public:
  void feed(std::string_view bytes);
  /// @return the next whole message; nothing when more bytes are needed; or why this is no event socket: then the reader is spent
  [[nodiscard]] std::expected<std::optional<EslMessage>, std::string> next();

 private:
  std::string unread_;
};

/// The text of an api/response without the line break at its end; nothing for what stands for nothing: "" and "-ERR no reply".
[[nodiscard]] std::optional<std::string_view> esl_value(const EslMessage& response);

}  // namespace linekeeper::trunks
