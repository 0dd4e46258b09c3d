#include "tests/sim/campaign.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace linekeeper::sim {
namespace {

using Clock = std::chrono::steady_clock;  // how long the simulator itself took; it decides about nothing in a run

constexpr std::uint64_t kAgainEach = 16;     // so often a run is made a second time, to see that it is the same
constexpr std::uint64_t kAheadAtMost = 512;  // runs that may wait to be told

/// Runs that are done and not told yet.
class Waiting {
 public:
  void put(std::uint64_t i, Told told) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return i < next_ + kAheadAtMost || over_; });
    done_.emplace(i, std::move(told));
    came_.notify_one();
  }
  Told take() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [&] { return done_.contains(next_); });
    Told told = std::move(done_.extract(next_).mapped());
    ++next_;
    room_.notify_all();
    return told;
  }
  void give_up() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_, room_;
  std::map<std::uint64_t, Told> done_;
  std::uint64_t next_ = 0;
  bool over_ = false;
};

}  // namespace

Told run_and_compare(std::uint64_t seed, std::optional<model::Duration> lasts, Planted bug, Telling telling) {
  const Script script = make_script(seed, lasts, bug);
  Told told{.seed = seed, .troubles = script.troubles.size(), .result = run(script, {.telling = telling})};
  Result& r = told.result;
  if (r.violation || (seed % kAgainEach != 0 && bug != Planted::DecideOnWallClock)) return told;
  // A daily window is meant by the wall clock: then it is only made again.
  const auto by_window = [](const auto& list) {
    return std::ranges::any_of(list, [](const auto& x) { return x.failback.mode == model::FailbackMode::Window; });
  };
  const Result again = run(script, {.wall_steps = by_window(script.site.classes) || by_window(script.site.trunks)});
  if (again.fingerprint != r.fingerprint || again.steps != r.steps)
    r.violation = Violation{"I16", "the run is another one when the wall clock is not stepped, or when it is made again", kBegin};
  return told;
}

void carry_out(const Campaign& c, const std::function<bool(const Told&)>& on_run) {
  const auto begun = Clock::now();
  const auto time_is_up = [&] { return c.seconds && std::chrono::duration<double>(Clock::now() - begun).count() >= *c.seconds; };
  const std::uint64_t wanted = c.seconds ? ~std::uint64_t{0} : c.runs;
  std::atomic<std::uint64_t> next = 0;
  std::atomic<bool> enough = false;
  if (c.jobs <= 1) {
    for (std::uint64_t i = 0; i < wanted && !time_is_up(); ++i)
      if (!on_run(run_and_compare(c.seed + i, c.lasts, c.bug, Telling::Silent))) return;
    return;
  }
  Waiting waiting;
  std::vector<std::jthread> workers;
  for (unsigned j = 0; j < c.jobs; ++j)
    workers.emplace_back([&] {
      while (!enough) {
        const std::uint64_t i = next++;
        if (i >= wanted) return;
        waiting.put(i, run_and_compare(c.seed + i, c.lasts, c.bug, Telling::Silent));
      }
    });
  for (std::uint64_t i = 0; i < wanted && !time_is_up(); ++i)
    if (!on_run(waiting.take())) break;
  enough = true;
  waiting.give_up();
}

}  // namespace linekeeper::sim
