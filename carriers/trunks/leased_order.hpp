#pragma once
// An order with its end, as one text, for PBXs whose memory has no leases of its own: "north-fiber&south-coax|1795367704".
// The dialplan compares the end with its own clock and uses its static order once it has passed. One text, so that order and
// end are never of two different writes. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/error.hpp"

namespace linekeeper::trunks {

inline constexpr std::size_t kMostLeasedWays = 64;
inline constexpr std::size_t kLongestWay = 64;
inline constexpr std::size_t kLongestLeasedOrder = 900;  ///< AMI reads lines into 1025 bytes (main/manager.c), the name before it included

/// What a PBX calls a way out: a PJSIP endpoint, a gateway. Letters, digits, '_', '-' and '.': nothing that a dialplan, a line
/// of AMI or ESL, or our own separators could read otherwise.
[[nodiscard]] bool is_way_name(std::string_view name);

struct LeasedOrder {
  std::vector<std::string> ways;  ///< best first, never empty
  std::int64_t ends = 0;          ///< seconds since 1970 on the PBX's clock

  friend bool operator==(const LeasedOrder&, const LeasedOrder&) = default;
};

/// @return the text; an error (EINVAL) for no way, too many or too long ones, one twice, an ill-formed name, or an end before 1970
[[nodiscard]] model::Result<std::string> encode_leased(const LeasedOrder& order);

/// Nothing for any text that encode_leased() would not have written.
[[nodiscard]] std::optional<LeasedOrder> parse_leased(std::string_view text);

}  // namespace linekeeper::trunks
