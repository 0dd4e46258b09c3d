// sim: years of trouble in minutes. See README.md for what it models, what it checks and within which bounds.
//   sim --runs N [--seed S] [--minutes M]    runs of the seeds S, S+1, ...
//   sim --seed S --trace                     one run, its story line by line
//   sim --planted                            bugs put in on purpose, and how soon each is seen
//   sim --seconds T                          as many runs as fit into T seconds
// Exit: 0 nothing broke, 1 something did, 2 wrong usage.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/run.hpp"

namespace {

using namespace linekeeper;
using namespace linekeeper::sim;
using Clock = std::chrono::steady_clock;  // how long the simulator itself took; it decides about nothing in a run

struct Wish {
  std::uint64_t seed = 1, runs = 100;
  std::optional<model::Duration> lasts;
  std::optional<double> seconds;
  bool trace = false, planted = false;
  Planted bug = Planted::None;
};

constexpr std::uint64_t kAgainEach = 16;  // so often a run is made a second time, to see that it is the same

[[noreturn]] void usage(std::string_view why) {
  fmt::print(stderr, "sim: {}\nusage: sim [--runs N | --seconds T] [--seed S] [--minutes M] [--trace] [--plant NAME] | sim --planted\n", why);
  std::exit(2);
}

Wish wish_of(int argc, char** argv) {
  Wish w;
  const std::vector<std::string> args(argv + 1, argv + argc);
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto number = [&]() -> std::uint64_t {
      if (i + 1 >= args.size()) usage(args[i] + " needs a number");
      char* end = nullptr;
      const std::string& text = args[++i];
      const auto n = std::strtoull(text.c_str(), &end, 10);
      if (text.empty() || *end != '\0' || text[0] == '-') usage(text + " is no number");
      return n;
    };
    if (args[i] == "--runs")
      w.runs = number();
    else if (args[i] == "--seed")
      w.seed = number();
    else if (args[i] == "--minutes")
      w.lasts = std::chrono::minutes(number());
    else if (args[i] == "--seconds")
      w.seconds = static_cast<double>(number());
    else if (args[i] == "--trace")
      w.trace = true;
    else if (args[i] == "--planted")
      w.planted = true;
    else if (args[i] == "--plant" && i + 1 < args.size()) {
      ++i;
      for (const PlantedBug& b : planted_bugs())
        if (b.name == args[i]) w.bug = b.bug;
      if (w.bug == Planted::None) usage(args[i] + " is no planted bug");
    } else
      usage(args[i] + " is unknown");
  }
  return w;
}

/// A run, and now and then the same run again with a wall clock that nobody steps: nothing may be different.
Result run_and_compare(const Wish& wish, std::uint64_t seed) {
  Result r = run({.seed = seed, .lasts = wish.lasts, .bug = wish.bug, .aloud = wish.trace});
  if (r.violation || (seed % kAgainEach != 0 && wish.bug != Planted::DecideOnWallClock)) return r;
  const Result again = run({.seed = seed, .lasts = wish.lasts, .bug = wish.bug, .wall_steps = false});
  if (again.fingerprint != r.fingerprint || again.steps != r.steps)
    r.violation = Violation{"I16", "the run is another one when the wall clock is not stepped, or when it is made again", {}};
  return r;
}

int simulate(const Wish& wish) {
  const auto begun = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  std::uint64_t runs = 0, steps = 0, faults = 0;
  int broken = 0;
  double hours = 0;
  for (std::uint64_t i = 0; wish.seconds ? elapsed() < *wish.seconds : i < wish.runs; ++i) {
    const Result r = run_and_compare(wish, wish.seed + i);
    ++runs;
    steps += r.steps;
    faults += static_cast<std::uint64_t>(r.faults);
    hours += model::seconds(r.lasted) / 3600;
    if (!r.violation) continue;
    ++broken;
    if (broken <= 20)
      fmt::print("seed {}: {} broken after {:.1f} s: {}\n", wish.seed + i, r.violation->invariant,
                 model::seconds(r.violation->at.time_since_epoch()) - 1000, r.violation->sentence);
  }
  fmt::print("{} runs, {} faults, {:.4f} years of virtual time, {} steps, {:.0f} steps/s, {} violations\n", runs, faults, hours / (24 * 365.25),
             steps, static_cast<double>(steps) / elapsed(), broken);
  return broken == 0 ? 0 : 1;
}

int show_planted(const Wish& wish) {
  bool all = true;
  fmt::print("| planted bug | what it does | seen by | in run | of at most |\n|---|---|---|---|---|\n");
  for (const PlantedBug& bug : planted_bugs()) {
    Wish one = wish;
    one.bug = bug.bug;
    std::string seen = "NOTHING", in = "-";
    for (int i = 0; i < bug.budget && in == "-"; ++i) {
      const Result r = run_and_compare(one, wish.seed + static_cast<std::uint64_t>(i));
      if (!r.violation) continue;
      seen = r.violation->invariant;
      in = std::to_string(i + 1);
    }
    all = all && in != "-";
    fmt::print("| {} | {} | {} | {} | {} |\n", bug.name, bug.does, seen, in, bug.budget);
    std::fflush(stdout);
  }
  return all ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Wish wish = wish_of(argc, argv);
  if (wish.planted) return show_planted(wish);
  if (wish.trace) wish.runs = 1;
  return simulate(wish);
}
