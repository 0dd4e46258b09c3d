#pragma once
// The product's own judge (decision::CircuitHealth, as it ships) in virtual time: its probes go over a Channel at the pace it asks for, and it
// is told what the prober would tell it. This file and its .cpp are all that knows its interface.
#include <functional>
#include <memory>
#include <vector>

#include "controller/decision/circuit_health.hpp"
#include "tests/sim/frontier/channel.hpp"

namespace linekeeper::sim::frontier {

class Ours {
 public:
  /// @param false_failovers_per_year  the budget it is configured with; all else is as by default: three targets in two networks, in use
  Ours(double false_failovers_per_year, std::uint64_t seed, Instant begin);

  struct State {
    bool suspect = false;   ///< new calls go elsewhere
    bool degraded = false;  ///< a part is lost, or late
    bool down = false;      ///< everything goes elsewhere
    friend bool operator==(const State&, const State&) = default;
  };
  /// Told of every change. @return false to stop.
  using Told = std::function<bool(const State& now_is, Instant at)>;

  /// Probes and judges until `until`, or until told to stop.
  void run(Channel& channel, Instant until, const Told& told);

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] std::int64_t probes() const { return sent_; }  ///< sent so far, of all kinds
  /// The silence that means death, as it has learned; 0 while it cannot say.
  [[nodiscard]] Duration dead_after() const;

  /// Another of the same settings that was told, at a restart, what this one has learned. It begins where this one stands.
  [[nodiscard]] Ours restarted(std::uint64_t seed) const;

 private:
  struct Answer {
    Instant at;
    model::ProbeReply reply;
  };
  void send(Channel& channel, std::size_t target, model::ProbeKind kind);
  void judge();
  [[nodiscard]] Instant next_extra() const { return extra_ ? *extra_ : model::kNever; }

  double budget_;
  std::unique_ptr<const model::Site> site_;  // apart: the judge keeps a reference to it
  decision::CircuitHealth health_;
  Draws draws_;
  Instant now_;
  State state_;
  Instant next_probe_;
  Instant judge_at_ = model::kNever;
  std::optional<Instant> extra_;  // when the next additional probe leaves
  std::size_t turn_ = 0, extra_turn_ = 0;
  std::vector<Answer> on_their_way_;  // earliest last
  std::uint64_t sequence_ = 0;
  std::int64_t sent_ = 0;
};

}  // namespace linekeeper::sim::frontier
