// Kernel settings (Documentation/networking/ip-sysctl.rst), for the circuits' interfaces and for those that come later.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {
namespace {

using model::Family;

const model::LinkState* link_of(const Facts& facts, std::size_t circuit) {
  return facts.circuits && circuit < facts.circuits->size() ? &(*facts.circuits)[circuit] : nullptr;
}

std::set<std::string> interfaces_of(const model::Site& site, Family family) {
  std::set<std::string> names;
  for (const model::Circuit& c : site.circuits)
    if (c.family == family) names.insert(c.interface);
  return names;
}

/// 1 is the strict check of RFC 3704: an answer must come in where the main table would send to its source.
void judge_rp_filter(const model::Site& site, const Facts& facts, Findings& out) {
  const std::string remedy = set_sysctl("net/ipv4/conf/all/rp_filter", "2") + " (the larger of all and the interface counts, so that is enough)";
  auto names = interfaces_of(site, Family::V4);
  names.insert("default");
  for (const std::string& name : names) {
    const bool later = name == "default";
    const Check check{out, "rp_filter", name};
    const auto value = larger(facts, name, "rp_filter");
    if (!value && value.error() == Unread::Absent) continue;  // no such interface: said elsewhere
    if (!value)
      check.unknown(value.error(), "a strict check drops the answers of all circuits but one");
    else if (*value != 1)
      check.ok(*value == 0 ? "0: off" : "2: loose");
    else if (later)
      check.warn("1: strict", "an interface that is made anew (PPPoE, a modem that was pulled) would drop answers", remedy);
    else
      check.problem("1: strict", "answers that come by this circuit are dropped while the main table prefers another: it would be called dead",
                    remedy);
  }
}

void judge_forwarding(const model::Site& site, const Facts& facts, Findings& out, Family family) {
  const bool v4 = family == Family::V4;
  if (interfaces_of(site, family).empty()) return;
  const std::string path = v4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
  const Check check{out, v4 ? "ip_forward" : "ipv6_forwarding"};
  const auto value = setting(facts, path);
  if (!value) return check.unknown(value.error(), "without it nothing of the LAN goes by a circuit");
  if (*value != 0) return check.ok("on");
  for (const model::TrafficClass& c : site.classes)
    if (c.family == family && c.match.incoming_interface)
      return check.problem("off", fmt::format("class {} is what comes in by {}, and none of it is forwarded", c.name, *c.match.incoming_interface),
                           set_sysctl(path, "1"));
  const bool own = facts.standing.has_value();
  const auto of_this_host = [&](const model::Prefix& p) {
    return !own || std::ranges::any_of(facts.standing->links, [&](const route::Link& l) {
      return std::ranges::any_of(l.addresses, [&](const model::Prefix& a) { return p.contains(a.address); });
    });
  };
  for (const model::Circuit& c : site.circuits)
    for (const model::Prefix& p : c.sources)
      if (p.address.family == family && !of_this_host(p))
        return check.problem("off", fmt::format("source {} of circuit {} is another host's, and nothing of it is forwarded", p.to_string(), c.name),
                             set_sysctl(path, "1"));
  for (const model::TrafficClass& c : site.classes)
    if (c.family == family && c.match.source && !of_this_host(*c.match.source))
      return check.problem(
          "off", fmt::format("class {} is of source {}, another host's, and nothing of it is forwarded", c.name, c.match.source->to_string()),
          set_sysctl(path, "1"));
  check.ok("off: only what this host itself sends is steered");
}

/// A host that forwards ignores router advertisements unless accept_ra is 2; systemd-networkd reads them itself and sets 0.
void judge_router_advertisements(const model::Site& site, const Facts& facts, Findings& out) {
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    const model::Circuit& c = site.circuits[i];
    if (c.family != Family::V6 || c.gateway) continue;
    const Check check{out, "accept_ra", c.interface};
    const auto ra = setting(facts, in_conf("ipv6", c.interface, "accept_ra"));
    const auto forwarding = setting(facts, in_conf("ipv6", c.interface, "forwarding"));
    if (!ra || !forwarding) {
      const Unread why = !ra ? ra.error() : forwarding.error();
      if (why != Unread::Absent) check.unknown(why, "the gateway comes by router advertisements");
      continue;
    }
    const std::string found = fmt::format("accept_ra {}, forwarding {}", *ra, *forwarding);
    const model::LinkState* link = link_of(facts, i);
    if (*ra >= (*forwarding != 0 ? 2 : 1))
      check.ok(found);
    else if (*ra == 0 && facts.networkd_running && link != nullptr && link->gateway)
      check.ok(found + "; systemd-networkd reads router advertisements itself");
    else
      check.problem(found,
                    "the kernel does not listen to router advertisements: the gateway of this circuit is not learned, or ends with its lifetime",
                    set_sysctl(in_conf("ipv6", c.interface, "accept_ra"), "2"));
  }
}

void judge_ipv6_on(const model::Site& site, const Facts& facts, Findings& out) {
  for (const std::string& name : interfaces_of(site, Family::V6)) {
    const std::string path = in_conf("ipv6", name, "disable_ipv6");
    const auto off = setting(facts, path);
    const Check check{out, "disable_ipv6", name};
    if (!off) {
      if (setting(facts, in_conf("ipv6", "all", "forwarding")).has_value()) continue;  // only the interface is missing
      check.problem("the kernel has no IPv6", "this circuit is configured with IPv6", "remove ipv6.disable=1 from the kernel's command line");
    } else if (*off == 0)
      check.ok("IPv6 is on");
    else
      check.problem("IPv6 is off on this interface", "this circuit is configured with IPv6", set_sysctl(path, "0"));
  }
}

/// icmp(7): who may send echoes without a capability. The range is of groups, both ends included.
void judge_ping_groups(const model::Site& site, const Facts& facts, Findings& out) {
  const bool echoes =
      std::ranges::any_of(site.targets, [](const model::Target& t) { return t.method == model::ProbeMethod::Icmp; }) ||
      std::ranges::any_of(site.checks, [](const model::Check& c) { return c.kind == model::CheckKind::Mtu || c.kind == model::CheckKind::Hops; });
  if (!echoes) return;
  const std::string path = "net/ipv4/ping_group_range";
  const Check check{out, "ping_group_range"};
  const auto text = fact_of(facts.settings, path);
  if (!text) return check.unknown(text.error(), "probes are echo requests, sent without a capability");
  std::istringstream words(*text);
  std::uint64_t first = 1, last = 0;
  words >> first >> last;
  const std::string found = fmt::format("{} to {}", first, last);
  // A running daemon's real group counts, whatever it is called.
  const auto account = fact_of(facts.accounts, std::string(kUser));
  if (!account && !facts.group) {
    if (first > last) return check.problem("nobody", "probes are echo requests, sent without a capability", set_sysctl(path, "0 2147483647"));
    return check.unknown(Unread::Failed, fmt::format("{} may send echoes; there is no group linekeeper to compare with", found));
  }
  const auto in = [&](std::uint32_t gid) { return gid >= first && gid <= last; };
  if ((account && std::ranges::any_of(account->groups, in)) || (facts.group && in(*facts.group))) return check.ok(found);
  check.problem(
      first > last ? "nobody" : found,
      fmt::format("linekeeperd (group {}) may not send echo requests: every circuit stays unknown", facts.group ? *facts.group : account->gid),
      set_sysctl(path, "0 2147483647"));
}

void judge_multipath(const model::Site&, const Facts& facts, Findings& out) {
  const Check compat{out, "nexthop_compat_mode"};
  const auto mode = setting(facts, "net/ipv4/nexthop_compat_mode");
  if (!mode && mode.error() == Unread::Absent) return;  // an older kernel
  if (!mode)
    compat.unknown(mode.error(), "with 1 a move notifies each route");
  else if (*mode == 0)
    compat.ok("0");
  else
    compat.warn("1", "a move tells of every route that uses the nexthop: slower with many prefixes", set_sysctl("net/ipv4/nexthop_compat_mode", "0"));
}

/// How the kernel tells the connections of a class that is shared from one another (fib_multipath_hash_policy).
void judge_sharing(const model::Site& site, const Facts& facts, Findings& out, Family family) {
  const auto shares = [family](const model::TrafficClass& c) { return c.family == family && c.shares(); };
  if (std::ranges::none_of(site.classes, shares)) return;
  const std::string path = fmt::format("net/ipv{}/fib_multipath_hash_policy", family == Family::V4 ? 4 : 6);
  const Check hash{out, family == Family::V4 ? "fib_multipath_hash_policy" : "ipv6_multipath_hash_policy"};
  const auto policy = setting(facts, path);
  if (!policy)
    hash.unknown(policy.error(), "it says how a class is shared between circuits");
  else if (*policy == 0)
    hash.warn("0: by addresses alone", "all that one host sends to another goes by one circuit, however the class is shared", set_sysctl(path, "1"));
  else
    hash.ok(fmt::format("{}: ports count", *policy));
}

/// Two circuits in one subnet: each must speak for its own address only, or the neighbours mix them up.
void judge_arp(const model::Site& site, const Facts& facts, Findings& out) {
  if (!facts.standing) return;
  std::set<std::string> shared;
  const auto addresses = [&](const std::string& name) {
    const route::Link* link = facts.standing->link(name);
    return link != nullptr ? link->addresses : std::vector<model::Prefix>{};
  };
  const auto names = interfaces_of(site, Family::V4);
  const auto network = [](model::Prefix p) {
    for (int bit = p.length; bit < 32; ++bit) p.address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
    return p;
  };
  for (const std::string& a : names)
    for (const std::string& b : names)
      for (const model::Prefix& pa : addresses(a))
        for (const model::Prefix& pb : addresses(b))
          if (a != b && pa.address.family == Family::V4 && pb.address.family == Family::V4 && pa.length < 32 && pb.length < 32 &&
              network(pa).overlaps(network(pb)))
            shared.insert(a);
  for (const std::string& name : shared) {
    const auto ignore = larger(facts, name, "arp_ignore"), announce = larger(facts, name, "arp_announce"), filter = larger(facts, name, "arp_filter");
    const Check check{out, "arp", name};
    if (!ignore || !announce || !filter) {
      check.unknown(!ignore ? ignore.error() : !announce ? announce.error() : filter.error(), "another circuit is in the same subnet");
      continue;
    }
    const std::string found = fmt::format("another circuit is in the same subnet; arp_ignore {}, arp_announce {}", *ignore, *announce);
    if ((*ignore >= 1 || *filter == 1) && *announce == 2)
      check.ok(found);
    else
      check.problem(found, "it answers for the other circuit's address: the gateway may send one circuit's answers by the other",
                    set_sysctl(in_conf("ipv4", name, "arp_ignore"), "1") + "; likewise arp_announce = 2");
  }
}

}  // namespace

void judge_settings(const model::Site& site, const Facts& facts, Findings& out) {
  judge_rp_filter(site, facts, out);
  judge_forwarding(site, facts, out, Family::V4);
  judge_forwarding(site, facts, out, Family::V6);
  judge_ipv6_on(site, facts, out);
  judge_router_advertisements(site, facts, out);
  judge_ping_groups(site, facts, out);
  judge_multipath(site, facts, out);
  for (const Family family : {Family::V4, Family::V6}) judge_sharing(site, facts, out, family);
  judge_arp(site, facts, out);
}

}  // namespace linekeeper::admin::doctor
