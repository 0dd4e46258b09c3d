#include "tests/sim/frontier/excursions.hpp"

namespace linekeeper::sim::frontier {

void Excursions::set(int level, model::Instant now) {
  for (; level_ < level; ++level_) {
    const auto i = static_cast<std::size_t>(level_);
    if (i == levels_.size())
      levels_.push_back({.episodes = 1});
    else if (now - levels_[i].last > memory_)
      ++levels_[i].episodes;
  }
  for (; level_ > level; --level_) levels_[static_cast<std::size_t>(level_ - 1)].last = now;
}

std::int64_t Excursions::episodes(int level) const {
  return level >= 1 && level <= highest() ? levels_[static_cast<std::size_t>(level - 1)].episodes : 0;
}

int Excursions::threshold(double rate, double years) const {
  int level = highest() + 1;
  while (level > 1 && static_cast<double>(episodes(level - 1)) <= rate * years) --level;
  return level;
}

}  // namespace linekeeper::sim::frontier
