#pragma once
// All that looks outward for one Site: the kernel's links and gateways, a prober for each circuit, an OPTIONS client for each
// path. Made anew at each reload; what is owed to a carrier's etiquette is carried over (`owed`).
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "carriers/sip/endpoint_clients.hpp"
#include "controller/daemon/link_settling.hpp"
#include "controller/daemon/locator.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/switch/gateways.hpp"
#include "controller/switch/links.hpp"
#include "probes/circuit_prober.hpp"
#include "probes/watchdog.hpp"

namespace linekeeper::daemon {

class Senses {
 public:
  using Sink = std::function<void(const model::Observation&)>;
  /// "north/fiber" -> what this path owes its carrier: no OPTIONS before then, and so few verify OPTIONS left.
  using Floors = std::map<std::string, sip::Debt>;

  /// What a name was last answered with, by path_name() and the name.
  using Places = std::map<std::string, model::CarrierLocated>;
  /// What is carried over from one to the next.
  struct Kept {
    Floors owed;
    Places places;
  };

  static model::Result<std::unique_ptr<Senses>> open(boost::asio::any_io_executor executor, model::SitePtr site, const Kept& kept, Sink sink);
  ~Senses();

  void start();
  void stop();  ///< no sink call after this returns
  /// How this circuit is probed from now on.
  void follow(model::CircuitId circuit, const model::ProbePlan& plan) { probers_.at(circuit.index())->follow(plan); }
  [[nodiscard]] Floors floors() const;
  [[nodiscard]] Kept kept() const;
  /// One OPTIONS more to this carrier by these circuits (a bit for each id), as soon as its etiquette lets.
  void ask(model::CarrierId carrier, std::uint64_t circuits);
  [[nodiscard]] const sip::Debt& debt(model::CarrierId carrier, model::CircuitId circuit) const;
  [[nodiscard]] const std::vector<std::optional<model::LinkState>>& links() const { return links_; }
  [[nodiscard]] static std::string place_name(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit);
  [[nodiscard]] static std::string path_name(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit);

 private:
  Senses(boost::asio::any_io_executor executor, model::SitePtr site, route::LinkWatch watch, route::GatewayWatch neighbours, Sink sink);
  void make_probers();
  void make_clients(const Kept& kept);
  [[nodiscard]] std::unique_ptr<Locator> make_locator(std::size_t path, const Places& places);
  void wait_kernel();
  void wait_neighbours();
  void schedule_look(std::chrono::milliseconds after);
  void look();
  void look_at_gateways();
  void watch_probers();

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  route::LinkWatch watch_;
  route::GatewayWatch neighbours_;
  Sink sink_;
  boost::asio::posix::stream_descriptor kernel_;
  boost::asio::posix::stream_descriptor kernel_neighbours_;
  boost::asio::steady_timer again_, watchdog_;
  std::vector<std::optional<model::LinkState>> links_;  // as they were told
  std::vector<LinkSettling> settling_;                  // of the links
  std::vector<std::optional<model::GatewayState>> gateways_;
  std::vector<std::unique_ptr<probes::CircuitProber>> probers_;
  std::vector<probes::ProberWatchdog> watchdogs_;                // of the probers
  std::vector<std::unique_ptr<sip::EndpointClients>> clients_;   // carrier by carrier, circuit by circuit; null where there is no path
  std::vector<std::unique_ptr<Locator>> locators_;               // as clients_; null where the carrier has no name
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  // shared with pending handlers: stop() makes them inert
};

}  // namespace linekeeper::daemon
