// Clauses about one circuit, path or carrier.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controller/decision/explain.hpp"

namespace linekeeper::decision {

using model::Cause;
using model::Health;

std::string words(model::Duration d) {
  using namespace std::chrono;
  const double s = model::seconds(d);
  if (s < 9.95) return fmt::format("{:.1f} s", s < 0 ? 0.0 : s);
  const auto whole = duration_cast<std::chrono::seconds>(d).count();
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return whole % 60 == 0 || whole >= 600 ? fmt::format("{}m", whole / 60) : fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d", whole / 86400);
}

std::string_view set_aside_words(model::SetAside s) {
  switch (s) {
    case model::SetAside::No: return "counts";
    case model::SetAside::Dead: return "silent while others answer";
    case model::SetAside::Lossy: return "loses far more than others";
    case model::SetAside::Lying: return "answers while all others are silent";
  }
  return {};
}

namespace {

/// " for 12 s"; nothing when it has only just become so.
std::string for_so_long(model::Duration d) { return d < std::chrono::seconds(1) ? std::string() : " for " + words(d); }

std::string plural(int n, std::string_view noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

std::string milliseconds(model::Duration d) { return fmt::format("{:.{}f} ms", model::seconds(d) * 1e3, d < std::chrono::milliseconds(10) ? 1 : 0); }

/// "quad9 (5 in a row)", for the targets that do not answer and still count.
std::string silent_targets(const model::Site& site, const model::CircuitStatus& circuit) {
  std::string list;
  for (const model::TargetStatus& t : circuit.targets)
    if (t.figures.losses_in_a_row >= 2 && t.set_aside == model::SetAside::No)
      list += fmt::format("{}{} ({} in a row)", list.empty() ? "" : ", ", site[t.target].name, t.figures.losses_in_a_row);
  return list;
}

/// "beta (silent while others answer)", for the targets whose word does not count.
std::string targets_set_aside(const model::Site& site, const model::CircuitStatus& circuit) {
  std::string list;
  for (const model::TargetStatus& t : circuit.targets)
    if (t.set_aside != model::SetAside::No)
      list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", site[t.target].name, set_aside_words(t.set_aside));
  return list;
}

/// "loses 31.0% of its probes", for as long as its window shows what the detectors have seen.
std::string why_degraded(const model::CircuitStatus& c) {
  switch (c.verdict.cause) {
    case Cause::Delayed:
      if (c.detectors.usual_rtt && c.detectors.shortest_rtt)
        return fmt::format("its shortest round trip grew from {} to {}", milliseconds(*c.detectors.usual_rtt),
                           milliseconds(*c.detectors.shortest_rtt));
      return "its shortest round trip has grown";
    case Cause::Lossy:
    case Cause::Bursty: {
      const std::string_view how = c.verdict.cause == Cause::Bursty ? " in bursts" : "";
      if (c.figures.loss_ratio <= 0) return fmt::format("has lost probes{}, none of the last {}", how, c.figures.samples);
      return fmt::format("loses {:.1f} % of its probes{}", c.figures.loss_ratio * 100, how);
    }
    default: return std::string(to_string(c.verdict.cause));
  }
}

/// What is said beside the state: silence just now, and the targets that do not answer or do not count.
std::string silence_clause(const model::CircuitStatus& c) {
  return c.suspect ? fmt::format("silent for {} (called down after {})", words(c.detectors.silent), words(c.detectors.dead_after)) : std::string();
}

std::string targets_clause(const model::Site& site, const model::CircuitStatus& c) {
  std::string clause;
  if (const std::string silent = silent_targets(site, c); !silent.empty() && !c.suspect)
    clause += fmt::format("; silent: {}, which alone moves nothing (guard corroboration)", silent);
  if (const std::string aside = targets_set_aside(site, c); !aside.empty())
    clause += fmt::format("; set aside: {}, which moves nothing (guard corroboration)", aside);
  return clause;
}

std::string living_clause(const model::Site& site, const model::CircuitStatus& c) {
  const auto answering = std::ranges::count_if(c.targets, [](const auto& t) { return t.figures.losses_in_a_row < 2 && t.figures.samples > 0; });
  std::string clause = silence_clause(c);
  if (clause.empty()) clause = fmt::format("answered by {} of {}", answering, plural(static_cast<int>(c.targets.size()), "target"));
  if (c.figures.loss_ratio > 0 && !c.suspect)
    clause += fmt::format(", loss {:.1f} % of the last {}", c.figures.loss_ratio * 100, plural(c.figures.samples, "probe"));
  return clause + targets_clause(site, c);
}

std::string why_down(const model::Site& site, const model::CircuitStatus& c) {
  const model::Circuit& settings = site[c.circuit];
  switch (c.verdict.cause) {
    case Cause::LinkDown:
      if (!c.link.present) return fmt::format("interface {} does not exist", settings.interface);
      if (!c.link.admin_up) return fmt::format("interface {} is set down", settings.interface);
      return fmt::format("interface {} has no carrier: cable, modem or provider's port", settings.interface);
    case Cause::NoAddress: return fmt::format("interface {} has no address (DHCP lease lost?)", settings.interface);
    case Cause::NoGateway: return fmt::format("no gateway is known for {}: set gateway in its [[circuit]], or wait for DHCP", settings.interface);
    case Cause::Recovering:
      return fmt::format("coming back: {} answered in a row, {} wanted", plural(c.verdict.detail, "probe"), site.circuit_health.rise);
    default: {
      const auto silent = static_cast<int>(std::ranges::count_if(c.targets, [](const auto& t) { return t.figures.losses_in_a_row >= 1; }));
      return fmt::format("{} in a row unanswered by {} of {}", plural(c.verdict.detail, "probe"), silent,
                         plural(static_cast<int>(c.targets.size()), "target"));
    }
  }
}

}  // namespace

std::string circuit_clause(const model::Site& site, const model::CircuitStatus& c, model::Instant now) {
  const std::string age = for_so_long(now - c.verdict.since);
  switch (c.verdict.health) {
    case Health::Down: return fmt::format("down{}: {}", age, why_down(site, c));
    case Health::Unknown:
      switch (c.verdict.cause) {
        case Cause::Stale: return fmt::format("unknown{}: no probe has been answered or lost for {}", age, words(site.circuit_health.stale_after));
        case Cause::LocalErrors: return fmt::format("unknown{}: our own probes cannot be sent ({})", age, std::strerror(c.verdict.detail));
        default:
          if (c.verdict.detail >= site.circuit_health.min_samples) return "not yet known: too few of its targets have answered";
          return fmt::format("not yet known: {} of {} probes decided", c.verdict.detail, site.circuit_health.min_samples);
      }
    case Health::Up: return living_clause(site, c);
    case Health::Degraded: {
      const std::string silent = silence_clause(c);
      return fmt::format("degraded{}: {}{}{}{}", age, why_degraded(c), silent.empty() ? "" : "; ", silent, targets_clause(site, c));
    }
  }
  return {};
}

namespace {

/// Only what is against it.
std::string calls_words(const model::PathStatus& p) {
  if (!p.calls || p.calls->why.empty()) return {};
  return fmt::format("{}{}", p.calls->standing == model::CallsStanding::Failing ? ", but " : "; calls are tried again after ", p.calls->why);
}

/// Refused, and it is known why better than an errno says it.
bool says_refused(const model::PathStatus& p) {
  return p.verdict.health == Health::Down && p.verdict.cause == Cause::SipRefused && p.fault != model::SipFault::None;
}

/// "", or what is known beside: "; a fresh connection is not answered either".
std::string fault_clause(const model::PathStatus& p) {
  if (p.fault == model::SipFault::None || p.verdict.cause == Cause::CircuitDown || says_refused(p)) return {};
  // With an answer since: over another connection.
  if (p.fault == model::SipFault::FlowDead && p.verdict.health != Health::Down) return "; a connection of before is dead, a fresh one is used";
  return fmt::format("; {}", model::words(p.fault));
}

std::string path_health_clause(const model::Site& site, const model::PathStatus& p, model::Instant now) {
  const std::string age = for_so_long(now - p.verdict.since);
  switch (p.verdict.health) {
    case Health::Up:
      return fmt::format("OPTIONS answered {}{}{}", p.last_code, p.rtt ? " in " + milliseconds(*p.rtt) : std::string(), calls_words(p));
    case Health::Degraded:
      if (p.credentials_refused)
        return fmt::format("degraded{}: {} refuses our credentials ({}); see its auth in the configuration", age, site[p.carrier].name, p.last_code);
      if (p.verdict.cause == Cause::BackupAddresses) return fmt::format("degraded{}: only addresses of a later priority answer", age);
      return fmt::format("degraded{}: OPTIONS answered {}; ask {} whether our address on {} is allowed", age, p.last_code, site[p.carrier].name,
                         site[p.circuit].name);
    case Health::Unknown:
      return p.verdict.cause == Cause::Stale ? fmt::format("unknown{}: no OPTIONS has ended lately", age)
                                             : "not yet known: no OPTIONS answered so far";
    case Health::Down: break;
  }
  switch (p.verdict.cause) {
    case Cause::CircuitDown: return fmt::format("circuit {} is down", site[p.circuit].name);
    case Cause::SipRefused:
      if (says_refused(p)) return fmt::format("down{}: refused: {}", age, model::words(p.fault));
      if (p.verdict.detail == ECONNRESET) return fmt::format("down{}: refused, the connection is closed before an answer", age);
      return fmt::format("down{}: refused ({}), the host answers but not its SIP port", age, std::strerror(p.verdict.detail));
    case Cause::SipRejected:
      return fmt::format("down{}: OPTIONS answered {}{}", age, p.verdict.detail,
                         p.forbidden_since_change ? ", since our address on " + site[p.circuit].name + " is another" : "");
    case Cause::Recovering: return fmt::format("coming back: {} answered in a row, {} wanted", p.verdict.detail, site.carrier_health.rise);
    default: return fmt::format("down{}: OPTIONS unanswered {} in a row", age, plural(p.verdict.detail, "time"));
  }
}

/// "3 of 4 addresses answer; 203.0.113.12:5060 down: OPTIONS unanswered 4 times in a row".
std::string addresses_clause(const model::Site& site, const model::PathStatus& p, model::Instant now) {
  const auto there = std::ranges::count_if(p.endpoints, &model::EndpointStatus::listed);
  const auto well = [](const model::EndpointStatus& e) { return e.verdict.health == Health::Up || e.verdict.health == Health::Degraded; };
  const auto answering = std::ranges::count_if(p.endpoints, [&](const auto& e) { return e.listed && well(e); });
  std::string clause;
  if (there > 1) clause = fmt::format("; {} of {} addresses answer", answering, there);
  for (const model::EndpointStatus& e : p.endpoints)
    if (e.listed && e.verdict.health == Health::Down && e.verdict.cause != Cause::CircuitDown)
      clause += fmt::format("; {} {}", e.where.at.to_string(), endpoint_clause(site, p.carrier, p.circuit, e, now));
  return clause;
}

/// How the carrier's name is answered for.
std::string located_clause(const model::PathStatus& p, model::Instant now) {
  if (!p.located) return {};
  const bool none = std::ranges::none_of(p.endpoints, &model::EndpointStatus::listed);
  const std::string age = words(now - p.located->answered);
  std::string clause;
  if (p.located->lookup == model::Lookup::Unanswered)
    clause = none ? "; its name is not answered for by this circuit's resolvers"
                  : fmt::format("; addresses as of {} ago: the resolvers do not answer", age);
  if (p.located->lookup == model::Lookup::NoSuchName)
    clause = none ? "; DNS says that there is no such name" : fmt::format("; addresses as of {} ago: DNS says that there is no such name", age);
  if (!p.located->refused.empty()) clause += fmt::format("; {} refused as outside the pinned networks", p.located->refused.front().to_string());
  return clause;
}

}  // namespace

std::string endpoint_clause(const model::Site& site, model::CarrierId carrier, model::CircuitId circuit, const model::EndpointStatus& e,
                            model::Instant now) {
  return path_health_clause(
      site, {.carrier = carrier, .circuit = circuit, .verdict = e.verdict, .reason = {}, .last_code = e.last_code, .rtt = e.rtt, .last_good = {}},
      now);
}

std::string path_clause(const model::Site& site, const model::PathStatus& p, model::Instant now) {
  std::string clause = path_health_clause(site, p, now) + fault_clause(p);
  const bool answers = p.verdict.health == Health::Up || p.verdict.health == Health::Degraded;
  if (answers && p.usual_code != 0 && p.last_code != p.usual_code) clause += fmt::format(", usually {}", p.usual_code);
  if (answers && p.seen_from_elsewhere && p.seen_from) clause += fmt::format("; sees us come from {}", p.seen_from->to_string());
  return clause + addresses_clause(site, p, now) + located_clause(p, now);
}

std::string carrier_clause(const model::Status& status, model::CarrierId carrier) {
  std::string good, bad;
  for (std::size_t c = 0; c < status.circuits.size(); ++c) {
    const model::PathStatus& p = status.path(carrier, model::id_at<model::CircuitId>(c));
    const std::string& circuit = (*status.site)[p.circuit].name;
    if (p.verdict.health == Health::Up || p.verdict.health == Health::Degraded)
      good += fmt::format("{}{}", good.empty() ? "" : ", ", circuit);
    else
      bad += fmt::format("{}through {} {}", bad.empty() ? "" : "; ", circuit, path_clause(*status.site, p, status.now));
  }
  std::string clause = good.empty() ? "" : "answers through " + good;
  if (!bad.empty()) clause += (clause.empty() ? "" : "; ") + bad;
  return clause;
}

}  // namespace linekeeper::decision
