#pragma once
// How a final response to OPTIONS is read: is the carrier there, and does it take calls? The table stands in
// carriers/README.md and is printed there by a test.
#include "controller/model/site.hpp"

namespace linekeeper::sip {

/// @param code       200-699 (anything else is read as Down: no carrier says it)
/// @param overrides  the carrier's own table, which wins
[[nodiscard]] model::ReplyClass classify(int code, const std::map<int, model::ReplyClass>& overrides);
[[nodiscard]] std::string_view to_string(model::ReplyClass c);  ///< "up", "busy", "degraded", "soft-down", "down"
[[nodiscard]] std::optional<model::ReplyClass> reply_class_named(std::string_view name);

}  // namespace linekeeper::sip
