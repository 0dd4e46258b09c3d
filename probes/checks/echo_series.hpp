#pragma once
// A series of echoes of stated size and hop limit to one host by one device, none of which may be fragmented, on an unprivileged ping socket
// (icmp(7)) with its error queue (IP_RECVERR, ip(7)): what came back of each.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/error.hpp"
#include "probes/checks/echo_findings.hpp"

namespace linekeeper::probes {

class EchoSeries {
 public:
  using Done = std::function<void(model::Result<std::vector<EchoFate>>)>;

  /// @param device  empty: as the routes say
  /// @param timeout of all; ends sooner when every echo has its fate
  /// @param done    called once from the loop; an error is of our own side
  EchoSeries(boost::asio::any_io_executor executor, const std::string& device, const model::IpAddress& target, std::vector<EchoWanted> wanted,
             model::Duration timeout, std::uint64_t seed, Done done);
  ~EchoSeries();  ///< done is not called after this
  EchoSeries(const EchoSeries&) = delete;
  EchoSeries& operator=(const EchoSeries&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::probes
