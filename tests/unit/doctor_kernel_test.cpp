// A bad host really made in a network namespace, found out, mended by the very commands of the remedy, and found no more.
#include <sched.h>

#include <chrono>

#include "controller/admin/doctor/read.hpp"
#include "doctor_fixture.hpp"
#include "switch_namespace.hpp"
#include "tests/support/own_namespace.hpp"

using namespace linekeeper;
using namespace linekeeper::admin::doctor;

namespace {

void set(const std::string& path, const std::string& value) {
  std::ofstream file("/proc/sys/" + path);
  file << value;
  file.flush();
  REQUIRE_MESSAGE(file.good(), path);
}

/// The first command of a finding's remedy, "sysctl -w 'a=b'".
std::string command(const std::vector<Finding>& all, std::string_view check, std::string_view about) {
  for (const Finding& f : all)
    if (f.check == check && (about.empty() || f.about == about) && f.grade != Grade::Ok) {
      std::string text = f.remedy.substr(0, f.remedy.find(';'));
      std::erase(text, '\'');
      return text;
    }
  return {};
}

template <class Body>
void in_site(Body body) {
  std::string why_not;
  tests::in_own_namespace([] { return ::unshare(CLONE_NEWNET) == 0; },
                          [&] {
                            why_not = route::fixture::enter_site();
                            if (why_not.empty())
                              body();
                            else
                              MESSAGE("SKIPPED: " << why_not);
                          });
}

}  // namespace

TEST_CASE("doctor: bad settings of a real kernel are found, and found no more after what the remedy says") {
  in_site([] {
    const model::Site site = fixture::site_of(config_text::after("name = \"voice\"", "match = { incoming_interface = \"lan0\" }"));
    set("net/ipv4/conf/all/rp_filter", "0");
    set("net/ipv4/conf/wan0/rp_filter", "1");
    set("net/ipv4/conf/wan1/rp_filter", "0");
    set("net/ipv4/ip_forward", "0");
    set("net/ipv4/nexthop_compat_mode", "1");
    const auto begun = std::chrono::steady_clock::now();
    const auto all = judge(site, read_facts(site));
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(1));
    const auto graded = [](const std::vector<Finding>& findings, std::string_view check, std::string_view about) {
      Grade g = Grade::Ok;
      for (const Finding& f : findings)
        if (f.check == check && f.about == about) g = std::max(g, f.grade);
      return g;
    };
    CHECK(graded(all, "rp_filter", "wan0") == Grade::Problem);
    CHECK(graded(all, "rp_filter", "wan1") == Grade::Ok);
    CHECK(graded(all, "ip_forward", "") == Grade::Problem);
    CHECK(graded(all, "nexthop_compat_mode", "") == Grade::Warning);
    CHECK(graded(all, "circuit", "fiber") == Grade::Ok);
    CHECK(graded(all, "circuit", "coax") == Grade::Problem);  // it has no default route, and none is configured
    for (const auto& [check, about] : {std::pair{"rp_filter", "wan0"}, {"ip_forward", ""}, {"nexthop_compat_mode", ""}})
      CHECK_MESSAGE(route::fixture::run(command(all, check, about)) == 0, command(all, check, about));
    REQUIRE(route::fixture::run("ip route add default via 10.0.2.1 dev wan1 metric 200") == 0);
    const auto mended = judge(site, read_facts(site));
    CHECK(graded(mended, "rp_filter", "wan0") == Grade::Ok);
    CHECK(graded(mended, "ip_forward", "") == Grade::Ok);
    CHECK(graded(mended, "nexthop_compat_mode", "") == Grade::Ok);
    CHECK(graded(mended, "circuit", "coax") == Grade::Ok);
  });
}

TEST_CASE("doctor: rules, routes and nexthops of others in a real kernel are found, and found no more once they are gone") {
  in_site([] {
    const model::Site site = fixture::site_of(config_text::kSound);
    const auto count = [&](std::string_view check) {
      const auto all = judge(site, read_facts(site));
      return std::ranges::count_if(all, [&](const Finding& f) { return f.check == check && f.grade == Grade::Problem; });
    };
    CHECK(count("rules") == 0);
    CHECK(count("tables") == 0);
    const std::string table = std::to_string(site.circuits[0].table);
    for (const std::string& made : {std::string("rule add pref 6000 lookup main"), std::string("-6 rule add pref 7400 lookup 99"),
                                    "route add 192.0.2.0/24 dev wan0 table " + table, std::string("nexthop add id 70123 dev wan0")})
      REQUIRE(route::fixture::run("ip " + made) == 0);
    CHECK(count("rules") == 2);
    CHECK(count("tables") == 2);
    for (const std::string_view check : {"rules", "rules", "tables", "tables"}) {
      const auto all = judge(site, read_facts(site));
      CHECK(route::fixture::run(command(all, check, "")) == 0);
    }
    CHECK(count("rules") == 0);
    CHECK(count("tables") == 0);
  });
}

TEST_CASE("doctor: the trial of nftables leaves nothing in the namespace that it was asked in") {
  in_site([] {
    const model::Site site = fixture::site_of(config_text::kSound);
    const Facts facts = read_facts(site);
    REQUIRE(facts.trial);
    CHECK(facts.trial->marks == "");
    CHECK(facts.trial->translation == "");
    CHECK(facts.trial->connections == "");
    CHECK(route::fixture::shown("nft list tables").find("linekeeper") == std::string::npos);
  });
}
