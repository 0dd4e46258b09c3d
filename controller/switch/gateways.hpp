#pragma once
// What the kernel knows of the circuits' gateways on their links: its neighbour table, by rtnetlink (rtnetlink(7), RTM_GETNEIGH),
// without privilege. Level, not edge, as LinkWatch; on a socket of its own, because a busy LAN's neighbours can flood it and a link's
// word must not be lost with theirs.
//
// The kernel asks a gateway only when it is used: our probes see to that. How long it takes to give one up stands in README.md.
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/observation.hpp"
#include "controller/switch/netlink.hpp"

namespace linekeeper::route {

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
  struct Entry {
    model::Neighbour neighbour = model::Neighbour::Unknown;
    std::optional<model::Instant> confirmed;
    bool unresolved = false;  // NUD_INCOMPLETE: asked, without an answer so far
  };
  GatewayWatch(Netlink listening, Netlink asking) : listening_(std::move(listening)), asking_(std::move(asking)) {}
  model::Result<Entry> ask(int ifindex, const model::IpAddress& gateway, model::Instant now);

  Netlink listening_;
  Netlink asking_;
  std::vector<Watched> watched_;  // by circuit
};

}  // namespace linekeeper::route
