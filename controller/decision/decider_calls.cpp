// How the judge hears calls as witnesses: what each path's test is told, and what is told when a path takes no calls, is tried and is well.
#include <fmt/format.h>

#include "controller/decision/decider.hpp"
#include "controller/decision/explain.hpp"
#include "controller/decision/kept_text.hpp"

namespace linekeeper::decision {

using model::CallFate;
using model::EventId;
using model::Instant;

bool Decider::note_call(const model::CallOutcome& o, Instant now) {
  if (witnesses_.empty()) return false;
  const std::size_t i = o.carrier.index() * circuits_.size() + o.circuit.index();
  CallWitness& witness = witnesses_.at(i);
  const PathEndpoints& p = paths_[i];
  // What the carrier says in words is its own by any circuit; silence and slowness are only while the circuit carries what it should.
  const bool in_words = o.fate == CallFate::CarrierFailed && o.code != 0;
  const bool below_well = circuits_[o.circuit.index()].verdict().health != model::Health::Down && !doubtful(o.circuit.index());
  const CallWitness::Change change = witness.on(o, in_words || (below_well && now >= doubt_until_), p.last_was_bad(), now);
  due_calls_.set(i, witness.next_wakeup());
  // The carrier as a whole: what failed here a moment ago need not be tried by its other circuits a moment later.
  for (std::size_t c = 0; change == CallWitness::Change::Fails && c < circuits_.size(); ++c) {
    const std::size_t sibling = o.carrier.index() * circuits_.size() + c;
    if (sibling == i || !witnesses_[sibling].fails()) continue;
    witnesses_[sibling].wait_for_own_call(now);
    due_calls_.set(sibling, witnesses_[sibling].next_wakeup());
  }
  tell_calls(i, change, now);
  return change != CallWitness::Change::None;
}

bool Decider::look_at_calls(Instant now) {
  bool changed = false;
  while (due_calls_.next() <= now) {
    const std::size_t i = due_calls_.first();
    CallWitness& witness = witnesses_[i];
    const auto carrier = model::id_at<model::CarrierId>(i / circuits_.size());
    const auto circuit = model::id_at<model::CircuitId>(i % circuits_.size());
    if ((*site_)[carrier].tried_by_call) {  // nobody's call is risked for it
      if (out_.try_call) break;             // one at a time: the next at the next look, a moment later
      witness.wait_for_own_call(now);
      out_.try_call = TryCall{carrier, circuit};
    } else {
      const CallWitness::Change change = witness.wake(now);
      tell_calls(i, change, now);
      changed = changed || change != CallWitness::Change::None;
    }
    due_calls_.set(i, std::max(witness.next_wakeup(), now + model::Duration(1)));
  }
  return changed;
}

void Decider::tell_calls(std::size_t i, CallWitness::Change change, Instant now) {
  if (change == CallWitness::Change::None) return;
  diagnosis_due_ = true;
  const CallWitness& witness = witnesses_[i];
  const std::string& circuit = site_->circuits[i % circuits_.size()].name;
  const std::string name = fmt::format("{} via {}", site_->carriers[i / circuits_.size()].name, circuit);
  switch (change) {
    case CallWitness::Change::Fails:
      tell(EventId::CallsFail, "path " + name,
           fmt::format("{} takes no calls: {} while OPTIONS are {}. It is held out for {}.", name, witness.why(),
                       paths_[i].last_was_bad() ? "not well either" : "answered", words(witness.hold_down(now))),
           now,
           {{"code", std::to_string(witness.last_code())},
            {"held_s", fmt::format("{:.0f}", model::seconds(witness.hold_down(now)))},
            {"first_bad_boot_ns", std::to_string(witness.first_bad().time_since_epoch().count())}});
      break;
    case CallWitness::Change::Trial:
      tell(EventId::CallsTrial, "path " + name, fmt::format("{} may have calls again, to see whether they pass.", name), now);
      break;
    case CallWitness::Change::Well: tell(EventId::CallsWell, "path " + name, fmt::format("Calls pass by {} again.", name), now); break;
    case CallWitness::Change::None: break;
  }
}

/// The carrier takes no calls by another circuit, and none has passed by this one since: most likely it is the carrier, and a caller
/// need not find out.
bool Decider::calls_doubtful(model::CarrierId carrier, model::CircuitId via) const {
  if (witnesses_.empty()) return false;
  const std::size_t first = carrier.index() * circuits_.size();
  if (witnesses_[first + via.index()].standing() == model::CallsStanding::Trial) return false;  // it has served its own time
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    const CallWitness& other = witnesses_[first + c];
    if (c != via.index() && other.fails() && !witnesses_[first + via.index()].proven_since(other.first_bad())) return true;
  }
  return false;
}

namespace {
constexpr std::string_view kMark = "\tcalls";
}

std::string Decider::calls_memory(model::CircuitId circuit, Instant now) const {
  if (witnesses_.empty()) return {};
  std::string out(kMark);
  for (std::size_t k = 0; k < site_->carriers.size(); ++k)
    if (const std::string text = witnesses_[k * circuits_.size() + circuit.index()].to_text(now); !text.empty())
      out += fmt::format(" {}={}", site_->carriers[k].name, text);
  return out;
}

bool Decider::recall_calls(model::CircuitId circuit, std::string_view& text, model::Duration age) {
  const std::size_t mark = text.rfind(kMark);
  if (mark == std::string_view::npos) return true;  // nobody told of calls then
  const auto kept = kept_by_carrier(text.substr(mark + kMark.size()));
  if (!kept) return false;
  std::vector<std::pair<std::size_t, CallWitness>> read;
  for (const auto& [carrier, one] : *kept)
    for (std::size_t k = 0; !witnesses_.empty() && k < site_->carriers.size(); ++k) {
      if (site_->carriers[k].name != carrier) continue;  // a carrier that is configured no more is forgotten
      CallWitness witness(site_->calls);
      if (!witness.recall(one, started_, age)) return false;
      read.emplace_back(k * circuits_.size() + circuit.index(), witness);
    }
  for (const auto& [at, witness] : read) {
    due_calls_.set(at, std::max(witness.next_wakeup(), started_));
    witnesses_[at] = witness;
  }
  text = text.substr(0, mark);
  return true;
}

model::Duration Decider::slow_after(model::CarrierId carrier, model::CircuitId circuit) const {
  if (witnesses_.empty()) return site_->calls.slow_max;
  return witnesses_.at(carrier.index() * circuits_.size() + circuit.index()).slow_after();
}

}  // namespace linekeeper::decision
