#pragma once
// Who wants to be looked at again when, among many: the earliest in O(1), a change in O(log n), nothing allocated after the start.
// A tournament tree of instants. With 16,000 paths a look at all of them for each probe would be the whole cost of a decision.
#include <algorithm>
#include <bit>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::decision {

class WakeIndex {
 public:
  explicit WakeIndex(std::size_t count) : leaves_(std::bit_ceil(std::max<std::size_t>(count, 1))), tree_(2 * leaves_, model::kNever) {}

  void set(std::size_t i, model::Instant at) {
    std::size_t node = leaves_ + i;
    if (tree_[node] == at) return;
    tree_[node] = at;
    for (node /= 2; node >= 1; node /= 2) {
      const model::Instant least = std::min(tree_[2 * node], tree_[2 * node + 1]);
      if (tree_[node] == least) break;
      tree_[node] = least;
    }
  }
  [[nodiscard]] model::Instant next() const { return tree_[1]; }
  /// Who is due first; only to be asked when next() is not kNever.
  [[nodiscard]] std::size_t first() const {
    std::size_t node = 1;
    while (node < leaves_) node = tree_[2 * node] <= tree_[2 * node + 1] ? 2 * node : 2 * node + 1;
    return node - leaves_;
  }

 private:
  std::size_t leaves_;
  std::vector<model::Instant> tree_;  // tree_[1] is the least of all; leaves from leaves_ on
};

}  // namespace linekeeper::decision
