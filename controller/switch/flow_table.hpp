#pragma once
// Our nftables table as text: what marks connections, what restores their mark to packets, what translates addresses. Pure.
//
// Text, because it is what a person reads when reviewing and what `nft list table ip linekeeper` shows; libnftables takes it in one
// transaction. It changes with the configuration and with a circuit's address, never with a move: a move is a nexthop.
#include <string>

#include "controller/switch/flow_marks.hpp"

namespace linekeeper::route {

/// The first words of the table's comment: how ours is told from a table that happens to have its name (I11).
inline constexpr std::string_view kFlowTableComment = "connections keep to their circuit; written by linekeeper-switch";

/// The body of the table, from "table ip linekeeper {" on; empty when the plan neither marks nor translates.
/// Names were checked to be harmless (switch_guards): nothing of them can end a quoted word.
/// @pre circuits and classes have their numbers
[[nodiscard]] std::string flow_table(const Desired& plan);

/// Replaces whatever the table holds by `body` in one transaction; an empty body removes it.
[[nodiscard]] std::string flow_table_transaction(const std::string& body);

}  // namespace linekeeper::route
