#pragma once
// Which targets of a circuit may be believed. A target that is silent while others answer, that loses far more than others, or that
// answers while all others are silent is set aside: its word counts neither for the circuit nor against it, until it does as
// the others do. It never moves anything (I5); it is told.
//
// At least two targets in two networks always stay: with fewer, nothing could be corroborated, and one odd target is better than no
// evidence at all.
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "controller/decision/corroboration.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

class TargetStanding {
 public:
  /// @param network  by position, as in trailing_runs; outlives this
  explicit TargetStanding(std::span<const std::uint8_t> network);

  /// What became of a probe, in the order they were sent.
  void settled(std::size_t position, bool lost, model::ProbeKind kind);
  /// Counted anew: the line or our address is another one.
  void forget();

  struct Change {
    std::size_t position = 0;
    model::SetAside before = model::SetAside::No, after = model::SetAside::No;
  };
  /// One change of standing, if one is due; to be asked until none is.
  std::optional<Change> judge();

  [[nodiscard]] TargetMask counted() const { return counted_; }
  [[nodiscard]] model::SetAside of(std::size_t position) const { return targets_[position].standing; }

  // The bounds, for tests and for the table in README.md.
  static constexpr int kSilentFor = 6;     ///< probes in a row unanswered while others answer: dead
  static constexpr int kOthersAnswer = 3;  ///< so many in a row of two others
  static constexpr int kWindow = 64;       ///< probes of one target that its loss is made of
  static constexpr int kLossy = 16;        ///< of them lost while others lose no more than kWell: lossy
  static constexpr int kWell = 4;
  static constexpr int kEnough = 48;   ///< probes before that is judged
  static constexpr int kLiesFor = 10;  ///< answers in a row while all others are silent: lying

 private:
  struct Target {
    model::SetAside standing = model::SetAside::No;
    int lost_in_a_row = 0, answered_in_a_row = 0;
    std::uint64_t fates = 0;  // newest in bit 0; set: lost
    int seen = 0;
    [[nodiscard]] int lost() const;
  };
  struct Others {
    int count = 0, answering = 0, silent = 0, well = 0;
  };
  static void add(Others& sum, const Target& t, int sign);
  [[nodiscard]] Others sum() const;
  [[nodiscard]] model::SetAside wanted(std::size_t position, Others others) const;
  [[nodiscard]] bool spared(std::size_t position) const;

  std::span<const std::uint8_t> network_;
  std::vector<Target> targets_;
  TargetMask counted_ = 0;
  bool due_ = false;  // something was settled since it was last judged
};

}  // namespace linekeeper::decision
