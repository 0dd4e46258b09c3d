#pragma once
// What happens when, in virtual time. Events of one instant happen in the order they were put in: that makes a run repeatable.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::sim {

enum class Happening : std::uint8_t {
  Edge,         ///< a: position in the list of edges
  Probe,        ///< a: circuit, n: which arming of its timer
  ExtraProbe,   ///< likewise
  Reply,        ///< a: circuit, b: target, n: sequence, took: round trip
  Rejected,     ///< a: circuit, b: target, n: sequence: the network says that it was not delivered
  Options,      ///< a: path, n: the instant it was armed for
  SipResponse,  ///< a: path, b: code, or 0: refused; n: sequence
  Wake,         ///< the decider asked for it
  ToSwitch,     ///< n: key of a plan on its way
  FromSwitch,   ///< n: key of a reply on its way
  Hello,        ///< the switch is asked what stands
  Retry,        ///< the daemon asks again after a refusal or a failure
  TrunkRead,    ///< a: trunk: the PBX tells what stands
  ToPbx,        ///< n: key of an order on its way
  Remember,     ///< what was learned is written down
  Second,       ///< the daemon looks whether a daily window is open
  PbxBeat,      ///< the driver reads back and renews the lease
  SwitchLook,   ///< a link or an object of ours has changed: the switch looks for itself
  Proof,        ///< a: class, n: which proof: the class's own probes, a tenth of a second of them
  Gateway,      ///< a: circuit: the kernel has come to know more of its gateway
  Resume,       ///< the daemon, that stood still, goes on
  RestartDaemon,
  Check,    ///< a scenario says what must be so now
  Call,     ///< a: trunk: somebody telephones
  CallEnd,  ///< n: key of a call that ends, or is known to be slow or unheard
};

struct Event {
  model::Instant at{};
  Happening what = Happening::Wake;
  std::uint32_t a = 0, b = 0;
  std::uint64_t n = 0;
  std::uint32_t life = 0;  ///< of the daemon that it belongs to; 0: of none
  model::Duration took{};
};

class Timeline {
 public:
  void put(const Event& e) {
    std::uint32_t place = static_cast<std::uint32_t>(events_.size());
    if (free_.empty()) {
      events_.push_back(e);
    } else {
      place = free_.back();
      free_.pop_back();
      events_[place] = e;
    }
    queue_.push_back({.at = e.at, .order = ++count_, .place = place});
    rise(queue_.size() - 1);
  }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  Event take() {
    const std::uint32_t place = queue_.front().place;
    free_.push_back(place);
    const Turn last = queue_.back();
    queue_.pop_back();
    if (!queue_.empty()) sink(last);
    return events_[place];
  }

 private:
  /// What a heap moves about is small; the events lie still. Four to a node: half as deep as with two, and its children side by side.
  struct Turn {
    model::Instant at{};
    std::uint64_t order = 0;
    std::uint32_t place = 0;
    [[nodiscard]] bool before(const Turn& o) const { return at != o.at ? at < o.at : order < o.order; }
  };
  static constexpr std::size_t kChildren = 4;

  void rise(std::size_t i) {
    const Turn turn = queue_[i];
    for (; i > 0 && turn.before(queue_[(i - 1) / kChildren]); i = (i - 1) / kChildren) queue_[i] = queue_[(i - 1) / kChildren];
    queue_[i] = turn;
  }
  /// `turn` takes the place of the first, and goes down to where it belongs.
  void sink(const Turn& turn) {
    std::size_t i = 0;
    for (std::size_t child = 1; child < queue_.size(); child = kChildren * i + 1) {
      std::size_t first = child;
      const std::size_t end = std::min(child + kChildren, queue_.size());
      for (std::size_t c = child + 1; c < end; ++c)
        if (queue_[c].before(queue_[first])) first = c;
      if (!queue_[first].before(turn)) break;
      queue_[i] = queue_[first];
      i = first;
    }
    queue_[i] = turn;
  }

  std::vector<Turn> queue_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;  // places of events that were taken
  std::uint64_t count_ = 0;
};

}  // namespace linekeeper::sim
