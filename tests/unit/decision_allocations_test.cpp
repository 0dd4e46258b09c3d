// The way of a probe that changes nothing asks for no memory, whatever the size of the site.
#include <doctest/doctest.h>

#include "tests/support/allocations.hpp"
#include "tests/support/steady_site.hpp"

using namespace linekeeper;

TEST_CASE("decision: ten thousand probes on which nothing changes allocate nothing, on a typical site and on a hub") {
  for (const auto& [circuits, carriers] : {std::pair<std::size_t, std::size_t>{4, 8}, {64, 256}}) {
    tests::SteadySite site(circuits, carriers);
    const auto events = site.events();
    const auto before = tests::allocations;
    for (int i = 0; i < 10000; ++i) site.probe();
    CHECK(tests::allocations == before);
    CHECK(site.events() == events);
  }
}
