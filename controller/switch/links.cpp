#include "controller/switch/links.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/nexthop.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "controller/switch/kernel.hpp"

namespace linekeeper::route {
namespace {

/// What else an address message says: RFC 3927 link-local, secondary and tentative addresses are not how a circuit is reached,
/// and the far end of a point-to-point link is its gateway.
struct LinkAddress {
  model::IpAddress address;
  std::optional<model::IpAddress> peer;
};

using LinkKey = std::pair<int, model::Family>;  // ifindex

constexpr std::uint8_t number_of(model::Family family) { return family == model::Family::V4 ? AF_INET : AF_INET6; }

/// IFA_F_SECONDARY and IFA_F_TEMPORARY are one bit: an address beside the first (IPv4), one that is soon given up for privacy (RFC 8981).
constexpr std::uint32_t kPassedOver = IFA_F_SECONDARY | IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED;

/// RFC 4193 addresses reach nothing outside: only where there is no other.
bool is_unique_local(const model::IpAddress& a) { return a.family == model::Family::V6 && (a.bytes[0] & 0xFE) == 0xFC; }

model::Result<std::map<LinkKey, LinkAddress>> primary_addresses(Netlink& netlink) {
  NetlinkRequest request(RTM_GETADDR, 0);
  request.fixed<ifaddrmsg>().ifa_family = AF_UNSPEC;
  auto messages = netlink.dump(request);
  if (!messages) return std::unexpected(messages.error());
  std::map<LinkKey, LinkAddress> found;
  for (const auto& m : *messages) {
    const auto* info = m.fixed<ifaddrmsg>();
    if (info == nullptr || (info->ifa_family != AF_INET && info->ifa_family != AF_INET6) || info->ifa_scope != RT_SCOPE_UNIVERSE) continue;
    const auto a = m.attributes(sizeof(ifaddrmsg));
    if ((attribute_u32(a[IFA_FLAGS]).value_or(info->ifa_flags) & kPassedOver) != 0) continue;
    const auto far = attribute_address(a[IFA_ADDRESS]);
    const auto local = a[IFA_LOCAL] == nullptr ? far : attribute_address(a[IFA_LOCAL]);  // IPv6 names it only where there is a peer
    if (!local) continue;
    const LinkAddress address{*local, far && *far != *local ? far : std::nullopt};
    const auto [at, fresh] = found.try_emplace({static_cast<int>(info->ifa_index), local->family}, address);
    if (!fresh && is_unique_local(at->second.address) && !is_unique_local(*local)) at->second = address;
  }
  return found;
}

/// The gateway of a route over `ifindex`: its own, or that of its leg when it has several.
std::optional<model::IpAddress> gateway_over(const NetlinkMessage::Attributes& a, int ifindex) {
  if (static_cast<int>(attribute_u32(a[RTA_OIF]).value_or(0)) == ifindex) return attribute_address(a[RTA_GATEWAY]);
  if (a[RTA_MULTIPATH] == nullptr) return std::nullopt;
  const auto* leg = static_cast<const rtnexthop*>(mnl_attr_get_payload(a[RTA_MULTIPATH]));
  int left = mnl_attr_get_payload_len(a[RTA_MULTIPATH]);
  while (left >= static_cast<int>(sizeof(rtnexthop)) && leg->rtnh_len >= sizeof(rtnexthop) && leg->rtnh_len <= left) {
    if (leg->rtnh_ifindex == ifindex && leg->rtnh_len >= RTNH_LENGTH(RTA_LENGTH(4))) {
      const auto* first = reinterpret_cast<const nlattr*>(RTNH_DATA(leg));
      if (mnl_attr_get_type(first) == RTA_GATEWAY) return attribute_address(first);
    }
    left -= static_cast<int>(RTNH_ALIGN(leg->rtnh_len));
    leg = reinterpret_cast<const rtnexthop*>(reinterpret_cast<const char*>(leg) + RTNH_ALIGN(leg->rtnh_len));
  }
  return std::nullopt;
}

/// The best default route over the interface that is not ours. The kernel filters by interface.
model::Result<std::optional<model::IpAddress>> followed_gateway(Netlink& netlink, model::Family family, int ifindex) {
  NetlinkRequest request(RTM_GETROUTE, 0);
  request.fixed<rtmsg>().rtm_family = number_of(family);
  request.u32(RTA_OIF, static_cast<std::uint32_t>(ifindex));
  auto messages = netlink.dump(request);
  // The interface went while we asked (its notification follows), or the kernel has no IPv6.
  if (!messages && (messages.error().code == ENODEV || messages.error().code == EAFNOSUPPORT)) return std::nullopt;
  if (!messages) return std::unexpected(messages.error());
  std::optional<model::IpAddress> best;
  std::uint64_t best_rank = 0;
  for (const auto& m : *messages) {
    const auto* info = m.fixed<rtmsg>();
    if (info == nullptr || info->rtm_family != number_of(family) || info->rtm_dst_len != 0 || info->rtm_type != RTN_UNICAST ||
        info->rtm_protocol == kRouteProtocol)
      continue;
    const auto a = m.attributes(sizeof(rtmsg));
    const std::uint32_t table = attribute_u32(a[RTA_TABLE]).value_or(info->rtm_table);
    if (table >= kTableFirst && table <= kTableLast) continue;
    const auto gateway = gateway_over(a, ifindex);
    if (gateway && gateway->family != family) continue;  // RFC 8950: an IPv4 default through an IPv6 neighbour
    // The main table before a DHCP client's own, then the smaller metric.
    const std::uint64_t rank = (table == kMainTable ? 0 : std::uint64_t{1} << 32) + attribute_u32(a[RTA_PRIORITY]).value_or(0);
    if (gateway && (!best || rank < best_rank)) {
      best = gateway;
      best_rank = rank;
    }
  }
  return best;
}

bool concerns_us(const NetlinkMessage& m) {
  if (m.type() == RTM_NEWNEXTHOP || m.type() == RTM_DELNEXTHOP) {
    const auto* info = m.fixed<nhmsg>();
    return info != nullptr && info->nh_protocol != kRouteProtocol;
  }
  if (m.type() != RTM_NEWROUTE && m.type() != RTM_DELROUTE) return m.type() != NLMSG_NOOP;
  const auto* info = m.fixed<rtmsg>();
  return info != nullptr && info->rtm_dst_len == 0 && info->rtm_protocol != kRouteProtocol;
}

}  // namespace

struct LinkWatch::Impl {
  Netlink listening;
  Netlink asking;
  struct Learned {
    int ifindex = 0;
    std::optional<model::IpAddress> address;
    std::optional<model::IpAddress> gateway;
  };
  std::map<std::pair<std::string, model::Family>, Learned> learned;  // by interface name; no more of them than circuits
};

LinkWatch::LinkWatch(Impl* impl) : impl_(impl) {}
LinkWatch::LinkWatch(LinkWatch&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
LinkWatch& LinkWatch::operator=(LinkWatch&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
LinkWatch::~LinkWatch() { delete impl_; }

model::Result<LinkWatch> LinkWatch::open() {
  auto listening = Netlink::open({RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP});
  if (!listening) return std::unexpected(listening.error());
  auto asking = Netlink::open();
  if (!asking) return std::unexpected(asking.error());
  return LinkWatch(new Impl{std::move(*listening), std::move(*asking), {}});
}

int LinkWatch::fd() const { return impl_->listening.fd(); }

bool LinkWatch::drain() {
  const auto heard = impl_->listening.hear();
  return heard.lost || std::ranges::any_of(heard.messages, concerns_us);
}

model::Result<std::vector<model::LinkState>> LinkWatch::look(const model::Site& site) {
  auto links = read_links(impl_->asking);
  if (!links) return std::unexpected(links.error());
  auto addresses = primary_addresses(impl_->asking);
  if (!addresses) return std::unexpected(addresses.error());
  std::vector<model::LinkState> states;
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    const model::Circuit& circuit = site.circuits[i];
    model::LinkState s;
    s.circuit = model::id_at<model::CircuitId>(i);
    const auto link = std::ranges::find(*links, circuit.interface, &Link::name);
    if (link != links->end()) {
      s.present = true;
      s.admin_up = link->up;
      s.carrier = link->carrier;
      s.ifindex = link->ifindex;
      s.direct = link->direct;
      const auto address = addresses->find({link->ifindex, circuit.family});
      if (address != addresses->end()) s.address = address->second.address;
      auto gateway = circuit.gateway ? model::Result<std::optional<model::IpAddress>>(circuit.gateway)
                                     : followed_gateway(impl_->asking, circuit.family, link->ifindex);
      if (!gateway) return std::unexpected(gateway.error());
      if (!*gateway && address != addresses->end()) *gateway = address->second.peer;
      Impl::Learned& before = impl_->learned[{circuit.interface, circuit.family}];
      // The route goes with the link or with a restart of its DHCP client; the gateway behind the same address is the same.
      if (!*gateway && s.address && before.address == s.address && before.ifindex == s.ifindex) *gateway = before.gateway;
      s.gateway = *gateway;
      before = {.ifindex = s.ifindex, .address = s.address, .gateway = s.gateway};
    }
    states.push_back(s);
  }
  std::erase_if(impl_->learned, [&](const auto& entry) {
    return !holds(site.circuits, entry.first, [](const model::Circuit& c) { return std::pair(c.interface, c.family); });
  });
  return states;
}

}  // namespace linekeeper::route
