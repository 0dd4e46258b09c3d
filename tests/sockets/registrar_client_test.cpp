#include "carriers/registration/registrar_client.hpp"

#include <doctest/doctest.h>

#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using tests::run;
using tests::run_until;

TEST_CASE("registrar client: the circuit has a new address before anything can be sent from it: the contact is the new one as soon as that is over") {
  REQUIRE(run({"ip", "link", "add", "wan-r", "type", "veth", "peer", "name", "isp-r"}) == 0);
  for (const auto* end : {"wan-r", "isp-r"}) REQUIRE(run({"ip", "link", "set", end, "up"}) == 0);
  REQUIRE(run({"ip", "address", "add", "192.0.2.7/24", "dev", "wan-r"}) == 0);
  REQUIRE(run({"ip", "link", "set", "wan-r", "down"}) == 0);  // connect(2): network unreachable, as while the circuit's routes are changed
  boost::asio::io_context io;
  model::Carrier north;
  north.address = *model::IpAddress::parse("203.0.113.10");
  north.domain = "sip.north.example";
  north.registration = model::RegisterRule{.user = "site"};
  registration::RegistrarClient client(io.get_executor(), model::CarrierId{0}, north, model::CircuitId{0}, {.name = "fiber", .interface = "wan-r"},
                                       {}, 7, [](const model::RegistrationStatus&) {});
  client.start(10s);
  model::LinkState link{.circuit = model::CircuitId{0}, .present = true, .admin_up = true, .carrier = true};
  link.address = *model::IpAddress::parse("192.0.2.7");
  link.direct = true;
  REQUIRE(link.usable());
  client.on_link(link);
  CHECK_FALSE(run_until(io, [&] { return !client.status().contact.empty(); }, 600ms));
  REQUIRE(run({"ip", "link", "set", "wan-r", "up"}) == 0);
  CHECK(run_until(io, [&] { return client.status().contact == "sip:site@192.0.2.7"; }, 2s));
  client.stop();
  CHECK(run({"ip", "link", "delete", "wan-r"}) == 0);
}
