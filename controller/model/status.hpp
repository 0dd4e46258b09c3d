#pragma once
// The state of the site as everyone is shown it: `status`, `explain`, the page and /metrics all draw from this one value,
// so they can never disagree. Filled by decision (health, choices) and linekeeperd (link to switch and PBX, incidents).
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/diagnosis.hpp"
#include "controller/model/incident.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/override.hpp"
#include "controller/model/plan.hpp"
#include "controller/model/site.hpp"
#include "controller/model/verdict.hpp"

namespace linekeeper::model {

struct Figures {
  std::optional<Duration> rtt;     ///< smoothed (RFC 6298)
  std::optional<Duration> jitter;  ///< mean deviation of successive RTTs (RFC 3550 6.4.1 smoothing)
  double loss_ratio = 0;           ///< of the last `samples` decided probes
  int samples = 0;
  int losses_in_a_row = 0;
  std::optional<double> recent_loss = std::nullopt;  ///< ratio of the newest 50 of them: what is over shows here first
  std::optional<double> r_factor = std::nullopt;     ///< ITU-T G.107, 0 to 93.2; nothing while no probe was answered
  std::optional<double> mos = std::nullopt;          ///< what listeners would say of it, 1 to 4.5
  double burst_ratio = 1;                            ///< G.107 7.5: 1 when losses are independent, more when they come in runs
};

/// What is known of one direction alone, from STAMP reflectors.
struct Direction {
  std::optional<double> loss_ratio;  ///< of the newest test packets; only a reflector that counts what reaches it can tell
  std::optional<Duration> jitter;    ///< of the one-way delay (RFC 3550 6.4.1); needs no clocks that agree
  int samples = 0;                   ///< packets that the loss is made of
};

/// Why a target's word does not count for now (I5).
enum class SetAside : std::uint8_t { No, Dead, Lossy, Lying };
[[nodiscard]] std::string_view to_string(SetAside s);  ///< "no", "dead", "lossy", "lying"

struct TargetStatus {
  TargetId target;
  Figures figures;
  std::optional<Instant> last_reply;
  SetAside set_aside = SetAside::No;
  int last_code = 0;                ///< ProbeReply::code of its newest answer
  Direction outbound{}, inbound{};  ///< Stamp only
};

/// What is watched for beside silence; the figures that the judge goes by.
struct Detectors {
  Duration silent{};                                ///< since the oldest probe that should have been answered by now; 0: none
  Duration suspect_after{};                         ///< so much silence leads new calls elsewhere
  Duration dead_after{};                            ///< so much means death: learned from this circuit's own silences
  Duration learned_over{};                          ///< how much time of this circuit that was learned from
  double lossy = 0, lossy_alarm = 0;                ///< score of the sequential test for loss, and where it alarms
  double bursty = 0, bursty_alarm = 0;              ///< likewise for bursts
  std::optional<Duration> shortest_rtt, usual_rtt;  ///< lately, and as learned
  Duration interval{};                              ///< between two scheduled probes now
  double verify_left = 0;                           ///< quick probes that may still be sent
};

/// The last word of one check of a circuit.
struct CheckStatus {
  CheckOutcome last;     ///< local errors are not kept: they say nothing
  CheckResult standing;  ///< what is held to be so: a bad result counts once it has come twice in a row
  Instant since{};       ///< of it
};

/// A router that two circuits go through, by the latest traces.
struct SharedHop {
  CircuitId a, b;
  IpAddress address;
  friend bool operator==(const SharedHop&, const SharedHop&) = default;
};

struct CircuitStatus {
  CircuitId circuit;
  Verdict verdict;
  std::string reason;  ///< a clause from the same values: "answered by 3 of 3 targets"
  LinkState link;
  Figures figures;
  std::vector<TargetStatus> targets;
  std::optional<Instant> last_good;        ///< when the last answered probe left
  bool active = false;                     ///< some class goes by it
  bool suspect = false;                    ///< silent for longer than it usually is: new calls go elsewhere
  Duration hold_down{};                    ///< how long it must be well before anything goes back to it, now
  Neighbour gateway = Neighbour::Unknown;  ///< what the kernel last told of its gateway on the link
  std::optional<bool> resolver;            ///< its resolvers answer through it; nothing: not asked
  Direction outbound{}, inbound{};         ///< over all its reflectors
  Detectors detectors;
  std::vector<CheckStatus> checks;  ///< those that have ended once, in the order of the configuration
};

/// One layer of what is known of a path.
enum class Layer : std::uint8_t { Unknown, Yes, No };
[[nodiscard]] std::string_view to_string(Layer l);  ///< "unknown", "yes", "no"

/// One address of a carrier by one circuit.
struct EndpointStatus {
  LocatedEndpoint where;
  Verdict verdict;
  std::string reason;     ///< a clause, as for the path
  int last_code = 0;      ///< 0: none yet
  bool listed = true;     ///< false: DNS names it no more, and those that took its place have no verdict yet
  bool preferred = true;  ///< of the smallest priority among those listed
  std::optional<Duration> rtt{};
  std::optional<Instant> last_good{};
};

/// How a path's endpoints were found.
struct LocatedStatus {
  Lookup lookup = Lookup::Found;
  Instant answered{};  ///< when the endpoints were last confirmed
  std::vector<IpAddress> refused;
};

struct PathStatus {
  CarrierId carrier;
  CircuitId circuit;
  Verdict verdict;
  std::string reason;
  int last_code = 0;  ///< 0: none yet
  std::optional<Duration> rtt;
  std::optional<Instant> last_good;                   ///< when the last transaction with a good answer was sent
  bool selected = false;                              ///< first in some trunk's order
  Layer reachable = Layer::Unknown;                   ///< somebody answers
  Layer authorised = Layer::Unknown;                  ///< it knows us: credentials accepted or refused, address served or forbidden
  Layer takes_calls = Layer::Unknown;                 ///< as far as OPTIONS can tell
  int usual_code = 0;                                 ///< what it usually answers; 0: not known yet
  bool credentials_refused = false;                   ///< ours are wrong: a mistake of the configuration
  bool forbidden_since_change = false;                ///< 403 since our address on this circuit is another
  std::optional<IpAddress> seen_from = std::nullopt;  ///< our address as the carrier last saw it
  bool seen_from_elsewhere = false;                   ///< and it is not where the circuit's expect_public says
  SipFault fault = SipFault::None;                    ///< of the last OPTIONS that ended, where it was not answered
  std::optional<WallTime> certificate_ends{};         ///< TLS: the first of the carrier's certificates, as last shown through this circuit
  std::optional<CallFigures> calls{};                 ///< nothing: calls are not listened to, or none was made by it
  std::optional<Instant> asked_us{};                  ///< when the carrier's own OPTIONS last came to us by this circuit (Answering)
  std::vector<EndpointStatus> endpoints{};            ///< empty: the carrier has one numeric address
  std::optional<LocatedStatus> located{};             ///< nothing: it has no name, or no lookup has ended
};

struct CarrierStatus {
  CarrierId carrier;
  Verdict verdict;
  std::string reason;
  int last_code = 0;
  bool active = false;
};

enum class Mode : std::uint8_t { Automatic, Hold };

/// Applied, read back, verified: how far the present choice of a class or trunk has come.
struct Carried {
  bool applied = false;
  bool verified = false;
  std::string detail;                     ///< why not, when not
  std::optional<Duration> last_recovery;  ///< of the last incident that moved it
};

/// Connections of a class that stay behind on a circuit it no longer goes by.
struct DrainStatus {
  ClassId traffic_class;
  CircuitId circuit;
  std::uint64_t flows = 0;  ///< when last counted
  Instant until{};          ///< then the rest is deleted, and begins anew where the class goes
};

/// The file of this host's resolvers (HostResolvers).
struct ResolverFileStatus {
  std::optional<CircuitId> circuit;  ///< whose resolvers come first; nothing: not known yet
  std::vector<IpAddress> servers;    ///< in the order of the file
  std::optional<bool> answering;     ///< the first of them answers by the routes as they are; nothing: not asked yet
  std::string problem;               ///< why the file is not as it should be; empty: it is
};

struct ActuatorStatus {
  std::string name;  ///< "switch", or the PBX's name
  bool connected = false;
  bool in_sync = false;
  std::string detail;  ///< "generation 7", or what is wrong and what to do
};

struct Status {
  SitePtr site;
  Instant now{};
  WallTime wall{};
  Instant started{};
  Mode mode = Mode::Automatic;
  std::vector<CircuitStatus> circuits;  ///< Site order, as all lists here
  std::vector<SharedHop> shared_hops;
  std::vector<CarrierStatus> carriers;
  std::vector<PathStatus> paths;     ///< carrier by carrier, circuit by circuit
  std::vector<Diagnosis> diagnoses;  ///< what is wrong now, the gravest first; empty: nothing
  Plan plan;                         ///< the choices that stand
  std::vector<Carried> class_carried;
  std::vector<Carried> trunk_carried;
  std::vector<Override> overrides;
  ActuatorStatus route_switch;
  std::vector<ActuatorStatus> pbxs;
  std::vector<DrainStatus> drains;
  std::string connections_problem;                ///< why connections are not kept to their circuits or not translated; empty: they are
  std::optional<ResolverFileStatus> resolvers;    ///< nothing: not configured
  std::string answering_problem;                  ///< why carriers' OPTIONS are not answered at every circuit; empty: they are
  std::vector<RegistrationStatus> registrations;  ///< carrier by carrier, circuit by circuit, where there are such
  std::vector<TrialOutcome> trials;               ///< the latest of each path that was tried, likewise
  std::array<std::uint64_t, 4> calls_feed{};      ///< mirrored messages since the configuration was taken into use: read, unread, refused, dropped
  std::string calls_problem;                      ///< why calls are not listened to although they should be; empty: they are, or should not be
  std::vector<Incident> incidents;                ///< the newest first, at most 20
  std::map<Guard, std::uint64_t> suppressed;      ///< decisions held back, by guard

  [[nodiscard]] const PathStatus& path(CarrierId carrier, CircuitId circuit) const {
    return paths.at(carrier.index() * circuits.size() + circuit.index());
  }
};

}  // namespace linekeeper::model
