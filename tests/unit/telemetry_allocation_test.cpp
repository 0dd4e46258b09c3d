// Counts what the whole program allocates: the probe path runs thousands of times a second on a large site.
#include <doctest/doctest.h>

#include "controller/telemetry/metrics.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/sample_status.hpp"

TEST_CASE("metrics: the probe path allocates nothing, but for a path's first answer with a new SIP code") {
  using namespace linekeeper;
  telemetry::Metrics metrics(support::sample_site(), telemetry::build_info());
  const model::SipOutcome outcome{.result = model::SipResult::Final, .code = 486, .rtt = std::chrono::milliseconds(31)};
  const auto before_code = tests::allocations;
  metrics.observe(outcome);
  CHECK(tests::allocations > before_code);
  const auto before = tests::allocations;
  for (std::uint64_t i = 1; i <= 1000; ++i) {
    metrics.observe(model::ProbeSent{.sequence = i, .sent = model::Instant{std::chrono::milliseconds(200 * i)}});
    metrics.observe(model::ProbeReply{.sequence = i, .rtt = std::chrono::milliseconds(12)});
    metrics.observe(model::ProbeRejected{.sequence = i, .error = 113});
    metrics.observe(model::ProbeLocalError{.error = 105});
    metrics.observe(outcome);
  }
  CHECK(tests::allocations == before);
}
