#include "controller/telemetry/metrics_probes.hpp"

#include <algorithm>
#include <limits>

#include "controller/model/probe_bytes.hpp"

namespace linekeeper::telemetry {

namespace {

struct Registered {
  int code;
  std::string_view label;
};

// IANA "Session Initiation Protocol (SIP) Parameters", response codes, finals only; sorted.
constexpr auto kRegistered = std::to_array<Registered>({
    {200, "200"}, {202, "202"}, {204, "204"}, {300, "300"}, {301, "301"}, {302, "302"}, {305, "305"}, {380, "380"}, {400, "400"}, {401, "401"},
    {402, "402"}, {403, "403"}, {404, "404"}, {405, "405"}, {406, "406"}, {407, "407"}, {408, "408"}, {410, "410"}, {412, "412"}, {413, "413"},
    {414, "414"}, {415, "415"}, {416, "416"}, {417, "417"}, {420, "420"}, {421, "421"}, {422, "422"}, {423, "423"}, {424, "424"}, {425, "425"},
    {428, "428"}, {429, "429"}, {430, "430"}, {433, "433"}, {436, "436"}, {437, "437"}, {438, "438"}, {439, "439"}, {440, "440"}, {469, "469"},
    {470, "470"}, {480, "480"}, {481, "481"}, {482, "482"}, {483, "483"}, {484, "484"}, {485, "485"}, {486, "486"}, {487, "487"}, {488, "488"},
    {489, "489"}, {491, "491"}, {493, "493"}, {494, "494"}, {500, "500"}, {501, "501"}, {502, "502"}, {503, "503"}, {504, "504"}, {505, "505"},
    {513, "513"}, {555, "555"}, {580, "580"}, {600, "600"}, {603, "603"}, {604, "604"}, {606, "606"}, {607, "607"}, {608, "608"},
});
static_assert(std::ranges::is_sorted(kRegistered, {}, &Registered::code));

const std::vector<double> kRttBounds = {0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 3};

}  // namespace

std::string_view sip_code_label(int code) {
  const auto it = std::ranges::lower_bound(kRegistered, code, {}, &Registered::code);
  return it != kRegistered.end() && it->code == code ? it->label : "other";
}

ProbeMetrics::Probe ProbeMetrics::make(std::string_view circuit, const std::string& name, std::string_view method, std::string_view target,
                                       std::string_view carrier) {
  families_->gauge("probe_info", {circuit, name, method, target, carrier}).Set(1);
  return {.attempts = &families_->counter("probe_attempts_total", {circuit, name}),
          .timeouts = &families_->counter("probe_failures_total", {circuit, name, "timeout"}),
          .rejected = &families_->counter("probe_failures_total", {circuit, name, "rejected"}),
          .local_errors = &families_->counter("probe_failures_total", {circuit, name, "local_error"}),
          .late = &families_->counter("probe_late_total", {circuit, name}),
          .rtt = &families_->histogram("probe_rtt_seconds", {circuit, name}, kRttBounds)};
}

void ProbeMetrics::bind_costs(const model::Site& site) {
  const auto cost = [&](std::string_view circuit, std::string_view method) {
    Cost c{.kinds = {},
           .sent = &families_->counter("circuit_probe_bytes_total", {circuit, method, "sent"}),
           .received = &families_->counter("circuit_probe_bytes_total", {circuit, method, "received"})};
    for (const model::ProbeKind k : model::kEveryProbeKind)
      c.kinds[static_cast<std::size_t>(k)] = &families_->counter("circuit_probes_total", {circuit, method, to_string(k)});
    return c;
  };
  costs_.assign(site.circuits.size(), {});
  options_costs_.clear();
  stuck_.clear();
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    const auto& c = site.circuits[i];
    for (const model::TargetId t : c.targets) {
      if (t.index() >= site.targets.size()) continue;
      const model::ProbeMethod method = site[t].method;
      costs_[i][static_cast<std::size_t>(method)] = cost(c.name, to_string(method));
    }
    options_costs_.push_back(cost(c.name, "options"));
    stuck_.push_back(&families_->counter("circuit_prober_stuck_total", {c.name}));
  }
  loads_.clear();
  for (const auto& t : site.trunks) {
    loads_.push_back({.calls = &families_->gauge("trunk_calls", {t.name}), .rate = &families_->gauge("trunk_calls_per_second", {t.name})});
    loads_.back().calls->Set(std::numeric_limits<double>::quiet_NaN());
    loads_.back().rate->Set(std::numeric_limits<double>::quiet_NaN());
  }
  stalls_ = &families_->counter("loop_stalls_total", {});
  stalled_ = &families_->counter("loop_stalled_seconds_total", {});
}

void ProbeMetrics::bind(MetricFamilies& families, const model::Site& site) {
  families_ = &families;
  circuits_ = site.circuits.size();
  targets_ = site.targets.size();
  timeout_ = site.probing.timeout_max;
  circuit_names_.clear();
  carrier_names_.clear();
  for (const auto& c : site.circuits) circuit_names_.push_back(c.name);
  for (const auto& c : site.carriers) carrier_names_.push_back(c.name);
  // Ids are positions in the new Site: what is in flight belongs to the old one and is forgotten, not counted.
  flights_.assign(circuits_, Flight{});
  echoes_.assign(circuits_ * targets_, Probe{});
  for (std::size_t c = 0; c < circuits_; ++c)
    for (const model::TargetId t : site.circuits[c].targets)
      if (t.index() < targets_) {
        Probe& probe = echoes_[c * targets_ + t.index()];
        const model::Target& target = site.targets[t.index()];
        const std::string method(to_string(target.method));
        probe = make(circuit_names_[c], method + ":" + target.name, method, target.name, "");
        probe.bytes_sent = model::probe_bytes(target).sent;
        probe.bytes_received = model::probe_bytes(target).received;
        probe.method = static_cast<std::size_t>(target.method);
      }
  bind_costs(site);
  paths_.assign(carrier_names_.size() * circuits_, Path{});
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    path.carrier = i / circuits_;
    path.circuit = i % circuits_;
    if (!site.reaches(model::id_at<model::CircuitId>(path.circuit), model::id_at<model::CarrierId>(path.carrier))) continue;
    const std::string& carrier = carrier_names_[path.carrier];
    path.overdue = &families.counter("path_sip_overdue_total", {carrier, circuit_names_[path.circuit]});
    path.probe = make(circuit_names_[path.circuit], "options:" + carrier, "options", "", carrier);
    // The two answers everyone asks about stand at 0 from the start, so that the first one is seen as an increase.
    for (const int code : {200, 503}) {
      const std::string_view label = sip_code_label(code);
      path.codes.push_back({label, &families.counter("path_sip_responses_total", {carrier, circuit_names_[path.circuit], label})});
    }
  }
  families.keep("path_sip_responses_total",
                [&](const std::vector<std::string>& labels) { return holds(carrier_names_, labels[0]) && holds(circuit_names_, labels[1]); });
}

void ProbeMetrics::observe(const model::Observation& observation) {
  std::visit([this](const auto& o) { on(o); }, observation);
}

ProbeMetrics::Probe* ProbeMetrics::echo(model::CircuitId circuit, model::TargetId target) {
  if (circuit.index() >= circuits_ || target.index() >= targets_) return nullptr;
  Probe& probe = echoes_[circuit.index() * targets_ + target.index()];
  return probe.attempts != nullptr ? &probe : nullptr;
}

ProbeMetrics::Path* ProbeMetrics::path(model::CarrierId carrier, model::CircuitId circuit) {
  if (circuit.index() >= circuits_ || carrier.index() >= carrier_names_.size()) return nullptr;
  return &paths_[carrier.index() * circuits_ + circuit.index()];
}

ProbeMetrics::Echo* ProbeMetrics::flight(model::CircuitId circuit, std::uint64_t sequence) {
  Echo& slot = flights_[circuit.index()][sequence % kInFlight];
  return slot.sequence == sequence && slot.probe != nullptr ? &slot : nullptr;
}

void ProbeMetrics::on(const model::ProbeSent& sent) {
  Probe* probe = echo(sent.circuit, sent.target);
  if (probe == nullptr) return;
  probe->attempts->Increment();
  Cost& cost = costs_[sent.circuit.index()][probe->method];
  cost.kinds[static_cast<std::size_t>(sent.kind)]->Increment();
  cost.sent->Increment(probe->bytes_sent);
  Echo& slot = flights_[sent.circuit.index()][sent.sequence % kInFlight];
  if (slot.fate == Fate::Waiting) slot.probe->timeouts->Increment();
  slot = {.sequence = sent.sequence, .sent = sent.sent, .probe = probe, .fate = Fate::Waiting};
}

void ProbeMetrics::on(const model::ProbeReply& reply) {
  Probe* probe = echo(reply.circuit, reply.target);
  if (probe == nullptr) return;
  Echo* slot = flight(reply.circuit, reply.sequence);
  const bool waiting = slot != nullptr && slot->fate == Fate::Waiting;
  if (reply.rtt > timeout_) {
    probe->late->Increment();
    if (waiting) probe->timeouts->Increment();  // it was late, only nobody had looked yet
  }
  probe->rtt->Observe(model::seconds(reply.rtt));
  costs_[reply.circuit.index()][probe->method].received->Increment(probe->bytes_received);
  if (slot != nullptr) slot->fate = Fate::Settled;
}

void ProbeMetrics::on(const model::ProbeRejected& rejected) {
  Probe* probe = echo(rejected.circuit, rejected.target);
  if (probe == nullptr) return;
  Echo* slot = flight(rejected.circuit, rejected.sequence);
  if (slot != nullptr && slot->fate != Fate::Waiting) return;  // answered or counted already
  probe->rejected->Increment();
  if (slot != nullptr) slot->fate = Fate::Settled;
}

void ProbeMetrics::on(const model::ProbeLocalError& error) {
  Probe* probe = echo(error.circuit, error.target);
  if (probe == nullptr) return;
  probe->attempts->Increment();
  probe->local_errors->Increment();
}

void ProbeMetrics::on(const model::SipOutcome& outcome) {
  Path* const of = path(outcome.carrier, outcome.circuit);
  if (of == nullptr) return;
  Path& path = *of;
  Cost& cost = options_costs_[path.circuit];
  cost.sent->Increment(outcome.bytes_sent);
  cost.received->Increment(outcome.bytes_received);
  if (!outcome.late && outcome.result != model::SipResult::LocalError) cost.kinds[static_cast<std::size_t>(outcome.kind)]->Increment();
  if (outcome.late)
    path.probe.late->Increment();  // the attempt and its timeout are counted already
  else
    path.probe.attempts->Increment();
  switch (outcome.result) {
    case model::SipResult::Final:
      count_code(path, outcome.code);
      if (outcome.rtt) path.probe.rtt->Observe(model::seconds(*outcome.rtt));
      break;
    case model::SipResult::Timeout: path.probe.timeouts->Increment(); break;
    case model::SipResult::Refused: path.probe.rejected->Increment(); break;
    case model::SipResult::LocalError: path.probe.local_errors->Increment(); break;
  }
}

void ProbeMetrics::on(const model::SipOverdue& overdue) {
  if (Path* const of = path(overdue.carrier, overdue.circuit)) of->overdue->Increment();
}

void ProbeMetrics::on(const model::ProberStuck& stuck) {
  if (stuck.circuit.index() < stuck_.size()) stuck_[stuck.circuit.index()]->Increment();
}

void ProbeMetrics::on(const model::LoopStall& stall) {
  stalls_->Increment();
  stalled_->Increment(std::max(0.0, model::seconds(stall.to - stall.from)));
}

void ProbeMetrics::on(const model::TrunkLoad& load) {
  if (load.trunk.index() >= loads_.size()) return;
  loads_[load.trunk.index()].calls->Set(load.calls);
  loads_[load.trunk.index()].rate->Set(load.calls_per_second);
}

void ProbeMetrics::count_code(Path& path, int code) {
  const std::string_view label = sip_code_label(code);
  auto it = std::ranges::find(path.codes, label, &Code::label);
  if (it == path.codes.end()) {
    Counter& count = families_->counter("path_sip_responses_total", {carrier_names_[path.carrier], circuit_names_[path.circuit], label});
    it = path.codes.insert(path.codes.end(), {label, &count});
  }
  it->count->Increment();
}

void ProbeMetrics::expire(model::Instant now) {
  for (Flight& of_circuit : flights_)
    for (Echo& slot : of_circuit) {
      if (slot.fate != Fate::Waiting || now - slot.sent <= timeout_) continue;
      slot.probe->timeouts->Increment();
      slot.fate = Fate::TimedOut;
    }
}

}  // namespace linekeeper::telemetry
