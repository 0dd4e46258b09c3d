#include "carriers/trunks/order_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace linekeeper::trunks {

model::Result<std::string> encode_order(const std::vector<int>& sets) {
  const auto refuse = [](std::string why) {
    return std::unexpected(model::Error{"the trunk order is refused: " + std::move(why), "The PBX keeps what it has", EINVAL});
  };
  if (sets.empty()) return refuse("it is empty, and a PBX without a way is never wanted");
  if (sets.size() > kMostSets)
    return refuse("it has " + std::to_string(sets.size()) + " sets, at most " + std::to_string(kMostSets) + " are possible");
  std::string text;
  for (auto set = sets.begin(); set != sets.end(); ++set) {
    if (*set < 0) return refuse("set " + std::to_string(*set) + " is negative");
    if (std::find(sets.begin(), set, *set) != set) return refuse("set " + std::to_string(*set) + " is in it twice");
    if (!text.empty()) text += ';';
    text += std::to_string(*set) + "=8";
  }
  return text;
}

std::optional<std::vector<int>> parse_order(std::string_view text) {
  if (text.empty() || text.size() > kLongestOrder) return std::nullopt;
  if (text.ends_with(';')) text.remove_suffix(1);
  std::vector<int> sets;
  while (true) {
    int set = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), set);
    if (wrong != std::errc{} || text.starts_with('-') || sets.size() == kMostSets) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with("=8")) return std::nullopt;
    text.remove_prefix(2);
    sets.push_back(set);
    if (text.empty()) return sets;
    if (!text.starts_with(';')) return std::nullopt;
    text.remove_prefix(1);
  }
}

}  // namespace linekeeper::trunks
