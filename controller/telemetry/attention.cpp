#include "controller/telemetry/attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace linekeeper::telemetry {

using model::Health;

std::string human(model::Duration d) {
  const double s = std::max(0.0, model::seconds(d));
  if (s < 9.95) return fmt::format("{:.1f}s", s);
  const auto whole = std::llround(s);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m", whole / 60);
  if (whole < 86400) return fmt::format("{}h {}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d {}h", whole / 86400, whole % 86400 / 3600);
}

namespace {

using Sentences = std::vector<std::string>;

/// Everything of one kind down at once: more likely our own side, and in any case the first thing to say.
void whole_site(const model::Status& status, Sentences& out) {
  const auto down = [](const auto& one) { return one.verdict.health == Health::Down; };
  const bool circuits_down = !status.circuits.empty() && std::ranges::all_of(status.circuits, down);
  if (circuits_down)
    out.push_back(
        "All circuits are down: nothing is moved, routes stay as they are. Check power, the site's own switch and cabling first, then call the "
        "providers.");
  // With every circuit down the carriers cannot be seen: saying so of them would send people to the wrong vendor.
  if (!circuits_down && !status.carriers.empty() && std::ranges::all_of(status.carriers, down))
    out.push_back(
        "All SIP carriers are down while a circuit works: the trunk keeps its order. Check the firewall and the SIP address we call from, then call "
        "the carriers.");
}

void actuators(const model::Status& status, Sentences& out) {
  const model::ActuatorStatus& kernel = status.route_switch;
  if (!kernel.connected)
    out.push_back("The switch is not connected: routes stay as they are and no circuit can be changed. Do: systemctl restart linekeeper-switch.");
  else if (!kernel.in_sync)
    out.push_back(fmt::format("The kernel's routes are not as decided ({}). Look at: linekeeper events --id switch; journalctl -u linekeeper-switch.",
                              kernel.detail.empty() ? "no detail" : kernel.detail));
  if (!status.connections_problem.empty())
    out.push_back(fmt::format("Connections in progress are not kept to their circuits ({}). Look at: linekeeper events --id connections.unkept.",
                              status.connections_problem));
  if (status.resolvers && !status.resolvers->problem.empty())
    out.push_back(fmt::format("The file of this host's resolvers is not as it should be ({}). Look at: linekeeper events --id resolvers.",
                              status.resolvers->problem));
  else if (status.resolvers && !status.resolvers->answering.value_or(true))
    out.push_back("No resolver of this host answers: names cannot be looked up. Look at: linekeeper events --id resolvers.");
  for (const model::ActuatorStatus& pbx : status.pbxs) {
    if (!pbx.connected)
      out.push_back(
          fmt::format("PBX {} does not answer: it falls back to its own static order when the lease ends. Check that it runs and that its RPC "
                      "socket can be written to.",
                      pbx.name));
    else if (!pbx.in_sync)
      out.push_back(
          fmt::format("PBX {} is not in sync ({}): calls may take another order than shown. It is tried again; look at: linekeeper events --id pbx.",
                      pbx.name, pbx.detail.empty() ? "no detail" : pbx.detail));
  }
}

void service_troubles(const std::vector<Service>& all, const model::Status& status, Sentences& out) {
  for (const Service& s : all) {
    const std::string_view kind = s.plane == Plane::Routing ? "circuits" : "trunk members";
    if (s.open_incident != nullptr) {
      const model::Duration open = status.now - s.open_incident->last_good;
      const std::string lost =
          s.open_incident->failed.empty() ? "no way works" : "the recovery from " + s.open_incident->failed + " has not been verified";
      out.push_back(fmt::format("{}: {} after {} (target {}){}. Look at: linekeeper explain {}.", s.name, lost, human(open), human(s.rto),
                                open > s.rto ? ", the target is missed" : "", s.name));
    }
    if (s.state == ServiceState::Down)
      out.push_back(fmt::format("{} is down by {} and no better way is known. Look at: linekeeper explain {}.", s.name, s.via, s.name));
    else if (s.ways > 1 && s.ways_left == 1 && s.state != ServiceState::Unknown)
      out.push_back(fmt::format("{} has no second way left (1 of {} {} works): the next failure is an outage. Get what is down repaired now.", s.name,
                                s.ways, kind));
    if (s.carried != nullptr && s.carried->applied && !s.carried->verified && !s.carried->detail.empty())
      out.push_back(fmt::format("{} is not proven to pass: {}", s.name, s.carried->detail));
    if (s.carried != nullptr && !s.carried->applied && !s.carried->detail.empty())
      out.push_back(fmt::format("{} is decided but not applied: {}.", s.name, s.carried->detail));
  }
}

/// A circuit that is well by its own probes and did not serve a class: nothing else shows it, and it is missing when it is needed.
void unproven_ways(const model::Status& status, Sentences& out) {
  for (const model::ClassChoice& c : status.plan.classes)
    for (const model::Rejected& r : c.rejected)
      if (r.guard == model::Guard::Unproven)
        out.push_back(
            fmt::format("{0} answers its own probes and did not carry {1}: look at the firewall, the translation and the rules of others (ip rule) "
                        "for it. Look at: linekeeper explain {1}.",
                        r.name, (*status.site)[c.traffic_class].name));
}

/// True when `name` (a circuit or carrier) is down.
bool is_down(const model::Status& status, std::string_view name) {
  for (std::size_t i = 0; i < status.circuits.size() && i < status.site->circuits.size(); ++i)
    if (status.site->circuits[i].name == name) return status.circuits[i].verdict.health == Health::Down;
  for (std::size_t i = 0; i < status.carriers.size() && i < status.site->carriers.size(); ++i)
    if (status.site->carriers[i].name == name) return status.carriers[i].verdict.health == Health::Down;
  return false;
}

/// What is not the carrier's failure, though it looks like one: our credentials, our address, our way out.
void carriers_know_us(const model::Status& status, Sentences& out) {
  for (const model::PathStatus& p : status.paths) {
    const std::string& carrier = (*status.site)[p.carrier].name;
    const model::Circuit& circuit = (*status.site)[p.circuit];
    if (p.credentials_refused)
      out.push_back(fmt::format("{} refuses our credentials by {}: correct its auth in the configuration and reload.", carrier, circuit.name));
    if (p.forbidden_since_change)
      out.push_back(fmt::format("{} forbids us by {} since our address there is another{}: ask it to allow that address.", carrier, circuit.name,
                                p.seen_from ? " (" + p.seen_from->to_string() + ")" : ""));
    if (p.seen_from_elsewhere && p.seen_from && circuit.expect_public)
      out.push_back(
          fmt::format("{} sees us come from {} by {}, not from {}: routes or translation are not as meant, or expect_public is out of date.", carrier,
                      p.seen_from->to_string(), circuit.name, circuit.expect_public->to_string()));
  }
}

constexpr std::chrono::hours kCertificateSoon{14 * 24};

void checks(const model::Status& status, Sentences& out) {
  const auto name = [&](model::CircuitId c) { return c.index() < status.site->circuits.size() ? (*status.site)[c].name : std::string("?"); };
  for (const model::SharedHop& h : status.shared_hops)
    out.push_back(fmt::format("{} and {} both go through the router {}: what fails there takes both. Ask the providers; until then a risk group.",
                              name(h.a), name(h.b), h.address.to_string()));
  std::vector<std::string> told;  // a certificate is the server's: once is enough, by whichever circuit it was seen
  for (const model::CircuitStatus& c : status.circuits)
    for (const model::CheckStatus& check : c.checks) {
      if (!check.last.certificate_left || std::ranges::find(told, check.last.check) != told.end()) continue;
      const model::Duration left = *check.last.certificate_left - (status.now - check.last.at);
      if (left > kCertificateSoon) continue;
      told.push_back(check.last.check);
      out.push_back(left > model::Duration::zero()
                        ? fmt::format("The certificate of the server that check {} asks ends in {}: after that the check fails by every circuit.",
                                      check.last.check, human(left))
                        : fmt::format("The certificate of the server that check {} asks has ended.", check.last.check));
    }
}

void certificates(const model::Status& status, Sentences& out) {
  std::vector<model::CarrierId> told;  // as above
  for (const model::PathStatus& p : status.paths) {
    if (!p.certificate_ends || *p.certificate_ends - status.wall > kCertificateSoon || std::ranges::find(told, p.carrier) != told.end()) continue;
    told.push_back(p.carrier);
    const auto left = *p.certificate_ends - status.wall;
    const std::string& name = (*status.site)[p.carrier].name;
    out.push_back(left > model::Duration::zero()
                      ? fmt::format("A certificate that {} shows ends in {}: after that TLS with it fails. Tell the carrier.", name, human(left))
                      : fmt::format("A certificate that {} shows has ended. Tell the carrier.", name));
  }
}

void overrides(const model::Status& status, Sentences& out) {
  for (const model::Override& o : status.overrides) {
    const std::string subject = o.subject.empty() ? "everything" : o.subject;
    const auto left = o.until - status.wall;
    if (o.kind == model::OverrideKind::Force && is_down(status, o.to))
      out.push_back(fmt::format("Override {} by {} holds {} on {}, which is down. Do: linekeeper release {} --reason ...", o.id, o.owner, subject,
                                o.to, o.subject.empty() ? std::to_string(o.id) : o.subject));
    if (left <= kExpirySoon)
      out.push_back(fmt::format("Override {} by {} on {} ends in {}: automatic choice takes over then. Set it again if it is still needed.", o.id,
                                o.owner, subject, human(left)));
  }
  if (status.mode == model::Mode::Hold)
    out.push_back("Automatic moves are held: a failure now is not repaired by itself. Do: linekeeper release, once the reason is gone.");
}

}  // namespace

std::vector<std::string> attention(const model::Status& status, const std::vector<Service>& services) {
  Sentences out;
  if (!status.site) return out;
  whole_site(status, out);
  actuators(status, out);
  service_troubles(services, status, out);
  unproven_ways(status, out);
  carriers_know_us(status, out);
  checks(status, out);
  certificates(status, out);
  overrides(status, out);
  return out;
}

}  // namespace linekeeper::telemetry
