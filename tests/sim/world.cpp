#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {
constexpr double kLosses[] = {0.0, 0.0005, 0.002};  // of a well line between its bursts
}

World::World(const model::Site& site, Chance& chance, bool bursts, Instant now) : site_(&site), chance_(&chance) {
  for (std::size_t c = 0; c < site.circuits.size(); ++c) {
    Line line;
    line.delay = chance.between(5ms, 45ms);
    line.jitter = chance.between(1ms, 15ms);
    if (bursts) line.good_loss = kLosses[chance.below(std::size(kLosses))];
    line.bad_loss = bursts && chance.yes(0.3) ? 0.7 : line.good_loss;
    line.mean_good = chance.between(20s, 200s);
    line.mean_bad = chance.between(30ms, 200ms);
    line.turns = now + chance.lasting(line.mean_good);
    line.ifindex = 2 + static_cast<int>(c);
    lines_.push_back(line);
  }
  sights_.resize(site.targets.size() * lines_.size());
  reaches_.resize(site.carriers.size() * lines_.size());
}

bool World::lost(Line& line, Instant now) {
  while (line.turns <= now) {
    line.in_burst = !line.in_burst;
    line.turns += chance_->lasting(line.in_burst ? line.mean_bad : line.mean_good);
  }
  const double loss = line.lossy > 0 ? 0.45 : line.in_burst ? line.bad_loss : line.good_loss;
  return chance_->yes(loss);
}

Duration World::round_trip(const Line& line) {
  return line.delay + chance_->between(0ms, line.jitter) + (line.slow > 0 ? Duration(300ms) : Duration::zero());
}

std::optional<Duration> World::probe(std::size_t circuit, std::size_t target, Instant now) {
  Line& l = lines_[circuit];
  const Sight& s = sight(target, circuit);
  const bool lost_on_the_way = lost(l, now);
  const Duration took = round_trip(l);
  const bool flaky = s.flaky > 0 && chance_->yes(0.5);
  if (!l.linked()) return std::nullopt;
  if (s.lies > 0) return 1ms;  // answered by something close by, whatever became of the line
  if (l.dead() || lost_on_the_way || s.dead > 0 || flaky) return std::nullopt;
  return s.slow > 0 ? took + 700ms : took;
}

SipAnswer World::options(std::size_t carrier, std::size_t circuit, Instant now) {
  Line& l = lines_[circuit];
  const Reach& r = reach(carrier, circuit);
  // A lost packet is sent again after T1 (RFC 3261 17.1.2.2): a single loss is a delay.
  const bool lost_on_the_way = lost(l, now), lost_again = lost(l, now);
  const Duration took = round_trip(l) + (lost_on_the_way ? Duration(500ms) : Duration::zero());
  const Duration deadline = site_->carriers[carrier].deadline;
  if (!l.linked() || l.local_errors > 0 || r.local_errors > 0) return {model::SipResult::LocalError, 0, 1ms};
  if (l.dead() || r.silent > 0 || (lost_on_the_way && lost_again)) return {model::SipResult::Timeout, 0, deadline};
  if (r.refusing > 0) return {model::SipResult::Refused, 0, took};
  return {model::SipResult::Final, r.unavailable > 0 ? 503 : r.forbidden > 0 ? 403 : 200, took};
}

model::LinkState World::link(std::size_t circuit) const {
  const Line& l = lines_[circuit];
  model::LinkState s{.circuit = model::id_at<model::CircuitId>(circuit),
                     .present = true,
                     .admin_up = true,
                     .carrier = l.unplugged == 0,
                     .ifindex = l.ifindex,
                     .address = {},
                     .gateway = {}};
  if (l.no_address == 0) s.address = model::IpAddress::parse(fmt::format("10.{}.{}.2", circuit, l.address_changes % 250));
  if (l.no_address == 0) s.gateway = model::IpAddress::parse(fmt::format("10.{}.{}.1", circuit, l.address_changes % 250));
  return s;
}

bool World::steady() const {
  return std::ranges::all_of(lines_, [](const Line& l) { return l.lossy == 0 && l.slow == 0; }) &&
         std::ranges::all_of(sights_, [](const Sight& s) { return s.flaky == 0 && s.slow == 0; });
}

}  // namespace linekeeper::sim
