#include "tests/sim/frontier/ours.hpp"

#include <algorithm>

namespace linekeeper::sim::frontier {

using namespace std::chrono_literals;

namespace {

constexpr model::CircuitId kCircuit{0};
constexpr std::size_t kTargets = 3;

std::unique_ptr<const model::Site> site_of(double false_failovers_per_year) {
  auto site = std::make_unique<model::Site>();
  const auto ip = [](const char* text) { return *model::IpAddress::parse(text); };
  site->targets = {{"alpha", ip("192.0.2.1"), "one"}, {"beta", ip("192.0.2.2"), "one"}, {"gamma", ip("198.51.100.3"), "two"}};
  site->circuits = {{.name = "line", .interface = "wan0", .targets = {model::TargetId{0}, model::TargetId{1}, model::TargetId{2}}}};
  site->circuit_health.false_failovers_per_year = false_failovers_per_year;
  return site;
}

model::LinkState link_up() {
  return {.circuit = kCircuit,
          .present = true,
          .admin_up = true,
          .carrier = true,
          .ifindex = 2,
          .address = model::IpAddress::parse("192.0.2.77"),
          .gateway = model::IpAddress::parse("192.0.2.76")};
}

}  // namespace

Ours::Ours(double false_failovers_per_year, std::uint64_t seed, Instant begin)
    : budget_(false_failovers_per_year),
      site_(site_of(false_failovers_per_year)),
      health_(*site_, kCircuit, begin),
      draws_(seed),
      now_(begin),
      next_probe_(begin + draws_.between(0s, site_->probing.interval)) {
  health_.on(link_up(), begin);
  health_.set_role({.in_use = true}, begin);
  judge();
}

Duration Ours::dead_after() const { return health_.status(now_).detectors.dead_after; }

Ours Ours::restarted(std::uint64_t seed) const {
  Ours other(budget_, seed, now_);
  other.health_.recall(health_.memory(), Duration::zero());
  return other;
}

void Ours::send(Channel& channel, std::size_t target, model::ProbeKind kind) {
  const model::TargetId id = site_->circuits.front().targets[target];
  ++sent_;
  ++sequence_;
  health_.on(model::ProbeSent{.circuit = kCircuit, .target = id, .sequence = sequence_, .sent = now_, .kind = kind});
  if (!channel.answers(now_)) return;
  const Duration trip = channel.round_trip(now_);
  const Answer answer{now_ + trip, {.circuit = kCircuit, .target = id, .sequence = sequence_, .rtt = trip}};
  auto place = on_their_way_.end();
  while (place != on_their_way_.begin() && std::prev(place)->at < answer.at) --place;
  on_their_way_.insert(place, answer);
}

/// As the daemon does: judge, then probe as it wants (probes/circuit_prober: the first additional probe leaves at once, in turn over the targets).
void Ours::judge() {
  health_.judge(now_);
  while (health_.next_standing()) {
  }
  const model::Health health = health_.verdict().health;
  state_ = {.suspect = health_.suspect(), .degraded = health == model::Health::Degraded, .down = health == model::Health::Down};
  judge_at_ = std::max(health_.next_wakeup(), now_ + Duration(1));
  if (!health_.plan().extra)
    extra_.reset();
  else if (!extra_)
    extra_ = now_;
}

void Ours::run(Channel& channel, Instant until, const Told& told) {
  while (true) {
    const Instant answer = on_their_way_.empty() ? model::kNever : on_their_way_.back().at;
    const Instant next = std::min({next_probe_, next_extra(), answer, judge_at_});
    if (next >= until) break;
    now_ = next;
    if (answer <= now_) {
      health_.on(on_their_way_.back().reply, now_);
      on_their_way_.pop_back();
    } else if (next_probe_ <= now_) {
      send(channel, turn_, model::ProbeKind::Scheduled);
      turn_ = (turn_ + 1) % kTargets;
      const double jitter = site_->probing.jitter_ratio;
      next_probe_ = now_ + Draws::times(health_.plan().interval, 1 + jitter * (2 * draws_.unit() - 1));
    } else if (next_extra() <= now_) {
      const model::ProbePlan& plan = health_.plan();
      for (std::size_t tried = 0; tried < kTargets; ++tried) {
        extra_turn_ = (extra_turn_ + 1) % kTargets;
        if ((plan.among >> extra_turn_ & 1) == 0) continue;
        send(channel, extra_turn_, plan.kind);
        break;
      }
      extra_ = now_ + *plan.extra;
    }
    const State before = state_;
    judge();
    if (state_ != before && !told(state_, now_)) return;
  }
  now_ = until;
}

}  // namespace linekeeper::sim::frontier
