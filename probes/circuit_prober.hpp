#pragma once
// Probing of one circuit: jittered round-robin over its targets, whatever method each is asked by, out of the circuit's own device.
// Reports facts to a sink; judges nothing. What packets look like is the wires' affair (wire.hpp).
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/probe_plan.hpp"
#include "controller/model/site.hpp"
#include "probes/wire.hpp"

namespace linekeeper::probes {

using Sink = std::function<void(const model::Observation&)>;

struct ProberCounters {
  std::uint64_t sent = 0, answered = 0, local_errors = 0, rejected = 0;
  std::uint64_t late = 0;       ///< of the answered: those that took longer than CircuitProbing::timeout_max
  std::uint64_t inert = 0;      ///< replies dropped: duplicate, forged (nonce), unknown sequence
  std::uint64_t elsewhere = 0;  ///< replies dropped: they came in by another interface
};

/// What this circuit is measured against, in Site order.
[[nodiscard]] std::vector<ProbeTarget> targets_of(const model::Site& site, model::CircuitId circuit);

class CircuitProber {
 public:
  /// @param device   SO_BINDTODEVICE; empty: unbound (verification of the steering path)
  /// @param targets  what to probe, in Site order; never empty
  /// @param seed     of the pacing jitter and the payload nonce: from getrandom(2) in the daemon, and another one for each
  ///                 prober (two probers with one seed send in step and accept each other's tags)
  /// @param unbound  with an empty device only
  CircuitProber(boost::asio::any_io_executor executor, model::CircuitId circuit, std::string device, std::vector<ProbeTarget> targets,
                model::CircuitProbing pacing, std::uint64_t seed, Sink sink, Unbound unbound = {});
  ~CircuitProber();
  CircuitProber(const CircuitProber&) = delete;
  CircuitProber& operator=(const CircuitProber&) = delete;

  void start();
  void stop();  ///< no sink call after this returns
  /// From the next probe on: scheduled ones at their interval, and additional ones in between, the first of them at once.
  void follow(const model::ProbePlan& plan);
  /// Interface or address changed: new sockets before the next probe.
  void rebuild();
  /// It was found stuck: new sockets, and its timers set anew.
  void revive();
  [[nodiscard]] std::uint64_t left() const;                                    ///< probes that have left, to all targets
  [[nodiscard]] model::Duration interval() const;                              ///< between two scheduled probes now
  [[nodiscard]] const ProberCounters& counters(model::TargetId target) const;  ///< zeros for a target that is not probed here
  [[nodiscard]] std::uint64_t strays() const;                                  ///< packets dropped that came from no target at all

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers, which may outlive a stop by one turn of the loop
};

}  // namespace linekeeper::probes
