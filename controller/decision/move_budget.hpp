#pragma once
// I3: how often a class may move. Bounds for every reason to move, so that no fault, and no mistake of ours, makes a site twitch:
//
//   escapes from a dead way      12 in 10 minutes: never the smaller limit, for staying on a dead way helps nobody; still finite
//   every other move              3 in 10 minutes and 6 in an hour
//     of these, going back        3 in an hour: between two failbacks lies one escape, hence at most 7 moves in any hour
//     of these, for quality       2 in an hour
//
// The switch counts the same moves against caps of its own when they reach it, a little later than they were decided. The windows here
// are longer by that little, so that what is decided is never refused there.
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "controller/decision/kept_text.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::decision {

class MoveBudget {
 public:
  static constexpr std::size_t kEscapesInShort = 12, kMovesInShort = 3, kMovesInLong = 6, kFailbacksInLong = 3, kQualityMovesInLong = 2;
  static constexpr model::Duration kOnTheWay = std::chrono::seconds(2);  ///< from being decided to being counted by the switch, at most
  static constexpr model::Duration kShort = std::chrono::minutes(10) + kOnTheWay;
  static constexpr model::Duration kLong = std::chrono::hours(1) + kOnTheWay;

  /// A class moved, from one way to another: to be given its first is none. @param from_dead  away from a circuit that was down: an escape, whatever
  /// the motive
  void moved(model::Motive motive, bool from_dead, model::Instant now);

  /// From when on the next move of that kind may be made; the beginning of time when at once.
  [[nodiscard]] model::Instant may_escape() const { return escapes_.free_at(kShort); }
  [[nodiscard]] model::Instant may_fail_back() const { return std::max(may_move(), failbacks_.free_at(kLong)); }
  [[nodiscard]] model::Instant may_improve() const { return std::max(may_move(), quality_moves_.free_at(kLong)); }

  /// A move that answers a failed proof (I8): of no kind that has a smaller limit of its own.
  [[nodiscard]] model::Instant may_answer() const { return std::max(may_move(), moves_refused_until_); }

  /// The switch did not let it move, and will not before `until`. @param escape  the kind of move, as moved()'s `from_dead`
  void refused(bool escape, model::Instant until) { (escape ? escapes_refused_until_ : moves_refused_until_) = until; }
  [[nodiscard]] model::Instant escapes_refused_until() const { return escapes_refused_until_; }
  [[nodiscard]] model::Instant moves_refused_until() const { return moves_refused_until_; }

  /// One line, to be kept over a restart: how long ago each move was. What the switch refused it says again.
  [[nodiscard]] std::string to_text(model::Instant now) const;
  /// @param age  how long before `now` the text was written, by the wall clock; a negative age counts as none: then moves count for longer,
  ///             by no more than a window @return false, and nothing is changed: it is no text that to_text() writes
  bool recall(std::string_view text, model::Instant now, model::Duration age);

 private:
  /// The newest N instants.
  template <std::size_t N>
  class Newest {
   public:
    void add(model::Instant at) {
      at_[next_] = at;
      next_ = (next_ + 1) % N;
      count_ = count_ < N ? count_ + 1 : N;
    }
    /// When the oldest of N leaves the window; at once while there are fewer.
    [[nodiscard]] model::Instant free_at(model::Duration window) const { return count_ < N ? model::Instant{} : at_[next_] + window; }
    void write(std::string& text, model::Instant now) const;
    void read(KeptText& text, model::Instant written);

   private:
    std::array<model::Instant, N> at_{};
    std::size_t next_ = 0, count_ = 0;
  };

  [[nodiscard]] model::Instant may_move() const { return std::max(few_.free_at(kShort), many_.free_at(kLong)); }

  Newest<kEscapesInShort> escapes_;
  Newest<kMovesInShort> few_;
  Newest<kMovesInLong> many_;
  Newest<kFailbacksInLong> failbacks_;
  Newest<kQualityMovesInLong> quality_moves_;
  model::Instant escapes_refused_until_{}, moves_refused_until_{};
};

}  // namespace linekeeper::decision
