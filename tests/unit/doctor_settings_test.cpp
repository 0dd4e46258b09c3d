#include "doctor_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::admin::doctor;
using fixture::Host;

TEST_CASE("doctor: a host that has everything gets no finding but ok") {
  const Host host;
  for (const Finding& f : judge(host.site, host.facts)) CHECK_MESSAGE(f.grade == Grade::Ok, f.check << " " << f.about << ": " << f.found);
  CHECK(worst(judge(host.site, host.facts)) == Grade::Ok);
}

TEST_CASE("doctor: rp_filter is the larger of all and the interface, and only 1 is strict") {
  const struct {
    const char *all, *own;
    Grade grade;
  } table[] = {{"0", "0", Grade::Ok},      {"0", "1", Grade::Problem}, {"0", "2", Grade::Ok}, {"1", "0", Grade::Problem},
               {"1", "1", Grade::Problem}, {"1", "2", Grade::Ok},      {"2", "0", Grade::Ok}, {"2", "1", Grade::Ok}};
  for (const auto& row : table) {
    Host host;
    host.set("net/ipv4/conf/all/rp_filter", row.all);
    host.set("net/ipv4/conf/wan0/rp_filter", row.own);
    CHECK_MESSAGE(host("rp_filter", "wan0") == row.grade, row.all << " " << row.own);
  }
  Host later;
  later.set("net/ipv4/conf/all/rp_filter", "0");
  later.set("net/ipv4/conf/default/rp_filter", "1");
  CHECK(later("rp_filter", "default") == Grade::Warning);
  CHECK(later("rp_filter", "wan0") == Grade::Ok);
}

TEST_CASE("doctor: what cannot be read is unknown, and says whether privilege would help") {
  Host host;
  host.facts.settings.insert_or_assign("net/ipv4/conf/wan0/rp_filter", std::unexpected(Unread::NotAllowed));
  host.facts.trial = std::unexpected(Unread::NotAllowed);
  CHECK(host("rp_filter", "wan0") == Grade::Unknown);
  CHECK(host("nftables") == Grade::Unknown);
  for (const Finding& f : judge(host.site, host.facts))
    if (f.grade == Grade::Unknown) CHECK(f.remedy.find("root") != std::string::npos);
  host.facts = Facts{};
  CHECK(worst(judge(host.site, host.facts)) >= Grade::Unknown);  // nothing read: nothing is called well that was not seen
}

TEST_CASE("doctor: the group of the daemon must lie in ping_group_range, both ends included") {
  const struct {
    const char* range;
    Grade grade;
  } table[] = {{"991\t2000", Grade::Problem}, {"990\t2000", Grade::Ok}, {"0\t990", Grade::Ok}, {"0\t989", Grade::Problem}, {"1\t0", Grade::Problem}};
  for (const auto& row : table) {
    Host host;
    host.set("net/ipv4/ping_group_range", row.range);
    CHECK_MESSAGE(host("ping_group_range") == row.grade, row.range);
  }
}

TEST_CASE("doctor: the connection table warns from 70 % and is a problem from 90 %") {
  const struct {
    const char* count;
    Grade grade;
  } table[] = {{"699", Grade::Ok}, {"700", Grade::Warning}, {"899", Grade::Warning}, {"900", Grade::Problem}, {"1000", Grade::Problem}};
  for (const auto& row : table) {
    Host host;
    host.set("net/netfilter/nf_conntrack_count", row.count);
    CHECK_MESSAGE(host("nf_conntrack_max") == row.grade, row.count);
  }
}

TEST_CASE("doctor: forwarding matters where a class or a source is somebody else's") {
  Host host;
  host.set("net/ipv4/ip_forward", "0");
  CHECK(host("ip_forward") == Grade::Ok);
  host.site = fixture::site_of(config_text::after("name = \"voice\"", "match = { incoming_interface = \"lan0\" }"));
  CHECK(host("ip_forward") == Grade::Problem);
  host.site = fixture::site_of(config_text::after("name = \"voice\"", "match = { source = \"10.9.0.0/24\" }"));
  CHECK(host("ip_forward") == Grade::Problem);
  host.site = fixture::site_of(config_text::after("name = \"voice\"", "match = { source = \"10.0.1.2\" }"));
  CHECK(host("ip_forward") == Grade::Ok);
  host.set("net/ipv4/ip_forward", "1");
  host.site = fixture::site_of(config_text::after("name = \"voice\"", "match = { incoming_interface = \"lan0\" }"));
  CHECK(host("ip_forward") == Grade::Ok);
}

TEST_CASE("doctor: a host that forwards takes router advertisements with accept_ra 2 only, and one that does not with 1") {
  Host host;
  const model::Circuit v4 = host.site.circuits[0];
  model::Circuit v6 = v4;
  v6.name = "fiber-ipv6";
  v6.family = model::Family::V6;
  v6.targets.clear();
  host.site.circuits.push_back(v6);
  host.facts.circuits->push_back(host.facts.circuits->front());
  const auto with = [&](const char* ra, const char* forwarding) {
    host.set("net/ipv6/conf/wan0/accept_ra", ra);
    host.set("net/ipv6/conf/wan0/forwarding", forwarding);
    return host("accept_ra", "wan0");
  };
  host.facts.networkd_running = false;
  CHECK(with("2", "1") == Grade::Ok);
  CHECK(with("1", "1") == Grade::Problem);
  CHECK(with("1", "0") == Grade::Ok);
  CHECK(with("0", "0") == Grade::Problem);
  host.facts.networkd_running = true;  // reads them itself
  CHECK(with("0", "1") == Grade::Ok);
  CHECK(with("1", "1") == Grade::Problem);
  host.facts.circuits->back().gateway.reset();
  CHECK(with("0", "1") == Grade::Problem);
  host.set("net/ipv6/conf/wan0/disable_ipv6", "1");
  CHECK(host("disable_ipv6", "wan0") == Grade::Problem);
  host.site.circuits.back().gateway = model::IpAddress::parse("2001:db8::1");
  CHECK(with("0", "1") == Grade::Ok);  // nothing is to be learned
}

TEST_CASE("doctor: circuits in one subnet must not answer for each other") {
  Host host;
  CHECK(host("arp") == Grade::Ok);
  host.facts.standing->links[1].addresses[0] = {*model::IpAddress::parse("10.0.1.130"), 25};
  CHECK(host("arp", "wan0") == Grade::Problem);
  CHECK(host("arp", "wan1") == Grade::Problem);
  host.set("net/ipv4/conf/all/arp_ignore", "1");
  host.set("net/ipv4/conf/wan0/arp_announce", "1");
  CHECK(host("arp", "wan0") == Grade::Problem);
  host.set("net/ipv4/conf/wan0/arp_announce", "2");
  CHECK(host("arp", "wan0") == Grade::Ok);
  CHECK(host("arp", "wan1") == Grade::Problem);
}

TEST_CASE("doctor: nexthop settings") {
  Host host;
  host.set("net/ipv4/nexthop_compat_mode", "1");
  host.set("net/ipv4/fib_multipath_hash_policy", "0");
  CHECK(host("nexthop_compat_mode") == Grade::Warning);
  CHECK(host("fib_multipath_hash_policy") == Grade::Ok);  // nothing is shared
  host.site.classes.front().weights = {1, 1};
  CHECK(host("fib_multipath_hash_policy") == Grade::Warning);
  host.set("net/ipv4/fib_multipath_hash_policy", "1");
  host.set("net/ipv6/fib_multipath_hash_policy", "0");
  CHECK(host("fib_multipath_hash_policy") == Grade::Ok);
  CHECK(host("ipv6_multipath_hash_policy") == Grade::Ok);  // no such class
  host.site.classes.front().family = model::Family::V6;
  CHECK(host("ipv6_multipath_hash_policy") == Grade::Warning);
}

TEST_CASE("doctor: what the kernel has not, or refuses") {
  Host host;
  host.facts.nexthop_objects = std::unexpected(Unread::Absent);
  CHECK(host("nexthop_objects") == Grade::Problem);
  host.facts.trial = Trial{.marks = "Operation not supported", .translation = "No such file or directory", .connections = "Protocol not supported"};
  CHECK(host("nftables") == Grade::Problem);
  CHECK(host("conntrack_netlink") == Grade::Problem);
  CHECK(host("nat") == Grade::Ok);  // not configured
  host.site.circuits[0].nat.kind = model::Nat::Kind::Masquerade;
  CHECK(host("nat") == Grade::Problem);
  host.site.connections.keep = false;
  CHECK(host("nftables") == Grade::Ok);
}

TEST_CASE("doctor: a command for an interface with a dot in its name is one that sysctl understands") {
  Host host;
  host.site.circuits[0].gateway.reset();
  host.site.circuits[0].interface = "wan0.7";
  host.facts.standing->links.push_back({.ifindex = 9, .name = "wan0.7", .addresses = {{*model::IpAddress::parse("10.0.2.9"), 24}}});
  for (const char* name : {"arp_ignore", "arp_announce", "arp_filter"}) host.set(std::string("net/ipv4/conf/wan0.7/") + name, "0");
  const auto all = judge(host.site, host.facts);
  const auto found = std::ranges::find_if(all, [](const Finding& f) { return f.check == "arp" && f.about == "wan0.7"; });
  REQUIRE(found != all.end());
  CHECK(found->remedy.find("sysctl -w 'net/ipv4/conf/wan0.7/arp_ignore=1'") == 0);
}
