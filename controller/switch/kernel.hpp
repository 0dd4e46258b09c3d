#pragma once
// The kernel's routing tables, as far as they are our business: read as values, written one operation at a time. The only
// file that turns values into rtnetlink messages (linux/rtnetlink.h, linux/nexthop.h, linux/fib_rules.h).
#include <set>

#include "controller/switch/kernel_state.hpp"
#include "controller/switch/netlink.hpp"
#include "controller/switch/route_diff.hpp"

namespace linekeeper::route {

/// Links with their addresses. Needs no privilege.
[[nodiscard]] model::Result<std::vector<Link>> read_links(Netlink& netlink);

/// A question to the routing decision (RTM_GETROUTE): where would such a packet go?
struct Question {
  model::IpAddress destination;
  std::optional<model::IpAddress> source;
  std::optional<std::uint32_t> mark;
  int incoming = 0;  ///< ifindex it is to have come in by; 0: sent by this host
};
struct Way {
  std::uint32_t table = 0;                 ///< that decided
  int ifindex = 0;                         ///< it would leave by; 0: none
  bool local = false;                      ///< the destination is this host
  std::optional<model::IpAddress> source;  ///< the kernel would choose
};

class Kernel {
 public:
  static model::Result<Kernel> open();

  /// @param tables whose routes are read, ours and foreign.
  model::Result<KernelState> read(const std::set<std::uint32_t>& tables);
  /// Every rule of both families, other people's included.
  model::Result<std::vector<Rule>> rules();
  /// Every table in which a route of ours stands: what a restart without memory has to look at.
  model::Result<std::set<std::uint32_t>> our_tables();
  model::Result<void> carry_out(const Operation& operation);
  model::Result<Way> ask(const Question& question);
  /// Has the gateway on this interface asked whether it lives (gateways.hpp, have_asked).
  model::Result<bool> ask_gateway(const std::string& interface, const model::IpAddress& gateway);

 private:
  explicit Kernel(Netlink n) : netlink_(std::move(n)) {}
  model::Result<std::vector<Rule>> rules_of(model::Family family);
  model::Result<void> read_family(model::Family family, const std::set<std::uint32_t>& tables, KernelState& state);
  Netlink netlink_;
};

}  // namespace linekeeper::route
