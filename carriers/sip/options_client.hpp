#pragma once
// OPTIONS to one carrier through one circuit (a path), over UDP, TCP or TLS (flow.hpp): bound to the circuit's device and connected to
// the carrier, so that ICMP errors come back to us and nobody else's packets do. What is sent and told, and when, is decided by
// options_path.hpp; never more often than the carrier's etiquette, whatever happens (starts, rebuilds, reloads).
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "carriers/sip/options_path.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::sip {

/// Takes SipOutcome, SipOverdue and SipProvisional.
using Sink = std::function<void(const model::Observation&)>;

class OptionsClient {
 public:
  /// @param first_after  wait before the first OPTIONS, so that paths are spread out
  /// @param debt         of the client that had this path before a reload or restart
  /// @param seed         of branches and jitter: from getrandom(2) in the daemon, another one for each client
  OptionsClient(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                std::string device, model::Duration first_after, const Debt& debt, std::uint64_t seed, Sink sink);
  ~OptionsClient();
  OptionsClient(const OptionsClient&) = delete;
  OptionsClient& operator=(const OptionsClient&) = delete;

  /// Before start(): challenges are answered.
  void authenticate(DigestSession session);
  /// Before start(): one for all paths of a carrier that counts over all circuits.
  void share(std::shared_ptr<CarrierPace> pace);
  void start();
  void stop();  ///< no sink call after this returns
  /// Interface or address changed: a new socket for the next transaction, which comes as soon as the floor allows. A
  /// transaction that waits ends without an outcome.
  void rebuild();
  /// The carrier is under suspicion through another circuit: asks as soon as etiquette allows.
  void doubted();
  /// One etiquette for several endpoints of the path (Etiquette::take_turns); before start(), and again when their number changes.
  void take_turns(std::shared_ptr<Debt> common, int in_turn);
  [[nodiscard]] const ClientCounters& counters() const;
  /// What the client that takes over this path must keep to.
  [[nodiscard]] const Debt& debt() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::sip
