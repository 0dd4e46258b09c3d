#include "controller/decision/guards.hpp"

#include <algorithm>

#include "controller/decision/quality.hpp"

namespace linekeeper::decision {

namespace {
constexpr double kRWorthAMove = 10;       // G.109 sorts lines into classes of ten: one class better is heard
constexpr double kLossWorthAMove = 0.05;  // so much less loss is better whatever a codec hides of it
constexpr double kRounding = 1e-9;        // 0.07 - 0.02 is a little less than 0.05

bool evidence_is_old(const CircuitView& way, model::Instant now) {
  return !way.last_good || now - *way.last_good - way.rtt_expected > way.evidence_lasts;
}
}  // namespace

bool last_path_holds(const model::Site& site, const model::Plan& standing, const model::Plan& next) {
  if (next.classes.size() != site.classes.size() || next.trunks.size() != site.trunks.size()) return true;
  for (std::size_t i = 0; i < next.classes.size(); ++i)
    if (i < standing.classes.size() && standing.classes[i].circuit && !next.classes[i].circuit) return true;
  for (std::size_t i = 0; i < next.trunks.size(); ++i) {
    const bool never_ordered = next.trunks[i].order.empty() && (i >= standing.trunks.size() || standing.trunks[i].order.empty());
    if (!never_ordered && next.trunks[i].order.size() != site.trunks[i].members.size()) return true;
  }
  return false;
}

bool all_bad_holds(std::span<const CircuitView> candidates) {
  return std::ranges::none_of(candidates, [](const CircuitView& c) { return c.usable() && !c.suspect; });
}

bool hold_down_holds(const CircuitView& better, model::Duration hold_down, model::Instant now) {
  return !better.proven_well || now - better.since < hold_down;
}

bool corroboration_holds(const Run& run) { return !run.corroborated(); }

bool quiet_holds(const CircuitView& way, model::Instant now) {
  return evidence_is_old(way, now) || now - *way.last_good > way.rtt_expected + 4 * way.interval;
}

bool freshness_holds(const CircuitView& dead, const CircuitView& other, model::Duration margin, model::Instant now) {
  if (!other.usable() || !other.last_good || evidence_is_old(other, now)) return true;
  const model::Instant lately = now - std::max((now - dead.first_bad) / 2, other.rtt_expected + 3 * other.interval);
  if (dead.by_link() && !other.suspect) {
    const model::Duration before = std::max(margin, other.rtt_expected + 2 * other.interval);
    return *other.last_good + before < dead.first_bad || *other.last_good < lately;
  }
  return !other.last_proof || *other.last_proof < dead.first_bad + margin || *other.last_proof < lately;
}

Gain gain_of(const model::Figures& standing, const model::Figures& there, const model::QualityLimits& limits, model::Codec codec) {
  model::Figures here = standing;
  here.loss_ratio = present_loss(standing);
  Gain gain{.loss = here.loss_ratio - there.loss_ratio, .late = here.rtt && *here.rtt > limits.rtt_enter};
  const auto r_here = voice_quality(here, codec), r_there = voice_quality(there, codec);
  if (codec != model::Codec::None && r_here && r_there) gain.r = r_there->r_factor - r_here->r_factor;
  return gain;
}

bool quality_gain_holds(const Gain& gain) { return !gain.late && gain.loss < kLossWorthAMove - kRounding && gain.r.value_or(0) < kRWorthAMove; }

bool move_budget_holds(model::Instant allowed, model::Instant now) { return now < allowed; }

bool failback_mode_holds(const model::Failback& failback, model::Instant since, bool open, bool permitted, model::Instant now) {
  if (permitted) return false;
  switch (failback.mode) {
    case model::FailbackMode::Automatic: return false;
    case model::FailbackMode::After: return now - since < failback.after;
    case model::FailbackMode::Window: return !open;
    case model::FailbackMode::Manual: return true;
  }
  return true;
}

bool self_doubt_holds(bool doubt, const CircuitView& standing) { return doubt && !(standing.health == model::Health::Down && standing.by_link()); }

bool emergency_holds(bool emergency, model::Health forced_onto) {
  return emergency && forced_onto != model::Health::Up && forced_onto != model::Health::Degraded;
}

}  // namespace linekeeper::decision
