#include "controller/switch/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cerrno>
#include <cstring>
#include <span>

namespace linekeeper::route {
namespace {

constexpr std::uint16_t message(std::uint16_t type) { return NFNL_SUBSYS_CTNETLINK << 8 | type; }

NetlinkRequest request(std::uint16_t type, model::Family family) {
  NetlinkRequest q(message(type), 0);
  auto& fixed = q.fixed<nfgenmsg>();
  fixed.nfgen_family = family == model::Family::V4 ? AF_INET : AF_INET6;
  fixed.version = NFNETLINK_V0;
  return q;
}

/// The kernel writes these in network byte order.
std::optional<std::uint32_t> big_endian_u32(const nlattr* a) {
  const auto n = attribute_u32(a);
  return n ? std::optional(ntohl(*n)) : std::nullopt;
}

/// Address `which` (CTA_IP_V4_SRC, CTA_IP_V6_DST, ...) of a tuple.
std::optional<model::IpAddress> address_in(const nlattr* tuple, std::uint16_t which) {
  const nlattr* ip = nested_attribute(tuple, CTA_TUPLE_IP);
  return attribute_address(nested_attribute(ip, which));
}

std::optional<Connection> read_connection(const NetlinkMessage& m) {
  const auto a = m.attributes(sizeof(nfgenmsg));
  const auto either = [&](const nlattr* tuple, std::uint16_t four, std::uint16_t six) {
    const auto address = address_in(tuple, four);
    return address ? address : address_in(tuple, six);
  };
  const auto source = either(a[CTA_TUPLE_ORIG], CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  const auto seen_as = either(a[CTA_TUPLE_REPLY], CTA_IP_V4_DST, CTA_IP_V6_DST);
  if (!source || !seen_as) return std::nullopt;
  Connection c{.mark = big_endian_u32(a[CTA_MARK]).value_or(0), .source = *source, .seen_as = *seen_as, .tuple = {}, .zone = {}, .identifier = {}};
  const auto* payload = static_cast<const std::uint8_t*>(mnl_attr_get_payload(a[CTA_TUPLE_ORIG]));
  c.tuple.assign(payload, payload + mnl_attr_get_payload_len(a[CTA_TUPLE_ORIG]));
  if (a[CTA_ZONE] != nullptr && mnl_attr_get_payload_len(a[CTA_ZONE]) == sizeof(std::uint16_t)) c.zone = mnl_attr_get_u16(a[CTA_ZONE]);
  c.identifier = attribute_u32(a[CTA_ID]);
  return c;
}

void name(NetlinkRequest& q, const Connection& c) {
  q.raw(NLA_F_NESTED | CTA_TUPLE_ORIG, std::as_bytes(std::span(c.tuple)));
  if (c.zone) q.raw(CTA_ZONE, std::as_bytes(std::span(&*c.zone, 1)));
  if (c.identifier) q.u32(CTA_ID, *c.identifier);
}

}  // namespace

model::Result<Conntrack> Conntrack::open() {
  auto netlink = Netlink::open({}, NETLINK_NETFILTER);
  if (!netlink) return std::unexpected(netlink.error());
  return Conntrack(std::move(*netlink));
}

model::Result<Conntrack::Found> Conntrack::find(model::Family family, std::uint32_t value, std::uint32_t mask, std::size_t limit) {
  auto q = request(IPCTNL_MSG_CT_GET, family);
  q.u32(CTA_MARK, htonl(value));
  q.u32(CTA_MARK_MASK, htonl(mask));
  Found found;
  auto done = netlink_.dump(
      q,
      [&](const nlmsghdr& h) {
        if (h.nlmsg_type != message(IPCTNL_MSG_CT_NEW)) return;
        auto c = read_connection(NetlinkMessage(h));
        if (!c || (c->mark & mask) != value) return;
        ++found.count;
        if (found.connections.size() < limit) found.connections.push_back(std::move(*c));
      },
      [&] { found = {}; });
  if (!done) return std::unexpected(done.error());
  return found;
}

model::Result<void> Conntrack::remove(const Connection& c) {
  auto q = request(IPCTNL_MSG_CT_DELETE, c.source.family);
  name(q, c);
  auto done = netlink_.carry_out(q);
  if (!done && done.error().code == ENOENT) return {};
  return done;
}

model::Result<void> Conntrack::mark(const Connection& c, std::uint32_t value, std::uint32_t mask) {
  auto q = request(IPCTNL_MSG_CT_NEW, c.source.family);  // without NLM_F_CREATE: only what is there
  name(q, c);
  q.u32(CTA_MARK, htonl(value));
  q.u32(CTA_MARK_MASK, htonl(mask));
  auto done = netlink_.carry_out(q);
  if (!done && done.error().code == ENOENT) return {};
  return done;
}

}  // namespace linekeeper::route
