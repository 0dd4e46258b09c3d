#pragma once
// The outer form of a SIP message (RFC 3261 7): start line, header fields, body. What comes from the network is looked at here first, and
// refused as a whole when its form is wrong; what the fields mean is read by those who need them.
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "carriers/sip/message.hpp"

namespace linekeeper::sip {

struct HeaderField {
  std::string name;   ///< in lower case, never the compact form (RFC 3261 7.3.3)
  std::string value;  ///< unfolded (7.3.1) and trimmed
};

struct MessageHead {
  std::string_view start_line;  ///< within the bytes that were read
  std::vector<HeaderField> fields;
  std::string_view body;  ///< everything behind the empty line

  /// The value of the only field of that name; nothing when there is none or there are several.
  [[nodiscard]] const std::string* only(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// All values of that name in order; lists split at their commas (7.3.1).
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;
};

/// @return TooLarge, KeepAlive, Unterminated, Characters, TooManyHeaders or HeaderLine otherwise
[[nodiscard]] std::expected<MessageHead, Malformed> split_message(std::string_view datagram);

/// Splits at commas that stand neither in quotes nor in angle brackets; empty pieces are left out.
[[nodiscard]] std::vector<std::string> split_list(std::string_view value);

[[nodiscard]] std::string_view trimmed(std::string_view text);  ///< without blanks and tabs around it
[[nodiscard]] std::string lower(std::string_view text);         ///< ASCII
[[nodiscard]] bool is_token(std::string_view text);             ///< RFC 3261 25.1

}  // namespace linekeeper::sip
