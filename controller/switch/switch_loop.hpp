#pragma once
// One thread, one poll(2): the daemon's messages, the kernel's notifications, the signal to end. Everything in it is short
// and bounded; nothing waits.
#include "controller/switch/route_switch.hpp"
#include "controller/switch/switch_socket.hpp"

namespace linekeeper::route {

class SwitchLoop {
 public:
  /// Blocks SIGTERM and SIGINT for the process and listens to the kernel. Call after privileges are given up.
  static model::Result<SwitchLoop> open(RouteSwitch route_switch, SwitchSocket socket);

  /// Until SIGTERM or SIGINT. Routes stay as they are (I14).
  /// @return the signal that ended it, or why poll(2) cannot go on.
  model::Result<int> run();

 private:
  SwitchLoop(RouteSwitch route_switch, SwitchSocket socket, Netlink kernel, std::optional<Netlink> nftables, Descriptor signals);
  void answer(const std::string& message);
  void hear_kernel();
  void hear_nftables();
  void look();
  void tend();
  void log_reply(const Reply& reply);
  [[nodiscard]] int patience() const;  // milliseconds until the next look

  RouteSwitch route_switch_;
  SwitchSocket socket_;
  Netlink kernel_;
  std::optional<Netlink> nftables_;  // a kernel without it is steered all the same
  Descriptor signals_;
  model::Instant next_look_;
  std::set<int> excused_;
  std::string last_logged_;
};

}  // namespace linekeeper::route
