#pragma once
// linekeeper-switch over a modelled kernel: the real guards, the real difference, the steps of RouteSwitch::apply in their order. The
// kernel is a KernelState that operations change one by one; after each the first invariant is checked: a class that was
// steered is steered. What the kernel itself takes away with a link does not count against anyone.
#include <deque>
#include <optional>
#include <vector>

#include "controller/model/site.hpp"
#include "controller/switch/route_diff.hpp"
#include "controller/switch/switch_guards.hpp"
#include "tests/sim/planted.hpp"
#include "tests/sim/story.hpp"
#include "tests/sim/world.hpp"

namespace linekeeper::sim {

class ModelSwitch {
 public:
  ModelSwitch(const model::Site& site, Story& story, Planted bug);

  /// The kernel meets a line as it is now: flushes what a lost link carried.
  void link(const World& world, std::size_t circuit);
  /// Puts right what a link took away, as the switch does 50 ms after a notification.
  void look(model::Instant now);
  [[nodiscard]] route::StateReply hello() const;
  [[nodiscard]] route::Reply apply(const route::Apply& wish, model::Instant now);
  /// Its file is lost: with it the moves and the generation, and nothing that stands.
  void forget() {
    memory_ = {};
    highest_ = 0;
    taken_.clear();
    moves_.assign(moves_.size(), {});
    escapes_.assign(escapes_.size(), {});
    repairs_.forget();
    see_ways();
  }

  /// Somebody else removes an object of ours.
  void foreign_hand(std::size_t which, model::Instant now);

  /// The circuit a class goes by in the kernel.
  [[nodiscard]] std::optional<std::size_t> way(std::size_t traffic_class) const { return ways_[traffic_class]; }
  /// All that it goes by: of one that is shared the whole group, of another its one way.
  [[nodiscard]] std::vector<std::size_t> find_ways(std::size_t traffic_class) const;
  /// The circuit it was last told to use, or stands on.
  [[nodiscard]] std::optional<std::size_t> told(std::size_t traffic_class) const { return told_[traffic_class]; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }                ///< operations by us that changed something, so far
  [[nodiscard]] const std::deque<route::Apply>& taken() const { return taken_; }  ///< the last few plans that were accepted
  int trouble = 0;                                                                ///< faults that make the kernel refuse some operations

 private:
  bool carry_out(const route::Operation& op, model::Instant now);
  bool put(const route::Operation& op, model::Instant now);
  void remove(const route::Object& object);
  bool converge(const route::Desired& desired, model::Instant now);
  void put_back(const route::Apply& plan, const route::KernelState& before, model::Instant now);
  void count_moves(const route::Apply& plan, const route::KernelState& before, model::Instant now);
  [[nodiscard]] std::optional<route::Refused> judge(const route::Apply& plan) const;
  [[nodiscard]] bool steered(std::uint32_t table) const;
  void see_ways();
  void flush(std::uint32_t nexthop);
  [[nodiscard]] std::optional<std::size_t> find_way(std::size_t traffic_class) const;

  const model::Site* site_;
  Story* story_;
  Planted bug_;
  route::KernelState kernel_;
  route::Memory memory_;
  std::uint64_t changes_ = 0, highest_ = 0, turn_ = 0;
  std::deque<route::Apply> taken_;
  std::vector<std::deque<model::Instant>> moves_, escapes_;  // the oracle's own count, by class
  std::vector<std::optional<std::size_t>> ways_, told_;      // by class, as they are now
  std::vector<int> touched_;                                 // interfaces whose link changed since the switch last looked
  route::RepairLimit repairs_;
};

}  // namespace linekeeper::sim
