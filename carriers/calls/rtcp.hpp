#pragma once
// Receiver reports of RTCP (RFC 3550 6.4.1, 6.4.2), as packets or as the JSON that Asterisk's res_hep_rtcp and others make of them. Only
// what a receiver says of what it heard: the share that was lost since its last report, and the jitter. Pure.
#include <cstdint>
#include <string_view>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::calls {

struct ReceiverReport {
  double loss_ratio = 0;     ///< of the packets between this report and the one before
  model::Duration jitter{};  ///< reckoned at 8,000 timestamps a second: G.711, G.729, G.722 (RFC 3551 6); the packet does not say
};

inline constexpr std::size_t kMostReports = 31;  ///< in one packet (RC has five bits)

/// Every report block in it; none of what is malformed.
[[nodiscard]] std::vector<ReceiverReport> read_rtcp(std::string_view payload);

}  // namespace linekeeper::calls
