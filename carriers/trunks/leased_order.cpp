#include "carriers/trunks/leased_order.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ranges>

namespace linekeeper::trunks {

bool is_way_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kLongestWay && std::ranges::all_of(name, plain);
}

model::Result<std::string> encode_leased(const LeasedOrder& order) {
  const auto refuse = [](std::string why) {
    return std::unexpected(model::Error{"the trunk order is refused: " + std::move(why), "The PBX keeps what it has", EINVAL});
  };
  if (order.ways.empty()) return refuse("it is empty, and a PBX without a way is never wanted");
  if (order.ways.size() > kMostLeasedWays)
    return refuse("it has " + std::to_string(order.ways.size()) + " ways, at most " + std::to_string(kMostLeasedWays) + " are possible");
  if (order.ends < 0) return refuse("it ends before 1970: the PBX's clock is wrong");
  std::string text;
  for (auto way = order.ways.begin(); way != order.ways.end(); ++way) {
    if (!is_way_name(*way)) return refuse("a way's name has other signs than letters, digits, '_', '-' and '.', or is longer than 64");
    if (std::find(order.ways.begin(), way, *way) != way) return refuse("the way " + *way + " is in it twice");
    if (!text.empty()) text += '&';
    text += *way;
  }
  text += '|' + std::to_string(order.ends);
  if (text.size() > kLongestLeasedOrder)
    return refuse("its text has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(kLongestLeasedOrder) + " are possible");
  return text;
}

std::optional<LeasedOrder> parse_leased(std::string_view text) {
  if (text.size() > kLongestLeasedOrder) return std::nullopt;
  const auto bar = text.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  LeasedOrder order;
  const auto digits = text.substr(bar + 1);
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), order.ends);
  if (wrong != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  for (const auto way : std::views::split(text.substr(0, bar), '&')) order.ways.emplace_back(std::string_view(way));
  const auto same = encode_leased(order);  // a leading zero, a way twice: not ours
  if (!same || *same != text) return std::nullopt;
  return order;
}

}  // namespace linekeeper::trunks
