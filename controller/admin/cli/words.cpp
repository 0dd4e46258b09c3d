#include "controller/admin/cli/words.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Digits at the front taken off as a number of at most nine of them.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') {
    if (n == 9) return std::nullopt;
    value = value * 10 + (text[n++] - '0');
  }
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

}  // namespace

std::string span_words(double s) {
  s = std::max(0.0, std::min(s, 1e10));
  if (s < 0.95) return fmt::format("{:.1f} s", s);
  if (s < 100) return fmt::format("{:.0f} s", s);
  if (s < 120.0 * 60) return fmt::format("{:.0f}m", std::floor(s / 60));
  if (s < 48.0 * 3600) return fmt::format("{:.0f}h", std::floor(s / 3600));
  return fmt::format("{:.0f}d", std::floor(s / 86400));
}

std::string clock_words(double s) {
  s = std::max(0.0, std::min(s, 1e10));
  if (s >= 120 && std::fmod(s, 60) == 0) return fmt::format("{:.0f}m", s / 60);
  if (s >= 100 || s == std::floor(s)) return fmt::format("{:.0f}s", s);
  return s < 10 ? fmt::format("{:.2f}s", s) : fmt::format("{:.1f}s", s);
}

std::string ms_words(double ms) {
  ms = std::max(0.0, std::min(ms, 1e7));
  return ms > 0 && ms < 9.95 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::optional<seconds> parse_span(std::string_view text) {
  seconds total{0};
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto value = take_number(text);
    if (!value || text.empty()) return std::nullopt;
    const seconds unit = text[0] == 's' ? seconds(1) : text[0] == 'm' ? seconds(60) : text[0] == 'h' ? seconds(3600) : seconds(86400);
    if (text[0] != 's' && text[0] != 'm' && text[0] != 'h' && text[0] != 'd') return std::nullopt;
    text.remove_prefix(1);
    total += *value * unit;
    if (total > days(366)) return std::nullopt;
  }
  if (total <= seconds(0)) return std::nullopt;
  return total;
}

std::string moment_words(std::string_view rfc3339) {
  const auto moment = runtime::parse_rfc3339(rfc3339);
  if (!moment) return std::string(rfc3339);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::floor<seconds>(*moment).time_since_epoch().count()));
}

std::string paint(std::string_view text, Tone tone, Colour colour) {
  if (colour == Colour::Off || tone == Tone::Plain || text.empty()) return std::string(text);
  constexpr std::array<std::string_view, 6> kCodes = {"0", "32", "33", "1;31", "2", "1"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(tone)], text);
}

Cell state_cell(const std::string& state) {
  if (state == "ok") return {"OK", Tone::Good};
  if (state == "up") return {"up", Tone::Good};
  std::string loud = state;
  for (char& c : loud) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return {loud, state == "down" ? Tone::Bad : Tone::Warn};
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Table::print(Colour colour) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = indent_;
    std::size_t owed = 0;  // spaces that are only written when something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t space = widths[i] - width(row[i].text);
      const bool right = i < aligns_.size() && aligns_[i] == Align::Right;
      if (!row[i].text.empty()) {
        line.append(owed + (right ? space : 0), ' ');
        line += paint(row[i].text, row[i].tone, colour);
        owed = right ? 0 : space;
      } else {
        owed += space;
      }
      if (widths[i] > 0) owed += 2;
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace linekeeper::admin::cli
