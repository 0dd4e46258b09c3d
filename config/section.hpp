#pragma once
// One table of the file, read key by key against the schema: types, forms and bounds are checked here, and every mistake goes
// to Problems with the place it stands at. What is wrong leaves the default in place, so that reading goes on.
#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "config/schema.hpp"

namespace linekeeper::config {

class Section {
 public:
  struct Item {
    std::string text;
    Place place;
  };

  /// @param schema_name  whose keys are known here ("circuit")
  /// @param label        how people call it: `circuit "fiber"`, "[probing]"
  /// @param path         start of Problem::key: "circuit[fiber]"
  Section(Problems& problems, const toml::table& table, std::string schema_name, std::string label, std::string path);

  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Place place(std::string_view key) const;  ///< of the key's value; of the section's head when it is not given
  void rename(std::string label, std::string path);
  [[nodiscard]] bool has(std::string_view key) const { return table_->contains(key); }

  // Each leaves `out` alone when the key is absent (a mistake if it is required) or wrong.
  void flag(std::string_view key, bool& out);
  void integer(std::string_view key, int& out);
  void number(std::string_view key, double& out);
  void duration(std::string_view key, model::Duration& out);
  void text(std::string_view key, std::string& out);

  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<double> number(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  /// The well-formed elements, or nothing when absent. An empty list is a mistake unless the default is empty: it is never
  /// read as "all" (I20). So is the same element twice.
  std::optional<std::vector<Item>> texts(std::string_view key);
  const toml::table* table(std::string_view key);
  /// The table of a key that has keys of its own in the schema, under the key's name; nothing when absent.
  std::optional<Section> inner(std::string_view key);
  /// The key's value is the word "none", where a table may stand (Form::Limits).
  [[nodiscard]] bool says_none(std::string_view key);
  /// The tables of [[key]] sections, at most `limit`.
  std::vector<const toml::table*> tables(std::string_view key, std::size_t limit);

  /// Keys nobody knows are mistakes. Asserts that every key of the schema was asked for.
  void finish();

  /// A mistake found later, by comparing: at the key's value, or at the section's head when it is not given.
  void complain(std::string_view key, std::string what, std::string remedy) const;
  void complain_at(Place place, std::string_view key, std::string what, std::string remedy) const;

 private:
  const toml::node* asked(std::string_view key);
  void wrong_type(const Key& key, const toml::node& node) const;
  bool within(const Key& key, double value, const std::string& shown) const;

  Problems* problems_;
  const toml::table* table_;
  std::string schema_, label_, path_;
  std::set<std::string, std::less<>> asked_;
};

[[nodiscard]] inline Place place_of(const toml::source_region& source) {
  return {static_cast<int>(source.begin.line), static_cast<int>(source.begin.column)};
}
/// "a whole number", "text", ...: what the node is, in words.
[[nodiscard]] std::string_view type_words(const toml::node& node);
/// `circuit "fibre" is not configured` with the nearest name as the remedy.
[[nodiscard]] Fault unknown_name(std::string_view kind, std::string_view name, std::span<const std::string> known);

}  // namespace linekeeper::config
