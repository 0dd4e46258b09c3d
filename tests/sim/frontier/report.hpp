#pragma once
// What the study found, as markdown and as a picture.
#include <string>

#include "tests/sim/frontier/study.hpp"

namespace linekeeper::sim::frontier {

/// Everything, for the README beside this file.
[[nodiscard]] std::string full_tables(const Study& study);
/// What the first page needs.
[[nodiscard]] std::string short_table(const Study& study);
/// False alarms a year against the time to detect, one panel for each fault and background; SVG without scripts or fonts of its own.
[[nodiscard]] std::string chart(const Study& study);

/// The text with what stands between `<!-- frontier:begin -->` and `<!-- frontier:end -->` replaced.
/// @return nothing when the markers are not there, once each and in that order
[[nodiscard]] std::optional<std::string> between_markers(const std::string& text, const std::string& replacement);

/// "0.91/1.10", "13/-": median and 99th percentile in seconds; "-" when so many were not found within kGiveUp.
[[nodiscard]] std::string words_of(const Found& found);

}  // namespace linekeeper::sim::frontier
