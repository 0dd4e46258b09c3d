#pragma once
// Asks a STUN server which address it sees us under (stun_codec.hpp), by one device; asked again as RFC 8489 6.2.1 says.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "controller/model/time.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "probes/checks/stun_codec.hpp"

namespace linekeeper::probes {

struct StunSilent {};
struct StunRefused {
  int error = 0;  ///< errno the network gave
};
struct StunLocal {
  int error = 0;  ///< errno of our own side
  std::string what;
};

class StunQuery {
 public:
  using Answer = std::variant<StunAddress, StunError, StunSilent, StunRefused, StunLocal>;
  using Done = std::function<void(const Answer& answer, model::Duration took)>;

  /// @param done called once from the loop
  StunQuery(boost::asio::any_io_executor executor, const std::string& device, const runtime::Peer& server, model::Duration timeout,
            std::uint64_t seed, Done done);
  ~StunQuery();  ///< done is not called after this
  StunQuery(const StunQuery&) = delete;
  StunQuery& operator=(const StunQuery&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::probes
