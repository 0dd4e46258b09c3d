#pragma once
// The page's small words: escaping, signs, figures.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/event.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::telemetry::page {

/// For element content and quoted attributes (WHATWG HTML 13.3). Control characters but newline and tab become U+FFFD.
[[nodiscard]] std::string escape(std::string_view text);

/// A shape of its own for each state: "✓", "▲", "✕", "?".
[[nodiscard]] std::string_view sign(std::string_view state);
/// Sign and word, marked up: <span class="state down">✕ down</span>.
[[nodiscard]] std::string state_mark(std::string_view state);
[[nodiscard]] std::string severity_mark(model::Severity severity);

/// <time datetime="...">10:53:21Z</time>: of today or not, the attribute has the date.
[[nodiscard]] std::string clock_time(model::WallTime t);
[[nodiscard]] std::string milliseconds(std::optional<model::Duration> d);  ///< "12.3 ms", "–" when not known
[[nodiscard]] std::string loss(const model::Figures& figures);             ///< "2.0 %", "–" when not known
[[nodiscard]] std::string mos(const model::Figures& figures);              ///< "4.4", "–" when not known

/// A table: column and row headers with their scope, and in each cell its column's name, which a narrow screen shows
/// before the cell where it stacks what does not fit beside each other.
class Table {
 public:
  enum class Column : std::uint8_t { Plain, Number, Long };
  struct Head {
    std::string name;  ///< not yet escaped
    Column column = Column::Plain;
  };
  explicit Table(std::vector<Head> heads);
  /// @param cells  one for each column, as markup: what is from outside is escaped already. The first is the row's header.
  void row(const std::vector<std::string>& cells);
  [[nodiscard]] std::string html() const;

 private:
  std::vector<Head> heads_;
  std::string out_;
};

/// Base64 (RFC 4648 section 4) of bytes written as hexadecimal digits, as CSP wants a hash.
[[nodiscard]] std::string base64_of_hex(std::string_view hex);

}  // namespace linekeeper::telemetry::page
