#include <doctest/doctest.h>

#include "controller/daemon/link_settling.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using daemon::kLinkSettles;
using daemon::LinkSettling;
using model::Instant;
using model::LinkState;

namespace {

model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

LinkState well() {
  return {.circuit = model::CircuitId{0},
          .present = true,
          .admin_up = true,
          .carrier = true,
          .ifindex = 3,
          .address = ip("100.64.1.2"),
          .gateway = ip("100.64.1.1")};
}

LinkState without_address() {
  LinkState s = well();
  s.address.reset();
  s.gateway.reset();
  return s;
}

constexpr Instant kBegin{100s};

}  // namespace

TEST_CASE("settling: an address that is gone for a moment is not told, one that stays away is told when it has lasted") {
  LinkSettling settling;
  CHECK(settling.hold(well(), without_address(), kBegin) == kBegin + kLinkSettles);
  CHECK(settling.hold(well(), without_address(), kBegin + kLinkSettles - 1ms) == kBegin + kLinkSettles);
  CHECK_FALSE(settling.hold(well(), without_address(), kBegin + kLinkSettles));
  CHECK_FALSE(settling.hold(well(), without_address(), kBegin + kLinkSettles + 1ms));
}

TEST_CASE("settling: the new address is told at once, and the next gap is measured from its own beginning") {
  LinkSettling settling;
  REQUIRE(settling.hold(well(), without_address(), kBegin));
  LinkState renewed = well();
  renewed.address = ip("100.65.1.2");
  CHECK_FALSE(settling.hold(well(), renewed, kBegin + 50ms));
  CHECK(settling.hold(renewed, without_address(), kBegin + kLinkSettles) == kBegin + 2 * kLinkSettles);
}

TEST_CASE("settling: an address whose gateway's route is still to come is one gap, not two") {
  LinkSettling settling;
  REQUIRE(settling.hold(well(), without_address(), kBegin));
  LinkState addressed = without_address();
  addressed.address = ip("100.65.1.2");
  CHECK(settling.hold(well(), addressed, kBegin + 50ms) == kBegin + kLinkSettles);
  CHECK_FALSE(settling.hold(well(), addressed, kBegin + kLinkSettles));
}

TEST_CASE("settling: a link that is down, without carrier or another one is told at once, with an address or without") {
  for (const auto spoil : {+[](LinkState& s) { s.present = false; }, +[](LinkState& s) { s.admin_up = false; },
                           +[](LinkState& s) { s.carrier = false; }, +[](LinkState& s) { s.ifindex = 4; }}) {
    LinkSettling settling;
    LinkState lost = without_address();
    spoil(lost);
    CHECK_FALSE(settling.hold(well(), lost, kBegin));
  }
}

TEST_CASE("settling: what was never usable, or is told already, is not held back") {
  LinkSettling settling;
  CHECK_FALSE(settling.hold(std::nullopt, without_address(), kBegin));
  CHECK_FALSE(settling.hold(without_address(), without_address(), kBegin));
  LinkState direct = without_address();  // PPPoE: the address is all it needs
  direct.address = ip("100.64.1.2");
  direct.direct = true;
  CHECK_FALSE(settling.hold(well(), direct, kBegin));
}
