// What a class's own probes showed of the way it goes by (I8), and what was made of it: an answer once (I9), and to nothing worse.
#include <algorithm>

#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Health;
using model::Instant;

namespace {

constexpr Duration kOfOneProof = 3s + 200ms;
constexpr Duration kSoon = 20ms;  // the answer comes with the proof that failed
constexpr Duration kSteady = 5s;  // what has been so for so long, the judge must know
constexpr Duration kHeldForLong = 10min + 2s;

}  // namespace

void Oracle::on_probed(std::size_t i, std::size_t circuit, bool answered, Instant now) {
  Class& k = classes_[i];
  if (circuit >= k.shown.size() || k.standing != model::id_at<model::CircuitId>(circuit)) return;
  if (answered) {
    k.shown[circuit] = {.served = true, .failed = {}};
    return;
  }
  const CircuitTruth& truth = truth_.circuit(circuit);
  const decision::CircuitHealth& here = daemon_->judge().circuit(model::id_at<model::CircuitId>(circuit));
  // On a circuit that is dead everything is silent: that tells nothing of whether it serves the class when it lives.
  if (truth.dead_since || here.verdict().health == Health::Down) return;
  const bool known = std::ranges::any_of(k.shown, &Class::Shown::served);
  const bool again = k.led || k.shown[circuit].failed != Instant{};
  const auto way = better_way(i, circuit, now);
  k.shown[circuit].failed = now;
  const bool by_itself = truth.troubles == 1 && world_->line(circuit).unserved == 1 && now - truth.touched > kSteady &&
                         here.verdict().health == Health::Up && !here.suspect() && !world_->line(circuit).shaky();
  const bool calm = now - std::max({ready_, resumed_, disturbed_}) > kSteady && orders_changed_ == started_;  // a person's moves count too
  const bool free = may_move(k, now) && (k.held == Instant{} || now - k.held > kHeldForLong);
  if (!known || again || !way || !by_itself || !calm || !free) return;
  k.answer = now;
  k.answer_to = name(*way);
}

/// One that serves, has done so for a while, and whose probes are answered: an answer leads there or to another such.
std::optional<std::size_t> Oracle::better_way(std::size_t i, std::size_t by, Instant now) const {
  for (const model::CircuitId id : site_->classes[i].circuits) {
    const std::size_t c = id.index();
    const CircuitTruth& o = truth_.circuit(c);
    const decision::CircuitHealth& said = daemon_->judge().circuit(id);
    const bool well = !o.dead_since && o.good_since && o.troubles == 0 && now - std::max({o.touched, *o.good_since, o.clear_since}) > kSteady;
    const bool steady = well && truth_.clean_by_nature(c) && truth_.odd(c) == 0 && !site_->circuits[c].metered && reached_well(site_->classes[i], c);
    if (c != by && steady && classes_[i].shown[c].failed == Instant{} && said.verdict().health == Health::Up && !said.suspect()) return c;
  }
  return std::nullopt;
}

void Oracle::check_answers(Instant now) {
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    Class& k = classes_[i];
    if (!k.answer || now - *k.answer < kSoon) continue;
    k.answer.reset();
    story_->broken("I8",
                   fmt::format("class {} stays on {}, where its own probes were not answered, although it could be led to {}", site_->classes[i].name,
                               k.standing ? name(k.standing->index()) : "nothing", k.answer_to),
                   now);
  }
}

/// It was led away because of its own probes.
void Oracle::check_led(std::size_t i, std::size_t from, std::size_t to, const decision::Decider& decider, Instant now) {
  const Class& k = classes_[i];
  const std::string& who = site_->classes[i].name;
  if (k.led) story_->broken("I9", fmt::format("class {} was led from {} to {} after it had been led once already", who, name(from), name(to)), now);
  if (unserved_[from] == Instant{} || now - unserved_[from] > kOfOneProof)
    story_->broken("I8", fmt::format("class {} was led from {}, which served it", who, name(from)), now);
  const Health there = decider.circuit(model::id_at<model::CircuitId>(to)).verdict().health;
  if (there != Health::Up && there != Health::Degraded)
    story_->broken("I8", fmt::format("class {} was led to {}, which is not up", who, name(to)), now);
  const Instant failed = k.shown[to].failed;
  if (failed != Instant{} && now - failed < decision::kUnprovenAtLeast)
    story_->broken("I8", fmt::format("class {} was led to {}, which did not serve it {:.0f} s ago", who, name(to), model::seconds(now - failed)),
                   now);
}

}  // namespace linekeeper::sim
