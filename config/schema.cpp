#include "config/schema.hpp"

#include <fmt/format.h>

#include <array>

#include "controller/model/assert.hpp"

namespace linekeeper::config {
namespace {

constexpr double kMs = 1e-3, kS = 1, kH = 3600;
constexpr double kMark = 4294967295.0;

// clang-format off
constexpr auto kSchema = std::to_array<Key>({
  {.section = "", .name = "site", .form = Form::Section, .fallback = "required", .example = "[site]", .meaning = "What this site is called."},
  {.section = "", .name = "daemon", .form = Form::Section, .fallback = "", .example = "[daemon]", .meaning = "Sockets and files of the programs."},
  {.section = "", .name = "http", .form = Form::Section, .fallback = "", .example = "[http]", .meaning = "Page, metrics and read-only API."},
  {.section = "", .name = "probing", .form = Form::Section, .fallback = "", .example = "[probing]", .meaning = "Pace of the probes through each circuit."},
  {.section = "", .name = "circuit_health", .form = Form::Section, .fallback = "", .example = "[circuit_health]", .meaning = "When a circuit is up or down."},
  {.section = "", .name = "carrier_health", .form = Form::Section, .fallback = "", .example = "[carrier_health]", .meaning = "When a carrier is up or down through a circuit."},
  {.section = "", .name = "connections", .form = Form::Section, .fallback = "", .example = "[connections]", .meaning = "What becomes of connections in progress when their class moves."},
  {.section = "", .name = "resolvers", .form = Form::Section, .fallback = "", .example = "[resolvers]", .meaning = "This host's own resolvers follow the class without a match: a file names those of the circuit it goes by. Without this section nothing is written."},
  {.section = "", .name = "calls", .form = Form::Section, .fallback = "", .example = "[calls]", .meaning = "Calls as witnesses: the PBX mirrors its SIP here (HEP3), and a carrier that answers OPTIONS and takes no calls is held out. Without this section calls are not listened to."},
  {.section = "", .name = "answering", .form = Form::Section, .fallback = "", .example = "[answering]", .meaning = "Answers the carriers' own OPTIONS at each circuit's address: 200, or 503 while that circuit is drained. Without this section they are not answered by us."},
  {.section = "", .name = "target", .form = Form::Sections, .fallback = "required", .example = "[[target]]", .meaning = "What circuits are measured against, at least three in two networks, at most 256."},
  {.section = "", .name = "circuit", .form = Form::Sections, .fallback = "required", .example = "[[circuit]]", .meaning = "An internet access, at least one, at most 64."},
  {.section = "", .name = "carrier", .form = Form::Sections, .fallback = "", .example = "[[carrier]]", .meaning = "A SIP provider, at most 256."},
  {.section = "", .name = "class", .form = Form::Sections, .fallback = "required", .example = "[[class]]", .meaning = "A traffic class: what is steered together, at least one, at most 64."},
  {.section = "", .name = "pbx", .form = Form::Sections, .fallback = "", .example = "[[pbx]]", .meaning = "A PBX that is told which carrier to prefer, at most 16."},
  {.section = "", .name = "trunk", .form = Form::Sections, .fallback = "", .example = "[[trunk]]", .meaning = "A trunk group: carriers offered to a PBX in order, at most 64."},
  {.section = "", .name = "check", .form = Form::Sections, .fallback = "", .example = "[[check]]", .meaning = "A slower check of circuits, beside the probes: it asks one question by each of them now and then, at most 64. A portal or an MTU hole makes a circuit worse for data, never dead."},

  {.section = "site", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("bangkok")", .meaning = "Shown on the page, in `status` and in every notification."},
  {.section = "site", .name = "emergency_numbers", .form = Form::Prose, .list = true, .fallback = "(none)", .example = R"(["112911"])", .meaning = "Numbers of emergency calls with more than five digits: test calls to them are refused, as they are to shorter ones."},

  {.section = "daemon", .name = "control_socket", .form = Form::SocketPath, .fallback = R"("/run/linekeeper/control.sock")", .example = R"("/run/linekeeper/control.sock")", .meaning = "Where the command line reaches linekeeperd."},
  {.section = "daemon", .name = "switch_socket", .form = Form::SocketPath, .fallback = R"("/run/linekeeper-switch/switch.sock")", .example = R"("/run/linekeeper-switch/switch.sock")", .meaning = "Where linekeeperd reaches linekeeper-switch."},
  {.section = "daemon", .name = "journal", .form = Form::FilePath, .fallback = R"("/var/lib/linekeeper/journal.db")", .example = R"("/var/lib/linekeeper/journal.db")", .meaning = "Events, incidents and overrides, an SQLite file."},
  {.section = "daemon", .name = "recording_mib", .form = Form::Integer, .low = 1, .high = 65536, .fallback = "64", .example = "64", .meaning = "MiB of the journal for what was observed, which `linekeeper replay` decides again; the oldest goes first. 64 hold about two days of a usual site."},

  {.section = "http", .name = "listen", .form = Form::Prose, .fallback = R"("127.0.0.1:9851")", .example = R"("127.0.0.1:9851")", .meaning = "Numeric address and port, or `off` (port 0 means the same)."},
  {.section = "http", .name = "allowed_hosts", .form = Form::Host, .list = true, .fallback = "[]", .example = R"(["bangkok.example.net"])", .meaning = "Host headers accepted beside localhost and the address itself; required when listening beyond loopback (it stops DNS rebinding)."},

  {.section = "probing", .name = "interval", .form = Form::Duration, .low = 20 * kMs, .high = 10 * kS, .fallback = R"("200ms")", .example = R"("200ms")", .meaning = "Between two probes of a circuit in use, which take its targets in turn."},
  {.section = "probing", .name = "standby_interval", .form = Form::Duration, .low = 20 * kMs, .high = 60 * kS, .fallback = R"("500ms")", .example = R"("500ms")", .meaning = "The same for a circuit that nothing goes by."},
  {.section = "probing", .name = "metered_interval", .form = Form::Duration, .low = 20 * kMs, .high = 60 * kS, .fallback = R"("1s")", .example = R"("1s")", .meaning = "The same for a metered circuit in use."},
  {.section = "probing", .name = "metered_standby_interval", .form = Form::Duration, .low = 20 * kMs, .high = 60 * kS, .fallback = R"("5s")", .example = R"("5s")", .meaning = "The same for a metered circuit that nothing goes by."},
  {.section = "probing", .name = "accelerate", .form = Form::Flag, .fallback = "true", .example = "true", .meaning = "Probe quickly while an answer is overdue, so that a dead circuit is told from a lost packet sooner."},
  {.section = "probing", .name = "verify_budget", .form = Form::Integer, .low = 0, .high = 10000, .fallback = "150", .example = "150", .meaning = "Quick probes that one target may be sent at once; a fifth comes back each minute. 0: never quickly."},
  {.section = "probing", .name = "jitter", .form = Form::Number, .low = 0, .high = 0.5, .fallback = "0.1", .example = "0.1", .meaning = "Each gap is the interval times 1 plus or minus this, so that probes never beat in step with something else."},
  {.section = "probing", .name = "timeout_min", .form = Form::Duration, .low = 5 * kMs, .high = 10 * kS, .fallback = R"("80ms")", .example = R"("80ms")", .meaning = "A probe is never called lost earlier; in between, the measured round trip decides."},
  {.section = "probing", .name = "timeout_max", .form = Form::Duration, .low = 10 * kMs, .high = 30 * kS, .fallback = R"("1s")", .example = R"("1s")", .meaning = "A probe is called lost at the latest then."},

  {.section = "circuit_health", .name = "false_failovers_per_year", .form = Form::Number, .low = 0.1, .high = 10000, .fallback = "12", .example = "12", .meaning = "How often a circuit that lives may be called dead: from this and its own silences the silence that means death is learned."},
  {.section = "circuit_health", .name = "false_suspicions_per_day", .form = Form::Number, .low = 0.1, .high = 10000, .fallback = "24", .example = "24", .meaning = "How often new calls may be led around a circuit that lives."},
  {.section = "circuit_health", .name = "suspect_after", .form = Form::Duration, .low = 50 * kMs, .high = 60 * kS, .fallback = R"("300ms")", .example = R"("300ms")", .meaning = "Silence that leads new calls elsewhere, at the least; below dead_after_min."},
  {.section = "circuit_health", .name = "dead_after_min", .form = Form::Duration, .low = 100 * kMs, .high = 60 * kS, .fallback = R"("650ms")", .example = R"("650ms")", .meaning = "Silence that means death, at the least: a circuit that never falls silent for nothing is left so soon."},
  {.section = "circuit_health", .name = "dead_after_max", .form = Form::Duration, .low = 100 * kMs, .high = 5 * 60 * kS, .fallback = R"("6s")", .example = R"("6s")", .meaning = "Silence that means death, at the most, whatever was learned."},
  {.section = "circuit_health", .name = "rise", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "10", .example = "10", .meaning = "Answers in a row that mean up again."},
  {.section = "circuit_health", .name = "min_samples", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "3", .example = "3", .meaning = "Probes answered or lost before the first verdict, which takes two targets where there are two."},
  {.section = "circuit_health", .name = "hold_down", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Up for so long before anything moves back to it, the first time."},
  {.section = "circuit_health", .name = "hold_down_max", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("1h")", .example = R"("1h")", .meaning = "Each failure soon after a failback trebles the hold-down, up to this."},
  {.section = "circuit_health", .name = "stale_after", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = R"("5s")", .example = R"("5s")", .meaning = "Evidence older than this is unknown, and unknown moves nothing; never less than three intervals of the circuit."},

  {.section = "carrier_health", .name = "fall", .form = Form::Integer, .low = 1, .high = 100, .fallback = "2", .example = "2", .meaning = "Failed OPTIONS in a row that mean down."},
  {.section = "carrier_health", .name = "rise", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "2", .example = "2", .meaning = "Good answers in a row that mean up again."},
  {.section = "carrier_health", .name = "min_samples", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "1", .example = "1", .meaning = "OPTIONS answered or failed before the first verdict."},
  {.section = "carrier_health", .name = "dead_after", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = R"("4s")", .example = R"("4s")", .meaning = "Silence that means down, of a carrier that may be asked quickly when an answer is overdue (`verify_burst`); at least its deadline."},
  {.section = "carrier_health", .name = "hold_down", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Up for so long before calls move back to it."},
  {.section = "carrier_health", .name = "stale_after", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Evidence older than this is unknown; must outlast one interval and deadline of every carrier."},

  {.section = "connections", .name = "keep", .form = Form::Flag, .fallback = "true", .example = "true", .meaning = "They stay on their circuit when it is left while it lives, and are deleted when it is dead, so that they begin anew on the other. `false`: each packet goes where its class goes."},
  {.section = "connections", .name = "mask", .form = Form::Integer, .low = 1, .high = kMark, .fallback = "0x00ff0000", .example = "0x00ff0000", .meaning = "Bits of packet and connection marks that are Linekeeper's: one run, its lower half numbers circuits, its upper half classes. All others are yours."},
  {.section = "connections", .name = "drain", .form = Form::Duration, .low = 0, .high = 168 * kH, .fallback = R"("2h")", .example = R"("2h")", .meaning = "How long connections may stay on a circuit that their class has left and that lives; then the rest is deleted. `0s`: none stays."},

  {.section = "answering", .name = "port", .form = Form::Integer, .low = 1, .high = 65535, .fallback = "required", .example = "5062", .meaning = "UDP port at each circuit's address; one that the PBX does not use."},
  {.section = "answering", .name = "retry_after", .form = Form::Duration, .low = 1 * kS, .high = 1 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Said in the 503 while people have led the calls away from that circuit. Whole seconds."},

  {.section = "calls", .name = "hep_listen", .form = Form::Endpoint, .fallback = "required", .example = R"("127.0.0.1:9060")", .meaning = "Where the PBX sends its mirrored SIP: a numeric address of this host, on the loopback or the LAN, and a port, 9060 when not given. UDP, HEP version 3."},
  {.section = "calls", .name = "allow", .form = Form::Prefix, .list = true, .fallback = "[]", .example = R"(["10.0.0.11"])", .meaning = "Who may send it; nobody named: this host only. Required when hep_listen is not on the loopback."},
  {.section = "calls", .name = "key_file", .form = Form::FilePath, .fallback = "(none)", .example = R"("/etc/linekeeper/hep.key")", .meaning = "File with the HEP authentication key that each packet must carry, in one line; for senders that can set one."},
  {.section = "calls", .name = "false_demotions_per_year", .form = Form::Number, .low = 0.01, .high = 10000, .fallback = "1", .example = "1", .meaning = "How often a path that takes calls as well as ever may be held out: from this and the calls an hour follows how many must fail."},
  {.section = "calls", .name = "unanswered_after", .form = Form::Duration, .low = 200 * kMs, .high = 32 * kS, .fallback = R"("1.5s")", .example = R"("1.5s")", .meaning = "An INVITE without a response of any kind, not even 100, has failed by then. Not above the PBX's own patience (Kamailio: fr_timer)."},
  {.section = "calls", .name = "slow_min", .form = Form::Duration, .low = 200 * kMs, .high = 60 * kS, .fallback = R"("2s")", .example = R"("2s")", .meaning = "A call that has not rung for three times as long as 95 of 100 usually take is slow, but never sooner than this."},
  {.section = "calls", .name = "slow_max", .form = Form::Duration, .low = 500 * kMs, .high = 120 * kS, .fallback = R"("8s")", .example = R"("8s")", .meaning = "And never later than this; until 20 calls have rung this alone counts."},
  {.section = "calls", .name = "hold_down", .form = Form::Duration, .low = 1 * kS, .high = 24 * kH, .fallback = R"("2m")", .example = R"("2m")", .meaning = "A path that takes no calls has none for so long, then a trial. Trebled when a trial fails within the hour."},
  {.section = "calls", .name = "hold_down_max", .form = Form::Duration, .low = 1 * kS, .high = 168 * kH, .fallback = R"("1h")", .example = R"("1h")", .meaning = "At the most."},
  {.section = "calls", .name = "trial_calls", .form = Form::Integer, .low = 1, .high = 100, .fallback = "3", .example = "3", .meaning = "Calls that must pass in a row for the trial to end well; the first that fails ends it."},

  {.section = "resolvers", .name = "file", .form = Form::FilePath, .fallback = "required", .example = R"("/run/linekeeper/resolv.conf")", .meaning = "Replaced in one step at each move; /etc/resolv.conf links to it, or dnsmasq (`resolv-file`) reads it. In a directory that linekeeperd may write."},
  {.section = "resolvers", .name = "query", .form = Form::DnsName, .fallback = R"("a.root-servers.net")", .example = R"("example.com")", .meaning = "Asked of each of them by the routes as they are; those that answer come first."},
  {.section = "resolvers", .name = "interval", .form = Form::Duration, .low = 5 * kS, .high = 1 * kH, .fallback = R"("30s")", .example = R"("30s")", .meaning = "Between two such rounds while all is well; every 5 s while not."},
  {.section = "resolvers", .name = "fallback", .form = Form::Address, .list = true, .fallback = "[]", .example = R"(["192.0.2.53"])", .meaning = "Resolvers of no circuit, named behind the circuit's own."},
  {.section = "resolvers", .name = "search", .form = Form::Host, .list = true, .fallback = "[]", .example = R"(["example.net"])", .meaning = "Search domains of the file."},

  {.section = "target", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("quad9")", .meaning = "Unique among targets."},
  {.section = "target", .name = "address", .form = Form::Address, .fallback = "required", .example = R"("9.9.9.9")", .meaning = "Numeric; must answer what `method` asks and belong to nobody's circuit."},
  {.section = "target", .name = "network", .form = Form::Prose, .fallback = "(its /16, or /32 for IPv6)", .example = R"("quad9")", .meaning = "Whose network it is in: targets that fail together share a word here."},
  {.section = "target", .name = "method", .form = Form::Method, .fallback = R"("icmp")", .example = R"("stamp")", .meaning = "How it is asked: `icmp` echo; `stamp`, a test packet to a reflector (RFC 8762), which also tells the direction of loss; `tcp`, a connection that may be accepted or refused; `dns`, a query to a resolver, any answer counts."},
  {.section = "target", .name = "port", .form = Form::Integer, .low = 1, .high = 65535, .fallback = "(862 for stamp, 53 for dns)", .example = "443", .meaning = "UDP or TCP port; `tcp` needs one, `icmp` has none."},
  {.section = "target", .name = "query", .form = Form::DnsName, .fallback = "(a.root-servers.net for dns)", .example = R"("example.com")", .meaning = "`dns` only: the name whose IPv4 address is asked for; best one that every resolver keeps."},

  {.section = "circuit", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("fiber")", .meaning = "Unique among circuits; metrics carry it as a label."},
  {.section = "circuit", .name = "interface", .form = Form::Interface, .fallback = "required", .example = R"("wan0")", .meaning = "Linux device; one circuit each."},
  {.section = "circuit", .name = "provider", .form = Form::Prose, .fallback = "(the name)", .example = R"("ISP One")", .meaning = "Who to call."},
  {.section = "circuit", .name = "medium", .form = Form::Prose, .fallback = R"("unknown")", .example = R"("fiber")", .meaning = "fiber, coax, lte, ...: shown."},
  {.section = "circuit", .name = "priority", .form = Form::Integer, .low = 0, .high = 10000, .fallback = "100", .example = "10", .meaning = "Smaller is preferred, where a class does not order its circuits; of two alike the cheaper, then the one that stands first."},
  {.section = "circuit", .name = "metered", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Paid by volume: probed less, and the last resort of classes that say avoid_metered."},
  {.section = "circuit", .name = "cost", .form = Form::Number, .low = 0, .high = 1000000, .fallback = "0", .example = "2.5", .meaning = "Of using it, in any unit, the same for all circuits: decides between equal priorities."},
  {.section = "circuit", .name = "bandwidth_kbps", .form = Form::Number, .low = 1, .high = 1000000000, .fallback = "(unknown)", .example = "100000", .meaning = "What it carries each way, in kbit/s."},
  {.section = "circuit", .name = "weight", .form = Form::Integer, .low = 1, .high = 255, .fallback = "(by bandwidth_kbps, or 1)", .example = "3", .meaning = "Its part of classes that are shared: of 3 and 1 it has three new connections in four. Left out by all circuits of such a class: as their bandwidth_kbps, or alike where one of them has none."},
  {.section = "circuit", .name = "gateway", .form = Form::Gateway, .fallback = R"("kernel")", .example = R"("192.0.2.1")", .meaning = "IPv4 address of the next hop, or `kernel`: followed from DHCP, PPPoE or whoever sets routes."},
  {.section = "circuit", .name = "families", .form = Form::Family, .list = true, .fallback = R"(["ipv4"])", .example = R"(["ipv4", "ipv6"])", .meaning = "What it carries. With both it is measured, judged and steered for each apart; the IPv6 one is called after it: `fiber-ipv6`."},
  {.section = "circuit", .name = "gateway6", .form = Form::Gateway, .fallback = R"("kernel")", .example = R"("fe80::1")", .meaning = "IPv6 address of the next hop, or `kernel`: followed from router advertisements, DHCP or whoever sets routes."},
  {.section = "circuit", .name = "table6", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7300 + position)", .example = "7300", .meaning = "Its routing table for IPv6."},
  {.section = "circuit", .name = "sources", .form = Form::Prefix, .list = true, .fallback = "[]", .example = R"(["10.0.0.11"])", .meaning = "LAN addresses that always leave by this circuit (a PBX's socket for it)."},
  {.section = "circuit", .name = "targets", .form = Form::Name, .list = true, .fallback = "(all)", .example = R"(["quad9", "cloudflare", "google"])", .meaning = "What it is measured against: at least three, in two networks."},
  {.section = "circuit", .name = "table", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7100 + position)", .example = "7100", .meaning = "Its own routing table."},
  {.section = "circuit", .name = "mark", .form = Form::Integer, .low = 1, .high = kMark, .fallback = "(none)", .example = "0x11", .meaning = "Packet mark that selects it."},
  {.section = "circuit", .name = "nat", .form = Form::Nat, .fallback = R"("off")", .example = R"("masquerade")", .meaning = "Source addresses of what leaves by it: `masquerade` makes them the circuit's own, whatever that is now; an IPv4 address makes them that one, which must lead back here; `off` leaves them, or leaves them to you."},
  {.section = "circuit", .name = "nat6", .form = Form::Nat, .fallback = R"("off")", .example = R"("off")", .meaning = "The same for IPv6, which mostly needs none: for a LAN whose addresses the circuit does not route (unique local ones, or those of another provider)."},
  {.section = "circuit", .name = "risk_groups", .form = Form::Name, .list = true, .fallback = "[]", .example = R"(["street-duct"])", .meaning = "What it shares with other circuits (a duct, an exchange): a way out that shares nothing with what failed is taken first."},
  {.section = "circuit", .name = "resolvers", .form = Form::Address, .list = true, .fallback = "[]", .example = R"(["192.0.2.53"])", .meaning = "Its provider's resolvers, IPv4 and IPv6, each asked by the circuit's part of that family: for checks and for names of carriers; with `[resolvers]` named first while it carries the followed class, and behind others, where they answer there too, while it does not."},
  {.section = "circuit", .name = "expect_public", .form = Form::Prefix, .fallback = "(unknown)", .example = R"("198.51.100.7")", .meaning = "Where our address must lie as it is seen from outside: what carriers have on their allow-lists."},
  {.section = "circuit", .name = "expect_public6", .form = Form::Prefix, .fallback = "(unknown)", .example = R"("2001:db8:2::/64")", .meaning = "The same for IPv6."},

  {.section = "carrier", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("north")", .meaning = "Unique among carriers; metrics carry it as a label."},
  {.section = "carrier", .name = "provider", .form = Form::Prose, .fallback = "(the name)", .example = R"("North Telecom")", .meaning = "Who to call."},
  {.section = "carrier", .name = "address", .form = Form::Server, .fallback = "(or addresses)", .example = R"("sip.north.example")", .meaning = "Numeric address, IPv4 or IPv6 (`\"[2001:db8::10]:5060\"`), asked by the circuits of its family; port 5060, and 5061 over TLS, when not given. Or a host name, which each circuit's own resolvers are asked for (RFC 3263): NAPTR, SRV and addresses of the circuit's family, or addresses alone when a port is given."},
  {.section = "carrier", .name = "addresses", .form = Form::Endpoint, .list = true, .fallback = "(or address)", .example = R"(["198.51.100.10:5060", "198.51.100.11:5060"])", .meaning = "Several numeric addresses instead of one, at most 16: each is asked in turn, within the carrier's one `floor`, and has a verdict of its own."},
  {.section = "carrier", .name = "pinned", .form = Form::Prefix, .list = true, .fallback = "[]", .example = R"(["198.51.100.0/24"])", .meaning = "With a host name: networks that its addresses must lie in. Others are told and never asked; none given, any is taken."},
  {.section = "carrier", .name = "transport", .form = Form::Transport, .fallback = R"("udp")", .example = R"("tls")", .meaning = "How SIP goes to it; with a host name and no `transport`, what its NAPTR records say of the three. A TCP or TLS connection is used again, and made afresh now and then."},
  {.section = "carrier", .name = "tls", .form = Form::Table, .fallback = "{}", .example = R"({ ca_file = "/etc/linekeeper/north-ca.pem" })", .meaning = "With transport `tls`: whom we trust and who we are. TLS 1.2 at least."},
  {.section = "carrier", .name = "domain", .form = Form::Host, .fallback = "(the address)", .example = R"("sip.north.example")", .meaning = "Host part of Request-URI and To; many carriers answer only their own."},
  {.section = "carrier", .name = "from_user", .form = Form::SipUser, .fallback = R"("linekeeper")", .example = R"("4420000000")", .meaning = "User part of From and Contact; some carriers ban what they do not know."},
  {.section = "carrier", .name = "priority", .form = Form::Integer, .low = 0, .high = 10000, .fallback = "100", .example = "10", .meaning = "Smaller is preferred, where a trunk does not order its carriers; of two alike the cheaper, then the one that stands first."},
  {.section = "carrier", .name = "cost", .form = Form::Number, .low = 0, .high = 1000000, .fallback = "0", .example = "0.8", .meaning = "Of using it, in any unit, the same for all carriers: decides between equal priorities."},
  {.section = "carrier", .name = "channels", .form = Form::Integer, .low = 1, .high = 100000, .fallback = "(unlimited)", .example = "30", .meaning = "Calls at once, where the contract limits them."},
  {.section = "carrier", .name = "calls_per_second", .form = Form::Number, .low = 1, .high = 10000, .fallback = "(unlimited)", .example = "5", .meaning = "New calls a second, where the contract limits them."},
  {.section = "carrier", .name = "interval", .form = Form::Duration, .low = 200 * kMs, .high = 1 * kH, .fallback = R"("15s")", .example = R"("15s")", .meaning = "Between two OPTIONS of one path, give or take 10 %."},
  {.section = "carrier", .name = "floor", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = R"("10s")", .example = R"("10s")", .meaning = "Etiquette: never two OPTIONS on one path closer than this, but for `verify_burst`. Ask the carrier before lowering it."},
  {.section = "carrier", .name = "deadline", .form = Form::Duration, .low = 100 * kMs, .high = 31 * kS, .fallback = R"("3s")", .example = R"("3s")", .meaning = "No final response by then: failed. Below the interval."},
  {.section = "carrier", .name = "verify_burst", .form = Form::Integer, .low = 0, .high = 100, .fallback = "4", .example = "4", .meaning = "OPTIONS that may come sooner than the floor when an answer is overdue; one comes back each interval. 0: never, and a silent carrier is found later."},
  {.section = "carrier", .name = "steer_apart", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "What goes to it is steered by itself: when it is dead by one circuit only, its traffic leaves by another and the rest of the class stays. It is shown as a class of its own, called after both: `voice-north`."},
  {.section = "carrier", .name = "prefixes", .form = Form::Prefix, .list = true, .fallback = "[]", .example = R"(["198.51.100.64/26"])", .meaning = "With `steer_apart`: networks of its own beside its address, as for media, at most 63. What they hold moves together."},
  {.section = "carrier", .name = "max_forwards", .form = Form::Integer, .low = 1, .high = 255, .fallback = "70", .example = "70", .meaning = "Max-Forwards of the OPTIONS (RFC 3261 20.22)."},
  {.section = "carrier", .name = "etiquette", .form = Form::Name, .fallback = "(none)", .example = R"("twilio")", .meaning = "A well-known carrier's published rule, `teams` or `twilio`: interval, floor and burst begin with it, and no key may break it."},
  {.section = "carrier", .name = "carrier_floor", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = "(none)", .example = R"("15s")", .meaning = "Etiquette of a carrier that counts what it hears by all circuits together: never two OPTIONS closer than this, whichever circuits they go by. Each path's floor is at least this times the circuits."},
  {.section = "carrier", .name = "overload_control", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Offer RFC 7339 in OPTIONS: a carrier that asks for less is asked nothing for so long, its interval at the most."},
  {.section = "carrier", .name = "retry_after_max", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("5m")", .example = R"("5m")", .meaning = "480, 500 and 503 with Retry-After mean down for so long as they say, this at the most, unless good answers come sooner."},
  {.section = "carrier", .name = "auth", .form = Form::Table, .fallback = "(none)", .example = R"({ user = "4420", password_file = "north-password" })", .meaning = "Credentials for a carrier that asks who we are (digest authentication); keys under `auth`."},
  {.section = "carrier", .name = "replies", .form = Form::Table, .fallback = "{}", .example = R"({ 404 = "up" })", .meaning = "How final responses 200 to 699 are read, where the usual reading is wrong for this carrier: `up`, `busy`, `degraded`, `soft-down` or `down`."},
  {.section = "carrier", .name = "test_call", .form = Form::Table, .fallback = "(none)", .example = R"({ number = "+441632960000", expect = "ringing" })", .meaning = "A call of our own by it, with nobody on it: when somebody asks (`linekeeper call`), now and then, and before callers are sent to a carrier that took no calls. Without it none is ever made."},
  {.section = "carrier", .name = "register", .form = Form::Table, .fallback = "(none)", .example = R"({ user = "4420000000" })", .meaning = "Registers at it through each circuit, so that its calls find the site by each of them. For carriers that want it, and where the PBX does not do it itself."},

  {.section = "tls", .name = "ca_file", .form = Form::FilePath, .fallback = "(the system's)", .example = R"("/etc/linekeeper/north-ca.pem")", .meaning = "Certificates that are trusted, PEM, where the carrier's is of an authority of its own."},
  {.section = "tls", .name = "certificate", .form = Form::FilePath, .fallback = "(none)", .example = R"("/etc/linekeeper/site42.pem")", .meaning = "Ours, with its chain, PEM: for carriers that want to know who asks."},
  {.section = "tls", .name = "key", .form = Form::FilePath, .fallback = "(none)", .example = R"("/etc/linekeeper/site42.key")", .meaning = "The key of `certificate`, PEM, without a pass phrase; readable by linekeeperd alone."},
  {.section = "tls", .name = "name", .form = Form::Host, .fallback = "(the domain)", .example = R"("sip.north.example")", .meaning = "The SIP domain that its certificate must prove (RFC 5922): a sip: URI, or else a DNS name; no wildcards."},
  {.section = "tls", .name = "sips", .form = Form::Flag, .fallback = "false", .example = "false", .meaning = "Request-URI, To and Contact are `sips:`; only where the carrier asks for it."},

  {.section = "auth", .name = "user", .form = Form::Prose, .fallback = "required", .example = R"("4420000000")", .meaning = "User name; without quotes and backslashes."},
  {.section = "auth", .name = "realm", .form = Form::Prose, .fallback = "(any)", .example = R"("north.example")", .meaning = "The only realm that is answered."},
  {.section = "auth", .name = "password_file", .form = Form::Prose, .fallback = "required", .example = R"("/etc/linekeeper/north.password")", .meaning = "Absolute path of a file that only its owner can read (mode 0600), or the name of a systemd credential (LoadCredential=). The password is its first line."},

  {.section = "test_call", .name = "number", .form = Form::SipUser, .fallback = "required", .example = R"("+441632960000")", .meaning = "A number that may be called for a test; ask the carrier for one. More than five digits, and no number of emergency calls."},
  {.section = "test_call", .name = "expect", .form = Form::CallExpect, .fallback = R"("ringing")", .example = R"("ringing")", .meaning = "How far it must come: `ringing` is hung up before anybody answers and costs nothing; `early-media`; `answer` is charged for by many."},
  {.section = "test_call", .name = "every", .form = Form::Duration, .low = 60 * kS, .high = 168 * kH, .fallback = "(never by itself)", .example = R"("1h")", .meaning = "So often by each circuit."},
  {.section = "test_call", .name = "wait", .form = Form::Duration, .low = 1 * kS, .high = 25 * kS, .fallback = R"("20s")", .example = R"("20s")", .meaning = "So long it may take to come as far as is expected."},
  {.section = "test_call", .name = "talk", .form = Form::Duration, .low = 0, .high = 60 * kS, .fallback = R"("1s")", .example = R"("1s")", .meaning = "From an answer to our hanging up."},

  {.section = "register", .name = "user", .form = Form::SipUser, .fallback = "required", .example = R"("4420000000")", .meaning = "User of the address of record, at the carrier's `domain`."},
  {.section = "register", .name = "contact_port", .form = Form::Integer, .low = 1, .high = 65535, .fallback = "5060", .example = "5060", .meaning = "Port at the circuit's address by which the PBX is reached; the address is the one of `expect_public` where that is a single one, else the circuit's own."},
  {.section = "register", .name = "expires", .form = Form::Duration, .low = 60 * kS, .high = 24 * kH, .fallback = R"("1h")", .example = R"("1h")", .meaning = "Asked for; refreshed at half of what is granted."},

  {.section = "class", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("voice")", .meaning = "Unique among classes and trunks: people type it."},
  {.section = "class", .name = "circuits", .form = Form::Name, .list = true, .fallback = "(all, by priority)", .example = R"(["fiber", "coax"])", .meaning = "In order of preference."},
  {.section = "class", .name = "table", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7200 + position)", .example = "7200", .meaning = "Its steering table."},
  {.section = "class", .name = "families", .form = Form::Family, .list = true, .fallback = "(those of its circuits)", .example = R"(["ipv4"])", .meaning = "What it steers. With both it is two classes, one for each; the IPv6 one is called after it: `voice-ipv6`."},
  {.section = "class", .name = "table6", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7400 + position)", .example = "7400", .meaning = "Its steering table for IPv6."},
  {.section = "class", .name = "rto", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Recovery time objective when a circuit fails: what the business decided."},
  {.section = "class", .name = "codec", .form = Form::Codec, .fallback = R"("none")", .example = R"("g711")", .meaning = "What its calls are coded with (ITU-T G.113 Appendix I); `none`: it carries no voice."},
  {.section = "class", .name = "limits", .form = Form::Limits, .fallback = "(those below with a codec, none without)", .example = "{ loss_enter = 0.05, loss_exit = 0.02 }", .meaning = "What its traffic needs: a circuit that crosses an enter value is left for one that is within every exit value. `none`: only death moves it."},
  {.section = "class", .name = "drain", .form = Form::Duration, .low = 0, .high = 168 * kH, .fallback = "(that of [connections])", .example = R"("30m")", .meaning = "How long its connections may stay on a circuit that it has left and that lives; as in [connections]."},
  {.section = "class", .name = "avoid_metered", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Metered circuits are its last resort, whatever the order says."},
  {.section = "class", .name = "share", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Its new connections are shared by all of its circuits that are good, by their weights; each stays on its circuit until that dies. For data only: no codec, no trunk."},
  {.section = "class", .name = "failback", .form = Form::Failback, .fallback = R"("automatic")", .example = R"("window 01:00-05:00")", .meaning = "When it goes back to a preferred circuit that is trusted again: at once, once it was well for so long, while the daily window (local time) is open, or when a person says so."},
  {.section = "class", .name = "match", .form = Form::Table, .fallback = "(everything else)", .example = R"({ source = "10.0.0.0/24" })", .meaning = "What belongs to the class; several conditions must all hold. One class may have none: it takes the rest."},

  {.section = "match", .name = "mark", .form = Form::Integer, .low = 1, .high = kMark, .fallback = "(any)", .example = "0x20", .meaning = "Packet mark."},
  {.section = "match", .name = "source", .form = Form::Prefix, .fallback = "(any)", .example = R"("10.0.0.0/24")", .meaning = "Where it comes from."},
  {.section = "match", .name = "incoming_interface", .form = Form::Interface, .fallback = "(any)", .example = R"("lan0")", .meaning = "The device it comes in by."},
  {.section = "match", .name = "destinations", .form = Form::Prefix, .list = true, .fallback = "(any)", .example = R"(["203.0.113.0/24", "198.51.100.7"])", .meaning = "Where it goes to: one of these, at most 64. Each is a rule of the kernel; a route that the main table has of its own to one of them comes first."},

  {.section = "limits", .name = "loss_enter", .form = Form::Number, .low = 0, .high = 1, .fallback = "0.05", .example = "0.05", .meaning = "Share of packets lost at which a circuit is left."},
  {.section = "limits", .name = "loss_exit", .form = Form::Number, .low = 0, .high = 1, .fallback = "0.02", .example = "0.02", .meaning = "And at which it is good enough again; below loss_enter."},
  {.section = "limits", .name = "rtt_enter", .form = Form::Duration, .low = 1 * kMs, .high = 10 * kS, .fallback = R"("200ms")", .example = R"("200ms")", .meaning = "Round trip at which a circuit is left."},
  {.section = "limits", .name = "rtt_exit", .form = Form::Duration, .low = 1 * kMs, .high = 10 * kS, .fallback = R"("150ms")", .example = R"("150ms")", .meaning = "And at which it is good enough again; below rtt_enter."},
  {.section = "limits", .name = "r_enter", .form = Form::Number, .low = 0, .high = 100, .fallback = "70", .example = "70", .meaning = "R factor (ITU-T G.107: 80 satisfies, 70 satisfies many, 60 few) at which a circuit is left; needs a codec."},
  {.section = "limits", .name = "r_exit", .form = Form::Number, .low = 0, .high = 100, .fallback = "80", .example = "80", .meaning = "And at which it is good enough again; above r_enter, and within reach of the codec."},

  {.section = "pbx", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("kamailio")", .meaning = "Unique among PBXs."},
  {.section = "pbx", .name = "driver", .form = Form::Driver, .fallback = R"("kamailio")", .example = R"("kamailio")", .meaning = "How it is spoken to: `kamailio`, `asterisk`, `freeswitch`, `opensips`, `dns`, `command` or `responder` (an SBC that asks us). Keys below that name a driver are for that one only."},
  {.section = "pbx", .name = "rpc_socket", .form = Form::SocketPath, .fallback = "(`kamailio` needs it)", .example = R"("/run/kamailio/linekeeper.sock")", .meaning = "Of `kamailio`: datagram socket of its jsonrpcs module."},
  {.section = "pbx", .name = "htable", .form = Form::Name, .fallback = R"("lk")", .example = R"("lk")", .meaning = "Of `kamailio`: hash table that holds the orders."},
  {.section = "pbx", .name = "command", .form = Form::Prose, .list = true, .fallback = "(`command` needs it)", .example = R"(["/usr/local/bin/trunk-order", "--site", "bkk"])", .meaning = "Of `command`: a program, by its absolute path, and its arguments; no shell. It is told an order, or asked for it, in JSON (carriers/trunks/command/)."},
  {.section = "pbx", .name = "listen", .form = Form::Address, .fallback = "(`responder` needs it)", .example = R"("10.10.0.1")", .meaning = "Of `responder`: address of this host at which it answers OPTIONS; the ways of its trunk are ports (UDP) there."},
  {.section = "pbx", .name = "redirect_port", .form = Form::Integer, .low = 1, .high = 65535, .fallback = "(none)", .example = "5070", .meaning = "Of `responder`: port that answers INVITE with 302, whose Contacts are the carriers in the trunk's order."},
  {.section = "pbx", .name = "allow", .form = Form::Prefix, .list = true, .fallback = "(`responder` needs it)", .example = R"(["10.10.0.0/24"])", .meaning = "Of `responder`: who is answered; nobody else is."},
  {.section = "pbx", .name = "address", .form = Form::Endpoint, .fallback = "(`asterisk`, `freeswitch` and `dns` need it)", .example = R"("127.0.0.1:5038")", .meaning = "Of `asterisk`, `freeswitch`, `dns`: where it listens on TCP; ports 5038, 8021 and 53 when not given."},
  {.section = "pbx", .name = "user", .form = Form::Name, .fallback = "(`asterisk` needs it)", .example = R"("linekeeper")", .meaning = "Of `asterisk`: a user of manager.conf with write = system, and nothing more."},
  {.section = "pbx", .name = "secret_file", .form = Form::FilePath, .fallback = "(`asterisk`, `freeswitch` and `dns` need it)", .example = R"("/etc/linekeeper/pbx.secret")", .meaning = "Of `asterisk`, `freeswitch`, `dns`: a file, readable by nobody else, with the password or the key's secret (Base64) on its first line."},
  {.section = "pbx", .name = "family", .form = Form::Name, .fallback = "(linekeeper)", .example = R"("linekeeper")", .meaning = "Of `asterisk`: the family in AstDB that holds the orders."},
  {.section = "pbx", .name = "mi_socket", .form = Form::SocketPath, .fallback = "(`opensips` needs it)", .example = R"("/run/opensips/linekeeper.sock")", .meaning = "Of `opensips`: datagram socket of its mi_datagram module."},
  {.section = "pbx", .name = "cache", .form = Form::Name, .fallback = "(local)", .example = R"("local")", .meaning = "Of `opensips`: the cachedb that holds the orders."},
  {.section = "pbx", .name = "zone", .form = Form::DnsName, .fallback = "(`dns` needs it)", .example = R"("sip.example.com")", .meaning = "Of `dns`: the zone whose primary server listens at the address; a trunk's key is a name below it (`_sip._udp.trunk`), its ways are host:port."},
  {.section = "pbx", .name = "tsig_key", .form = Form::DnsName, .fallback = "(`dns` needs it)", .example = R"("linekeeper")", .meaning = "Of `dns`: the name of a TSIG key (hmac-sha256) that the zone's update-policy lets change these names."},
  {.section = "pbx", .name = "ttl", .form = Form::Duration, .low = 1 * kS, .high = 5 * kS, .fallback = "(5 s)", .example = R"("5s")", .meaning = "Of `dns`: how long resolvers may go on saying what was true before a move. Whole seconds."},
  {.section = "pbx", .name = "lease", .form = Form::Duration, .low = 2 * kS, .high = 1 * kH, .fallback = R"("90s")", .example = R"("90s")", .meaning = "The order holds this long after our last word, then the PBX uses its static one. Whole seconds."},
  {.section = "pbx", .name = "refresh", .form = Form::Duration, .low = 500 * kMs, .high = 30 * 60 * kS, .fallback = R"("30s")", .example = R"("30s")", .meaning = "How often the lease is renewed; with one reply timeout it must fit into the lease."},
  {.section = "pbx", .name = "reply_timeout", .form = Form::Duration, .low = 50 * kMs, .high = 30 * kS, .fallback = R"("2s")", .example = R"("2s")", .meaning = "How long one answer of the PBX may take."},

  {.section = "trunk", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("outbound")", .meaning = "Unique among trunks and classes: people type it."},
  {.section = "trunk", .name = "pbx", .form = Form::Name, .fallback = "(the only one)", .example = R"("kamailio")", .meaning = "Which PBX is told."},
  {.section = "trunk", .name = "class", .form = Form::Name, .fallback = "(the only one)", .example = R"("voice")", .meaning = "The class its members follow, whose circuit order ranks equal carriers."},
  {.section = "trunk", .name = "carriers", .form = Form::Name, .list = true, .fallback = "(all, by priority)", .example = R"(["north", "south"])", .meaning = "In order of preference."},
  {.section = "trunk", .name = "key", .form = Form::Name, .fallback = R"("order")", .example = R"("order")", .meaning = "What the order is called in the PBX; unique there. Kamailio: the key in the hash table."},
  {.section = "trunk", .name = "rto", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("120s")", .example = R"("120s")", .meaning = "Recovery time objective when a carrier fails: what the business decided."},
  {.section = "trunk", .name = "emergency", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Carries emergency calls: no act may reduce its ways, of which it needs two, over two circuits."},
  {.section = "trunk", .name = "busy_hour_calls", .form = Form::Integer, .low = 1, .high = 100000, .fallback = "(unknown)", .example = "40", .meaning = "Calls at once in the busy hour, where nothing measures the load."},
  {.section = "trunk", .name = "busy_hour_calls_per_second", .form = Form::Number, .low = 0.01, .high = 10000, .fallback = "(unknown)", .example = "0.5", .meaning = "New calls a second in the busy hour, likewise."},
  {.section = "trunk", .name = "failback", .form = Form::Failback, .fallback = R"("automatic")", .example = R"("after 10m")", .meaning = "When it goes back to a preferred carrier; as in [[class]]."},
  {.section = "trunk", .name = "sets", .form = Form::Table, .fallback = "(`kamailio` needs it)", .example = "{ north = { fiber = 11, coax = 12 }, south = 21 }", .meaning = "Kamailio's dispatcher set (1 to 65535) of each carrier: one number, and the carrier follows the class; or one for each circuit."},
  {.section = "trunk", .name = "ways", .form = Form::Table, .fallback = "(all but `kamailio` need it)", .example = R"({ north = { fiber = "north-w1", coax = "north-w2" }, south = "south" })", .meaning = "How any other PBX calls each carrier, as `sets`: one name, and the carrier follows the class; or one for each circuit."},

  {.section = "check", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("portal")", .meaning = "Unique among checks; metrics carry it as a label."},
  {.section = "check", .name = "kind", .form = Form::CheckKind, .fallback = "required", .example = R"("http")", .meaning = "`resolver`: a name asked of the circuit's resolvers. `http`: a page whose answer is known. `mtu`: a large packet that may not be fragmented. `public-address`: our address as seen from outside, against expect_public. `hops`: the first routers, compared between circuits."},
  {.section = "check", .name = "circuits", .form = Form::Name, .list = true, .fallback = "(all)", .example = R"(["fiber", "lte"])", .meaning = "By which it is asked: by two at least, so that they tell a circuit's doing from the server's."},
  {.section = "check", .name = "families", .form = Form::Family, .list = true, .fallback = "(that of the address it asks, or `ipv4`)", .example = R"(["ipv4", "ipv6"])", .meaning = "By which it is asked: circuits that carry both are asked by each apart, each family's resolvers are its own, and a name is looked up as an address of that family."},
  {.section = "check", .name = "interval", .form = Form::Duration, .low = 5 * kS, .high = 168 * kH, .fallback = "(resolver 30s, http 1m, mtu 5m, public-address 10m, hops 24h)", .example = R"("1m")", .meaning = "Between two of one circuit, give or take 10 %; a fifth of it, 5s at least, while it does not end well."},
  {.section = "check", .name = "timeout", .form = Form::Duration, .low = 500 * kMs, .high = 30 * kS, .fallback = "(5s)", .example = R"("3s")", .meaning = "All of one run must have ended by then."},
  {.section = "check", .name = "query", .form = Form::Host, .fallback = "(none)", .example = R"("example.net")", .meaning = "resolver: the name that is asked for; it must have an IPv4 address."},
  {.section = "check", .name = "url", .form = Form::Url, .fallback = "(none)", .example = R"("http://connectivity.example.net/check.txt")", .meaning = "http: what is fetched; redirections are told and not followed. public-address: a page that says our address and nothing else, in place of server."},
  {.section = "check", .name = "pinned", .form = Form::Address, .fallback = "(asked of the resolvers)", .example = R"("198.51.100.80")", .meaning = "Address of the url's host, where it is not to be asked of the circuit's resolvers."},
  {.section = "check", .name = "status", .form = Form::Integer, .low = 100, .high = 599, .fallback = "(200)", .example = "204", .meaning = "http: the status that is expected."},
  {.section = "check", .name = "body", .form = Form::Prose, .fallback = "(any)", .example = R"("all is well")", .meaning = "http: text that must stand in the first 64 KiB of the answer."},
  {.section = "check", .name = "ca_file", .form = Form::FilePath, .fallback = "(the system's)", .example = R"("/etc/linekeeper/ca.pem")", .meaning = "http: certificates that are trusted, where the server's is of an authority of your own."},
  {.section = "check", .name = "target", .form = Form::Address, .fallback = "(none)", .example = R"("198.51.100.53")", .meaning = "mtu, hops: a host that answers echo requests; of mtu also large ones."},
  {.section = "check", .name = "size", .form = Form::Integer, .low = 576, .high = 9000, .fallback = "(1500)", .example = "1420", .meaning = "mtu: bytes of the whole packet, its IP header included."},
  {.section = "check", .name = "server", .form = Form::Endpoint, .fallback = "(none)", .example = R"("198.51.100.3:3478")", .meaning = "public-address: a STUN server (RFC 8489), port 3478 when not given."},
  {.section = "check", .name = "depth", .form = Form::Integer, .low = 1, .high = 16, .fallback = "(4)", .example = "4", .meaning = "hops: how many routers are asked for."},
});
// clang-format on

std::string_view form_word(Form form) {
  switch (form) {
    case Form::Section: return "section";
    case Form::Sections: return "sections";
    case Form::Table: return "table";
    case Form::Limits: return "table, or `none`";
    case Form::Flag: return "true or false";
    case Form::Integer: return "whole number";
    case Form::Number: return "number";
    case Form::Duration: return "duration";
    case Form::Name: return "name";
    case Form::Prose: return "text";
    case Form::Interface: return "interface name";
    case Form::SocketPath:
    case Form::FilePath: return "absolute path";
    case Form::Host: return "host";
    case Form::SipUser: return "SIP user";
    case Form::Address: return "address";
    case Form::Endpoint: return "address and port";
    case Form::Prefix: return "network or address";
    case Form::Gateway: return "address or `kernel`";
    case Form::Family: return "`ipv4` or `ipv6`";
    case Form::Nat: return "`off`, `masquerade` or address";
    case Form::Driver: return "word";
    case Form::Codec: return "codec: `none`, `g711`, `g711-no-plc`, `g729a` or `opus`";
    case Form::Url: return "http or https URL";
    case Form::CheckKind: return "kind: `resolver`, `http`, `mtu`, `public-address` or `hops`";
    case Form::Transport: return "transport: `udp`, `tcp` or `tls`";
    case Form::CallExpect: return "`ringing`, `early-media` or `answer`";
    case Form::Method: return "method: `icmp`, `stamp`, `tcp` or `dns`";
    case Form::DnsName: return "DNS name";
    case Form::Server: return "address or host name, and port";
    case Form::Failback: return "way back: `automatic`, `after 10m`, `window 01:00-05:00` or `manual`";
  }
  return "?";
}

constexpr auto kRetired = std::to_array<Retired>({
    {.section = "circuit_health",
     .name = "fall",
     .instead = "silence is learned; see dead_after_min",
     .remedy = "take it out: dead_after_min and dead_after_max bound the silence that means death"},
});

/// A table inside a section that has keys of its own in the schema.
bool nested(const Key& key) { return (key.form == Form::Table || key.form == Form::Limits) && !keys_of(key.name).empty(); }

}  // namespace

std::span<const Retired> retired() { return kRetired; }

std::span<const Key> schema() { return kSchema; }

std::vector<const Key*> keys_of(std::string_view section) {
  std::vector<const Key*> keys;
  for (const Key& key : kSchema) {
    if (key.section == section) keys.push_back(&key);
  }
  return keys;
}

const Key& key_named(std::string_view section, std::string_view name) {
  const Key* found = nullptr;
  for (const Key& key : kSchema) {
    if (key.section == section && key.name == name) found = &key;
  }
  LK_ASSERT(found != nullptr);
  return *found;
}

std::string form_words(const Key& key) {
  if (key.list)
    return fmt::format("list of {}s", key.form == Form::Prefix    ? "networks or addresse"
                                      : key.form == Form::Address ? "addresse"
                                                                  : form_word(key.form));
  switch (key.form) {
    case Form::Duration: {
      const auto bound = [](double s) { return show(std::chrono::round<model::Duration>(std::chrono::duration<double>(s))); };
      return fmt::format("duration, {} to {}", bound(key.low), bound(key.high));
    }
    case Form::Integer: return fmt::format("whole number, {:.0f} to {:.0f}", key.low, key.high);
    case Form::Number: return fmt::format("number, {} to {}", key.low, key.high);
    default: return std::string(form_word(key.form));
  }
}

std::string reference() {
  std::string out;
  for (const Key& section : kSchema) {
    if (!section.section.empty() && !nested(section)) continue;
    const std::string title =
        nested(section) ? fmt::format("{0}, inside [[{1}]] or as [{1}.{0}]", section.name, section.section) : std::string(section.example);
    out += fmt::format("### {}\n\n{}\n\n", title, section.meaning);
    out += "| key | form | default | meaning |\n|---|---|---|---|\n";
    for (const Key* key : keys_of(section.name)) {
      const bool literal = !key->required() && !key->fallback.starts_with('(');
      out += fmt::format("| `{}` | {} | {} | {} |\n", key->name, form_words(*key),
                         literal ? fmt::format("`{}`", key->fallback) : std::string(key->fallback), key->meaning);
    }
    out += '\n';
  }
  return out;
}

}  // namespace linekeeper::config
