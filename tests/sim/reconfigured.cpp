#include "tests/sim/reconfigured.hpp"

#include <algorithm>

namespace linekeeper::sim {
namespace {

bool leave_out(model::Site& site, model::CircuitId last) {
  if (site.circuits.size() < 3) return false;
  for (const model::TrafficClass& c : site.classes)
    if (std::ranges::none_of(c.circuits, [&](model::CircuitId id) { return id != last; })) return false;
  for (model::TrafficClass& c : site.classes) std::erase(c.circuits, last);
  for (model::Trunk& t : site.trunks) std::erase_if(t.members, [&](const model::TrunkMember& m) { return m.circuit == last; });
  site.circuits.pop_back();
  return true;
}

bool leave_out(model::Site& site, model::CarrierId last) {
  for (const model::Trunk& t : site.trunks)
    if (std::ranges::none_of(t.carriers, [&](model::CarrierId id) { return id != last; })) return false;
  if (site.carriers.size() < 2) return false;
  for (model::Trunk& t : site.trunks) {
    std::erase(t.carriers, last);
    std::erase_if(t.members, [&](const model::TrunkMember& m) { return m.carrier == last; });
  }
  site.carriers.pop_back();
  return true;
}

}  // namespace

model::Site reconfigured(const model::Site& site, Measure changes) {
  model::Site s = site;
  model::TrafficClass& first = s.classes.front();
  if ((changes & kOtherOrder) != 0) std::ranges::rotate(first.circuits, first.circuits.begin() + 1);
  if ((changes & kOtherLimits) != 0) first.limits = first.limits ? std::nullopt : std::optional(model::QualityLimits{});
  if ((changes & kLongerHoldDown) != 0) {
    s.circuit_health.hold_down *= 2;
    s.circuit_health.hold_down_max = std::max(s.circuit_health.hold_down_max, s.circuit_health.hold_down);
  }
  if ((changes & kFewerCarriers) != 0) leave_out(s, model::id_at<model::CarrierId>(s.carriers.size() - 1));
  if ((changes & kFewerCircuits) != 0) leave_out(s, model::id_at<model::CircuitId>(s.circuits.size() - 1));
  return s;
}

bool same_ways(const model::Site& a, const model::Site& b) {
  return a.circuits.size() == b.circuits.size() && std::ranges::equal(a.classes, b.classes, [](const auto& x, const auto& y) {
           return x.circuits == y.circuits && x.limits.has_value() == y.limits.has_value();
         });
}

bool same_members(const model::Site& a, const model::Site& b) {
  return std::ranges::equal(a.trunks, b.trunks, [](const auto& x, const auto& y) { return x.members.size() == y.members.size(); });
}

}  // namespace linekeeper::sim
