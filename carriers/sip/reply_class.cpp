#include "carriers/sip/reply_class.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace linekeeper::sip {
using model::ReplyClass;
namespace {

// Several peers take any reply but 200 for a dead carrier, others any reply at all for a healthy one. OPTIONS asks two
// questions: is somebody there (almost every final response says yes), and would it take a call (RFC 3261, 11).
constexpr std::array kTable{
    ReplyRow{200, 299, ReplyClass::Up, "is there and willing"},
    ReplyRow{300, 399, ReplyClass::Up, "is there; a redirection is never followed"},
    ReplyRow{401, 401, ReplyClass::Up, "is there and asks who we are"},
    ReplyRow{403, 403, ReplyClass::Degraded, "is there and forbids: often a source address it does not know"},
    ReplyRow{407, 407, ReplyClass::Up, "is there and asks who we are"},
    ReplyRow{408, 408, ReplyClass::SoftDown, "the hop is there, what is behind it is not (RFC 4320: nobody else may say it)"},
    ReplyRow{480, 480, ReplyClass::Busy, "is there, unavailable now"},
    ReplyRow{486, 486, ReplyClass::Busy, "is there, busy"},
    ReplyRow{400, 499, ReplyClass::Up, "is there and did not like the question"},
    ReplyRow{501, 501, ReplyClass::Up, "is there and does not know OPTIONS"},
    ReplyRow{503, 503, ReplyClass::Down, "refuses service, for Retry-After where given"},
    ReplyRow{500, 599, ReplyClass::SoftDown, "is there and in trouble, or cannot reach what is behind it"},
    ReplyRow{600, 699, ReplyClass::Busy, "is there and declines"},
};

constexpr std::array<std::pair<ReplyClass, std::string_view>, 5> kNames{{{ReplyClass::Up, "up"},
                                                                         {ReplyClass::Busy, "busy"},
                                                                         {ReplyClass::Degraded, "degraded"},
                                                                         {ReplyClass::SoftDown, "soft-down"},
                                                                         {ReplyClass::Down, "down"}}};

}  // namespace

std::span<const ReplyRow> reply_table() { return kTable; }

ReplyClass classify(int code, const std::map<int, ReplyClass>& overrides) {
  if (code < 200 || code > 699) return ReplyClass::Down;
  if (const auto own = overrides.find(code); own != overrides.end()) return own->second;
  const auto row = std::ranges::find_if(kTable, [code](const ReplyRow& r) { return r.first <= code && code <= r.last; });
  return row == kTable.end() ? ReplyClass::Down : row->reply;
}

std::string_view to_string(ReplyClass c) {
  const auto name = std::ranges::find(kNames, c, &std::pair<ReplyClass, std::string_view>::first);
  return name == kNames.end() ? "down" : name->second;
}

std::optional<ReplyClass> reply_class_named(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &std::pair<ReplyClass, std::string_view>::second);
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

}  // namespace linekeeper::sip
