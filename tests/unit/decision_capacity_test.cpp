#include <doctest/doctest.h>

#include "controller/decision/capacity.hpp"

using namespace linekeeper;
using decision::load_of;
using decision::Shortfall;
using decision::shortfall_of;
using doctest::Approx;
using model::Codec;
using model::kbps_each_way;

TEST_CASE("capacity: what a call takes each way, by codec") {
  CHECK(kbps_each_way(Codec::G711) == Approx(87.2));
  CHECK(kbps_each_way(Codec::G711NoPlc) == Approx(87.2));
  CHECK(kbps_each_way(Codec::None) == Approx(87.2));
  CHECK(kbps_each_way(Codec::G729A) == Approx(31.2));
  CHECK(kbps_each_way(Codec::Opus) == Approx(40.0));
}

TEST_CASE("capacity: the measured load goes before the declared busy hour, and neither is no load at all") {
  model::Trunk trunk;
  CHECK_FALSE(load_of(trunk, std::nullopt).has_value());
  trunk.busy_hour_calls = 40;
  CHECK(load_of(trunk, std::nullopt) == decision::Load{40, 0});
  trunk.busy_hour_calls_per_second = 2.5;
  CHECK(load_of(trunk, std::nullopt) == decision::Load{40, 2.5});
  CHECK(load_of(trunk, model::TrunkLoad{.calls = 3, .calls_per_second = 0.1}) == decision::Load{3, 0.1});
}

TEST_CASE("capacity: as many calls as the contract allows fit, one more does not") {
  model::Carrier carrier;
  carrier.channels = 30;
  const auto lacks = [&](int calls) { return shortfall_of({.calls = calls}, {}, carrier, nullptr, Codec::G711, false); };
  CHECK_FALSE(lacks(29).has_value());
  CHECK_FALSE(lacks(30).has_value());
  CHECK(lacks(31) == Shortfall{Shortfall::Of::Channels, 31, 30});
}

TEST_CASE("capacity: attempts a second likewise") {
  model::Carrier carrier;
  carrier.calls_per_second = 5;
  const auto lacks = [&](double cps) { return shortfall_of({.calls_per_second = cps}, {}, carrier, nullptr, Codec::G711, false).has_value(); };
  CHECK_FALSE(lacks(4.9));
  CHECK_FALSE(lacks(5));
  CHECK(lacks(5.1));
}

TEST_CASE("capacity: the circuit must carry every call each way") {
  const model::Carrier carrier;
  model::Circuit circuit;
  circuit.bandwidth_kbps = 10 * 87.2;
  const auto lacks = [&](int calls, Codec codec) { return shortfall_of({.calls = calls}, {}, carrier, &circuit, codec, false); };
  CHECK_FALSE(lacks(9, Codec::G711).has_value());
  CHECK_FALSE(lacks(10, Codec::G711).has_value());
  REQUIRE(lacks(11, Codec::G711).has_value());
  CHECK(lacks(11, Codec::G711)->of == Shortfall::Of::Bandwidth);
  CHECK(lacks(11, Codec::G711)->needed == Approx(959.2));
  CHECK_FALSE(lacks(11, Codec::G729A).has_value());
  CHECK_FALSE(shortfall_of({.calls = 1000}, {}, carrier, nullptr, Codec::G711, false).has_value());
}

TEST_CASE("capacity: what was too small once is big enough again only with a tenth to spare") {
  model::Carrier carrier;
  carrier.channels = 30;
  const auto lacks = [&](int calls) { return shortfall_of({.calls = calls}, {}, carrier, nullptr, Codec::G711, true).has_value(); };
  CHECK(lacks(28));
  CHECK_FALSE(lacks(27));
  CHECK_FALSE(lacks(26));
}

TEST_CASE("capacity: what other trunks take of the same contract and the same circuit is added, each by its own codec") {
  model::Site site;
  site.carriers.resize(2);
  site.circuits.resize(2);
  site.carriers[0].channels = 30;
  site.carriers[0].calls_per_second = 5;
  site.circuits[0].bandwidth_kbps = 30 * 87.2 + 10 * 31.2;
  const model::CarrierId north{0}, south{1};
  const model::CircuitId fiber{0}, coax{1};
  decision::Claims claims;
  claims.reset(site);
  claims.claim({.calls = 20, .calls_per_second = 3}, north, fiber, Codec::G711);
  claims.claim({.calls = 10, .calls_per_second = 1}, south, fiber, Codec::G729A);
  const auto lacks = [&](const decision::Load& load, model::CarrierId carrier, model::CircuitId via) {
    return shortfall_of(load, claims.taken(carrier, via), site.carriers[carrier.index()], &site.circuits[via.index()], Codec::G711, false);
  };
  CHECK_FALSE(lacks({.calls = 9}, north, coax).has_value());
  CHECK_FALSE(lacks({.calls = 10}, north, coax).has_value());
  CHECK(lacks({.calls = 11}, north, coax) == Shortfall{Shortfall::Of::Channels, 31, 30, 20});
  CHECK_FALSE(lacks({.calls_per_second = 2}, north, coax).has_value());
  CHECK(lacks({.calls_per_second = 2.5}, north, coax) == Shortfall{Shortfall::Of::CallsPerSecond, 5.5, 5, 3});
  CHECK_FALSE(lacks({.calls = 9}, south, fiber).has_value());
  CHECK_FALSE(lacks({.calls = 10}, south, fiber).has_value());
  REQUIRE(lacks({.calls = 11}, south, fiber).has_value());
  CHECK(lacks({.calls = 11}, south, fiber)->of == Shortfall::Of::Bandwidth);
  CHECK(lacks({.calls = 11}, south, fiber)->by_others == Approx(20 * 87.2 + 10 * 31.2));
  CHECK_FALSE(lacks({.calls = 1000}, south, coax).has_value());
  claims.reset(site);
  CHECK_FALSE(lacks({.calls = 30}, north, fiber).has_value());
}
