#pragma once
// The request target taken apart (RFC 3986, RFC 9112 3.2.1). Pure.
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace linekeeper::admin {

struct Target {
  std::string path;                          ///< decoded, begins with '/'
  std::map<std::string, std::string> query;  ///< decoded; '+' is a space, as forms and browsers write it
};

/// @return nothing when it is not origin-form, a percent escape is broken, a decoded byte is a control character, a
///         parameter is given twice (two readers would disagree which one counts), or there are more than 32 of them
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

/// Percent-encodes all but unreserved characters (RFC 3986 2.3): the other direction, for the command line.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace linekeeper::admin
