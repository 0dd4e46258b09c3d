#pragma once
// Looks up one carrier's name by one circuit, again and again: through the circuit's device, of the circuit's own resolvers. Where it has none,
// of [resolvers] fallback through the device; where there are none either, of this host's own (resolv.conf), by whatever route they are reached.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>

#include "carriers/locate/directory.hpp"
#include "controller/model/site.hpp"
#include "probes/checks/dns_query.hpp"

namespace linekeeper::daemon {

class Locator {
 public:
  using Told = std::function<void(const model::CarrierLocated&)>;

  /// @param port  53, but in tests @param told  called from the loop when anything is new
  Locator(boost::asio::any_io_executor executor, const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, std::uint64_t seed,
          Told told, std::uint16_t port = 53);
  ~Locator() {
    *alive_ = false;
    stop();
  }
  Locator(const Locator&) = delete;
  Locator& operator=(const Locator&) = delete;

  /// Before start(): what was held before a reload or restart. It is told at once.
  void recall(std::vector<model::LocatedEndpoint> endpoints, model::Instant answered);
  void start();
  void stop();
  /// The circuit is another way now: what is held may be stale.
  void look_soon();
  [[nodiscard]] const model::CarrierLocated& held() const { return directory_.held(); }

 private:
  struct Asked {
    locate::Question question;
    std::size_t tried = 0;
    std::string why{};
    std::unique_ptr<probes::DnsQuery> query{};
  };
  void arm();
  void begin();
  void go_on();
  void ask(Asked& asked);
  void heard(Asked& asked, const probes::DnsAnswer& answer);

  boost::asio::any_io_executor executor_;
  locate::Wanted wanted_;
  std::string device_;
  std::vector<model::IpAddress> resolvers_;
  std::size_t first_ = 0;  // the resolver that answered last is asked first
  std::uint16_t port_;
  runtime::SeededRandom chance_;
  Told told_;
  locate::Directory directory_;
  std::optional<locate::Location> location_;
  std::list<Asked> asked_;  // a list: handlers hold on to their element
  boost::asio::steady_timer timer_;
  bool running_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with a timer's handler that is already on its way
};

}  // namespace linekeeper::daemon
