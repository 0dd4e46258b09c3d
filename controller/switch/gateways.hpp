#pragma once
// What the kernel knows of the circuits' gateways on their links: its neighbour table, by rtnetlink (rtnetlink(7), RTM_GETNEIGH),
// without privilege. Level, not edge, as LinkWatch; on a socket of its own, because a busy LAN's neighbours can flood it and a link's
// word must not be lost with theirs.
//
// The kernel asks a gateway only when it is used and its last proof is old: a dead one would pass for living for up to 45 s. So when a
// circuit falls silent linekeeper-switch has its gateway asked at once (have_asked). How long that takes stands in README.md.
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/observation.hpp"
#include "controller/switch/netlink.hpp"

namespace linekeeper::route {

/// Makes the kernel ask this gateway now (NUD_PROBE): by unicast, three times a second apart with the kernel's defaults (ucast_solicit,
/// retrans_time_ms). An answer is new proof that it lives; none, and the kernel gives it up. It stays in use meanwhile, by the link
/// address that is known. Needs CAP_NET_ADMIN.
/// @return false: nothing to ask. It is being asked, is not resolved, was set by hand or belongs to another daemon.
[[nodiscard]] model::Result<bool> have_asked(Netlink& netlink, int ifindex, const model::IpAddress& gateway);

class GatewayWatch {
 public:
  static model::Result<GatewayWatch> open();

  [[nodiscard]] int fd() const { return listening_.fd(); }  ///< readable when something may have changed

  /// Reads all waiting notifications. One thing in them counts beyond "look": that a gateway was given up. While packets wait for it the
  /// kernel asks it again at once (NUD_FAILED -> NUD_INCOMPLETE), so that a look would hardly ever find it failed.
  /// @return true when one of the gateways of the last look was among them (or some were lost).
  bool drain();

  /// Asks for each circuit's gateway, known by interface and address: two circuits may have one gateway address.
  /// One that was given up stays silent while it is asked again, until it answers.
  /// @param links  as last seen, in Site order; nothing: not seen yet  @param now  boot clock, for `confirmed`
  model::Result<std::vector<model::GatewayState>> look(std::span<const std::optional<model::LinkState>> links, model::Instant now);

 private:
  struct Watched {
    int ifindex = 0;
    std::optional<model::IpAddress> gateway;
    model::GatewayState state;
  };
  GatewayWatch(Netlink listening, Netlink asking) : listening_(std::move(listening)), asking_(std::move(asking)) {}
  Netlink listening_;
  Netlink asking_;
  std::vector<Watched> watched_;  // by circuit
};

}  // namespace linekeeper::route
