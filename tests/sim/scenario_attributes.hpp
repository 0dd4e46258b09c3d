#pragma once
// "key value key value ..." of one line of a scenario file, filled into the fields that scenario_fields.hpp names.
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/sim/scenario_fields.hpp"
#include "tests/sim/scenario_text.hpp"

namespace linekeeper::sim {

/// What is wrong with a line.
struct Mistake {
  std::string what;
};

template <class List>
std::size_t position_of(const List& list, std::string_view name, std::string_view what) {
  const auto found = std::ranges::find_if(list, [&](const auto& x) { return x.name == name; });
  if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
  std::vector<std::string> known;
  for (const auto& x : list) known.push_back(x.name);
  throw Mistake{fmt::format("there is no {} \"{}\"; there {}", what, name,
                            known.empty() ? std::string("is none yet") : fmt::format("is: {}", fmt::join(known, ", ")))};
}

inline std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

class Attributes {
 public:
  /// @param words  those of the line from the first key on
  Attributes(std::span<const std::string> words, const model::Site& site) : site_(&site) {
    if (words.size() % 2 != 0) throw Mistake{fmt::format("\"{}\" has no value; settings are pairs of a name and a value", words.back())};
    for (std::size_t i = 0; i < words.size(); i += 2)
      if (!given_.emplace(words[i], words[i + 1]).second) throw Mistake{fmt::format("\"{}\" is given twice", words[i])};
  }
  /// To be called last: what nobody asked for is a mistake.
  void done() const {
    for (const auto& [key, value] : given_)
      if (!asked_.contains(key)) throw Mistake{fmt::format("\"{}\" is unknown here; known are: {}", key, fmt::join(asked_, ", "))};
  }
  const std::string* find(std::string_view key) {
    asked_.emplace(key);
    const auto g = given_.find(std::string(key));
    return g == given_.end() ? nullptr : &g->second;
  }
  [[nodiscard]] std::string need(std::string_view key) {
    const auto* v = find(key);
    if (v == nullptr) throw Mistake{fmt::format("\"{}\" is missing", key)};
    return *v;
  }

  void word(std::string_view key, std::string& value, const std::string&) {
    if (const auto* v = find(key)) value = *v;
  }
  void whole(std::string_view key, int& value, int) {
    read(key, value, [](const auto& v) { return whole_of(v); }, "a whole number, as 5");
  }
  void wholes(std::string_view key, std::vector<int>& value) {
    const auto* v = find(key);
    if (v == nullptr) return;
    value.clear();
    for (const std::string& word : comma_list(*v)) {
      const auto whole = whole_of(word);
      if (!whole) throw Mistake{fmt::format("{} wants whole numbers, as 3,1", key)};
      value.push_back(static_cast<int>(*whole));
    }
  }
  void real(std::string_view key, double& value, double) {
    read(key, value, [](const auto& v) { return real_of(v); }, "a number, as 0.5");
  }
  void ratio(std::string_view key, double& value, double usual) { real(key, value, usual); }
  void flag(std::string_view key, bool& value, bool) {
    read(key, value, [](const auto& v) { return v == "yes" ? std::optional(true) : v == "no" ? std::optional(false) : std::nullopt; }, "yes or no");
  }
  void time(std::string_view key, model::Duration& value, model::Duration) {
    read(key, value, [](const auto& v) { return time_of(v); }, "a time, as 200ms");
  }
  void minutes(std::string_view key, std::chrono::minutes& value, std::chrono::minutes usual) {
    model::Duration d = usual;
    time(key, d, d);
    value = std::chrono::floor<std::chrono::minutes>(d);
  }
  void share(std::string_view key, Measure& value, Measure) {
    read(key, value, [](const auto& v) { return share_of(v); }, "a share, as 2%");
  }
  void maybe_whole(std::string_view key, std::optional<int>& value) {
    read(key, value, [](const auto& v) { return whole_of(v); }, "a whole number");
  }
  void maybe_mark(std::string_view key, std::optional<std::uint32_t>& value) {
    read(key, value, [](const auto& v) { return whole_of(v); }, "a whole number");
  }
  void maybe_real(std::string_view key, std::optional<double>& value) {
    read(key, value, [](const auto& v) { return real_of(v); }, "a number");
  }
  void words(std::string_view key, std::vector<std::string>& value) {
    if (const auto* v = find(key)) value = comma_list(*v);
  }
  void targets(std::string_view key, std::vector<model::TargetId>& value, const std::vector<model::TargetId>&) {
    if (const auto* v = find(key)) value = ids<model::TargetId>(*v, site_->targets, "target");
  }
  void circuits(std::string_view key, std::vector<model::CircuitId>& value) { value = ids<model::CircuitId>(need(key), site_->circuits, "circuit"); }
  template <class E, std::size_t N>
  void choice(std::string_view key, E& value, E, const std::string_view (&words)[N]) {
    const auto* v = find(key);
    if (v == nullptr) return;
    const auto* const found = std::ranges::find(words, *v);
    if (found == std::end(words)) throw Mistake{fmt::format("{} \"{}\" is unknown; one of: {}", key, *v, fmt::join(words, ", "))};
    value = static_cast<E>(found - std::begin(words));
  }
  template <class T, class Fields>
  void group(std::string_view key, std::optional<T>& value, Fields fields) {
    bool wanted = false;
    flag(key, wanted, false);
    T t{};
    fields(t, T{});
    if (wanted) value = t;
  }
  template <class I, class List>
  [[nodiscard]] static std::vector<I> ids(std::string_view text, const List& list, std::string_view what) {
    std::vector<I> all;
    for (const std::string& name : comma_list(text)) all.push_back(model::id_at<I>(position_of(list, name, what)));
    return all;
  }

 private:
  template <class T, class Read>
  void read(std::string_view key, T& value, Read of, std::string_view right) {
    const auto* v = find(key);
    if (v == nullptr) return;
    const auto x = of(std::string_view(*v));
    if (!x) throw Mistake{fmt::format("{} is \"{}\"; it should be {}", key, *v, right)};
    if constexpr (requires { typename T::value_type; })
      value = static_cast<typename T::value_type>(*x);
    else
      value = static_cast<T>(*x);
  }

  const model::Site* site_;
  std::map<std::string, std::string, std::less<>> given_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace linekeeper::sim
