#include "config/budget.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

namespace linekeeper::config {
namespace {

using model::Duration;
using namespace std::chrono_literals;

constexpr Duration kDecide = 100ms;       ///< one turn of the loop, with room for a busy machine
constexpr Duration kApplyRoutes = 500ms;  ///< message, netlink transaction, read back; budget 5 ms, journal write before it up to 150 ms
constexpr Duration kQuickGap = 1250ms;    ///< between two OPTIONS of a suspicion, at most (carriers/sip/etiquette.hpp)
constexpr Duration kOverdue = 1s;         ///< without any response for so long an OPTIONS is overdue
constexpr int kSuccesses = 3;             ///< on the new way, before it is called verified

/// How long a circuit in use may be silent before it is dead: what must pass until enough probes are missing, or what the
/// silence must last, whichever is longer. Where quick probes have run out, or are not wanted, the usual pace must do.
Duration black_hole(const model::Site& site, const model::Circuit& circuit) {
  const Duration gap = longest(interval_in_use(site.probing, circuit), site.probing.jitter_ratio);
  return std::max(gap + site.circuit_health.dead_after_max, gap * losses_needed(site, circuit).value_or(0)) + site.probing.timeout_max;
}

Duration typical_black_hole(const model::Site& site, const model::Circuit& circuit) {
  const model::CircuitProbing& probing = site.probing;
  const Duration gap = interval_in_use(probing, circuit);
  const bool quick = probing.accelerate && probing.verify_budget > 0;
  const Duration corroborated = quick ? Duration::zero() : gap * losses_needed(site, circuit).value_or(0);
  return std::max(gap + site.circuit_health.dead_after_min, corroborated) + probing.timeout_min;
}

/// Three answers on the way that is taken, whichever it is: the first of them may still come at the pace of a standby.
Duration slowest_successes(const model::Site& site, const model::TrafficClass& steered) {
  Duration slowest{};
  for (const auto id : steered.circuits) {
    const Duration in_use = interval_in_use(site.probing, site[id]), standby = interval_on_standby(site.probing, site[id]);
    slowest = std::max(slowest, longest(std::max(in_use, standby), site.probing.jitter_ratio) +
                                    longest(in_use, site.probing.jitter_ratio) * (kSuccesses - 1) + site.probing.timeout_max);
  }
  return slowest;
}

Duration options_of(const model::Carrier& carrier, int count) { return longest(carrier.interval, kSipJitter) * count + carrier.deadline; }

/// What a carrier's silence must last (controller/decision/path_health.hpp): `dead_after`, or less where its own pace finds it sooner;
/// and until `fall` OPTIONS are overdue, the quick ones being at most kQuickGap apart. Nothing when there are not enough quick ones.
std::optional<Duration> decisive_silence(const model::Site& site, const model::Carrier& carrier) {
  const int fall = site.carrier_health.fall;
  if (carrier.verify_burst == 0 || fall > 1 + carrier.verify_burst) return std::nullopt;
  const Duration by_pace = std::max(carrier.floor, carrier.deadline) * (fall - 1) + carrier.deadline;
  return std::max(std::min(site.carrier_health.dead_after, by_pace), kQuickGap * (fall - 1) + kOverdue);
}

Duration carrier_silence(const model::Site& site, const model::Carrier& carrier) {
  if (const auto silence = decisive_silence(site, carrier)) return longest(carrier.interval, kSipJitter) + *silence;
  return options_of(carrier, site.carrier_health.fall);
}

Duration typical_carrier_silence(const model::Site& site, const model::Carrier& carrier) {
  if (const auto silence = decisive_silence(site, carrier)) return carrier.interval + *silence;
  return carrier.interval * site.carrier_health.fall + carrier.deadline;
}

/// The slowest carrier verifies the move: nobody knows beforehand which one it will be.
Duration slowest_options(const model::Site& site, const model::Trunk& trunk, int count) {
  Duration slowest{};
  for (const auto carrier : trunk.carriers) slowest = std::max(slowest, options_of(site[carrier], count));
  return slowest;
}

/// Puts one more circuit or carrier to those that take as long, or in a row of its own behind them.
void add(std::vector<WorstCase>& cases, const WorstCase& common, Duration detect, Duration typical, const std::string& name) {
  const auto same = std::ranges::find_if(cases, [&](const WorstCase& c) { return c.detect == detect && c.typical_detect == typical; });
  if (same != cases.end()) {
    same->fails += ", " + name;
    return;
  }
  cases.push_back(common);
  cases.back().fails = name;
  cases.back().detect = detect;
  cases.back().typical_detect = typical;
}

/// "circuit fiber", "circuit fiber, coax", or "any circuit" when all are alike.
std::vector<WorstCase> named(std::vector<WorstCase> cases, const std::string& kind) {
  const bool alike = cases.size() == 1 && cases.front().fails.contains(',');  // no name has a comma
  for (WorstCase& one : cases) one.fails = alike ? "any " + kind : kind + " " + one.fails;
  return cases;
}

WorstCase slowest(const std::vector<WorstCase>& cases) {
  const auto at = std::ranges::max_element(cases, {}, &WorstCase::detect);
  return at == cases.end() ? WorstCase{} : *at;
}

/// Order set, and read back: two answers of the PBX.
Duration apply_order(const model::Site& site, const model::Trunk& trunk) { return 2 * site[trunk.pbx].reply_timeout; }

/// A carrier steered apart is dead by one circuit: its class goes by another. (When a circuit fails it does as the whole class does.)
std::vector<WorstCase> carrier_failure(const model::Site& site, const model::TrafficClass& part) {
  const model::Carrier& carrier = site[part.apart->carrier];
  const WorstCase common{.fails = "",
                         .recovers = "class " + part.name,
                         .decide = kDecide,
                         .apply = kApplyRoutes,
                         .verify = options_of(carrier, kSuccesses),
                         .rto = part.apart->rto};
  std::vector<WorstCase> cases;
  add(cases, common, carrier_silence(site, carrier), typical_carrier_silence(site, carrier), carrier.name + " by one circuit");
  return named(std::move(cases), "carrier");
}

}  // namespace

Duration longest(Duration interval, double jitter) { return Duration(std::llround(static_cast<double>(interval.count()) * (1 + jitter))); }

Duration interval_in_use(const model::CircuitProbing& probing, const model::Circuit& circuit) {
  return circuit.metered ? probing.metered_interval : probing.interval;
}

Duration interval_on_standby(const model::CircuitProbing& probing, const model::Circuit& circuit) {
  return circuit.metered ? probing.metered_standby_interval : probing.standby_interval;
}

std::optional<int> losses_needed(const model::Site& site, const model::Circuit& circuit) {
  const auto& targets = circuit.targets;
  const std::size_t n = targets.size();
  std::size_t slowest = 0;
  for (std::size_t start = 0; start < n; ++start) {
    std::set<std::string_view> networks;  // of targets with two losses: the second round repeats the first
    std::size_t losses = n;
    while (networks.size() < 2 && losses < 2 * n) networks.insert(site[targets[(start + losses++) % n]].network);
    if (networks.size() < 2) return std::nullopt;
    slowest = std::max(slowest, losses);
  }
  if (n == 0) return std::nullopt;
  return static_cast<int>(slowest);
}

std::vector<WorstCase> circuit_failures(const model::Site& site, model::ClassId traffic_class) {
  const model::TrafficClass& steered = site[traffic_class];
  const WorstCase common{.fails = "",
                         .recovers = "class " + steered.name,
                         .decide = kDecide,
                         .apply = kApplyRoutes,
                         .verify = slowest_successes(site, steered),
                         .rto = steered.rto};
  std::vector<WorstCase> cases;
  for (const auto id : steered.circuits) add(cases, common, black_hole(site, site[id]), typical_black_hole(site, site[id]), site[id].name);
  return named(std::move(cases), "circuit");
}

std::vector<WorstCase> circuit_failures(const model::Site& site, model::TrunkId trunk) {
  const model::Trunk& offered = site[trunk];
  if (!std::ranges::any_of(offered.members, [](const model::TrunkMember& m) { return m.circuit.has_value(); })) return {};
  std::vector<WorstCase> cases = circuit_failures(site, offered.traffic_class);
  for (WorstCase& one : cases) {
    one.recovers = "trunk " + offered.name;
    one.apply = apply_order(site, offered);
    one.verify = slowest_options(site, offered, kSuccesses);
    one.rto = offered.rto;
  }
  return cases;
}

std::vector<WorstCase> carrier_failures(const model::Site& site, model::TrunkId trunk) {
  const model::Trunk& offered = site[trunk];
  const WorstCase common{.fails = "",
                         .recovers = "trunk " + offered.name,
                         .decide = kDecide,
                         .apply = apply_order(site, offered),
                         .verify = slowest_options(site, offered, kSuccesses),
                         .rto = offered.rto};
  std::vector<WorstCase> cases;
  for (const auto id : offered.carriers) add(cases, common, carrier_silence(site, site[id]), typical_carrier_silence(site, site[id]), site[id].name);
  return named(std::move(cases), "carrier");
}

WorstCase circuit_failure(const model::Site& site, model::ClassId traffic_class) { return slowest(circuit_failures(site, traffic_class)); }

std::optional<WorstCase> circuit_failure(const model::Site& site, model::TrunkId trunk) {
  const auto cases = circuit_failures(site, trunk);
  return cases.empty() ? std::nullopt : std::optional(slowest(cases));
}

WorstCase carrier_failure(const model::Site& site, model::TrunkId trunk) { return slowest(carrier_failures(site, trunk)); }

std::vector<WorstCase> worst_cases(const model::Site& site) {
  std::vector<WorstCase> all;
  const auto append = [&](std::vector<WorstCase> more) { std::ranges::move(more, std::back_inserter(all)); };
  for (std::size_t i = 0; i < site.classes.size(); ++i)
    append(site.classes[i].apart ? carrier_failure(site, site.classes[i]) : circuit_failures(site, model::id_at<model::ClassId>(i)));
  for (std::size_t i = 0; i < site.trunks.size(); ++i) {
    const auto trunk = model::id_at<model::TrunkId>(i);
    append(circuit_failures(site, trunk));
    append(carrier_failures(site, trunk));
  }
  return all;
}

}  // namespace linekeeper::config
