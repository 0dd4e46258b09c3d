#pragma once
// OPTIONS to one carrier through one circuit (a path), over UDP: a socket bound to the circuit's device and connected to the
// carrier, so that ICMP errors come back to us and nobody else's packets do. One transaction at a time, by the transaction
// machine in options_transaction.hpp; never more often than the carrier's floor, whatever happens (starts, rebuilds, reloads).
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::sip {

using Sink = std::function<void(const model::SipOutcome&)>;

struct ClientCounters {
  std::uint64_t attempts = 0, retransmissions = 0, late = 0;
  std::uint64_t provisional = 0;  ///< 1xx: somebody is there, nothing is decided
  std::uint64_t inert = 0;        ///< dropped: malformed, wrong branch, CSeq, Call-ID or source, duplicate
};

class OptionsClient {
 public:
  /// @param first_after  wait before the first OPTIONS (so that a restart keeps the floor and paths are spread out)
  /// @param seed         of branches and jitter: from getrandom(2) in the daemon, another one for each client
  OptionsClient(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                std::string device, model::Duration first_after, std::uint64_t seed, Sink sink);
  ~OptionsClient();
  OptionsClient(const OptionsClient&) = delete;
  OptionsClient& operator=(const OptionsClient&) = delete;

  void start();
  void stop();  ///< no sink call after this returns
  /// Interface or address changed: a new socket for the next transaction, which comes as soon as the floor allows. A
  /// transaction that waits ends without an outcome.
  void rebuild();
  [[nodiscard]] const ClientCounters& counters() const;
  /// No OPTIONS may start before this (Instant::min(): none was sent): what is left of it is the `first_after` of the client
  /// that takes over this path after a reload.
  [[nodiscard]] model::Instant floor_until() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::sip
