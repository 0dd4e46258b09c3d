// What linekeeperd sees of its circuits' interfaces, against the real kernel.
#include <doctest/doctest.h>

#include "controller/switch/links.hpp"
#include "tests/unit/switch_fixture.hpp"
#include "tests/unit/switch_namespace.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

model::Site two_circuits() {
  model::Site s;
  s.circuits.resize(2);
  s.circuits[0].name = "fiber";
  s.circuits[0].interface = "wan0";
  s.circuits[1].name = "coax";
  s.circuits[1].interface = "wan1";
  return s;
}

}  // namespace

TEST_CASE("switch links: address, gateway, link and carrier are followed; a gateway learned is kept while its address stays") {
  LK_ENTER_SITE();
  const model::Site site = two_circuits();
  auto watch = LinkWatch::open().value();
  auto fiber = watch.look(site).value().at(0);
  CHECK(fiber.usable());
  CHECK(fiber.address == ip("10.0.1.2"));
  CHECK(fiber.gateway == ip("10.0.1.1"));
  CHECK_FALSE(watch.look(site).value().at(1).gateway);  // no default route over it anywhere
  CHECK_FALSE(watch.drain());

  // A DHCP client's own table counts, ours do not, main comes first.
  run("ip route add default via 10.0.2.9 dev wan1 table 7102");
  CHECK_FALSE(watch.look(site).value().at(1).gateway);
  run("ip route add default via 10.0.2.7 dev wan1 table 200");
  CHECK(watch.drain());
  CHECK(watch.look(site).value().at(1).gateway == ip("10.0.2.7"));
  run("ip route add default via 10.0.2.1 dev wan1 metric 500");
  CHECK(watch.look(site).value().at(1).gateway == ip("10.0.2.1"));

  run("ip route del default via 10.0.1.1");
  CHECK(watch.look(site).value().at(0).gateway == ip("10.0.1.1"));
  run("ip link set far0 down");
  CHECK(watch.drain());
  fiber = watch.look(site).value().at(0);
  CHECK(fiber.admin_up);
  CHECK_FALSE(fiber.carrier);
  CHECK(fiber.gateway == ip("10.0.1.1"));
  run("ip address del 10.0.1.2/24 dev wan0");
  CHECK(watch.drain());
  CHECK_FALSE(watch.look(site).value().at(0).gateway);
  run("ip link del wan0");
  CHECK_FALSE(watch.look(site).value().at(0).present);
}

TEST_CASE("switch links: a configured gateway wins, a multipath default is read leg by leg, routes of no interest wake nobody") {
  LK_ENTER_SITE();
  model::Site site = two_circuits();
  site.circuits[0].gateway = ip("10.0.1.99");
  run("ip route del default");
  run("ip route add default nexthop via 10.0.1.1 dev wan0 nexthop via 10.0.2.1 dev wan1");
  auto watch = LinkWatch::open().value();
  CHECK(watch.look(site).value().at(0).gateway == ip("10.0.1.99"));
  CHECK(watch.look(site).value().at(1).gateway == ip("10.0.2.1"));
  run("ip route add 10.50.0.0/16 via 10.0.1.1");
  run("ip nexthop add id 70101 via 10.0.1.1 dev wan0 protocol 178");
  run("ip route add default nhid 70101 protocol 178 table 7101");
  CHECK_FALSE(watch.drain());
  run("ip nexthop add id 5 via 10.0.1.1 dev wan0");
  CHECK(watch.drain());
}

}  // namespace linekeeper::route
