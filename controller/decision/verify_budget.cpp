#include "controller/decision/verify_budget.hpp"

#include <algorithm>

namespace linekeeper::decision {

namespace {

constexpr double kNanosecondsInAMinute = 60e9;

double nanoseconds(model::Instant t) { return static_cast<double>(t.time_since_epoch().count()); }

/// What still counts as spent at `now`. Subtracted as doubles: the first instant is the earliest there is, and the span must not overflow.
double spent_at(model::Instant now, model::Instant since, double spent, double per_nanosecond) {
  if (now <= since || spent <= 0) return spent;
  return std::max(0.0, spent - per_nanosecond * (nanoseconds(now) - nanoseconds(since)));
}

}  // namespace

VerifyBudget::VerifyBudget(int capacity, double per_minute)
    : capacity_(std::max(0, capacity)), per_nanosecond_(per_minute > 0 ? per_minute / kNanosecondsInAMinute : 0.0) {}

bool VerifyBudget::take(model::Instant now) {
  spent_ = spent_at(now, at_, spent_, per_nanosecond_);
  at_ = std::max(at_, now);  // also when none is given: what came back until then has come back once
  if (!(spent_ + 1 <= capacity_)) return false;
  spent_ += 1;
  return true;
}

double VerifyBudget::left(model::Instant now) const { return std::max(0.0, capacity_ - spent_at(now, at_, spent_, per_nanosecond_)); }

}  // namespace linekeeper::decision
