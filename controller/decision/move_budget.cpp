#include "controller/decision/move_budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace linekeeper::decision {

using model::Duration;
using model::Instant;

namespace {
constexpr std::string_view kHeader = "moves1";
}  // namespace

void MoveBudget::moved(model::Motive motive, bool from_dead, Instant now) {
  if (from_dead) return escapes_.add(now);
  few_.add(now);
  many_.add(now);
  if (motive == model::Motive::Failback) failbacks_.add(now);
  if (motive == model::Motive::Quality) quality_moves_.add(now);
}

template <std::size_t N>
void MoveBudget::Newest<N>::write(std::string& text, Instant now) const {
  text += fmt::format(" {}", count_);
  for (std::size_t i = 0; i < count_; ++i) text += fmt::format(" {:.3f}", seconds_before(now, at_[(next_ + N - count_ + i) % N]));
}

template <std::size_t N>
void MoveBudget::Newest<N>::read(KeptText& text, Instant written) {
  *this = {};
  const auto count = static_cast<std::size_t>(text.number(0, N));
  std::vector<Instant> at;
  for (std::size_t i = 0; i < count; ++i) at.push_back(text.moment(written).value_or(written));
  std::ranges::sort(at);  // free_at() goes by the oldest
  for (const Instant t : at) add(t);
}

std::string MoveBudget::to_text(Instant now) const {
  std::string text(kHeader);
  escapes_.write(text, now);
  few_.write(text, now);
  many_.write(text, now);
  failbacks_.write(text, now);
  quality_moves_.write(text, now);
  return text;
}

bool MoveBudget::recall(std::string_view text, Instant now, Duration age) {
  const Instant written = written_before(now, age);
  KeptText kept(text, kHeader);
  MoveBudget read;
  read.escapes_.read(kept, written);
  read.few_.read(kept, written);
  read.many_.read(kept, written);
  read.failbacks_.read(kept, written);
  read.quality_moves_.read(kept, written);
  if (!kept.complete()) return false;
  *this = read;
  return true;
}

}  // namespace linekeeper::decision
