#include "tests/sim/truth.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kInTime = 80ms;                 // every probe answered within this is answered in time (timeout_min)
constexpr Measure kBrown = 300'000;                // millionths
constexpr Duration kLongestLearned = 6s + 1500ms;  // a silence that a circuit survives counts up to 6 s, and begins a timeout late

bool about_timing(Fault f) { return f == Fault::TargetSlow || f == Fault::Delay || f == Fault::Jitter || f == Fault::Load || f == Fault::Reorder; }

}  // namespace

Truth::Truth(const model::Site& site, const Script& script, World& world, Instant now)
    : site_(&site),
      world_(&world),
      circuits_(site.circuits.size()),
      paths_(site.carriers.size() * site.circuits.size()),
      ever_odd_(site.targets.size() * site.circuits.size()),
      last_edge_(now) {
  for (CircuitTruth& c : circuits_) {
    c.answered_of.resize(site.targets.size());
    c.answers_of.resize(site.targets.size());
  }
  for (const model::Target& t : site.targets)
    network_.push_back(static_cast<std::size_t>(std::ranges::find(site.targets, t.network, &model::Target::network) - site.targets.begin()));
  const int targets = static_cast<int>(site.targets.size());
  enough_answers_ = std::max({site.circuit_health.rise, 4 * targets, site.circuit_health.min_samples}) + 2;
  for (const Trouble& t : script.troubles)
    if (kind_of(t.fault).aim == Aim::Target)
      for (std::size_t c = 0; c < circuits_.size(); ++c)
        if (t.everywhere || t.b == c || t.fault == Fault::TargetLimited) ever_odd_[t.a * circuits_.size() + c] = true;
}

void Truth::on_start() {
  for (CircuitTruth& c : circuits_) {
    c.begin_again();
    std::ranges::fill(c.answered_of, Instant{});
  }
  for (PathTruth& p : paths_) p = {.bad_since = p.bad_since, .last_down = p.last_down, .troubled = p.troubled, .last_bad = p.last_bad};
}

void Truth::on_resumed(Instant now) {
  for (CircuitTruth& c : circuits_) {
    c.begin_again();
    c.clear_since = now;
  }
}

void Truth::on_probe(std::size_t circuit, std::size_t target, model::ProbeKind kind, std::optional<Duration> answered, Instant now) {
  CircuitTruth& c = circuits_[circuit];
  if (kind != model::ProbeKind::Verify) c.fates = (c.fates << 1).set(0, !answered || *answered > 1s);
  if (answered) ++c.answers_alive, c.last_answer = now;
  if (answered && *answered <= kInTime) {
    if (c.good_since || c.left_out == target) return;
    if (undecidable(circuit)) return c.begin_again();  // too few agree for the judge to call it up
    ++c.answers_of[target];
    if (++c.answers >= enough_answers_ && !c.dead_since) c.good_since = now + kInTime;
    return;
  }
  if (!world_->well(target, circuit) && odd(circuit) == 1) {  // the others say how it is
    if (c.good_since || c.left_out == target) return;
    if (c.left_out) c.begin_again();
    c.answers -= std::exchange(c.answers_of[target], 0);
    c.left_out = target;
    return;
  }
  c.begin_again();
}

void Truth::on_reply(std::size_t circuit, std::size_t target, Instant sent) {
  Instant& newest = circuits_[circuit].answered_of[target];
  newest = std::max(newest, sent);
}

void Truth::on_local_error(std::size_t circuit, Instant now) {
  CircuitTruth& c = circuits_[circuit];
  c.clear_since = c.last_local_error = now;
  c.begin_again();
}

void Truth::on_outcome(const model::SipOutcome& o, Instant now) {
  PathTruth& p = paths_[o.carrier.index() * circuits_.size() + o.circuit.index()];
  const CircuitTruth& c = circuits_[o.circuit.index()];
  // What was asked through a dead circuit says nothing about the carrier, nor what was asked while it recovered.
  if (o.result == model::SipResult::LocalError || c.dead_since || !c.good_since || o.sent < *c.good_since) return;
  const bool good = o.result == model::SipResult::Final && o.code < 500;
  if (!good) {
    p.good = 0;
    p.good_since.reset();
    if (o.kind == model::ProbeKind::Scheduled && !world_->line(o.circuit.index()).losing() && ++p.bad >= site_->carrier_health.fall)
      p.last_down = now;
    return;
  }
  p.bad = 0;
  if (++p.good >= site_->carrier_health.rise + 1 && !p.good_since && o.code == 200) p.good_since = now;
  if (o.code != 200) p.good_since.reset();
}

int Truth::odd(std::size_t circuit) const {
  int n = 0;
  for (std::size_t t = 0; t < site_->targets.size(); ++t) n += world_->well(t, circuit) ? 0 : 1;
  return n;
}

int Truth::liars(std::size_t circuit) const {
  int n = 0;
  for (std::size_t t = 0; t < site_->targets.size(); ++t) n += world_->sight(t, circuit).lies > 0 ? 1 : 0;
  return n;
}

bool Truth::undecidable(std::size_t circuit) const {
  if (world_->line(circuit).local_errors > 0 || world_->line(circuit).captive > 0) return true;
  int many_odd = 0;
  std::optional<std::size_t> honest;
  bool two_networks = false;
  for (std::size_t t = 0; t < site_->targets.size(); ++t) {
    if (!world_->well(t, circuit)) {
      ++many_odd;
      continue;
    }
    two_networks = two_networks || (honest && *honest != network_[t]);
    honest = network_[t];
  }
  return many_odd > 1 || !two_networks;
}

void Truth::befall(CircuitTruth& k, const Edge& edge, bool target, Instant now) const {
  const Fault f = edge.trouble->fault;
  k.touched = now;
  k.troubles += edge.comes ? 1 : -1;
  if (about_timing(f) || f == Fault::TargetLies) k.clear_since = now;
  if (!target && f > Fault::Captive && f < Fault::LocalErrors && f != Fault::Duplicates && f != Fault::Forged) k.ever_shaky = true;
  if (f > Fault::NewInterface) return;
  k.clear_since = now;
  k.begin_again();
}

void Truth::see_death(std::size_t c, std::optional<Instant> watched_since, Duration seen_after, Instant now) {
  CircuitTruth& k = circuits_[c];
  const bool dead = world_->line(c).dead();
  if (dead && undecidable(c)) k.fooled = true;
  if (dead == k.dead_since.has_value()) return;
  for (std::size_t p = c; p < paths_.size(); p += circuits_.size())
    paths_[p] = {.bad_since = {}, .last_down = paths_[p].last_down, .troubled = paths_[p].troubled, .last_bad = paths_[p].last_bad};
  k.answers_alive = 0;
  if (dead) {
    k.dead_since = now;
    k.begin_again();
    return;
  }
  // Long enough that whoever was watching all the time must have seen it.
  if (watched_since && now - std::max({*k.dead_since, *watched_since, k.clear_since}) > seen_after && !std::exchange(k.fooled, false))
    k.last_long_death = now;
  k.ever_died_briefly = k.ever_died_briefly || now - *k.dead_since < kLongestLearned;
  k.fooled = false;
  k.dead_since.reset();
  k.fates.reset();  // what was lost while it was dead is not what it loses
  k.alive_since = now;
}

void Truth::see_paths(Instant now) {
  for (std::size_t p = 0; p < paths_.size(); ++p) {
    const std::size_t c = p % circuits_.size();
    const Reach& r = world_->reach(p / circuits_.size(), c);
    const bool bad = r.silent > 0 || r.unavailable > 0 || r.refusing > 0;
    PathTruth& path = paths_[p];
    const bool any = bad || r.halfway > 0 || r.forbidden > 0 || r.local_errors > 0;
    if (any || path.troubled) path.last_bad = now;
    path.troubled = any;
    const bool certain = bad && !circuits_[c].dead_since && r.local_errors == 0 && world_->line(c).local_errors == 0;
    if (certain && !path.bad_since) path.bad_since = now;
    if (!certain) path.bad_since.reset();
    // What cannot be asked cannot be proven either.
    if (bad || r.halfway > 0 || r.local_errors > 0) path.good = 0, path.good_since.reset();
  }
}

void Truth::on_edge(const Edge& edge, std::optional<Instant> watched_since, Duration seen_after, Instant now) {
  last_edge_ = now;
  ++edges_;
  troubles_ += edge.comes ? 1 : -1;
  const Trouble& t = *edge.trouble;
  const Aim aim = kind_of(t.fault).aim;
  for (std::size_t c = 0; c < circuits_.size(); ++c) {
    CircuitTruth& k = circuits_[c];
    if (aim == Aim::Circuit && (t.everywhere || t.a == c)) befall(k, edge, false, now);
    if (aim == Aim::Target && (t.everywhere || t.b == c || t.fault == Fault::TargetLimited)) befall(k, edge, true, now);
    const bool many = odd(c) > 1;
    if (many || k.many_odd) k.two_odd = now;
    k.many_odd = many;
    const bool undecided = undecidable(c);
    if (undecided || k.is_undecided) k.undecided = now;
    k.is_undecided = undecided;
    // With two odd targets it may be called dead, and its paths with it: they are asked anew.
    for (std::size_t p = c; many && p < paths_.size(); p += circuits_.size()) paths_[p].good = 0, paths_[p].good_since.reset();
    see_death(c, watched_since, seen_after, now);
    const Line& line = world_->line(c);
    const bool brown = (line.loss >= kBrown || line.bursts >= kBrown) && !line.dead();
    if (!brown) k.brown_since.reset();
    if (brown && !k.brown_since) k.brown_since = now;
  }
  see_paths(now);
}

}  // namespace linekeeper::sim
