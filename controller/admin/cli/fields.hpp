#pragma once
// Reading JSON that may be anything: a field that is missing or of the wrong type is not there, and never an error. Text is made
// fit for a terminal on the way. Pure.
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linekeeper::admin::cli {

/// What is printed for a value that is not known.
inline constexpr std::string_view kNothing = "-";

/// Control characters, C1 controls and broken UTF-8 become '?': no escape sequence reaches the terminal.
[[nodiscard]] std::string clean(std::string_view text);

/// A string, or an integer in digits; nothing when absent, of another type or empty. Cleaned.
[[nodiscard]] std::optional<std::string> maybe_text(const boost::json::value& object, std::string_view key);
/// The same with kNothing for nothing.
[[nodiscard]] std::string text(const boost::json::value& object, std::string_view key);
/// A finite number.
[[nodiscard]] std::optional<double> number(const boost::json::value& object, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> integer(const boost::json::value& object, std::string_view key);
[[nodiscard]] std::optional<bool> flag(const boost::json::value& object, std::string_view key);
/// Empty when absent or not a list.
[[nodiscard]] const boost::json::array& list(const boost::json::value& object, std::string_view key);
/// null when absent or `object` is none.
[[nodiscard]] const boost::json::value& field(const boost::json::value& object, std::string_view key);

/// At most 32 levels deep and any bytes; nothing when it is no JSON.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);

}  // namespace linekeeper::admin::cli
