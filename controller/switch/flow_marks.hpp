#pragma once
// The numbers that circuits and classes have in the marks of connections (controller/model/connections.hpp). Pure.
#include <optional>

#include "controller/model/connections.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::route {

using model::FlowMarks;

/// IPv4 and IPv6 have connections, and numbers for them, apart from each other: what the plan says of one of them.
[[nodiscard]] Desired family_part(const Desired& plan, model::Family family);

/// Gives each circuit and class its number: the one that `before` has under its name, else one that neither `before` nor `taken` (numbers
/// of circuits whose connections are still being deleted) has. A reload that moves a circuit to another place in the file must not
/// give its connections to another.
void number_flows(Desired& plan, const std::optional<Desired>& before, const std::vector<std::uint32_t>& taken);

/// What is wrong with the plan's marks and translations, in words; empty: nothing.
[[nodiscard]] std::string flow_mistake(const Desired& plan);

}  // namespace linekeeper::route
