#include "carriers/calls/fate.hpp"

#include <fmt/format.h>

namespace linekeeper::calls {
namespace {

using model::CallFate;

/// What the far network says of the call in its own words (ITU-T Q.850) is truer than the SIP code that a gateway made of it, where the
/// code could mean either.
std::optional<CallFate> by_cause(int cause) {
  switch (cause) {
    case 17:
    case 21: return CallFate::Busy;  // user busy; call rejected by the user
    case 18:
    case 19:
    case 20: return CallFate::NoAnswer;  // no user responding; no answer; subscriber absent
    case 34:
    case 38:
    case 41:
    case 42:
    case 44:
    case 47: return CallFate::CarrierFailed;  // no circuit, out of order, temporary failure, congestion, resources
    case 1:
    case 22:
    case 28: return CallFate::OurFault;  // number unassigned, changed, or in a wrong format
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<CallFate> fate_of(int status, std::optional<int> cause, bool rang, bool cancelled) {
  if (status < 300) return CallFate::Answered;
  if (cancelled && status != 486 && status != 600) return CallFate::Cancelled;  // 487, and whatever a carrier says in its place
  switch (status) {
    case 401:
    case 407:  // asked again with credentials (RFC 3261 22.2)
    case 421:
    case 422:
    case 423:
    case 491: return std::nullopt;  // asked again in another way, or a moment later
    case 486:
    case 600:
    case 603:
    case 607:
    case 608: return CallFate::Busy;
    case 487: return CallFate::NoAnswer;  // ended by the far side, as after a timeout there
    case 408: return rang ? CallFate::NoAnswer : CallFate::CarrierFailed;
    case 480:
    case 500:
    case 502:
    case 503:
    case 504:
    case 580:
      if (cause)
        if (const auto fate = by_cause(*cause)) return fate;
      return status == 480 ? CallFate::NoAnswer : CallFate::CarrierFailed;
    case 501:
    case 505:
    case 513: return CallFate::OurFault;  // what we asked is not understood, or too big
    default: break;
  }
  if (status < 400) return std::nullopt;  // the caller follows it, or not: no failure (RFC 6076 leaves them out too)
  return status >= 500 && status < 600 ? CallFate::CarrierFailed : CallFate::OurFault;
}

std::string fate_table() {
  const auto row = [](int status) {
    const auto word = [&](std::optional<int> cause, bool rang, bool cancelled) {
      const auto fate = fate_of(status, cause, rang, cancelled);
      return fate ? std::string(model::to_string(*fate)) : std::string("-");
    };
    return fmt::format("{} | {} | {} | {} | {} | {}", word({}, false, false), word({}, true, false), word({}, false, true), word(17, false, false),
                       word(19, false, false), word(34, false, false));
  };
  std::string out = "| reply | read as | after ringing | after CANCEL | Q.850 17 | 19 | 34 |\n|---|---|---|---|---|---|---|\n";
  for (int begin = 200; begin < 700;) {
    int end = begin;
    while (end + 1 < 700 && row(end + 1) == row(begin)) ++end;
    out += end == begin ? fmt::format("| {} | {} |\n", begin, row(begin)) : fmt::format("| {}-{} | {} |\n", begin, end, row(begin));
    begin = end + 1;
  }
  return out;
}

}  // namespace linekeeper::calls
