#include "config/budget.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace linekeeper::config {
namespace {

using model::Duration;
using namespace std::chrono_literals;

constexpr Duration kDecide = 100ms;       ///< one turn of the loop, with room for a busy machine
constexpr Duration kApplyRoutes = 500ms;  ///< message, netlink transaction, read back; budget 5 ms, journal write before it up to 150 ms
constexpr int kSuccesses = 3;             ///< on the new way, before it is called verified
constexpr double kSipJitter = 0.2;        ///< of OPTIONS intervals (Carrier::interval)

Duration stretched(Duration interval, double jitter) { return Duration(std::llround(static_cast<double>(interval.count()) * (1 + jitter))); }

/// `count` probes after the last good one have left, and the last of them is known to be lost or answered.
Duration probes_of(const model::CircuitProbing& probing, int count) {
  return stretched(probing.interval, probing.jitter_ratio) * count + probing.timeout_max;
}
Duration options_of(const model::Carrier& carrier, int count) { return stretched(carrier.interval, kSipJitter) * count + carrier.deadline; }

/// The slowest carrier verifies the move: nobody knows beforehand which one it will be.
Duration slowest_options(const model::Site& site, const model::Trunk& trunk, int count) {
  Duration slowest{};
  for (const auto carrier : trunk.carriers) slowest = std::max(slowest, options_of(site[carrier], count));
  return slowest;
}

/// Takes `detect` when it is the slowest so far; says "any" when several are equally slow.
void slower(WorstCase& worst, Duration detect, const std::string& kind, const std::string& name) {
  if (detect == worst.detect) worst.fails = "any " + kind;
  if (detect <= worst.detect) return;
  worst.detect = detect;
  worst.fails = kind + " " + name;
}

/// Order set, and read back: two answers of the PBX.
Duration apply_order(const model::Site& site, const model::Trunk& trunk) { return 2 * site[trunk.pbx].reply_timeout; }

}  // namespace

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
  return std::max(site.circuit_health.fall, static_cast<int>(slowest));
}

WorstCase circuit_failure(const model::Site& site, model::ClassId traffic_class) {
  const model::TrafficClass& steered = site[traffic_class];
  WorstCase worst{.fails = "",
                  .recovers = "class " + steered.name,
                  .decide = kDecide,
                  .apply = kApplyRoutes,
                  .verify = probes_of(site.probing, kSuccesses),
                  .rto = steered.rto};
  for (const auto id : steered.circuits) {
    const Duration detect = probes_of(site.probing, losses_needed(site, site[id]).value_or(site.circuit_health.fall));
    slower(worst, detect, "circuit", site[id].name);
  }
  return worst;
}

std::optional<WorstCase> circuit_failure(const model::Site& site, model::TrunkId trunk) {
  const model::Trunk& offered = site[trunk];
  if (!std::ranges::any_of(offered.members, [](const model::TrunkMember& m) { return m.circuit.has_value(); })) return std::nullopt;
  WorstCase worst = circuit_failure(site, offered.traffic_class);
  worst.recovers = "trunk " + offered.name;
  worst.apply = apply_order(site, offered);
  worst.verify = slowest_options(site, offered, kSuccesses);
  worst.rto = offered.rto;
  return worst;
}

WorstCase carrier_failure(const model::Site& site, model::TrunkId trunk) {
  const model::Trunk& offered = site[trunk];
  WorstCase worst{.fails = "",
                  .recovers = "trunk " + offered.name,
                  .decide = kDecide,
                  .apply = apply_order(site, offered),
                  .verify = slowest_options(site, offered, kSuccesses),
                  .rto = offered.rto};
  for (const auto id : offered.carriers) {
    const Duration detect = options_of(site[id], site.carrier_health.fall);
    slower(worst, detect, "carrier", site[id].name);
  }
  return worst;
}

std::vector<WorstCase> worst_cases(const model::Site& site) {
  std::vector<WorstCase> all;
  for (std::size_t i = 0; i < site.classes.size(); ++i) all.push_back(circuit_failure(site, model::id_at<model::ClassId>(i)));
  for (std::size_t i = 0; i < site.trunks.size(); ++i) {
    const auto trunk = model::id_at<model::TrunkId>(i);
    if (auto by_circuit = circuit_failure(site, trunk)) all.push_back(std::move(*by_circuit));
    all.push_back(carrier_failure(site, trunk));
  }
  return all;
}

}  // namespace linekeeper::config
