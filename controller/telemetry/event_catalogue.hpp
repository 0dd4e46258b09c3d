#pragma once
// What each event means to the person who reads it, and what to do about it. The ids are stable (controller/model/event.hpp).
#include <string>
#include <string_view>

#include "controller/model/event.hpp"

namespace linekeeper::telemetry {

struct EventAdvice {
  std::string_view meaning;  ///< one or two sentences
  std::string_view act;      ///< what to do next; "Nothing." where nothing is to be done
};

/// Total: every EventId has one (a switch without default; the compiler holds it to that).
[[nodiscard]] EventAdvice advice(model::EventId id);

/// The catalogue as the Markdown table that stands in README.md of this folder; a test compares the two.
[[nodiscard]] std::string catalogue_markdown();

}  // namespace linekeeper::telemetry
