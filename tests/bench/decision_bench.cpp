// What deciding costs when nothing is wrong, which is nearly always: a typical site (4 circuits, 8 carriers) and a large hub (64 and 256).
#include <benchmark/benchmark.h>

#include "tests/support/allocations.hpp"
#include "tests/support/steady_site.hpp"

namespace {

using linekeeper::tests::SteadySite;

void probe(benchmark::State& state) {
  SteadySite site(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  const auto before = linekeeper::tests::allocations;
  for (auto _ : state) site.probe();
  state.SetItemsProcessed(2 * static_cast<std::int64_t>(state.iterations()));  // sent and answered
  state.counters["allocations"] = static_cast<double>(linekeeper::tests::allocations - before);
}
BENCHMARK(probe)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256});

void options(benchmark::State& state) {
  const auto circuits = static_cast<std::size_t>(state.range(0)), carriers = static_cast<std::size_t>(state.range(1));
  SteadySite site(circuits, carriers);
  std::size_t turn = 0;
  for (auto _ : state) {
    site.options(turn % carriers, turn / carriers % circuits);
    ++turn;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(options)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256});

void status(benchmark::State& state) {
  SteadySite site(static_cast<std::size_t>(state.range(0)), static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    linekeeper::model::Status s;
    site.decider().fill(s, site.now());
    benchmark::DoNotOptimize(s);
  }
}
BENCHMARK(status)->ArgNames({"circuits", "carriers"})->Args({4, 8})->Args({64, 256});

}  // namespace

BENCHMARK_MAIN();
