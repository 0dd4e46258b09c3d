#pragma once
// What was recorded as decided against what a replay decides: the same, or the differences as sentences. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "controller/operations/replay.hpp"

namespace linekeeper::operations {

struct Difference {
  model::WallTime wall{};  ///< of the recorded decision, or of the other where there is none
  std::string subject;     ///< "class voice"
  std::string sentence;
};

struct Comparison {
  std::size_t decisions = 0;  ///< recorded, that were compared
  std::size_t equal = 0;
  std::vector<Difference> differences;  ///< in the order of time
};

/// The recorded decisions that a replay of these blocks can be held against: the judge's own, in what was covered, within the span.
/// `wall` becomes the replay's, so that both sides are told in one time.
[[nodiscard]] std::vector<journal::RecordedEvent> comparable(const std::vector<journal::RecordedEvent>& recorded, const std::vector<Covered>& covered,
                                                             model::WallTime since, model::WallTime until);

/// The same configuration: each decision must be there, at its very instant, in both.
[[nodiscard]] Comparison compare_exactly(const std::vector<journal::RecordedEvent>& recorded, const Story& replayed);

/// What a person would want to know of another configuration: moves, and states of circuits and carriers.
[[nodiscard]] bool worth_comparing(model::EventId id);
/// @param recorded  only what is worth comparing
[[nodiscard]] std::vector<Question> questions_of(const std::vector<journal::RecordedEvent>& recorded);
/// Another configuration: what came at another time, or not, or beside. @param replayed  with the answers to questions_of(recorded)
/// @param label  "other.toml"
[[nodiscard]] Comparison compare(const std::vector<journal::RecordedEvent>& recorded, const Story& replayed, std::string_view label);

/// "14:03:12.4"
[[nodiscard]] std::string clock_of(model::WallTime t);

}  // namespace linekeeper::operations
