#pragma once
// Asterisk's manager interface (AMI): lines "Name: value" up to an empty one, after one line of greeting. Pure: bytes in, messages
// out. What comes in is another program's: any bytes are survived in memory bounded by kMostUnread.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

inline constexpr std::size_t kLongestAmiLine = 1024;   ///< of ours; what Asterisk reads one into (main/manager.c, inbuf)
inline constexpr std::size_t kMostUnread = 64 * 1024;  ///< of theirs: one message that is not yet whole

using AmiField = std::pair<std::string_view, std::string_view>;

/// @param id  echoed in every answer as ActionID
/// @return the text of an action; an error (EINVAL) where a name or value has CR, LF or NUL, which would begin a field or an
///         action of its own, or a line is longer than Asterisk reads
[[nodiscard]] model::Result<std::string> ami_action(std::string_view action, std::uint64_t id, std::span<const AmiField> fields);

struct AmiMessage {
  std::vector<std::pair<std::string, std::string>> fields;

  /// The first field of that name, whatever its letters' case; "" when there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  /// Whether it answers the action of this id.
  [[nodiscard]] bool answers(std::uint64_t id) const { return get("ActionID") == std::to_string(id); }
};

class AmiReader {
 public:
  void feed(std::string_view bytes);
  /// @return the next whole message; nothing when more bytes are needed; or why this is no AMI: then the reader is spent
  [[nodiscard]] std::expected<std::optional<AmiMessage>, std::string> next();

 private:
  std::string unread_;
  bool greeted_ = false;
};

/// The seconds since 1970 of a Ping's "Timestamp: 1795367704.653527".
[[nodiscard]] std::optional<std::int64_t> ami_time(const AmiMessage& pong);

}  // namespace linekeeper::trunks
