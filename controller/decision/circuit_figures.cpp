// What a circuit shows of itself. The same figures are what the judge goes by: policy reads them here too.
#include <algorithm>

#include "controller/decision/circuit_health.hpp"
#include "controller/decision/quality.hpp"

namespace linekeeper::decision {

using model::Duration;

namespace {
// Decided probes that the loss of a circuit, and of one target, is made of: as many as tell 10 % from 5 % with some certainty. While a
// brownout is suspected they come at 25 a second, so that they are new within seconds.
constexpr std::size_t kFigureSamples = 200, kTargetSamples = 50, kSilentSamples = 50;
}  // namespace

/// Loss among the newest decided probes that left at their own time: quick ones leave when it is bad, and would tell more loss than there is.
/// `recent_loss` is that of the newest fifty of them.
model::Figures CircuitHealth::losses_of(TargetMask among, std::size_t most) const {
  model::Figures out;
  int lost = 0, runs = 0, recent_lost = 0, recent = 0;
  bool in_a_row = true, in_a_run = false;
  for (std::size_t i = 0; i < window_.size() && static_cast<std::size_t>(out.samples) < most; ++i) {
    const ProbeRecord& probe = window_.newest(i);
    if (probe.sent < figures_from_) break;
    if (probe.fate == ProbeFate::Open || (among >> probe.position & 1) == 0 || (probe.voided && probe.fate == ProbeFate::Lost)) continue;
    const bool is_lost = probe.fate == ProbeFate::Lost;
    in_a_row = in_a_row && is_lost;
    out.losses_in_a_row += in_a_row ? 1 : 0;
    if (probe.kind == model::ProbeKind::Verify) continue;
    ++out.samples;
    lost += is_lost ? 1 : 0;
    runs += is_lost && !in_a_run ? 1 : 0;
    in_a_run = is_lost;
    if (static_cast<std::size_t>(out.samples) <= kSilentSamples) recent = out.samples, recent_lost = lost;
  }
  out.loss_ratio = out.samples > 0 ? static_cast<double>(lost) / out.samples : 0.0;
  out.recent_loss = recent > 0 ? static_cast<double>(recent_lost) / recent : 0.0;
  out.burst_ratio = burst_ratio(lost, runs, out.samples);
  return out;
}

model::Figures CircuitHealth::figures(model::Instant now) const {
  model::Figures f = losses_of(standing_.counted(), needs_rise_ ? kSilentSamples : kFigureSamples);  // of a dead one what is now
  Duration rtt{}, jitter{};
  int measured = 0;
  for (std::size_t p = 0; p < rtt_.size(); ++p) {
    if (!rtt_[p].smoothed() || (standing_.counted() >> p & 1) == 0) continue;
    rtt += *rtt_[p].smoothed();
    jitter += rtt_[p].jitter().value_or(Duration::zero());
    ++measured;
  }
  if (measured > 0) {
    // A mean that still remembers a shorter way counts as the shortest of late at least: what every packet takes now has been reached.
    f.rtt = std::max(rtt / measured, delay_.shortest(now).value_or(Duration::zero()));
    f.jitter = jitter / measured;
  }
  // Nothing sounds like anything while none of those probes was answered.
  if (f.samples == 0 || f.losses_in_a_row >= static_cast<int>(kSilentSamples) || f.loss_ratio >= 1 || !f.rtt) return f;
  const VoiceQuality voice =
      voice_quality({.loss_ratio = f.loss_ratio, .burst_ratio = f.burst_ratio, .one_way = *f.rtt / 2, .jitter = f.jitter.value_or(Duration::zero())});
  f.r_factor = voice.r_factor;
  f.mos = voice.mos;
  return f;
}

model::Detectors CircuitHealth::detectors(model::Instant now) const {
  model::Detectors d;
  if (silence_.probes > 0) d.silent = std::max(now - silence_.overdue, Duration::zero());
  d.suspect_after = suspect_after();
  d.dead_after = dead_after();
  d.learned_over = learner_.learned_over();
  d.lossy = loss_.lossy();
  d.bursty = loss_.bursty();
  d.lossy_alarm = loss_.lossy_alarm();
  d.bursty_alarm = loss_.bursty_alarm();
  d.shortest_rtt = delay_.shortest(now);
  d.usual_rtt = delay_.usual();
  d.interval = plan_.interval;
  for (std::size_t p = 0; p < budget_.size(); ++p)
    if ((standing_.counted() >> p & 1) != 0) d.verify_left += budget_[p].left(now);  // nobody else is asked quickly
  return d;
}

model::CircuitStatus CircuitHealth::status(model::Instant now) const {
  model::CircuitStatus s;
  s.circuit = circuit_;
  s.verdict = verdict_;
  s.link = link_.value_or(model::LinkState{.circuit = circuit_, .address = {}, .gateway = {}});
  s.last_good = last_good_;
  s.suspect = suspect_;
  s.figures = figures(now);
  for (std::size_t p = 0; p < network_.size(); ++p) {
    model::TargetStatus t{.target = settings_->targets[p],
                          .figures = losses_of(TargetMask{1} << p, kTargetSamples),
                          .last_reply = last_reply_[p],
                          .set_aside = standing_.of(p)};
    t.figures.rtt = rtt_[p].smoothed();
    t.figures.jitter = rtt_[p].jitter();
    s.targets.push_back(t);
  }
  s.detectors = detectors(now);
  return s;
}

}  // namespace linekeeper::decision
