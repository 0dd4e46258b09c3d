#pragma once
// How times, shares and troubles are written in scenario files and traces, and read again. What is written is exact: reading it gives
// the same value.
#include <optional>
#include <string>
#include <string_view>

#include "tests/sim/script.hpp"

namespace linekeeper::sim {

[[nodiscard]] std::string time_text(model::Duration d);  ///< "200ms", "90s", "5m"
/// @return nothing: not a time ("90s", "1m30s", "0.5s"; units ns us ms s m h)
[[nodiscard]] std::optional<model::Duration> time_of(std::string_view text);

[[nodiscard]] std::string share_text(Measure millionths);              ///< "20%", "0.05%"
[[nodiscard]] std::optional<Measure> share_of(std::string_view text);  ///< 0% to 100%
[[nodiscard]] std::string measure_text(Amount kind, Measure m);        ///< "20%", "300ms", "2/s", "60"
[[nodiscard]] std::optional<Measure> measure_of(Amount kind, std::string_view text);
[[nodiscard]] std::string_view example_of(Amount kind);  ///< what would be right
[[nodiscard]] std::optional<std::int64_t> whole_of(std::string_view text);
[[nodiscard]] std::optional<double> real_of(std::string_view text);

/// "circuit fiber loss 20%", "carrier north silent via coax", "every circuit black-hole": what befalls whom, without when.
[[nodiscard]] std::string trouble_words(const Trouble& t, const model::Site& site);

}  // namespace linekeeper::sim
