#include "tests/sim/scenario_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/scenario_text.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using model::Instant;

namespace {

bool at_the_end(const Expectation& e) { return e.claim == Claim::Moves || e.claim == Claim::Says; }

}  // namespace

ScenarioCheck::ScenarioCheck(const Script& script, const ModelSwitch& route_switch, const ModelPbx& pbx, SimDaemon& daemon)
    : script_(&script),
      switch_(&route_switch),
      pbx_(&pbx),
      daemon_(&daemon),
      done_(script.expectations.size()),
      stood_(script.site.classes.size() + script.site.trunks.size()) {
  if (!script.expectations.empty()) daemon.remember_events();
}

std::optional<std::size_t> ScenarioCheck::first_of(std::size_t trunk, Instant now) const {
  const auto sets = pbx_->standing(trunk, now);
  const auto& members = script_->site.trunks[trunk].members;
  if (sets.empty()) return std::nullopt;
  return static_cast<std::size_t>(std::ranges::find(members, sets.front(), &model::TrunkMember::dispatcher_set) - members.begin());
}

void ScenarioCheck::watch_moves(Instant now) {
  const std::size_t classes = script_->site.classes.size();
  for (std::size_t i = 0; i < stood_.size(); ++i) {
    const auto stands = i < classes ? switch_->told(i) : first_of(i - classes, now);
    if (!stands || stands == stood_[i]) continue;
    if (stood_[i]) moves_.push_back({now, i});
    stood_[i] = stands;
  }
}

void ScenarioCheck::look(Instant now) {
  if (script_->expectations.empty()) return;
  watch_moves(now);
  for (std::size_t i = 0; i < done_.size(); ++i) {
    const Expectation& e = script_->expectations[i];
    if (!done_[i] && e.from < e.to && !at_the_end(e) && now >= kBegin + e.from && now <= kBegin + e.to) hold_against(i, now);
  }
}

void ScenarioCheck::passed(Instant now, Instant next) {
  for (std::size_t i = 0; i < done_.size(); ++i) {
    const Expectation& e = script_->expectations[i];
    const Instant to = kBegin + e.to;
    if (!done_[i] && (e.from == e.to || at_the_end(e)) && now <= to && to < next) hold_against(i, now);
  }
}

void ScenarioCheck::hold_against(std::size_t i, Instant now) {
  const Expectation& e = script_->expectations[i];
  shown_ = now;
  std::string was = contradicted(e, now);
  if (was.empty()) return;
  done_[i] = true;
  disappointments_.push_back({.line = e.line, .expected = e.text, .was = std::move(was), .at = shown_});
}

std::string ScenarioCheck::contradicted(const Expectation& e, Instant now) {
  const auto named = [&](std::string_view is) { return is == e.word ? std::string() : fmt::format("it is {}", is); };
  switch (e.claim) {
    case Claim::Via: return way_of(e);
    case Claim::SharedBy: return share_of(e);
    case Claim::Begins: return beginning_of(e, now);
    case Claim::Moves:
    case Claim::Says: return counted(e);
    default: break;
  }
  if (!daemon_->status(status_, now)) return "there is no daemon that could say so";
  switch (e.claim) {
    case Claim::CircuitIs: {
      if (e.a >= status_.circuits.size()) return "it is not configured";
      const model::CircuitStatus& c = status_.circuits[e.a];
      if (e.word == "suspect" || e.word == "clear") return named(c.suspect ? "suspect" : "clear");
      return named(to_string(c.verdict.health));
    }
    case Claim::CarrierIs:
      if (e.a >= status_.carriers.size()) return "it is not configured";
      return named(to_string(status_.carriers[e.a].verdict.health));
    case Claim::TargetIs: return target_of(e);
    default: return diagnosis_of(e);
  }
}

std::string ScenarioCheck::way_of(const Expectation& e) const {
  const auto by = switch_->told(e.a);
  if (by == e.b) return {};
  return fmt::format("{} goes {}", script_->site.classes[e.a].name, by ? "via " + script_->site.circuits[*by].name : std::string("no way"));
}

std::string ScenarioCheck::share_of(const Expectation& e) const {
  const model::Site& site = script_->site;
  const auto ways = switch_->find_ways(e.a);
  std::string by;  // in the class's order, as it is written
  for (const model::CircuitId c : site.classes[e.a].circuits)
    if (std::ranges::find(ways, c.index()) != ways.end()) by += (by.empty() ? "" : ",") + site[c].name;
  if (by == e.word) return {};
  return fmt::format("{} is shared by {}", site.classes[e.a].name, by.empty() ? "nobody" : by);
}

std::string ScenarioCheck::beginning_of(const Expectation& e, Instant now) const {
  const model::Trunk& trunk = script_->site.trunks[e.a];
  const auto first = first_of(e.a, now);
  if (!first) return "the PBX goes by its own order";
  const model::TrunkMember& m = trunk.members[*first];
  const auto by = m.circuit ? std::optional(m.circuit->index()) : switch_->told(trunk.class_of(m).index());
  if (m.carrier.index() == *e.b && (!e.c || e.c == by)) return {};
  return fmt::format("{} begins {}{}", trunk.name, script_->site[m.carrier].name, by ? " via " + script_->site.circuits[*by].name : "");
}

std::string ScenarioCheck::target_of(const Expectation& e) const {
  for (const model::CircuitStatus& c : status_.circuits) {
    if (e.b && c.circuit.index() != *e.b) continue;
    for (const model::TargetStatus& t : c.targets) {
      if (t.target.index() != e.a) continue;
      const bool counts = t.set_aside == model::SetAside::No;
      const bool as_said = e.word == "counted" ? counts : e.word == "set-aside" ? !counts : to_string(t.set_aside) == e.word;
      if (!as_said) return fmt::format("on {} it is {}", script_->site[c.circuit].name, counts ? "counted" : to_string(t.set_aside));
    }
  }
  return {};
}

std::string ScenarioCheck::diagnosis_of(const Expectation& e) const {
  const model::Site& site = script_->site;
  std::string all;
  for (const model::Diagnosis& d : status_.diagnoses) {
    std::string of;
    if (d.circuit) of += " " + site[*d.circuit].name;
    if (d.carrier) of += " " + site[*d.carrier].name;
    if (d.target) of += " " + site[*d.target].name;
    if (to_string(d.failed) == e.word && (e.subject.empty() || (of + " ").contains(" " + e.subject + " "))) return {};
    all += (all.empty() ? "" : ", ") + std::string(to_string(d.failed)) + of;
  }
  if (e.word == "none" && all.empty()) return {};
  return all.empty() ? "nothing is diagnosed" : "diagnosed is: " + all;
}

std::string ScenarioCheck::counted(const Expectation& e) {
  const auto inside = [&](Instant at) { return at >= kBegin + e.from && at <= kBegin + e.to; };
  std::size_t n = 0;
  std::string when;
  Instant last{};
  const auto count = [&](Instant at) {
    ++n;
    last = at;
    when += fmt::format("{}{:.3f} s", when.empty() ? "" : ", ", model::seconds(at - kBegin));
  };
  if (e.claim == Claim::Moves) {
    const std::size_t subject = e.b ? script_->site.classes.size() + *e.b : e.a;
    for (const Move& m : moves_)
      if (m.subject == subject && inside(m.at)) count(m.at);
  } else {
    for (const Said& s : daemon_->said())
      if (to_string(s.id) == e.word && (e.subject.empty() || s.subject == e.subject) && inside(s.at)) count(s.at);
  }
  if (n >= e.least && n <= e.most) return {};
  if (n > 0) shown_ = last;  // where the story is worth reading
  return fmt::format("it {} {} times{}", e.claim == Claim::Moves ? "moved" : "was said", n, n == 0 ? "" : ": after " + when);
}

}  // namespace linekeeper::sim
