#pragma once
// The kernel's view of the circuits' interfaces, by rtnetlink (rtnetlink(7)), without privilege: link, carrier, address and
// gateway. Level, not edge: every notification only says "look again"; ENOBUFS means the same. linekeeperd uses it.
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::route {

class LinkWatch {
 public:
  /// Opens a NETLINK_ROUTE socket subscribed to link, IPv4/IPv6 address, route and nexthop groups, non-blocking.
  static model::Result<LinkWatch> open();
  LinkWatch(LinkWatch&&) noexcept;
  LinkWatch& operator=(LinkWatch&&) noexcept;
  ~LinkWatch();

  [[nodiscard]] int fd() const;  ///< readable when something may have changed

  /// Reads and discards all waiting notifications.
  /// @return true when something that concerns links, addresses or default routes was among them (or some were lost).
  bool drain();

  /// Dumps the kernel and says how each circuit stands. A configured gateway wins; otherwise the gateway of the best
  /// IPv4 default route over that interface in tables that are not ours (main, or a DHCP client's own).
  /// A gateway once learned is kept while the interface keeps its address, even when the route goes.
  model::Result<std::vector<model::LinkState>> look(const model::Site& site);

 private:
  struct Impl;
  explicit LinkWatch(Impl* impl);
  Impl* impl_;  // owned; raw because Impl is hidden here
};

}  // namespace linekeeper::route
