#pragma once
// This host's resolvers follow the circuit that everything else goes by: a file, replaced whole (rename(2)), and asked about: each resolver that
// may be named is sent a query bound to no device, so that it goes as the host's own would. Level-triggered: the file is read at each
// round, and written when it does not say what it should. Never empty; left as it stands when we stop.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/daemon/resolver_order.hpp"
#include "controller/model/event.hpp"
#include "controller/model/status.hpp"
#include "probes/checks/dns_query.hpp"

namespace linekeeper::daemon {

class ResolverFile {
 public:
  using Tell = std::function<void(model::Event)>;
  /// @pre followed_class(*site)  @param port 53, but in tests
  ResolverFile(boost::asio::any_io_executor executor, model::SitePtr site, Tell tell, std::uint16_t port = 53);
  ~ResolverFile();
  ResolverFile(const ResolverFile&) = delete;
  ResolverFile& operator=(const ResolverFile&) = delete;

  void start();  ///< a file of ours that stands is taken over as it is; where there is none, every circuit's resolvers are named
  void stop();
  /// The class goes by this circuit now, read back from the kernel. The same again costs nothing.
  void follow(model::CircuitId circuit);
  void fill(model::Status& status) const;

 private:
  void settle();  // the file is made to say what it should
  void begin_round();
  void heard(std::size_t query, bool answered);
  void end_round();
  void wait(model::Duration pause);
  void tell(model::EventId id, std::string text) const;
  [[nodiscard]] std::string name() const;  // of the circuit

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  Tell tell_;
  std::uint16_t port_;
  boost::asio::steady_timer timer_;
  std::optional<model::CircuitId> circuit_;
  std::vector<model::IpAddress> servers_;  // as the file is to say them
  ResolverAnswers answers_;
  std::vector<model::IpAddress> asked_;  // of the round under way
  std::vector<std::unique_ptr<probes::DnsQuery>> queries_;
  std::size_t waiting_ = 0;
  bool told_silent_ = false;
  std::string problem_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  // shared with pending handlers
};

}  // namespace linekeeper::daemon
