#pragma once
// The settings of a site by the names that scenario files give them, said once: a reader fills them in, a writer prints those that are
// not as they are by default. A visitor has one function for each kind of value; `usual` is the default.
#include "tests/sim/script.hpp"

namespace linekeeper::sim {

template <class V>
void circuit_fields(V& v, model::Circuit& c, const model::Circuit& usual, LineNature& n, const LineNature& plain) {
  v.word("interface", c.interface, usual.interface);
  v.whole("priority", c.priority, usual.priority);
  v.flag("metered", c.metered, usual.metered);
  v.real("cost", c.cost, usual.cost);
  v.maybe_real("bandwidth", c.bandwidth_kbps);
  v.words("risk", c.risk_groups);
  v.targets("targets", c.targets, usual.targets);
  v.maybe_mark("mark", c.mark);
  v.time("delay", n.delay, plain.delay);
  v.time("jitter", n.jitter, plain.jitter);
  v.share("loss", n.good_loss, plain.good_loss);
  v.share("burst-loss", n.bad_loss, plain.bad_loss);
  v.time("burst-each", n.mean_good, plain.mean_good);
  v.time("burst-lasts", n.mean_bad, plain.mean_bad);
}

template <class V>
void carrier_fields(V& v, model::Carrier& k, const model::Carrier& usual) {
  v.time("interval", k.interval, usual.interval);
  v.time("floor", k.floor, usual.floor);
  v.time("deadline", k.deadline, usual.deadline);
  v.whole("priority", k.priority, usual.priority);
  v.real("cost", k.cost, usual.cost);
  v.maybe_whole("channels", k.channels);
  v.maybe_real("calls-per-second", k.calls_per_second);
  v.whole("verify-burst", k.verify_burst, usual.verify_burst);
}

inline constexpr std::string_view kCodecs[] = {"none", "g711", "g711-no-plc", "g729a", "opus"};
inline constexpr std::string_view kFailbackModes[] = {"automatic", "after", "window", "manual"};

template <class V>
void failback_fields(V& v, model::Failback& f, const model::Failback& usual) {
  v.choice("failback", f.mode, usual.mode, kFailbackModes);
  v.time("failback-after", f.after, usual.after);
  v.minutes("failback-opens", f.opens, usual.opens);
  v.minutes("failback-closes", f.closes, usual.closes);
}

template <class V>
void class_fields(V& v, model::TrafficClass& c, const model::TrafficClass& usual) {
  v.circuits("circuits", c.circuits);
  v.maybe_mark("mark", c.match.mark);
  v.choice("codec", c.codec, usual.codec, kCodecs);
  v.flag("avoid-metered", c.avoid_metered, usual.avoid_metered);
  v.wholes("weights", c.weights);  // one for each of its circuits: it is shared
  v.group("limits", c.limits, [&](model::QualityLimits& l, const model::QualityLimits& plain) {
    v.ratio("loss-enter", l.loss_enter, plain.loss_enter);
    v.ratio("loss-exit", l.loss_exit, plain.loss_exit);
    v.time("rtt-enter", l.rtt_enter, plain.rtt_enter);
    v.time("rtt-exit", l.rtt_exit, plain.rtt_exit);
    v.real("r-enter", l.r_enter, plain.r_enter);
    v.real("r-exit", l.r_exit, plain.r_exit);
  });
  failback_fields(v, c.failback, usual.failback);
}

template <class V>
void trunk_fields(V& v, model::Trunk& t, const model::Trunk& usual) {
  v.flag("emergency", t.emergency, usual.emergency);
  v.maybe_whole("busy-hour-calls", t.busy_hour_calls);
  v.maybe_real("busy-hour-calls-per-second", t.busy_hour_calls_per_second);
  failback_fields(v, t.failback, usual.failback);
}

template <class V>
void probing_fields(V& v, model::CircuitProbing& p, const model::CircuitProbing& usual) {
  v.time("interval", p.interval, usual.interval);
  v.time("standby-interval", p.standby_interval, usual.standby_interval);
  v.time("metered-interval", p.metered_interval, usual.metered_interval);
  v.time("metered-standby-interval", p.metered_standby_interval, usual.metered_standby_interval);
  v.flag("accelerate", p.accelerate, usual.accelerate);
  v.whole("verify-budget", p.verify_budget, usual.verify_budget);
  v.time("timeout-min", p.timeout_min, usual.timeout_min);
  v.time("timeout-max", p.timeout_max, usual.timeout_max);
}

template <class V>
void circuit_rule_fields(V& v, model::CircuitRule& r, const model::CircuitRule& usual) {
  v.real("false-failovers-per-year", r.false_failovers_per_year, usual.false_failovers_per_year);
  v.real("false-suspicions-per-day", r.false_suspicions_per_day, usual.false_suspicions_per_day);
  v.time("suspect-after", r.suspect_after, usual.suspect_after);
  v.time("dead-after-min", r.dead_after_min, usual.dead_after_min);
  v.time("dead-after-max", r.dead_after_max, usual.dead_after_max);
  v.whole("rise", r.rise, usual.rise);
  v.whole("min-samples", r.min_samples, usual.min_samples);
  v.time("hold-down", r.hold_down, usual.hold_down);
  v.time("hold-down-max", r.hold_down_max, usual.hold_down_max);
  v.time("stale-after", r.stale_after, usual.stale_after);
}

template <class V>
void call_fields(V& v, model::Calls& r, const model::Calls& usual) {
  v.time("slow-min", r.slow_min, usual.slow_min);
  v.time("slow-max", r.slow_max, usual.slow_max);
  v.time("hold-down", r.hold_down, usual.hold_down);
  v.time("hold-down-max", r.hold_down_max, usual.hold_down_max);
  v.whole("trial", r.trial_calls, usual.trial_calls);
}

template <class V>
void carrier_rule_fields(V& v, model::HealthRule& r, const model::HealthRule& usual) {
  v.whole("fall", r.fall, usual.fall);
  v.whole("rise", r.rise, usual.rise);
  v.whole("min-samples", r.min_samples, usual.min_samples);
  v.time("dead-after", r.dead_after, usual.dead_after);
  v.time("hold-down", r.hold_down, usual.hold_down);
  v.time("stale-after", r.stale_after, usual.stale_after);
}

}  // namespace linekeeper::sim
