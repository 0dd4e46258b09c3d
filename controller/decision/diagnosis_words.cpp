// A diagnosis in sentences: the clauses it rests on, what it is called, whom to call.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "controller/decision/diagnosis_matrix.hpp"
#include "controller/decision/diagnosis_table.hpp"
#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::CircuitId;
using model::Diagnosis;

namespace {

std::string provider_of(const model::Site& site, CircuitId c) {
  return site[c].provider.empty() ? fmt::format("the provider of {}", site[c].name) : site[c].provider;
}

/// The line's short form for a sentence: "coax is well", "lte is dead too".
std::string_view state_word(const Matrix& m, CircuitId c) {
  if (m.link(c) == LinkSeen::Down) return "has no link";
  if (m.link(c) == LinkSeen::NoAddress) return "has no address or gateway";
  switch (m.beyond(c)) {
    case Beyond::Answers: return "is well";
    case Beyond::Unknown: return "is not known";
    case Beyond::Suspect: return "is silent just now";
    case Beyond::Recovering: return "is coming back";
    case Beyond::Unsent: return "cannot be probed";
    case Beyond::Lossy: return "is lossy";
    case Beyond::Delayed: return "is slow";
    case Beyond::Dead: return "is silent";
    case Beyond::Odd: return "is not understood";
  }
  return {};
}

constexpr std::size_t kMostNamed = 8;  // a hub has dozens of circuits; a sentence has room for these

/// "coax is well, lte has no link"
std::string other_circuits(const Matrix& m, std::optional<CircuitId> but) {
  std::string out;
  std::size_t named = 0;
  for (std::size_t i = 0; i < m.circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    if (c == but) continue;
    if (named++ < kMostNamed) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", m.site()[c].name, state_word(m, c));
  }
  if (named > kMostNamed) out += fmt::format(" and {} more", named - kMostNamed);
  return out.empty() ? "there is no other circuit" : out;
}

std::string link_words(const Matrix& m, CircuitId c) {
  const auto& link = m.evidence().circuits[c.index()].link;
  const std::string& name = m.site()[c].interface;
  if (!link) return "link not known";
  if (!link->present) return fmt::format("interface {} does not exist", name);
  if (!link->admin_up) return fmt::format("interface {} is set down", name);
  if (!link->carrier) return fmt::format("interface {} has no carrier", name);
  if (!link->address) return fmt::format("interface {} is up and has no address", name);
  return link->gateway ? "link up" : fmt::format("interface {} is up, no gateway is known", name);
}

std::string gateway_words(const Matrix& m, CircuitId c) {
  const auto& link = m.evidence().circuits[c.index()].link;
  std::string gateway = link && link->gateway ? "gateway " + link->gateway->to_string() : "gateway";
  switch (m.gateway(c)) {
    case GatewaySeen::Answers: return gateway + " answers";
    case GatewaySeen::Dead: return gateway + " does not answer";
    case GatewaySeen::Unknown: return gateway + " not heard of since";
  }
  return gateway;
}

/// "3 of 3 targets silent for 1.2 s, 1 set aside"; the gateway is not counted, it was told of before.
std::string target_words(const Matrix& m, CircuitId c, model::Instant now) {
  int counted = 0, silent = 0, aside = 0;
  for (const model::TargetId t : m.site()[c].targets) {
    const TargetEvidence& e = m.evidence().target(t, c);
    if (m.is_gateway(t, c) || e.says == TargetEvidence::Says::Nothing) continue;
    if (e.set_aside != model::SetAside::No) {
      ++aside;
      continue;
    }
    ++counted;
    silent += e.says == TargetEvidence::Says::Silent ? 1 : 0;
  }
  const CircuitEvidence& circuit = m.evidence().circuits[c.index()];
  std::string out = fmt::format("{} of {} target{} silent", silent, counted, counted == 1 ? "" : "s");
  if (m.beyond(c) == Beyond::Dead) out += " for " + words(std::max(now - circuit.first_bad, model::Duration::zero()));
  if (aside > 0) out += fmt::format(", {} set aside", aside);
  return out;
}

std::string circuit_evidence(const Matrix& m, CircuitId c, model::Instant now) {
  const CircuitEvidence& e = m.evidence().circuits[c.index()];
  std::string out = link_words(m, c);
  if (m.link(c) == LinkSeen::Up || m.link(c) == LinkSeen::Unknown) {
    switch (m.beyond(c)) {
      case Beyond::Lossy:
        out += e.loss_ratio ? fmt::format(", {:.0f} % of the probes lost", *e.loss_ratio * 100) : ", probes are lost";
        if (e.cause == Cause::Bursty) out += " in bursts";
        break;
      case Beyond::Delayed: out += ", the shortest round trip has grown"; break;
      case Beyond::Unsent: out += ", our sending fails"; break;
      case Beyond::Odd: out += fmt::format(", {}, though it is called bad ({})", gateway_words(m, c), to_string(e.cause)); break;
      default: out += fmt::format(", {}, {}", gateway_words(m, c), target_words(m, c, now)); break;
    }
  }
  return fmt::format("{}; {}", out, other_circuits(m, c));
}

std::string path_words(const Matrix& m, model::CarrierId k, CircuitId c) {
  const PathEvidence& p = m.evidence().path(k, c);
  switch (m.answer(k, c)) {
    case Answer::NotAsked: return fmt::format("cannot be asked: {} {}", m.site()[c].name, state_word(m, c));
    case Answer::Well: return "answers";
    case Answer::PartlyDead: return "answers from some of its addresses";
    case Answer::NoCalls: return p.calls.empty() ? std::string("OPTIONS answered, calls fail") : "OPTIONS answered, " + p.calls;
    case Answer::Warns: return p.detail > 0 ? fmt::format("OPTIONS answered {}", p.detail) : "answers with a warning";
    case Answer::Dead: break;
  }
  switch (p.cause) {
    case Cause::SipRejected:
    case Cause::SipUnauthorised: return fmt::format("OPTIONS answered {}", p.detail);
    case Cause::SipRefused:
      return p.fault != model::SipFault::None ? fmt::format("refused: {}", model::words(p.fault))
                                              : fmt::format("refused ({})", std::strerror(p.detail));
    case Cause::Recovering: return "coming back";
    default:
      return (p.detail > 1 ? fmt::format("OPTIONS unanswered {} times", p.detail) : "OPTIONS unanswered") +
             (p.fault == model::SipFault::PeerDead ? ", over a fresh connection too" : "");
  }
}

std::string carrier_evidence(const Matrix& m, model::CarrierId k) {
  std::string out;
  for (std::size_t i = 0; i < std::min(m.circuits(), kMostNamed); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    const bool asked = m.answer(k, c) != Answer::NotAsked;
    if (!asked && m.evidence().path(k, c).health == model::Health::Unknown && m.beyond(c) == Beyond::Answers) continue;  // nothing to say
    out += fmt::format("{}by {} {}", out.empty() ? "" : "; ", m.site()[c].name, path_words(m, k, c));
  }
  return out;
}

std::string target_evidence(const Matrix& m, model::TargetId t) {
  std::string out;
  std::size_t named = 0;
  int others = 0;
  for (std::size_t i = 0; i < m.circuits() && named < kMostNamed; ++i) {
    const auto c = model::id_at<CircuitId>(i);
    const Answer a = m.answer(t, c);
    if (a == Answer::NotAsked) continue;
    const model::SetAside aside = m.evidence().target(t, c).set_aside;
    std::string_view word = "answers";
    if (a == Answer::Dead) word = "silent";
    if (a == Answer::Warns) word = aside == model::SetAside::Lossy ? "loses what others do not" : "answers what nobody asked";
    out += fmt::format("{}{} by {}", out.empty() ? "" : ", ", word, m.site()[c].name);
    ++named;
    const auto& targets = m.site()[c].targets;
    const auto answering = std::ranges::count_if(targets, [&](model::TargetId o) { return m.answer(o, c) == Answer::Well; });
    if (a != Answer::Well) others = std::max(others, static_cast<int>(answering));
  }
  return out + (others > 0 ? fmt::format("; {} other{} there", others, others == 1 ? " answers" : "s answer") : "; none other there answers");
}

/// What the slower checks tell, where the diagnosis is made of that.
const CheckEvidence* check_behind(const Matrix& m, const Diagnosis& d) {
  if (!d.circuit) return nullptr;
  const CircuitEvidence& e = m.evidence().circuits[d.circuit->index()];
  const auto of = [](const std::optional<CheckEvidence>& found) { return found ? &*found : nullptr; };
  if (d.failed == model::Failed::CaptivePortal) return of(e.portal);
  if (d.failed == model::Failed::MtuHole) return of(e.hole);
  return d.failed == model::Failed::PublicAddress ? of(e.other_address) : nullptr;
}

void put_in(std::string& text, std::string_view key, std::string_view value) {
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + value.size())) text.replace(at, key.size(), value);
}

const Row* row_of(const Diagnosis& d) {
  const auto table = diagnosis_table();
  if (d.line >= 1 && d.line <= table.size() && table[d.line - 1].failed == d.failed) return &table[d.line - 1];
  // Made by somebody else: the first line of that name for such a thing.
  const bool of_all = !d.circuit && !d.carrier && !d.target;
  const auto row = std::ranges::find_if(table, [&](const Row& r) { return r.failed == d.failed && (r.about == Scope::Everything) == of_all; });
  return row == table.end() ? nullptr : &*row;
}

}  // namespace

std::string evidence_words(const Matrix& m, const Diagnosis& d, model::Instant now) {
  if (d.carrier) return carrier_evidence(m, *d.carrier);
  if (d.target) return target_evidence(m, *d.target);
  if (d.circuit && d.failed == model::Failed::Resolver) {
    const std::string& told = m.evidence().circuits[d.circuit->index()].resolver_words;
    return fmt::format("{}, {} {}", told.empty() ? "its resolvers are silent" : told, m.site()[*d.circuit].name, state_word(m, *d.circuit));
  }
  if (const CheckEvidence* found = check_behind(m, d))
    return found->words + (found->elsewhere == Elsewhere::Well ? "; as expected by another circuit" : "");
  if (d.circuit) return circuit_evidence(m, *d.circuit, now);
  if (m.evidence().late) return "the loop was late: what was not seen to be answered may have been answered";
  std::string out;
  for (std::size_t i = 0; i < std::min(m.circuits(), kMostNamed); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", m.site()[c].name, link_words(m, c));
    if (m.link(c) == LinkSeen::Up) out += fmt::format(", {}, {}", gateway_words(m, c), target_words(m, c, now));
  }
  return out;
}

std::string diagnosis_call(const model::Site& site, const Diagnosis& d) {
  const Row* row = row_of(d);
  const std::string provider = d.circuit ? provider_of(site, *d.circuit) : "the provider";
  std::string carrier = "the carrier";
  if (d.carrier) carrier = site[*d.carrier].provider.empty() ? site[*d.carrier].name : site[*d.carrier].provider;
  switch (row == nullptr ? Call::Nobody : row->call) {
    case Call::Nobody: return {};
    case Call::ThisMachine: return "look at this machine: its load, clock and firewall";
    case Call::OwnSite: return "check power, our own switch and cabling";
    case Call::CableThenProvider: return fmt::format("check cable, modem and its power, then call {}", provider);
    case Call::Provider: return "call " + provider;
    case Call::Carrier: return "call " + carrier;
    case Call::CarrierThenProvider:
      return fmt::format("call {} and name our address on {}, then {}", carrier, d.circuit ? site[*d.circuit].name : "it", provider);
    case Call::Providers: break;
  }
  std::string all;
  for (std::size_t i = 0; i < std::min(site.circuits.size(), kMostNamed); ++i) {
    const auto name_at = [&](std::size_t c) { return provider_of(site, model::id_at<CircuitId>(c)); };
    bool said = false;
    for (std::size_t before = 0; before < i; ++before) said = said || name_at(before) == name_at(i);
    if (!said) all += fmt::format("{}{}", all.empty() ? "" : ", ", name_at(i));
  }
  return "call the providers: " + all;
}

std::string diagnosis_sentence(const model::Site& site, const Diagnosis& d) {
  const Row* row = row_of(d);
  std::string text = row == nullptr ? std::string(to_string(d.failed)) : std::string(row->headline);
  if (d.circuit) {
    put_in(text, "{circuit}", site[*d.circuit].name);
    put_in(text, "{provider}", provider_of(site, *d.circuit));
  }
  if (d.carrier) put_in(text, "{carrier}", site[*d.carrier].name);
  if (d.target) put_in(text, "{target}", site[*d.target].name);
  if (!d.evidence.empty()) text += fmt::format(" ({})", d.evidence);
  const std::string call = diagnosis_call(site, d);
  return call.empty() ? text + "." : fmt::format("{}: {}.", text, call);
}

}  // namespace linekeeper::decision
