#include "controller/decision/verify_budget.hpp"

#include <algorithm>

namespace linekeeper::decision {

namespace {

constexpr double kNanosecondsInAMinute = 60e9;

/// What still counts as spent at `now`. Instants are compared before they are subtracted: the first one is the earliest there is.
double spent_at(model::Instant now, model::Instant since, double spent, double per_nanosecond) {
  if (now <= since || spent <= 0) return spent;
  return std::max(0.0, spent - per_nanosecond * static_cast<double>((now - since).count()));
}

}  // namespace

VerifyBudget::VerifyBudget(int capacity, double per_minute)
    : capacity_(std::max(0, capacity)), per_nanosecond_(per_minute > 0 ? per_minute / kNanosecondsInAMinute : 0.0) {}

bool VerifyBudget::take(model::Instant now) {
  const double spent = spent_at(now, at_, spent_, per_nanosecond_);
  if (!(spent + 1 <= capacity_)) return false;
  spent_ = spent + 1;
  at_ = std::max(at_, now);
  return true;
}

double VerifyBudget::left(model::Instant now) const { return std::max(0.0, capacity_ - spent_at(now, at_, spent_, per_nanosecond_)); }

}  // namespace linekeeper::decision
