#include "controller/switch/kernel.hpp"

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/nexthop.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>

#include "controller/switch/gateways.hpp"

namespace linekeeper::route {
namespace {

using model::Family;

constexpr Family kFamilies[] = {Family::V4, Family::V6};

std::uint8_t number_of(Family family) { return family == Family::V4 ? AF_INET : AF_INET6; }

std::optional<Family> family_of(std::uint8_t number) {
  if (number == AF_INET) return Family::V4;
  if (number == AF_INET6) return Family::V6;
  return std::nullopt;
}

model::Prefix prefix_of(Family family, std::optional<model::IpAddress> address, std::uint8_t length) {
  return {address.value_or(model::IpAddress{.family = family, .bytes = {}}), length};
}

/// A kernel without IPv6 has none of its objects, and does not know the question.
bool not_there(Family family, const model::Error& error) { return family == Family::V6 && (error.code == EAFNOSUPPORT || error.code == EOPNOTSUPP); }

std::optional<Link> read_link(const NetlinkMessage& m) {
  const auto* info = m.fixed<ifinfomsg>();
  if (info == nullptr || m.type() != RTM_NEWLINK) return std::nullopt;
  const auto a = m.attributes(sizeof(ifinfomsg));
  return Link{.ifindex = info->ifi_index,
              .name = attribute_text(a[IFLA_IFNAME]),
              .up = (info->ifi_flags & IFF_UP) != 0,
              .carrier = (info->ifi_flags & IFF_LOWER_UP) != 0,
              .direct = (info->ifi_flags & (IFF_POINTOPOINT | IFF_NOARP)) != 0,
              .addresses = {}};
}

/// NHA_GROUP: an array of nexthop_grp, whose weight is one less than is meant (linux/nexthop.h).
std::vector<GroupMember> read_group(const nlattr* a) {
  std::vector<GroupMember> group;
  if (a == nullptr) return group;
  const auto* bytes = static_cast<const std::byte*>(mnl_attr_get_payload(a));
  for (std::size_t at = 0; at + sizeof(nexthop_grp) <= mnl_attr_get_payload_len(a); at += sizeof(nexthop_grp)) {
    nexthop_grp one{};
    std::memcpy(&one, bytes + at, sizeof one);
    group.push_back({.id = one.id, .weight = one.weight + 1U});
  }
  std::ranges::sort(group, {}, &GroupMember::id);
  return group;
}

std::optional<Nexthop> read_nexthop(const NetlinkMessage& m) {
  const auto* info = m.fixed<nhmsg>();
  if (info == nullptr) return std::nullopt;
  const auto a = m.attributes(sizeof(nhmsg));
  Nexthop n{.id = attribute_u32(a[NHA_ID]).value_or(0),
            .protocol = info->nh_protocol,
            .family = family_of(info->nh_family).value_or(Family::V4),
            .ifindex = static_cast<int>(attribute_u32(a[NHA_OIF]).value_or(0)),
            .gateway = attribute_address(a[NHA_GATEWAY]),
            .onlink = (info->nh_flags & RTNH_F_ONLINK) != 0,
            .other = false,
            .group = read_group(a[NHA_GROUP])};
  const bool resilient = attribute_u16(a[NHA_GROUP_TYPE]).value_or(NEXTHOP_GRP_TYPE_MPATH) != NEXTHOP_GRP_TYPE_MPATH;
  n.other = resilient || (a[NHA_GROUP] != nullptr && n.group.empty()) || a[NHA_BLACKHOLE] != nullptr || a[NHA_ENCAP_TYPE] != nullptr ||
            a[NHA_FDB] != nullptr;
  return n;
}

std::optional<Route> read_route(const NetlinkMessage& m) {
  const auto* info = m.fixed<rtmsg>();
  if (info == nullptr || (info->rtm_flags & RTM_F_CLONED) != 0) return std::nullopt;
  const auto family = family_of(info->rtm_family);
  if (!family) return std::nullopt;
  const auto a = m.attributes(sizeof(rtmsg));
  Route r{.table = attribute_u32(a[RTA_TABLE]).value_or(info->rtm_table),
          .protocol = info->rtm_protocol,
          .type = RouteType::Other,
          .metric = attribute_u32(a[RTA_PRIORITY]).value_or(0),
          .destination = prefix_of(*family, attribute_address(a[RTA_DST]), info->rtm_dst_len),
          .nexthop = attribute_u32(a[RTA_NH_ID]).value_or(0),
          .source = attribute_address(a[RTA_PREFSRC])};
  if (info->rtm_type == RTN_UNICAST) r.type = RouteType::Unicast;
  if (info->rtm_type == RTN_UNREACHABLE) r.type = RouteType::Unreachable;
  return r;
}

std::optional<Rule> read_rule(const NetlinkMessage& m) {
  const auto* info = m.fixed<fib_rule_hdr>();
  const auto family = info == nullptr ? std::nullopt : family_of(info->family);
  if (!family) return std::nullopt;
  const auto a = m.attributes(sizeof(fib_rule_hdr));
  Rule r;
  r.family = *family;
  r.priority = attribute_u32(a[FRA_PRIORITY]).value_or(0);
  r.protocol = attribute_u8(a[FRA_PROTOCOL]).value_or(0);
  r.table = attribute_u32(a[FRA_TABLE]).value_or(info->table);
  r.mark = attribute_u32(a[FRA_FWMARK]);
  if (r.mark) r.mark_mask = attribute_u32(a[FRA_FWMASK]).value_or(kWholeMark);
  if (a[FRA_SRC] != nullptr) r.source = prefix_of(*family, attribute_address(a[FRA_SRC]), info->src_len);
  if (a[FRA_DST] != nullptr) r.destination = prefix_of(*family, attribute_address(a[FRA_DST]), info->dst_len);
  r.incoming = attribute_text(a[FRA_IIFNAME]);
  r.outgoing = attribute_text(a[FRA_OIFNAME]);
  const auto suppress = attribute_u32(a[FRA_SUPPRESS_PREFIXLEN]);
  if (suppress && *suppress != 0xFFFFFFFFU) r.suppress_prefixlength = static_cast<int>(*suppress);
  // FIB_RULE_DEV_DETACHED and friends are the kernel's notes, not selectors; an inverted rule is another rule.
  r.other = info->action != FR_ACT_TO_TBL || (info->flags & FIB_RULE_INVERT) != 0 || info->tos != 0 || a[FRA_IP_PROTO] != nullptr ||
            a[FRA_SPORT_RANGE] != nullptr || a[FRA_DPORT_RANGE] != nullptr || a[FRA_UID_RANGE] != nullptr || a[FRA_TUN_ID] != nullptr ||
            a[FRA_L3MDEV] != nullptr;
  return r;
}

/// A group is said to be of no family: it is of that of its members, which are never groups.
void name_families(std::vector<Nexthop>& all) {
  for (Nexthop& n : all) {
    if (n.group.empty()) continue;
    const auto member = std::ranges::find(all, n.group.front().id, &Nexthop::id);
    if (member != all.end()) n.family = member->family;
  }
}

/// Members in the order of their ids, whole: a group is replaced as it is, never changed by parts.
void put_group(NetlinkRequest& q, const std::vector<GroupMember>& group) {
  std::vector<nexthop_grp> members;
  for (const GroupMember& m : group) {
    nexthop_grp one{};
    one.id = m.id;
    one.weight = static_cast<std::uint8_t>(m.weight - 1);
    members.push_back(one);
  }
  q.raw(NHA_GROUP, std::as_bytes(std::span(members)));
}

bool in_range(std::uint32_t v, std::uint32_t first, std::uint32_t last) { return v >= first && v <= last; }

NetlinkRequest nexthop_message(const Operation& op, const Nexthop& n) {
  const bool put = op.act == Act::Put;
  NetlinkRequest q(put ? RTM_NEWNEXTHOP : RTM_DELNEXTHOP, put ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  auto& fixed = q.fixed<nhmsg>();
  if (put) {
    fixed.nh_family = n.group.empty() ? number_of(n.family) : std::uint8_t{AF_UNSPEC};
    fixed.nh_protocol = n.protocol;
    fixed.nh_flags = n.onlink ? RTNH_F_ONLINK : 0U;
  }
  q.u32(NHA_ID, n.id);
  if (put && !n.group.empty()) {
    put_group(q, n.group);
  } else if (put) {
    q.u32(NHA_OIF, static_cast<std::uint32_t>(n.ifindex));
    if (n.gateway) q.address(NHA_GATEWAY, *n.gateway);
  }
  return q;
}

NetlinkRequest route_message(const Operation& op, const Route& r) {
  const bool put = op.act == Act::Put;
  NetlinkRequest q(put ? RTM_NEWROUTE : RTM_DELROUTE, put ? NLM_F_CREATE | NLM_F_REPLACE : 0);
  auto& fixed = q.fixed<rtmsg>();
  fixed.rtm_family = number_of(r.destination.address.family);
  fixed.rtm_dst_len = r.destination.length;
  fixed.rtm_protocol = r.protocol;
  fixed.rtm_type = r.type == RouteType::Unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
  fixed.rtm_scope = put ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE;  // nowhere: any, when removing
  q.u32(RTA_TABLE, r.table);
  if (r.destination.length > 0) q.address(RTA_DST, r.destination.address);
  if (r.metric != 0) q.u32(RTA_PRIORITY, r.metric);
  if (r.nexthop != 0) q.u32(RTA_NH_ID, r.nexthop);
  if (r.source) q.address(RTA_PREFSRC, *r.source);
  return q;
}

NetlinkRequest rule_message(const Operation& op, const Rule& r) {
  const bool put = op.act == Act::Put;
  NetlinkRequest q(put ? RTM_NEWRULE : RTM_DELRULE, put ? NLM_F_CREATE | NLM_F_EXCL : 0);
  auto& fixed = q.fixed<fib_rule_hdr>();
  fixed.family = number_of(r.family);
  fixed.action = FR_ACT_TO_TBL;
  fixed.src_len = r.source ? r.source->length : 0;
  fixed.dst_len = r.destination ? r.destination->length : 0;
  q.u32(FRA_PRIORITY, r.priority);
  q.u32(FRA_TABLE, r.table);
  q.u8(FRA_PROTOCOL, r.protocol);
  if (r.mark) {
    q.u32(FRA_FWMARK, *r.mark);
    q.u32(FRA_FWMASK, r.mark_mask);
  }
  if (r.source) q.address(FRA_SRC, r.source->address);
  if (r.destination) q.address(FRA_DST, r.destination->address);
  if (!r.incoming.empty()) q.text(FRA_IIFNAME, r.incoming);
  if (!r.outgoing.empty()) q.text(FRA_OIFNAME, r.outgoing);
  if (r.suppress_prefixlength >= 0) q.u32(FRA_SUPPRESS_PREFIXLEN, static_cast<std::uint32_t>(r.suppress_prefixlength));
  return q;
}

}  // namespace

model::Result<std::vector<Link>> read_links(Netlink& netlink) {
  NetlinkRequest links_request(RTM_GETLINK, 0);
  links_request.fixed<ifinfomsg>().ifi_family = AF_UNSPEC;
  auto messages = netlink.dump(links_request);
  if (!messages) return std::unexpected(messages.error());
  std::vector<Link> links;
  for (const auto& m : *messages)
    if (auto l = read_link(m)) links.push_back(std::move(*l));
  NetlinkRequest addresses_request(RTM_GETADDR, 0);
  addresses_request.fixed<ifaddrmsg>().ifa_family = AF_UNSPEC;
  auto addresses = netlink.dump(addresses_request);
  if (!addresses) return std::unexpected(addresses.error());
  for (const auto& m : *addresses) {
    const auto* info = m.fixed<ifaddrmsg>();
    if (info == nullptr || !family_of(info->ifa_family)) continue;
    if (info->ifa_family == AF_INET6 && info->ifa_scope != RT_SCOPE_UNIVERSE) continue;
    const auto a = m.attributes(sizeof(ifaddrmsg));
    const auto address = attribute_address(a[IFA_LOCAL] != nullptr ? a[IFA_LOCAL] : a[IFA_ADDRESS]);  // IPv6 has the first only with a peer
    const auto link = std::ranges::find(links, static_cast<int>(info->ifa_index), &Link::ifindex);
    if (address && link != links.end()) link->addresses.push_back({*address, info->ifa_prefixlen});
  }
  return links;
}

model::Result<Kernel> Kernel::open() {
  auto netlink = Netlink::open();
  if (!netlink) return std::unexpected(netlink.error());
  return Kernel(std::move(*netlink));
}

model::Result<KernelState> Kernel::read(const std::set<std::uint32_t>& tables) {
  KernelState state;
  auto links = read_links(netlink_);
  if (!links) return std::unexpected(links.error());
  state.links = std::move(*links);

  NetlinkRequest nexthops(RTM_GETNEXTHOP, 0);
  nexthops.fixed<nhmsg>().nh_family = AF_UNSPEC;
  auto answer = netlink_.dump(nexthops);
  if (!answer) return std::unexpected(answer.error());
  for (const auto& m : *answer)
    if (auto n = read_nexthop(m); n && in_range(n->id, kNexthopFirst, kNexthopLast)) state.nexthops.push_back(*n);
  name_families(state.nexthops);

  for (const Family family : kFamilies)
    if (auto done = read_family(family, tables, state); !done) return std::unexpected(done.error());
  return state;
}

model::Result<std::vector<Rule>> Kernel::rules_of(Family family) {
  NetlinkRequest request(RTM_GETRULE, 0);
  request.fixed<fib_rule_hdr>().family = number_of(family);
  auto answer = netlink_.dump(request);
  if (!answer && not_there(family, answer.error())) return {};
  if (!answer) return std::unexpected(answer.error());
  std::vector<Rule> all;
  for (const auto& m : *answer)
    if (auto r = read_rule(m); r && r->family == family) all.push_back(*r);
  return all;
}

model::Result<std::vector<Rule>> Kernel::rules() {
  std::vector<Rule> all;
  for (const Family family : kFamilies) {
    auto some = rules_of(family);
    if (!some) return some;
    std::ranges::move(*some, std::back_inserter(all));
  }
  return all;
}

model::Result<void> Kernel::read_family(Family family, const std::set<std::uint32_t>& tables, KernelState& state) {
  auto rules = rules_of(family);
  if (!rules) return std::unexpected(rules.error());
  for (Rule& r : *rules)
    if (in_range(r.priority, kRuleFirst, kRuleLast)) state.rules.push_back(std::move(r));

  for (const std::uint32_t table : tables) {
    NetlinkRequest routes(RTM_GETROUTE, 0);
    routes.fixed<rtmsg>().rtm_family = number_of(family);
    routes.u32(RTA_TABLE, table);
    auto answer = netlink_.dump(routes);
    // The kernel makes an IPv6 table with its first route and says ENOENT before.
    if (!answer && (not_there(family, answer.error()) || answer.error().code == ENOENT)) continue;
    if (!answer) return std::unexpected(answer.error());
    for (const auto& m : *answer)
      if (auto r = read_route(m); r && r->table == table && r->destination.address.family == family) state.routes.push_back(*r);
  }
  return {};
}

model::Result<std::set<std::uint32_t>> Kernel::our_tables() {
  std::set<std::uint32_t> tables;
  for (const Family family : kFamilies) {
    NetlinkRequest routes(RTM_GETROUTE, 0);
    auto& fixed = routes.fixed<rtmsg>();
    fixed.rtm_family = number_of(family);
    fixed.rtm_protocol = kRouteProtocol;
    auto answer = netlink_.dump(routes);
    if (!answer && not_there(family, answer.error())) continue;
    if (!answer) return std::unexpected(answer.error());
    for (const auto& m : *answer)
      if (auto r = read_route(m); r && is_ours(*r)) tables.insert(r->table);
  }
  return tables;
}

model::Result<void> Kernel::carry_out(const Operation& op) {
  NetlinkRequest q = std::visit(
      [&](const auto& object) {
        if constexpr (std::is_same_v<std::decay_t<decltype(object)>, Nexthop>)
          return nexthop_message(op, object);
        else if constexpr (std::is_same_v<std::decay_t<decltype(object)>, Route>)
          return route_message(op, object);
        else
          return rule_message(op, object);
      },
      op.object);
  auto done = netlink_.carry_out(q);
  if (done) return done;
  // What was to go is gone already (the kernel removes routes with their nexthop): that is what was wanted.
  const int code = done.error().code;
  if (op.act == Act::Remove && (code == ENOENT || code == ESRCH)) return {};
  model::Error error = done.error();
  error.what = (op.act == Act::Put ? "cannot set " : "cannot remove ") + to_string(op.object) + ": " + error.what;
  return std::unexpected(error);
}

model::Result<Way> Kernel::ask(const Question& question) {
  NetlinkRequest q(RTM_GETROUTE, 0);
  auto& fixed = q.fixed<rtmsg>();
  fixed.rtm_family = number_of(question.destination.family);
  fixed.rtm_dst_len = static_cast<unsigned char>(question.destination.size() * 8);
  // The table that decided, not the one the route is in. IPv6 always says it, and takes the flag for a mistake.
  fixed.rtm_flags = question.destination.family == Family::V4 ? RTM_F_LOOKUP_TABLE : 0U;
  q.address(RTA_DST, question.destination);
  if (question.source) {
    fixed.rtm_src_len = static_cast<unsigned char>(question.source->size() * 8);
    q.address(RTA_SRC, *question.source);
  }
  if (question.mark) q.u32(RTA_MARK, *question.mark);
  if (question.incoming != 0) q.u32(RTA_IIF, static_cast<std::uint32_t>(question.incoming));
  auto answer = netlink_.ask(q);
  if (!answer) return std::unexpected(answer.error());
  const auto* info = answer->fixed<rtmsg>();
  if (info == nullptr) return std::unexpected(model::Error{.what = "short answer to a route question", .remedy = {}, .code = EBADMSG});
  const auto a = answer->attributes(sizeof(rtmsg));
  return Way{.table = attribute_u32(a[RTA_TABLE]).value_or(info->rtm_table),
             .ifindex = static_cast<int>(attribute_u32(a[RTA_OIF]).value_or(0)),
             .local = info->rtm_type == RTN_LOCAL,
             .source = attribute_address(a[RTA_PREFSRC])};
}

model::Result<bool> Kernel::ask_gateway(const std::string& interface, const model::IpAddress& gateway) {
  const auto links = read_links(netlink_);
  if (!links) return std::unexpected(links.error());
  const auto link = std::ranges::find(*links, interface, &Link::name);
  return link == links->end() ? false : have_asked(netlink_, link->ifindex, gateway);
}

}  // namespace linekeeper::route
