#pragma once
// A host where all is well, to spoil one thing of.
#include <doctest/doctest.h>

#include <algorithm>

#include "config/loader.hpp"
#include "config_text.hpp"
#include "controller/admin/doctor/finding.hpp"

namespace linekeeper::admin::doctor::fixture {

inline model::Site site_of(const std::string& text) {
  auto loaded = config::parse(text, "/etc/linekeeper/linekeeper.toml");
  REQUIRE_MESSAGE(loaded.site.has_value(), config_text::told(text));
  return *loaded.site;
}

inline Facts well(const model::Site& site) {
  Facts f;
  const auto set = [&](const std::string& path, const std::string& value) { f.settings.insert_or_assign(path, value + "\n"); };
  for (const std::string i : {"all", "default", "wan0", "wan1"}) {
    set("net/ipv4/conf/" + i + "/rp_filter", i == "all" ? "2" : "0");
    for (const std::string name : {"arp_ignore", "arp_announce", "arp_filter"}) set("net/ipv4/conf/" + i + "/" + name, "0");
    set("net/ipv6/conf/" + i + "/accept_ra", "2");
    set("net/ipv6/conf/" + i + "/forwarding", "1");
    set("net/ipv6/conf/" + i + "/disable_ipv6", "0");
  }
  set("net/ipv4/ip_forward", "1");
  set("net/ipv4/ping_group_range", "0\t2147483647");
  set("net/ipv4/nexthop_compat_mode", "0");
  set("net/ipv4/fib_multipath_hash_policy", "1");
  set("net/netfilter/nf_conntrack_max", "1000");
  set("net/netfilter/nf_conntrack_count", "10");
  f.nexthop_objects = f.policy_rules = true;
  f.trial = Trial{};
  f.rules = std::vector<route::Rule>{
      {.priority = 0, .table = 255}, {.priority = 7000, .protocol = route::kRouteProtocol, .table = 254}, {.priority = 32766, .table = 254}};
  f.standing = route::KernelState{};
  f.standing->links = {{.ifindex = 2, .name = "wan0", .addresses = {{*model::IpAddress::parse("10.0.1.2"), 24}}},
                       {.ifindex = 3, .name = "wan1", .addresses = {{*model::IpAddress::parse("10.0.2.2"), 24}}}};
  f.circuits = std::vector<model::LinkState>{};
  for (std::size_t i = 0; i < site.circuits.size(); ++i)
    f.circuits->push_back({.circuit = model::id_at<model::CircuitId>(i),
                           .present = true,
                           .admin_up = true,
                           .carrier = true,
                           .ifindex = 2,
                           .address = model::IpAddress::parse("10.0.1.2"),
                           .gateway = model::IpAddress::parse("10.0.1.1")});
  f.networkd_running = true;
  f.networkd_files = {"[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"};
  f.systemd = true;
  f.units = {{"linekeeper.service", {true, true, true}}, {"linekeeper-switch.service", {true, true, true}}};
  f.accounts.insert_or_assign("linekeeper", Account{.uid = 990, .gid = 990, .groups = {990}});
  f.accounts.insert_or_assign("linekeeper-switch", Account{.uid = 991, .gid = 990, .groups = {990}});
  f.group = 990;
  f.entries.insert_or_assign("/etc/linekeeper/linekeeper.toml", Entry{.mode = 0640, .uid = 0, .gid = 990});
  f.entries.insert_or_assign("/run/linekeeper", Entry{.mode = 0755, .uid = 990, .gid = 990, .directory = true});
  f.entries.insert_or_assign("/var/lib/linekeeper", Entry{.mode = 0750, .uid = 990, .gid = 990, .directory = true});
  f.entries.insert_or_assign("/run/linekeeper-switch", Entry{.mode = 0750, .uid = 991, .gid = 990, .directory = true});
  f.entries.insert_or_assign("/run/kamailio/lk.sock", Entry{.mode = 0666, .uid = 1, .gid = 1, .socket = true});
  f.entries.insert_or_assign("/run/kamailio", Entry{.mode = 0755, .uid = 1, .gid = 1, .directory = true});
  for (const char* s : {"/run/linekeeper/control.sock", "/run/linekeeper-switch/switch.sock", "/run/kamailio/lk.sock"})
    f.sockets.insert_or_assign(s, true);
  f.clock_synchronised = true;
  f.disk = Disk{.free_bytes = 10ULL << 30, .journal_bytes = 0};
  f.open_files = 32768;
  f.port = Port::Ours;
  f.resolv_conf = "nameserver 192.0.2.53\n";
  return f;
}

/// The grade of one check; Ok where it said nothing.
inline Grade grade(const model::Site& site, const Facts& facts, std::string_view check, std::string_view about = {}) {
  Grade g = Grade::Ok;
  for (const Finding& f : judge(site, facts))
    if (f.check == check && (about.empty() || f.about == about)) {
      g = std::max(g, f.grade);
      if (f.grade == Grade::Ok) {
        CHECK(f.why.empty());
        CHECK(f.remedy.empty());
      } else {
        CHECK_FALSE(f.why.empty());
        CHECK((f.grade == Grade::Unknown || !f.remedy.empty()));
      }
    }
  return g;
}

/// What a spoiled host is called, in one check.
struct Host {
  model::Site site = site_of(config_text::kSound);
  Facts facts = well(site);
  void set(const std::string& path, const std::string& value) { facts.settings.insert_or_assign(path, value); }
  [[nodiscard]] Grade operator()(std::string_view check, std::string_view about = {}) const { return grade(site, facts, check, about); }
};

}  // namespace linekeeper::admin::doctor::fixture
