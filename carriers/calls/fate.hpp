#pragma once
// How the final response to an INVITE is read: whose doing it was. Pure; the table stands in README.md, printed by a test.
#include <optional>
#include <string>

#include "controller/model/call.hpp"

namespace linekeeper::calls {

/// @param status     200-699
/// @param cause      of a Reason header, Q.850
/// @param rang       a 18x came before
/// @param cancelled  the caller's CANCEL was seen
/// @return nothing: no end of an attempt, the caller tries again itself (401, 407, 422, 3xx and the like)
[[nodiscard]] std::optional<model::CallFate> fate_of(int status, std::optional<int> cause, bool rang, bool cancelled);

/// The reading of every response, as a table in Markdown.
[[nodiscard]] std::string fate_table();

}  // namespace linekeeper::calls
