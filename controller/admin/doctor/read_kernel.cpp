#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/nexthop.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <thread>

#include "controller/admin/doctor/read.hpp"
#include "controller/runtime/unique_fd.hpp"
#include "controller/switch/conntrack.hpp"
#include "controller/switch/kernel.hpp"
#include "controller/switch/links.hpp"
#include "controller/switch/nft_table.hpp"

namespace linekeeper::admin::doctor {
namespace {

constexpr std::size_t kLongestFile = 4 * 1024 * 1024;  // /proc/net/unix has a line for each socket
constexpr int kMangle = -150, kSourceNat = 100;        // NF_IP_PRI_MANGLE, NF_IP_PRI_NAT_SRC (linux/netfilter_ipv4.h)

template <class T>
Fact<T> fact(model::Result<T> result) {
  if (result) return std::move(*result);
  return std::unexpected(unread(result.error().code));
}

/// Every kind of step that linekeeper-switch writes, without its names.
route::FlowTable marks() {
  using namespace route;
  return {.chains = {{.name = "mark",
                      .type = "filter",
                      .hook = NF_INET_POST_ROUTING,
                      .priority = kMangle,
                      .rules = {{MatchNew{}, SetMark{.of = MarkOf::Connection, .mask = 1, .value = 1}}}},
                     {.name = "keep",
                      .type = "route",
                      .hook = NF_INET_LOCAL_OUT,
                      .priority = kMangle,
                      .rules = {{MatchMark{.of = MarkOf::Connection, .mask = 1, .value = 1}, SetMark{.mask = 1, .value = 1}}}}}};
}
route::FlowTable translation() {
  return {.chains = {{.name = "translate", .type = "nat", .hook = NF_INET_POST_ROUTING, .priority = kSourceNat, .rules = {{route::Masquerade{}}}}}};
}

/// In a thread that has left for a network namespace of its own, which ends with it.
Fact<Trial> try_tables() {
  Fact<Trial> outcome = kNotRead;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) {
      outcome = std::unexpected(unread(errno));
      return;
    }
    const auto put = [](const route::FlowTable& table) {
      auto nft = route::NftTable::open();
      const auto done = nft ? nft->put(table) : model::Result<void>(std::unexpected(nft.error()));
      return done ? std::string() : done.error().what;
    };
    Trial trial{.marks = put(marks()), .translation = put(translation()), .connections = {}};
    auto conntrack = route::Conntrack::open();
    const auto found = conntrack ? conntrack->find(model::Family::V4, 0, 0, 0) : std::unexpected(conntrack.error());
    if (!found) trial.connections = found.error().what;
    outcome = std::move(trial);
  }).join();
  return outcome;
}

void read_settings(const model::Site& site, Facts& facts) {
  std::set<std::string> paths = {"net/ipv4/ip_forward",
                                 "net/ipv6/conf/all/forwarding",
                                 "net/ipv4/ping_group_range",
                                 "net/ipv4/nexthop_compat_mode",
                                 "net/ipv4/fib_multipath_hash_policy",
                                 "net/ipv6/fib_multipath_hash_policy",
                                 "net/netfilter/nf_conntrack_max",
                                 "net/netfilter/nf_conntrack_count"};
  std::set<std::string> interfaces = {"all", "default"};
  for (const model::Circuit& c : site.circuits) interfaces.insert(c.interface);
  for (const std::string& i : interfaces) {
    for (const char* name : {"rp_filter", "arp_ignore", "arp_announce", "arp_filter"}) paths.insert("net/ipv4/conf/" + i + "/" + name);
    for (const char* name : {"accept_ra", "forwarding", "disable_ipv6"}) paths.insert("net/ipv6/conf/" + i + "/" + name);
  }
  for (const std::string& path : paths) facts.settings.insert_or_assign(path, text_of_file("/proc/sys/" + path));
}

void read_routes(const model::Site& site, Facts& facts) {
  auto kernel = route::Kernel::open();
  if (!kernel) return;
  std::set<std::uint32_t> tables;
  for (const model::Circuit& c : site.circuits) tables.insert(c.table);
  for (const model::TrafficClass& c : site.classes) tables.insert(c.table);
  facts.rules = fact(kernel->rules());
  facts.standing = fact(kernel->read(tables));
}

template <class Fixed>
Fact<bool> knows(route::Netlink& netlink, std::uint16_t question) {
  route::NetlinkRequest request(question, 0);
  request.fixed<Fixed>();
  const auto answer = netlink.dump(request);
  if (answer) return true;
  const int e = answer.error().code;
  return std::unexpected(e == EOPNOTSUPP || e == EAFNOSUPPORT ? Unread::Absent : unread(e));
}

}  // namespace

Unread unread(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Unread::Absent;
    case EPERM:
    case EACCES: return Unread::NotAllowed;
    default: return Unread::Failed;
  }
}

Fact<std::string> text_of_file(const std::string& path) {
  const runtime::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return std::unexpected(unread(errno));
  std::string text;
  std::array<char, 4096> block{};
  while (text.size() < kLongestFile) {
    const auto got = ::read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(unread(errno));
    if (got == 0) break;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  return text;
}

void read_kernel(const model::Site& site, Facts& facts) {
  read_settings(site, facts);
  if (auto netlink = route::Netlink::open()) {
    facts.nexthop_objects = knows<nhmsg>(*netlink, RTM_GETNEXTHOP);
    facts.policy_rules = knows<fib_rule_hdr>(*netlink, RTM_GETRULE);
  }
  read_routes(site, facts);
  if (auto watch = route::LinkWatch::open()) facts.circuits = fact(watch->look(site));
  facts.trial = try_tables();
}

Facts read_facts(const model::Site& site) {
  Facts facts;
  read_kernel(site, facts);
  read_networks(site, facts);
  read_programs(site, facts);
  read_host(site, facts);
  return facts;
}

}  // namespace linekeeper::admin::doctor
