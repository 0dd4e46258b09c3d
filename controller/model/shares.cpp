#include "controller/model/shares.hpp"

#include <string_view>

namespace linekeeper::model {

std::string share_words(const Site& site, std::span<const Share> shares) {
  std::string words;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string_view between = i == 0 ? "" : i + 1 == shares.size() ? " and " : ", ";
    words.append(between).append(site[shares[i].circuit].name).append(" (").append(std::to_string(shares[i].weight)).append(")");
  }
  return words;
}

}  // namespace linekeeper::model
