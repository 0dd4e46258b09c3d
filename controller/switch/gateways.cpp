#include "controller/switch/gateways.hpp"

#include <linux/neighbour.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace linekeeper::route {
namespace {

using model::Neighbour;

/// NUD_* (linux/neighbour.h; the machine of states is RFC 4861 7.3.2, for ARP as well).
Neighbour neighbour_of(std::uint16_t nud) {
  if ((nud & (NUD_REACHABLE | NUD_PERMANENT)) != 0) return Neighbour::Answers;
  if ((nud & (NUD_DELAY | NUD_PROBE | NUD_INCOMPLETE)) != 0) return Neighbour::Doubtful;
  if ((nud & NUD_FAILED) != 0) return Neighbour::Silent;
  return Neighbour::Unknown;
}

/// How long ago the kernel last had proof of it: clock ticks (USER_HZ) in NDA_CACHEINFO.
std::optional<model::Duration> confirmed_ago(const nlattr* a) {
  if (a == nullptr || mnl_attr_get_payload_len(a) < sizeof(nda_cacheinfo)) return std::nullopt;
  nda_cacheinfo info{};
  std::memcpy(&info, mnl_attr_get_payload(a), sizeof info);
  static const long kTicksPerSecond = sysconf(_SC_CLK_TCK);
  return std::chrono::duration_cast<model::Duration>(std::chrono::duration<double>(info.ndm_confirmed / static_cast<double>(kTicksPerSecond)));
}

struct Entry {
  Neighbour neighbour = Neighbour::Unknown;
  std::optional<model::Instant> confirmed;
  std::uint16_t nud = NUD_NONE;
  std::uint8_t flags = 0;
};

/// Who an RTM_*NEIGH message is about.
ndmsg& about(NetlinkRequest& request, int ifindex, const model::IpAddress& gateway) {
  auto& fixed = request.fixed<ndmsg>();
  fixed.ndm_family = gateway.family == model::Family::V4 ? AF_INET : AF_INET6;
  fixed.ndm_ifindex = ifindex;
  request.address(NDA_DST, gateway);
  return fixed;
}

model::Result<Entry> read_entry(Netlink& netlink, int ifindex, const model::IpAddress& gateway, model::Instant now) {
  NetlinkRequest request(RTM_GETNEIGH, 0);
  about(request, ifindex, gateway);
  Entry entry;
  auto answer = netlink.ask(request);
  // No entry, no such interface any more, or one that has no neighbours (point to point): nothing is known.
  if (!answer && (answer.error().code == ENOENT || answer.error().code == ENODEV || answer.error().code == EINVAL)) return entry;
  if (!answer) return std::unexpected(answer.error());
  const auto* info = answer->fixed<ndmsg>();
  if (info == nullptr) return entry;
  entry.nud = info->ndm_state;
  entry.flags = info->ndm_flags;
  entry.neighbour = neighbour_of(info->ndm_state);
  // A permanent entry was set by hand and proves nothing; one that never answered has a time all the same.
  const auto ago = confirmed_ago(answer->attributes(sizeof(ndmsg))[NDA_CACHEINFO]);
  if (ago && (info->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0) entry.confirmed = now - *ago;
  return entry;
}

}  // namespace

model::Result<bool> have_asked(Netlink& netlink, int ifindex, const model::IpAddress& gateway) {
  const auto entry = read_entry(netlink, ifindex, gateway, {});
  if (!entry) return std::unexpected(entry.error());
  // By netlink the kernel lets even a permanent entry be changed: look before.
  if ((entry->nud & (NUD_REACHABLE | NUD_STALE | NUD_DELAY)) == 0 || (entry->flags & NTF_EXT_LEARNED) != 0) return false;
  NetlinkRequest request(RTM_NEWNEIGH, NLM_F_REPLACE);
  about(request, ifindex, gateway).ndm_state = NUD_PROBE;
  if (auto done = netlink.carry_out(request); !done) return std::unexpected(done.error());
  return true;
}

model::Result<GatewayWatch> GatewayWatch::open() {
  auto listening = Netlink::open({RTNLGRP_NEIGH});
  if (!listening) return std::unexpected(listening.error());
  auto asking = Netlink::open();
  if (!asking) return std::unexpected(asking.error());
  return GatewayWatch(std::move(*listening), std::move(*asking));
}

bool GatewayWatch::drain() {
  const auto heard = listening_.hear();
  bool concerns_us = heard.lost;
  for (const NetlinkMessage& m : heard.messages) {
    const auto* info = m.fixed<ndmsg>();
    if (info == nullptr || (m.type() != RTM_NEWNEIGH && m.type() != RTM_DELNEIGH)) continue;
    const auto address = attribute_address(m.attributes(sizeof(ndmsg))[NDA_DST]);
    for (Watched& w : watched_) {
      if (w.ifindex != info->ndm_ifindex || !w.gateway || w.gateway != address) continue;
      concerns_us = true;
      if (m.type() == RTM_NEWNEIGH && neighbour_of(info->ndm_state) == Neighbour::Silent) w.state.neighbour = Neighbour::Silent;
    }
  }
  return concerns_us;
}

model::Result<std::vector<model::GatewayState>> GatewayWatch::look(std::span<const std::optional<model::LinkState>> links, model::Instant now) {
  watched_.resize(links.size());
  std::vector<model::GatewayState> states;
  for (std::size_t i = 0; i < links.size(); ++i) {
    Watched& w = watched_[i];
    const bool known = links[i] && links[i]->present && links[i]->gateway;
    const Watched next{.ifindex = known ? links[i]->ifindex : 0, .gateway = known ? links[i]->gateway : std::nullopt, .state = {}};
    if (next.ifindex != w.ifindex || next.gateway != w.gateway) w = next;
    w.state.circuit = model::id_at<model::CircuitId>(i);
    if (known) {
      auto seen = read_entry(asking_, w.ifindex, *w.gateway, now);
      if (!seen) return std::unexpected(seen.error());
      if (w.state.neighbour != Neighbour::Silent || (seen->nud & NUD_INCOMPLETE) == 0) w.state.neighbour = seen->neighbour;
      // The kernel's ticks round: the same proof is not told as a new one.
      const bool newer = seen->confirmed && (!w.state.confirmed || *seen->confirmed - *w.state.confirmed > std::chrono::milliseconds(50));
      if (newer) w.state.confirmed = seen->confirmed;
    }
    states.push_back(w.state);
  }
  return states;
}

}  // namespace linekeeper::route
