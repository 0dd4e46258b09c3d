#pragma once
// Durations, times, states and tables in people's words. Pure.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace linekeeper::admin::cli {

/// "0.4 s", "3 s", "77m", "23h", "41d": one figure, the unit that says enough. Negative counts as 0.
[[nodiscard]] std::string span_words(double seconds);
/// "5s", "2m", "0.56s": a target or a measured recovery, exact enough to compare.
[[nodiscard]] std::string clock_words(double seconds);
/// "13 ms", "0.4 ms".
[[nodiscard]] std::string ms_words(double milliseconds);

/// "90s", "30m", "1h30m", "2d": whole numbers with a unit, at most 366 d. Nothing for anything else ("30", "", "0m").
[[nodiscard]] std::optional<std::chrono::seconds> parse_span(std::string_view text);

/// "2026-11-22 02:26:21Z" of an RFC 3339 text; the text itself when it is none.
[[nodiscard]] std::string moment_words(std::string_view rfc3339);

enum class Tone : std::uint8_t { Plain, Good, Warn, Bad, Faint, Strong };
enum class Colour : bool { Off, On };
[[nodiscard]] std::string paint(std::string_view text, Tone tone, Colour colour);

struct Cell {
  std::string text;
  Tone tone = Tone::Plain;
};
/// "up" and "ok" stay small (or become OK), anything worse is in capitals, so that it is seen without colour.
[[nodiscard]] Cell state_cell(const std::string& state);

/// Columns as wide as their widest cell (in code points), two spaces apart, no trailing spaces.
class Table {
 public:
  enum class Align : std::uint8_t { Left, Right };
  explicit Table(std::vector<Align> aligns, std::string indent = "") : aligns_(std::move(aligns)), indent_(std::move(indent)) {}
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::string print(Colour colour) const;

 private:
  std::vector<Align> aligns_;  ///< columns beyond are left-aligned
  std::string indent_;
  std::vector<std::vector<Cell>> rows_;
};

[[nodiscard]] std::size_t width(std::string_view text);  ///< code points

}  // namespace linekeeper::admin::cli
