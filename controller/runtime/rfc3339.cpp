#include <fmt/chrono.h>

#include <chrono>

#include "controller/runtime/clock.hpp"

namespace linekeeper::runtime {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Exactly `digits` digits, and the character behind them if one is wanted.
std::optional<int> take_fixed(std::string_view& text, std::size_t digits, char behind = '\0') {
  if (text.size() < digits + (behind != '\0' ? 1 : 0)) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  if (behind == '\0') return value;
  if (text.front() != behind) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

std::optional<minutes> take_offset(std::string_view& text) {
  if (text == "Z" || text == "z") {
    text.remove_prefix(1);
    return minutes(0);
  }
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto h = take_fixed(text, 2, ':');
  const auto m = h ? take_fixed(text, 2) : std::nullopt;
  if (!m || *h > 23 || *m > 59) return std::nullopt;
  return minutes(sign * (*h * 60 + *m));
}

std::optional<milliseconds> take_fraction(std::string_view& text) {
  if (text.empty() || text[0] != '.') return milliseconds(0);
  text.remove_prefix(1);
  int value = 0;
  std::size_t n = 0;
  for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n) {
    if (n < 3) value = value * 10 + (text[n] - '0');
  }
  if (n == 0) return std::nullopt;
  for (std::size_t i = n; i < 3; ++i) value *= 10;
  text.remove_prefix(n);
  return milliseconds(value);
}

}  // namespace

std::optional<model::WallTime> parse_rfc3339(std::string_view text) {
  const auto year = take_fixed(text, 4, '-');
  const auto month = year ? take_fixed(text, 2, '-') : std::nullopt;
  const auto day = month ? take_fixed(text, 2) : std::nullopt;
  if (!day || text.empty() || (text[0] != 'T' && text[0] != 't' && text[0] != ' ')) return std::nullopt;
  text.remove_prefix(1);
  const auto h = take_fixed(text, 2, ':');
  const auto m = h ? take_fixed(text, 2, ':') : std::nullopt;
  const auto s = m ? take_fixed(text, 2) : std::nullopt;
  if (!s || *h > 23 || *m > 59 || *s > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !text.empty() || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + hours(*h) + minutes(*m) + seconds(*s) + *fraction - *offset;
}

std::string rfc3339(model::WallTime t) {
  const auto whole = std::chrono::floor<seconds>(t);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(whole.time_since_epoch().count()), (t - whole).count());
}

}  // namespace linekeeper::runtime
