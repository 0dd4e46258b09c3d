#include "controller/model/own_calls.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace linekeeper::model {

std::string_view to_string(CallExpect e) {
  switch (e) {
    case CallExpect::Ringing: return "ringing";
    case CallExpect::EarlyMedia: return "early-media";
    case CallExpect::Answer: return "answer";
  }
  return "?";
}

std::optional<CallExpect> call_expect_named(std::string_view name) {
  for (const CallExpect e : {CallExpect::Ringing, CallExpect::EarlyMedia, CallExpect::Answer})
    if (to_string(e) == name) return e;
  return std::nullopt;
}

std::string_view to_string(TrialResult r) {
  switch (r) {
    case TrialResult::Carried: return "carried";
    case TrialResult::Refused: return "refused";
    case TrialResult::Silent: return "silent";
    case TrialResult::Stuck: return "stuck";
    case TrialResult::Unreachable: return "unreachable";
    case TrialResult::OurFault: return "our-fault";
  }
  return "?";
}

std::string_view to_string(RegistrationState s) {
  switch (s) {
    case RegistrationState::Trying: return "trying";
    case RegistrationState::Registered: return "registered";
    case RegistrationState::Refused: return "refused";
    case RegistrationState::Unanswered: return "unanswered";
  }
  return "?";
}

std::string words(const TrialOutcome& o) {
  const auto after = [&] {
    if (!o.pdd) return std::string();
    char text[32];
    std::snprintf(text, sizeof text, " after %.2f s", seconds(*o.pdd));
    return std::string(text);
  };
  switch (o.result) {
    case TrialResult::Carried: return (o.answered ? "was answered" : o.media_described ? "came as far as early media" : "rang") + after();
    case TrialResult::Refused: return "was refused with " + std::to_string(o.code) + after();
    case TrialResult::Silent: return "had no response of any kind";
    case TrialResult::Stuck: return o.code == 0 ? "got 100 and then nothing" : "came no further than " + std::to_string(o.code) + after();
    case TrialResult::Unreachable: return std::string("did not get there: ") + std::strerror(o.error);
    case TrialResult::OurFault: return std::string("could not be sent from here: ") + std::strerror(o.error);
  }
  return "?";
}

bool may_be_emergency(std::string_view number, const std::vector<std::string>& known) {
  std::string digits;
  for (const char c : number)
    if (c >= '0' && c <= '9') digits += c;
  // However it is dialled: 112, 00112, 9911 from behind a prefix. Numbers of subscribers have more digits than these with theirs.
  if (digits.size() <= 5) return true;
  return std::ranges::any_of(known, [&](const std::string& k) { return !k.empty() && digits.ends_with(k) && digits.size() <= k.size() + 3; });
}

}  // namespace linekeeper::model
