#include "controller/operations/replay.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "controller/model/status.hpp"

namespace linekeeper::operations {

using model::EventId;
using model::Instant;

namespace {

constexpr std::chrono::seconds kNeedless{1};

std::string field(const model::Event& event, std::string_view key) {
  const auto found = std::ranges::find(event.fields, key, &std::pair<std::string, std::string>::first);
  return found == event.fields.end() ? std::string() : found->second;
}

std::string moment(model::WallTime t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(t - day));
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

/// "a, b and c"
std::string listed(const std::set<std::string>& names) {
  std::string all;
  std::size_t left = names.size();
  for (const std::string& name : names) {
    all += (all.empty() ? "" : left == 1 ? " and " : ", ") + name;
    --left;
  }
  return all;
}

}  // namespace

bool told_by_the_judge(EventId id) {
  switch (id) {
    case EventId::LinkChanged:
    case EventId::CircuitUp:
    case EventId::CircuitDegraded:
    case EventId::CircuitDown:
    case EventId::CircuitUnknown:
    case EventId::PathUp:
    case EventId::PathDegraded:
    case EventId::PathDown:
    case EventId::PathUnknown:
    case EventId::CarrierUp:
    case EventId::CarrierDegraded:
    case EventId::CarrierDown:
    case EventId::CarrierUnknown:
    case EventId::CarrierCodeChanged:
    case EventId::CarrierUnauthorised:
    case EventId::CarrierAuthorised:
    case EventId::CarrierSeesOther:
    case EventId::RoutingMoved:
    case EventId::RoutingShared:
    case EventId::TrunkMoved:
    case EventId::AllBad:
    case EventId::GuardHeld:
    case EventId::CircuitSuspect:
    case EventId::CircuitCleared:
    case EventId::TargetSetAside:
    case EventId::TargetReturned:
    case EventId::DiagnosisMade:
    case EventId::DiagnosisOver:
    case EventId::CheckFailed:
    case EventId::CheckPassed:
    case EventId::HopsShared:
    case EventId::HopsApart:
    case EventId::EndpointUp:
    case EventId::EndpointDown:
    case EventId::CarrierLocated:
    case EventId::CarrierNotLocated:
    case EventId::CarrierAddressRefused:
    case EventId::ProberStuck:
    case EventId::CallsFail:
    case EventId::CallsTrial:
    case EventId::CallsWell: return true;
    case EventId::DaemonStarted:
    case EventId::DaemonStopped:
    case EventId::ConfigReloaded:
    case EventId::ConfigRejected:
    case EventId::PlanApplied:
    case EventId::PlanRefused:
    case EventId::PlanFailed:
    case EventId::RoutingVerified:
    case EventId::TrunkVerified:
    case EventId::VerifyFailed:
    case EventId::IncidentOpened:
    case EventId::IncidentClosed:
    case EventId::OverrideSet:
    case EventId::OverrideReleased:
    case EventId::OverrideExpired:
    case EventId::SwitchConnected:
    case EventId::SwitchLost:
    case EventId::SwitchDrift:
    case EventId::PbxConnected:
    case EventId::PbxLost:
    case EventId::PbxCorrected:
    case EventId::ConnectionsStay:
    case EventId::ConnectionsEnded:
    case EventId::ConnectionsCut:
    case EventId::ConnectionsUnkept:
    case EventId::CarrierCertificate:
    case EventId::TrialFailed:
    case EventId::TrialCarried:
    case EventId::RegistrationLost:
    case EventId::RegistrationMade:
    case EventId::CarrierTlsFiles:
    case EventId::CarrierOverloaded:
    case EventId::ResolversMoved:
    case EventId::ResolversSilent:
    case EventId::ResolversAnswering:
    case EventId::ResolversUnwritten:
    case EventId::CallsUnheard:
    case EventId::LoopStalled: return false;
  }
  return false;
}

/// One judge at work, from a start to the next.
struct Replay::Judge {
  Judge(model::SitePtr with, Instant now) : site(std::move(with)), decider(site, now), hindsight(*site), begun(now), last(now) {
    classes.resize(site->classes.size());
    trunks.resize(site->trunks.size());
    newest_sequence.resize(site->circuits.size());
  }

  model::SitePtr site;
  decision::Decider decider;
  Hindsight hindsight;
  journal::BlockNames names;
  std::optional<Translation> translation;  // of those names
  Instant next_wakeup = model::kNever;
  Instant begun{};
  Instant last{};                     // until when it has been told
  std::optional<Instant> span_begin;  // the first instant within the span that is told of
  Instant span_end{};
  std::vector<std::vector<Way>> classes, trunks;  // each in order
  std::vector<Escape> escapes;
  std::set<std::size_t> needless;  // of escapes
  std::vector<std::uint64_t> newest_sequence;
};

Replay::Replay(Settings settings) : settings_(std::move(settings)) { story_.answers.resize(settings_.questions.size()); }
Replay::~Replay() = default;

void Replay::remark(std::string sentence) {
  if (remarked_.insert(sentence).second) story_.remarks.push_back(std::move(sentence));
}

ServiceStory& Replay::service(Plane plane, const std::string& name) {
  for (ServiceStory& s : story_.services)
    if (s.plane == plane && s.name == name) return s;
  return story_.services.emplace_back(ServiceStory{.plane = plane, .name = name});
}

void Replay::damaged(const journal::RecordedBlock& stored, const std::string& why) {
  remark(fmt::format("At {}: {}; it is left out.", moment(stored.wall), why));
}

void Replay::feed(const journal::RecordedBlock& stored, const journal::Block& block) {
  const bool same_run = begun_ && stored.boot_id == boot_id_ && block.head.run == run_;
  const bool follows = same_run && block.head.index == next_index_;
  if (!follows) {
    end();
    if (same_run || block.head.index != 0)
      remark(
          fmt::format("Before {} a part of the recording is missing; from the next note of how things stood on, a judge that knows no more than "
                      "that decides: right away it may decide otherwise than the one then.",
                      moment(stored.wall)));
  }
  begun_ = true;
  if (boot_id_ != stored.boot_id) earlier_boots_.insert(boot_id_);
  boot_id_ = stored.boot_id;
  run_ = block.head.run;
  next_index_ = block.head.index + 1;
  here_ = stored;
  here_.bytes.clear();
  if (judge_ && (!judge_->translation || judge_->names != block.head.names)) judge_->translation.reset();
  std::optional<Instant> first, last;
  for (const journal::Record& record : block.records) {
    if (std::holds_alternative<journal::DeciderStarted>(record.input)) start(stored.config_sha256, record.now);
    if (!judge_)
      if (const auto* standing = std::get_if<journal::Standing>(&record.input)) {
        start(stored.config_sha256, record.now);
        if (judge_) {
          judge_->names = block.head.names;
          resume(*standing, record.now);
        }
      }
    if (!judge_) continue;
    if (!judge_->translation) {
      judge_->names = block.head.names;
      judge_->translation.emplace(judge_->names, *judge_->site);
      if (!judge_->translation->left_out().empty())
        remark("Recorded, and not in this configuration, so left out: " + listed(judge_->translation->left_out()) + ".");
      if (!judge_->translation->unheard_of().empty())
        remark("In this configuration, and never recorded, so nothing is known of it: " + listed(judge_->translation->unheard_of()) + ".");
    }
    if (!first) first = record.now;
    last = record.now;
    take(record, stored);
  }
  if (first) story_.covered.push_back({.boot_id = boot_id_, .first = *first, .last = *last, .wall = stored.wall_at(*first)});
}

void Replay::start(const std::string& sha256, Instant now) {
  end();
  model::SitePtr site = settings_.site(sha256);
  if (!site) {
    remark(fmt::format("At {} a configuration was in force that is not known (sha256 {:.12}...): until the next one nothing is decided.",
                       moment(here_.wall_at(now)), sha256));
    return;
  }
  judge_ = std::make_unique<Judge>(std::move(site), now);
}

void Replay::resume(const journal::Standing& standing, Instant now) {
  Judge& j = *judge_;
  j.translation.emplace(j.names, *j.site);
  const auto translated = j.translation->of(standing);
  if (!translated) return;
  const auto& s = std::get<journal::Standing>(*translated);
  for (const journal::Recalled& r : s.learned) give(r, now);
  for (const model::LinkState& l : s.links) give(model::Observation(l), now);
  for (const model::GatewayState& g : s.gateways) give(model::Observation(g), now);
  for (const model::ResolverState& r : s.resolvers) give(model::Observation(r), now);
  give(s.orders, now);
  give(s.routes, now);
  for (const journal::TrunkAdopted& t : s.trunks) give(t, now);
}

void Replay::take(const journal::Record& record, const journal::RecordedBlock& stored) {
  Judge& j = *judge_;
  answer_until(record.now);
  if (settings_.own_wakes) wake_until(record.now);
  j.last = record.now;
  const model::WallTime wall = stored.wall_at(record.now);
  if (wall >= settings_.since && wall <= settings_.until) {
    if (!j.span_begin) j.span_begin = record.now;
    j.span_end = record.now;
    if (std::holds_alternative<model::Observation>(record.input)) ++story_.observations;
    if (std::holds_alternative<journal::DeciderStarted>(record.input)) ++story_.starts;
  }
  if (std::holds_alternative<journal::DeciderStarted>(record.input) || std::holds_alternative<journal::Standing>(record.input)) return;
  if (settings_.own_wakes && std::holds_alternative<journal::Woken>(record.input)) return;
  if (const auto translated = j.translation->of(record.input)) give(*translated, record.now);
  // A trunk that nobody recorded has nothing standing that could be kept.
  if (std::holds_alternative<journal::RoutesAdopted>(record.input))
    for (const model::TrunkId trunk : j.translation->new_trunks()) give(journal::TrunkAdopted{.trunk = trunk, .sets = {}}, record.now);
}

void Replay::wake_until(Instant now) {
  Judge& j = *judge_;
  while (j.next_wakeup < now) {
    const Instant due = std::max(j.next_wakeup, j.last);
    answer_until(due);
    j.next_wakeup = model::kNever;
    listen(j.decider.wake(due));
    if (j.next_wakeup <= due) j.next_wakeup = due + std::chrono::milliseconds(1);  // it must not stand still
  }
}

namespace {

/// What is given to the judge, call by call.
struct Giver {
  decision::Decider& decider;
  Instant now;

  const decision::Output* operator()(const model::Observation& o) const { return &decider.observe(o, now); }
  const decision::Output* operator()(const journal::ShareFound& i) const {
    return &decider.adopt(decision::ShareFound{.traffic_class = i.traffic_class, .circuits = i.circuits}, now);
  }
  const decision::Output* operator()(const journal::RoutesAdopted& i) const {
    return &decider.adopt(decision::Adopted{.generation = i.generation, .classes = i.classes}, now);
  }
  const decision::Output* operator()(const journal::TrunkAdopted& i) const {
    return &decider.adopt(decision::TrunkAdopted{.trunk = i.trunk, .sets = i.sets}, now);
  }
  const decision::Output* operator()(const journal::OrdersGiven& i) const { return &decider.order(decision::OrdersInForce{i.overrides}, now); }
  const decision::Output* operator()(const journal::Reissued&) const { return &decider.reissue(now); }
  const decision::Output* operator()(const journal::Woken&) const { return &decider.wake(now); }
  const decision::Output* operator()(const journal::Recalled& i) const {
    decider.recall(i.circuit, i.text, i.age);
    return nullptr;
  }
  const decision::Output* operator()(const journal::MovesRecalled& i) const {
    decider.recall(i.traffic_class, i.text, i.age);
    return nullptr;
  }
  const decision::Output* operator()(const journal::MovesHeld& i) const {
    decision::MovesHeld held;
    for (const journal::MovesHeld::Move& m : i.moves)
      held.moves.push_back({.traffic_class = m.traffic_class, .stands = m.stands, .escape = m.escape, .again_after = m.again_after});
    return &decider.held(held, now);
  }
  const decision::Output* operator()(const journal::WayProbed& i) const {
    return &decider.prove(
        {.traffic_class = i.traffic_class, .by = i.by, .result = i.proven ? decision::ProofResult::Proven : decision::ProofResult::Unproven}, now);
  }
  const decision::Output* operator()(const journal::DeciderStarted&) const { return nullptr; }
  const decision::Output* operator()(const journal::Standing&) const { return nullptr; }
};

}  // namespace

void Replay::give(const journal::Input& input, Instant now) {
  if (const auto* observation = std::get_if<model::Observation>(&input)) hear(*observation, now);
  if (const decision::Output* out = std::visit(Giver{judge_->decider, now}, input)) listen(*out);
}

void Replay::hear(const model::Observation& observation, Instant now) {
  Judge& j = *judge_;
  j.hindsight.hear(observation, now);
  if (const auto* sent = std::get_if<model::ProbeSent>(&observation)) {
    auto& newest = j.newest_sequence[sent->circuit.index()];
    newest = std::max(newest, sent->sequence);
    for (Escape& e : j.escapes)
      if (e.from == sent->circuit && sent->sent - e.at <= kNeedless) e.newest_sequence = std::max(e.newest_sequence, sent->sequence);
  } else if (const auto* reply = std::get_if<model::ProbeReply>(&observation)) {
    for (std::size_t i = 0; i < j.escapes.size(); ++i)
      if (const Escape& e = j.escapes[i]; e.from == reply->circuit && reply->sequence <= e.newest_sequence && now > e.at) j.needless.insert(i);
  }
}

void Replay::listen(const decision::Output& out) {
  Judge& j = *judge_;
  j.next_wakeup = out.next_wakeup;
  for (const model::Event& told : out.events) {
    journal::RecordedEvent event{.event = told, .boot_id = boot_id_};
    event.event.wall = here_.wall_at(told.at);
    if (event.event.wall < settings_.since || event.event.wall > settings_.until) continue;
    if (told.id == EventId::RoutingMoved && field(told, "motive") == to_string(model::Motive::Escape)) {
      const auto from = std::ranges::find(j.site->circuits, field(told, "from"), &model::Circuit::name);
      const auto name = std::ranges::find_if(j.site->classes, [&](const auto& c) { return told.subject == "class " + c.name; });
      if (from != j.site->circuits.end() && name != j.site->classes.end()) {
        const auto circuit = static_cast<std::size_t>(from - j.site->circuits.begin());
        j.escapes.push_back({.service = static_cast<std::size_t>(name - j.site->classes.begin()),
                             .from = model::id_at<model::CircuitId>(circuit),
                             .at = told.at,
                             .newest_sequence = j.newest_sequence[circuit]});
      }
    }
    story_.events.push_back(std::move(event));
  }
  if (!out.plan) return;
  const Instant at = out.plan->decided;
  const auto follow = [at](std::vector<Way>& ways, std::optional<model::CircuitId> circuit, std::optional<model::CarrierId> carrier) {
    if (!ways.empty() && ways.back().circuit == circuit && ways.back().carrier == carrier) return;
    ways.push_back({.circuit = circuit, .carrier = carrier, .since = at});
  };
  for (const model::ClassChoice& c : out.plan->classes) follow(j.classes[c.traffic_class.index()], c.circuit, std::nullopt);
  for (const model::TrunkChoice& t : out.plan->trunks) {
    if (t.order.empty()) continue;
    const model::Trunk& trunk = (*j.site)[t.trunk];
    const model::TrunkMember& first = trunk.members[t.order.front().member];
    follow(j.trunks[t.trunk.index()], first.circuit ? first.circuit : out.plan->classes[trunk.class_of(first).index()].circuit, first.carrier);
  }
}

void Replay::end() {
  if (!judge_) return;
  Judge& j = *judge_;
  answer_until(j.last + model::Duration(1));
  j.hindsight.finish(j.last);
  const auto account = [&](ServiceStory& s, const std::vector<Way>& ways) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const Instant from = std::max(ways[i].since, j.span_begin.value_or(j.span_end));
      const Instant to = std::min(i + 1 < ways.size() ? ways[i + 1].since : j.span_end, j.span_end);
      if (ways[i].circuit && to > from) s.silent += j.hindsight.silent(*ways[i].circuit, ways[i].carrier, from, to);
    }
  };
  for (std::size_t i = 0; i < j.classes.size(); ++i) account(service(Plane::Routing, j.site->classes[i].name), j.classes[i]);
  for (std::size_t i = 0; i < j.trunks.size(); ++i) account(service(Plane::Trunk, j.site->trunks[i].name), j.trunks[i]);
  for (const std::size_t i : j.needless) ++service(Plane::Routing, j.site->classes[j.escapes[i].service].name).needless;
  judge_.reset();
}

void Replay::answer_until(Instant now) {
  while (asked_ < settings_.questions.size()) {
    const Question& q = settings_.questions[asked_];
    if (q.boot_id != boot_id_) {
      if (!earlier_boots_.contains(q.boot_id)) return;  // its turn will come
      ++asked_;
      continue;
    }
    // Everything that was told at that very instant has been heard.
    if (!judge_ || q.at >= now) return;
    if (q.at >= judge_->begun) story_.answers[asked_] = answer(q);
    ++asked_;
  }
}

Answer Replay::answer(const Question& q) const {
  model::Status s;
  judge_->decider.fill(s, q.at);
  const model::Site& site = *judge_->site;
  const auto about = std::ranges::find_if(s.circuits, [&](const auto& c) { return site[c.circuit].name == q.about; });
  std::string reason;
  if (about != s.circuits.end()) {
    const model::Detectors& d = about->detectors;
    const bool waits = about->verdict.health != model::Health::Down && d.silent > model::Duration::zero() && d.silent < d.dead_after;
    reason = waits ? fmt::format("silent for {:.1f} s then, it would need {:.1f} s", model::seconds(d.silent), model::seconds(d.dead_after))
                   : q.about + ": " + about->reason;
  }
  for (const model::ClassChoice& c : s.plan.classes)
    if (q.subject == "class " + site[c.traffic_class].name) return {.stands = c.circuit ? site[*c.circuit].name : "", .reason = reason};
  for (const model::TrunkChoice& t : s.plan.trunks) {
    if (q.subject != "trunk " + site[t.trunk].name || t.order.empty()) continue;
    const model::TrunkMember& first = site[t.trunk].members[t.order.front().member];
    return {.stands = first.circuit ? fmt::format("{} via {}", site[first.carrier].name, site[*first.circuit].name) : site[first.carrier].name,
            .reason = t.reason};
  }
  for (const model::CircuitStatus& c : s.circuits)
    if (q.subject == "circuit " + site[c.circuit].name) return {.stands = std::string(to_string(c.verdict.health)), .reason = reason};
  for (const model::CarrierStatus& c : s.carriers)
    if (q.subject == "carrier " + site[c.carrier].name) return {.stands = std::string(to_string(c.verdict.health)), .reason = c.reason};
  return {};
}

Story Replay::finish() {
  end();
  for (const journal::RecordedEvent& e : story_.events) {
    if (e.event.id == EventId::RoutingMoved && e.event.subject.starts_with("class ")) ++service(Plane::Routing, e.event.subject.substr(6)).moves;
    if (e.event.id == EventId::TrunkMoved && e.event.subject.starts_with("trunk ")) ++service(Plane::Trunk, e.event.subject.substr(6)).moves;
  }
  return std::move(story_);
}

}  // namespace linekeeper::operations
