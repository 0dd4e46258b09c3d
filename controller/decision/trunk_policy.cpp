#include "controller/decision/trunk_policy.hpp"

#include <algorithm>
#include <tuple>

#include "controller/decision/guards.hpp"

namespace linekeeper::decision {

using model::CircuitId;
using model::Guard;
using model::Health;
using model::Motive;
using model::TrunkStep;

namespace {

/// Unknown moves nothing (I6): who is not judged keeps the place where it stood, the others take theirs around it. After a restart,
/// when nothing is known of anyone, that is the order that stands (I13).
void keep_unknown_places(std::vector<TrunkStep>& order, std::span<const TrunkStep> standing) {
  const auto unknown = [](const TrunkStep& s) { return s.health == Health::Unknown; };
  std::vector<TrunkStep> placed;
  std::vector<std::size_t> at(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) at[order[i].member] = i;
  auto known = order.begin();
  for (const TrunkStep& stood : standing) {
    const TrunkStep& now = order[at[stood.member]];
    if (unknown(now)) {
      placed.push_back(now);
      continue;
    }
    known = std::find_if_not(known, order.end(), unknown);
    placed.push_back(*known++);
  }
  if (placed.front().health == Health::Down) return;  // one that may be well goes before one that is dead
  order = std::move(placed);
}

template <class List, class Item>
std::size_t position(const List& list, const Item& item) {
  return static_cast<std::size_t>(std::ranges::find(list, item) - list.begin());
}

bool up(const MemberView& v) { return v.health == Health::Up || v.health == Health::Degraded; }

class Orderer {
 public:
  Orderer(const model::Site& site, const model::Trunk& trunk, std::span<const TrunkStep> standing, Motive motive, std::span<const MemberView> views,
          std::optional<CircuitId> circuit, const TrunkOrders& orders, std::optional<CircuitId> before)
      : site_(site),
        trunk_(trunk),
        standing_(standing),
        views_(views),
        circuit_(circuit),
        before_(before),
        orders_(orders),
        elsewhere_(goes_by_several(trunk)) {
    decision_.motive = motive;
    stood_at_.assign(trunk.members.size(), standing.size());
    for (std::size_t i = 0; i < standing.size(); ++i) stood_at_[standing[i].member] = i;
    preference_.resize(site.carriers.size());
    for (std::size_t i = 0; i < trunk.carriers.size(); ++i) preference_[trunk.carriers[i].index()] = i;
    for (std::size_t m = 0; m < trunk.members.size(); ++m) {
      decision_.order.push_back({.member = m, .eligible = up(views[m]), .health = views[m].health});
      decision_.places.push_back(place(m));
    }
  }

  TrunkDecision order(bool doubt) {
    const bool first_ever = standing_.empty();
    if (!first_ever && !forced()) {
      if (orders_.hold && !may_break_hold()) return kept(Guard::OperatorHold);
      if (const Guard guard = nothing_is_proven(); guard != Guard::None) return kept(guard);
    }
    decision_.despite_hold = orders_.hold && !first_ever && !forced();
    std::vector<Rank> ranks;  // once each: a hub's trunk has a thousand members
    const bool by_order = forced();
    for (std::size_t m = 0; m < decision_.order.size(); ++m) ranks.push_back(rank(m, by_order));
    std::ranges::sort(decision_.order, {}, [&](const TrunkStep& s) -> const Rank& { return ranks[s.member]; });
    if (!forced() && complete()) keep_unknown_places(decision_.order, standing_);
    const bool moves = !first_ever && standing_.front().member != decision_.order.front().member;
    // I7: what the kernel says of a link is true all the same; an emergency trunk may be re-ordered, none of its ways is lost by it.
    if (moves && doubt && !orders_.force && !trunk_.emergency && !front().circuit_by_link) return kept(Guard::SelfDoubt);
    set_motive(moves);
    if (orders_.force && !forced()) decision_.held_by = Guard::Emergency;
    return std::move(decision_);
  }

 private:
  // --- where one belongs ---
  [[nodiscard]] MemberPlace place(std::size_t m) const {
    const MemberView& v = views_[m];
    const bool calm = !trunk_.emergency;
    Behind behind = Behind::Preference;
    if (v.health == Health::Down)
      behind = Behind::Down;
    else if (v.calls_fail)
      behind = Behind::CallsFail;
    else if (v.calls_doubtful)
      behind = Behind::CallsDoubtful;
    else if (calm && v.suspect)
      behind = Behind::Suspect;
    else if (calm && elsewhere_ && v.circuit_suspect)
      behind = Behind::CircuitSuspect;
    else if (!v.trusted)
      behind = Behind::Untrusted;
    else if (v.circuit_young)
      behind = Behind::CircuitYoung;
    else if (v.health == Health::Degraded && !v.warns_newly)
      behind = Behind::Degraded;
    else if (v.lately_degraded)
      behind = Behind::LatelyDegraded;
    else if (calm && v.shortfall)
      behind = Behind::Load;
    else if (waits(m))
      behind = Behind::Waits;
    return {behind, calm ? v.shortfall : std::nullopt};
  }
  [[nodiscard]] int tier(std::size_t m) const {
    switch (decision_.places[m].behind) {
      case Behind::Down: return 5;
      case Behind::CallsFail: return 4;
      case Behind::CallsDoubtful:
      case Behind::Suspect:
      case Behind::CircuitSuspect: return 3;
      case Behind::Untrusted:
      case Behind::CircuitYoung: return 2;
      case Behind::Degraded:
      case Behind::LatelyDegraded: return 1;
      case Behind::Load:
      case Behind::Waits:
      case Behind::Preference: return 0;
    }
    return 0;
  }
  using Rank = std::tuple<bool, int, bool, std::size_t, std::size_t, std::size_t, std::size_t>;
  [[nodiscard]] Rank rank(std::size_t m, bool forced) const {
    const model::TrunkMember& member = trunk_.members[m];
    const bool forced_away = forced && member.carrier != *orders_.force;
    // Of those that are up but not trusted yet, and of those that may not be gone back to yet, none passes another: each earns its
    // place by its own hold-down (I4). Nor of those that are down or take no calls: there is nothing to win by telling the PBX another order
    // of them.
    const std::size_t stood = tier(m) == 2 || tier(m) >= 4 || waits(m) ? 1 + stood_at_[m] : 0;
    const auto home = views_[m].home ? views_[m].home : circuit_;
    const std::size_t by_circuit = !member.circuit || member.circuit == home ? 0 : 1 + position(class_circuits(), *member.circuit);
    return {forced_away, tier(m), decision_.places[m].shortfall.has_value(), stood, preference_[member.carrier.index()], by_circuit, m};
  }
  [[nodiscard]] const std::vector<CircuitId>& class_circuits() const { return site_[trunk_.traffic_class].circuits; }
  [[nodiscard]] bool waits(std::size_t m) const { return views_[m].waits && (standing_.empty() || standing_.front().member != m); }
  /// Its members go by different circuits; otherwise there is nowhere to lead calls around a suspect one.
  [[nodiscard]] static bool goes_by_several(const model::Trunk& trunk) {
    return std::ranges::any_of(trunk.members, [&](const model::TrunkMember& m) { return m.circuit != trunk.members.front().circuit; });
  }
  [[nodiscard]] bool complete() const { return standing_.size() == decision_.order.size(); }
  [[nodiscard]] const MemberView& front() const { return views_[standing_.front().member]; }

  // --- what holds it as it stands ---
  [[nodiscard]] bool any_up() const { return std::ranges::any_of(views_, up); }
  /// There is an order to put a carrier first, and it is obeyed: not one that would put a dead carrier first for emergency calls.
  [[nodiscard]] bool forced() const {
    if (!orders_.force) return false;
    if (!trunk_.emergency || orders_.despite_emergency || !any_up()) return true;
    for (std::size_t m = 0; m < views_.size(); ++m)
      if (trunk_.members[m].carrier == *orders_.force && !emergency_holds(true, views_[m].health)) return true;
    return false;
  }
  [[nodiscard]] bool may_break_hold() const { return trunk_.emergency && front().health == Health::Down && any_up(); }
  [[nodiscard]] Guard nothing_is_proven() const {
    const auto of = [this](auto holds) { return std::ranges::all_of(views_, holds); };
    if (of([](const MemberView& v) { return v.health == Health::Down; })) return Guard::AllBad;
    if (trunk_.emergency) return Guard::None;
    if (of([](const MemberView& v) { return !up(v) || v.suspect; }) && !of([](const MemberView& v) { return v.health == Health::Unknown; }))
      return Guard::Freshness;  // what is not judged yet is not known to be better than what is dead (I6)
    // Every circuit is suspect or down: most likely it is ourselves.
    if (elsewhere_ && of([](const MemberView& v) { return v.circuit_down || v.circuit_suspect; })) return Guard::Freshness;
    return Guard::None;
  }
  TrunkDecision kept(Guard guard) {
    decision_.held_by = guard;
    decision_.despite_hold = false;
    if (complete()) {
      std::ranges::sort(decision_.order, {}, &TrunkStep::member);
      std::vector<TrunkStep> order;
      for (const TrunkStep& s : standing_) order.push_back(decision_.order[s.member]);
      decision_.order = std::move(order);
    }
    return std::move(decision_);
  }

  [[nodiscard]] Motive motive_of_leaving(std::size_t left, std::size_t taken) const {
    const MemberPlace& place = decision_.places[left];
    if (place.behind == Behind::Down || place.behind == Behind::Suspect || place.behind == Behind::CallsFail) return Motive::Escape;
    if (place.behind == Behind::CircuitSuspect) return Motive::Suspicion;
    if (place.shortfall) return Motive::Capacity;
    const model::CarrierId from = trunk_.members[left].carrier, to = trunk_.members[taken].carrier;
    if (from == to && tier(left) == tier(taken) && circuit_ != before_) return Motive::Follows;  // only the class's circuit makes the difference
    if (tier(left) > 0 && preference_[from.index()] <= preference_[to.index()]) return Motive::Quality;
    return Motive::Failback;
  }

  void set_motive(bool moves) {
    Motive& motive = decision_.motive;
    if (forced()) {
      motive = Motive::Forced;
    } else if (standing_.empty()) {
      motive = any_up() ? Motive::FirstChoice : Motive::NotYet;
    } else if (moves) {
      const std::size_t left = standing_.front().member;
      motive = motive_of_leaving(left, decision_.order.front().member);
      decision_.left = TrunkLeft{.member = left, .place = decision_.places[left]};
    } else if (motive == Motive::Forced || (motive == Motive::NotYet && any_up())) {
      motive = Motive::FirstChoice;
    }
  }

  const model::Site& site_;
  const model::Trunk& trunk_;
  std::span<const TrunkStep> standing_;
  std::span<const MemberView> views_;
  std::optional<CircuitId> circuit_, before_;
  const TrunkOrders& orders_;
  bool elsewhere_;
  std::vector<std::size_t> stood_at_;    // by member
  std::vector<std::size_t> preference_;  // by CarrierId
  TrunkDecision decision_;
};

}  // namespace

TrunkDecision order_trunk(const model::Site& site, const model::Trunk& trunk, std::span<const TrunkStep> standing, Motive motive,
                          std::span<const MemberView> views, std::optional<CircuitId> circuit, const TrunkOrders& orders, bool doubt,
                          std::optional<CircuitId> before) {
  return Orderer(site, trunk, standing, motive, views, circuit, orders, before).order(doubt);
}

namespace {

/// They share neither carrier nor circuit.
bool apart(const model::TrunkMember& a, const model::TrunkMember& b) { return a.carrier != b.carrier && (!a.circuit || a.circuit != b.circuit); }

}  // namespace

std::vector<TrunkStep> tried_order(const model::Trunk& trunk, const TrunkDecision& decision, std::optional<std::size_t> second_before) {
  std::vector<TrunkStep> order = decision.order;
  if (order.size() < 3) return order;
  const bool nobody_else =
      std::none_of(order.begin() + 1, order.end(), [](const TrunkStep& s) { return s.health == Health::Up || s.health == Health::Degraded; });
  const auto good = [&](const TrunkStep& s) {
    if (!apart(trunk.members[s.member], trunk.members[order.front().member])) return false;
    if (nobody_else && s.member == second_before) return true;  // nothing is won by telling another order of them
    const Behind behind = decision.places[s.member].behind;
    if (behind == Behind::Preference && s.health == Health::Up) return true;
    const bool unproven = behind == Behind::Untrusted || (behind == Behind::Preference && s.health == Health::Unknown);
    return unproven && s.member == second_before;
  };
  const auto second = std::find_if(order.begin() + 1, order.end(), good);
  if (second != order.end()) std::rotate(order.begin() + 1, second, second + 1);
  return order;
}

std::vector<TrunkStep> ranked_order(const model::Trunk& trunk, std::vector<TrunkStep> tried) {
  const auto shares_nothing = [&](const TrunkStep& s) { return apart(trunk.members[s.member], trunk.members[tried.front().member]); };
  if (tried.size() < 3 || !shares_nothing(tried[1])) return tried;
  // Members stand carrier by carrier as they are preferred: whom the second one has passed are those before him there that follow him here. Not
  // who might have been second himself: he is behind for another reason.
  auto place = tried.begin() + 2;
  for (std::size_t least = 0; place != tried.end() && place->member >= least && place->member < tried[1].member && !shares_nothing(*place); ++place)
    least = place->member;
  std::rotate(tried.begin() + 1, tried.begin() + 2, place);
  return tried;
}

}  // namespace linekeeper::decision
