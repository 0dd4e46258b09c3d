#pragma once
// What has failed, by name: the matrix of targets and carriers by circuits, with what the kernel says of links and gateways, is
// held against one explicit table (diagnosis_table.cpp). One column of the matrix bad is a circuit, one row a carrier or a target,
// one cell a path between them; everything at once is ourselves, or something that all circuits share.
//
// Only circuits that are well are witnesses against a carrier or a target; what cannot be known is no evidence against anything.
#include <optional>
#include <string>
#include <vector>

#include "controller/decision/diagnosis_table.hpp"
#include "controller/model/diagnosis.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

enum class LossDirection : std::uint8_t { Unknown, Outbound, Inbound };

/// What checks of one kind say against a circuit.
struct CheckEvidence {
  Elsewhere elsewhere = Elsewhere::NotAsked;  ///< what the same check says by other circuits
  std::string words;                          ///< "portal: answers 302 to http://login.example/ instead of 204"
};

/// What is known of one circuit. The default knows nothing, and nothing is concluded from it.
struct CircuitEvidence {
  std::optional<model::LinkState> link;  ///< as the kernel last told it
  model::Neighbour neighbour = model::Neighbour::Unknown;
  std::optional<model::Instant> gateway_confirmed;  ///< GatewayState::confirmed
  model::Health health = model::Health::Unknown;
  model::Cause cause = model::Cause::NoEvidence;
  bool suspect = false;                     ///< silent for longer than it usually is, not yet called dead
  bool local_errors = false;                ///< our own sending by it fails now
  std::optional<model::Instant> last_good;  ///< when the last answered probe left
  model::Instant first_bad{};               ///< while it is bad: when the first unanswered probe left, or the link went
  LossDirection loss = LossDirection::Unknown;
  std::optional<double> loss_ratio;                          ///< for the sentence
  std::optional<bool> resolver;                              ///< its resolvers answer through it; nothing: not asked
  std::string resolver_words;                                ///< what they do instead, where a check tells
  std::optional<CheckEvidence> portal, hole, other_address;  ///< nothing: nothing is wrong, or not asked
};

/// One carrier through one circuit.
struct PathEvidence {
  model::Health health = model::Health::Unknown;
  model::Cause cause = model::Cause::NoEvidence;
  int detail = 0;                                 ///< SIP code, errno or count, as the cause has it (model::Verdict)
  model::SipFault fault = model::SipFault::None;  ///< what more is known of a refusal or a silence
  bool calls_failing = false;                     ///< calls fail by it although OPTIONS are answered
  std::string calls{};                            ///< how, where that is known
  bool partly_dead = false;                       ///< some of its addresses are down, others answer
};

/// One target through one circuit. Silence alone counts towards what is said of a dead circuit; a target is named only once it is set aside.
struct TargetEvidence {
  enum class Says : std::uint8_t { Nothing, Answers, Silent };
  Says says = Says::Nothing;  ///< Silent: its last probe is lost or overdue
  model::SetAside set_aside = model::SetAside::No;
};

/// All that is known at one instant. Lists are as long as the Site says: `sized` makes them so.
struct Evidence {
  bool late = false;                      ///< our own loop stood still just now (I7)
  bool starting = false;                  ///< too early for anything but the kernel's word
  std::vector<CircuitEvidence> circuits;  ///< Site order
  std::vector<PathEvidence> paths;        ///< carrier by carrier, circuit by circuit
  std::vector<TargetEvidence> targets;    ///< target by target, circuit by circuit

  [[nodiscard]] static Evidence sized(const model::Site& site);
  [[nodiscard]] PathEvidence& path(model::CarrierId k, model::CircuitId c) { return paths.at(k.index() * circuits.size() + c.index()); }
  [[nodiscard]] const PathEvidence& path(model::CarrierId k, model::CircuitId c) const { return paths.at(k.index() * circuits.size() + c.index()); }
  [[nodiscard]] TargetEvidence& target(model::TargetId t, model::CircuitId c) { return targets.at(t.index() * circuits.size() + c.index()); }
  [[nodiscard]] const TargetEvidence& target(model::TargetId t, model::CircuitId c) const {
    return targets.at(t.index() * circuits.size() + c.index());
  }
};

/// So near each other must all links or gateways have gone for one cause (our own LAN, power) to be named.
inline constexpr model::Duration kGoneTogether = std::chrono::seconds(1);
/// And so near each other all circuits must have fallen silent for a shared upstream to be named: a withdrawn route takes up to one
/// MinRouteAdvertisementInterval, 30 s (RFC 4271 10), on each side of an exchange to be gone everywhere.
inline constexpr model::Duration kSilentTogether = std::chrono::seconds(60);

/// Names what is wrong, the gravest first; for each thing the first line of the table that fits. Total and deterministic, and
/// allocates nothing while nothing is wrong. `since` is `now`: Diagnoses (diagnoses.hpp) remembers.
[[nodiscard]] std::vector<model::Diagnosis> diagnose(const model::Site& site, const Evidence& evidence, model::Instant now);

/// "fiber: ISP One's network is down beyond its gateway (link up, gateway 10.0.0.1 answers, 3 of 3 targets silent for 1.2 s; coax is
/// well): call ISP One."
[[nodiscard]] std::string diagnosis_sentence(const model::Site& site, const model::Diagnosis& diagnosis);

/// "call ISP One", "look at this machine: ..."; empty: nobody.
[[nodiscard]] std::string diagnosis_call(const model::Site& site, const model::Diagnosis& diagnosis);

/// The recovery time that counts: the smallest of the classes that may use the circuit (mode 1), or of the trunks that offer the carrier
/// (mode 2). Nothing: nothing is lost by it, or the Site sets no time for it (site loss).
[[nodiscard]] std::optional<model::Duration> rto_of(const model::Site& site, const model::Diagnosis& diagnosis);

/// The table as it stands in README.md.
[[nodiscard]] std::string diagnosis_table_markdown();

}  // namespace linekeeper::decision
