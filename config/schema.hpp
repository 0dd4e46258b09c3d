#pragma once
// Every key of the file, once: its form, bounds, default and meaning. The readers take bounds from here and assert that they
// ask for every key listed; the reference table in README.md is printed from here and compared by a test. So what is
// documented, what is accepted and what is read cannot drift apart.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/values.hpp"

namespace linekeeper::config {

struct Key {
  std::string_view section;  ///< "" for the top of the file; "match" and "limits" for the tables inside a class
  std::string_view name;
  Form form;
  bool list = false;
  double low = 0, high = 0;   ///< Integer, Number: bounds; Duration: bounds in seconds
  std::string_view fallback;  ///< TOML text of the default; "required"; or words in parentheses where it is computed
  std::string_view example;   ///< TOML text
  std::string_view meaning;   ///< one sentence for the reference

  [[nodiscard]] bool required() const { return fallback == "required"; }
};

/// A key of an earlier version: refused as any unknown one, but with what has taken its place.
struct Retired {
  std::string_view section, name;
  std::string_view instead, remedy;
};
[[nodiscard]] std::span<const Retired> retired();

inline constexpr std::int64_t kTableFirst = 7000, kTableLast = 7999;  ///< routing tables that are Linekeeper's (controller/switch/protocol.hpp)

[[nodiscard]] std::span<const Key> schema();
[[nodiscard]] std::vector<const Key*> keys_of(std::string_view section);
/// @pre the key is in the schema
[[nodiscard]] const Key& key_named(std::string_view section, std::string_view name);

/// "duration, 20ms to 10s": the form and bounds in words.
[[nodiscard]] std::string form_words(const Key& key);
/// The reference as Markdown, one table for each section.
[[nodiscard]] std::string reference();

}  // namespace linekeeper::config
