#pragma once
// The world as it truly is: lines, targets, carriers, and what is wrong with each. Decision never sees it; it sees only what comes
// back from it. Each wrong is counted, so that faults may overlap and end in any order.
#include <optional>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "tests/sim/chance.hpp"

namespace linekeeper::sim {

struct Line {
  // What it is like when well. Loss is of the two-state kind (Gilbert-Elliott): rare in the good state, heavy in the bad one.
  model::Duration delay{}, jitter{};
  double good_loss = 0, bad_loss = 0;
  model::Duration mean_good{}, mean_bad{};
  // What is wrong.
  int unplugged = 0, no_address = 0, black_hole = 0, lossy = 0, slow = 0, local_errors = 0;
  int ifindex = 0, address_changes = 0;
  // Where the two-state loss stands.
  bool in_burst = false;
  model::Instant turns{};

  [[nodiscard]] bool linked() const { return unplugged == 0 && no_address == 0; }
  /// Nothing can come through, for certain.
  [[nodiscard]] bool dead() const { return !linked() || black_hole > 0; }
};

/// A target as seen through one circuit.
struct Sight {
  int dead = 0, lies = 0, flaky = 0, slow = 0;
  [[nodiscard]] bool well() const { return dead == 0 && lies == 0 && flaky == 0 && slow == 0; }
};

/// A carrier as seen through one circuit.
struct Reach {
  int silent = 0, unavailable = 0, refusing = 0, forbidden = 0, local_errors = 0;
};

struct SipAnswer {
  model::SipResult result = model::SipResult::Timeout;
  int code = 0;
  model::Duration after{};
};

class World {
 public:
  /// @param bursts  whether lines lose packets when nothing is wrong with them
  World(const model::Site& site, Chance& chance, bool bursts, model::Instant now);

  /// An echo request leaves now. @return when it is answered; nothing: never.
  std::optional<model::Duration> probe(std::size_t circuit, std::size_t target, model::Instant now);
  SipAnswer options(std::size_t carrier, std::size_t circuit, model::Instant now);
  [[nodiscard]] model::LinkState link(std::size_t circuit) const;

  Line& line(std::size_t circuit) { return lines_[circuit]; }
  [[nodiscard]] const Line& line(std::size_t circuit) const { return lines_[circuit]; }
  Sight& sight(std::size_t target, std::size_t circuit) { return sights_[target * lines_.size() + circuit]; }
  [[nodiscard]] const Sight& sight(std::size_t target, std::size_t circuit) const { return sights_[target * lines_.size() + circuit]; }
  Reach& reach(std::size_t carrier, std::size_t circuit) { return reaches_[carrier * lines_.size() + circuit]; }
  [[nodiscard]] std::size_t lines() const { return lines_.size(); }

  /// Chance has no say in what is wrong now: no partial loss, no flaky target.
  [[nodiscard]] bool steady() const;

 private:
  bool lost(Line& line, model::Instant now);
  model::Duration round_trip(const Line& line);

  const model::Site* site_;
  Chance* chance_;
  std::vector<Line> lines_;
  std::vector<Sight> sights_;
  std::vector<Reach> reaches_;
};

}  // namespace linekeeper::sim
