#include <doctest/doctest.h>

#include <set>
#include <string>

#include "controller/model/event.hpp"
#include "controller/model/plan.hpp"

using namespace linekeeper::model;

TEST_CASE("event ids: every one has its own name, of the form area.happening") {
  std::set<std::string_view> seen;
  for (int i = 0; i < kEventCount; ++i) {
    const auto name = to_string(static_cast<EventId>(i));
    CAPTURE(std::string(name));
    CHECK(!name.empty());
    CHECK(seen.insert(name).second);
  }
  CHECK(to_string(EventId::CircuitDown) == "circuit.down");
  CHECK(to_string(EventId::LoopStalled) == "loop.stalled");
  CHECK(severity(EventId::AllBad) == Severity::Alert);
}

TEST_CASE("guards: what is printed can be typed back") {
  for (int i = 0; i <= static_cast<int>(Guard::RateLimit); ++i) {
    const auto g = static_cast<Guard>(i);
    CHECK(guard_named(to_string(g)) == g);
  }
  CHECK_FALSE(guard_named("all").has_value());
}
