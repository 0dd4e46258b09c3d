#pragma once
// A path's clients: one for each endpoint of its carrier, and for all of them the etiquette of one. A carrier's floor is read as what it
// hears from us by one circuit, whatever addresses it has: carriers count requests of a source, not of a destination. So endpoints are asked
// in turn, and the verify tokens are theirs together. An endpoint that falls silent has its fellows asked at once, as far as there are
// tokens: is it this address alone, or the carrier?
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "carriers/sip/options_client.hpp"
#include "controller/model/endpoint.hpp"

namespace linekeeper::sip {

class EndpointClients {
 public:
  using Seeds = std::function<std::uint64_t()>;

  /// As of OptionsClient. A carrier with one numeric address has its client from the start and for good; one with a list all of
  /// them; one with a name none before follow(). @param seeds  another seed for each client
  EndpointClients(boost::asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                  std::string device, model::Duration first_after, const Debt& debt, Seeds seeds, Sink sink);
  ~EndpointClients();
  EndpointClients(const EndpointClients&) = delete;
  EndpointClients& operator=(const EndpointClients&) = delete;

  /// Before start(): challenges are answered, by each client in a session of its own.
  void authenticate(Credentials credentials);
  /// Before start(): one for all paths of a carrier that counts over all circuits.
  void share(std::shared_ptr<CarrierPace> pace);
  void start();
  void stop();
  void rebuild();
  void doubted();
  /// These are the endpoints from now on. Those that stay keep their client, and its transactions.
  void follow(std::span<const model::LocatedEndpoint> endpoints);
  [[nodiscard]] const Debt& debt() const;

 private:
  struct One {
    model::Endpoint at;
    std::unique_ptr<OptionsClient> client;
    bool silent = false;
  };
  void add(const model::Endpoint& at);
  void equip(OptionsClient& client);
  void take_turns();
  void hear(const model::Endpoint& from, model::Observation told);
  void ask_fellows(const model::Endpoint& of);

  boost::asio::any_io_executor executor_;
  model::CarrierId carrier_;
  model::Carrier settings_;
  model::CircuitId circuit_;
  std::string device_;
  model::Duration first_after_;
  std::shared_ptr<Debt> debt_;  // shared by the clients of several endpoints
  Seeds seeds_;
  std::optional<Credentials> credentials_;
  std::shared_ptr<CarrierPace> pace_;  // shared with the carrier's other paths
  Sink sink_;
  std::vector<One> clients_;
  bool running_ = false;
};

}  // namespace linekeeper::sip
