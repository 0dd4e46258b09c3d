// sim: years of trouble in minutes. See README.md for what it models, what it checks and within which bounds.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/sim/campaign.hpp"
#include "tests/sim/scenario_reader.hpp"
#include "tests/sim/scenario_text.hpp"
#include "tests/sim/scenario_writer.hpp"

namespace {

using namespace linekeeper;
using namespace linekeeper::sim;
using Clock = std::chrono::steady_clock;  // how long the simulator itself took; it decides about nothing in a run

constexpr std::string_view kUsage = R"(usage: sim [--runs N | --seconds T] [--seed S] [--jobs N] [--minutes M] [--plant BUG]
       sim --seed S --trace [--plant BUG]             one run, its story line by line
       sim --seed S --write-scenario FILE             that run as a scenario file, which does the same when it is run
       sim --planted [--jobs N]                       bugs put in on purpose, and how soon each is seen
       sim --scenario FILE... [--trace]               runs scenario files and holds them against what they say
       sim --check-files [--runs N] [--seed S]        writes runs as files, reads them again: must be the same runs
Exit: 0 nothing broke, 1 something did, 2 wrong usage.
)";

struct Wish {
  Campaign campaign;
  bool trace = false, planted = false, check_files = false;
  std::string write;
  std::vector<std::string> scenarios;
};

[[noreturn]] void usage(std::string_view why) {
  fmt::print(stderr, "sim: {}\n{}", why, kUsage);
  std::exit(2);
}

/// The words of the command line, one after the other.
class Arguments {
 public:
  Arguments(int argc, char** argv) : words_(argv + 1, argv + argc) {}
  [[nodiscard]] bool more() const { return at_ < words_.size(); }
  [[nodiscard]] bool value_follows() const { return more() && !words_[at_].starts_with("--"); }
  const std::string& next() { return words_[at_++]; }
  const std::string& value(const std::string& of) {
    if (!value_follows()) usage(of + " needs a value");
    return next();
  }
  std::uint64_t number(const std::string& of) {
    const auto n = whole_of(value(of));
    if (!n || *n < 0) usage(fmt::format("{} needs a whole number", of));
    return static_cast<std::uint64_t>(*n);
  }

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

Planted bug_named(const std::string& name) {
  for (const PlantedBug& b : planted_bugs())
    if (b.name == name) return b.bug;
  usage(name + " is no planted bug");
}

Wish wish_of(int argc, char** argv) {
  Wish w;
  Campaign& c = w.campaign;
  c.jobs = std::max(1U, std::thread::hardware_concurrency());
  Arguments args(argc, argv);
  while (args.more()) {
    const std::string what = args.next();
    if (what == "--runs")
      c.runs = args.number(what);
    else if (what == "--seed")
      c.seed = args.number(what);
    else if (what == "--jobs")
      c.jobs = static_cast<unsigned>(std::clamp<std::uint64_t>(args.number(what), 1, 256));
    else if (what == "--minutes")
      c.lasts = std::chrono::minutes(std::clamp<std::uint64_t>(args.number(what), 1, 100'000));
    else if (what == "--seconds")
      c.seconds = static_cast<double>(args.number(what));
    else if (what == "--trace")
      w.trace = true;
    else if (what == "--planted")
      w.planted = true;
    else if (what == "--check-files")
      w.check_files = true;
    else if (what == "--plant")
      c.bug = bug_named(args.value(what));
    else if (what == "--write-scenario")
      w.write = args.value(what);
    else if (what == "--scenario")
      do w.scenarios.push_back(args.value(what));
      while (args.value_follows());
    else if (what == "--help") {
      fmt::print("{}", kUsage);
      std::exit(0);
    } else
      usage(what + " is unknown");
  }
  return w;
}

double since_begin(model::Instant at) { return model::seconds(at - kBegin); }

int simulate(const Wish& wish) {
  constexpr std::size_t kShown = 20, kSeedsShown = 8;
  const auto begun = Clock::now();
  std::uint64_t runs = 0, steps = 0, troubles = 0;
  std::size_t broken = 0;
  double hours = 0;
  std::map<std::string, std::vector<std::uint64_t>> by_kind;
  Tally sum;
  carry_out(wish.campaign, [&](const Told& told) {
    ++runs;
    steps += told.result.steps;
    troubles += told.troubles;
    hours += model::seconds(told.result.lasted) / 3600;
    sum.add(told.result.tally);
    if (const auto& v = told.result.violation) {
      by_kind[v->invariant].push_back(told.seed);
      if (++broken <= kShown) fmt::print("seed {}: {} broken after {:.1f} s: {}\n", told.seed, v->invariant, since_begin(v->at), v->sentence);
      std::fflush(stdout);
    }
    return true;
  });
  const double took = std::chrono::duration<double>(Clock::now() - begun).count();
  fmt::print("{} runs, {} troubles, {:.4f} years of virtual time, {} steps, {:.0f} steps/s, {:.2f} ms a run, {} violations\n", runs, troubles,
             hours / (24 * 365.25), steps, static_cast<double>(steps) / took, 1000 * took / static_cast<double>(std::max<std::uint64_t>(runs, 1)),
             broken);
  for (const auto& [kind, seeds] : by_kind) {
    fmt::print("  {:<14}{:>7}  seeds", kind, seeds.size());
    for (std::size_t i = 0; i < seeds.size() && i < kSeedsShown; ++i) fmt::print(" {}", seeds[i]);
    fmt::print("{}\n", seeds.size() > kSeedsShown ? " ..." : "");
  }
  const double years = sum.watched_hours / (24 * 365.25), budget = model::CircuitRule{}.false_failovers_per_year;
  fmt::print(
      "  {} deaths were seen; known lines: {:.3f} years, {} called dead falsely, {:.1f} are allowed; lossy lines that were not known: {}; "
      "moves off lines that lose 5 %: {}\n",
      sum.deaths, years, sum.false_deaths, years * budget, sum.other_false_deaths, sum.plain_moves);
  // Three times the budget, and what chance adds to a small count.
  const double most = 3 * years * budget;
  const bool too_many = sum.false_deaths > most + 3 * std::sqrt(most) + 2;
  if (too_many) fmt::print("  false failovers broken: more than three times the budget\n");
  return broken == 0 && !too_many ? 0 : 1;
}

int show_planted(const Wish& wish) {
  bool all = true;
  fmt::print("| planted bug | what it does | seen by | in run | of at most |\n|---|---|---|---|---|\n");
  for (const PlantedBug& bug : planted_bugs()) {
    Campaign c = wish.campaign;
    c.bug = bug.bug;
    c.runs = static_cast<std::uint64_t>(bug.budget);
    std::string seen = "NOTHING", in = "-";
    carry_out(c, [&](const Told& told) {
      if (!told.result.violation) return true;
      seen = told.result.violation->invariant;
      in = std::to_string(told.seed - c.seed + 1);
      return false;
    });
    all = all && in != "-";
    fmt::print("| {} | {} | {} | {} | {} |\n", bug.name, bug.does, seen, in, bug.budget);
    std::fflush(stdout);
  }
  return all ? 0 : 1;
}

int tell_one(const Wish& wish) {
  const Told told = run_and_compare(wish.campaign.seed, wish.campaign.lasts, wish.campaign.bug, Telling::Aloud);
  const auto& v = told.result.violation;
  fmt::print("{} steps; {}\n", told.result.steps,
             v ? fmt::format("{} broken after {:.1f} s: {}", v->invariant, since_begin(v->at), v->sentence) : "nothing broke");
  return v ? 1 : 0;
}

int write_file(const Wish& wish) {
  const Script script = make_script(wish.campaign.seed, wish.campaign.lasts, wish.campaign.bug);
  const Result r = run(script, {});
  std::string remark = fmt::format("Run of seed {}.", script.seed);
  if (r.violation)
    remark += fmt::format("\n{} broken after {:.3f} s: {}", r.violation->invariant, since_begin(r.violation->at), r.violation->sentence);
  std::ofstream out(wish.write);
  out << write_scenario(script, remark);
  out.close();
  if (!out) {
    fmt::print(stderr, "sim: cannot write {}\n", wish.write);
    return 2;
  }
  fmt::print("{}\n{} is written; run it with: sim --scenario {}\n", remark, wish.write, wish.write);
  return 0;
}

/// What happened around an instant.
void print_around(const std::vector<StoryLine>& story, model::Instant at) {
  using namespace std::chrono_literals;
  constexpr std::size_t kMost = 40;
  std::size_t shown = 0;
  for (const StoryLine& l : story)
    if (l.at >= at - 8s && l.at <= at + 2s && ++shown <= kMost) fmt::print("    {}", Story::line(l.at, l.words));
  if (shown > kMost) fmt::print("    ... and {} lines more\n", shown - kMost);
}

/// @return whether everything was as the file says
bool run_scenario(const std::string& path, bool trace) {
  const auto script = read_scenario(path);
  if (!script) {
    for (const std::string& mistake : script.error()) fmt::print("{}\n", mistake);
    return false;
  }
  const Result r = run(*script, {.telling = trace ? Telling::Aloud : Telling::Kept});
  for (const Disappointment& d : r.disappointments) {
    fmt::print("{}:{}: after {:.3f} s expected: {}; but {}\n", path, d.line, since_begin(d.at), d.expected, d.was);
    print_around(r.story, d.at);
  }
  if (r.violation) {
    fmt::print("{}: {} broken after {:.3f} s: {}\n", path, r.violation->invariant, since_begin(r.violation->at), r.violation->sentence);
    print_around(r.story, r.violation->at);
  }
  return r.disappointments.empty() && !r.violation;
}

int run_scenarios(const Wish& wish) {
  std::size_t failed = 0;
  for (const std::string& path : wish.scenarios) {
    const bool good = run_scenario(path, wish.trace);
    failed += good ? 0 : 1;
    if (good && !wish.trace) fmt::print("ok  {}\n", path);
  }
  fmt::print("{} scenarios, {} failed\n", wish.scenarios.size(), failed);
  return failed == 0 ? 0 : 1;
}

/// What is written to a file and read again is the same run.
int check_files(const Wish& wish) {
  const std::string path = fmt::format("/tmp/sim-check-{}.scenario", Clock::now().time_since_epoch().count());
  int failed = 0;
  for (std::uint64_t i = 0; i < wish.campaign.runs && failed < 5; ++i) {
    const Script script = make_script(wish.campaign.seed + i, wish.campaign.lasts, wish.campaign.bug);
    std::ofstream(path) << write_scenario(script, "");
    const auto again = read_scenario(path);
    if (!again) {
      ++failed;
      for (const std::string& mistake : again.error()) fmt::print("seed {}: {}\n", script.seed, mistake);
      continue;
    }
    const Result a = run(script, {}), b = run(*again, {});
    if (a.fingerprint == b.fingerprint && a.steps == b.steps) continue;
    ++failed;
    fmt::print("seed {}: {} steps; read from its file: {} steps, or others\n", script.seed, a.steps, b.steps);
  }
  std::remove(path.c_str());
  fmt::print("{} runs written and read again, {} came back as others\n", wish.campaign.runs, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Wish wish = wish_of(argc, argv);
  if (wish.planted) return show_planted(wish);
  if (!wish.scenarios.empty()) return run_scenarios(wish);
  if (wish.check_files) return check_files(wish);
  if (!wish.write.empty()) return write_file(wish);
  if (wish.trace) return tell_one(wish);
  return simulate(wish);
}
