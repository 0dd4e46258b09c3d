#pragma once
// How a final response to OPTIONS is read: is the carrier there, and does it take calls? The table stands in
// carriers/README.md and is printed there by a test.
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "controller/model/observation.hpp"

namespace linekeeper::sip {

/// One row of the table: the first one that holds `code` decides.
struct ReplyRow {
  int first, last;  ///< codes, both included
  model::ReplyClass reply;
  std::string_view reads;  ///< what such a reply says, for people
};
[[nodiscard]] std::span<const ReplyRow> reply_table();

/// @param code       200-699 (anything else is read as Down: no carrier says it)
/// @param overrides  the carrier's own table, which wins
[[nodiscard]] model::ReplyClass classify(int code, const std::map<int, model::ReplyClass>& overrides);
[[nodiscard]] std::string_view to_string(model::ReplyClass c);  ///< "up", "busy", "degraded", "soft-down", "down"
[[nodiscard]] std::optional<model::ReplyClass> reply_class_named(std::string_view name);

}  // namespace linekeeper::sip
