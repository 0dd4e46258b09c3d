#pragma once
// The daemon's JSON as text for people: JSON in, text out, nothing else read or written. The JSON may be anything; what is missing is "-".
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "controller/admin/cli/words.hpp"

namespace linekeeper::admin::cli {

/// `status`: fit to be read aloud to a room. What is wrong by name first, then services, then circuits, carriers, and only what needs a person below
/// them.
[[nodiscard]] std::string render_status(const boost::json::value& status, Colour colour);
/// `paths`: each carrier through each circuit.
[[nodiscard]] std::string render_paths(const boost::json::value& status, Colour colour);
[[nodiscard]] std::string render_explain(const boost::json::value& explained);
[[nodiscard]] std::string render_inbound(const boost::json::value& inbound);
/// One event: `time  severity  id  text`.
[[nodiscard]] std::string render_event(const boost::json::value& event, Colour colour);
/// `replay`: what was decided again, or what would have been different.
[[nodiscard]] std::string render_replay(const boost::json::value& report, Colour colour);
/// What an act would change, or has changed.
[[nodiscard]] std::string render_plan(const boost::json::value& act, Colour colour);
[[nodiscard]] std::string render_done(const boost::json::value& act, Colour colour);
/// {"error":{...}}: what, then what to do. @param exit what the program ends with
[[nodiscard]] std::string render_error(const boost::json::value& answer, int exit, Colour colour);

/// One line for Nagios and its kin, with performance data. @param exit set to 0, 1, 2 or 3 (plugin API: OK, WARNING, CRITICAL, UNKNOWN)
[[nodiscard]] std::string render_nagios(const boost::json::value& status, int& exit);

/// `status --exit-code`: 0 ok, 10 degraded, 20 down, 30 unknown.
[[nodiscard]] int status_exit_code(const boost::json::value& status);

}  // namespace linekeeper::admin::cli
