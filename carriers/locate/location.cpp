#include "carriers/locate/location.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <tuple>
#include <utility>

namespace linekeeper::locate {
namespace {

using model::LocatedEndpoint;
using model::SipTransport;

std::string service_of(SipTransport t) {
  switch (t) {
    case SipTransport::Udp: return "_sip._udp.";
    case SipTransport::Tcp: return "_sip._tcp.";
    case SipTransport::Tls: return "_sips._tcp.";
  }
  return {};
}

std::uint16_t usual_port(SipTransport t) { return t == SipTransport::Tls ? kSipsPort : kSipPort; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return out;
}

/// RFC 3263 4.1 and 7: "SIP+D2U" and so on.
std::optional<SipTransport> transport_of(std::string_view service) {
  const std::string s = lower(service);
  if (s == "sip+d2u") return SipTransport::Udp;
  if (s == "sip+d2t") return SipTransport::Tcp;
  if (s == "sips+d2t") return SipTransport::Tls;
  return std::nullopt;
}

}  // namespace

Location::Location(Wanted wanted) : wanted_(std::move(wanted)) {
  const SipTransport usual = wanted_.transport.value_or(wanted_.able.empty() ? SipTransport::Udp : wanted_.able.front());
  if (wanted_.port)
    ask_addresses(wanted_.host, *wanted_.port, usual);
  else if (wanted_.transport)
    ask_srv(*wanted_.transport, service_of(*wanted_.transport) + wanted_.host);
  else
    ask(Kind::Naptr, wanted_.host);
}

bool Location::speaks(SipTransport transport) const { return std::ranges::find(wanted_.able, transport) != wanted_.able.end(); }

void Location::ask(Kind kind, const std::string& name) {
  const Question question{.kind = kind, .name = name};
  if (open_.insert(question).second) ask_.push_back(question);
}

void Location::ask_srv(SipTransport transport, const std::string& name) {
  services_.emplace(name, transport);
  ask(Kind::Srv, name);
}

/// Without a NAPTR: whatever we speak (RFC 3263 4.1).
void Location::ask_each_transport() {
  for (const SipTransport t : wanted_.able) ask_srv(t, service_of(t) + wanted_.host);
}

void Location::ask_addresses(const std::string& name, std::uint16_t port, SipTransport transport) {
  targets_.push_back({.name = name, .port = port, .transport = transport});
  ask(wanted_.family == model::Family::V4 ? Kind::A : Kind::Aaaa, name);
}

std::vector<Question> Location::questions() { return std::exchange(ask_, {}); }

void Location::note(const Answer& answer) {
  if (answer.what == Answer::What::Records) ttl_ = std::min(ttl_.value_or(answer.ttl), answer.ttl);
  if (answer.what == Answer::What::Failed) why_ = answer.why;
}

void Location::hear(const Question& question, const Answer& answer) {
  if (open_.erase(question) == 0) return;
  note(answer);
  switch (question.kind) {
    case Kind::Naptr: hear_naptr(answer); break;
    case Kind::Srv: hear_srv(question, answer); break;
    case Kind::A:
    case Kind::Aaaa: addresses_[question.name] = answer; break;
  }
}

void Location::hear_naptr(const Answer& answer) {
  if (answer.what == Answer::What::Failed) {
    failed_ = true;
    return;
  }
  std::vector<Naptr> usable;
  for (const Naptr& n : answer.naptrs)
    if (const auto t = transport_of(n.service); lower(n.flags) == "s" && t && speaks(*t) && !n.replacement.empty()) usable.push_back(n);
  if (usable.empty()) return ask_each_transport();
  std::ranges::sort(usable, {}, [](const Naptr& n) { return std::tuple(n.order, n.preference, lower(n.replacement)); });
  ask_srv(*transport_of(usable.front().service), usable.front().replacement);
}

void Location::hear_srv(const Question& question, const Answer& answer) {
  const SipTransport transport = services_.at(question.name);
  if (answer.what == Answer::What::Failed) any_failed_ = true;
  for (const Srv& s : answer.srvs) {
    if (s.target.empty() || s.target == ".") {
      refused_service_ = true;
      continue;
    }
    targets_.push_back({.name = s.target, .port = s.port, .priority = s.priority, .weight = s.weight, .transport = transport});
  }
  if (std::ranges::none_of(open_, [](const Question& q) { return q.kind == Kind::Srv; })) services_heard();
}

void Location::services_heard() {
  if (!targets_.empty()) return take_targets();
  if (any_failed_) {
    failed_ = true;
  } else if (!refused_service_) {
    const SipTransport t = wanted_.transport.value_or(wanted_.able.front());
    ask_addresses(wanted_.host, usual_port(t), t);
  }
}

/// The most preferred, by a rule that gives the same ones at each lookup: chance would have another set come and go.
void Location::take_targets() {
  std::ranges::sort(targets_, {}, [&](const Target& t) {
    const auto at = std::ranges::find(wanted_.able, t.transport) - wanted_.able.begin();
    return std::tuple(at, t.priority, UINT16_MAX - t.weight, lower(t.name), t.port);
  });
  // One transport's records are one preference order; those of another are not on its scale.
  const SipTransport best = targets_.front().transport;
  std::erase_if(targets_, [&](const Target& t) { return t.transport != best; });
  if (targets_.size() > kMostTargets) targets_.resize(kMostTargets);
  for (const Target& t : targets_) ask(wanted_.family == model::Family::V4 ? Kind::A : Kind::Aaaa, t.name);
}

Found Location::found(runtime::SeededRandom& chance) const {
  Found out{.ttl = ttl_.value_or(model::Duration{}), .why = why_};
  bool nameless = true;  // nobody failed to answer: so there is nothing
  for (const Target& target : targets_) {
    const auto heard = addresses_.find(target.name);
    if (heard == addresses_.end() || heard->second.what == Answer::What::Failed) {
      nameless = false;
      out.unanswered.push_back(target.name);
      continue;
    }
    std::vector<model::IpAddress> addresses = heard->second.addresses;
    std::ranges::sort(addresses);
    for (const model::IpAddress& address : addresses) {
      const bool pinned = wanted_.pinned.empty() || std::ranges::any_of(wanted_.pinned, [&](const model::Prefix& p) { return p.contains(address); });
      if (!pinned) {
        if (out.refused.size() < model::kMostEndpoints && std::ranges::find(out.refused, address) == out.refused.end())
          out.refused.push_back(address);
        continue;
      }
      const model::Endpoint at{.address = address, .port = target.port, .transport = target.transport};
      const bool known = std::ranges::any_of(out.endpoints, [&](const LocatedEndpoint& e) { return e.at == at; });
      if (!known && out.endpoints.size() < model::kMostEndpoints)
        out.endpoints.push_back({.at = at, .priority = target.priority, .weight = target.weight, .name = target.name});
    }
  }
  if (!out.endpoints.empty()) {
    out.what = Found::What::Endpoints;
    out.endpoints = in_order(std::move(out.endpoints), chance);
  } else if (failed_ || !nameless) {
    out.what = Found::What::Unanswered;
  } else if (!out.refused.empty()) {
    out.what = Found::What::Unanswered;
    out.why = "every address that was answered lies outside the pinned networks";
  } else {
    out.what = Found::What::NoSuchName;
    out.why = refused_service_ ? "its SRV record says that there is no such service" : "there is no such name, or no address of it";
  }
  return out;
}

std::vector<LocatedEndpoint> in_order(std::vector<LocatedEndpoint> endpoints, runtime::SeededRandom& chance) {
  // Those of weight 0 first, so that they have a small chance and no more (RFC 2782, "Weight").
  std::ranges::sort(endpoints, {}, [](const LocatedEndpoint& e) { return std::tuple(e.priority, e.weight != 0, e.at); });
  std::vector<LocatedEndpoint> out;
  while (!endpoints.empty()) {
    const auto group = std::ranges::find_if(endpoints, [&](const auto& e) { return e.priority != endpoints.front().priority; });
    const auto sum = std::accumulate(endpoints.begin(), group, std::uint64_t{0}, [](std::uint64_t s, const auto& e) { return s + e.weight; });
    const auto drawn = static_cast<std::uint64_t>(chance.unit() * static_cast<double>(sum + 1));  // 0 to sum, both
    std::uint64_t running = 0;
    auto chosen = endpoints.begin();
    for (auto e = endpoints.begin(); e != group; ++e) {
      running += e->weight;
      chosen = e;
      if (running >= drawn) break;
    }
    out.push_back(std::move(*chosen));
    endpoints.erase(chosen);
  }
  return out;
}

}  // namespace linekeeper::locate
