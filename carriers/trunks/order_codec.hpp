#pragma once
// A trunk's order as Kamailio's dispatcher reads it (ds_select_routes): "11=8;12=8" is set 11 first, then set 12, each by
// algorithm 8 (the first destination of the set by its priority). Pure.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

inline constexpr std::size_t kMostSets = 64;           ///< of one order; longer ones are refused
inline constexpr int kLargestSet = 2'147'483'647;      ///< dispatcher's setid is an int
inline constexpr std::size_t kLongestOrder = 64 * 13;  ///< "2147483647=8;" each

/// @param sets  best first; none, too many, negative or twice the same is an error: what would be sent is never empty and
///              holds nothing but digits, '=' and ';'
[[nodiscard]] model::Result<std::string> encode_order(const std::vector<int>& sets);

/// The sets of an order we could have written; nothing for any other text. A ';' at the end is allowed.
[[nodiscard]] std::optional<std::vector<int>> parse_order(std::string_view text);

}  // namespace linekeeper::trunks
