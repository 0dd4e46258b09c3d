#pragma once
// Echo probing of one circuit: jittered round-robin over its targets through an unprivileged ping socket
// (icmp(7), net.ipv4.ping_group_range) bound to the circuit's device. Reports facts to a sink; judges nothing.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/probe_plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::probes {

using Sink = std::function<void(const model::Observation&)>;

struct ProberCounters {
  std::uint64_t sent = 0, answered = 0, local_errors = 0, rejected = 0;
  std::uint64_t late = 0;   ///< of the answered: those that took longer than CircuitProbing::timeout_max
  std::uint64_t inert = 0;  ///< replies dropped: duplicate, forged (nonce, interface), unknown sequence
};

class IcmpProber {
 public:
  /// @param device   SO_BINDTODEVICE; empty: unbound (verification of the steering path)
  /// @param targets  what to probe, in Site order; never empty
  /// @param seed     of the pacing jitter and the payload nonce: from getrandom(2) in the daemon, and another one for each
  ///                 prober (two probers with one seed send in step and accept each other's tags)
  IcmpProber(boost::asio::any_io_executor executor, model::CircuitId circuit, std::string device,
             std::vector<std::pair<model::TargetId, model::IpAddress>> targets, model::CircuitProbing pacing, std::uint64_t seed, Sink sink);
  ~IcmpProber();
  IcmpProber(const IcmpProber&) = delete;
  IcmpProber& operator=(const IcmpProber&) = delete;

  void start();
  void stop();  ///< no sink call after this returns
  /// From the next probe on: scheduled ones at their interval, and additional ones in between, the first of them at once.
  void follow(const model::ProbePlan& plan);
  /// Interface or address changed: a new socket before the next probe.
  void rebuild();
  [[nodiscard]] const ProberCounters& counters(model::TargetId target) const;  ///< zeros for a target that is not probed here
  [[nodiscard]] std::uint64_t strays() const;                                  ///< packets dropped that came from no target at all

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers, which may outlive a stop by one turn of the loop
};

}  // namespace linekeeper::probes
