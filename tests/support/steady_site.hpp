#pragma once
// A site of any size on which nothing is wrong: probes leave and are answered, OPTIONS too, for ever. For measuring what deciding nothing costs.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "controller/decision/decider.hpp"

namespace linekeeper::tests {

inline model::Site site_of_size(std::size_t circuits, std::size_t carriers) {
  using namespace std::chrono_literals;
  model::Site s;
  s.name = "steady";
  for (std::size_t t = 0; t < 3; ++t)
    s.targets.push_back({fmt::format("t{}", t), *model::IpAddress::parse(fmt::format("192.0.2.{}", t + 1)), fmt::format("n{}", t)});
  std::vector<model::TargetId> targets = {model::TargetId{0}, model::TargetId{1}, model::TargetId{2}};
  std::vector<model::CircuitId> order;
  for (std::size_t c = 0; c < circuits; ++c) {
    s.circuits.push_back({.name = fmt::format("c{}", c), .interface = fmt::format("wan{}", c), .targets = targets, .table = 7100});
    order.push_back(model::id_at<model::CircuitId>(c));
  }
  s.classes.push_back({.name = "voice", .circuits = order, .table = 7200});
  s.pbxs.push_back({.name = "pbx"});
  model::Trunk trunk{.name = "outbound"};
  for (std::size_t k = 0; k < carriers; ++k) {
    s.carriers.push_back({.name = fmt::format("k{}", k), .address = *model::IpAddress::parse(fmt::format("203.0.{}.{}", k / 250, k % 250 + 1))});
    const auto carrier = model::id_at<model::CarrierId>(k);
    trunk.carriers.push_back(carrier);
    for (std::size_t c = 0; c < std::min<std::size_t>(circuits, 4); ++c)
      trunk.members.push_back({carrier, model::id_at<model::CircuitId>(c), static_cast<int>(10 * k + c)});
  }
  s.trunks.push_back(std::move(trunk));
  s.probing.standby_interval = s.probing.interval;
  s.circuit_health.stale_after = 1h;
  s.carrier_health.stale_after = 1h;
  return s;
}

class SteadySite {
 public:
  SteadySite(std::size_t circuits, std::size_t carriers)
      : site_(std::make_shared<const model::Site>(site_of_size(circuits, carriers))), decider_(site_, now_), sequence_(circuits) {
    using namespace std::chrono_literals;
    for (std::size_t c = 0; c < circuits; ++c)
      heard(decider_.observe(model::LinkState{.circuit = model::id_at<model::CircuitId>(c),
                                              .present = true,
                                              .admin_up = true,
                                              .carrier = true,
                                              .ifindex = 2,
                                              .address = model::IpAddress::parse("192.0.2.77"),
                                              .gateway = model::IpAddress::parse("192.0.2.76")},
                             now_));
    heard(decider_.adopt(decision::Adopted{.generation = 1, .classes = std::vector<std::optional<model::CircuitId>>(1)}, now_));
    heard(decider_.adopt(decision::TrunkAdopted{.trunk = model::TrunkId{0}, .sets = {}}, now_));
    for (std::size_t k = 0; k < carriers; ++k)
      for (std::size_t c = 0; c < circuits; ++c) options(k, c);
    for (std::size_t i = 0; i < 200 * circuits; ++i) probe();
  }
  /// One probe leaves and is answered: two observations, and whatever wake-up falls due.
  void probe() {
    const std::size_t c = turn_ % sequence_.size();
    const auto circuit = model::id_at<model::CircuitId>(c);
    const auto target = model::id_at<model::TargetId>(turn_ / sequence_.size() % 3);
    ++turn_;
    pass(site_->probing.interval / sequence_.size() / 2);
    heard(decider_.observe(model::ProbeSent{circuit, target, ++sequence_[c], now_}, now_));
    pass(site_->probing.interval / sequence_.size() / 2);
    heard(decider_.observe(model::ProbeReply{circuit, target, sequence_[c], std::chrono::milliseconds(10)}, now_));
  }
  /// One OPTIONS is answered.
  void options(std::size_t carrier, std::size_t circuit) {
    heard(decider_.observe(model::SipOutcome{.carrier = model::id_at<model::CarrierId>(carrier),
                                             .circuit = model::id_at<model::CircuitId>(circuit),
                                             .sequence = ++sip_sequence_,
                                             .result = model::SipResult::Final,
                                             .code = 200,
                                             .reply = model::ReplyClass::Up,
                                             .sent = now_,
                                             .rtt = std::chrono::milliseconds(20)},
                           now_));
  }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  [[nodiscard]] const decision::Decider& decider() const { return decider_; }
  [[nodiscard]] model::Instant now() const { return now_; }

 private:
  void pass(model::Duration span) {
    now_ += span;
    if (wakeup_ <= now_) heard(decider_.wake(now_));
  }
  void heard(const decision::Output& out) {
    wakeup_ = out.next_wakeup;
    events_ += out.events.size();
  }

  model::SitePtr site_;
  model::Instant now_{std::chrono::seconds(1000)};
  decision::Decider decider_;
  std::vector<std::uint64_t> sequence_;
  model::Instant wakeup_ = model::kNever;
  std::uint64_t sip_sequence_ = 0, events_ = 0;
  std::size_t turn_ = 0;
};

}  // namespace linekeeper::tests
