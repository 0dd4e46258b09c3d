#pragma once
// What linekeeperd and linekeeper-switch say to each other: one JSON object per SOCK_SEQPACKET message, version 1.
//
//   daemon -> switch   hello   {v, type:"hello"}
//                      apply   {v, type:"apply", generation, desired:{...}, retired_classes:[...]}
//                      ask     {v, type:"ask", circuit}                             its gateway, on the link: does it live? no answer
//   switch -> daemon   state   {v, type:"state", generation, classes:[{name, table, circuit, interface, shares}]}   answer to hello: what stands
//   (I13, I21)
//                      applied {v, type:"applied", generation, changes:[...], took_us, held:[{class, circuit, escape, guard, why, remedy, again_ms}]}
//                                                                                         done and read back equal, but for the moves in `held`
//                      refused {v, type:"refused", generation, guard, why, remedy, classes:[...]}   nothing was touched
//                      failed  {v, type:"failed", generation, why, remedy}                the kernel said no, or read back differs
//                      drift   {v, type:"drift", what, repaired, gave_up}                 a foreign hand changed what is ours
//                      flows   {v, type:"flows", draining:[...], cut:[...], problem, remedy}   what became of connections in progress
//
// What plans say of connections (flow_mask, nat, dead, drain_s) and the flows message came later and are additive: who does not
// send the former keeps none and is never sent the latter, so the version stays 1. So are destinations and dead_by of a class: who does
// not know them takes such a class for another than is meant, and both programs are of one release (linekeeper doctor). A class that is shared
// (shares, in plans and states) goes by its first circuit alone where they are not known.
//
// A message is at most kMaxMessage bytes; anything malformed is answered by `refused` with guard "protocol" and the
// connection is kept. Parsing is bounded in size and depth and never throws. Every apply needs a generation of its own, above all
// earlier ones, whatever became of those.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/model/connections.hpp"
#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"

namespace linekeeper::route {

inline constexpr int kProtocolVersion = 1;
inline constexpr std::size_t kMaxMessage = 64 * 1024;
inline constexpr std::size_t kMaxDestinations = 64;  ///< of one class; each is a rule of the kernel
inline constexpr std::uint32_t kMaxWeight = 255;     ///< of a circuit in a share: an octet less one in linux/nexthop.h (nexthop_grp)
inline constexpr std::size_t kMaxHeldMoves = 32;     ///< of one plan: far more classes than a site has, and so many fit into a message

// What is ours in the kernel. Everything the switch makes carries kRouteProtocol (installed as rt_protos.d name
// "linekeeper") and lies inside these ranges; everything else is foreign and never touched (I11).
inline constexpr std::uint8_t kRouteProtocol = 178;  // unassigned in iproute2's rt_protos
inline constexpr std::uint32_t kTableFirst = 7000, kTableLast = 7999;
inline constexpr std::uint32_t kRuleFirst = 7000, kRuleLast = 7999;  // rule priorities
inline constexpr std::uint32_t kNexthopFirst = 70000, kNexthopLast = 79999;
inline constexpr std::string_view kFlowTable = "linekeeper";  // of nftables, families ip and ip6

using model::Nat;

/// One circuit as the kernel is to know it.
struct DesiredCircuit {
  std::string name;
  std::string interface;
  model::Family family = model::Family::V4;  ///< of everything below; a circuit that carries both is two of these
  std::uint32_t table = 0;
  std::optional<model::IpAddress> gateway;    ///< absent: unknown now; the table holds only its terminal unreachable
  std::optional<model::IpAddress> source;     ///< its own address: preferred source, and a `from` rule
  std::vector<model::Prefix> pinned_sources;  ///< LAN sources that always leave by it
  std::optional<std::uint32_t> mark;
  Nat nat;
  bool dead = false;  ///< what still goes by it goes nowhere: its connections need not be waited for
  /// What its connections are marked with, given by the switch and kept under its name; 0: none yet.
  std::uint32_t flow = 0;
  friend bool operator==(const DesiredCircuit&, const DesiredCircuit&) = default;
};

/// One of the circuits that a class is shared by: `weight` in the sum of all weights is its part of new connections.
struct DesiredShare {
  std::string circuit;
  std::uint32_t weight = 1;  ///< 1 to kMaxWeight
  friend bool operator==(const DesiredShare&, const DesiredShare&) = default;
};

/// One traffic class: a steering table whose default points at a nexthop object, replaced atomically.
struct DesiredClass {
  std::string name;
  model::Family family = model::Family::V4;  ///< of what it steers: that of its circuit
  std::uint32_t table = 0;
  std::string circuit;  ///< name; empty: not steered (allowed only while the kernel steers it nowhere, I1)
  bool escape = false;  ///< leaves a dead way: counted on the escape limiter (I3)
  std::optional<std::uint32_t> mark;
  std::optional<model::Prefix> source;
  std::optional<std::string> incoming_interface;
  std::vector<model::Prefix> destinations;  ///< to one of these; empty: to anywhere. At most kMaxDestinations
  std::chrono::seconds drain{};             ///< how long its connections may stay behind on a circuit that lives
  std::uint32_t flow = 0;                   ///< as for a circuit
  /// Names of circuits that live, and by which what this class goes to is dead: its connections there need not be waited for.
  std::vector<std::string> dead_by;
  /// It goes by all of these, and its new connections are shared by them; `circuit` is one. Empty: by `circuit` alone. One: by that alone,
  /// until others may share again.
  std::vector<DesiredShare> shares;
  [[nodiscard]] bool goes_by(std::string_view which) const {
    return !which.empty() && (circuit == which || std::ranges::find(shares, which, &DesiredShare::circuit) != shares.end());
  }
  [[nodiscard]] bool everything() const { return !mark && !source && !incoming_interface && destinations.empty(); }
  [[nodiscard]] bool dead_on(const DesiredCircuit& c) const { return c.dead || std::ranges::find(dead_by, c.name) != dead_by.end(); }
  friend bool operator==(const DesiredClass&, const DesiredClass&) = default;
};

struct Desired {
  std::vector<DesiredCircuit> circuits;
  std::vector<DesiredClass> classes;
  std::uint32_t flow_mask = 0;  ///< bits of packet and connection marks that are ours; 0: connections are not kept to their circuit
  friend bool operator==(const Desired&, const Desired&) = default;
};

struct Hello {};
struct Apply {
  std::uint64_t generation = 0;
  Desired desired;
  /// Names of classes that the configuration no longer has. A steered class that is merely absent is a mistake (I1, and
  /// "empty read as all"); only one named here may go.
  std::vector<std::string> retired_classes;
};
/// A circuit has fallen silent: the kernel is to ask its gateway now, not when the last proof is old. What comes of it is seen in the
/// kernel's neighbour table (gateways.hpp), so there is no reply.
struct AskGateway {
  std::string circuit;
};
using Request = std::variant<Hello, Apply, AskGateway>;

/// Where a class goes. `circuit` empty: not steered, or none we know. `interface` is what the kernel itself says, empty when its
/// table has no default now (its link is down); `name` is empty when the switch has lost its memory and found only the table.
struct ClassNow {
  std::string name;
  std::uint32_t table = 0;
  std::string circuit;
  std::string interface;
  std::vector<std::string> shares;  ///< all the circuits it is shared by; empty: it is not
};
struct StateReply {
  std::uint64_t generation = 0;
  std::vector<ClassNow> classes;
};
/// A move that a guard forbade: the class was left where it stands, and the rest of the plan was carried out.
struct HeldMove {
  std::string traffic_class;
  std::string circuit;  ///< where it stands; empty: not steered
  bool escape = false;  ///< the move would have been counted as an escape
  std::string guard;    ///< "rate_limit", "last_path"
  std::string why;
  std::string remedy;
  std::uint32_t again_ms = 0;  ///< so much later such a move of the class may pass
};
struct Applied {
  std::uint64_t generation = 0;
  std::vector<std::string> changes;
  std::int64_t took_us = 0;
  std::vector<HeldMove> held;
};
struct Refused {
  std::uint64_t generation = 0;
  std::string guard;  ///< "last_path", "foreign", "stale_generation", "protocol", "peer", "connection"
  std::string why;
  std::string remedy;
  std::vector<std::string> classes;  ///< the classes it is about
};
struct Failed {
  std::uint64_t generation = 0;
  std::string why;
  std::string remedy;
};
struct Drift {
  std::string what;
  bool repaired = false;
  bool gave_up = false;  ///< not put back any more; with `repaired`: all that was left alone stands again
  bool foreign = false;  ///< ours stands, and somebody else's leads a class past it; with `repaired`: no more
};
/// Connections of a class that stay behind on a circuit it no longer goes by.
struct Draining {
  std::string traffic_class, circuit;
  std::uint64_t flows = 0;
  std::chrono::seconds left{};  ///< until they are cut
};
/// Connections let go: deleted, so that they begin anew where their class goes now, or led there where nothing is translated.
struct Cut {
  std::string traffic_class;  ///< empty: of every class (an address that is gone)
  std::string circuit;
  std::string why;  ///< "dead", "deadline", "removed", "unshared", "address"
  std::uint64_t flows = 0;
  bool strays = false;  ///< found by a later look
};
struct Flows {
  std::vector<Draining> draining;  ///< all there are now
  std::vector<Cut> cut;            ///< since the last message
  std::string problem, remedy;     ///< why connections are not kept or not translated now; empty: they are as wanted
};
using Reply = std::variant<StateReply, Applied, Refused, Failed, Drift, Flows>;

[[nodiscard]] std::string encode(const Request& request);
[[nodiscard]] std::string encode(const Reply& reply);
[[nodiscard]] model::Result<Request> parse_request(std::string_view message);
[[nodiscard]] model::Result<Reply> parse_reply(std::string_view message);

}  // namespace linekeeper::route
