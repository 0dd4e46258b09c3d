#include "controller/decision/reply_baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace linekeeper::decision {

using model::ReplyClass;

bool ReplyBaseline::usual(int code) const {
  return std::ranges::any_of(seen_, [code](const Seen& s) { return s.code == code && code != 0 && s.times >= kUsualAfter; });
}

int ReplyBaseline::usual() const {
  const auto most = std::ranges::max_element(seen_, {}, &Seen::times);
  return most->times >= kUsualAfter ? most->code : 0;
}

void ReplyBaseline::count(int code) {
  if (usual() == 0 && std::ranges::all_of(seen_, [](const Seen& s) { return s.code == 0; })) {
    seen_[0] = {.code = code, .times = kUsualAfter};
    return;
  }
  auto at = std::ranges::find(seen_, code, &Seen::code);
  if (at == seen_.end()) {
    at = std::ranges::min_element(seen_, {}, &Seen::times);
    *at = {.code = code};
  }
  at->times = std::min(at->times + 1, kMost);
  if (++since_fading_ < kMost) return;
  since_fading_ = 0;
  for (Seen& s : seen_)
    if (s.code != code && s.code != 0 && --s.times <= 0) s = {};
}

bool ReplyBaseline::on(int code, ReplyClass reply) {
  const bool known = usual() != 0;
  if (reply == ReplyClass::Up || reply == ReplyClass::Busy) count(code);
  if (usual(code)) {
    told_ = 0;
    return false;
  }
  if (!known || told_ == code) return false;
  told_ = code;
  return true;
}

std::string ReplyBaseline::to_text() const {
  std::string out;
  for (const Seen& s : seen_)
    if (s.code != 0) out += fmt::format("{}{}:{}", out.empty() ? "" : ",", s.code, s.times);
  return out;
}

bool ReplyBaseline::recall(std::string_view text) {
  std::array<Seen, 4> read{};
  std::size_t n = 0;
  const auto number = [&](int& out, char end) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (text.empty()) return end == ',';
    if (text.front() != end) return false;
    text.remove_prefix(1);
    return true;
  };
  while (!text.empty()) {
    if (n == read.size()) return false;
    Seen& s = read[n++];
    if (!number(s.code, ':') || !number(s.times, ',')) return false;
    if (s.code < 200 || s.code > 699 || s.times < 1 || s.times > kMost) return false;
  }
  seen_ = read;
  return true;
}

}  // namespace linekeeper::decision
