#include "controller/telemetry/metrics_calls.hpp"

#include <limits>

namespace linekeeper::telemetry {

namespace {
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<std::string_view, 4> kFeed = {"read", "unread", "refused", "dropped"};

double seconds_or_none(const std::optional<model::Duration>& d) { return d ? model::seconds(*d) : kNone; }
}  // namespace

void CallMetrics::bind(MetricFamilies& families, const model::Site& site) {
  paths_.clear();
  circuits_ = site.circuits.size();
  feed_told_ = {};
  if (!site.calls.on()) return;
  heard_ = &families.gauge("calls_heard", {});
  for (std::size_t i = 0; i < kFeed.size(); ++i) feed_[i] = &families.counter("calls_feed_messages_total", {kFeed[i]});
  for (const model::Carrier& k : site.carriers)
    for (const model::Circuit& c : site.circuits) {
      Path& p = paths_.emplace_back();
      const auto gauge = [&](std::string_view family) {
        Gauge& made = families.gauge(family, {k.name, c.name});
        made.Set(kNone);
        return &made;
      };
      p.asr = gauge("path_calls_answered_ratio");
      p.ner = gauge("path_calls_effective_ratio");
      p.median = gauge("path_calls_pdd_median_seconds");
      p.p95 = gauge("path_calls_pdd_p95_seconds");
      p.in_progress = gauge("path_calls_in_progress");
      p.loss = gauge("path_calls_loss_ratio");
      p.jitter = gauge("path_calls_jitter_seconds");
      for (const model::CallFate f : model::kEveryCallFate)
        p.ended[static_cast<std::size_t>(f)] = &families.counter("path_calls_total", {k.name, c.name, to_string(f)});
      for (const model::CallsStanding s : model::kEveryCallsStanding)
        p.state[static_cast<std::size_t>(s)] = &families.gauge("path_calls_state", {k.name, c.name, to_string(s)});
      p.state[0]->Set(1);
    }
}

void CallMetrics::observe(const model::CallOutcome& o) {
  const std::size_t i = o.carrier.index() * circuits_ + o.circuit.index();
  if (i < paths_.size() && !o.again && !o.trial) paths_[i].ended[static_cast<std::size_t>(o.fate)]->Increment();
}

void CallMetrics::update(const model::Status& status) {
  if (paths_.empty()) return;
  heard_->Set(status.calls_problem.empty() ? 1 : 0);
  for (std::size_t i = 0; i < kFeed.size(); ++i) {
    const double now = static_cast<double>(status.calls_feed[i]);
    if (now > feed_told_[i]) feed_[i]->Increment(now - feed_told_[i]);
    feed_told_[i] = now;  // it begins anew with each configuration
  }
  for (const model::PathStatus& path : status.paths) {
    const std::size_t i = path.carrier.index() * circuits_ + path.circuit.index();
    if (!path.calls || i >= paths_.size()) continue;
    const model::CallFigures& f = *path.calls;
    Path& p = paths_[i];
    for (const model::CallsStanding s : model::kEveryCallsStanding) p.state[static_cast<std::size_t>(s)]->Set(s == f.standing ? 1 : 0);
    p.asr->Set(f.asr.value_or(kNone));
    p.ner->Set(f.ner.value_or(kNone));
    p.median->Set(seconds_or_none(f.pdd_median));
    p.p95->Set(seconds_or_none(f.pdd_p95));
    p.in_progress->Set(f.in_progress);
    p.loss->Set(f.quality.loss_ratio.value_or(kNone));
    p.jitter->Set(seconds_or_none(f.quality.jitter));
  }
}

}  // namespace linekeeper::telemetry
