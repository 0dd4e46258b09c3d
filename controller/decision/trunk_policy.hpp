#pragma once
// Which order for a trunk: a pure choice from views of its members.
//
// An order always holds every member. Members rank by tier (up, degraded, up again but not yet trusted, suspect, down; unknown keeps
// the trust it had), within a tier those that can carry the load first, then those that may be gone back to, then by carrier
// preference, then by circuit: the class's present circuit first, so that signalling stays with the media.
//
// A suspect circuit's members go behind at once and return at once: only new calls are concerned, and nothing is lost by a mistake. When
// every circuit is suspect or down the order stays: then it is most likely ourselves.
//
// What a PBX is told is that order but for its second place: see `tried_order`.
//
// A trunk for emergency calls (I24) is ordered by death and trust alone: load, suspicion and our own doubt put nobody behind, no person's
// order puts a dead carrier first while another is up, and no person's hold keeps a dead one there.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/decision/capacity.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

/// A trunk member as policy sees it.
struct MemberView {
  std::optional<Shortfall> shortfall{};  ///< it cannot carry the load
  /// The circuit that its class goes by now: of its carrier, where that is steered apart. Nothing: as the trunk's class goes.
  std::optional<model::CircuitId> home{};
  model::Health health = model::Health::Unknown;
  bool warns_newly =
      false;            ///< degraded since a moment, and whether its carrier is so by every circuit is being asked: it keeps its place until then
  bool trusted = true;  ///< not failing, or up again for its hold-down
  /// Calls are not sent there for now, and it proves nothing for anyone: the same carrier is down through another circuit (most
  /// likely the carrier is failing), and its last OPTIONS failed, or, unless it stands first, none that was sent since has been answered;
  /// or the carrier that stands first has failed and this path is silent just now too; or its circuit is not yet proven to have outlived
  /// the one that just died (most likely everything is failing).
  bool suspect = false;
  bool failed_too = false;       ///< does not stand first, and fails just now while its carrier is down through another circuit
  bool circuit_suspect = false;  ///< its circuit is silent for longer than it usually is: new calls go elsewhere
  bool circuit_down = false;     ///< its circuit is down
  bool circuit_by_link = false;  ///< and the kernel says so
  bool circuit_young = false;    ///< its circuit is back, its hold-down is not over, and the class does not go by it
  bool lately_degraded = false;  ///< up, but it was degraded, and its hold-down since then is not over
  bool calls_fail = false;       ///< it answers OPTIONS and takes no calls: held out
  bool calls_doubtful = false;   ///< the same carrier takes none by another circuit, and none has passed here since
  bool waits = false;            ///< trusted again, but the trunk goes back only later, in a window or by hand
};

struct TrunkOrders {
  std::optional<model::CarrierId> force;
  bool hold = false;
  bool failback_open = false, failback_permitted = false;  ///< see Orders
  bool despite_emergency = false;                          ///< a person overrode guard emergency by name
};

/// Why a member is not at the place that the order of preference gives it.
enum class Behind : std::uint8_t {
  Preference,
  Degraded,
  LatelyDegraded,
  Untrusted,
  CircuitYoung,
  Suspect,
  CircuitSuspect,
  Down,
  Load,
  Waits,
  CallsFail,
  CallsDoubtful
};

struct MemberPlace {
  Behind behind = Behind::Preference;
  std::optional<Shortfall> shortfall;
};

/// Who stood first before the one that does now.
struct TrunkLeft {
  std::size_t member = 0;
  MemberPlace place;      ///< what was held against it then
  std::string because{};  ///< why the traffic class went away from its circuit, where the trunk followed it
  std::string calls{};    ///< how its calls failed, where that was it
};

struct TrunkDecision {
  std::vector<model::TrunkStep> order;
  model::Motive motive = model::Motive::NotYet;
  model::Guard held_by = model::Guard::None;
  std::optional<TrunkLeft> left;           ///< set by the decision that changes the first member
  std::vector<MemberPlace> places;         ///< by position in trunk.members
  bool despite_hold = false;               ///< re-ordered although a person holds it (I24)
  model::Instant recheck = model::kNever;  ///< when one that waits may have waited long enough
};

/// @param standing  the order that stands; empty before the first
/// @param views     by position in trunk.members
/// @param circuit   the present circuit of the class, if any, or of the carrier that stands first, where that is steered apart
/// @param doubt     I7: our own loop or sending failed just now
/// @param before    that circuit when the first member last changed
[[nodiscard]] TrunkDecision order_trunk(const model::Site& site, const model::Trunk& trunk, std::span<const model::TrunkStep> standing,
                                        model::Motive motive, std::span<const MemberView> views, std::optional<model::CircuitId> circuit,
                                        const TrunkOrders& orders, bool doubt = false, std::optional<model::CircuitId> before = std::nullopt);

/// The order in which a PBX is to try the ways of one call: the decision's, with the best way second that shares neither carrier nor circuit
/// with the first, where nothing speaks against it but preference. A call that meets a dead way before we have found it out waits for the PBX's
/// patience with each way that is dead; whether it is the carrier or the circuit that has died, the second way lives.
/// Rejected: to rank so from the start; what stands behind whom is remembered over a restart, and says what was held against whom (I13).
/// @param second_before who was told second before: he stays there while he is not known yet or in his hold-down, as everybody is after a restart,
///                      and while nobody but the first is known to take calls
[[nodiscard]] std::vector<model::TrunkStep> tried_order(const model::Trunk& trunk, const TrunkDecision& decision,
                                                        std::optional<std::size_t> second_before);

/// The other way round: the decision's order, from what a PBX was told.
[[nodiscard]] std::vector<model::TrunkStep> ranked_order(const model::Trunk& trunk, std::vector<model::TrunkStep> tried);

}  // namespace linekeeper::decision
