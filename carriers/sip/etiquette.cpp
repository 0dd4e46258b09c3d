#include "carriers/sip/etiquette.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/model/assert.hpp"

namespace linekeeper::sip {
using model::Duration;
using model::Instant;
using namespace std::chrono_literals;
namespace {
constexpr Duration kFirstRetry = 1s;
constexpr Duration kShortest = 10ms;  // an interval of nothing would spin
constexpr double kJitter = 0.1;
constexpr Duration kWorthAToken = 750ms;  // what the floor gives within this is waited for
constexpr Duration kConfirmAfter = 1s;
constexpr int kMostConfirmations = 2;
/// From one verify OPTIONS to the next; the last one again and again.
constexpr std::array<Duration, 3> kGaps = {750ms, 1000ms, 1250ms};

Duration scaled(Duration d, double by) { return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * by)); }
}  // namespace

Etiquette::Etiquette(const model::Carrier& carrier, runtime::SeededRandom random, Debt debt)
    : interval_(std::max(carrier.interval, kShortest)),
      floor_(std::max(carrier.floor, Duration::zero())),
      retry_(kFirstRetry),
      burst_(std::max(carrier.verify_burst, 0)),
      random_(random),
      debt_(std::make_shared<Debt>(debt)) {}

void Etiquette::take_turns(std::shared_ptr<Debt> common, int in_turn) {
  debt_ = std::move(common);
  in_turn_ = std::max(1, in_turn);
}

Instant Etiquette::token_at() const { return burst_ == 0 ? model::kNever : debt_->burst_full - (burst_ - 1) * interval_; }

Instant Etiquette::next_verify() const {
  if (verify_at_ == model::kNever) return model::kNever;
  if (debt_->floor_until <= verify_at_ + kWorthAToken) return std::max({verify_at_, debt_->floor_until, spared_until_});
  return std::max(std::min(std::max(verify_at_, token_at()), debt_->floor_until), spared_until_);
}

void Etiquette::spare(Instant until) { spared_until_ = std::max(spared_until_, until); }

void Etiquette::begin(Instant now, Duration first_after) {
  next_ = std::max(now + first_after, debt_->floor_until);
  debt_->burst_full = std::min(debt_->burst_full, now + burst_ * interval_);  // written down under a longer interval: no more than all
  stirred();
}

void Etiquette::started(Instant now) {
  if (!free(now)) {
    LK_ASSERT(now >= token_at());
    debt_->burst_full = std::max(debt_->burst_full, now) + interval_;
  }
  debt_->floor_until = now + floor_;
  retry_ = kFirstRetry;
  const Duration pace = in_turn_ == 1 ? interval_ : std::max(interval_, in_turn_ * floor_);
  next_ = now + std::max(floor_, scaled(pace, 1 - kJitter + 2 * kJitter * random_.unit()));
  if (verify_at_ == model::kNever) return;
  // From now: a loop that stood still sends one, not all it missed.
  verify_at_ = --verify_left_ > 0 ? now + kGaps[std::min<std::size_t>(static_cast<std::size_t>(verified_++), kGaps.size() - 1)] : model::kNever;
}

void Etiquette::suspected(Instant now) { bring_forward(now, scaled(floor_, 0.1)); }

void Etiquette::verify(Instant from, int most) {
  verify_left_ = std::min(most, burst_);
  verified_ = 0;
  verify_at_ = verify_left_ > 0 ? from : model::kNever;
}

void Etiquette::silent(Instant from) {
  if (silence_met_) return;
  silence_met_ = true;
  verify(from, burst_);
}

void Etiquette::rejected(Instant now) {
  stirred();
  if (confirmations_ == kMostConfirmations) return;
  ++confirmations_;
  verify(now + kConfirmAfter, 1);
}

void Etiquette::doubted(Instant now) {
  if (!silence_met_ && verify_at_ == model::kNever) verify(now, 1);
}

void Etiquette::stirred() {
  silence_met_ = false;
  verify_at_ = model::kNever;
}

void Etiquette::answered() {
  stirred();
  confirmations_ = 0;
}

void Etiquette::changed(Instant now) {
  stirred();
  bring_forward(now, 500ms);
}

void Etiquette::bring_forward(Instant now, Duration spread) {
  if (next_ == model::kNever) return;
  const auto soonest = std::max(now, debt_->floor_until);
  next_ = std::max(std::min(next_, soonest + scaled(spread, random_.unit())), debt_->floor_until);
}

void Etiquette::not_sent(Instant now) {
  next_ = std::max(now + retry_, debt_->floor_until);
  if (verify_at_ != model::kNever) verify_at_ = std::max(verify_at_, now + retry_);
  retry_ = std::min(2 * retry_, std::max(interval_, kFirstRetry));
}

}  // namespace linekeeper::sip
