// Classes that are shared by several circuits: what part each has, and which classes may not be.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr double kMostDerived = 100;  // parts in a hundred tell bandwidths apart well enough; the kernel has room for 255

/// As configured, where one of them says a weight; else by what they carry, where all say that; else all alike.
std::vector<int> weights_of(const model::Site& site, const std::vector<model::CircuitId>& circuits) {
  const auto all = [&](auto has) { return std::ranges::all_of(circuits, [&](model::CircuitId c) { return has(site[c]); }); };
  std::vector<int> weights;
  if (all([](const model::Circuit& c) { return !c.weight && c.bandwidth_kbps; })) {
    double most = 0;
    for (const model::CircuitId c : circuits) most = std::max(most, *site[c].bandwidth_kbps);
    int common = 0;
    for (const model::CircuitId c : circuits) {
      weights.push_back(std::max(1, static_cast<int>(std::lround(kMostDerived * *site[c].bandwidth_kbps / most))));
      common = std::gcd(common, weights.back());
    }
    for (int& w : weights) w /= common;
    return weights;
  }
  for (const model::CircuitId c : circuits) weights.push_back(site[c].weight.value_or(1));
  return weights;
}

/// Calls would go by one circuit with their signalling and by another with their media, and to a carrier by both.
bool carries_calls(const Section& section, const model::TrafficClass& steered) {
  if (steered.codec == model::Codec::None) return false;
  section.complain("share",
                   fmt::format("{} is shared and has the codec {}: signalling and media of one call would go by different circuits", section.label(),
                               word_of(steered.codec)),
                   "share = false; a class of its own for the data, which may be shared");
  return true;
}

bool carries_trunk(const Section& section, const model::Site& site, model::ClassId id) {
  const auto trunk = std::ranges::find(site.trunks, id, &model::Trunk::traffic_class);
  if (trunk == site.trunks.end()) return false;
  section.complain(
      "share", fmt::format("{} is shared and carries trunk {}, whose signalling and media must stay together", section.label(), quoted(trunk->name)),
      "share = false; or another class for the trunk");
  return true;
}

}  // namespace

void share_classes(Reading& reading) {
  model::Site& site = reading.site;
  for (std::size_t position = 0; position < reading.classes.size(); ++position) {
    if (!reading.shared_classes.contains(position)) continue;
    const Section& section = reading.classes[position];
    bool several = false, unread = false;
    for (std::size_t i = 0; i < site.classes.size(); ++i) {
      model::TrafficClass& steered = site.classes[i];
      if (reading.class_owners[i] != position) continue;
      unread = unread || steered.circuits.empty();  // told already
      several = several || steered.circuits.size() > 1;
      if (carries_calls(section, steered) || carries_trunk(section, site, model::id_at<model::ClassId>(i))) return;
      // One family of it may have one circuit only: that goes by it.
      if (steered.circuits.size() > 1) steered.weights = weights_of(site, steered.circuits);
    }
    if (!several && !unread)
      section.complain("share", section.label() + " is shared, and has one circuit only", "two circuits of one family at least, or share = false");
    if (!site.connections.keep)
      section.complain("share",
                       section.label() +
                           " is shared, and [connections] keep is false: a connection would change its circuit whenever another leaves or "
                           "returns",
                       "[connections] keep = true, or share = false");
  }
}

}  // namespace linekeeper::config
