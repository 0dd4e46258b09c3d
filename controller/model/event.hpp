#pragma once
// One event model for journal, log, page and command line. Ids are stable: scripts and runbooks match on them; what an
// operator does about each stands in controller/telemetry/event_catalogue.cpp.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::model {

enum class EventId : std::uint8_t {
  DaemonStarted,
  DaemonStopped,
  ConfigReloaded,
  ConfigRejected,
  LinkChanged,
  CircuitUp,
  CircuitDegraded,
  CircuitDown,
  CircuitUnknown,
  PathUp,
  PathDegraded,
  PathDown,
  PathUnknown,
  CarrierUp,
  CarrierDegraded,
  CarrierDown,
  CarrierUnknown,
  CarrierCodeChanged,
  CarrierUnauthorised,
  CarrierAuthorised,  ///< it refuses our credentials or our address, and knows us again
  CarrierSeesOther,   ///< it sees us come from another address than the circuit should have
  RoutingMoved,
  RoutingShared,  ///< who has a part in a class, where its first circuit is the same
  TrunkMoved,     ///< decided
  PlanApplied,
  PlanRefused,
  PlanFailed,  ///< what the switch or the PBX said
  RoutingVerified,
  TrunkVerified,
  VerifyFailed,
  AllBad,
  GuardHeld,
  IncidentOpened,
  IncidentClosed,
  OverrideSet,
  OverrideReleased,
  OverrideExpired,
  SwitchConnected,
  SwitchLost,
  SwitchDrift,
  PbxConnected,
  PbxLost,
  PbxCorrected,
  LoopStalled,
  CircuitSuspect,
  CircuitCleared,  ///< new calls led around it, and back
  TargetSetAside,
  TargetReturned,  ///< its word is not counted, and counted again
  DiagnosisMade,
  DiagnosisOver,
  CheckFailed,
  CheckPassed,  ///< a check of a circuit says something else than before, confirmed
  HopsShared,
  HopsApart,          ///< two circuits go through one router, or not any more
  ProberStuck,        ///< a prober has sent nothing for several intervals; its sockets are made anew
  ConnectionsStay,    ///< of a class, on a circuit that it left by plan
  ConnectionsEnded,   ///< all of those
  ConnectionsCut,     ///< deleted: their circuit is dead, its address gone, or their time over
  ConnectionsUnkept,  ///< the kernel does not mark or translate them
  ResolversMoved,     ///< the file of this host's resolvers names another circuit's
  ResolversSilent,
  ResolversAnswering,  ///< those of the circuit in use do not answer, and answer again
  ResolversUnwritten,  ///< the file cannot be written
  CallsFail,           ///< a path answers OPTIONS and takes no calls: held out
  CallsTrial,          ///< it may have some again, to see
  CallsWell,           ///< they pass
  CallsUnheard,        ///< the PBX's mirrored SIP cannot be listened to, or is dropped
  CarrierCertificate,  ///< of a carrier over TLS: ends soon, or has ended
  CarrierTlsFiles,     ///< our own certificates or key for a carrier cannot be used
  TrialFailed,
  TrialCarried,  ///< a test call of our own did not come as far as it should, and does again
  RegistrationLost,
  RegistrationMade,  ///< the carrier does not, and does, know where to reach us by a circuit
  EndpointUp,
  EndpointDown,           ///< one address of a carrier by one circuit
  CarrierLocated,         ///< DNS names other addresses of a carrier
  CarrierNotLocated,      ///< its name is not answered for, or does not exist: the last good addresses stay
  CarrierAddressRefused,  ///< DNS named an address outside the pinned networks
  CarrierOverloaded,      ///< a carrier asks for less (RFC 7339)
};
inline constexpr int kEventCount = static_cast<int>(EventId::CarrierOverloaded) + 1;

/// "circuit.down": the stable id in the journal, --json and the log.
[[nodiscard]] std::string_view to_string(EventId id);

enum class Severity : std::uint8_t { Info, Notice, Warning, Alert };
[[nodiscard]] std::string_view to_string(Severity s);  ///< "info", "notice", "warning", "alert"
[[nodiscard]] Severity severity(EventId id);

struct Event {
  std::int64_t sequence = 0;  ///< given by the journal, counts up without gaps; 0 before it is written
  EventId id = EventId::DaemonStarted;
  WallTime wall{};
  Instant at{};                                             ///< boot clock: what durations are computed from
  std::string subject;                                      ///< "circuit fiber", "trunk outbound", ...; empty for the daemon itself
  std::string text;                                         ///< one sentence for a person: what happened and why
  std::vector<std::pair<std::string, std::string>> fields;  ///< key and value, machine readable: {"rto_ms","812"}
};

}  // namespace linekeeper::model
