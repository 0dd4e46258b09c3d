// The diagnosis table. For each thing (everything at once, a circuit, a carrier or target by a circuit, a resolver) the first line that
// fits names what has failed; lines stand in the order of their gravity, which is the order people are told in.
//
// Rejected: a score for each cause, the highest wins. It names something always, and nobody can say why.
#include "controller/decision/diagnosis_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "controller/decision/diagnosis.hpp"

namespace linekeeper::decision {
namespace {

using model::Failed;
using model::FailureMode;

constexpr AnyOf<Us> kWhateverWeAre{};

constexpr Row kTable[] = {
    // Everything at once: first ourselves, then what is ours, then what all circuits share.
    {.about = Scope::Everything,
     .when = {.us = Us::Late},
     .failed = Failed::Ourselves,
     .headline = "Linekeeper itself stood still",
     .call = Call::ThisMachine,
     .done = "nothing is concluded from that time; what stands stays"},
    {.about = Scope::Everything,
     .when = {.us = Us::CannotSend},
     .failed = Failed::Ourselves,
     .headline = "our own probes cannot be sent by any circuit",
     .call = Call::ThisMachine,
     .done = "nothing is concluded; what stands stays"},
    {.about = Scope::Everything,
     .when = {.others = Others::GoneTogether},
     .failed = Failed::Site,
     .mode = FailureMode::SiteLoss,
     .headline = "every link or gateway went within a second: our own network or power",
     .call = Call::OwnSite,
     .done = "no switch, an alarm"},
    {.about = Scope::Everything,
     .when = {.others = Others::DeadTogether},
     .failed = Failed::SharedUpstream,
     .mode = FailureMode::SiteLoss,
     .headline = "links and gateways are well and nothing answers by any circuit: something upstream that they share",
     .call = Call::Providers,
     .done = "stays on the least bad, an alarm"},
    {.about = Scope::Everything,
     .when = {.others = Others::SilentTogether},
     .failed = Failed::SharedUpstream,
     .mode = FailureMode::SiteLoss,
     .coarse = true,
     .headline = "all circuits fell silent together: something that they share, at the gateways or beyond",
     .call = Call::Providers,
     .done = "stays on the least bad, an alarm"},

    // One circuit. What the kernel says of a link is certain even while we doubt ourselves.
    {.about = Scope::Circuit, .when = {.others = Others::GoneTogether}, .failed = {}, .done = "named above for all"},
    {.about = Scope::Circuit,
     .when = {.us = kWhateverWeAre, .link = LinkSeen::Down},
     .failed = Failed::Link,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: its link is down",
     .call = Call::CableThenProvider,
     .done = "dead at once: everything leaves it"},
    {.about = Scope::Circuit,
     .when = {.us = kWhateverWeAre, .link = LinkSeen::NoAddress},
     .failed = Failed::Address,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: its link is up, but its address or gateway is gone",
     .call = Call::CableThenProvider,
     .done = "dead at once: everything leaves it"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Unsent},
     .failed = Failed::Ourselves,
     .headline = "{circuit}: our own probes cannot be sent by it",
     .call = Call::ThisMachine,
     .done = "unknown, never dead: nothing moves for it"},
    {.about = Scope::Circuit,
     .when = {.link = LinkSeen::Up, .gateway = GatewaySeen::Dead, .beyond = Beyond::Dead},
     .failed = Failed::Gateway,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: {provider}'s gateway does not answer on the link",
     .call = Call::CableThenProvider,
     .done = "dead: everything leaves it"},
    {.about = Scope::Circuit,
     .when = {.others = Others::DeadTogether | Others::SilentTogether, .link = LinkSeen::Up, .beyond = Beyond::Dead},
     .failed = {},
     .done = "named above for all"},
    {.about = Scope::Circuit,
     .when = {.link = LinkSeen::Up, .gateway = GatewaySeen::Answers, .beyond = Beyond::Dead},
     .failed = Failed::Circuit,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: {provider}'s network is down beyond its gateway",
     .call = Call::Provider,
     .done = "dead: everything leaves it"},
    {.about = Scope::Circuit,
     .when = {.link = LinkSeen::Up, .gateway = GatewaySeen::Unknown, .beyond = Beyond::Dead},
     .failed = Failed::Circuit,
     .mode = FailureMode::InternetCircuit,
     .coarse = true,
     .headline = "{circuit}: {provider}'s network is down, at its gateway or beyond",
     .call = Call::Provider,
     .done = "dead: everything leaves it"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Lossy, .loss = Loss::Outbound},
     .failed = Failed::CircuitOutbound,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: part of what we send by it is lost",
     .call = Call::Provider,
     .done = "left by classes whose limits it crosses, for one that sounds better"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Lossy, .loss = Loss::Inbound},
     .failed = Failed::CircuitInbound,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: part of what comes in by it is lost",
     .call = Call::Provider,
     .done = "left by classes whose limits it crosses, for one that sounds better"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Lossy},
     .failed = Failed::Brownout,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: it lives, but loses packets",
     .call = Call::Provider,
     .done = "left by classes whose limits it crosses, for one that sounds better"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Delayed},
     .failed = Failed::Brownout,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: it lives, but has become slow",
     .call = Call::Provider,
     .done = "left by classes whose limits it crosses, for one that sounds better"},
    {.about = Scope::Circuit,
     .when = {.beyond = Beyond::Dead | Beyond::Odd},
     .failed = Failed::Unknown,
     .mode = FailureMode::InternetCircuit,
     .headline = "{circuit}: something is wrong, and what is seen of it does not fit together",
     .call = Call::Provider,
     .done = "acted on by its verdict alone"},

    // One carrier, by what it says through circuits that are well.
    {.about = Scope::Carrier,
     .when = {.answer = Answer::Dead, .elsewhere = Elsewhere::Same},
     .failed = Failed::Carrier,
     .mode = FailureMode::SipTrunk,
     .headline = "{carrier} takes no calls by any circuit",
     .call = Call::Carrier,
     .done = "another carrier is offered first"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::Dead, .elsewhere = Elsewhere::NotAsked},
     .failed = Failed::Carrier,
     .mode = FailureMode::SipTrunk,
     .coarse = true,
     .headline = "{carrier} takes no calls by the only circuit that can ask it",
     .call = Call::Carrier,
     .done = "another carrier is offered first"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::Dead, .elsewhere = Elsewhere::Well},
     .failed = Failed::Peering,
     .mode = FailureMode::SipTrunk,
     .one_cell = true,
     .headline = "{carrier} takes no calls by {circuit}, and does by others: transit, allow-list or NAT",
     .call = Call::CarrierThenProvider,
     .done = "it is offered by another circuit; everything else stays"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::PartlyDead},
     .failed = Failed::Endpoint,
     .mode = FailureMode::SipTrunk,
     .headline = "some addresses of {carrier} are dead, others answer",
     .call = Call::Carrier,
     .done = "nothing moves; the dead addresses are named"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::NoCalls},
     .failed = Failed::Carrier,
     .mode = FailureMode::SipTrunk,
     .headline = "{carrier} answers OPTIONS, but calls by it fail",
     .call = Call::Carrier,
     .done = "it is held out of the order, and given calls again after a hold-down"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::Warns, .elsewhere = Elsewhere::Well},
     .failed = Failed::Peering,
     .mode = FailureMode::SipTrunk,
     .one_cell = true,
     .headline = "{carrier} answers by {circuit} as if we were not allowed, and is well by others",
     .call = Call::CarrierThenProvider,
     .done = "it is offered by another circuit first"},
    {.about = Scope::Carrier,
     .when = {.answer = Answer::Warns},
     .failed = Failed::Carrier,
     .headline = "{carrier} answers as if we were not allowed",
     .call = Call::Carrier,
     .done = "one that is well is offered first"},

    // One target.
    {.about = Scope::Target,
     .when = {.answer = Answer::Dead | Answer::Warns, .filters = Filters::Yes},
     .failed = {},
     .done = "ignored: a gateway need not answer echo requests"},
    {.about = Scope::Target,
     .when = {.answer = Answer::Dead | Answer::Warns, .elsewhere = Elsewhere::Well},
     .failed = Failed::TargetPath,
     .one_cell = true,
     .headline = "{target} is lost by {circuit} only: part of {provider}'s transit",
     .call = Call::Provider,
     .done = "a warning; one target moves nothing"},
    {.about = Scope::Target,
     .when = {.answer = Answer::Dead | Answer::Warns, .elsewhere = Elsewhere::Same},
     .failed = Failed::Target,
     .headline = "target {target} does not answer as it should by any circuit: its own affair",
     .done = "set aside: its word does not count"},
    {.about = Scope::Target,
     .when = {.answer = Answer::Dead | Answer::Warns, .elsewhere = Elsewhere::NotAsked},
     .failed = Failed::Target,
     .coarse = true,
     .headline = "target {target} does not answer as it should by the only circuit that can ask it",
     .done = "set aside: its word does not count"},

    // One circuit's resolvers.
    {.about = Scope::Resolver,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .answer = Answer::Dead},
     .failed = Failed::Resolver,
     .one_cell = true,
     .headline = "{circuit}: {provider}'s resolvers do not answer, all else does",
     .call = Call::Provider,
     .done = "a warning; no traffic moves for it"},

    // One circuit by the slower checks. Wrong by every circuit is the server's own affair, and no circuit's.
    {.about = Scope::Check,
     .when = {.elsewhere = Elsewhere::Same, .finding = Finding::Portal | Finding::Hole},
     .failed = {},
     .done = "the server's own affair: an event, no circuit is blamed"},
    {.about = Scope::Check,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .elsewhere = Elsewhere::Well, .finding = Finding::Portal},
     .failed = Failed::CaptivePortal,
     .mode = FailureMode::InternetCircuit,
     .one_cell = true,
     .headline = "{circuit}: somebody else answers in place of who was asked: a captive portal, a filter, or an account that is blocked",
     .call = Call::Provider,
     .done = "degraded for data classes, which leave it when two servers agree; calls stay"},
    {.about = Scope::Check,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .elsewhere = Elsewhere::NotAsked, .finding = Finding::Portal},
     .failed = Failed::CaptivePortal,
     .mode = FailureMode::InternetCircuit,
     .one_cell = true,
     .coarse = true,
     .headline = "{circuit}: a page that is checked is not as it should be, and no other circuit can tell whose doing it is",
     .call = Call::Provider,
     .done = "degraded for data classes; calls stay"},
    {.about = Scope::Check,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .elsewhere = Elsewhere::Well, .finding = Finding::Hole},
     .failed = Failed::MtuHole,
     .mode = FailureMode::InternetCircuit,
     .one_cell = true,
     .headline = "{circuit}: large packets vanish and nobody says why (an MTU hole): logins and web pages hang, calls work",
     .call = Call::Provider,
     .done = "degraded for data classes, which leave it when a second check agrees; calls stay"},
    {.about = Scope::Check,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .elsewhere = Elsewhere::NotAsked, .finding = Finding::Hole},
     .failed = Failed::MtuHole,
     .mode = FailureMode::InternetCircuit,
     .one_cell = true,
     .coarse = true,
     .headline = "{circuit}: large packets are not answered, and no other circuit can tell whether the host would answer them",
     .call = Call::Provider,
     .done = "degraded for data classes; calls stay"},
    {.about = Scope::Check,
     .when = {.beyond = Beyond::Answers | Beyond::Lossy | Beyond::Delayed, .finding = Finding::OtherAddress},
     .failed = Failed::PublicAddress,
     .one_cell = true,
     .headline = "{circuit}: we are seen under another address than is expected: carriers that allow by address will refuse us",
     .call = Call::Provider,
     .done = "a warning; what carriers say to it decides"},
};
static_assert(std::size(kTable) < 255, "Diagnosis::line is one byte");

// --- the table in words ---

constexpr std::string_view kAbout[] = {
    "all at once", "a circuit", "a carrier, by one circuit", "a target, by one circuit", "a circuit's resolvers", "a circuit, by its slower checks"};
constexpr std::string_view kUs[] = {"", "we have just started", "our loop stood still", "our sending fails by every circuit"};
constexpr std::string_view kOthers[] = {"", "all links or gateways gone together", "all circuits dead together behind living gateways",
                                        "all circuits dead together, gateways not known"};
constexpr std::string_view kLink[] = {"link not known", "link up", "address or gateway missing", "link down"};
constexpr std::string_view kGateway[] = {"gateway not heard of since", "gateway answers", "gateway dead"};
constexpr std::string_view kBeyond[] = {"targets not known", "targets answer",          "targets briefly silent",
                                        "coming back",       "our sending fails by it", "targets lossy",
                                        "targets slow",      "all targets dead",        "evidence does not fit"};
constexpr std::string_view kLoss[] = {"direction not known", "lost on the way out", "lost on the way in"};
constexpr std::string_view kAnswer[] = {"not asked", "answers", "answers wrongly", "answers OPTIONS, calls fail", "one of its addresses dead",
                                        "dead"};
constexpr std::string_view kElsewhere[] = {"no other circuit can ask", "well by another circuit", "the same by all others that can ask"};
constexpr std::string_view kFilters[] = {"", "it is the gateway itself"};
constexpr std::string_view kFinding[] = {"", "another page than is expected", "large packets vanish", "another public address than is expected"};
constexpr std::string_view kModes[] = {"-", "1 internet circuit", "2 SIP trunk", "3 server", "4 application", "5 integration", "6 site loss"};
constexpr std::string_view kCalls[] = {"nobody",
                                       "this machine: load, clock, firewall",
                                       "our own site: power, switch, cabling",
                                       "cable and modem, then the provider",
                                       "the provider",
                                       "every provider",
                                       "the carrier",
                                       "the carrier, then the provider"};

template <class E, std::size_t N>
void add_condition(std::string& out, AnyOf<E> condition, const std::string_view (&words)[N]) {
  if (condition.any()) return;
  std::string values;
  for (std::size_t i = 0; i < N; ++i)
    if (condition.takes(static_cast<E>(i)) && !words[i].empty()) values += fmt::format("{}{}", values.empty() ? "" : " or ", words[i]);
  if (!values.empty()) out += fmt::format("{}{}", out.empty() ? "" : "; ", values);
}

std::string when_words(const Conditions& when) {
  std::string out;
  add_condition(out, when.us, kUs);
  add_condition(out, when.others, kOthers);
  add_condition(out, when.link, kLink);
  add_condition(out, when.gateway, kGateway);
  add_condition(out, when.beyond, kBeyond);
  add_condition(out, when.loss, kLoss);
  add_condition(out, when.answer, kAnswer);
  add_condition(out, when.elsewhere, kElsewhere);
  add_condition(out, when.filters, kFilters);
  add_condition(out, when.finding, kFinding);
  return out;
}

}  // namespace

std::span<const Row> diagnosis_table() { return kTable; }

std::optional<std::size_t> first_match(Scope scope, const Seen& seen) {
  const auto row = std::ranges::find_if(kTable, [&](const Row& r) {
    const Conditions& w = r.when;
    return r.about == scope && w.us.takes(seen.us) && w.others.takes(seen.others) && w.link.takes(seen.link) && w.gateway.takes(seen.gateway) &&
           w.beyond.takes(seen.beyond) && w.loss.takes(seen.loss) && w.answer.takes(seen.answer) && w.elsewhere.takes(seen.elsewhere) &&
           w.filters.takes(seen.filters) && w.finding.takes(seen.finding);
  });
  if (row == std::end(kTable)) return std::nullopt;
  return static_cast<std::size_t>(row - std::begin(kTable));
}

std::string diagnosis_table_markdown() {
  std::string out = "| # | about | when | what failed | mode | call | what is done |\n|---|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < std::size(kTable); ++i) {
    const Row& r = kTable[i];
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", i + 1, kAbout[static_cast<std::size_t>(r.about)], when_words(r.when),
                       r.failed ? fmt::format("`{}`", to_string(*r.failed)) : "-", kModes[static_cast<std::size_t>(r.mode)],
                       r.failed ? kCalls[static_cast<std::size_t>(r.call)] : "-", r.done);
  }
  return out;
}

}  // namespace linekeeper::decision
