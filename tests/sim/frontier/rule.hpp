#pragma once
// A rule of detection as others ship it, reduced to what it is: probes at its own pace, and one number that climbs while things are bad.
// It alarms when the number reaches a threshold; what number, at what threshold, and after what wait is what rules differ in.
#include <algorithm>
#include <memory>

#include "tests/sim/frontier/channel.hpp"

namespace linekeeper::sim::frontier {

/// Who is told where the number stands.
class Listener {
 public:
  virtual ~Listener() = default;
  /// From `now` on the number is `level`; a rule that alarms at or below it does so at `decided` (its timeout has passed, its tick has come).
  virtual void level(int level, Instant now, Instant decided) = 0;
  /// It finds the delay too long, whatever the number.
  virtual void too_slow(Instant decided) = 0;
};

class Rule {
 public:
  virtual ~Rule() = default;

  /// When it acts next.
  [[nodiscard]] virtual Instant next() const = 0;
  /// Does what is due at next().
  virtual void step(Channel& channel, Listener& listener) = 0;
  /// Jumps over what is answered anyway, where it can. Round trips are not looked at meanwhile.
  virtual void skip(Channel& channel, Listener& listener) = 0;
  /// What it remembers: it is measured warm, not with an empty window that flatters it.
  [[nodiscard]] virtual Duration memory() const { return std::chrono::seconds(10); }
};

/// So many steps of `probes` each, `period` apart, can be jumped over from `next` on.
[[nodiscard]] inline std::int64_t steps_in(LossProcess::Quiet quiet, Instant next, Duration period, std::int64_t probes) {
  if (quiet.until <= next) return 0;
  return std::min<std::int64_t>(quiet.probes / probes, (quiet.until - next - Duration(1)) / period);
}

/// Evenly paced probes, each judged when `timeout` has passed: K in a row, or as many among the last `window` of them.
struct Paced {
  Duration interval{};
  double jitter = 0;    ///< each gap is interval * (1 +- jitter)
  Duration timeout{};   ///< a probe counts as lost after this
  Duration tick{};      ///< looked at so often only; 0: at once
  int window = 0;       ///< probes counted over; 0: losses in a row
  Duration too_slow{};  ///< alarm when the mean round trip of the window exceeds it; 0: never
};
[[nodiscard]] std::unique_ptr<Rule> paced(const Paced& setting, std::uint64_t seed, Instant begin);

/// Bidirectional Forwarding Detection, asynchronous mode (RFC 5880): the other side sends each `interval`, less up to a quarter (6.8.7);
/// the level is how many intervals have passed since its last packet, the threshold the detect multiplier (6.8.4).
[[nodiscard]] std::unique_ptr<Rule> bfd(Duration interval, std::uint64_t seed, Instant begin);

/// Rounds of pings to several hosts, one after the other, each waited for: a round fails when fewer than `reliability` answer, and the level is
/// failed rounds in a row. mwan3 (its `down`), and with one host keepalived's script (its `fall`).
struct Rounds {
  int hosts = 1;
  int reliability = 1;
  Duration timeout{};
  Duration interval{};
  bool from_end = true;  ///< the interval is counted from the end of a round (a sleep), or from its beginning (a timer)
};
[[nodiscard]] std::unique_ptr<Rule> rounds(const Rounds& setting, std::uint64_t seed, Instant begin);

/// OPTIONS transactions over UDP, sent again after 0.5, 1, 2, 4, 4, ... s (RFC 3261 timer E) and failed after `deadline`; the level is
/// failed ones in a row. Kamailio's dispatcher: `ds_ping_interval`, tm's `fr_timer`, `ds_probing_threshold`.
[[nodiscard]] std::unique_ptr<Rule> transactions(Duration interval, Duration deadline, std::uint64_t seed, Instant begin);

}  // namespace linekeeper::sim::frontier
