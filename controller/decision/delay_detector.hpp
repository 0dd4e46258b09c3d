#pragma once
// Added delay: the shortest round trip of the last 20 s against the one that is usual for the same target.
//
// The shortest, because queues come and go within seconds while a longer way adds to every packet: an average alarms under each download
// (bufferbloat), the minimum over 20 s hardly ever. What is usual is learned slowly, upwards over hours, so that a fault is not
// swallowed while it is acted on and a lasting reroute becomes the new usual; downwards within minutes.
//
// Two targets in agreement at least, and half of those that count: a slow target is not a slow circuit.
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::decision {

class DelayDetector {
 public:
  static constexpr std::size_t kTargetsMax = 64;

  /// @param targets how many the circuit has, 1 to kTargetsMax
  explicit DelayDetector(std::size_t targets);

  void add(std::size_t position, model::Duration rtt, model::Instant now);
  /// A target that is set aside is not counted.
  void skip(std::size_t position, bool skipped);
  [[nodiscard]] std::size_t targets() const;

  /// Median over the targets that count of their shortest round trips lately.
  [[nodiscard]] std::optional<model::Duration> shortest(model::Instant now) const;
  /// Likewise of what is usual.
  [[nodiscard]] std::optional<model::Duration> usual() const;
  /// A target is slow from 75 ms above its usual on, until it is below 50 ms above it.
  [[nodiscard]] bool alarmed(model::Instant now) const;

  /// What is usual, one line, to be kept over a restart.
  [[nodiscard]] std::string to_text() const;
  /// @param age how long ago it was written, by the wall clock: what is old gives way sooner; a negative age counts as none
  /// @return nothing when the text is not one that to_text() writes; compare targets() before use
  static std::optional<DelayDetector> from_text(std::string_view text, model::Duration age);

 private:
  struct Second {
    model::Instant began{};
    model::Duration shortest{};
  };
  static constexpr std::size_t kSeconds = 20;
  struct Target {
    std::array<Second, kSeconds> lately{};  ///< a ring of the seconds in which something was answered
    std::size_t end = 0, size = 0;
    double usual = 0;             ///< nanoseconds; 0: not known yet
    model::Duration learned{};    ///< how long it was learned
    model::Instant learned_at{};  ///< when last
    bool slow = false, skipped = false;

    [[nodiscard]] const Second& newest(std::size_t i) const { return lately[(end + kSeconds - 1 - i) % kSeconds]; }
    void note(model::Duration rtt, model::Instant now);
    [[nodiscard]] std::optional<model::Duration> shortest(model::Instant now) const;
    void learn(double shortest_now, model::Instant now);
  };

  std::vector<Target> targets_;
};

}  // namespace linekeeper::decision
