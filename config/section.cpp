#include "config/section.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "controller/model/assert.hpp"

namespace linekeeper::config {

std::string_view type_words(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a decimal point";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
  }
  return "something else";
}

Fault unknown_name(std::string_view kind, std::string_view name, std::span<const std::string> known) {
  Fault fault{fmt::format("there is no {} {}", kind, quoted(name)), ""};
  if (const auto near = nearest(name, known))
    fault.remedy = fmt::format("did you mean {}?", quoted(*near));
  else if (known.empty())
    fault.remedy = fmt::format("no {} is configured at all", kind);
  else
    fault.remedy = fmt::format("configured: {}", listed(known.first(std::min<std::size_t>(known.size(), 8))));
  return fault;
}

namespace {
const Retired* retired_key(std::string_view section, std::string_view name) {
  const auto found = std::ranges::find_if(retired(), [&](const Retired& old) { return old.section == section && old.name == name; });
  return found == retired().end() ? nullptr : &*found;
}
}  // namespace

Section::Section(Problems& problems, const toml::table& table, std::string schema_name, std::string label, std::string path)
    : problems_(&problems), table_(&table), schema_(std::move(schema_name)), label_(std::move(label)), path_(std::move(path)) {}

void Section::rename(std::string label, std::string path) {
  label_ = std::move(label);
  path_ = std::move(path);
}

void Section::complain_at(Place place, std::string_view key, std::string what, std::string remedy) const {
  std::string full = path_;
  if (!full.empty() && !key.empty()) full += '.';
  full += clean(key);
  problems_->add(place, std::move(full), std::move(what), std::move(remedy));
}

void Section::complain(std::string_view key, std::string what, std::string remedy) const {
  complain_at(place(key), key, std::move(what), std::move(remedy));
}

Place Section::place(std::string_view key) const {
  const toml::node* node = table_->get(key);
  return place_of(node != nullptr ? node->source() : table_->source());
}

const toml::node* Section::asked(std::string_view key) {
  asked_.emplace(key);
  const Key& known = key_named(schema_, key);
  const toml::node* node = table_->get(key);
  if (node != nullptr || !known.required()) return node;
  if (label_.empty())
    complain_at({}, key, fmt::format("there is no {}", known.example), std::string(known.meaning));
  else
    complain(key, fmt::format("{} has no {}", label_, key), fmt::format("for example: {} = {}", key, known.example));
  return node;
}

void Section::wrong_type(const Key& key, const toml::node& node) const {
  const bool unitless = key.form == Form::Duration && (node.is_integer() || node.is_floating_point());
  if (unitless) {
    const std::string number = node.is_integer() ? fmt::format("{}", node.as_integer()->get()) : fmt::format("{}", node.as_floating_point()->get());
    complain(key.name, fmt::format("{} {} is a number without a unit", label_, key.name),
             fmt::format(R"(write "{0}ms", "{0}s", "{0}m" or "{0}h", in quotes)", number));
    return;
  }
  if (key.form == Form::Section || key.form == Form::Sections) {
    complain(key.name, fmt::format("{} is {}, it must be a section", key.name, type_words(node)),
             fmt::format("write {} on a line of its own", key.example));
    return;
  }
  complain(key.name,
           fmt::format("{} {} is {}, it must be {}{}", label_, key.name, type_words(node), key.form == Form::Flag && !key.list ? "" : "a ",
                       form_words(key)),
           fmt::format("for example: {} = {}", key.name, key.example));
}

bool Section::within(const Key& key, double value, const std::string& shown) const {
  if (value >= key.low && value <= key.high) return true;  // false for NaN
  std::string bounds = form_words(key);
  bounds.erase(0, bounds.find(", ") + 2);
  complain(key.name, fmt::format("{} {} is {}, out of its bounds", label_, key.name, shown), bounds);
  return false;
}

void Section::flag(std::string_view key, bool& out) {
  const toml::node* node = asked(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean())
    out = value->get();
  else
    wrong_type(key_named(schema_, key), *node);
}

std::optional<std::int64_t> Section::integer(std::string_view key) {
  const toml::node* node = asked(key);
  if (node == nullptr) return std::nullopt;
  const Key& known = key_named(schema_, key);
  const auto* value = node->as_integer();
  if (value == nullptr) {
    wrong_type(known, *node);
    return std::nullopt;
  }
  if (!within(known, static_cast<double>(value->get()), fmt::format("{}", value->get()))) return std::nullopt;
  return value->get();
}

void Section::integer(std::string_view key, int& out) {
  if (const auto value = integer(key)) out = static_cast<int>(*value);
}

std::optional<double> Section::number(std::string_view key) {
  const toml::node* node = asked(key);
  if (node == nullptr) return std::nullopt;
  const Key& known = key_named(schema_, key);
  if (!node->is_floating_point() && !node->is_integer()) {
    wrong_type(known, *node);
    return std::nullopt;
  }
  const double value = node->is_integer() ? static_cast<double>(node->as_integer()->get()) : node->as_floating_point()->get();
  if (!within(known, value, fmt::format("{}", value))) return std::nullopt;
  return value;
}

void Section::number(std::string_view key, double& out) {
  if (const auto value = number(key)) out = *value;
}

void Section::duration(std::string_view key, model::Duration& out) {
  const toml::node* node = asked(key);
  if (node == nullptr) return;
  const Key& known = key_named(schema_, key);
  const auto* value = node->as_string();
  if (value == nullptr) return wrong_type(known, *node);
  const auto parsed = parse_duration(value->get());
  if (!parsed) return complain(key, fmt::format("{} {}: {}", label_, key, parsed.error().what), parsed.error().remedy);
  if (within(known, model::seconds(*parsed), show(*parsed))) out = *parsed;
}

std::optional<std::string> Section::text(std::string_view key) {
  const toml::node* node = asked(key);
  if (node == nullptr) return std::nullopt;
  const Key& known = key_named(schema_, key);
  const auto* value = node->as_string();
  if (value == nullptr) {
    wrong_type(known, *node);
    return std::nullopt;
  }
  if (const auto fault = fault_of(known.form, value->get())) {
    complain(key, fmt::format("{} {}: {}", label_, key, fault->what), fault->remedy);
    return std::nullopt;
  }
  return value->get();
}

void Section::text(std::string_view key, std::string& out) {
  if (auto value = text(key)) out = std::move(*value);
}

std::optional<std::vector<Section::Item>> Section::texts(std::string_view key) {
  const toml::node* node = asked(key);
  if (node == nullptr) return std::nullopt;
  const Key& known = key_named(schema_, key);
  const auto* array = node->as_array();
  if (array == nullptr) {
    wrong_type(known, *node);
    return std::nullopt;
  }
  if (array->empty() && known.fallback != "[]") {
    const std::string_view otherwise = known.fallback.substr(1, known.fallback.size() - 2);  // "(all)"
    complain(key, fmt::format("{} {} is an empty list, which is never read as \"all\"", label_, key),
             fmt::format("leave the key out for {}, or name at least one", otherwise));
  }
  std::vector<Item> items;
  std::set<std::string, std::less<>> seen;
  for (const toml::node& element : *array) {
    const Place place = place_of(element.source());
    const auto* value = element.as_string();
    if (value == nullptr) {
      complain_at(place, key, fmt::format("{} {}: an element is {}, it must be text", label_, key, type_words(element)),
                  fmt::format("for example: {} = {}", key, known.example));
      continue;
    }
    if (const auto fault = fault_of(known.form, value->get()))
      complain_at(place, key, fmt::format("{} {}: {}", label_, key, fault->what), fault->remedy);
    else if (!seen.insert(value->get()).second)
      complain_at(place, key, fmt::format("{} {} names {} twice", label_, key, quoted(value->get())), "name each once");
    else
      items.push_back({value->get(), place});
  }
  return items;
}

const toml::table* Section::table(std::string_view key) {
  const toml::node* node = asked(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) wrong_type(key_named(schema_, key), *node);
  return node->as_table();
}

std::optional<Section> Section::inner(std::string_view key) {
  const toml::table* const found = table(key);
  if (found == nullptr) return std::nullopt;
  return Section(*problems_, *found, std::string(key), label_ + " " + std::string(key), path_ + "." + std::string(key));
}

bool Section::says_none(std::string_view key) {
  const toml::node* node = asked(key);
  return node != nullptr && node->is_string() && node->as_string()->get() == "none";
}

std::vector<const toml::table*> Section::tables(std::string_view key, std::size_t limit) {
  std::vector<const toml::table*> found;
  const toml::node* node = asked(key);
  if (node == nullptr) return found;
  const auto* array = node->as_array();
  if (array == nullptr || !std::ranges::all_of(*array, [](const toml::node& n) { return n.is_table(); })) {
    wrong_type(key_named(schema_, key), *node);
    return found;
  }
  if (array->empty() && key_named(schema_, key).required())
    complain(key, fmt::format("there is no [[{}]]", key), std::string(key_named(schema_, key).meaning));
  for (const toml::node& element : *array) {
    if (found.size() == limit) {
      complain_at(place_of(element.source()), key, fmt::format("more than {} [[{}]] sections", limit, key), fmt::format("at most {}", limit));
      break;
    }
    found.push_back(element.as_table());
  }
  return found;
}

void Section::finish() {
  std::vector<std::string> known;
  for (const Key* key : keys_of(schema_)) {
    LK_ASSERT(asked_.contains(key->name));
    known.emplace_back(key->name);
  }
  for (auto&& [key, node] : *table_) {
    if (asked_.contains(key.str())) continue;
    if (const Retired* old = retired_key(schema_, key.str())) {
      complain_at(place_of(key.source()), key.str(), fmt::format("{} {} is not used any more: {}", label_, old->name, old->instead),
                  std::string(old->remedy));
      continue;
    }
    const auto near = nearest(key.str(), known);
    const std::string where = label_.empty() ? "the file" : label_;
    complain_at(place_of(key.source()), key.str(), fmt::format("{} has no key {}", where, quoted(key.str())),
                near ? fmt::format("did you mean {}?", quoted(*near)) : fmt::format("known here: {}", listed(known)));
  }
}

}  // namespace linekeeper::config
