#pragma once
// Connections that stay behind when a class leaves a circuit: how long they may, and when they are deleted. Pure: plans and
// instants go in, what is to be looked for comes out.
//
//   the circuit lives (a planned move, quality, failback)   they stay until they end or the class's drain time is over
//   the circuit is dead, or no longer configured            they are deleted once the new way has been read back
//   the circuit lives, and left a share of its class        they are led over where nothing is translated; else they stay as above
//   the circuit has another address                         those with the old one are deleted once it can be used
//
// Deleting takes three looks: at once, after 1 s and after 5 s, for a packet that was on its way may have made a connection anew.
// Never deleted: anything of a class that goes by that circuit, or whose own circuit is dead or has no link (I8: no connection is
// cut unless there is a better way for it).
#include <optional>
#include <vector>

#include "controller/model/time.hpp"
#include "controller/switch/kernel_state.hpp"

namespace linekeeper::route {

inline constexpr model::Duration kCountDrainsEvery = std::chrono::seconds(5);
inline constexpr model::Duration kStraysAfter[] = {std::chrono::seconds(1), std::chrono::seconds(4)};  // each after the look before it

enum class Behind : std::uint8_t { Drains, Dead, Deadline, Removed, Unshared };

/// One class's connections on one circuit that it does not go by.
struct LeftBehind {
  model::Family family = model::Family::V4;      ///< numbers are given in each apart
  std::uint32_t circuit = 0, traffic_class = 0;  ///< flow numbers
  std::string circuit_name;                      ///< the plan may no longer have it
  Behind state = Behind::Drains;
  model::Instant deadline{};  ///< while it drains
  model::Instant next{};      ///< when it is to be looked at
  std::uint32_t looks = 0;    ///< of deleting, so far
  std::uint64_t flows = 0;    ///< when last counted
  friend bool operator==(const LeftBehind&, const LeftBehind&) = default;
};

/// An address that a circuit no longer has.
struct OldAddress {
  std::uint32_t circuit = 0;
  model::IpAddress address;
  model::Instant next{};
  std::uint32_t looks = 0;
  friend bool operator==(const OldAddress&, const OldAddress&) = default;
};

struct FlowMemory {
  std::vector<LeftBehind> behind;
  std::vector<OldAddress> old_addresses;
  std::string wanted_table;  ///< what the kernel was last told (flow_table)
  std::string shown_table;   ///< as the kernel showed it then; empty: none of ours stands
  friend bool operator==(const FlowMemory&, const FlowMemory&) = default;
};

/// Where connections of a class that are on another circuit may be led as they are: the mark they have there, and their part of it.
struct Elsewhere {
  std::uint32_t mark = 0;
  std::uint32_t weight = 1;
};
/// @return none: there, or where they are, sources are translated, and a connection cannot change that.
[[nodiscard]] std::vector<Elsewhere> led_to(const DesiredClass& traffic_class, const DesiredCircuit* from, const Desired& plan);

/// Call once a plan stands. @param before the plan before it; nothing: not remembered, so every class may have left something anywhere.
void leave_behind(FlowMemory& memory, const std::optional<Desired>& before, const Desired& now_desired, model::Instant now);

/// When it is to be looked at: at the next count, or at its deadline when that comes first.
[[nodiscard]] model::Instant due_at(const LeftBehind& left);
/// When something is to be looked at; nothing: never.
[[nodiscard]] std::optional<model::Instant> next_look(const FlowMemory& memory);

/// I8: the class goes by another circuit, and that is not dead, has a link, and is what the kernel does. @return why not, or "".
[[nodiscard]] std::string keeps_from_cutting(const LeftBehind& left, const Desired& desired, const KernelState& observed);
/// The same for an old address: the circuit has another one and can be used.
[[nodiscard]] std::string keeps_from_cutting(const OldAddress& old, const Desired& desired, const KernelState& observed);

/// What was found at a look at `left`, and what it means. @param whole false: there was more than could be deleted at once.
/// @return false: it is over and may be forgotten.
[[nodiscard]] bool looked(LeftBehind& left, std::uint64_t flows, bool cutting, bool whole, model::Instant now);
[[nodiscard]] bool looked(OldAddress& old, bool whole, model::Instant now);
/// Its time is over, or its circuit is: to be deleted at this look.
[[nodiscard]] bool to_be_cut(const LeftBehind& left, model::Instant now);

[[nodiscard]] std::string_view to_string(Behind b);  ///< "drains", "dead", "deadline", "removed", "unshared"

}  // namespace linekeeper::route
