#include "controller/admin/cli/command_line.hpp"

namespace linekeeper::admin::cli {
namespace {

constexpr Flag kJson{.name = "--json", .value = "", .help = "the daemon's own document instead of text"};
constexpr Flag kYes{.name = "--yes", .value = "", .help = "do not ask (needed where there is nobody to ask)"};
constexpr Flag kFor{.name = "--for", .value = "TIME", .help = "how long it holds: 90s, 30m, 2h, 1d", .required = true};
constexpr Flag kReason{.name = "--reason", .value = "TEXT", .help = "why, for whoever reads the journal", .required = true};

constexpr Flag kStatus[] = {kJson,
                            {.name = "--watch", .value = "", .help = "stay, and draw it anew each second; Ctrl-C ends"},
                            {.name = "--exit-code", .value = "", .help = "end with 0 ok, 10 degraded, 20 down, 30 unknown"}};
constexpr Flag kJsonOnly[] = {kJson};
constexpr Flag kEvents[] = {{.name = "--since", .value = "WHEN", .help = "10m (ago), or a moment: 2026-11-22T02:00:00Z"},
                            {.name = "--follow", .value = "", .help = "stay, and print what happens; Ctrl-C ends"},
                            {.name = "--id", .value = "PREFIX", .help = "only ids that begin so: circuit. or circuit.down"},
                            {.name = "--limit", .value = "N", .help = "the newest N, 1 to 10000"},
                            {.name = "--json", .value = "", .help = "JSON; with --follow one event a line"}};
constexpr Flag kReplay[] = {{.name = "--since", .value = "WHEN", .help = "2h (ago), or a moment: 2026-11-22T02:00:00Z", .required = true},
                            {.name = "--until", .value = "WHEN", .help = "likewise; without it: now"},
                            {.name = "--config", .value = "FILE", .help = "decide with this configuration instead of the one of then"},
                            {.name = "--journal", .value = "FILE", .help = "the journal, where the configuration does not name it"},
                            {.name = "--exit-code", .value = "", .help = "end with 10 when anything is decided otherwise than recorded"},
                            {.name = "--json", .value = "", .help = "JSON instead of text: every decision, not only the main ones"}};
constexpr Flag kFailover[] = {
    {.name = "--to", .value = "NAME", .help = "the circuit or carrier it is to go by", .required = true},
    kFor,
    kReason,
    {.name = "--plan", .value = "", .help = "show what would change, change nothing"},
    {.name = "--override-guard", .value = "NAME", .help = "go ahead though this guard refuses; may be given again", .repeats = true},
    kYes,
    kJson};
constexpr Flag kHold[] = {kFor, kReason, kYes, kJson};
constexpr Flag kRelease[] = {{.name = "--reason", .value = "TEXT", .help = "why, for whoever reads the journal"}, kYes, kJson};
constexpr Flag kCall[] = {
    {.name = "--circuit", .value = "NAME", .help = "by which circuit; without it the first that reaches the carrier"}, kYes, kJson};
constexpr Flag kProbe[] = {{.name = "--circuit", .value = "NAME", .help = "by which circuit", .required = true},
                           {.name = "--size", .value = "BYTES", .help = "mtu: of the whole packet; without it 1500, or what is configured"},
                           {.name = "--config", .value = "FILE", .help = "instead of /etc/linekeeper/linekeeper.toml"},
                           {.name = "--json", .value = "", .help = "JSON instead of text"}};
constexpr Flag kDoctor[] = {{.name = "--config", .value = "FILE", .help = "instead of /etc/linekeeper/linekeeper.toml"},
                            {.name = "--json", .value = "", .help = "JSON instead of text"}};
constexpr Flag kCheck[] = {{.name = "--nagios", .value = "", .help = "one line with performance data; ends with 0, 1, 2 or 3", .required = true}};

constexpr Flag kReflect[] = {{.name = "--listen", .value = "ADDR:PORT", .help = "where; without it 0.0.0.0:862 (STAMP's own port)"},
                             {.name = "--from", .value = "PREFIX", .help = "answer only these sources; may be given again", .repeats = true},
                             {.name = "--rate", .value = "N", .help = "answers a second at the most, 1 to 1000000; without it 1000"},
                             {.name = "--each", .value = "N", .help = "of them to one source address; without it 100"},
                             {.name = "--stateful", .value = "", .help = "count what arrives, so that a sender can tell which way it loses"}};

constexpr Command kCommands[] = {
    {.verb = Verb::Status,
     .name = "status",
     .operand = "",
     .summary = "how the site is: services, circuits, carriers, what needs a person",
     .detail = "An asterisk marks what is in use. Words in capitals are what is not well.",
     .flags = kStatus,
     .example = "linekeeper status --watch"},
    {.verb = Verb::Explain,
     .name = "explain",
     .operand = "[SUBJECT]",
     .summary = "why it is as it is, and what would happen next",
     .detail = "SUBJECT is a traffic class, trunk, circuit or carrier; without it everything is explained.",
     .flags = kJsonOnly,
     .example = "linekeeper explain voice"},
    {.verb = Verb::Paths,
     .name = "paths",
     .operand = "",
     .summary = "each carrier through each circuit",
     .detail = "",
     .flags = kJsonOnly,
     .example = "linekeeper paths"},
    {.verb = Verb::Events,
     .name = "events",
     .operand = "",
     .summary = "the journal: time, severity, id, what happened",
     .detail = "",
     .flags = kEvents,
     .example = "linekeeper events --since 10m --id circuit. --follow"},
    {.verb = Verb::Replay,
     .name = "replay",
     .operand = "",
     .summary = "decide again what was observed, as then or with another configuration",
     .detail = "Reads the journal's file itself, also while the daemon runs or when it has ended; changes nothing.\n"
               "Without --config every decision should be as it was recorded; with it, what would have been different is told.\n"
               "The world is as it was recorded: what another configuration would have probed otherwise is not known.\n"
               "The daemon writes what it observes every five seconds; the journal keeps 64 MiB of it, about two days of a usual\n"
               "site ([daemon] recording_mib says how much).",
     .flags = kReplay,
     .example = "linekeeper replay --since 2h --config other.toml"},
    {.verb = Verb::Failover,
     .name = "failover",
     .operand = "SUBJECT",
     .summary = "make a traffic class or trunk go by a way of your choice",
     .detail = "The choice stands until its time is up or it is released, and survives a restart of the daemon. Your name comes from the socket.\n"
               "A guard that refuses is named; it alone can be overridden, by its name.",
     .flags = kFailover,
     .example = "linekeeper failover voice --to coax --for 30m --reason \"CHG-1182 fiber work\""},
    {.verb = Verb::Hold,
     .name = "hold",
     .operand = "[SUBJECT]",
     .summary = "no automatic moves, of one class or trunk or of anything",
     .detail = "Nothing is moved, not even away from a dead way, until the time is up or it is released.",
     .flags = kHold,
     .example = "linekeeper hold voice --for 15m --reason \"CHG-1183 router firmware\""},
    {.verb = Verb::Failback,
     .name = "failback",
     .operand = "SUBJECT",
     .summary = "let a traffic class or trunk go back now to what it prefers",
     .detail = "For those whose failback is configured as manual, as a window, or after a time. What it prefers must be well all the same:\n"
               "hold-down, recovery test and the budget of moves still have their say.",
     .flags = kHold,
     .example = "linekeeper failback voice --for 15m --reason \"CHG-1184 fiber is repaired\""},
    {.verb = Verb::Release,
     .name = "release",
     .operand = "[SUBJECT|ID]",
     .summary = "end a failover or hold early; without a name, all of them",
     .detail = "The numbers stand in: linekeeper status",
     .flags = kRelease,
     .example = "linekeeper release 3 --reason \"work is done\""},
    {.verb = Verb::Call,
     .name = "call",
     .operand = "CARRIER",
     .summary = "a test call by one carrier, with nobody on it: does it carry calls?",
     .detail =
         "To the number of its [carrier.test_call], as far as that says: ringing is hung up before anybody answers. Ends with 0 when it came so\n"
         "far, else with 1. Two by one carrier are 10 s apart.",
     .flags = kCall,
     .example = "linekeeper call north --circuit fiber"},
    {.verb = Verb::Inbound,
     .name = "inbound",
     .operand = "",
     .summary = "will carriers find us by each circuit? Look before you switch",
     .detail = "From registrations, carriers' own OPTIONS to us and their answers to ours. \"likely\" is no proof: only a drill is.",
     .flags = kJsonOnly,
     .example = "linekeeper inbound"},
    {.verb = Verb::ProbeRun,
     .name = "probe run",
     .operand = "KIND [TARGET]",
     .summary = "ask once by one circuit, and say what happened",
     .detail = "KIND is echo, resolver, http, mtu, public-address or hops. TARGET is what it asks: a target or address (echo, mtu, hops), a name "
               "(resolver),\n"
               "a URL (http), a STUN server or a URL (public-address); without it, what is configured for the circuit.\n"
               "Of a circuit of both families that part is asked which its address belongs to.\n"
               "Reads the configuration and opens the sockets itself: it works without the daemon, and the daemon is not told. Echoes need a group\n"
               "that net.ipv4.ping_group_range lets in. Packets find their way out of the device by the rules that linekeeper-switch keeps.\n"
               "Ends with 0 when all is as it should be, 1 when not.",
     .flags = kProbe,
     .example = "linekeeper probe run http --circuit fiber http://connectivity.example.net/check.txt"},
    {.verb = Verb::Reflect,
     .name = "reflect",
     .operand = "",
     .summary = "answer STAMP test packets (RFC 8762), for targets with method = \"stamp\" elsewhere",
     .detail = "Runs until Ctrl-C or SIGTERM, needs no daemon and no configuration. An answer is never longer than its question.\n"
               "With --stateful each sender's packets are counted, and it can tell loss on the way out from loss on the way back.\n"
               "Name your senders with --from: a reflector that answers everybody will be found and used.",
     .flags = kReflect,
     .example = "linekeeper reflect --listen 203.0.113.9:862 --from 192.0.2.0/24 --stateful"},
    {.verb = Verb::Doctor,
     .name = "doctor",
     .operand = "",
     .summary = "whether this host has what Linekeeper needs, and how to mend what it has not",
     .detail = "One line for each check: what was found, what it means, what mends it. Changes nothing, needs no daemon.\n"
               "Ask as root: without privilege some things cannot be read, and are called unknown. As root nftables are tried in a network\n"
               "namespace of the trial's own, for which the kernel may load its modules.\n"
               "Ends with 0 when all is well, 10 with warnings, 20 with problems, 30 when something is merely unknown.",
     .flags = kDoctor,
     .example = "sudo linekeeper doctor"},
    {.verb = Verb::ConfigCheck,
     .name = "config check",
     .operand = "FILE",
     .summary = "read a configuration, report every mistake at once",
     .detail = "",
     .flags = {},
     .example = "linekeeper config check /etc/linekeeper/linekeeper.toml"},
    {.verb = Verb::Check,
     .name = "check",
     .operand = "",
     .summary = "the state for a monitoring system",
     .detail = "",
     .flags = kCheck,
     .example = "linekeeper check --nagios"},
    {.verb = Verb::Completion,
     .name = "completion",
     .operand = "SHELL",
     .summary = "words for the Tab key; SHELL is bash",
     .detail = "",
     .flags = {},
     .example = "source <(linekeeper completion bash)"},
    {.verb = Verb::Version,
     .name = "version",
     .operand = "",
     .summary = "which build this is",
     .detail = "",
     .flags = {},
     .example = "linekeeper version"},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace linekeeper::admin::cli
