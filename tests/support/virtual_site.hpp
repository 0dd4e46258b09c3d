#pragma once
// A site in virtual time for tests of the decision: two circuits, three targets in two networks, two carriers, a PBX. Probes are
// "sent" at the configured pace and answered, or not, as the test says; nothing sleeps and no clock is read.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::tests {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

/// fiber before coax, north before south; hold-down 10 s; OPTIONS each second.
inline model::Site two_by_two() {
  model::Site s;
  s.name = "lab";
  const auto ip = [](const char* text) { return *model::IpAddress::parse(text); };
  s.targets = {{"alpha", ip("192.0.2.1"), "one"}, {"beta", ip("192.0.2.2"), "one"}, {"gamma", ip("198.51.100.3"), "two"}};
  const std::vector<model::TargetId> all = {model::TargetId{0}, model::TargetId{1}, model::TargetId{2}};
  s.circuits = {{.name = "fiber", .interface = "wan-a", .provider = "ISP One", .medium = "fiber", .priority = 10, .targets = all, .table = 7101},
                {.name = "coax", .interface = "wan-b", .provider = "ISP Two", .medium = "coax", .priority = 20, .targets = all, .table = 7102}};
  s.carriers = {{.name = "north", .address = ip("203.0.113.10"), .interval = 1s, .floor = 1s, .deadline = 800ms},
                {.name = "south", .address = ip("203.0.113.20"), .interval = 1s, .floor = 1s, .deadline = 800ms}};
  const model::CircuitId fiber{0}, coax{1};
  const model::CarrierId north{0}, south{1};
  s.classes = {{.name = "voice", .circuits = {fiber, coax}, .table = 7201}};
  s.pbxs = {{.name = "kamailio"}};
  s.trunks = {
      {.name = "outbound", .carriers = {north, south}, .members = {{north, fiber, 11}, {north, coax, 12}, {south, fiber, 21}, {south, coax, 22}}}};
  s.circuit_health.hold_down = 10s;
  s.carrier_health = {.fall = 2, .rise = 2, .min_samples = 1, .hold_down = 10s, .stale_after = 10s};
  return s;
}

class VirtualSite {
 public:
  explicit VirtualSite(model::Site site = two_by_two()) : site_(std::make_shared<const model::Site>(std::move(site))), decider_(site_, now_) {
    next_probe_.assign(site_->circuits.size(), now_);
    next_extra_.assign(site_->circuits.size(), model::kNever);
    extra_turn_.assign(site_->circuits.size(), 0);
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) turn_.push_back(c);
    probes.assign(site_->circuits.size(), 0);
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) next_probe_[c] += Duration(37ms) * c;  // phases differ, as in life
    next_options_.assign(site_->carriers.size() * site_->circuits.size(), now_ + 50ms);
    sequence_.assign(site_->circuits.size(), 0);
    sip_sequence_.assign(next_options_.size(), 0);
    for (std::size_t c = 0; c < site_->circuits.size(); ++c) link(c, true);
  }

  // --- the world ---
  void link(std::size_t circuit, bool carrier) {
    links_[circuit] = carrier;
    take(decider_.observe(model::LinkState{.circuit = model::id_at<model::CircuitId>(circuit),
                                           .present = true,
                                           .admin_up = true,
                                           .carrier = carrier,
                                           .ifindex = 2,
                                           .address = model::IpAddress::parse("192.0.2.77"),
                                           .gateway = model::IpAddress::parse("192.0.2.76")},
                          now_));
  }
  /// Circuit answers nothing (or again) although its link is up.
  void black_hole(std::size_t circuit, bool on = true) { dead_circuit_[circuit] = on; }
  /// This target never answers, on one circuit or on all.
  void kill_target(std::size_t target, bool on = true) { dead_target_[target] = on; }
  /// This target answers through this circuit whatever became of it.
  void lie(std::size_t target, std::size_t circuit) { liars_[{target, circuit}] = true; }
  void silence_carrier(std::size_t carrier, bool on = true) { carrier_code_[carrier] = on ? -1 : 200; }
  void silence_path(std::size_t carrier, std::size_t circuit, bool on = true) { dead_path_[{carrier, circuit}] = on; }
  void answer_with(std::size_t carrier, int code) { carrier_code_[carrier] = code; }
  /// Our own sends fail on this circuit.
  void local_errors(std::size_t circuit, bool on = true) { local_error_[circuit] = on; }
  void start_from(std::vector<std::optional<model::CircuitId>> standing, std::vector<int> sets = {}) {
    take(decider_.adopt(decision::Adopted{.generation = 41, .classes = std::move(standing)}, now_));
    take(decider_.adopt(decision::TrunkAdopted{.trunk = model::TrunkId{0}, .sets = std::move(sets)}, now_));
  }
  void start_empty() { start_from(std::vector<std::optional<model::CircuitId>>(site_->classes.size())); }
  void order(std::vector<model::Override> overrides) { take(decider_.order(decision::OrdersInForce{std::move(overrides)}, now_)); }

  /// Lets virtual time pass.
  void run(Duration span) {
    const Instant end = now_ + span;
    while (true) {
      Instant next = std::min(wakeup_, end);
      for (const Instant t : next_probe_) next = std::min(next, t);
      for (const Instant t : next_extra_) next = std::min(next, t);
      for (const Instant t : next_options_) next = std::min(next, t);
      if (!replies_.empty()) next = std::min(next, replies_.begin()->first);
      if (next >= end) break;
      now_ = std::max(now_, next);
      step();
    }
    now_ = end;
  }

  // --- what came of it ---
  [[nodiscard]] std::string way(std::size_t traffic_class = 0) const {
    const auto s = status();
    const auto& c = s.plan.classes[traffic_class].circuit;
    return c ? (*site_)[*c].name : "";
  }
  [[nodiscard]] std::string order_now(std::size_t trunk = 0) const {
    std::string text;
    const auto s = status();
    for (const auto& step : s.plan.trunks[trunk].order)
      text += (text.empty() ? "" : " ") + std::to_string(site_->trunks[trunk].members[step.member].dispatcher_set);
    return text;
  }
  [[nodiscard]] model::Health circuit(std::size_t i) const { return status().circuits[i].verdict.health; }
  [[nodiscard]] model::Health carrier(std::size_t i) const { return status().carriers[i].verdict.health; }
  [[nodiscard]] model::Status status() const {
    model::Status s;
    decider_.fill(s, now_);
    return s;
  }
  [[nodiscard]] int moves() const { return count(model::EventId::RoutingMoved); }
  [[nodiscard]] int count(model::EventId id) const {
    return static_cast<int>(std::count_if(events.begin(), events.end(), [id](const auto& e) { return e.id == id; }));
  }
  [[nodiscard]] Instant now() const { return now_; }
  decision::Decider& decider() { return decider_; }
  void take(const decision::Output& out) {
    for (const auto& e : out.events) events.push_back(e);
    if (out.plan) plans.push_back(*out.plan);
    wakeup_ = out.next_wakeup;
    gateways_asked |= out.ask_gateways;
    if (out.try_call) tried = out.try_call;
    for (std::size_t c = 0; c < next_extra_.size(); ++c)
      if ((out.probing_changed >> c & 1) != 0) {
        const auto& plan = decider_.probe_plan(model::id_at<model::CircuitId>(c));
        next_probe_[c] = std::min(next_probe_[c], now_ + plan.interval);
        next_extra_[c] = plan.extra ? now_ + *plan.extra : model::kNever;
      }
  }

  std::vector<model::Event> events;
  std::vector<model::Plan> plans;
  /// Replies take so long.
  Duration rtt = 20ms;
  std::map<std::size_t, Duration> longer;  ///< and by this circuit so much more
  std::vector<int> probes;                 ///< sent, by circuit
  std::uint64_t gateways_asked = 0;
  std::optional<decision::TryCall> tried;
  bool options_by_hand = false;  ///< the test tells what became of OPTIONS

 private:
  void step() {
    while (!replies_.empty() && replies_.begin()->first <= now_) {
      const auto reply = replies_.begin()->second;
      replies_.erase(replies_.begin());
      take(decider_.observe(reply, now_));
    }
    for (std::size_t c = 0; c < next_probe_.size(); ++c)
      if (next_probe_[c] <= now_) {
        const auto circuit = model::id_at<model::CircuitId>(c);
        next_probe_[c] += decider_.probe_plan(circuit).interval;
        probe(c, (*site_)[circuit].targets[turn_[c]++ % (*site_)[circuit].targets.size()], model::ProbeKind::Scheduled);
      }
    for (std::size_t c = 0; c < next_extra_.size(); ++c)
      if (next_extra_[c] <= now_) extra(c);
    for (std::size_t p = 0; p < next_options_.size(); ++p)
      if (next_options_[p] <= now_) options_by_hand ? void(next_options_[p] += 1s) : options(p);
    if (wakeup_ <= now_) {
      wakeup_ = model::kNever;
      take(decider_.wake(now_));
    }
  }
  void extra(std::size_t c) {
    const auto circuit = model::id_at<model::CircuitId>(c);
    const auto plan = decider_.probe_plan(circuit);
    next_extra_[c] = plan.extra ? now_ + *plan.extra : model::kNever;
    if (!plan.extra) return;
    const auto& targets = (*site_)[circuit].targets;
    do ++extra_turn_[c];
    while ((plan.among >> (extra_turn_[c] % targets.size()) & 1) == 0);
    probe(c, targets[extra_turn_[c] % targets.size()], plan.kind);
  }
  void probe(std::size_t c, model::TargetId target, model::ProbeKind kind) {
    const auto circuit = model::id_at<model::CircuitId>(c);
    if (!links_[c]) return;
    ++probes[c];
    if (local_error_[c]) return take(decider_.observe(model::ProbeLocalError{circuit, target, 105}, now_));
    const std::uint64_t sequence = ++sequence_[c];
    take(decider_.observe(model::ProbeSent{circuit, target, sequence, now_, kind}, now_));
    const bool lies = liars_.contains({target.index(), c});
    if (lies || (!dead_circuit_[c] && !dead_target_[target.index()])) {
      const Duration takes = rtt + longer[c];
      replies_.emplace(now_ + takes, model::ProbeReply{circuit, target, sequence, takes});
    }
  }
  void options(std::size_t p) {
    next_options_[p] += 1s;
    const std::size_t k = p / site_->circuits.size(), c = p % site_->circuits.size();
    model::SipOutcome o{
        .carrier = model::id_at<model::CarrierId>(k), .circuit = model::id_at<model::CircuitId>(c), .sequence = ++sip_sequence_[p], .sent = now_};
    const int code = carrier_code_.contains(k) ? carrier_code_[k] : 200;
    if (dead_circuit_[c] || !links_[c] || dead_path_[{k, c}] || code < 0) {
      o.result = model::SipResult::Timeout;
      replies_.emplace(now_ + 800ms, o);
      return;
    }
    o.result = model::SipResult::Final;
    o.code = code;
    o.reply = code < 300 ? model::ReplyClass::Up : code == 403 ? model::ReplyClass::Degraded : model::ReplyClass::Down;
    o.rtt = rtt;
    replies_.emplace(now_ + rtt, o);
  }

  model::SitePtr site_;
  Instant now_{1000s};
  decision::Decider decider_;
  Instant wakeup_ = model::kNever;
  std::vector<Instant> next_probe_, next_extra_, next_options_;
  std::vector<std::size_t> turn_, extra_turn_;  // by circuit
  std::vector<std::uint64_t> sequence_, sip_sequence_;
  std::multimap<Instant, model::Observation> replies_;
  std::map<std::size_t, bool> links_, dead_circuit_, dead_target_, local_error_;
  std::map<std::pair<std::size_t, std::size_t>, bool> dead_path_, liars_;
  std::map<std::size_t, int> carrier_code_;
};

}  // namespace linekeeper::tests
