// How the daemon in virtual time acts: plans to the switch, orders to the PBX, and what it does after a refusal. Retells
// controller/daemon/actuators and carriers/trunks/leased_orders.
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "controller/daemon/route_desired.hpp"
#include "tests/sim/oracle.hpp"
#include "tests/sim/sim_daemon.hpp"

namespace linekeeper::sim {

using namespace std::chrono_literals;
using model::Duration;
using model::Instant;

namespace {

constexpr Duration kAfterRefusal = 30s, kFirstRetry = 250ms, kLongestRetry = 10s;
constexpr Duration kLease = 90s, kRefresh = 30s;

}  // namespace

void SimDaemon::carry_out(const model::Plan& plan, Instant now) {
  for (const model::TrunkChoice& choice : plan.trunks) {
    if (choice.order.empty()) continue;
    const model::Trunk& trunk = (*site_)[choice.trunk];
    std::vector<int> sets;
    for (const model::TrunkStep& step : choice.order) sets.push_back(trunk.members[step.member].dispatcher_set);
    const bool dropped = bug_ == Planted::DropTrunkMember || (bug_ == Planted::DropEmergencyMember && trunk.emergency);
    if (dropped && sets.size() > 1) sets.pop_back();
    const bool leads_back = choice.motive == model::Motive::Failback || choice.motive == model::Motive::Follows;
    if (bug_ == Planted::SuspicionForEver && suspicious_.contains(choice.trunk) && leads_back) continue;
    if (choice.motive == model::Motive::Suspicion) suspicious_.insert(choice.trunk);
    if (sets == sent_orders_[choice.trunk.index()]) continue;
    sent_orders_[choice.trunk.index()] = sets;
    orders_[++key_] = {choice.trunk.index(), sets};
    later(now + chance_->between(1ms, 10ms), Happening::ToPbx, 0, key_);
  }
  route::Apply apply{.generation = plan.generation, .desired = daemon::route_desired(*site_, plan, links_, applied_classes_), .retired_classes = {}};
  sent_generation_ = plan.generation;
  for (const model::ClassChoice& c : plan.classes) {
    sent_classes_[c.traffic_class.index()] = c.circuit;
    planned_motives_[c.traffic_class.index()] = c.motive;
    if (Proving& p = proving_[c.traffic_class.index()]; p.by != c.circuit) p = {};
  }
  story_->mark(plan.generation);
  if (switch_away > 0) return;  // asked for anew after its StateReply
  plans_[++key_] = std::move(apply);
  const Duration way = switch_late > 0 ? chance_->between(500ms, 5s) : chance_->between(200us, 3ms);
  switch_free_ = std::max(switch_free_, now + way);  // one socket: in order
  later(switch_free_, Happening::ToSwitch, 0, key_);
}

void SimDaemon::to_switch(std::uint64_t key, Instant now) {
  const route::Apply plan = std::move(plans_.at(key));
  plans_.erase(key);
  replies_[++key_] = switch_->apply(plan, now);
  if (const auto* done = std::get_if<route::Applied>(&replies_[key_]))
    for (const std::string& change : done->changes) story_->tell(now, "switch: generation {}: {}", done->generation, change);
  const Duration way = switch_late > 0 ? chance_->between(500ms, 5s) : chance_->between(200us, 3ms);
  switch_free_ = std::max(switch_free_, now + way);
  later(switch_free_, Happening::FromSwitch, 0, key_);
}

void SimDaemon::from_switch(const route::Reply& reply, Instant now) {
  const auto again = [&](Duration after) { later(now + after, Happening::Retry, 0, ++retry_key_); };
  if (const auto* state = std::get_if<route::StateReply>(&reply)) {
    failures_ = 0;
    auto standing = daemon::standing_classes(*site_, *state);
    applied_classes_ = standing;
    const bool forgets = bug_ == Planted::ForgetAdoption || (bug_ == Planted::ReloadForgets && std::exchange(reloads_, false));
    if (forgets) standing.assign(standing.size(), std::nullopt);
    oracle_->on_adopted(!adopted_, now);
    adopted_ = true;
    const std::uint64_t generation = bug_ == Planted::ForgetGeneration ? 0 : state->generation;
    for (const decision::ShareFound& found : daemon::standing_shares(*site_, *state))
      if (!forgets) take(decider_->adopt(found, awake(now)), now);
    take(decider_->adopt(decision::Adopted{.generation = generation, .classes = std::move(standing)}, awake(now)), now);
  } else if (const auto* applied = std::get_if<route::Applied>(&reply)) {
    if (applied->generation != sent_generation_) return;
    failures_ = 0;
    applied_classes_ = sent_classes_;
    const decision::MovesHeld held = daemon::moves_held(*site_, *applied);
    for (const decision::MovesHeld::Move& m : held.moves) {
      applied_classes_[m.traffic_class.index()] = m.stands;
      if (m.escape) escape_refused_until_[m.traffic_class.index()] = now + m.again_after;
    }
    for (std::size_t i = 0; i < applied_classes_.size(); ++i)
      if (std::ranges::find(held.moves, model::id_at<model::ClassId>(i), &decision::MovesHeld::Move::traffic_class) == held.moves.end())
        this->applied(i, now);
    for (const route::HeldMove& h : applied->held)
      story_->tell(now, "switch holds back, of generation {}, by {}: {}", applied->generation, h.guard, h.why);
    if (held.moves.empty()) return;
    oracle_->on_held(held, now);
    take(decider_->held(held, awake(now)), now);
  } else if (const auto* refused = std::get_if<route::Refused>(&reply)) {
    story_->tell(now, "switch refuses generation {} by {}: {}", refused->generation, refused->guard, refused->why);
    if (refused->generation != sent_generation_) return;
    oracle_->on_refused(*refused, now);
    again(kAfterRefusal);
  } else if (const auto* failed = std::get_if<route::Failed>(&reply)) {
    story_->tell(now, "switch fails generation {}: {}", failed->generation, failed->why);
    if (failed->generation != sent_generation_) return;
    again(std::min(kFirstRetry * (1 << std::min(failures_++, 10)), kLongestRetry));
  }
}

void SimDaemon::to_pbx(std::uint64_t key, Instant now) {
  const auto [trunk, sets] = orders_.at(key);
  orders_.erase(key);
  if (pbx_->deaf((*site_).trunks[trunk].pbx) || (alive() && sets != sent_orders_[trunk])) return;
  if (pbx_->standing(trunk, now) != sets) story_->tell(now, "pbx: order {}", fmt::format("{}", fmt::join(sets, " ")));
  oracle_->on_order(trunk, sets, now);
  pbx_->order[trunk] = sets;
  pbx_->until[trunk] = now + kLease;
}

void SimDaemon::beat(Instant now) {
  later(now + kPbxReadBack, Happening::PbxBeat);
  for (std::size_t t = 0; t < sent_orders_.size(); ++t) {
    const bool due = pbx_->standing(t, now) != sent_orders_[t] || pbx_->until[t] - now <= kLease - kRefresh;
    if (sent_orders_[t].empty() || !due) continue;
    orders_[++key_] = {t, sent_orders_[t]};
    to_pbx(key_, now);
  }
}

void SimDaemon::try_again(Instant now) { take(decider_->reissue(awake(now)), now); }

/// One that does not answer has no order of ours to respect; one that hangs is given up only after its reply is overdue.
void SimDaemon::read_trunk(const Event& e, Instant now) {
  const model::PbxId pbx = site_->trunks[e.a].pbx;
  if (pbx_->hung[pbx.index()] > 0 && e.n == 0) return later(now + (*site_)[pbx].reply_timeout, Happening::TrunkRead, e.a, 1);
  auto sets = pbx_->deaf(pbx) ? std::vector<int>{} : pbx_->standing(e.a, now);
  if (bug_ == Planted::ForgetTrunkAdoption) sets.clear();
  take(decider_->adopt(decision::TrunkAdopted{.trunk = model::id_at<model::TrunkId>(e.a), .sets = std::move(sets)}, awake(now)), now);
}

}  // namespace linekeeper::sim
