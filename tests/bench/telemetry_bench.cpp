// What being watched costs: metrics and the status document of a typical site (4 circuits, 8 carriers) and of a large hub (64 and 256).
#include <benchmark/benchmark.h>

#include <boost/json.hpp>
#include <map>
#include <utility>

#include "controller/telemetry/metrics.hpp"
#include "controller/telemetry/status_json.hpp"
#include "tests/support/steady_site.hpp"

namespace {

using namespace linekeeper;
using tests::SteadySite;

/// Made once: a large hub takes its time to come to rest, and the library asks several times.
const model::Status& status_of(const benchmark::State& state) {
  static std::map<std::pair<std::int64_t, std::int64_t>, model::Status> made;
  const auto [at, fresh] = made.try_emplace({state.range(0), state.range(1)});
  if (fresh) {
    SteadySite site(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
    site.decider().fill(at->second, site.now());
  }
  return at->second;
}

void metrics_update(benchmark::State& state) {
  const model::Status& s = status_of(state);
  telemetry::Metrics metrics(*s.site, telemetry::build_info());
  for (auto _ : state) metrics.update(s);
}
BENCHMARK(metrics_update)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256});

void metrics_scrape(benchmark::State& state) {
  const model::Status& s = status_of(state);
  telemetry::Metrics metrics(*s.site, telemetry::build_info());
  metrics.update(s);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = metrics.serialize().size();
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(metrics_scrape)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256})->Unit(benchmark::kMillisecond);

void metrics_probe(benchmark::State& state) {
  const model::Status& s = status_of(state);
  telemetry::Metrics metrics(*s.site, telemetry::build_info());
  std::uint64_t sequence = 0;
  for (auto _ : state) {
    metrics.observe(model::ProbeSent{.sequence = ++sequence, .sent = s.now});
    metrics.observe(model::ProbeReply{.sequence = sequence, .rtt = std::chrono::milliseconds(12)});
  }
  state.SetItemsProcessed(2 * static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(metrics_probe)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256});

void status_document(benchmark::State& state) {
  const model::Status& s = status_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(boost::json::serialize(telemetry::status_json(s)));
}
BENCHMARK(status_document)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256})->Unit(benchmark::kMillisecond);

}  // namespace
