// The last good answer of a name, kept over restarts as a line of text.
#include <doctest/doctest.h>

#include "carriers/locate/directory.hpp"
#include "carriers/locate/kept_places.hpp"

using namespace linekeeper;
using namespace linekeeper::locate;
using namespace std::chrono_literals;
using model::SipTransport;

namespace {

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

KeptPlaces two() {
  return {.endpoints = {{.at = {.address = ip("198.51.100.10"), .port = 5060}, .priority = 10, .weight = 65535, .name = "a.north.example"},
                        {.at = {.address = ip("2001:db8::7"), .port = 65535, .transport = SipTransport::Tls}, .name = "b.north.example"}},
          .answered = model::WallTime(1'700'000'000'123ms)};
}

std::string many(std::size_t n) {
  KeptPlaces places = two();
  places.endpoints.assign(n, places.endpoints.front());
  return to_text(places);
}

}  // namespace

TEST_CASE("kept places: what is written is read back") {
  const auto back = places_from_text(to_text(two()));
  REQUIRE(back);
  CHECK(back->endpoints == two().endpoints);
  CHECK(back->answered == two().answered);
}

TEST_CASE("kept places: sixteen are read, seventeen and none are not") {
  CHECK(places_from_text(many(16)));
  CHECK_FALSE(places_from_text(many(17)));
  CHECK_FALSE(places_from_text(many(0)));
}

TEST_CASE("kept places: one mistake anywhere spoils the whole") {
  for (const char* text :
       {"", "places 2 1 udp 198.51.100.10 5060 0 0 a", "places 1", "places 1 x udp 198.51.100.10 5060 0 0 a",
        "places 1 1 sctp 198.51.100.10 5060 0 0 a", "places 1 1 udp 198.51.100.256 5060 0 0 a", "places 1 1 udp 198.51.100.10 0 0 0 a",
        "places 1 1 udp 198.51.100.10 65536 0 0 a", "places 1 1 udp 198.51.100.10 5060 0 65536 a", "places 1 1 udp 198.51.100.10 5060 0 0 ",
        "places 1 1 udp 198.51.100.10 5060 0 0", "places 1 1 udp 198.51.100.10 5060 0 0 a ", "places 1 1  udp 198.51.100.10 5060 0 0 a",
        "places 1 99999999999999999999 udp 198.51.100.10 5060 0 0 a"}) {
    INFO(text);
    CHECK_FALSE(places_from_text(text));
  }
  const std::string whole = to_text(two());
  for (std::size_t n = 0; n < whole.size(); ++n)
    if (const auto part = places_from_text(whole.substr(0, n))) CHECK(part->endpoints.size() <= 2);
}

TEST_CASE("kept places: what the configuration of now does not allow is left out") {
  model::Carrier carrier;
  carrier.host = "north.example";
  CHECK(allowed(two().endpoints, carrier, model::Family::V4).size() == 1);
  CHECK(allowed(two().endpoints, carrier, model::Family::V6).size() == 1);
  carrier.pinned = {*model::Prefix::parse("198.51.100.0/28")};
  CHECK(allowed(two().endpoints, carrier, model::Family::V4).size() == 1);
  carrier.pinned = {*model::Prefix::parse("198.51.100.0/29")};
  CHECK(allowed(two().endpoints, carrier, model::Family::V4).empty());
  carrier.pinned.clear();
  carrier.transport_given = true;
  carrier.transport = SipTransport::Tcp;
  CHECK(allowed(two().endpoints, carrier, model::Family::V4).empty());
}

TEST_CASE("kept places: they are held until a lookup says better, and a lookup that fails leaves them") {
  Directory directory{model::CarrierId{}, model::CircuitId{}};
  const model::Instant now{1000s};
  directory.recall(two().endpoints, now - 90s);
  CHECK(directory.held().endpoints == two().endpoints);
  CHECK(directory.held().lookup == model::Lookup::Unanswered);
  directory.on({.what = Found::What::Unanswered, .endpoints = {}, .refused = {}, .unanswered = {}, .why = "SERVFAIL"}, now);
  CHECK(directory.held().endpoints == two().endpoints);
  CHECK(directory.held().answered == now - 90s);
  directory.on({.what = Found::What::Endpoints, .endpoints = {two().endpoints.front()}, .refused = {}, .unanswered = {}, .ttl = 60s, .why = {}}, now);
  CHECK(directory.held().endpoints.size() == 1);
  CHECK(directory.held().answered == now);
}
