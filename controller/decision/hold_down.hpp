#pragma once
// How long a circuit must be well before traffic goes back to it. Each failure soon after a failback trebles the time, each stable hour
// takes a third of it back: 60 s, 3 min, 9 min, 27 min, an hour. A circuit that flaps is thus left in peace for longer and longer, and
// one that failed once and never again is as good as new within the hour. A fixed time cannot do both: 60 s costs 20 moves an hour under
// slow flapping, an hour punishes the one that was cut by a digger once.
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"
#include "controller/model/verdict.hpp"

namespace linekeeper::decision {

class HoldDown {
 public:
  /// A failure within this after the last failback shows that it came too early; so much time without any failure makes up for one.
  static constexpr model::Duration kJudged = std::chrono::hours(1);

  /// @param first  the time of a circuit that nothing is held against  @param most  and at the most, however often it failed
  HoldDown(model::Duration first, model::Duration most);

  /// Tells what is held of the circuit; to be told at every change, and as often besides as one likes.
  void see(model::Health health, model::Instant now);
  /// Traffic went back to it.
  void failed_back(model::Instant now) { trusted_at_ = now; }
  /// Traffic left it although it is not down: calls over it sounded bad. Counts as a failure.
  void left(model::Instant now) { fail(now); }

  [[nodiscard]] model::Duration present(model::Instant now) const;
  /// It was down, and is back since; nothing before its first failure, and while it is down.
  [[nodiscard]] std::optional<model::Instant> back_since() const { return back_since_; }
  /// One line, to be kept over a restart.
  [[nodiscard]] std::string to_text(model::Instant now) const;
  [[nodiscard]] static bool is_text(std::string_view text);  ///< by its first word
  /// @param age  how long before `now` it was written, by the wall clock; a negative age counts as none. What happened meanwhile nobody
  ///             saw: the time counts, as if the circuit had stayed as it was
  /// @return false, and nothing is changed: it is no text that to_text() writes
  bool recall(std::string_view text, model::Instant now, model::Duration age);
  /// How often the first time is trebled now.
  [[nodiscard]] int level(model::Instant now) const;

 private:
  void fail(model::Instant now);

  model::Duration first_, most_;
  int most_level_ = 0;  // trebling on would change nothing, and would have to be made up for hour by hour
  int level_ = 0;       // at stable_since_
  bool down_ = false;
  std::optional<model::Instant> stable_since_;  // nothing while it is down, and before it was first seen well
  std::optional<model::Instant> back_since_;
  std::optional<model::Instant> trusted_at_;  // the last failback, until it was judged
};

}  // namespace linekeeper::decision
