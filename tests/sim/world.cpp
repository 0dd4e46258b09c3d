#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kRings = 400ms, kRingsLate = 10s;         // of calls
constexpr Duration kBurst = 200ms;                           // how long a burst of losses lasts, on average
constexpr Duration kBusy = 3s, kQuietLine = 5s;              // an episode of load, and between two
constexpr Duration kFills = 1s, kDrains = 500ms;             // a queue from empty to full, and back
constexpr Measure kFullQueueLoss = 20'000;                   // of a million, where the queue is full
constexpr Duration kGatewayAsked = 1s, kGatewayFailed = 4s;  // suspect and asked by then (NUD_PROBE), given up by then (3 x 1 s)
constexpr Duration kReordered = 120ms;
constexpr Duration kTriesFor = 700ms;  // less than an OPTIONS may take before it is overdue

Duration part(Duration d, double ratio) { return Duration(static_cast<Duration::rep>(static_cast<double>(d.count()) * ratio)); }

}  // namespace

World::World(const Script& script, Chance& chance, Instant now) : site_(&script.site), chance_(&chance) {
  for (std::size_t c = 0; c < script.lines.size(); ++c) {
    Line line{.nature = script.lines[c], .ramps = {}};
    line.ifindex = 2 + static_cast<int>(c);
    line.queue_at = now;
    lines_.push_back(line);
  }
  sights_.resize(site_->targets.size() * lines_.size());
  limits_.resize(site_->targets.size());
  reaches_.resize(site_->carriers.size() * lines_.size());
}

bool World::bad(TwoStates& chain, Duration mean_good, Duration mean_bad, Instant now) {
  if (chain.turns == model::kNever) chain = {.bad = false, .turns = now + chance_->lasting(mean_good)};
  while (chain.turns <= now) {
    chain.bad = !chain.bad;
    chain.turns += chance_->lasting(chain.bad ? mean_bad : mean_good);
  }
  return chain.bad;
}

bool World::lost(Line& line, Instant now) {
  Measure loss = line.nature.good_loss;
  if (line.nature.mean_good > Duration::zero() && bad(line.well, line.nature.mean_good, line.nature.mean_bad, now)) loss = line.nature.bad_loss;
  loss += line.loss;
  for (const Trouble* ramp : line.ramps) {
    const double done = std::clamp(model::seconds(now - kBegin - ramp->at) / std::max(0.001, model::seconds(ramp->lasts)), 0.0, 1.0);
    loss += static_cast<Measure>(done * static_cast<double>(ramp->amount));
  }
  if (line.bursts > 0) {
    const Measure share = std::min<Measure>(line.bursts, 950'000);  // of the time that is bad
    if (bad(line.burst, kBurst * (1'000'000 - share) / share, kBurst, now)) loss = 1'000'000;
  } else {
    line.burst.turns = model::kNever;
  }
  if (line.load > Duration::zero() && queue(line, now) >= 1) loss += kFullQueueLoss;
  return chance_->yes_of_a_million(loss);
}

/// How full the queue of a loaded line is: it fills while an episode lasts and drains after it.
double World::queue(Line& line, Instant now) {
  const bool busy = line.load > Duration::zero() && bad(line.busy, kQuietLine, kBusy, now);
  const double passed = model::seconds(now - line.queue_at);
  line.queue_at = now;
  line.queue = std::clamp(line.queue + (busy ? passed / model::seconds(kFills) : -passed / model::seconds(kDrains)), 0.0, 1.0);
  return line.queue;
}

Duration World::round_trip(Line& line, Instant now) {
  Duration took = line.nature.delay + chance_->between(0ms, line.nature.jitter) + line.more_delay;
  if (line.more_jitter > Duration::zero()) took += chance_->between(0ms, line.more_jitter);
  if (line.load > Duration::zero()) took += part(line.load, queue(line, now));
  if (line.reorder > 0 && chance_->yes(0.1)) took += kReordered;
  return took;
}

bool World::limited(std::size_t target, Instant now) {
  RateLimit& limit = limits_[target];
  if (limit.rates.empty()) return false;
  const double rate = static_cast<double>(std::ranges::min(limit.rates)) / 1000;
  limit.left = std::min(std::max(1.0, rate), limit.left + rate * model::seconds(now - limit.at));
  limit.at = now;
  if (limit.left < 1) return true;
  limit.left -= 1;
  return false;
}

std::optional<Duration> World::probe(std::size_t circuit, std::size_t target, Instant now) {
  Line& l = lines_[circuit];
  const Sight& s = sight(target, circuit);
  const bool lost_on_the_way = lost(l, now);
  const Duration took = round_trip(l, now);
  const bool target_lost = s.loss > 0 && chance_->yes_of_a_million(s.loss);
  if (!l.linked()) return std::nullopt;
  // Answered by something close by, whatever became of the line.
  if (s.lies > 0 || (l.captive > 0 && l.black_hole == 0 && l.gateway_dead == 0)) return 1ms;
  if (l.dead() || lost_on_the_way || s.dead > 0 || target_lost || limited(target, now)) return std::nullopt;
  return took + s.slow;
}

SipAnswer World::options(std::size_t carrier, std::size_t circuit, Instant now) {
  Line& l = lines_[circuit];
  const Reach& r = reach(carrier, circuit);
  const bool lost_on_the_way = lost(l, now);
  const Duration took = round_trip(l, now);
  using enum SipAnswer::Fate;
  if (!l.linked() || l.local_errors > 0 || r.local_errors > 0) return {NotSent};
  if (l.rejects > 0 && l.black_hole == 0 && l.gateway_dead == 0 && l.captive == 0) return {Refused, 0, took};
  if (l.dead() || r.silent > 0 || lost_on_the_way) return {Lost};
  if (r.refusing > 0) return {Refused, 0, took};
  if (r.halfway > 0) return {Lost, 0, {}, took};
  if (r.tries > 0) return {Answered, 200, took + kTriesFor, took};
  return {Answered, r.unavailable > 0 ? 503 : r.forbidden > 0 ? 403 : 200, took};
}

CallAnswer World::call(std::size_t carrier, std::size_t circuit, Instant now) {
  // An INVITE is sent again and again (RFC 3261 timer A): it is lost only where nothing comes through at all.
  const Line& l = lines_[circuit];
  const Reach& r = reach(carrier, circuit);
  const Duration took = round_trip(lines_[circuit], now);
  if (!l.linked() || l.dead() || r.silent + r.refusing + r.local_errors + r.halfway > 0)
    return {model::CallFate::CarrierFailed, 0, site_->calls.unanswered_after};
  if (r.unavailable + r.calls_refused > 0) return {model::CallFate::CarrierFailed, 503, took};
  if (r.forbidden > 0) return {model::CallFate::OurFault, 403, took};
  return {model::CallFate::Answered, 200, took + (r.calls_slow > 0 ? kRingsLate : kRings)};
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

model::GatewayState World::gateway(std::size_t circuit, Instant now) const {
  const Line& l = lines_[circuit];
  model::GatewayState s{.circuit = model::id_at<model::CircuitId>(circuit)};
  if (!l.linked()) return s;
  s.neighbour = model::Neighbour::Answers;
  if (l.gateway_dead == 0) return s;
  const Duration since = now - l.gateway_since;
  if (since >= kGatewayFailed)
    s.neighbour = model::Neighbour::Silent;
  else if (since >= kGatewayAsked)
    s.neighbour = model::Neighbour::Doubtful;
  return s;
}

bool World::steady() const {
  return std::ranges::none_of(lines_, &Line::shaky) &&
         std::ranges::all_of(sights_, [](const Sight& s) { return s.loss == 0 && s.slow.count() == 0; }) &&
         std::ranges::all_of(limits_, [](const RateLimit& l) { return l.rates.empty(); });
}

}  // namespace linekeeper::sim
