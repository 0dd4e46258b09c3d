#pragma once
// The switch as tests of connections in progress use it: it writes into the kernel of this namespace, remembers in a folder of its own, and
// its clock is the test's.
#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "controller/switch/conntrack.hpp"
#include "controller/switch/flow_marks.hpp"
#include "controller/switch/route_switch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/flow_site.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route::fixture {

inline constexpr std::uint32_t kMask = 0x00ff0000;

struct FlowSwitchUnderTest {
  Beside world, lan;
  std::string why_not;  ///< what this kernel lacks; empty: nothing
  tests::TempDir folder;
  std::optional<RouteSwitch> route_switch;
  std::uint64_t generation = 0;
  model::Instant now{};

  FlowSwitchUnderTest() : why_not(enter_world(world, lan)) {}
  FlowSwitchUnderTest(const FlowSwitchUnderTest&) = delete;
  FlowSwitchUnderTest& operator=(const FlowSwitchUnderTest&) = delete;

  void restart() { route_switch = std::move(RouteSwitch::adopt(Kernel::open().value(), MemoryFile(folder / "state")).value()); }
  /// An hour after the plan before it.
  void apply(const Desired& d) {
    using namespace std::chrono_literals;
    now += 1h;
    const Reply r = route_switch->apply(plan(++generation, d), now);
    INFO(encode(r));
    REQUIRE(std::holds_alternative<Applied>(r));
  }
  /// What is told of connections at this instant.
  Flows tend() { return route_switch->tend(now).value_or(Flows{}); }
  [[nodiscard]] static std::uint64_t marked(std::uint32_t circuit, model::Family family = model::Family::V4) {
    const FlowMarks marks(kMask);
    return Conntrack::open().value().find(family, marks.value(circuit), marks.circuit_mask(), 0).value().count;
  }
};

}  // namespace linekeeper::route::fixture

/// A site of that kind, or the end of the test where the kernel cannot have one.
#define LK_FLOWS(Kind, name)                            \
  LK_ENTER_SITE();                                      \
  Kind name;                                            \
  if (!(name).why_not.empty()) {                        \
    std::cout << "SKIPPED: " << (name).why_not << "\n"; \
    return;                                             \
  }
