#pragma once
// Partial loss, found by sequential tests over the fates of single probes in the order they were sent.
//
//   lossy   a share of the probes is lost on top of what this kind of circuit loses. The null hypothesis is a circuit with bursts
//           (Gilbert-Elliott), so that a burst alone does not score; alternatives lose more in their good state. A CUSUM (Page 1954)
//           over the likelihood ratio of two hidden Markov filters for each alternative.
//   bursty  losses come in more or longer bursts. The first is blind to that by its making; this one is a CUSUM that takes losses for
//           independent, with a high threshold, on scheduled probes only.
//
// No single target may have the say: each test runs once for every target left out, and the smallest of those scores is the score. So a
// target that dies, lies or limits its rate leaves the score where the others have it, which pooling would not (it alarms for ever).
// With fewer than two targets that count there is no score, unless the circuit has but one.
//
// The caller decides fates in SEND order (a late answer may un-lose a probe until it is added here); what comes out of order is ignored.
// Time and memory are bounded: everything is allocated by the constructor, a probe costs two exponentials for each alternative and
// some multiplications for each target.
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

class LossDetector {
 public:
  static constexpr std::size_t kTargetsMax = 64;

  /// @param targets  how many the circuit has, 1 to kTargetsMax
  /// @param interval between two scheduled probes of the circuit (any target); the thresholds depend on it
  explicit LossDetector(std::size_t targets, model::Duration interval);

  /// The fate of a probe. Verify probes are sent when it is bad and are ignored; Closer ones feed `lossy` alone.
  void add(std::size_t position, model::Instant sent, bool lost, model::ProbeKind kind);
  /// A target that is set aside is not counted, and what it said so far is not held against the circuit.
  void skip(std::size_t position, bool skipped);
  /// Probing has become faster or slower; scores stay what they are.
  void set_interval(model::Duration interval);
  /// Early word of a Scheduled or Closer probe, long before its fate is final and in any order: it was answered, or its answer is
  /// overdue. It speeds the probing up (wants_closer) and scores nothing.
  void early(std::size_t position, bool overdue);

  [[nodiscard]] double lossy() const;
  [[nodiscard]] double bursty() const;
  [[nodiscard]] double lossy_alarm() const;
  [[nodiscard]] double bursty_alarm() const;
  /// Probes at a closer spacing would decide sooner.
  [[nodiscard]] bool wants_closer() const;
  /// From the threshold on, until the score has fallen to half of it.
  [[nodiscard]] bool lossy_alarmed() const;
  [[nodiscard]] bool bursty_alarmed() const;
  /// Nothing of what was before counts: the circuit was dead, or is another one (address, interface).
  void reset();

 private:
  static constexpr std::size_t kLossyTests = 3, kBurstyTests = 2;
  struct Cusum {
    double bad = 0;    ///< chance that the line is within a burst now, as the alternative has it
    double ratio = 1;  ///< e to the power of the score: likelihood of the alternative over that of the null hypothesis, 1 at the least
  };
  /// The tests over all targets but one.
  struct LeftOut {
    double bad = 0, bad_scheduled = 0;  ///< as the null hypothesis has it, from all probes and from the scheduled ones
    std::array<Cusum, kLossyTests> lossy{};
    std::array<Cusum, kBurstyTests> bursty{};
    double early = 0;
    bool skipped = false;
  };

  void pass(model::Instant sent, bool scheduled);
  void weigh(LeftOut& tests, bool lost, bool scheduled) const;
  void judge();
  /// Whether a probe of `position` counts in the tests that leave out `left_out`.
  [[nodiscard]] bool counts(std::size_t position, std::size_t left_out) const;
  template <class Score>
  [[nodiscard]] double least(Score score) const;

  std::vector<LeftOut> left_out_;
  double lossy_alarm_ = 0, bursty_alarm_ = 0;
  std::array<double, kLossyTests> lossy_most_{};  ///< ratios
  std::array<double, kBurstyTests> bursty_most_{};
  double lossy_ = 0, bursty_ = 0;
  bool lossy_alarmed_ = false, bursty_alarmed_ = false;
  std::optional<model::Instant> last_, last_scheduled_;
};

}  // namespace linekeeper::decision
