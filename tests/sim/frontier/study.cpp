#include "tests/sim/frontier/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "tests/sim/frontier/ours.hpp"

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

namespace {

/// Beginnings of a state, those soon after its end not counted again.
class Onsets {
 public:
  void is(bool on, Instant now) {
    if (on && !on_ && (!ended_ || now - *ended_ > 10s)) ++count_;
    if (!on && on_) ended_ = now;
    on_ = on;
  }
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  bool on_ = false;
  std::optional<Instant> ended_;
  std::int64_t count_ = 0;
};

struct Trial {
  std::optional<double> found, suspected;
};

Trial one_trial(const Ours& learned, const Background& background, const Fault& fault, std::uint64_t seed) {
  Ours ours = learned.restarted(Draws::seed(seed, 1));
  Channel channel(background.loss, Draws::seed(seed, 2), ours.now());
  const Instant onset = ours.now() + 60s + Draws(Draws::seed(seed, 3)).between(0s, 30s);
  ours.run(channel, onset, [](const Ours::State&, Instant) { return true; });
  channel.begin(fault, onset);
  Trial trial;
  const auto look = [&](const Ours::State& is, Instant at) {
    if (is.suspect && !trial.suspected) trial.suspected = model::seconds(at - onset);
    if (is.down || (is.degraded && fault.kind != FaultKind::BlackHole)) trial.found = model::seconds(at - onset);
    return !trial.found;
  };
  if (look(ours.state(), onset)) ours.run(channel, onset + kGiveUp, look);
  if (!trial.suspected) trial.suspected = trial.found;  // down before suspect: new calls have gone as well
  return trial;
}

constexpr std::size_t kSnapshots = 16;
constexpr int kHopeless = 20;  // as for the others: what is never found in so many trials is not looked for any longer

}  // namespace

OursResult measure_ours(double budget, const Background& background, const OursEffort& effort, std::uint64_t seed) {
  OursResult r{.budget = budget, .down = {}, .degraded = {}, .suspect = {}, .dead_after = {}, .found = {}, .suspected = {}};
  Ours ours(budget, Draws::seed(seed, 1), kBegin);
  Channel channel(background.loss, Draws::seed(seed, 2), kBegin);
  ours.run(channel, kBegin + effort.warm_up, [](const Ours::State&, Instant) { return true; });

  Onsets down, degraded, suspect;
  const std::int64_t probes_before = ours.probes();
  const auto count = [&](const Ours::State& is, Instant at) {
    down.is(is.down, at);
    degraded.is(is.degraded, at);
    suspect.is(is.suspect, at);
    return true;
  };
  count(ours.state(), ours.now());
  std::vector<Ours> learned;  // what it knew at times spread over the run: each fault meets all of them
  learned.reserve(kSnapshots);
  for (std::size_t i = 0; i < kSnapshots; ++i) {
    ours.run(channel, ours.now() + years(effort.years) / kSnapshots, count);
    learned.push_back(ours.restarted(0));
    r.dead_after.push_back(ours.dead_after());
  }
  std::ranges::sort(r.dead_after);
  r.down = {down.count(), effort.years};
  r.degraded = {degraded.count(), effort.years};
  r.suspect = {suspect.count(), effort.years};
  r.probes_per_second = effort.years > 0 ? static_cast<double>(ours.probes() - probes_before) / model::seconds(years(effort.years)) : 0;

  for (std::size_t f = 0; f < faults().size(); ++f) {
    std::vector<double> found, suspected;
    int made = 0;
    for (; made < effort.trials && !(made == kHopeless && found.empty()); ++made) {
      const Trial t = one_trial(learned[static_cast<std::size_t>(made) % kSnapshots], background, faults()[f],
                                Draws::seed(seed, 3 + f, static_cast<std::uint64_t>(made)));
      if (t.found) found.push_back(*t.found);
      if (t.suspected) suspected.push_back(*t.suspected);
    }
    r.found.push_back(summary(std::move(found), made));
    if (f == kBlackHole) r.suspected = summary(std::move(suspected), made);
  }
  return r;
}

Effort Plan::of_peers(std::size_t background) const {
  // As many as cost about the same: what is jumped over costs nothing, so a quiet circuit is simulated for centuries.
  static constexpr std::array kYears = {100.0, 20.0, 4.0, 10.0, 8.0, 400.0};
  return {.years = std::max(0.1, kYears[background] * scale), .trials = std::max(20, static_cast<int>(400 * scale))};
}

OursEffort Plan::of_ours(std::size_t budget) const {
  const double share = budget == 0 ? 1 : 0.5;
  // What is learned in a week is part of the rule: only the briefest runs learn for less.
  const auto days = Draws::times(7 * 24h, std::min(1.0, 10 * scale));
  return {.warm_up = std::max<Duration>(1h, days), .years = 0.5 * scale * share, .trials = std::max(20, static_cast<int>(400 * scale * share))};
}

namespace {

struct Part {
  std::string name;
  std::function<void()> work;
};

void work_off(const std::vector<Part>& parts, unsigned count, const Progress& progress, std::size_t done, std::size_t all) {
  std::atomic<std::size_t> next = 0;
  std::mutex telling;
  const auto worker = [&] {
    for (std::size_t i = next++; i < parts.size(); i = next++) {
      parts[i].work();
      const std::scoped_lock lock(telling);
      progress(++done, all, parts[i].name);
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < count; ++i) threads.emplace_back(worker);
  worker();
}

/// The highest threshold that anybody may ask for: one that is wrong less than once in three years wherever it runs, or the shipped one.
int enough_of(const Study& study, std::size_t p) {
  const Peer& peer = peers()[p];
  const int enough = std::max(peer.shipped, threshold_for_all(study, p, 1.0 / 3));
  return peer.most > 0 ? std::min(enough, peer.most) : enough;
}

}  // namespace

int threshold_for_all(const Study& study, std::size_t peer, double rate) {
  int threshold = 1;
  for (const auto& of_background : study.peers)
    threshold = std::max(threshold, of_background[peer].alarms.threshold(rate, of_background[peer].years));
  return threshold;
}

Study run(const Plan& plan, const Progress& progress) {
  Study study{.plan = plan, .peers = {}, .ours = {}};
  const std::size_t places = backgrounds().size();
  study.peers.assign(places, std::vector<PeerResult>(peers().size()));
  study.ours.assign(places, std::vector<OursResult>(kBudgets.size()));

  std::vector<Part> counting, timing;
  for (std::size_t k = 0; k < kBudgets.size(); ++k)
    for (std::size_t b = 0; b < places; ++b)
      counting.push_back({fmt::format("ours, {:.0f} a year, on {}", kBudgets[k], backgrounds()[b].name), [&, k, b] {
                            study.ours[b][k] = measure_ours(kBudgets[k], backgrounds()[b], plan.of_ours(k), Draws::seed(plan.seed, 1000 + k, b));
                          }});
  for (std::size_t p = 0; p < peers().size(); ++p) {
    for (std::size_t b = 0; b < places; ++b) {
      const std::string what = fmt::format("{} on {}", peers()[p].name, backgrounds()[b].name);
      counting.push_back(
          {what, [&, p, b] {
             const double span = plan.of_peers(b).years;
             study.peers[b][p] = {
                 .years = span, .alarms = count_alarms(peers()[p], backgrounds()[b], span, Draws::seed(plan.seed, p, b)), .enough = 0, .found = {}};
           }});
      timing.push_back({what + ", faults", [&, p, b] {
                          PeerResult& r = study.peers[b][p];
                          r.enough = enough_of(study, p);
                          r.found = time_faults(peers()[p], backgrounds()[b], r.enough, plan.of_peers(b).trials, Draws::seed(plan.seed, 500 + p, b));
                        }});
    }
  }
  const std::size_t all = counting.size() + timing.size();
  work_off(counting, plan.threads, progress, 0, all);
  work_off(timing, plan.threads, progress, counting.size(), all);  // how far is known once everything is counted
  return study;
}

}  // namespace linekeeper::sim::frontier
