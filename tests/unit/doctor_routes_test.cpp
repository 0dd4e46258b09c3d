#include "doctor_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::admin::doctor;
using fixture::Host;

TEST_CASE("doctor: each thing an interface lacks is named") {
  const auto with = [](auto spoil) {
    Host host;
    spoil(host.facts.circuits->at(1));
    CHECK(host("circuit", "fiber") == Grade::Ok);
    return host("circuit", "coax");
  };
  CHECK(with([](model::LinkState&) {}) == Grade::Ok);
  CHECK(with([](model::LinkState& l) { l.present = false; }) == Grade::Problem);
  CHECK(with([](model::LinkState& l) { l.admin_up = false; }) == Grade::Problem);
  CHECK(with([](model::LinkState& l) { l.carrier = false; }) == Grade::Warning);
  CHECK(with([](model::LinkState& l) { l.address.reset(); }) == Grade::Problem);
  CHECK(with([](model::LinkState& l) { l.gateway.reset(); }) == Grade::Problem);
  CHECK(with([](model::LinkState& l) {
          l.gateway.reset();
          l.direct = true;
        }) == Grade::Ok);
}

TEST_CASE("doctor: rules of others before ours, and in 7000 to 7999") {
  const auto with = [](route::Rule r) {
    Host host;
    host.facts.rules->push_back(r);
    return host("rules");
  };
  CHECK(with({.priority = 6999, .table = 254}) == Grade::Problem);
  CHECK(with({.priority = 6999, .table = 254, .suppress_prefixlength = 0}) == Grade::Ok);
  CHECK(with({.priority = 6999, .table = 99, .mark = 1}) == Grade::Warning);
  CHECK(with({.priority = 1000, .table = 0, .other = true}) == Grade::Warning);
  CHECK(with({.priority = 7000, .table = 254, .mark = 1}) == Grade::Problem);
  CHECK(with({.priority = 7999, .table = 99}) == Grade::Problem);
  CHECK(with({.priority = 8000, .table = 99}) == Grade::Ok);
  CHECK(with({.priority = 7500, .protocol = route::kRouteProtocol, .table = 7200}) == Grade::Ok);
  Host blind;
  blind.facts.rules = std::unexpected(Unread::Failed);
  CHECK(blind("rules") == Grade::Unknown);
}

TEST_CASE("doctor: routes and nexthops of others among ours") {
  Host host;
  host.facts.standing->routes.push_back({.table = 7100, .protocol = route::kRouteProtocol});
  CHECK(host("tables") == Grade::Ok);
  host.facts.standing->routes.push_back({.table = 7100, .protocol = 16});
  CHECK(host("tables", "7100") == Grade::Problem);
  Host other;
  other.facts.standing->nexthops.push_back({.id = 70000, .protocol = 3});
  CHECK(other("tables", "nexthop 70000") == Grade::Problem);
}

TEST_CASE("doctor: systemd-networkd must be told twice, where it runs, and the last file counts") {
  const auto with = [](std::vector<std::string> files, bool running = true) {
    Host host;
    host.facts.networkd_files = std::move(files);
    host.facts.networkd_running = running;
    return host("systemd-networkd");
  };
  CHECK(with({}) == Grade::Problem);
  CHECK(with({}, false) == Grade::Ok);
  CHECK(with({"[Network]\nManageForeignRoutes=no\n"}) == Grade::Problem);
  CHECK(with({"[Network]\n ManageForeignRoutes = No\nManageForeignRoutingPolicyRules=off\n"}) == Grade::Ok);
  CHECK(with({"[DHCPv4]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"}) == Grade::Problem);
  CHECK(with({"[Network]\n#ManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n"}) == Grade::Problem);
  CHECK(with({"[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no", "[Network]\nManageForeignRoutes=yes"}) == Grade::Problem);
}

TEST_CASE("doctor: NetworkManager is told of where it manages a circuit's interface") {
  Host host;
  host.facts.nm_managed.insert_or_assign("wan0", true);
  CHECK(host("NetworkManager") == Grade::Ok);
  host.facts.network_manager_running = true;
  host.facts.nm_managed.insert_or_assign("wan1", std::unexpected(Unread::Absent));
  CHECK(host("NetworkManager", "wan0") == Grade::Warning);
  CHECK(host("NetworkManager", "wan1") == Grade::Ok);
  host.facts.nm_managed.insert_or_assign("wan1", std::unexpected(Unread::NotAllowed));
  CHECK(host("NetworkManager", "wan1") == Grade::Unknown);
}
