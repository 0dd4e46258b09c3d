#pragma once
// What was really so, as far as the recording can tell afterwards: when a circuit, or a carrier through it, answered nothing at all. Late answers
// count; no threshold of any configuration is in it, so that two configurations can be held against the same truth. Pure.
#include <deque>
#include <optional>
#include <vector>

#include "controller/journal/observation_codec.hpp"

namespace linekeeper::operations {

struct Silence {
  model::Instant from{}, to{};  ///< when the first unanswered probe left, and the first answered one after it
};

/// The silences of one thing that is asked again and again.
class Listener {
 public:
  /// @param least  shorter silences, and those of fewer questions than `questions`, are none
  Listener(model::Duration least, int questions) : least_(least), questions_(questions) {}

  void asked(std::uint64_t sequence, model::Instant sent);
  void answered(std::uint64_t sequence);
  /// It could not be asked at all from here on: the link is gone.
  void cut_off(model::Instant at);
  /// What was asked kPatience ago and has no answer will have none.
  void settle(model::Instant now);
  /// Nothing more comes: what is open is decided as it stands.
  void finish(model::Instant now);

  [[nodiscard]] const std::vector<Silence>& silences() const { return silences_; }
  static constexpr std::chrono::seconds kPatience{5};

 private:
  struct Question {
    std::uint64_t sequence = 0;
    model::Instant sent{};
    bool answered = false;
    bool cut_off = false;
  };
  void settled(const Question& question);
  void close(model::Instant at);

  model::Duration least_;
  int questions_;
  std::deque<Question> open_;
  std::optional<model::Instant> silent_from_;
  int unanswered_ = 0;
  std::vector<Silence> silences_;
};

class Hindsight {
 public:
  explicit Hindsight(const model::Site& site);
  void hear(const model::Observation& observation, model::Instant now);
  void finish(model::Instant now);

  /// How much of [from, to] a circuit was silent; with a carrier: that or the carrier through it.
  [[nodiscard]] model::Duration silent(model::CircuitId circuit, std::optional<model::CarrierId> carrier, model::Instant from,
                                       model::Instant to) const;

 private:
  [[nodiscard]] std::size_t path(model::CarrierId carrier, model::CircuitId circuit) const {
    return carrier.index() * circuits_.size() + circuit.index();
  }
  std::vector<Listener> circuits_, paths_;
};

}  // namespace linekeeper::operations
