#pragma once
// The socket and the timer of one registration (registration.hpp).
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "carriers/registration/registration.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::registration {

class RegistrarClient {
 public:
  using OnChange = std::function<void(const model::RegistrationStatus& status)>;

  /// @param settings  Carrier::registration must be there
  /// @param circuit   its device and `expect_public`
  /// @param seed      from getrandom(2)
  RegistrarClient(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit_id,
                  const model::Circuit& circuit, Authorise authorise, std::uint64_t seed, OnChange on_change);
  ~RegistrarClient();
  RegistrarClient(const RegistrarClient&) = delete;
  RegistrarClient& operator=(const RegistrarClient&) = delete;

  /// @param after  the first REGISTER is sent so much later at the soonest: a whole floor after a restart
  void start(model::Duration after);
  void stop();  ///< nothing is unregistered; no change is told any more
  void on_link(const model::LinkState& link);
  /// Of a carrier with a name or several addresses: where it is now. Without a word of it a name is not registered at.
  void goes_to(const model::Endpoint& registrar);
  void on_passable();  ///< the circuit was down and is not any more
  [[nodiscard]] const model::RegistrationStatus& status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::registration
