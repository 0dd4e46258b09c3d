// From observation to act: who tells whom what.
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>

#include "controller/daemon/daemon.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/kept_moment.hpp"
#include "controller/runtime/log.hpp"
#include "controller/telemetry/page.hpp"

namespace linekeeper::daemon {

using model::EventId;
using model::Instant;
using operations::Plane;
using runtime::boot_now;
using runtime::Level;
using runtime::wall_now;

namespace {

constexpr std::chrono::milliseconds kStallNoticed{250};
constexpr std::chrono::minutes kRemember{1};  // what was learned is written down so often
constexpr std::string_view kLearnedFact = "learned ", kMovesFact = "moves ";

Level level_of(model::Severity s) {
  switch (s) {
    case model::Severity::Info: return Level::Info;
    case model::Severity::Notice: return Level::Notice;
    case model::Severity::Warning: return Level::Warning;
    case model::Severity::Alert: return Level::Error;
  }
  return Level::Info;
}

}  // namespace

void Daemon::observe(const model::Observation& observation) {
  metrics_->observe(observation);
  const auto remember = [&](const auto* sip) {
    if (sip != nullptr) remember_debt(Senses::path_name(*site_, sip->carrier, sip->circuit), senses_->debt(sip->carrier, sip->circuit));
  };
  const auto* outcome = std::get_if<model::SipOutcome>(&observation);
  remember(outcome);
  remember(std::get_if<model::SipOverdue>(&observation));
  if (const auto* link = std::get_if<model::LinkState>(&observation)) own_calls_->on_link(*link);
  if (const auto* located = std::get_if<model::CarrierLocated>(&observation)) remember_places(*located);
  const Instant now = awake();
  act_on(decider_->observe(observation, recorder_->told(observation, now)));
  if (const auto* call = std::get_if<model::CallOutcome>(&observation); call != nullptr && calls_) calls_->weighed(*call, *decider_);
  if (outcome != nullptr && outcome->overload)
    if (auto told = overloads_.on(*outcome->overload, (*site_)[outcome->carrier].name, now))
      tell(EventId::CarrierOverloaded, "carrier " + (*site_)[outcome->carrier].name, std::move(*told));
  if (outcome == nullptr || (!outcome->certificate_ends && outcome->fault == model::SipFault::None)) return;
  if (auto told = certificates_.on(*outcome, (*site_)[outcome->carrier].name, wall_now()))
    tell(told->id, "carrier " + (*site_)[outcome->carrier].name, std::move(told->text));
}

/// The judge is told before it hears anything else, a person's order or the switch's answer as well as a probe's: what was not answered meanwhile may
/// have been, and we were not there to see it (I7).
void Daemon::notice_stall(Instant now) {
  // While nothing can be sent the judge waits for nothing; the tick tells then that we stood still.
  const Instant from = std::min(due_, std::exchange(ran_, now) + kTick);
  if (now - from <= kStallNoticed) return;
  const model::Observation stall = model::LoopStall{.from = from, .to = now};
  act_on(decider_->observe(stall, recorder_->told(stall, now)));
}

Instant Daemon::awake() {
  const Instant now = boot_now();
  notice_stall(now);
  return now;
}

void Daemon::follow_probing(std::uint64_t circuits) {
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    if ((circuits >> c & 1) != 0) senses_->follow(model::id_at<model::CircuitId>(c), decider_->probe_plan(model::id_at<model::CircuitId>(c)));
}

void Daemon::ask_gateways(std::uint64_t circuits) {
  for (std::size_t c = 0; c < site_->circuits.size() && circuits != 0; ++c)
    if ((circuits >> c & 1) != 0) actuators_->ask_gateway(model::id_at<model::CircuitId>(c));
}

void Daemon::act_on(const decision::Output& out) {
  wake_at(out.next_wakeup);
  if (out.probing_changed != 0) follow_probing(out.probing_changed);
  if (out.ask) senses_->ask(out.ask->carrier, out.ask->circuits);
  // One that may not be made now is asked for again after another hold-down.
  if (out.try_call) static_cast<void>(own_calls_->call(out.try_call->carrier, out.try_call->circuit, [](const model::TrialOutcome&) {}));
  const std::uint64_t gateways = out.ask_gateways;
  if (out.events.empty() && !out.plan) return ask_gateways(gateways);  // the way of nearly every probe
  // Copied: what follows may ask the decider again.
  auto events = out.events;
  const auto plan = out.plan;
  const model::Status state = status();
  const bool lived_or_died =
      std::ranges::any_of(events, [](const model::Event& e) { return e.id == EventId::CircuitDown || e.id == EventId::CircuitUp; });
  // First the act, then the telling: a move waits for nobody.
  std::vector<model::Event> opened;
  if (plan) {
    actuators_->carry_out(*plan, senses_->links());
    opened = recoveries_->on_plan(*plan, state, wall_now());
  }
  ask_gateways(gateways);
  for (const model::Event& e : events) {
    if (e.id != EventId::AllBad) continue;
    for (std::size_t i = 0; i < site_->classes.size(); ++i)
      if (e.subject == "class " + site_->classes[i].name)
        std::ranges::move(recoveries_->on_all_bad(Plane::Routing, i, state, wall_now()), std::back_inserter(opened));
    for (std::size_t i = 0; i < site_->trunks.size(); ++i)
      if (e.subject == "trunk " + site_->trunks[i].name)
        std::ranges::move(recoveries_->on_all_bad(Plane::Trunk, i, state, wall_now()), std::back_inserter(opened));
  }
  tell(std::move(events));
  tell(std::move(opened));
  tell(recoveries_->on_status(state));
  account_incidents();
  if (plan) remember_learned();  // a move, or what led to it, must not be forgotten by a crash within the minute
  metrics_->update(state);       // outage time is counted from the change, not from the next second
  status_due_ = true;
  // The switch must know of a death that moves no class: connections may still be draining there.
  if (!plan && lived_or_died && connections_.draining()) act_on(decider_->reissue(recorder_->reissued(awake())));
}

void Daemon::wake_at(Instant when) {
  due_ = when;
  if (when == model::kNever || stopping_) return;
  wake_.expires_after(std::max<model::Duration>(when - boot_now(), model::Duration::zero()));
  wake_.async_wait([this](boost::system::error_code error) {
    if (error || stopping_) return;
    act_on(decider_->wake(recorder_->woken(awake())));
  });
}

void Daemon::remember_learned() {
  next_remember_ = boot_now() + kRemember;
  const std::string written = runtime::kept_text(boot_now(), runtime::read_clocks());
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    journal_->put_fact(
        {std::string(kLearnedFact) + site_->circuits[c].name, written + ' ' + decider_->memory(model::id_at<model::CircuitId>(c), boot_now())});
  for (std::size_t i = 0; i < site_->classes.size(); ++i)
    journal_->put_fact(
        {std::string(kMovesFact) + site_->classes[i].name, written + ' ' + decider_->memory(model::id_at<model::ClassId>(i), boot_now())});
}

void Daemon::recall_learned() {
  const auto facts = journal_->load_facts();
  if (!facts) return;  // learned anew; the failing disk is told elsewhere
  for (std::size_t c = 0; c < site_->circuits.size(); ++c)
    if (!recall(*facts, kLearnedFact, site_->circuits[c].name, model::id_at<model::CircuitId>(c)))
      runtime::log(Level::Warning, "what was learned of circuit " + site_->circuits[c].name +
                                       ", or its hold-down, cannot be read back: that is learned anew, and its hold-down is the first one");
  for (std::size_t i = 0; i < site_->classes.size(); ++i)
    if (!recall(*facts, kMovesFact, site_->classes[i].name, model::id_at<model::ClassId>(i)))
      runtime::log(Level::Warning, "how often class " + site_->classes[i].name +
                                       " moved cannot be read back: its budget begins anew, and linekeeper-switch still counts");
}

/// @return false: there is something, and it is not understood
template <class Id>
bool Daemon::recall(const std::vector<journal::Fact>& facts, std::string_view key, const std::string& name, Id id) {
  const auto fact = std::ranges::find(facts, std::string(key) + name, &journal::Fact::key);
  if (fact == facts.end()) return true;
  const auto clocks = runtime::read_clocks();
  const auto written = runtime::read_kept(fact->value, clocks);
  if (!written || written->rest.empty()) return false;
  const model::Duration age = clocks.boot - written->at;
  return decider_->recall(id, recorder_->recalled(id, written->rest, age, clocks.boot), age);
}

void Daemon::tell(EventId id, std::string subject, std::string text, std::vector<std::pair<std::string, std::string>> fields) {
  tell(model::Event{.id = id, .at = boot_now(), .subject = std::move(subject), .text = std::move(text), .fields = std::move(fields)});
}

void Daemon::tell(std::vector<model::Event> events) {
  for (model::Event& e : events) tell(std::move(e));
}

void Daemon::tell(model::Event event) {
  event.wall = wall_now();
  event.fields.emplace_back("boot_ns", std::to_string(event.at.time_since_epoch().count()));
  runtime::log(level_of(severity(event.id)),
               fmt::format("{} {}{}{}", to_string(event.id), event.subject, event.subject.empty() ? "" : ": ", event.text));
  metrics_->on_event(event);
  journal_->append(std::move(event), [this](const model::Event& written) {
    recent_.push_back(written);
    if (recent_.size() > telemetry::kPageEvents) recent_.pop_front();
    stream_event(written);
  });
  status_due_ = true;
}

void Daemon::account_incidents() {
  for (const model::Incident& i : recoveries_->take_changed()) metrics_->on_incident(i);
}

void Daemon::class_applied(std::size_t index, std::uint64_t generation) {
  const bool fresh = recoveries_->wants_application(Plane::Routing, index);
  tell(recoveries_->on_applied(Plane::Routing, index, generation, boot_now()));
  account_incidents();
  if (fresh) verifications_.erase(index);  // of the way before
  move_resolvers();
  verify_class(index);
}

void Daemon::move_resolvers() {
  if (!resolvers_) return;
  const operations::Progress& p = recoveries_->progress(Plane::Routing, followed_class(*site_)->index());
  if (p.choice && p.applied) resolvers_->follow(model::id_at<model::CircuitId>(*p.choice));
}

/// The carrier's etiquette does not allow a probe at will: its newest answer through this circuit is the proof, when it is no older than two
/// intervals at the decision.
static bool carrier_answers(const model::Status& s, model::CarrierId carrier, model::CircuitId via, model::Instant decided) {
  const model::PathStatus& path = s.path(carrier, via);
  const bool up = path.verdict.health == model::Health::Up || path.verdict.health == model::Health::Degraded;
  return up && path.last_good && *path.last_good >= decided - 2 * (*s.site)[carrier].interval;
}

void Daemon::verify_class(std::size_t index) {
  if (!recoveries_->wants_verification(Plane::Routing, index)) return;
  Proving& proving = verifications_[index];
  if (proving.now || boot_now() < proving.again) return;
  const operations::Progress& p = recoveries_->progress(Plane::Routing, index);
  const model::CircuitId circuit = model::id_at<model::CircuitId>(*p.choice);
  const model::TrafficClass& traffic = site_->classes[index];
  if (traffic.apart) {
    if (!carrier_answers(status(), traffic.apart->carrier, circuit, p.decided)) return;
    tell(recoveries_->on_verified(Plane::Routing, index, boot_now()));
    return account_incidents();
  }
  auto as = as_class_goes(traffic, *site_, circuit, traffic.match.source ? own_addresses() : std::vector<OwnAddress>{});
  if (!as) {
    const auto last_good = decider_->circuit(circuit).last_good();
    if (last_good && *last_good >= *p.applied) tell(recoveries_->on_verified(Plane::Routing, index, boot_now()));
    return account_incidents();
  }
  std::uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) < 0) return;  // tried again at the next look
  proving.now = std::make_unique<Verification>(io_.get_executor(), *site_, circuit, std::move(*as), seed,
                                               [this, index, circuit](bool proven) { class_probed(index, circuit, proven); });
}

/// What the class's own probes say is told to people first, and then to the judge, who may lead it elsewhere.
void Daemon::class_probed(std::size_t index, model::CircuitId circuit, bool proven) {
  Proving& proving = verifications_[index];
  proving.now.reset();
  proving.again = boot_now() + proving.wait;
  proving.wait = std::min(2 * proving.wait, kProofAgainAtMost);
  const auto id = model::id_at<model::ClassId>(index);
  const Instant now = awake();
  const std::string& name = site_->classes[index].name;
  if (proven)
    tell(recoveries_->on_verified(Plane::Routing, index, now));
  else
    tell(recoveries_->on_verify_failed(
        Plane::Routing, index,
        fmt::format("{0}: fewer than {1} of the probes sent as its traffic goes, by {2}, were answered within {3} s. See: linekeeper explain {0}",
                    name, kProofs, (*site_)[circuit].name, kProofTime.count()),
        decider_->proof_counts(id, circuit, now), wall_now(), now));
  account_incidents();
  const decision::MoveProof proof{
      .traffic_class = id, .by = circuit, .result = proven ? decision::ProofResult::Proven : decision::ProofResult::Unproven};
  act_on(decider_->prove(proof, recorder_->told(proof, now)));
}

void Daemon::verify_classes() {
  for (std::size_t i = 0; i < site_->classes.size(); ++i) verify_class(i);
}

void Daemon::verify_trunks() {
  for (std::size_t i = 0; i < site_->trunks.size(); ++i) {
    if (!recoveries_->wants_verification(Plane::Trunk, i)) continue;
    const operations::Progress& p = recoveries_->progress(Plane::Trunk, i);
    const model::Trunk& trunk = site_->trunks[i];
    const model::TrunkMember& member = trunk.members[*p.choice];
    const model::Status s = status();
    const auto via = member.circuit ? member.circuit : s.plan.classes[trunk.class_of(member).index()].circuit;
    if (via && carrier_answers(s, member.carrier, *via, p.decided)) tell(recoveries_->on_verified(Plane::Trunk, i, boot_now()));
  }
  account_incidents();
}

model::Status Daemon::status() const {
  model::Status s;
  decider_->fill(s, boot_now());
  s.wall = wall_now();
  s.started = started_;
  s.overrides = overrides_.in_force();
  const bool held =
      std::ranges::any_of(s.overrides, [](const model::Override& o) { return o.kind == model::OverrideKind::Hold && o.subject.empty(); });
  s.mode = held ? model::Mode::Hold : model::Mode::Automatic;
  s.route_switch = actuators_->switch_status();
  s.pbxs = actuators_->pbx_statuses();
  connections_.fill(s);
  if (resolvers_) resolvers_->fill(s);
  if (calls_) calls_->fill(s);
  own_calls_->fill(s);
  recoveries_->fill(s);
  return s;
}

}  // namespace linekeeper::daemon
