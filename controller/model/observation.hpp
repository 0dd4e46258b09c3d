#pragma once
// What the senses report, one value for each thing that happened to one probe or one link. Senses report facts and
// judge nothing: a timeout of an echo is decided by controller/decision/ (so that a late reply can un-lose it); only
// SIP, whose transaction has its own deadline (RFC 3261 timer F), reports a timeout itself.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "controller/model/call.hpp"
#include "controller/model/check.hpp"
#include "controller/model/endpoint.hpp"
#include "controller/model/ids.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// Why a probe was sent. Statistics of loss are made of scheduled ones: those sent because of a suspicion are sent when it is bad.
enum class ProbeKind : std::uint8_t {
  Scheduled,  ///< at its own time
  Closer,     ///< between scheduled ones, while a brownout is suspected: evenly spaced, and counted as they are
  Verify,     ///< in quick succession, because an answer is overdue
};

inline constexpr ProbeKind kEveryProbeKind[] = {ProbeKind::Scheduled, ProbeKind::Closer, ProbeKind::Verify};
[[nodiscard]] std::string_view to_string(ProbeKind k);  ///< "scheduled", "closer", "verify"

/// How a target is asked. All speak for the same thing, whether the circuit carries packets there and back; where one method is
/// policed or filtered on the way, another still answers.
enum class ProbeMethod : std::uint8_t {
  Icmp,   ///< echo request (RFC 792, RFC 4443)
  Stamp,  ///< test packet to a STAMP reflector (RFC 8762, unauthenticated mode)
  Tcp,    ///< connection request; that it is accepted or refused are both answers of the host
  Dns,    ///< one small query to a resolver; any answer of it counts
};

inline constexpr ProbeMethod kEveryProbeMethod[] = {ProbeMethod::Icmp, ProbeMethod::Stamp, ProbeMethod::Tcp, ProbeMethod::Dns};
[[nodiscard]] std::string_view to_string(ProbeMethod m);  ///< "icmp", "stamp", "tcp", "dns"

/// A probe left by `circuit` to `target`.
struct ProbeSent {
  CircuitId circuit;
  TargetId target;
  std::uint64_t sequence = 0;  ///< counts up over all targets of the circuit; never reused while the daemon lives
  Instant sent{};
  ProbeKind kind = ProbeKind::Scheduled;
};

/// What a STAMP reflector wrote into its reply (RFC 8762 4.3). The two delays compare two clocks that nobody has set alike: one alone
/// means nothing, the difference between two of the same session is what the way there, or back, has changed by.
struct Reflection {
  std::uint32_t session = 0;                           ///< another one: both counts, and the clocks' difference, begin anew
  std::uint32_t ours = 0;                              ///< number of our packet in the session; the first is 1
  std::optional<std::uint32_t> theirs = std::nullopt;  ///< the reflector's own count of what reached it; nothing: it keeps none (stateless)
  Duration outbound{}, inbound{};                      ///< of the way there and back, each plus or minus the clocks' difference
  friend bool operator==(const Reflection&, const Reflection&) = default;
};

/// Its reply. May come late; duplicates are dropped by the prober (only the first reply of a sequence is reported).
struct ProbeReply {
  CircuitId circuit;
  TargetId target;
  std::uint64_t sequence = 0;
  Duration rtt{};                                       ///< from the kernel's own times where there are such; a reflector's pause is not in it
  int code = 0;                                         ///< Dns: the RCODE (RFC 1035 4.1.1). Tcp: 0 accepted, ECONNREFUSED refused
  std::optional<Reflection> reflection = std::nullopt;  ///< Stamp
};

/// The network said no (ICMP unreachable, time exceeded) about this probe. A hint: forged ones exist.
struct ProbeRejected {
  CircuitId circuit;
  TargetId target;
  std::uint64_t sequence = 0;
  int error = 0;  ///< errno the kernel gave for it (EHOSTUNREACH, ECONNREFUSED, ...)
};

/// Nothing has left by this circuit since `since`, several intervals ago, though its link is usable: its prober hangs, or cannot send.
/// Its sockets are made anew. Told once for each such time; no evidence about the circuit.
struct ProberStuck {
  CircuitId circuit;
  Instant since{};
};

/// Our own side failed to send (EPERM, ENOBUFS, ENETUNREACH on our route): never evidence against the circuit.
struct ProbeLocalError {
  CircuitId circuit;
  TargetId target;
  int error = 0;  ///< errno
};

enum class SipResult : std::uint8_t {
  Final,       ///< a final response: `code`
  Timeout,     ///< nothing within the deadline
  Refused,     ///< ICMP unreachable on the connected socket (or RST, TLS failure on streams)
  LocalError,  ///< our side could not send: `error`
};

/// What more is known of an OPTIONS that was not answered over a connection (SipTransport::Tcp, Tls); None over datagrams.
enum class SipFault : std::uint8_t {
  None,
  FlowDead,            ///< the connection it went over: a fresh one is answered, or nobody has tried one yet
  PeerDead,            ///< a fresh connection is not answered either
  CertificateExpired,  ///< of the carrier's chain
  CertificateTooNew,   ///< not valid yet: or our clock is wrong
  CertificateName,     ///< does not prove the SIP domain (RFC 5922 7)
  CertificateIssuer,   ///< signed by nobody we trust
  CertificateOther,    ///< anything else that is wrong with it
  OurCertificate,      ///< the carrier does not take ours, or wants one
  TlsFailed,           ///< no TLS of 1.2 or later could be agreed on
  OurTlsFiles,         ///< certificates or the key that the configuration names cannot be used
};
[[nodiscard]] std::string_view to_string(SipFault f);  ///< "flow-dead", "certificate-expired", ...
/// For people: "its certificate has expired"; empty for None.
[[nodiscard]] std::string_view words(SipFault f);

/// How a final response is read (table in carriers/README.md).
enum class ReplyClass : std::uint8_t { Up, Busy, Degraded, SoftDown, Down };

/// What an answer says of our credentials.
enum class SipAuthorisation : std::uint8_t {
  Unknown,     ///< nothing: not asked, or we have none
  Challenged,  ///< the carrier asks who we are, and the next OPTIONS will say so: nothing is decided by this one
  Accepted,    ///< final response, other than a challenge, to an OPTIONS with credentials
  Refused,     ///< a challenge again, though the credentials were fresh
};

/// A SIP server asks for less (RFC 7339 4.1 and 4.3).
struct SipOverload {
  int percent = 0;   ///< of its requests, that a client is not to send: 0 to 100
  Duration valid{};  ///< so long
  friend bool operator==(const SipOverload&, const SipOverload&) = default;
};

/// One OPTIONS transaction through one circuit has ended (or a late final response has un-lost it: `late`).
struct SipOutcome {
  CarrierId carrier;
  CircuitId circuit;
  std::uint64_t sequence = 0;  ///< counts up per path
  SipResult result = SipResult::Timeout;
  int code = 0;                         ///< SIP status 200-699 when result is Final
  ReplyClass reply = ReplyClass::Down;  ///< how `code` is read for this carrier, when result is Final
  int error = 0;                        ///< errno when Refused or LocalError
  bool late = false;                    ///< the same sequence was already reported as Timeout
  Instant sent{};
  std::optional<Duration> rtt;                ///< absent after a retransmission (ambiguous, RFC 3261 / Karn)
  std::optional<Duration> retry_after;        ///< of a 503 (RFC 3261 20.33)
  std::optional<IpAddress> received_address;  ///< our address as the carrier saw it (Via received, RFC 3581)
  ProbeKind kind = ProbeKind::Scheduled;      ///< Verify: sent while another was unanswered, or sooner than the carrier's floor
  bool provisional = false;                   ///< a 1xx came before: somebody is there, whatever became of it
  SipFault fault = SipFault::None;            ///< of a Timeout, Refused or LocalError
  std::optional<WallTime> certificate_ends;   ///< TLS: when the first of the carrier's certificates ends
  SipAuthorisation authorisation = SipAuthorisation::Unknown;
  /// What it has cost the circuit with its IP and UDP headers: packets sent, and the responses that were its own. Of a late one: since
  /// its Timeout was told. Not recorded: nothing is decided by it.
  std::uint32_t bytes_sent = 0, bytes_received = 0;
  std::optional<SipOverload> overload = std::nullopt;  ///< of the final response. Not recorded either: it is about our pace
  std::optional<Endpoint> endpoint = std::nullopt;     ///< which address was asked; nothing: the carrier has one numeric address
};

/// The kernel's view of a circuit's interface, complete each time (level, not edge).
struct LinkState {
  CircuitId circuit;
  bool present = false;   ///< the interface exists
  bool admin_up = false;  ///< IFF_UP
  bool carrier = false;   ///< IFF_LOWER_UP: light on the fiber
  int ifindex = 0;
  std::optional<IpAddress> address;  ///< primary global address of the circuit's family
  std::optional<IpAddress> gateway;  ///< configured, or followed from the kernel's routes
  bool direct = false;               ///< IFF_POINTOPOINT or IFF_NOARP (PPPoE, LTE): goes without a gateway's address
  friend bool operator==(const LinkState&, const LinkState&) = default;
  /// Everything there that is needed to send a packet out.
  [[nodiscard]] bool usable() const { return present && admin_up && carrier && address && (gateway || direct); }
};

/// What the kernel knows of a circuit's gateway on the link (neighbour table; rtnetlink(7) RTM_NEWNEIGH, NUD_* states).
enum class Neighbour : std::uint8_t {
  Unknown,   ///< no entry, or one that was not tried lately (NUD_STALE, NUD_NOARP, point to point)
  Answers,   ///< NUD_REACHABLE, NUD_PERMANENT
  Doubtful,  ///< NUD_DELAY, NUD_PROBE, NUD_INCOMPLETE: being asked now
  Silent,    ///< NUD_FAILED
};

inline constexpr Neighbour kEveryNeighbour[] = {Neighbour::Unknown, Neighbour::Answers, Neighbour::Doubtful, Neighbour::Silent};
[[nodiscard]] std::string_view to_string(Neighbour n);  ///< "unknown", "answers", "doubtful", "silent"

/// The gateway of a circuit, complete each time.
struct GatewayState {
  CircuitId circuit;
  Neighbour neighbour = Neighbour::Unknown;
  /// When the kernel last had proof that it lives (NDA_CACHEINFO). "Answers" stands for up to 45 s after a gateway's death: only proof
  /// newer than the silence of a line speaks for its gateway. Nothing: never, or an entry that somebody set by hand.
  std::optional<Instant> confirmed = std::nullopt;
  friend bool operator==(const GatewayState&, const GatewayState&) = default;
};

/// Whether that circuit's own resolvers answer through it.
struct ResolverState {
  CircuitId circuit;
  bool answering = true;
  friend bool operator==(const ResolverState&, const ResolverState&) = default;
};

/// Our own loop stood still: what was not seen to be answered in between may have been answered all the same (I7).
struct LoopStall {
  Instant from{}, to{};
};

/// What a trunk carries now.
struct TrunkLoad {
  TrunkId trunk;
  int calls = 0;                ///< in progress
  double calls_per_second = 0;  ///< attempts
};

/// An OPTIONS without a response of any kind for this long is overdue: by then two packets of it have left (RFC 3261 timer E).
inline constexpr Duration kSipOverdueAfter = std::chrono::seconds(1);

/// No response of any kind has come on this path since `sent` (or since the last one that came later), for kSipOverdueAfter. The
/// transaction goes on; its SipOutcome still comes. Told once for each OPTIONS.
struct SipOverdue {
  CarrierId carrier;
  CircuitId circuit;
  std::uint64_t sequence = 0;
  Instant sent{};
  std::optional<Endpoint> endpoint = std::nullopt;  ///< as in SipOutcome
};

/// The first 1xx to an OPTIONS: it decides nothing, but somebody is there.
struct SipProvisional {
  CarrierId carrier;
  CircuitId circuit;
  std::uint64_t sequence = 0;
  Instant sent{};
  std::optional<Endpoint> endpoint = std::nullopt;  ///< as in SipOutcome
};

using Observation = std::variant<ProbeSent, ProbeReply, ProbeRejected, ProbeLocalError, SipOutcome, LinkState, GatewayState, ResolverState, LoopStall,
                                 TrunkLoad, SipOverdue, SipProvisional, CheckOutcome, ProberStuck, CallOutcome, CarrierLocated>;

}  // namespace linekeeper::model
