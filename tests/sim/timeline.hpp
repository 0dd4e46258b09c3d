#pragma once
// What happens when, in virtual time. Events of one instant happen in the order they were put in: that makes a run repeatable.
#include <cstdint>
#include <queue>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::sim {

enum class Happening : std::uint8_t {
  Edge,         ///< a: position in the list of edges
  Probe,        ///< a: circuit, n: which arming of its timer
  ExtraProbe,   ///< likewise
  Reply,        ///< a: circuit, b: target, n: sequence, took: round trip
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
  PbxBeat,      ///< the driver reads back and renews the lease
  SwitchLook,   ///< a link or an object of ours has changed: the switch looks for itself
  Gateway,      ///< a: circuit: the kernel has come to know more of its gateway
  Resume,       ///< the daemon, that stood still, goes on
  RestartDaemon,
  Check,  ///< a scenario says what must be so now
};

struct Event {
  model::Instant at{};
  std::uint64_t order = 0;
  Happening what = Happening::Wake;
  std::uint32_t a = 0, b = 0;
  std::uint64_t n = 0;
  std::uint32_t life = 0;  ///< of the daemon that it belongs to; 0: of none
  model::Duration took{};
};

class Timeline {
 public:
  void put(Event e) {
    e.order = ++count_;
    queue_.push(e);
  }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  Event take() {
    Event e = queue_.top();
    queue_.pop();
    return e;
  }

 private:
  struct Later {
    bool operator()(const Event& x, const Event& y) const { return x.at != y.at ? x.at > y.at : x.order > y.order; }
  };
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  std::uint64_t count_ = 0;
};

}  // namespace linekeeper::sim
