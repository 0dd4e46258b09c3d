#pragma once
// Whose a packet is: the matches of classes are asked one after the other, and the first that holds takes it.
#include <algorithm>
#include <tuple>
#include <vector>

#include "controller/model/site.hpp"

namespace linekeeper::model {

/// Every class in the order in which matches are asked: as in the file, but a carrier's part of a class (TrafficClass::apart) just before
/// that class, and who takes everything else behind all that have a selector.
[[nodiscard]] inline std::vector<ClassId> rule_order(const Site& site) {
  std::vector<ClassId> order;
  for (std::size_t i = 0; i < site.classes.size(); ++i) order.push_back(id_at<ClassId>(i));
  std::ranges::sort(order, {}, [&](ClassId id) {
    const auto& apart = site[id].apart;
    const ClassId whole = apart ? apart->of : id;
    return std::tuple(site[whole].match.everything(), whole, !apart, id);
  });
  return order;
}

}  // namespace linekeeper::model
