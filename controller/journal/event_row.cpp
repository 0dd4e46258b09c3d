#include "controller/journal/event_row.hpp"

#include <boost/json.hpp>
#include <unordered_map>

namespace linekeeper::journal {
namespace {

// Text of ours, but a file can be edited: what is no object of strings gives no fields.
std::vector<std::pair<std::string, std::string>> fields_of(const std::string& text) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // as it was given to us
  boost::json::error_code wrong;
  const auto value = boost::json::parse(text, wrong, {}, options);
  std::vector<std::pair<std::string, std::string>> fields;
  if (wrong || !value.is_object()) return fields;
  for (const auto& entry : value.get_object())
    if (entry.value().is_string()) fields.emplace_back(std::string(entry.key()), std::string(entry.value().get_string()));
  return fields;
}

std::optional<model::EventId> event_named(const std::string& name) {
  static const auto kByName = [] {
    std::unordered_map<std::string, model::EventId> map;
    for (int i = 0; i < model::kEventCount; ++i) map.emplace(to_string(static_cast<model::EventId>(i)), static_cast<model::EventId>(i));
    return map;
  }();
  const auto found = kByName.find(name);
  return found == kByName.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::string json_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  boost::json::object object;
  for (const auto& [key, value] : fields) object[key] = value;
  return boost::json::serialize(object);
}

std::optional<RecordedEvent> event_of(const Statement& row) {
  const auto id = event_named(row.text(1));
  if (!id) return std::nullopt;
  return RecordedEvent{.event = {.sequence = row.integer(0),
                                 .id = *id,
                                 .wall = wall_of(row.integer(2)),
                                 .at = instant_of(row.integer(3)),
                                 .subject = row.text(5),
                                 .text = row.text(6),
                                 .fields = fields_of(row.text(7))},
                       .boot_id = row.text(4)};
}

}  // namespace linekeeper::journal
