#pragma once
// The kernel's routing objects as values: what stands (dumped) and what is to stand. IPv4 and IPv6 have tables and rules apart from
// each other in the kernel (nexthop objects are numbered together), so every value says its family.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/model/ip_address.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::route {

inline constexpr std::uint32_t kMainTable = 254;               // RT_TABLE_MAIN: read by our first rule, never written
inline constexpr std::uint32_t kTerminalMetric = 4294967294U;  // of the unreachable that ends a circuit's table
/// Metric of a default of ours: what the kernel makes of none given (IP6_RT_PRIO_USER in linux/ipv6_route.h).
[[nodiscard]] constexpr std::uint32_t default_metric(model::Family family) { return family == model::Family::V4 ? 0 : 1024; }

inline constexpr std::uint32_t kWholeMark = 0xFFFFFFFFU;

// Which nexthop object belongs to which table: by arithmetic, so that a restart needs no memory to find its own.
inline constexpr std::uint32_t kClassNexthopFirst = 75000;
[[nodiscard]] constexpr std::uint32_t circuit_nexthop(std::uint32_t table) { return kNexthopFirst + (table - kTableFirst); }
[[nodiscard]] constexpr std::uint32_t class_nexthop(std::uint32_t table) { return kClassNexthopFirst + (table - kTableFirst); }
// A class that is shared goes by a group of circuits' nexthops. It has an id of its own, because the kernel replaces neither kind by the
// other (linux/net/ipv4/nexthop.c, replace_nexthop): there the class's route is led from one to the other.
inline constexpr std::uint32_t kGroupNexthopFirst = 76000;
[[nodiscard]] constexpr std::uint32_t group_nexthop(std::uint32_t table) { return kGroupNexthopFirst + (table - kTableFirst); }
/// Of either kind.
[[nodiscard]] constexpr std::uint32_t table_of_class_nexthop(std::uint32_t id) {
  return kTableFirst + (id - (id < kGroupNexthopFirst ? kClassNexthopFirst : kGroupNexthopFirst));
}

/// std::ranges::contains, which GCC 12's library does not have yet.
template <class Range, class Value, class Projection = std::identity>
[[nodiscard]] bool holds(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

struct Link {
  int ifindex = 0;
  std::string name;
  bool up = false;                       ///< IFF_UP
  bool carrier = false;                  ///< IFF_LOWER_UP
  bool direct = false;                   ///< IFF_POINTOPOINT or IFF_NOARP: who is at the other end needs no address
  std::vector<model::Prefix> addresses;  ///< host bits kept, as they stand on the interface; of IPv6 the global ones
  /// The kernel takes a nexthop over it (it refuses one without IFF_UP or carrier, and flushes those that stood).
  [[nodiscard]] bool usable() const { return up && carrier; }
};

/// One of a group: the id of a nexthop, and its part of new flows.
struct GroupMember {
  std::uint32_t id = 0;
  std::uint32_t weight = 1;
  friend bool operator==(const GroupMember&, const GroupMember&) = default;
};

struct Nexthop {
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;
  model::Family family = model::Family::V4;
  int ifindex = 0;
  std::optional<model::IpAddress> gateway;
  bool onlink = false;
  bool other = false;  ///< a resilient group, a blackhole, an encapsulation: never made by us
  /// By id; empty: a way of its own. A group has no interface and no gateway, and is of the family of its members.
  std::vector<GroupMember> group{};
  friend bool operator==(const Nexthop&, const Nexthop&) = default;
};

enum class RouteType : std::uint8_t { Unicast, Unreachable, Other };

struct Route {
  std::uint32_t table = 0;
  std::uint8_t protocol = 0;
  RouteType type = RouteType::Unicast;
  std::uint32_t metric = 0;
  model::Prefix destination;               ///< its family is the route's
  std::uint32_t nexthop = 0;               ///< id of the object it goes through; 0: none
  std::optional<model::IpAddress> source;  ///< preferred source
  friend bool operator==(const Route&, const Route&) = default;
};

struct Rule {
  std::uint32_t priority = 0;
  std::uint8_t protocol = 0;
  model::Family family = model::Family::V4;
  std::uint32_t table = 0;
  std::optional<std::uint32_t> mark;
  std::uint32_t mark_mask = kWholeMark;  ///< the bits that `mark` is about
  std::optional<model::Prefix> source;
  std::optional<model::Prefix> destination;
  std::string incoming;  ///< iif; empty: any
  std::string outgoing;  ///< oif; empty: any
  int suppress_prefixlength = -1;
  bool other = false;  ///< has a selector or an action we never use
  friend bool operator==(const Rule&, const Rule&) = default;
};

/// What a dump brings: every link; nexthops and rules that are ours or stand in our ranges; routes of the tables asked for.
struct KernelState {
  std::vector<Link> links;
  std::vector<Nexthop> nexthops;
  std::vector<Route> routes;
  std::vector<Rule> rules;

  [[nodiscard]] const Link* link(std::string_view name) const;  ///< nullptr: no such interface
  [[nodiscard]] const Link* link(int ifindex) const;
  [[nodiscard]] const Nexthop* nexthop(std::uint32_t id) const;  ///< of ours
  /// What a class with that table goes by: its group or its own nexthop, as its route has it where both stand. nullptr: it is not steered.
  [[nodiscard]] const Nexthop* class_way(std::uint32_t table) const;
  /// The interfaces a nexthop leaves by: its own, or those of its group's members.
  [[nodiscard]] std::vector<int> interfaces(const Nexthop& way) const;
};

using Object = std::variant<Nexthop, Route, Rule>;

/// Made by us and inside our ranges. Anything else is foreign: never written, never removed (I11).
[[nodiscard]] bool is_ours(const Nexthop& n);
[[nodiscard]] bool is_ours(const Route& r);
[[nodiscard]] bool is_ours(const Rule& r);

/// As iproute2 prints it, near enough to be searched for: "rule 7200: oif wan0 lookup 7101".
[[nodiscard]] std::string to_string(const Object& object);

}  // namespace linekeeper::route
