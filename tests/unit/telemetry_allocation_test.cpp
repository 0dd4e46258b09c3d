// Counts what the whole program allocates: the probe path runs thousands of times a second on a large site.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "controller/telemetry/metrics.hpp"
#include "tests/support/sample_status.hpp"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("metrics: the probe path allocates nothing, but for a path's first answer with a new SIP code") {
  using namespace linekeeper;
  telemetry::Metrics metrics(support::sample_site(), telemetry::build_info());
  const model::SipOutcome outcome{.result = model::SipResult::Final, .code = 486, .rtt = std::chrono::milliseconds(31)};
  const std::size_t before_code = allocations;
  metrics.observe(outcome);
  CHECK(allocations > before_code);
  const std::size_t before = allocations;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    metrics.observe(model::ProbeSent{.sequence = i, .sent = model::Instant{std::chrono::milliseconds(200 * i)}});
    metrics.observe(model::ProbeReply{.sequence = i, .rtt = std::chrono::milliseconds(12)});
    metrics.observe(model::ProbeRejected{.sequence = i, .error = 113});
    metrics.observe(model::ProbeLocalError{.error = 105});
    metrics.observe(outcome);
  }
  CHECK(allocations == before);
}
