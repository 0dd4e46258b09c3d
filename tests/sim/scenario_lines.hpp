#pragma once
// What the lines of a scenario file say: of the run itself (scenario_reader), of the site, of what befalls it, of what must be so. Each
// reads one line into the script, and throws a Mistake (scenario_attributes.hpp) when it does not understand it.
#include <span>
#include <string>
#include <string_view>

#include "tests/sim/script.hpp"

namespace linekeeper::sim {

using Words = std::span<const std::string>;

inline constexpr model::Duration kToTheEnd = model::Duration::max();

/// The words from one on, as they stood.
[[nodiscard]] std::string words_from(Words words, std::size_t from);
/// "10s": since the beginning.
[[nodiscard]] model::Duration since_the_beginning(std::string_view text);

/// A target, a circuit, a carrier, a class, a PBX, a trunk, or how to probe and to judge. @return false: the line is about none of these
bool read_site_line(Words words, Script& script);

/// What befalls whom from `when` on, or who is well again. @return the last time that it names
model::Duration read_trouble(model::Duration when, Words words, Script& script);

/// @param line  of the file
[[nodiscard]] Expectation read_expectation(model::Duration from, model::Duration to, Words words, int line, const model::Site& site);

}  // namespace linekeeper::sim
