#include "tests/sim/sim_senses.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/sim/oracle.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr int kActsATurn = 64;  // as options_client
constexpr int kNoBuffers = 105, kRefused = 111, kUnreachable = 101, kNoHost = 113;
constexpr Duration kForgedSoonest = 1ms;
constexpr std::uint32_t kTrying = 100;

sip::TransactionIds ids_of(std::uint64_t sequence) {
  const std::string n = std::to_string(sequence);
  return {.branch = "z9hG4bK" + n, .call_id = n, .from_tag = n, .cseq = static_cast<std::uint32_t>(sequence)};
}

sip::Response response_to(std::uint64_t sequence, int code) {
  const auto ids = ids_of(sequence);
  return {.status = code,
          .branch = ids.branch,
          .cseq = ids.cseq,
          .cseq_method = "OPTIONS",
          .call_id = ids.call_id,
          .received = {},
          .rport = {},
          .retry_after = {}};
}

}  // namespace

SimSenses::SimSenses(const model::Site& site, World& world, Timeline& timeline, Chance& chance, Story& story, Oracle& oracle, Planted bug,
                     std::uint32_t life, std::vector<sip::Debt>& debts, Sink sink)
    : site_(&site),
      world_(&world),
      timeline_(&timeline),
      chance_(&chance),
      story_(&story),
      oracle_(&oracle),
      bug_(bug),
      life_(life),
      debts_(&debts),
      sink_(std::move(sink)) {
  for (const model::Circuit& c : site.circuits)
    circuits_.push_back(
        {.pacing = probes::Pacing(c.targets.size(), site.probing.interval, site.probing.jitter_ratio, runtime::SeededRandom(chance.bits())),
         .plan = {.interval = site.probing.interval, .extra = {}}});
  for (std::size_t k = 0; k < site.carriers.size(); ++k)
    for (std::size_t c = 0; c < circuits_.size(); ++c)
      paths_.push_back({.client = sip::OptionsPath(model::id_at<model::CarrierId>(k), site.carriers[k], model::id_at<model::CircuitId>(c),
                                                   runtime::SeededRandom(chance.bits()), debts[k * circuits_.size() + c])});
}

void SimSenses::put(Instant at, Happening what, std::size_t a, std::uint64_t n, std::uint32_t b, Duration took) {
  timeline_->put({.at = at, .what = what, .a = static_cast<std::uint32_t>(a), .b = b, .n = n, .life = life_, .took = took});
}

void SimSenses::begin(Instant now) {
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    circuits_[c].pacing.start(now);
    arm(c, now);
  }
  for (std::size_t p = 0; p < paths_.size(); ++p) {
    const Duration most = std::min<Duration>(site_->carriers[p / circuits_.size()].interval, 2s);
    paths_[p].client.begin(now, chance_->between(0s, most));
    arm_path(p, now);
  }
}

void SimSenses::happen(const Event& e, Instant now) {
  switch (e.what) {
    case Happening::Probe: {
      Circuit& c = circuits_[e.a];
      if (e.n != c.armed) return;
      if (now >= c.pacing.due()) probe(e.a, c.pacing.take(now), model::ProbeKind::Scheduled, now);
      return arm(e.a, now);
    }
    case Happening::ExtraProbe:
      if (e.n == circuits_[e.a].extra_armed) extra(e.a, now);
      return;
    case Happening::Reply: return reply(e, now);
    case Happening::Rejected:
      return sink_(model::ProbeRejected{model::id_at<model::CircuitId>(e.a), model::TargetId{static_cast<std::uint16_t>(e.b)}, e.n, kNoHost}, now);
    case Happening::Options:
      if (static_cast<std::int64_t>(e.n) != paths_[e.a].armed.time_since_epoch().count()) return;
      paths_[e.a].armed = model::kNever;
      return options_due(e.a, now);
    case Happening::SipResponse: return response(e, now);
    default: return;
  }
}

// --- probes ---

void SimSenses::arm(std::size_t c, Instant now) { put(std::max(circuits_[c].pacing.due(), now), Happening::Probe, c, ++circuits_[c].armed); }

void SimSenses::arm_extra(std::size_t c, Instant at) { put(at, Happening::ExtraProbe, c, ++circuits_[c].extra_armed); }

void SimSenses::follow(std::size_t circuit, const model::ProbePlan& plan, Instant now) {
  Circuit& c = circuits_[circuit];
  const bool begins = plan.extra && bug_ != Planted::NoQuickProbes && !c.plan.extra;
  if (plan.interval != c.plan.interval) {
    c.pacing.set_interval(plan.interval, now);
    arm(circuit, now);
  }
  c.plan = plan;
  if (bug_ == Planted::NoQuickProbes) c.plan.extra.reset();
  if (!plan.extra) ++c.extra_armed;
  if (begins) arm_extra(circuit, now);
}

void SimSenses::extra(std::size_t circuit, Instant now) {
  Circuit& c = circuits_[circuit];
  if (!c.plan.extra) return;
  const std::size_t targets = site_->circuits[circuit].targets.size();
  for (std::size_t tried = 0; tried < targets; ++tried) {
    c.extra_turn = (c.extra_turn + 1) % targets;
    if ((c.plan.among >> c.extra_turn & 1) == 0) continue;
    probe(circuit, c.extra_turn, c.plan.kind, now);
    break;
  }
  if (c.plan.extra) arm_extra(circuit, now + *c.plan.extra);
}

void SimSenses::probe(std::size_t index, std::size_t position, model::ProbeKind kind, Instant now) {
  Circuit& c = circuits_[index];
  const auto circuit = model::id_at<model::CircuitId>(index);
  const auto& targets = (*site_)[circuit].targets;
  const model::TargetId target = targets[position];
  if (!c.linked) return;
  if (world_->line(index).local_errors > 0) {
    oracle_->on_local_error(index, now);
    if (bug_ != Planted::LocalErrorsAreLosses) return sink_(model::ProbeLocalError{circuit, target, kNoBuffers}, now);
    return sink_(model::ProbeSent{circuit, target, ++c.sequence, judged(now), kind}, now);
  }
  const std::uint64_t sequence = ++c.sequence;
  c.newest_target = target.index();
  auto answered = world_->probe(index, target.index(), now);
  story_->mark(answered ? static_cast<std::uint64_t>(answered->count()) : sequence);
  oracle_->on_probe(index, target.index(), kind, answered, now);
  if (bug_ == Planted::TrustOneTarget) answered = world_->probe(index, targets[0].index(), now);
  const auto& died = oracle_->truth().circuit(index).dead_since;
  if (bug_ == Planted::DeadStillAnswer && index > 0 && died && now - *died < 2s) answered = 20ms;
  const model::TargetId named = bug_ == Planted::MixTargetsUp ? targets[(position + sequence / targets.size()) % targets.size()] : target;
  sink_(model::ProbeSent{circuit, named, sequence, judged(now), kind}, now);
  rejected(index, named, sequence, now);
  if (!answered) return;
  put(now + *answered, Happening::Reply, index, sequence, named.value, *answered);
  if (world_->line(index).duplicates > 0 || world_->line(index).forged > 0) strangers(index, target, sequence, *answered, now);
}

/// Answers that count for nothing: the same once more, and such as were never asked for.
void SimSenses::strangers(std::size_t c, model::TargetId target, std::uint64_t sequence, Duration took, Instant now) {
  const Instant at = now + took + chance_->between(1ms, 400ms);
  const std::uint64_t never_sent = sequence + 1 + chance_->below(1000);
  if (world_->line(c).duplicates > 0) put(at, Happening::Reply, c, sequence, target.value, at - now);
  if (world_->line(c).forged > 0) put(now, Happening::Reply, c, never_sent, target.value, took);
}

/// An ICMP error for a probe: from a router that cannot deliver it, or from whoever would like us to believe that.
void SimSenses::rejected(std::size_t c, model::TargetId target, std::uint64_t sequence, Instant now) {
  const Line& line = world_->line(c);
  if (line.rejects > 0 || line.forged_rejects > 0)
    put(now + (line.rejects > 0 ? line.nature.delay : kForgedSoonest), Happening::Rejected, c, sequence, target.value);
}

void SimSenses::reply(const Event& e, Instant now) {
  if (e.n <= circuits_[e.a].sequence) oracle_->on_reply(e.a, e.b, now - e.took);  // not a forged one
  if (bug_ == Planted::RejectionIsDeath && world_->line(e.a).forged_rejects > 0) return;
  if (bug_ == Planted::DropLateReplies && e.took > 150ms) return;
  const auto circuit = model::id_at<model::CircuitId>(e.a);
  sink_(model::ProbeReply{circuit, model::TargetId{static_cast<std::uint16_t>(e.b)}, e.n, e.took}, now);
  if (bug_ != Planted::RepliesOfOtherCircuits) return;
  const std::size_t other = (e.a + 1) % circuits_.size();
  sink_(model::ProbeReply{model::id_at<model::CircuitId>(other), model::id_at<model::TargetId>(circuits_[other].newest_target),
                          circuits_[other].sequence, e.took},
        now);
}

void SimSenses::rebuild(std::size_t circuit, Instant now) {
  for (std::size_t p = circuit; p < paths_.size(); p += circuits_.size()) {
    paths_[p].client.forget();
    paths_[p].client.changed(now);
    arm_path(p, now);
  }
}

// --- OPTIONS ---

void SimSenses::ask(std::size_t carrier, std::uint64_t circuits, Instant now) {
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    if ((circuits >> c & 1) == 0) continue;
    const std::size_t p = carrier * circuits_.size() + c;
    paths_[p].client.doubted(now);
    arm_path(p, now);
  }
}

void SimSenses::arm_path(std::size_t p, Instant now) {
  const Instant at = paths_[p].client.next_wakeup();
  if (at == model::kNever || at == paths_[p].armed) return;
  paths_[p].armed = at;
  put(std::max(at, now), Happening::Options, p, static_cast<std::uint64_t>(at.time_since_epoch().count()));
}

void SimSenses::options_due(std::size_t p, Instant now) {
  sip::OptionsPath& client = paths_[p].client;
  for (int n = 0; n < kActsATurn; ++n) {
    const auto turn = client.turn(now);
    switch (turn.act) {
      case sip::OptionsPath::Act::Nothing: return arm_path(p, now);
      case sip::OptionsPath::Act::Start: send_options(p, turn.sequence, false, now); break;
      case sip::OptionsPath::Act::Repeat: send_options(p, turn.sequence, true, now); break;
      case sip::OptionsPath::Act::Tell: tell(p, turn.told, now); break;
    }
  }
  story_->broken("bounded", "an OPTIONS path finds no end of things to do", now);
}

void SimSenses::send_options(std::size_t p, std::uint64_t sequence, bool again, Instant now) {
  sip::OptionsPath& client = paths_[p].client;
  const SipAnswer answer = world_->options(p / circuits_.size(), p % circuits_.size(), now);
  if (answer.fate == SipAnswer::Fate::NotSent) {
    const int error = world_->line(p % circuits_.size()).linked() ? kNoBuffers : kUnreachable;
    return tell(p, again ? client.failed(sequence, error, now) : sip::OptionsPath::Told(client.not_started(sequence, error, now)), now);
  }
  if (!again) client.started(sequence, ids_of(sequence), {}, now);
  (*debts_)[p] = client.debt();
  if (answer.tries_after) put(now + *answer.tries_after, Happening::SipResponse, p, sequence, kTrying);
  if (answer.fate == SipAnswer::Fate::Lost) return;
  const int code = answer.fate == SipAnswer::Fate::Refused ? 0 : answer.code;
  put(now + answer.after, Happening::SipResponse, p, sequence, static_cast<std::uint32_t>(code));
}

void SimSenses::response(const Event& e, Instant now) {
  sip::OptionsPath& client = paths_[e.a].client;
  tell(e.a, e.b == 0 ? client.refused(kRefused, now) : client.on_response(response_to(e.n, static_cast<int>(e.b)), now), now);
  arm_path(e.a, now);
}

void SimSenses::tell(std::size_t p, const sip::OptionsPath::Told& told, Instant now) {
  (*debts_)[p] = paths_[p].client.debt();
  if (!told) return;
  model::Observation o = *told;
  if (const auto* outcome = std::get_if<model::SipOutcome>(&o)) oracle_->on_outcome(*outcome, now);
  std::visit(
      [&](auto& each) {
        if constexpr (requires {
                        each.carrier;
                        each.sent;
                      })
          each.sent = judged(each.sent);
      },
      o);
  sink_(o, now);
}

}  // namespace linekeeper::sim
