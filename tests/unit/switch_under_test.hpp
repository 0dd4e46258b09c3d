#pragma once
// The switch as its program has it, on the kernel of this namespace, with its memory in a folder of its own.
#include <doctest/doctest.h>

#include "controller/switch/route_switch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route::fixture {

struct SwitchUnderTest {
  tests::TempDir folder;
  RouteSwitch route_switch;
  std::uint64_t generation = 0;
  model::Instant now{};

  SwitchUnderTest() : route_switch(adopted(folder)) {}
  static RouteSwitch adopted(const tests::TempDir& in) {
    return std::move(RouteSwitch::adopt(Kernel::open().value(), MemoryFile(in / "state")).value());
  }
  void restart() { route_switch = adopted(folder); }

  Reply send(const Desired& d) {
    now += std::chrono::hours(1);  // so that the limit on moves is not what is tested
    return route_switch.apply(plan(++generation, d), now);
  }
  std::vector<std::string> applied(const Desired& d) {
    const Reply r = send(d);
    INFO(encode(r));
    REQUIRE(std::holds_alternative<Applied>(r));
    return std::get<Applied>(r).changes;
  }
  std::string where(std::size_t index) {
    const Reply r = route_switch.hello();
    return std::get<StateReply>(r).classes.at(index).circuit;
  }
};

}  // namespace linekeeper::route::fixture
