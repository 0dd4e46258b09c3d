#pragma once
// From what is desired and what stands to the operations that lead from one to the other. Pure.
//
// Layout in the kernel (all with protocol kRouteProtocol; measured reasons in README.md):
//   circuit  its table: default through nexthop object 70000+(table-7000), then `unreachable default` so that nothing that
//            belongs to the circuit can leave by another; rules by mark, by oif, by source
//   class    its rules: by mark, source, incoming interface; one for each destination, all of one priority, for they lead to one table
//            its table: default through nexthop object 75000+(table-7000), which alone is replaced when the class moves: one
//            atomic message. One that is shared goes by a group of the circuits' nexthops, 76000+(table-7000), instead. No terminal unreachable: a
//            class that is not steered does what the host would do without us.
#include <string>
#include <vector>

#include "controller/switch/kernel_state.hpp"

namespace linekeeper::route {

// Rule priorities; the order is what makes draining and LAN replies work. Sources: the longer prefix first.
inline constexpr std::uint32_t kRuleMain = 7000;        // main, but not its default: local and connected first
inline constexpr std::uint32_t kRuleMark = 7100;        // marks of the site's own that name a circuit
inline constexpr std::uint32_t kRuleConnection = 7110;  // connections that carry their circuit
inline constexpr std::uint32_t kRuleOutgoing = 7200;    // sockets bound to the device (probes)
inline constexpr std::uint32_t kRuleSource = 7300;      // + (32 - prefix length)
inline constexpr std::uint32_t kRuleClass = 7500;       // + position in the plan
inline constexpr std::uint32_t kRuleEverything = 7999;  // the class that matches everything

/// A rule that keeps connections to their circuit: it stands only while that leads somewhere.
[[nodiscard]] inline bool keeps_connections(const Rule& r) { return r.priority == kRuleConnection; }

struct Wanted {
  std::vector<Nexthop> nexthops;
  std::vector<Route> routes;
  std::vector<Rule> rules;
};

/// What is to stand, given the links as they are now. A circuit without interface, link or gateway keeps only its terminal
/// unreachable; but while a class is told to use it, a default that still stands is left standing (I1), as is the class's own.
/// A preferred source that is not on the interface (yet, any more) is left out: the kernel would refuse the route.
[[nodiscard]] Wanted wanted(const Desired& desired, const KernelState& observed);

/// Everything of ours as it stands: what an undo leads back to.
[[nodiscard]] Wanted standing(const KernelState& observed);

enum class Act : std::uint8_t { Put, Remove };  ///< Put: make it, or replace it in place; never delete-then-add

struct Operation {
  Act act = Act::Put;
  Object object;
  friend bool operator==(const Operation&, const Operation&) = default;
};

/// Ordered: tables are whole before a rule leads into them, and what is no longer wanted goes last. Empty when the kernel
/// stands as wanted (I10). Foreign objects are never named in it (I11).
[[nodiscard]] std::vector<Operation> reach(const Wanted& wanted, const KernelState& observed);

/// The circuits whose interfaces a class's nexthop leaves by; none when the class is not steered, or by none of `circuits`.
[[nodiscard]] std::vector<std::string> circuits_in_kernel(std::uint32_t class_table, const std::vector<DesiredCircuit>& circuits,
                                                          const KernelState& observed);
/// The first of them, or "".
[[nodiscard]] std::string circuit_in_kernel(std::uint32_t class_table, const std::vector<DesiredCircuit>& circuits, const KernelState& observed);

/// Where a class goes, without its interface: by the kernel's word first; when its link took the nexthop away, where it was told to go
/// still stands. A shared class is said to go by its first circuit while the kernel has that.
[[nodiscard]] ClassNow class_now(const DesiredClass& traffic_class, const std::vector<DesiredCircuit>& circuits, const KernelState& observed);

/// The interfaces an object depends on, so that the kernel takes it away, or out of its group, when they go: none for rules.
[[nodiscard]] std::vector<int> interfaces_of(const Object& object, const Wanted& want);

/// The operations in words for people: "class voice: fiber -> coax"; the rest as iproute2 would name it.
[[nodiscard]] std::vector<std::string> describe(const std::vector<Operation>& operations, const Desired& desired, const KernelState& before);

/// What an operation touches, the same for each repetition: "nexthop 75002", "rule 7200: ...".
[[nodiscard]] std::string object_key(const Object& object);

}  // namespace linekeeper::route
