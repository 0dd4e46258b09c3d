// Settings that are each in bounds and yet cannot work together.
#include <fmt/format.h>

#include <optional>
#include <set>

#include "config/budget.hpp"
#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kMinTargets = 3, kMinNetworks = 2;  // I5: no single target, and no single network, may speak for a circuit

void check_corroboration(const Reading& reading) {
  const model::Site& site = reading.site;
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    const Section& section = reading.circuit_section(i);
    const std::string_view family = reading.circuit_families[reading.circuit_owners[i]].families.size() < 2 ? ""
                                    : site.circuits[i].family == model::Family::V4                          ? " of IPv4"
                                                                                                            : " of IPv6";
    std::set<std::string_view> networks;
    for (const auto target : site.circuits[i].targets) networks.insert(site[target].network);
    const std::size_t targets = site.circuits[i].targets.size();
    if (targets == 0 && section.has("targets") && family.empty()) continue;  // an empty list, or names of nothing: told already
    if (targets < kMinTargets) {
      section.complain("targets", fmt::format("{} is measured against {} target{}{}", section.label(), targets, targets == 1 ? "" : "s", family),
                       "at least 3, in 2 networks: fewer cannot tell a dead circuit from a dead target");
    } else if (networks.size() < kMinNetworks) {
      section.complain("targets", fmt::format("the targets{} of {} are all in one network ({})", family, section.label(), quoted(*networks.begin())),
                       "at least 2 networks: otherwise their failure looks like the circuit's");
    }
  }
}

/// The place of a setting whose section may be missing: then defaults collide with nothing else, except through another
/// section, which is named instead.
void complain_in(const std::vector<Section>& sections, std::string_view key, std::string what, std::string remedy) {
  if (!sections.empty()) sections.front().complain(key, std::move(what), std::move(remedy));
}

/// Of two settings that contradict each other the one that the file gives is to blame.
std::string_view given(const std::vector<Section>& sections, std::string_view first, std::string_view second) {
  return !sections.empty() && !sections.front().has(first) && sections.front().has(second) ? second : first;
}

/// The pace at which one of the circuits is probed, in use or not, whose evidence is over before the next probe can be judged.
struct Starved {
  std::string who;
  model::Duration gap;
};
std::optional<Starved> starved(const model::Site& site) {
  std::optional<Starved> worst;
  for (const model::Circuit& circuit : site.circuits) {
    for (const bool in_use : {true, false}) {
      const auto interval = in_use ? interval_in_use(site.probing, circuit) : interval_on_standby(site.probing, circuit);
      const auto gap = longest(interval, site.probing.jitter_ratio) + site.probing.timeout_max;
      if (std::max(site.circuit_health.stale_after, 3 * interval) > gap || (worst && worst->gap >= gap)) continue;
      worst = {fmt::format("circuit {} {}", quoted(circuit.name), in_use ? "in use" : "on standby"), gap};
    }
  }
  return worst;
}

void check_circuit_timing(const Reading& reading) {
  const model::CircuitProbing& probing = reading.site.probing;
  if (probing.timeout_min > probing.timeout_max) {
    complain_in(reading.probing, given(reading.probing, "timeout_min", "timeout_max"),
                fmt::format("timeout_min {} is above timeout_max {}", show(probing.timeout_min), show(probing.timeout_max)),
                "a timeout_min below timeout_max");
  }
  const auto starving = starved(reading.site);
  if (!starving) return;
  complain_in(reading.circuit_health, "stale_after",
              fmt::format("stale_after {} is over before the next probe of {} can be judged ({})", show(reading.site.circuit_health.stale_after),
                          starving->who, show(starving->gap)),
              fmt::format("above {}: one interval with its jitter and timeout_max; otherwise the circuit is never anything but unknown",
                          show(starving->gap)));
}

void check_circuit_rule(const Reading& reading) {
  const model::CircuitRule& rule = reading.site.circuit_health;
  const auto& sections = reading.circuit_health;
  if (rule.suspect_after >= rule.dead_after_min) {
    complain_in(sections, given(sections, "suspect_after", "dead_after_min"),
                fmt::format("[circuit_health] suspect_after {} is not below dead_after_min {}", show(rule.suspect_after), show(rule.dead_after_min)),
                "suspicion leads new calls away before death moves everything: a shorter suspect_after, or a longer dead_after_min");
  }
  if (rule.dead_after_min > rule.dead_after_max) {
    complain_in(sections, given(sections, "dead_after_min", "dead_after_max"),
                fmt::format("[circuit_health] dead_after_min {} is above dead_after_max {}", show(rule.dead_after_min), show(rule.dead_after_max)),
                "what is learned lies between the two: the same value for both fixes it");
  }
  if (rule.hold_down > rule.hold_down_max) {
    complain_in(sections, given(sections, "hold_down", "hold_down_max"),
                fmt::format("[circuit_health] hold_down {} is above hold_down_max {}", show(rule.hold_down), show(rule.hold_down_max)),
                "the hold-down grows from the one to the other: the same value for both keeps it from growing");
  }
}

void check_etiquette(const Reading& reading) {
  for (std::size_t i = 0; i < reading.carriers.size(); ++i) {
    const Section& section = reading.carriers[i];
    const model::Carrier& carrier = reading.site.carriers[i];
    if (carrier.interval < carrier.floor) {
      section.complain("interval", fmt::format("{} interval {} is below its floor {}", section.label(), show(carrier.interval), show(carrier.floor)),
                       fmt::format("at least {}; lower the floor only when the carrier allows it", show(carrier.floor)));
    }
    const auto dead_after = reading.site.carrier_health.dead_after;
    if (carrier.deadline >= carrier.interval) {
      section.complain("deadline",
                       fmt::format("{} deadline {} is not below its interval {}", section.label(), show(carrier.deadline), show(carrier.interval)),
                       "one OPTIONS is over before the next begins");
    } else if (carrier.verify_burst > 0 && dead_after < carrier.deadline) {
      section.complain(
          "deadline",
          fmt::format("{} deadline {} is above [carrier_health] dead_after {}", section.label(), show(carrier.deadline), show(dead_after)),
          "an answer that is still in time must not come from a carrier that is called down: a longer dead_after, or a shorter deadline");
    }
    const auto gap = longest(carrier.interval, kSipJitter) + carrier.deadline;
    if (reading.site.carrier_health.stale_after <= gap) {
      section.complain(
          "interval",
          fmt::format("{} is asked every {}, but evidence is stale after {}", section.label(), show(carrier.interval),
                      show(reading.site.carrier_health.stale_after)),
          fmt::format("[carrier_health] stale_after above {} (interval with its jitter, and deadline), or a shorter interval", show(gap)));
    }
  }
}

void check_leases(const Reading& reading) {
  for (std::size_t i = 0; i < reading.pbxs.size(); ++i) {
    const model::Pbx& pbx = reading.site.pbxs[i];
    if (pbx.lease % 1s != 0s) {
      reading.pbxs[i].complain("lease", fmt::format("{} lease {} is not whole seconds", reading.pbxs[i].label(), show(pbx.lease)),
                               "Kamailio counts whole seconds");
    }
    if (pbx.lease <= pbx.refresh + pbx.reply_timeout) {
      reading.pbxs[i].complain("lease",
                               fmt::format("{} lease {} can end before it is renewed (refresh {}, reply_timeout {})", reading.pbxs[i].label(),
                                           show(pbx.lease), show(pbx.refresh), show(pbx.reply_timeout)),
                               "longer than refresh and reply_timeout together; three times the refresh is good");
    }
  }
}

/// The circuits by which a trunk's calls can leave.
std::set<model::CircuitId> ways_of(const model::Site& site, const model::Trunk& trunk) {
  std::set<model::CircuitId> ways;
  for (const model::TrunkMember& member : trunk.members) {
    if (member.circuit)
      ways.insert(*member.circuit);
    else
      ways.insert(site[trunk.traffic_class].circuits.begin(), site[trunk.traffic_class].circuits.end());
  }
  return ways;
}

/// I24 keeps the ways of emergency calls; with one way there is nothing that could be kept when it fails.
void check_emergency(const Reading& reading) {
  for (std::size_t i = 0; i < reading.trunks.size(); ++i) {
    const Section& section = reading.trunks[i];
    const model::Trunk& trunk = reading.site.trunks[i];
    if (!trunk.emergency || trunk.members.empty() || reading.problems.mention(section.path()) || reading.problems.mention("class")) continue;
    const auto ways = ways_of(reading.site, trunk);
    if (ways.size() >= 2) continue;
    section.complain("emergency",
                     fmt::format("{} carries emergency calls, but by circuit {} only", section.label(), quoted(reading.site[*ways.begin()].name)),
                     "sets for a second circuit, or a class with two circuits; emergency = false for as long as there is one way only");
  }
}

/// Whole seconds (tenths below ten), never less than `d`.
std::string rounded_up(model::Duration d) {
  const model::Duration step = d < 10s ? model::Duration(100ms) : model::Duration(1s);
  return show((d + step - model::Duration(1)) / step * step);
}

}  // namespace

void check_limits(const Reading& reading) {
  check_corroboration(reading);
  check_circuit_timing(reading);
  check_circuit_rule(reading);
  check_etiquette(reading);
  check_leases(reading);
  check_emergency(reading);
}

void check_objectives(const Reading& reading) {
  const auto mistaken = [&](std::string_view start) { return reading.problems.mention(start); };
  const auto judge = [](const Section& section, const WorstCase& worst) {
    if (worst.met()) return;
    section.complain("rto",
                     fmt::format("{} cannot meet its own RTO of {}: when {} fails it takes up to {} (detect {}, decide {}, switch {}, verify {})",
                                 section.label(), show(worst.rto), worst.fails, rounded_up(worst.total()), rounded_up(worst.detect),
                                 show(worst.decide), show(worst.apply), rounded_up(worst.verify)),
                     fmt::format("an rto of at least {}, or shorter intervals and timeouts", rounded_up(worst.total())));
  };
  if (mistaken("probing") || mistaken("circuit") || mistaken("target")) return;              // "circuit" covers circuit_health
  const bool trunks_known = !mistaken("class") && !mistaken("carrier") && !mistaken("pbx");  // before a class adds its own
  for (std::size_t i = 0; i < reading.classes.size(); ++i) {
    if (!mistaken(reading.classes[i].path())) judge(reading.classes[i], circuit_failure(reading.site, model::id_at<model::ClassId>(i)));
  }
  if (!trunks_known) return;
  for (std::size_t i = 0; i < reading.trunks.size(); ++i) {
    if (mistaken(reading.trunks[i].path())) continue;
    const auto trunk = model::id_at<model::TrunkId>(i);
    if (const auto by_circuit = circuit_failure(reading.site, trunk)) judge(reading.trunks[i], *by_circuit);
    judge(reading.trunks[i], carrier_failure(reading.site, trunk));
  }
}

}  // namespace linekeeper::config
