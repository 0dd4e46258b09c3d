#include "controller/daemon/recorder.hpp"

#include <utility>

namespace linekeeper::daemon {

using model::Instant;

Instant Recorder::started(const model::Site& site, std::string text, Instant now) {
  flush();  // a block belongs to one judge
  configuration_ = std::make_shared<const journal::Configuration>(journal::Configuration{.sha256 = site.sha256, .text = std::move(text)});
  // A block leaves before the record that would make it longer than kBlockBytes arrives, so the buffer has room for one of any usual length.
  writer_.emplace(site, now, 2 * kBlockBytes);
  standing_at_ = now;
  gateways_.assign(site.circuits.size(), std::nullopt);
  resolvers_.assign(site.circuits.size(), std::nullopt);
  add(journal::DeciderStarted{}, now);
  return now;
}

Instant Recorder::told(const model::Observation& observation, Instant now) {
  if (const auto* gateway = std::get_if<model::GatewayState>(&observation)) gateways_.at(gateway->circuit.index()) = *gateway;
  if (const auto* resolver = std::get_if<model::ResolverState>(&observation)) resolvers_.at(resolver->circuit.index()) = *resolver;
  make_room(now);
  writer_->add(observation, now);
  return now;
}

Instant Recorder::told(const decision::Adopted& adopted, Instant now) {
  add(journal::RoutesAdopted{.generation = adopted.generation, .classes = adopted.classes}, now);
  return now;
}

Instant Recorder::told(const decision::ShareFound& found, Instant now) {
  add(journal::ShareFound{.traffic_class = found.traffic_class, .circuits = found.circuits}, now);
  return now;
}

Instant Recorder::told(const decision::TrunkAdopted& adopted, Instant now) {
  add(journal::TrunkAdopted{.trunk = adopted.trunk, .sets = adopted.sets}, now);
  return now;
}

Instant Recorder::told(const decision::OrdersInForce& orders, Instant now) {
  add(journal::OrdersGiven{orders.overrides}, now);
  return now;
}

Instant Recorder::told(const decision::MovesHeld& held, Instant now) {
  journal::MovesHeld record;
  for (const decision::MovesHeld::Move& m : held.moves)
    record.moves.push_back({.traffic_class = m.traffic_class, .stands = m.stands, .escape = m.escape, .again_after = m.again_after});
  add(record, now);
  return now;
}

Instant Recorder::told(const decision::MoveProof& proof, Instant now) {
  add(journal::WayProbed{.traffic_class = proof.traffic_class, .by = proof.by, .proven = proof.result == decision::ProofResult::Proven}, now);
  return now;
}

Instant Recorder::reissued(Instant now) {
  add(journal::Reissued{}, now);
  return now;
}

Instant Recorder::woken(Instant now) {
  make_room(now);
  writer_->add(journal::Woken{}, now);
  return now;
}

void Recorder::add(const journal::Input& input, Instant now) {
  make_room(now);
  writer_->add(input, now);
}

void Recorder::make_room(Instant now) {
  if (!writer_->empty() && (now - writer_->first() >= kBlockSpan || writer_->size() >= kBlockBytes)) flush();
  if (writer_->empty()) block_wall_ = wall_();
}

void Recorder::flush() {
  if (!writer_ || writer_->empty()) return;
  journal::ObservationBlock block{
      .wall = block_wall_, .run = writer_->run(), .first = writer_->first(), .last = writer_->last(), .configuration = configuration_, .bytes = {}};
  block.bytes = writer_->take();
  sink_(std::move(block));
}

std::string_view Recorder::recalled(model::CircuitId circuit, std::string_view text, model::Duration age, Instant now) {
  add(journal::Recalled{.circuit = circuit, .text = std::string(text), .age = age}, now);
  return text;
}

std::string_view Recorder::recalled(model::ClassId traffic_class, std::string_view text, model::Duration age, Instant now) {
  add(journal::MovesRecalled{.traffic_class = traffic_class, .text = std::string(text), .age = age}, now);
  return text;
}

void Recorder::every_second(const model::Status& status, const decision::Decider& decider) {
  if (!writer_) return;
  if (status.now - standing_at_ >= kStandingEvery) {
    standing_at_ = status.now;
    add(standing(status, decider), status.now);
  }
  if (!writer_->empty() && status.now - writer_->first() >= kBlockSpan) flush();
}

namespace {

void note_learned(const decision::Decider& decider, const model::Site& site, Instant now, std::vector<journal::Recalled>& learned) {
  for (std::size_t c = 0; c < site.circuits.size(); ++c)
    learned.push_back({.circuit = model::id_at<model::CircuitId>(c), .text = decider.memory(model::id_at<model::CircuitId>(c), now), .age = {}});
}

}  // namespace

journal::Standing Recorder::standing(const model::Status& status, const decision::Decider& decider) const {
  journal::Standing s;
  s.routes.generation = status.plan.generation;
  for (const model::ClassChoice& c : status.plan.classes) s.routes.classes.push_back(c.circuit);
  for (const model::TrunkChoice& t : status.plan.trunks) {
    journal::TrunkAdopted& trunk = s.trunks.emplace_back(journal::TrunkAdopted{.trunk = t.trunk, .sets = {}});
    for (const model::TrunkStep& step : t.order) trunk.sets.push_back((*status.site)[t.trunk].members[step.member].dispatcher_set);
  }
  s.orders.overrides = status.overrides;
  for (const model::CircuitStatus& c : status.circuits) s.links.push_back(c.link);
  for (const auto& gateway : gateways_)
    if (gateway) s.gateways.push_back(*gateway);
  for (const auto& resolver : resolvers_)
    if (resolver) s.resolvers.push_back(*resolver);
  note_learned(decider, *status.site, status.now, s.learned);
  return s;
}

}  // namespace linekeeper::daemon
