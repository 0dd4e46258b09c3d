#pragma once
// Our nftables table as values: what marks connections, what restores their mark to packets, what translates addresses. Pure.
// It changes with the configuration and with a circuit's address, never with a move: a move is a nexthop.
#include <string>
#include <variant>
#include <vector>

#include "controller/switch/flow_marks.hpp"

namespace linekeeper::route {

/// The table's comment: how ours is told from a table that happens to have its name (I11).
inline constexpr std::string_view kFlowTableComment = "connections keep to their circuit; written by linekeeper-switch";

// The steps a rule is made of, each one or a few of nftables' expressions.
enum class MarkOf : std::uint8_t { Packet, Connection };
struct MatchMark {
  MarkOf of = MarkOf::Packet;
  std::uint32_t mask = 0, value = 0;
  bool inverted = false;
};
struct SetMark {  ///< writes `value` into the bits of `mask` and leaves the others
  MarkOf of = MarkOf::Packet;
  std::uint32_t mask = 0, value = 0;
};
struct MatchInterface {
  bool incoming = false;
  std::string name;
};
struct MatchSource {
  model::Prefix source;
  bool inverted = false;
};
struct MatchDestination {
  model::Prefix destination;
};
struct MatchNew {};  ///< ct state new
struct Return {};
struct Goto {
  std::string chain;
};
struct Masquerade {};
struct TranslateTo {
  model::IpAddress address;
};
using FlowStep = std::variant<MatchMark, SetMark, MatchInterface, MatchSource, MatchDestination, MatchNew, Return, Goto, Masquerade, TranslateTo>;

struct FlowChain {
  std::string name;
  std::string type;  ///< "filter", "route", "nat"; empty: reached from others only
  std::uint32_t hook = 0;
  int priority = 0;
  std::vector<std::vector<FlowStep>> rules;
};

/// Those that are gone to stand before those that go there.
struct FlowTable {
  model::Family family = model::Family::V4;  ///< one table each: `ip linekeeper` and `ip6 linekeeper`
  std::vector<FlowChain> chains;             ///< empty: no table is wanted
};

/// What becomes of a connection whose first packet that is seen comes in by a circuit.
enum class Arrivals : std::uint8_t {
  Kept,    ///< it was begun from there: it is answered by that circuit
  Ignored  ///< nobody knows who began it: it belongs to whoever sends from inside next
};

/// What the plan needs for one family: nothing when it neither marks nor translates.
/// @pre circuits and classes have their numbers
[[nodiscard]] FlowTable flow_table(const Desired& plan, model::Family family, Arrivals arrivals = Arrivals::Kept);

/// "ip linekeeper", "ip6 linekeeper".
[[nodiscard]] std::string flow_table_name(model::Family family);

/// As nft(8) would be told it; empty for no table.
[[nodiscard]] std::string to_string(const FlowTable& table);

}  // namespace linekeeper::route
