#include <deque>
#include <vector>

#include "tests/sim/frontier/rule.hpp"

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

namespace {

class PacedRule final : public Rule {
 public:
  PacedRule(const Paced& s, std::uint64_t seed, Instant begin) : s_(s), draws_(seed), next_(begin + draws_.between(0s, s.interval)) {
    if (s_.tick > 0s) tick_phase_ = draws_.between(0s, s_.tick);
    if (s_.too_slow > 0s) trips_.assign(static_cast<std::size_t>(s_.window), Duration::zero());
  }

  [[nodiscard]] Instant next() const override { return next_; }
  [[nodiscard]] Duration memory() const override { return std::max<Duration>(10s, s_.interval * (s_.window + 1) + s_.timeout); }

  void step(Channel& channel, Listener& listener) override {
    const Instant now = next_;
    ++sent_;
    forget(now, listener);
    const bool answered = channel.answers(now);
    if (s_.too_slow > 0s) watch_delay(answered ? channel.round_trip(now) : Duration::zero(), now, listener);
    if (!answered)
      lost_.push_back(sent_);
    else if (s_.window == 0)
      lost_.clear();
    report(now, listener);
    next_ = now + (s_.jitter > 0 ? Draws::times(s_.interval, 1 + s_.jitter * (2 * draws_.unit() - 1)) : s_.interval);
  }

  void skip(Channel& channel, Listener& listener) override {
    const std::int64_t n = steps_in(channel.quiet(), next_, s_.interval, 1);
    if (n <= 0) return;
    if (s_.window == 0) {
      lost_.clear();
    } else {
      while (!lost_.empty() && lost_.front() + s_.window <= sent_ + n) {  // each leaves the window at a time of its own
        const Instant at = next_ + s_.interval * (lost_.front() + s_.window - sent_ - 1);
        lost_.pop_front();
        report(at, listener);
      }
    }
    report(next_, listener);
    sent_ += n;
    next_ += s_.interval * n;
    channel.answered(n);
  }

 private:
  void forget(Instant now, Listener& listener) {
    if (s_.window == 0 || lost_.empty() || lost_.front() + s_.window > sent_) return;
    lost_.pop_front();
    report(now, listener);
  }
  void report(Instant now, Listener& listener) {
    const int level = static_cast<int>(lost_.size());
    if (level != told_) listener.level(level, now, decided(now));
    told_ = level;
  }
  [[nodiscard]] Instant decided(Instant sent) const {
    const Instant due = sent + s_.timeout;
    if (s_.tick == 0s) return due;
    const Duration since = due.time_since_epoch() - tick_phase_;
    return Instant(tick_phase_ + (since / s_.tick + (since % s_.tick > 0s ? 1 : 0)) * s_.tick);
  }
  /// The mean round trip of those of the window that were answered. An answer counts when it is there, not after the timeout.
  void watch_delay(Duration trip, Instant now, Listener& listener) {
    Duration& slot = trips_[static_cast<std::size_t>(sent_ % s_.window)];
    sum_ += trip - slot;
    answers_ += (trip > 0s ? 1 : 0) - (slot > 0s ? 1 : 0);
    slot = trip;
    if (answers_ > 0 && sum_ / answers_ > s_.too_slow) listener.too_slow(decided(now + trip - s_.timeout));
  }

  Paced s_;
  Draws draws_;
  Instant next_;
  Duration tick_phase_{};
  std::int64_t sent_ = 0;
  std::deque<std::int64_t> lost_;  // which of the sent ones, oldest first
  int told_ = 0;
  std::vector<Duration> trips_;  // 0: not answered
  Duration sum_{};
  std::int64_t answers_ = 0;
};

class BfdRule final : public Rule {
 public:
  BfdRule(Duration interval, std::uint64_t seed, Instant begin) : interval_(interval), draws_(seed), next_(begin), heard_(begin) {}

  [[nodiscard]] Instant next() const override { return next_; }

  void step(Channel& channel, Listener& listener) override {
    const Instant now = next_;
    wait_until(now, listener);
    if (channel.answers(now)) hear(now, listener);
    next_ = now + Draws::times(interval_, 0.75 + 0.25 * draws_.unit());
  }

  void skip(Channel& channel, Listener& listener) override {
    const Duration period = interval_ * 7 / 8;  // the mean
    const std::int64_t n = steps_in(channel.quiet(), next_, period, 1);
    if (n <= 0) return;
    wait_until(next_, listener);
    hear(next_, listener);
    heard_ = next_ + period * (n - 1);
    next_ += period * n;
    channel.answered(n);
  }

 private:
  void wait_until(Instant now, Listener& listener) {
    for (; heard_ + interval_ * (told_ + 1) < now; ++told_) {
      const Instant at = heard_ + interval_ * (told_ + 1);
      listener.level(told_ + 1, at, at + kShortestRoundTrip / 2);
    }
  }
  void hear(Instant now, Listener& listener) {
    heard_ = now;
    if (told_ != 0) listener.level(0, now, now);
    told_ = 0;
  }

  Duration interval_;
  Draws draws_;
  Instant next_;
  Instant heard_;
  int told_ = 0;
};

class RoundsRule final : public Rule {
 public:
  RoundsRule(const Rounds& s, std::uint64_t seed, Instant begin) : s_(s), draws_(seed), next_(begin + draws_.between(0s, s.interval)) {}

  [[nodiscard]] Instant next() const override { return next_; }
  [[nodiscard]] Duration memory() const override { return 2 * period(); }

  void step(Channel& channel, Listener& listener) override {
    const Instant begun = next_;
    Instant now = begun;
    int answers = 0;
    for (int i = 0; i < s_.hosts; ++i) {
      const bool answered = channel.answers(now);
      const Duration trip = answered ? channel.round_trip(now) : s_.timeout;
      answers += answered && trip < s_.timeout ? 1 : 0;
      now += std::min(trip, s_.timeout);
    }
    const int failed = answers >= s_.reliability ? 0 : failed_ + 1;
    if (failed != failed_) listener.level(failed, now, now);
    failed_ = failed;
    next_ = s_.from_end ? now + s_.interval : std::max(begun + s_.interval, now);
  }

  void skip(Channel& channel, Listener& listener) override {
    // A round that begins before the quiet ends may reach into the burst: the last one is stepped.
    const std::int64_t n = steps_in(channel.quiet(), next_, period(), s_.hosts) - 1;
    if (n <= 0) return;
    if (failed_ != 0) listener.level(0, next_, next_);
    failed_ = 0;
    next_ += period() * n;
    channel.answered(n * s_.hosts);
  }

 private:
  [[nodiscard]] Duration period() const { return s_.interval + (s_.from_end ? s_.hosts * (kShortestRoundTrip + 2ms) : Duration::zero()); }

  Rounds s_;
  Draws draws_;
  Instant next_;
  int failed_ = 0;
};

class TransactionsRule final : public Rule {
 public:
  TransactionsRule(Duration interval, Duration deadline, std::uint64_t seed, Instant begin)
      : interval_(interval), deadline_(deadline), draws_(seed), next_ping_(begin + draws_.between(0s, interval)) {}

  [[nodiscard]] Instant next() const override {
    Instant at = next_ping_;
    for (const Open& o : open_) at = std::min(at, o.next);
    return at;
  }
  [[nodiscard]] Duration memory() const override { return 2 * deadline_ + interval_; }

  void step(Channel& channel, Listener& listener) override {
    const Instant now = next();
    if (now == next_ping_) {
      open_.push_back({.begun = now, .next = now});
      next_ping_ += interval_;
    }
    for (std::size_t i = 0; i < open_.size();) {
      if (open_[i].next == now && ends(open_[i], channel, listener))
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
      else
        ++i;
    }
  }

  void skip(Channel& channel, Listener& listener) override {
    if (!open_.empty()) return;
    const std::int64_t n = steps_in(channel.quiet(), next_ping_, interval_, 1);
    if (n <= 0) return;
    if (failed_ != 0) listener.level(0, next_ping_, next_ping_);
    failed_ = 0;
    next_ping_ += interval_ * n;
    channel.answered(n);
  }

 private:
  struct Open {
    Instant begun, next;
    Duration wait = 500ms;
  };

  bool ends(Open& o, Channel& channel, Listener& listener) {
    const Instant now = o.next;
    if (now >= o.begun + deadline_) {
      listener.level(++failed_, now, now);
      return true;
    }
    if (channel.answers(now)) {
      if (failed_ != 0) listener.level(0, now, now);
      failed_ = 0;
      return true;
    }
    o.next = std::min(now + o.wait, o.begun + deadline_);
    o.wait = std::min<Duration>(2 * o.wait, 4s);
    return false;
  }

  Duration interval_, deadline_;
  Draws draws_;
  Instant next_ping_;
  std::vector<Open> open_;
  int failed_ = 0;
};

}  // namespace

std::unique_ptr<Rule> paced(const Paced& setting, std::uint64_t seed, Instant begin) { return std::make_unique<PacedRule>(setting, seed, begin); }
std::unique_ptr<Rule> bfd(Duration interval, std::uint64_t seed, Instant begin) { return std::make_unique<BfdRule>(interval, seed, begin); }
std::unique_ptr<Rule> rounds(const Rounds& setting, std::uint64_t seed, Instant begin) { return std::make_unique<RoundsRule>(setting, seed, begin); }
std::unique_ptr<Rule> transactions(Duration interval, Duration deadline, std::uint64_t seed, Instant begin) {
  return std::make_unique<TransactionsRule>(interval, deadline, seed, begin);
}

}  // namespace linekeeper::sim::frontier
