#pragma once
// The site as configured: one immutable snapshot, made by config/, read by everyone, replaced whole on reload.
// References between parts are ids, checked by config/: a Site that exists is sound.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/call.hpp"
#include "controller/model/check.hpp"
#include "controller/model/connections.hpp"
#include "controller/model/ids.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/own_calls.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// What circuits are measured against. At least three for each circuit, in two networks (I5).
struct Target {
  std::string name;
  IpAddress address;
  std::string network;  ///< whose network it is in; default: its /16 (IPv4) or /32 (IPv6)
  ProbeMethod method = ProbeMethod::Icmp;
  std::uint16_t port = 0;  ///< UDP or TCP; 0 for Icmp
  std::string query{};     ///< Dns: the name that is asked for
};

/// A way out of one family. An internet access that carries IPv4 and IPv6 is two of these on one interface, judged and steered apart,
/// because either fails without the other; the second is called after the first ("fiber-ipv6") and names it as `twin`.
struct Circuit {
  std::string name;
  std::string interface;          ///< Linux device, e.g. "wan0"
  Family family = Family::V4;     ///< of its targets, gateway and sources
  std::optional<CircuitId> twin;  ///< of the IPv6 one: the same access for IPv4
  std::string provider;
  std::string medium;                    ///< "fiber", "coax", "lte", ...; free text
  int priority = 100;                    ///< smaller is preferred, where a class does not order its circuits
  bool metered = false;                  ///< paid by the byte: probed less, and the last resort of classes that avoid it
  double cost = 0;                       ///< of using it, in any unit, the same for all circuits; the cheaper of two with one priority is preferred
  std::optional<int> weight;             ///< its part of classes that are shared, beside the others' weights
  std::optional<double> bandwidth_kbps;  ///< what it carries each way, where declared
  std::optional<IpAddress> gateway;      ///< nothing: followed from the kernel's routes
  std::vector<Prefix> sources;           ///< LAN sources pinned to this circuit (a PBX's socket for it)
  std::vector<TargetId> targets;
  std::uint32_t table = 0;               ///< its own routing table
  std::optional<std::uint32_t> mark;     ///< packet mark that selects it, if any
  Nat nat;                               ///< what becomes of the sources of what leaves by it
  std::vector<std::string> risk_groups;  ///< what it shares with others ("street-duct", "exchange-north"): of two ways out, the one that
                                         ///< shares nothing with what failed is taken
  std::vector<IpAddress> resolvers;      ///< its own: asked by it and by no other circuit
  std::optional<Prefix> expect_public;   ///< where our address must lie as it is seen from outside
};

/// When a circuit is called up or down, and when it is trusted again. One for all circuits.
///
/// How long silence must last to mean death is learned for each circuit from its own silences, so that it is mistaken so often a year as
/// is configured here, and not more; within the two limits.
struct CircuitRule {
  double false_failovers_per_year = 12;                      ///< how often a circuit that lives may be called dead
  double false_suspicions_per_day = 24;                      ///< how often new calls may be led around a circuit that lives
  Duration suspect_after = std::chrono::milliseconds(300);   ///< silence that leads new calls elsewhere, at the least
  Duration dead_after_min = std::chrono::milliseconds(650);  ///< silence that means death, at the least
  Duration dead_after_max = std::chrono::seconds(6);         ///< and at the most, whatever was learned
  int rise = 10;                                             ///< consecutive answers that mean up again
  int min_samples = 3;                                       ///< answered or lost probes before the first verdict
  Duration hold_down = std::chrono::seconds(60);             ///< up for so long before anything moves back to it, the first time
  Duration hold_down_max = std::chrono::hours(1);            ///< each failure soon after a failback trebles it, up to this
  Duration stale_after = std::chrono::seconds(5);            ///< evidence older than this is unknown (I6); never less than three intervals
};

/// When a path (a carrier through a circuit) is called up or down. One for all carriers.
struct HealthRule {
  int fall = 2;                                     ///< consecutive bad answers or silences that mean down
  int rise = 2;                                     ///< consecutive answers that mean up again
  int min_samples = 1;                              ///< outcomes before the first verdict
  Duration dead_after = std::chrono::seconds(4);    ///< silence that means down, of a carrier that may be asked quickly (verify_burst)
  Duration hold_down = std::chrono::seconds(60);    ///< up for so long before anything moves back to it
  Duration stale_after = std::chrono::seconds(60);  ///< evidence older than this is unknown (I6)
};

struct CircuitProbing {
  Duration interval = std::chrono::milliseconds(200);           ///< between two probes of a circuit in use, round-robin over its targets
  Duration standby_interval = std::chrono::milliseconds(500);   ///< of a circuit that nothing goes by
  Duration metered_interval = std::chrono::seconds(1);          ///< of a metered circuit in use
  Duration metered_standby_interval = std::chrono::seconds(5);  ///< of a metered circuit that nothing goes by
  bool accelerate = true;                                       ///< probe quickly while an answer is overdue
  int verify_budget = 150;                                      ///< quick probes that one target may be sent at once; a fifth comes back each minute
  double jitter_ratio = 0.1;                                    ///< each gap is interval * (1 +- this)
  Duration timeout_min = std::chrono::milliseconds(80);         ///< a probe is overdue after srtt + 4 rttvar + 20 ms, within these
  Duration timeout_max = std::chrono::seconds(1);
};

/// What calls or data of a class need of a circuit. A circuit that crosses an `enter` is left for one that is within every `exit`.
struct QualityLimits {
  double loss_enter = 0.05, loss_exit = 0.02;  ///< ratio
  Duration rtt_enter = std::chrono::milliseconds(200), rtt_exit = std::chrono::milliseconds(150);
  double r_enter = 70, r_exit = 80;  ///< R factor (ITU-T G.107); only for classes that have a codec
};

/// What the calls of a class are coded with (ITU-T G.113 Appendix I). None: the class carries no voice.
enum class Codec : std::uint8_t { None, G711, G711NoPlc, G729A, Opus };

/// When traffic goes back to what is preferred, once that may be trusted again.
enum class FailbackMode : std::uint8_t {
  Automatic,  ///< as soon as the guards let it
  After,      ///< not before it has been well for `after`
  Window,     ///< only while the daily window is open
  Manual,     ///< only when a person says so
};

struct Failback {
  FailbackMode mode = FailbackMode::Automatic;
  Duration after{};                        ///< of mode After
  std::chrono::minutes opens{}, closes{};  ///< of mode Window: local time since midnight; closes may be before opens (past midnight)
  friend bool operator==(const Failback&, const Failback&) = default;
};

/// With SipTransport::Tls: whom we trust and who we are.
struct CarrierTls {
  std::string ca_file;      ///< PEM, certificates that are trusted; empty: what the system trusts
  std::string certificate;  ///< PEM, ours and its chain; empty: we show none
  std::string key;          ///< PEM, of `certificate`
  std::string name;         ///< the SIP domain the carrier must prove (RFC 5922 7); empty: Carrier::domain
  bool sips = false;        ///< Request-URI, To and Contact are sips: (RFC 3261 19.1)
  int line = 0;             ///< of the configuration
};

/// How we answer a carrier that asks who we are (RFC 3261 22). The password itself is read by the daemon and is never part of the site.
struct SipCredentials {
  std::string user;
  std::string realm;          ///< the only one that is answered; empty: any
  std::string password_file;  ///< absolute path; or the name of a systemd credential, under $CREDENTIALS_DIRECTORY
  friend bool operator==(const SipCredentials&, const SipCredentials&) = default;
};

struct Carrier {
  std::string name;
  std::string provider;
  IpAddress address;
  std::uint16_t port = 5060;
  std::optional<std::uint16_t> host_port{};  ///< given with the name: then no SRV is asked for (RFC 3263 4.2)
  std::string host{};                        ///< named, not numeric: `address` is nothing then, but for its family, and DNS is asked by each circuit
  std::vector<Endpoint> addresses{};         ///< a list instead of one; `address` is the first
  std::vector<Prefix> pinned{};              ///< what DNS may answer; empty: anything
  SipTransport transport = SipTransport::Udp;
  bool transport_given = false;  ///< in the configuration: then a name is looked up for it alone (RFC 3263 4.1)
  CarrierTls tls;
  std::string domain;                      ///< host part of the Request-URI and To; default: the address
  std::string from_user;                   ///< user part of From and Contact
  int priority = 100;                      ///< smaller is preferred, where a trunk does not order its carriers
  double cost = 0;                         ///< of using it, in any unit, the same for all carriers; the cheaper of two with one priority is preferred
  std::optional<int> channels;             ///< calls at once, where the contract limits them
  std::optional<double> calls_per_second;  ///< attempts, likewise
  Duration interval = std::chrono::seconds(15);  ///< between two OPTIONS of one path, jittered by 10 %
  Duration floor = std::chrono::seconds(10);     ///< etiquette: never two OPTIONS on one path closer than this
  Duration deadline = std::chrono::seconds(3);   ///< no final response by then: lost
  int max_forwards = 70;
  int verify_burst = 4;               ///< OPTIONS that may follow sooner than `floor` when one is overdue; one comes back each `interval`. 0: never
  std::vector<Prefix> prefixes;       ///< networks of its own beside its address, as for media
  bool steer_apart = false;           ///< what goes to it is steered by itself: see TrafficClass::apart
  bool tried_by_call = false;         ///< we can make a call of our own by it, to see whether calls pass (Output::try_call)
  std::map<int, ReplyClass> replies;  ///< per-code overrides of the class table
  std::optional<SipCredentials> auth{};                ///< nothing: a challenge is an answer like others
  Duration retry_after_max = std::chrono::minutes(5);  ///< a Retry-After is believed for so long at the most
  bool overload_control = false;                       ///< RFC 7339 is offered in our OPTIONS
  Duration carrier_floor{};                            ///< etiquette: never two OPTIONS by whatever circuits closer than this; 0: only `floor` counts
  std::string etiquette{};                             ///< name of the preset that interval, floor and burst came from; empty: none
  std::optional<TestCall> test_call{};                 ///< nothing: no call of our own is ever made
  std::optional<RegisterRule> registration{};          ///< nothing: we do not register

  [[nodiscard]] bool named() const { return !host.empty(); }
  [[nodiscard]] bool of_family(Family family) const { return named() || address.family == family; }
  /// This address is one of its own, as far as the configuration says: a name's addresses are known by its networks alone.
  [[nodiscard]] bool is_at(const IpAddress& a) const {
    const auto within = [&](const Prefix& p) { return p.contains(a); };
    if (std::ranges::any_of(prefixes, within) || std::ranges::any_of(pinned, within)) return true;
    return (!named() && address == a) || std::ranges::any_of(addresses, [&](const Endpoint& e) { return e.address == a; });
  }
  /// It has, or may have, several endpoints: each is told apart and has a verdict of its own.
  [[nodiscard]] bool several() const { return named() || !addresses.empty(); }
};

/// How traffic is told to belong to a class. Several given: all must hold. None given: everything else.
struct ClassMatch {
  std::optional<std::uint32_t> mark;
  std::optional<Prefix> source;
  std::optional<std::string> incoming_interface;
  std::vector<Prefix> destinations{};  ///< to one of these; of the class's family
  [[nodiscard]] bool everything() const { return !mark && !source && !incoming_interface && destinations.empty(); }
};

/// A carrier's part of a class's traffic, steered by itself: it leaves a circuit by which the carrier is dead while another reaches it, and
/// the rest of the class stays. Whatever else the class does it does as the whole would.
struct Apart {
  ClassId of;
  CarrierId carrier;
  Duration rto{};  ///< when the carrier is dead by the circuit in use: the shortest of the trunks that offer it
  friend bool operator==(const Apart&, const Apart&) = default;
};

struct TrafficClass {
  std::string name;
  Family family = Family::V4;       ///< of its circuits and of its match; a class of both families is two, as circuits are
  std::vector<CircuitId> circuits;  ///< in order of preference, never empty
  std::uint32_t table = 0;
  ClassMatch match;
  Duration rto = std::chrono::seconds(60);
  Codec codec = Codec::None;
  std::optional<QualityLimits> limits;     ///< nothing: only death moves it
  Duration drain = std::chrono::hours(2);  ///< its connections may stay so long on a circuit that it has left and that lives
  bool avoid_metered = false;              ///< metered circuits are its last resort, whatever the order says
  Failback failback;
  std::vector<int> weights{};    ///< of its circuits, by position: it is shared by all of them that are good; empty: it goes by one
  std::optional<Apart> apart{};  ///< these come behind all others
  [[nodiscard]] bool shares() const { return !weights.empty(); }
};

enum class PbxDriver : std::uint8_t { Kamailio, Command, Responder, Asterisk, Freeswitch, Opensips, Dns };
inline constexpr int kPbxDriverCount = static_cast<int>(PbxDriver::Dns) + 1;
[[nodiscard]] std::string_view to_string(PbxDriver d);  ///< "kamailio", "command", "responder"
[[nodiscard]] std::optional<PbxDriver> pbx_driver_named(std::string_view name);

/// Of driver Responder: a way that an SBC asks about at a port of its own.
struct ResponderWay {
  std::string name;  ///< TrunkMember::called: the port, as text
  std::uint16_t port = 0;
  std::string contact;  ///< where calls of this way are redirected to, behind the user: "203.0.113.10:5060"
  friend bool operator==(const ResponderWay&, const ResponderWay&) = default;
};

struct Pbx {
  std::string name;
  PbxDriver driver = PbxDriver::Kamailio;
  std::string rpc_socket;  ///< AF_UNIX datagram socket of Kamailio's jsonrpcs, or of OpenSIPS' mi_datagram
  std::string htable = "lk";
  std::vector<std::string> command;           ///< of driver Command: a program and its arguments
  IpAddress listen;                           ///< of driver Responder: where it answers
  std::uint16_t redirect_port = 0;            ///< likewise, INVITEs by 302; 0: nowhere
  std::vector<Prefix> allow;                  ///< likewise, who is answered
  std::vector<ResponderWay> ways;             ///< likewise, in the order of its trunk
  IpAddress address;                          ///< of Asterisk, FreeSWITCH and DNS: where it listens (TCP)
  std::uint16_t port = 0;                     ///< with it
  std::string user;                           ///< Asterisk: in manager.conf. DNS: the name of the TSIG key
  std::string secret_file;                    ///< password or key on its first line
  std::string store;                          ///< Asterisk: AstDB family. FreeSWITCH: what variables begin with. OpenSIPS: cachedb system
  std::string zone;                           ///< of DNS
  Duration ttl = std::chrono::seconds(5);     ///< of DNS records
  Duration lease = std::chrono::seconds(90);  ///< the order holds this long after our last word
  Duration refresh = std::chrono::seconds(30);
  Duration reply_timeout = std::chrono::seconds(2);
};

/// One way out for calls: a carrier through a circuit, and what the PBX calls it.
struct TrunkMember {
  CarrierId carrier;
  std::optional<CircuitId> circuit;  ///< nothing: it follows the trunk's traffic class
  int dispatcher_set = 0;            ///< its number within the PBX. Kamailio: setid
  std::optional<ClassId> apart{};    ///< the class of its carrier, where that is steered apart from the trunk's
  std::string called{};              ///< how the PBX calls this way; empty: by the number above
  friend bool operator==(const TrunkMember&, const TrunkMember&) = default;
  [[nodiscard]] std::string in_pbx() const { return called.empty() ? std::to_string(dispatcher_set) : called; }
};

struct Trunk {
  std::string name;
  PbxId pbx;
  ClassId traffic_class;             ///< class its members follow, and whose circuit order ranks equal carriers
  std::vector<CarrierId> carriers;   ///< in order of preference, never empty
  std::vector<TrunkMember> members;  ///< carrier by carrier in that order
  std::string key = "order";         ///< htable key
  Duration rto = std::chrono::seconds(120);
  bool emergency = false;              ///< carries emergency calls: no act may reduce its ways (I24)
  std::optional<int> busy_hour_calls;  ///< at once, where nothing measures the load
  std::optional<double> busy_hour_calls_per_second;
  Failback failback;

  /// Whose circuit a member goes by that has none of its own, and is expected to go by otherwise.
  [[nodiscard]] ClassId class_of(const TrunkMember& member) const { return member.apart.value_or(traffic_class); }
};

/// How connections in progress are treated when their class moves.
struct Connections {
  bool keep = true;                        ///< they stay on their circuit, and are deleted when that is dead
  std::uint32_t mask = 0x00ff0000;         ///< bits of packet and connection marks that are ours (FlowMarks)
  Duration drain = std::chrono::hours(2);  ///< of classes that do not say
};

/// This host's own resolvers: a file that names those of the circuit which everything else goes by, written anew when that moves.
struct HostResolvers {
  std::string file;                              ///< resolv.conf(5); empty: none is written
  std::string query = "a.root-servers.net";      ///< asked of them, to know which of them answer
  Duration interval = std::chrono::seconds(30);  ///< between two such rounds while all is well
  std::vector<IpAddress> fallback;               ///< of no circuit: named behind the circuit's own
  std::vector<std::string> search;               ///< search domains
};

/// Answers to carriers' own OPTIONS, at each circuit's address.
struct Answering {
  std::uint16_t port = 0;                           ///< 0: they are not answered by us
  Duration retry_after = std::chrono::seconds(60);  ///< said in the 503 while a circuit is drained
};

struct Endpoints {
  std::string control_socket = "/run/linekeeper/control.sock";
  std::string switch_socket = "/run/linekeeper-switch/switch.sock";
  std::string journal = "/var/lib/linekeeper/journal.db";
  int recording_mib = 64;  ///< of the journal's file for what was observed, in MiB; the oldest goes first
  std::string http_address = "127.0.0.1";
  std::uint16_t http_port = 9851;       ///< page, /metrics, read-only API; 0 = none
  std::vector<std::string> http_hosts;  ///< Host header values allowed beside localhost and the address itself
};

struct Site {
  std::string name;
  std::string file;    ///< where it was read from
  std::string sha256;  ///< of that file
  std::vector<Target> targets;
  std::vector<Circuit> circuits;
  std::vector<Carrier> carriers;
  std::vector<TrafficClass> classes;
  std::vector<Pbx> pbxs;
  std::vector<Trunk> trunks;
  std::vector<Check> checks;
  CircuitProbing probing;
  CircuitRule circuit_health;
  HealthRule carrier_health;
  Connections connections;
  HostResolvers resolvers;
  Calls calls;
  Answering answering;
  std::vector<std::string> emergency_numbers;  ///< digits; beside those of five digits and fewer, which always are
  Endpoints endpoints;

  /// Whether there is a path from this circuit to that carrier: both are of one family, or DNS is asked for addresses of the circuit's.
  [[nodiscard]] bool reaches(CircuitId circuit, CarrierId carrier) const {
    return carriers.at(carrier.index()).of_family(circuits.at(circuit.index()).family);
  }
  [[nodiscard]] const Target& operator[](TargetId i) const { return targets.at(i.index()); }
  [[nodiscard]] const Circuit& operator[](CircuitId i) const { return circuits.at(i.index()); }
  [[nodiscard]] const Carrier& operator[](CarrierId i) const { return carriers.at(i.index()); }
  [[nodiscard]] const TrafficClass& operator[](ClassId i) const { return classes.at(i.index()); }
  [[nodiscard]] const Trunk& operator[](TrunkId i) const { return trunks.at(i.index()); }
  [[nodiscard]] const Pbx& operator[](PbxId i) const { return pbxs.at(i.index()); }
};

using SitePtr = std::shared_ptr<const Site>;  // shared: a reload swaps it while tasks of the old one still drain

}  // namespace linekeeper::model
