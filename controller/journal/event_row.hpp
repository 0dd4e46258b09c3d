#pragma once
// One row of the table of events as a value, for whoever reads the journal's file.
#include <optional>
#include <string>

#include "controller/journal/recorded.hpp"
#include "controller/journal/sqlite.hpp"

namespace linekeeper::journal {

/// The columns event_of reads, in its order.
inline constexpr const char* kEventColumns = "sequence,id,wall_ms,boot_ns,boot_id,subject,text,fields";

/// Nothing: written by a version with more kinds of event.
[[nodiscard]] std::optional<RecordedEvent> event_of(const Statement& row);

[[nodiscard]] std::string json_of(const std::vector<std::pair<std::string, std::string>>& fields);

[[nodiscard]] constexpr model::WallTime wall_of(std::int64_t ms) { return model::WallTime(std::chrono::milliseconds(ms)); }
[[nodiscard]] constexpr std::int64_t ms_of(model::WallTime t) { return t.time_since_epoch().count(); }
[[nodiscard]] constexpr model::Instant instant_of(std::int64_t ns) { return model::Instant(model::Duration(ns)); }
[[nodiscard]] constexpr std::int64_t ns_of(model::Instant t) { return t.time_since_epoch().count(); }

}  // namespace linekeeper::journal
