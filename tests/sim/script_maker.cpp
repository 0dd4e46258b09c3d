// What befalls a site in a run, drawn from the seed: at least five troubles, most of them while another lasts or has just ended.
#include <algorithm>

#include "tests/sim/chance.hpp"
#include "tests/sim/reconfigured.hpp"
#include "tests/sim/script.hpp"
#include "tests/sim/site_maker.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;

namespace {

constexpr Fault kLasting[] = {Fault::BlackHole,     Fault::Unplugged,     Fault::NoAddress,     Fault::TargetDead,
                              Fault::CarrierSilent, Fault::CarrierSilent, Fault::CarrierSilent, Fault::CarrierForbids};
constexpr Fault kTargetFaults[] = {Fault::TargetDead, Fault::TargetLies, Fault::TargetLoss, Fault::TargetSlow, Fault::TargetLimited};

constexpr int kCrashes = 3;  // of a run of that kind
constexpr Duration kBeforeCrashes = 120s;

/// To whole milliseconds: files stay readable, and lose nothing.
Duration whole(Duration d) { return std::chrono::floor<std::chrono::milliseconds>(d); }

class Maker {
 public:
  Maker(Script& script, Chance& chance, Duration begin) : script_(&script), chance_(&chance), begin_(begin), end_(script.lasts) {}

  void one_target();
  void restarts();
  void anything(bool blackouts);
  void brownout();
  void beside();
  void unserved();
  void reload_in_peace();
  void one_way();
  void no_calls();

 private:
  Trouble draw(Fault fault, Duration at, Duration lasts);
  void put(Trouble t);
  void aim(Trouble& t);
  Duration lasting();
  Duration when();
  Fault any();
  int many() { return script_->lasts > 15min ? chance_->between(10, 24) : chance_->between(5, 9); }

  Script* script_;
  Chance* chance_;
  Duration begin_, end_, last_at_{}, last_over_{};
};

/// Most troubles are short, some outlast everything around them.
Duration Maker::lasting() {
  const bool hour = script_->lasts > 15min;
  switch (chance_->below(5)) {
    case 0: return chance_->between(200ms, 3s);
    case 1: return chance_->between(2s, 20s);
    case 2: return chance_->between(5s, 40s);
    case 3: return chance_->between(20s, hour ? Duration(300s) : Duration(90s));
    default: return chance_->between(60s, hour ? Duration(900s) : Duration(240s));
  }
}

/// Often close to where the last one came or went: overlapping, and during recovery.
Duration Maker::when() {
  const Duration anywhere = begin_ + chance_->between(0s, end_ - begin_ - 15s);
  const Duration near = chance_->between(0s, 15s);
  const std::size_t how = chance_->below(5);
  if (how == 0 && last_at_ > begin_) return std::min<Duration>(last_at_ + near, end_ - 1s);
  if (how == 1 && last_over_ > begin_) return std::min<Duration>(last_over_ + near, end_ - 1s);
  return anywhere;
}

Fault Maker::any() {
  static const std::vector<Fault> kTickets = [] {
    std::vector<Fault> all;
    for (const FaultKind& k : fault_kinds()) all.insert(all.end(), static_cast<std::size_t>(k.tickets), k.fault);
    return all;
  }();
  return kTickets[chance_->below(kTickets.size())];
}

void Maker::aim(Trouble& t) {
  const model::Site& site = script_->site;
  const std::size_t circuit = chance_->below(site.circuits.size()), target = chance_->below(site.targets.size());
  const std::size_t carrier = chance_->below(site.carriers.size()), traffic = chance_->below(site.classes.size());
  const std::size_t trunk = chance_->below(site.trunks.size()), pbx = chance_->below(site.pbxs.size());
  switch (kind_of(t.fault).aim) {
    case Aim::Circuit: t.a = circuit; break;
    case Aim::Target: t.a = target, t.b = circuit; break;
    case Aim::Carrier: t.a = carrier, t.b = circuit; break;
    case Aim::Class: t.a = traffic, t.b = circuit; break;
    case Aim::Traffic: t.a = traffic; break;
    case Aim::Trunk: t.a = trunk, t.b = carrier; break;
    case Aim::Load: t.a = trunk; break;
    case Aim::Pbx: t.a = pbx; break;
    case Aim::Nobody: t.a = chance_->below(4); break;  // which of several ways, where there are some
  }
}

Trouble Maker::draw(Fault fault, Duration at, Duration lasts) {
  const FaultKind& kind = kind_of(fault);
  Trouble t{.at = whole(at), .lasts = whole(lasts), .fault = fault};
  aim(t);
  t.everywhere = chance_->below(100) < static_cast<std::size_t>(kind.percent_everywhere);
  // Stalls: most are short, none is longer than a minute.
  if (fault == Fault::DaemonStopped) t.lasts = whole(chance_->yes(0.6) ? chance_->between(300ms, 3s) : chance_->between(3s, 60s));
  if (!kind.measures.empty()) t.amount = kind.measures[chance_->below(kind.measures.size())];
  const bool flaps = chance_->below(100) < static_cast<std::size_t>(kind.percent_flapping);
  // Slow enough to be seen and quick enough to tempt: seconds for lines, tens of seconds for carriers.
  const Duration longest = kind.aim == Aim::Carrier ? 60s : 25s;
  const Duration on = chance_->between(1s, longest), off = chance_->between(1s, longest);
  if (flaps) t.on = whole(on), t.off = whole(off), t.lasts = std::max<Duration>(t.lasts, 2 * (t.on + t.off));
  return t;
}

void Maker::put(Trouble t) {
  t.lasts = std::min(t.lasts, end_ - t.at);
  t.serial = static_cast<int>(script_->troubles.size());
  last_at_ = t.at;
  last_over_ = t.at + t.lasts;
  script_->troubles.push_back(t);
}

/// Whatever this one target does, on whatever circuits; all others are well.
void Maker::one_target() {
  const std::size_t target = chance_->below(script_->site.targets.size());
  for (int left = many(); left > 0; --left) {
    const Duration at = when();
    Trouble t = draw(kTargetFaults[chance_->below(std::size(kTargetFaults))], at, lasting());
    t.a = target;
    put(t);
  }
}

/// A few things fail for good; long after, the daemon dies once and again in a world that stays as it is.
void Maker::restarts() {
  for (int i = 0; i < 3; ++i) {
    Trouble t = draw(kLasting[chance_->below(std::size(kLasting))], begin_ + chance_->between(0s, 30s), end_);
    t.on = t.off = {};
    put(t);
  }
  const Duration first = begin_ + kBeforeCrashes, gap = (end_ - first) / kCrashes;
  for (int i = 0; i < kCrashes; ++i) put(draw(Fault::DaemonCrash, first + i * gap, chance_->between(1s, 20s)));
}

void Maker::anything(bool blackouts) {
  const int n = many();
  for (int i = 0; i < n; ++i) {
    const Duration at = when();
    Trouble t = draw(blackouts && i % 2 == 0 ? Fault::BlackHole : any(), at, lasting());
    if (blackouts && i % 2 == 0) t.everywhere = true;
    put(t);
    if (t.fault != Fault::DaemonStopped) continue;
    // What a daemon that stands still must not misread: a line that dies meanwhile, or a moment before.
    Trouble death = draw(Fault::BlackHole, std::max(begin_, t.at - chance_->between(0ms, 500ms)), chance_->between(2s, 20s));
    death.a = 0;
    put(death);
  }
}

/// The circuit that voice prefers loses a good part for minutes; what else happens is not of circuits.
void Maker::brownout() {
  constexpr Fault kBrown[] = {Fault::Loss, Fault::Bursts, Fault::InboundLoss, Fault::Delay};
  constexpr Fault kBeside[] = {Fault::CarrierSilent, Fault::PbxRestart, Fault::ResolverDead, Fault::WallClock, Fault::MadBrain, Fault::Calls};
  Trouble t = draw(kBrown[chance_->below(std::size(kBrown))], begin_ + 20s, end_);
  t.a = 0;
  t.everywhere = false;
  put(t);
  for (int left = many(); left > 1; --left) put(draw(kBeside[chance_->below(std::size(kBeside))], when(), lasting()));
}

/// What was not drawn before there were dice of their own for it.
void Maker::beside() {
  constexpr Fault kBeside[] = {Fault::Rejects,        Fault::Rejects,      Fault::ForgedRejects, Fault::ForgedRejects, Fault::CarrierTries,
                               Fault::CarrierHalfway, Fault::PermitClass,  Fault::PermitClass,   Fault::PermitTrunk,   Fault::Release,
                               Fault::Reconfigured,   Fault::Reconfigured, Fault::Reconfigured};
  for (int left = chance_->between(1, 3); left > 0; --left) {
    const Duration at = when();
    Trouble t = draw(kBeside[chance_->below(std::size(kBeside))], at, lasting());
    if (t.fault == Fault::Reconfigured || t.fault == Fault::Release) t.a = 0;
    put(t);
  }
}

/// The one that is preferred comes back and does not serve; or the one that is left for does not.
void Maker::unserved() {
  const Duration at = begin_ + chance_->between(0s, (end_ - begin_) / 2);
  const Duration dead_for = whole(chance_->between(5s, 40s));
  Trouble death = draw(Fault::BlackHole, at, dead_for);
  Trouble unserved = draw(Fault::Unserved, at - std::min<Duration>(at - begin_, chance_->between(0s, 20s)), chance_->between(20s, 200s));
  death.everywhere = unserved.everywhere = false;
  death.on = death.off = {};
  death.a = 0;
  unserved.a = chance_->yes(0.3) ? 0 : 1;
  const bool another = chance_->yes(0.4);
  put(death);
  put(unserved);
  if (!another) return;
  unserved.a = (unserved.a + 1) % script_->site.circuits.size();
  put(unserved);
}

/// Between two crashes, a reload to a configuration that wants what stands; kernel and order stay (I13).
void Maker::reload_in_peace() {
  constexpr Measure kWantsTheSame[] = {kLongerHoldDown, kFewerCarriers, kLongerHoldDown + kFewerCarriers};
  const Duration first = begin_ + kBeforeCrashes, gap = (end_ - first) / kCrashes;
  Trouble t = draw(Fault::Reconfigured, first + chance_->between(0, kCrashes - 1) * gap + gap * 85 / 100, chance_->between(5s, 100s));
  t.a = 0;
  t.amount = chance_->one_of(kWantsTheSame);
  put(t);
}

/// Who may go back, and when: by a wall clock that shows midnight when a run begins.
model::Failback make_failback(Chance& chance) {
  const std::size_t mode = chance.below(3);
  const std::chrono::minutes opens(chance.between(1, 4)), open_for(chance.between(1, 3));
  const Duration after = whole(chance.between(30s, 120s));
  if (mode == 0) return {.mode = model::FailbackMode::After, .after = after};
  if (mode == 1) return {.mode = model::FailbackMode::Manual};
  return {.mode = model::FailbackMode::Window, .opens = opens, .closes = opens + open_for};
}

/// The carrier that is steered apart is dead by the circuit that its class prefers, and by no other.
void Maker::one_way() {
  Trouble t = draw(Fault::CarrierSilent, when(), lasting() + 30s);
  t.a = 0, t.b = script_->site.classes.front().circuits.front().index();
  t.everywhere = false;
  put(t);
}

void Maker::no_calls() {
  Trouble t = draw(chance_->yes(0.7) ? Fault::CallsRefused : Fault::CallsSlow, begin_ + 30s, chance_->between(10s, 100s));
  t.a = script_->site.trunks.front().carriers.front().index();
  put(t);
}

/// By dice of their own: a run that gets none of this is the run that it was before.
void add_beside(Script& s, Duration begin) {
  Chance chance(s.seed, Stream::Beside);
  const bool some = chance.yes(0.4), traffic = chance.yes(0.35), trunk = chance.yes(0.2);
  if (!some || s.kind == Kind::OneTarget || s.kind == Kind::Quiet) return;
  const model::Failback of_class = make_failback(chance), of_trunk = make_failback(chance);
  if (traffic) s.site.classes.front().failback = of_class;
  if (trunk) s.site.trunks.front().failback = of_trunk;
  Maker maker(s, chance, begin);
  s.kind == Kind::Restarts ? maker.reload_in_peace() : maker.beside();
  // The last carrier may be missing from a reload, and with it its class would be.
  if (!chance.yes(0.6) || s.site.carriers.size() < 2) return;
  steer_apart(s.site, model::CarrierId{0});
  if (s.kind == Kind::Mixed) maker.one_way();
}

/// A circuit that does not serve what goes by it, though its probes are answered; and something that leads classes there.
void add_unserved(Script& s, Duration begin) {
  Chance chance(~s.seed, Stream::Beside);  // a stream that no small seed has: the others stay as they were
  if (!chance.yes(0.2) || s.site.circuits.size() < 2) return;
  Maker maker(s, chance, begin);
  maker.unserved();
}

/// Somebody telephones, and the carrier that is preferred takes no calls for a while, though it answers OPTIONS. Nothing else happens.
void add_calls(Script& s, Duration begin) {
  Chance chance(~s.seed, Stream::Script);  // likewise
  if (!chance.yes(0.5) || s.site.carriers.size() < 2) return;
  s.calls_each = whole(chance.between(100ms, 1s));
  s.site.calls.listen = model::IpAddress::parse("127.0.0.1");
  s.site.calls.hold_down = whole(chance.between(20s, 60s));
  Maker(s, chance, begin).no_calls();
}

LineNature make_nature(Chance& chance, bool bursts) {
  constexpr Measure kLosses[] = {0, 500, 2000};  // millionths, of a well line between its bursts
  const auto micros = [](Duration d) { return std::chrono::floor<std::chrono::microseconds>(d); };
  LineNature n{.delay = micros(chance.between(5ms, 45ms)), .jitter = micros(chance.between(1ms, 15ms))};
  const Measure loss = chance.one_of(kLosses);
  const bool heavy = chance.yes(0.3);
  const Duration mean_good = whole(chance.between(20s, 200s)), mean_bad = whole(chance.between(30ms, 200ms));
  if (!bursts) return n;
  n.good_loss = loss;
  if (!heavy) return n;
  n.bad_loss = 700'000;
  n.mean_good = mean_good;
  n.mean_bad = mean_bad;
  return n;
}

/// A line that is as it always is, and that the judge has watched for a day: what it does is no reason to move.
LineNature make_quiet_nature(Chance& chance) {
  LineNature n{.delay = std::chrono::floor<std::chrono::microseconds>(chance.between(5ms, 45ms)), .jitter = 3ms};
  const std::size_t how = chance.below(4);
  const Duration mean_good = whole(chance.between(3s, 12s)), mean_bad = whole(chance.between(80ms, 300ms));
  if (how == 0) n.good_loss = 20'000;
  if (how == 1) n.good_loss = 50'000;
  if (how < 2) return n;
  n.bad_loss = 1'000'000;
  n.mean_good = mean_good;
  n.mean_bad = mean_bad;
  return n;
}

}  // namespace

Script make_script(std::uint64_t seed, std::optional<Duration> lasts, Planted bug) {
  Chance chance(seed, Stream::Script);
  Script s{.seed = seed, .site = make_site(chance), .bug = bug};
  const std::size_t kind = chance.below(10);
  s.kind = kind == 0 ? Kind::OneTarget : kind == 1 ? Kind::Blackout : kind == 2 ? Kind::Restarts : kind == 3 ? Kind::Quiet : Kind::Mixed;
  // Most runs are short: what they show, they show soon. Hold-downs and hourly budgets are seen in the long ones.
  const bool hour = chance.below(64) == 0;
  const Duration drawn = s.kind == Kind::Restarts ? whole(chance.between(6min, 9min)) : whole(chance.between(2min, 5min));
  s.lasts = lasts.value_or(hour ? Duration(1h) : drawn);
  // A target can only be blamed alone when no packet is lost but by its doing.
  for (std::size_t c = 0; c < s.site.circuits.size(); ++c)
    s.lines.push_back(s.kind == Kind::Quiet ? make_quiet_nature(chance) : make_nature(chance, s.kind != Kind::OneTarget && kind != 4));
  const Duration begin = whole(chance.between(15s, 40s));
  Maker maker(s, chance, begin);
  switch (s.kind) {
    case Kind::OneTarget: maker.one_target(); break;
    case Kind::Restarts: maker.restarts(); break;
    case Kind::Blackout: maker.anything(true); break;
    case Kind::Mixed: kind == 4 ? maker.brownout() : maker.anything(false); break;
    case Kind::Quiet: add_calls(s, begin); break;
  }
  if (kind != 4) add_beside(s, begin);  // what happens beside a brownout is not of circuits
  if (kind != 4 && s.kind == Kind::Mixed) add_unserved(s, begin);
  return s;
}

std::vector<Edge> edges_of(const Script& script) {
  std::vector<Edge> edges;
  for (const Trouble& t : script.troubles) {
    const Duration over = std::min(t.at + t.lasts, script.lasts);
    const bool flaps = t.on > Duration::zero() && t.off > Duration::zero();
    for (Duration at = t.at; at < over;) {
      const Duration until = flaps ? std::min(at + t.on, over) : over;
      edges.push_back({.at = kBegin + at, .trouble = &t, .comes = true});
      edges.push_back({.at = kBegin + until, .trouble = &t, .comes = false});
      at = until + t.off;
      if (!flaps) break;
    }
  }
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i].drawn = i;
  std::ranges::sort(edges, {}, [](const Edge& e) { return std::pair(e.at, e.drawn); });
  return edges;
}

}  // namespace linekeeper::sim
