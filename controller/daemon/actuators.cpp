#include "controller/daemon/actuators.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "controller/daemon/route_desired.hpp"

namespace linekeeper::daemon {
namespace {

constexpr std::chrono::milliseconds kAfterRefusal{30'000};  // what stood in the way may be gone by then
constexpr std::chrono::milliseconds kFirstRetry{250}, kLongestRetry{10'000};

/// The ways of an order by their numbers; -1 for one that the trunk has not.
std::vector<int> numbers(const model::Trunk& trunk, const trunks::Order& order) {
  std::vector<int> all;
  for (const std::string& way : order) {
    const auto member = std::ranges::find(trunk.members, way, &model::TrunkMember::in_pbx);
    all.push_back(member == trunk.members.end() ? -1 : member->dispatcher_set);
  }
  return all;
}

/// How many there are before those at the end that are down. Who is not judged yet counts as good: unknown takes nothing away (I6).
std::size_t without_the_dead_behind(std::span<const model::TrunkStep> order) {
  while (!order.empty() && order.back().health == model::Health::Down) order = order.first(order.size() - 1);
  return order.size();
}

}  // namespace

Actuators::Actuators(boost::asio::any_io_executor executor, model::SitePtr site, std::string client_directory, std::vector<std::string> retired,
                     Handlers handlers)
    : executor_(executor),
      site_(std::move(site)),
      retired_(std::move(retired)),
      handlers_(std::move(handlers)),
      retry_(executor),
      sent_orders_(site_->trunks.size()),
      sent_usable_(site_->trunks.size()),
      sent_classes_(site_->classes.size()),
      applied_classes_(site_->classes.size()) {
  switch_ = std::make_shared<SwitchClient>(executor, site_->endpoints.switch_socket,
                                           SwitchClient::Handlers{.on_reply = [this](const route::Reply& r) { on_reply(r); },
                                                                  .on_lost =
                                                                      [this](const std::string& why) {
                                                                        switch_problem_ = why;
                                                                        handlers_.on_switch_lost(why);
                                                                      }});
  for (std::size_t i = 0; i < site_->pbxs.size(); ++i) {
    PbxState state;
    state.driver = trunks::make_driver(executor, site_->pbxs[i], client_directory, [this, i, alive = alive_](const trunks::PbxReport& report) {
      if (!*alive) return;
      pbxs_[i].report = report;
      pbxs_[i].ever_reported = true;
      handlers_.on_pbx(model::id_at<model::PbxId>(i), report);
      if (!report.in_sync) return;
      for (std::size_t t = 0; t < site_->trunks.size(); ++t)
        if (site_->trunks[t].pbx.index() == i && !sent_orders_[t].empty()) handlers_.on_trunk_applied(model::id_at<model::TrunkId>(t));
    });
    pbxs_.push_back(std::move(state));
  }
}

Actuators::~Actuators() { stop(); }

void Actuators::start() {
  *alive_ = true;
  switch_->start();
  for (PbxState& p : pbxs_) p.driver->start();
  read_trunks();
}

void Actuators::stop() {
  *alive_ = false;
  retry_.cancel();
  switch_->stop();
  for (PbxState& p : pbxs_) p.driver->stop();
}

void Actuators::read_trunks() {
  for (std::size_t t = 0; t < site_->trunks.size(); ++t) {
    const model::Trunk& trunk = site_->trunks[t];
    pbxs_[trunk.pbx.index()].driver->read(trunk.key, [this, t, alive = alive_](const model::Result<std::optional<trunks::Order>>& stands) {
      // A PBX that does not answer has no order of ours to respect: its own static one is in force.
      if (*alive)
        handlers_.on_trunk_standing(model::id_at<model::TrunkId>(t),
                                    numbers(site_->trunks[t], stands ? stands->value_or(trunks::Order{}) : trunks::Order{}));
    });
  }
}

void Actuators::carry_out(const model::Plan& plan, const std::vector<std::optional<model::LinkState>>& links) {
  carry_out_trunks(plan);
  route::Apply apply{.generation = plan.generation, .desired = route_desired(*site_, plan, links, applied_classes_), .retired_classes = retired_};
  sent_generation_ = plan.generation;
  for (const model::ClassChoice& c : plan.classes) sent_classes_[c.traffic_class.index()] = c.circuit;
  switch_->send(apply);  // when it is not there, it is asked for anew after its StateReply
}

void Actuators::carry_out_trunks(const model::Plan& plan) {
  for (const model::TrunkChoice& choice : plan.trunks) {
    if (choice.order.empty()) continue;  // nothing is known of it yet: the PBX's own order stands
    const model::Trunk& trunk = (*site_)[choice.trunk];
    trunks::Order order;
    for (const model::TrunkStep& step : choice.order) order.push_back(trunk.members[step.member].in_pbx());
    // Only who answers for each way needs it; to the others an order that stands is not said again because one of its ways died.
    const bool asks_us = (*site_)[trunk.pbx].driver == model::PbxDriver::Responder;
    const auto usable = asks_us ? without_the_dead_behind(choice.order) : order.size();
    if (order == sent_orders_[choice.trunk.index()] && usable == sent_usable_[choice.trunk.index()]) continue;
    sent_orders_[choice.trunk.index()] = order;
    sent_usable_[choice.trunk.index()] = usable;
    pbxs_[trunk.pbx.index()].driver->apply(trunk.key, order, usable,
                                           [this, id = choice.trunk, order, usable, alive = alive_](const model::Result<void>& done) {
                                             const auto t = id.index();
                                             if (!*alive || sent_orders_[t] != order || sent_usable_[t] != usable) return;  // overtaken
                                             if (done)
                                               handlers_.on_trunk_applied(id);
                                             else
                                               handlers_.on_trunk_failed(id, done.error().to_string());
                                           });
  }
}

void Actuators::on_reply(const route::Reply& reply) {
  std::visit([this](const auto& r) { on(r); }, reply);
}

void Actuators::on(const route::StateReply& state) {
  switch_problem_.clear();
  drift_.clear();
  led_past_.clear();
  failures_ = 0;
  auto standing = standing_classes(*site_, state);
  applied_classes_ = standing;
  for (const decision::ShareFound& found : standing_shares(*site_, state)) handlers_.on_share_standing(found);
  handlers_.on_standing(state.generation, std::move(standing));
}

void Actuators::on(const route::Applied& applied) {
  if (applied.generation != sent_generation_) return;  // a newer one is on its way
  applied_generation_ = applied.generation;
  switch_problem_.clear();
  drift_.clear();
  failures_ = 0;
  retired_.clear();
  applied_classes_ = sent_classes_;
  const decision::MovesHeld held = moves_held(*site_, applied);
  std::vector<bool> moved(sent_classes_.size(), true);
  for (const decision::MovesHeld::Move& m : held.moves) {
    applied_classes_[m.traffic_class.index()] = m.stands;
    moved[m.traffic_class.index()] = false;
  }
  for (std::size_t i = 0; i < moved.size(); ++i)
    if (moved[i]) handlers_.on_class_applied(i, applied.generation);
  handlers_.on_routes_applied(applied.generation, applied.changes);
  if (held.moves.empty()) return;
  std::vector<std::string> why;
  for (const decision::MovesHeld::Move& m : held.moves) {
    const auto said = std::ranges::find(applied.held, (*site_)[m.traffic_class].name, &route::HeldMove::traffic_class);
    why.push_back(fmt::format("refused by guard {}: {}. {}", said->guard, said->why, said->remedy));
  }
  handlers_.on_moves_held(applied.generation, held, why);
}

void Actuators::on(const route::Refused& refused) {
  if (refused.generation != sent_generation_ && refused.generation != 0) return;
  switch_problem_ = fmt::format("refused by guard {}: {}. {}", refused.guard, refused.why, refused.remedy);
  handlers_.on_routes_failed(sent_generation_, switch_problem_, true);
  try_again(kAfterRefusal);
}

void Actuators::on(const route::Failed& failed) {
  if (failed.generation != sent_generation_) return;
  switch_problem_ = failed.why + ". " + failed.remedy;
  handlers_.on_routes_failed(failed.generation, switch_problem_, false);
  try_again(std::min(kFirstRetry * (1 << std::min(failures_++, 10)), kLongestRetry));
}

void Actuators::on(const route::Drift& drift) {
  if (drift.gave_up) drift_ = drift.repaired ? "" : drift.what;
  if (drift.foreign) led_past_ = drift.repaired ? "" : drift.what;
  handlers_.on_drift(drift);
}

void Actuators::on(const route::Flows& flows) { handlers_.on_flows(flows); }

void Actuators::try_again(std::chrono::milliseconds after) {
  retry_.expires_after(after);
  retry_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) handlers_.want_reissue();
  });
}

model::ActuatorStatus Actuators::switch_status() const {
  const std::string& problem = !switch_problem_.empty() ? switch_problem_ : !drift_.empty() ? drift_ : led_past_;
  const bool in_sync = switch_->connected() && problem.empty() && applied_generation_ == sent_generation_ && applied_generation_ != 0;
  return {.name = "switch",
          .connected = switch_->connected(),
          .in_sync = in_sync,
          .detail = problem.empty() ? fmt::format("generation {}", applied_generation_) : problem};
}

std::vector<model::ActuatorStatus> Actuators::pbx_statuses() const {
  std::vector<model::ActuatorStatus> all;
  for (std::size_t i = 0; i < pbxs_.size(); ++i)
    all.push_back({.name = site_->pbxs[i].name,
                   .connected = pbxs_[i].report.connected,
                   .in_sync = pbxs_[i].report.in_sync,
                   .detail = pbxs_[i].ever_reported ? pbxs_[i].report.detail : "not asked yet"});
  return all;
}

}  // namespace linekeeper::daemon
