#pragma once
// The sockets of one test call (trial_call.hpp): its flow to the carrier, and a port for the media that may come.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "carriers/trial/trial_call.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::trial {

class TrialClient {
 public:
  /// Told once, as soon as it is known; hanging up and acknowledging go on. Media that comes later is not counted.
  using Done = std::function<void(const model::TrialOutcome& outcome)>;

  /// @param settings   Carrier::test_call must be there
  /// @param device     of the circuit
  /// @param authorise  may be empty: a challenge is then a refusal
  /// @param seed       from getrandom(2), another one for each call
  TrialClient(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
              std::string device, Authorise authorise, std::uint64_t seed, Done done);
  ~TrialClient();  ///< one CANCEL or BYE where it is not over(), and nothing is waited for
  TrialClient(const TrialClient&) = delete;
  TrialClient& operator=(const TrialClient&) = delete;

  void start();    ///< `done` later, never from within
  void give_up();  ///< as if it had waited long enough
  /// Nothing is left to be done: it may be destroyed.
  [[nodiscard]] bool over() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::trial
