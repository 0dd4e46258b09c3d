#include "controller/telemetry/status_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "controller/runtime/clock.hpp"
#include "controller/telemetry/attention.hpp"
#include "controller/telemetry/build_info.hpp"
#include "controller/telemetry/probe_cost.hpp"
#include "controller/telemetry/service.hpp"

namespace linekeeper::telemetry {

namespace json = boost::json;

namespace {

json::string text(std::string_view s) { return json::string(s); }

/// Three decimals: milliseconds of a second, microseconds of a millisecond. More would be noise on the wire.
double rounded(double value) { return std::round(value * 1000.0) / 1000.0; }
double in_seconds(model::Duration d) { return rounded(model::seconds(d)); }

json::value seconds_or_null(std::optional<model::Duration> d) { return d ? json::value(in_seconds(*d)) : json::value(nullptr); }
json::value ms_or_null(std::optional<model::Duration> d) { return d ? json::value(rounded(model::seconds(*d) * 1000.0)) : json::value(nullptr); }
json::value loss_or_null(const model::Figures& f) { return f.samples > 0 ? json::value(rounded(f.loss_ratio)) : json::value(nullptr); }
json::value number_or_null(std::optional<double> d) { return d ? json::value(rounded(*d)) : json::value(nullptr); }
template <class List>
json::value name_or_null(const List& all, const auto& id) {
  return id && id->index() < all.size() ? json::value(text(all[id->index()].name)) : json::value(nullptr);
}

std::string_view link_word(const model::LinkState& link) {
  if (!link.present) return "missing";
  if (!link.admin_up) return "set-down";
  return link.carrier ? "up" : "no-carrier";
}

json::array order_json(const model::Status& status, const Service& service, const model::Trunk& trunk) {
  json::array order;
  if (service.trunk == nullptr) return order;
  for (const model::TrunkStep& step : service.trunk->order) {
    if (step.member >= trunk.members.size()) continue;
    const model::TrunkMember& member = trunk.members[step.member];
    const auto circuit = member_circuit(status, trunk, member);
    order.push_back({{"carrier", text((*status.site)[member.carrier].name)},
                     {"circuit", circuit ? json::value(text((*status.site)[*circuit].name)) : json::value(nullptr)},
                     {"set", member.dispatcher_set},
                     {"eligible", step.eligible},
                     {"state", text(model::to_string(step.health))}});
  }
  return order;
}

json::object service_json(const model::Status& status, const Service& s) {
  const bool chosen = !s.via.empty();
  const auto last = s.carried != nullptr ? s.carried->last_recovery : std::nullopt;
  return {{"plane", text(to_string(s.plane))},
          {"name", text(s.name)},
          {"state", text(to_string(s.state))},
          {"via", chosen ? json::value(text(s.via)) : json::value(nullptr)},
          {"motive", text(model::to_string(s.motive))},
          {"reason", text(s.reason)},
          {"since_s", chosen ? json::value(in_seconds(status.now - s.since)) : json::value(nullptr)},
          {"ways_left", s.ways_left},
          {"ways", s.ways},
          {"rto_target_s", in_seconds(s.rto)},
          {"last_rto_s", seconds_or_null(last)},
          {"last_rto_met", last ? json::value(*last <= s.rto) : json::value(nullptr)},
          {"applied", s.carried != nullptr && s.carried->applied},
          {"verified", s.carried != nullptr && s.carried->verified},
          {"detail", text(s.carried != nullptr ? std::string_view(s.carried->detail) : std::string_view())}};
}

json::array services_json(const model::Status& status, const std::vector<Service>& all) {
  json::array out;
  std::size_t trunk = 0;
  for (const Service& s : all) {
    json::object one = service_json(status, s);
    if (s.plane == Plane::Trunk) one["order"] = order_json(status, s, status.site->trunks[trunk++]);
    out.push_back(std::move(one));
  }
  return out;
}

json::object detectors_json(const model::Detectors& d) {
  return {{"silent_s", in_seconds(d.silent)},
          {"suspect_after_s", in_seconds(d.suspect_after)},
          {"dead_after_s", in_seconds(d.dead_after)},
          {"learned_over_s", in_seconds(d.learned_over)},
          {"lossy", rounded(d.lossy)},
          {"lossy_alarm", rounded(d.lossy_alarm)},
          {"bursty", rounded(d.bursty)},
          {"bursty_alarm", rounded(d.bursty_alarm)},
          {"shortest_rtt_ms", ms_or_null(d.shortest_rtt)},
          {"usual_rtt_ms", ms_or_null(d.usual_rtt)},
          {"interval_ms", ms_or_null(d.interval)},
          {"verify_left", rounded(d.verify_left)}};
}

json::array checks_json(const model::Status& status, const model::CircuitStatus& c) {
  json::array all;
  for (const model::CheckStatus& check : c.checks) {
    const model::CheckOutcome& last = check.last;
    json::array hops;
    for (const model::IpAddress& hop : last.hops) hops.push_back(hop == model::IpAddress{} ? json::value(nullptr) : json::value(hop.to_string()));
    all.push_back({{"name", text(last.check)},
                   {"kind", text(model::to_string(last.kind))},
                   {"result", text(model::to_string(check.standing))},
                   {"since_s", in_seconds(status.now - check.since)},
                   {"ago_s", in_seconds(status.now - last.at)},
                   {"took_ms", ms_or_null(last.took)},
                   {"code", last.code},
                   {"certificate_left_s", seconds_or_null(last.certificate_left)},
                   {"address", last.address ? json::value(last.address->to_string()) : json::value(nullptr)},
                   {"hops", std::move(hops)},
                   {"detail", text(last.detail)}});
  }
  return all;
}

json::value direction_json(const model::Direction& d) {
  if (!d.loss_ratio && !d.jitter) return nullptr;
  return json::object{{"loss_ratio", number_or_null(d.loss_ratio)}, {"jitter_ms", ms_or_null(d.jitter)}, {"samples", d.samples}};
}

json::object circuit_json(const model::Status& status, const model::CircuitStatus& c) {
  const model::Circuit& configured = (*status.site)[c.circuit];
  json::array targets;
  for (const model::TargetStatus& t : c.targets) {
    const model::Target& target = (*status.site)[t.target];
    targets.push_back({{"name", text(target.name)},
                       {"address", target.address.to_string()},
                       {"method", text(model::to_string(target.method))},
                       {"port", target.port != 0 ? json::value(target.port) : json::value(nullptr)},
                       {"last_code", t.last_code},
                       {"rtt_ms", ms_or_null(t.figures.rtt)},
                       {"loss_ratio", loss_or_null(t.figures)},
                       {"losses_in_a_row", t.figures.losses_in_a_row},
                       {"samples", t.figures.samples},
                       {"set_aside", text(model::to_string(t.set_aside))},
                       {"outbound", direction_json(t.outbound)},
                       {"inbound", direction_json(t.inbound)}});
  }
  const auto address = [](const std::optional<model::IpAddress>& a) { return a ? json::value(a->to_string()) : json::value(nullptr); };
  return {{"name", text(configured.name)},
          {"state", text(model::to_string(c.verdict.health))},
          {"cause", text(model::to_string(c.verdict.cause))},
          {"reason", text(c.reason)},
          {"since_s", in_seconds(status.now - c.verdict.since)},
          {"active", c.active},
          {"suspect", c.suspect},
          {"hold_down_s", in_seconds(c.hold_down)},
          {"rtt_ms", ms_or_null(c.figures.rtt)},
          {"jitter_ms", ms_or_null(c.figures.jitter)},
          {"loss_ratio", loss_or_null(c.figures)},
          {"mos", number_or_null(c.figures.mos)},
          {"r_factor", number_or_null(c.figures.r_factor)},
          {"burst_ratio", c.figures.samples > 0 ? json::value(rounded(c.figures.burst_ratio)) : json::value(nullptr)},
          {"samples", c.figures.samples},
          {"detectors", detectors_json(c.detectors)},
          {"metered", configured.metered},
          {"probe_bytes_month", configured.metered ? json::value(probe_bytes_month(*status.site, c)) : json::value(nullptr)},
          {"priority", configured.priority},
          {"provider", text(configured.provider)},
          {"medium", text(configured.medium)},
          {"interface", text(configured.interface)},
          {"link", text(link_word(c.link))},
          {"address", address(c.link.address)},
          {"gateway", address(c.link.gateway)},
          {"gateway_state", text(model::to_string(c.gateway))},
          {"outbound", direction_json(c.outbound)},
          {"inbound", direction_json(c.inbound)},
          {"resolver_answers", c.resolver ? json::value(*c.resolver) : json::value(nullptr)},
          {"targets", std::move(targets)},
          {"checks", checks_json(status, c)}};
}

json::object diagnosis_json(const model::Status& status, const model::Diagnosis& d) {
  const model::Site& site = *status.site;
  return {{"failed", text(model::to_string(d.failed))},
          {"circuit", name_or_null(site.circuits, d.circuit)},
          {"carrier", name_or_null(site.carriers, d.carrier)},
          {"target", name_or_null(site.targets, d.target)},
          {"mode", text(model::to_string(d.mode))},
          {"since_s", in_seconds(status.now - d.since)},
          {"evidence", text(d.evidence)},
          {"sentence", text(d.sentence)},
          {"call", text(d.call)}};
}

json::value calls_json(const model::Status& status, const model::PathStatus& p) {
  if (!p.calls) return nullptr;
  const model::CallFigures& f = *p.calls;
  const auto ratio = [](const std::optional<double>& r) { return r ? json::value(*r) : json::value(nullptr); };
  return {
      {"state", text(model::to_string(f.standing))},
      {"since_s", in_seconds(status.now - f.since)},
      {"why", text(f.why)},
      {"held_for_s", f.held_until ? json::value(in_seconds(std::max(*f.held_until - status.now, model::Duration::zero()))) : json::value(nullptr)},
      {"attempts", f.attempts},
      {"answered", f.answered},
      {"failed", f.failed},
      {"asr", ratio(f.asr)},
      {"ner", ratio(f.ner)},
      {"pdd_median_ms", ms_or_null(f.pdd_median)},
      {"pdd_p95_ms", ms_or_null(f.pdd_p95)},
      {"slow_after_ms", ms_or_null(f.slow_after)},
      {"in_progress", f.in_progress},
      {"rtcp_loss", ratio(f.quality.loss_ratio)},
      {"rtcp_jitter_ms", ms_or_null(f.quality.jitter)}};
}

json::object endpoint_json(const model::Status& status, const model::EndpointStatus& e) {
  return {{"address", text(e.where.at.to_string())},
          {"transport", text(model::to_string(e.where.at.transport))},
          {"name", text(e.where.name)},
          {"priority", e.where.priority},
          {"weight", e.where.weight},
          {"listed", e.listed},
          {"preferred", e.preferred},
          {"state", text(model::to_string(e.verdict.health))},
          {"cause", text(model::to_string(e.verdict.cause))},
          {"since_s", in_seconds(status.now - e.verdict.since)},
          {"rtt_ms", ms_or_null(e.rtt)},
          {"last_code", e.last_code > 0 ? json::value(e.last_code) : json::value(nullptr)}};
}

json::object path_json(const model::Status& status, const model::PathStatus& p) {
  json::array endpoints;
  for (const model::EndpointStatus& e : p.endpoints) endpoints.push_back(endpoint_json(status, e));
  return {{"circuit", text((*status.site)[p.circuit].name)},
          {"state", text(model::to_string(p.verdict.health))},
          {"cause", text(model::to_string(p.verdict.cause))},
          {"reason", text(p.reason)},
          {"since_s", in_seconds(status.now - p.verdict.since)},
          {"rtt_ms", ms_or_null(p.rtt)},
          {"last_code", p.last_code > 0 ? json::value(p.last_code) : json::value(nullptr)},
          {"usual_code", p.usual_code > 0 ? json::value(p.usual_code) : json::value(nullptr)},
          {"reachable", text(model::to_string(p.reachable))},
          {"authorised", text(model::to_string(p.authorised))},
          {"takes_calls", text(model::to_string(p.takes_calls))},
          {"seen_from", p.seen_from ? json::value(p.seen_from->to_string()) : json::value(nullptr)},
          {"seen_from_elsewhere", p.seen_from_elsewhere},
          {"selected", p.selected},
          {"calls", calls_json(status, p)},
          {"fault", p.fault == model::SipFault::None ? json::value(nullptr) : json::value(text(to_string(p.fault)))},
          {"certificate_ends", p.certificate_ends ? json::value(runtime::rfc3339(*p.certificate_ends)) : json::value(nullptr)},
          {"lookup", p.located ? json::value(text(model::to_string(p.located->lookup))) : json::value(nullptr)},
          {"endpoints", std::move(endpoints)}};
}

json::object carrier_json(const model::Status& status, const model::CarrierStatus& c) {
  const model::Carrier& configured = (*status.site)[c.carrier];
  json::array paths;
  for (std::size_t i = 0; i < status.site->circuits.size(); ++i)
    if (const auto circuit = model::id_at<model::CircuitId>(i); status.site->reaches(circuit, c.carrier))
      if (const auto* path = find_path(status, c.carrier, circuit)) paths.push_back(path_json(status, *path));
  const bool v6 = configured.address.family == model::Family::V6;
  return {{"name", text(configured.name)},
          {"state", text(model::to_string(c.verdict.health))},
          {"reason", text(c.reason)},
          {"since_s", in_seconds(status.now - c.verdict.since)},
          {"active", c.active},
          {"priority", configured.priority},
          {"provider", text(configured.provider)},
          {"address", configured.named()
                          ? json::value(text(configured.host))
                          : json::value(fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), configured.address.to_string(), configured.port))},
          {"transport", text(to_string(configured.transport))},
          {"last_code", c.last_code > 0 ? json::value(c.last_code) : json::value(nullptr)},
          {"paths", std::move(paths)}};
}

json::object actuator_json(const model::ActuatorStatus& a) {
  return {{"name", text(a.name)}, {"connected", a.connected}, {"in_sync", a.in_sync}, {"detail", text(a.detail)}};
}

json::object connections_json(const model::Status& status) {
  json::array draining;
  for (const model::DrainStatus& d : status.drains)
    draining.push_back({{"class", text((*status.site)[d.traffic_class].name)},
                        {"circuit", text((*status.site)[d.circuit].name)},
                        {"flows", d.flows},
                        {"left_s", in_seconds(std::max(d.until - status.now, model::Duration::zero()))}});
  return {{"keep", status.site->connections.keep},
          {"problem", status.connections_problem.empty() ? json::value(nullptr) : json::value(text(status.connections_problem))},
          {"draining", std::move(draining)}};
}

json::value resolvers_json(const model::Status& status) {
  if (!status.resolvers) return nullptr;
  const model::ResolverFileStatus& r = *status.resolvers;
  json::array servers;
  for (const model::IpAddress& s : r.servers) servers.emplace_back(s.to_string());
  return json::object{{"file", text(status.site->resolvers.file)},
                      {"circuit", r.circuit ? json::value(text((*status.site)[*r.circuit].name)) : json::value(nullptr)},
                      {"servers", std::move(servers)},
                      {"answering", r.answering ? json::value(*r.answering) : json::value(nullptr)},
                      {"problem", r.problem.empty() ? json::value(nullptr) : json::value(text(r.problem))}};
}

json::object incident_json(const model::Status& status, const model::Incident& i) {
  // The epoch: it never came to that (an outage that ended before anything was decided).
  const auto from_last_good = [&](std::optional<model::Instant> at) {
    return at && *at != model::Instant{} ? json::value(in_seconds(*at - i.last_good)) : json::value(nullptr);
  };
  const auto recovery = i.recovery();
  // Not over, but already longer than allowed: missed, whatever comes.
  json::value met = nullptr;
  if (recovery)
    met = *recovery <= i.rto_target;
  else if (status.now - i.last_good > i.rto_target)
    met = false;
  return {{"id", i.id},
          {"mode", text(model::to_string(i.mode))},
          {"subject", text(i.subject)},
          {"diagnosis", text(i.diagnosis)},
          {"failed", text(i.failed)},
          {"moved_to", text(i.moved_to)},
          {"trigger", text(i.trigger)},
          {"opened", runtime::rfc3339(i.opened)},
          {"detected_s", from_last_good(i.detected)},
          {"decided_s", from_last_good(i.decided)},
          {"applied_s", from_last_good(i.applied)},
          {"verified_s", from_last_good(i.verified)},
          {"rto_target_s", in_seconds(i.rto_target)},
          {"rto_s", seconds_or_null(recovery)},
          {"met", std::move(met)}};
}

}  // namespace

json::object override_json(const model::Override& o) {
  return {{"id", o.id},
          {"kind", text(model::to_string(o.kind))},
          {"subject", text(o.subject)},
          {"to", text(o.to)},
          {"owner", text(o.owner)},
          {"reason", text(o.reason)},
          {"since", runtime::rfc3339(o.since)},
          {"until", runtime::rfc3339(o.until)}};
}

json::object event_json(const model::Event& e) {
  json::object fields;
  for (const auto& [key, value] : e.fields) fields[key] = text(value);
  return {{"sequence", e.sequence},           {"id", text(model::to_string(e.id))}, {"severity", text(model::to_string(model::severity(e.id)))},
          {"time", runtime::rfc3339(e.wall)}, {"subject", text(e.subject)},         {"text", text(e.text)},
          {"fields", std::move(fields)}};
}

json::object status_json(const model::Status& status) {
  const std::vector<Service> all = services(status);
  json::object out = {{"schema", 1},
                      {"site", text(status.site ? std::string_view(status.site->name) : std::string_view())},
                      {"version", text(build_info().version)},
                      {"mode", text(status.mode == model::Mode::Hold ? "hold" : "automatic")},
                      {"state", text(to_string(worst(all)))},
                      {"now", runtime::rfc3339(status.wall)},
                      {"uptime_s", in_seconds(status.now - status.started)},
                      {"services", services_json(status, all)}};
  json::array diagnoses, circuits, carriers, overrides, actuators, incidents, sentences;
  if (status.site) {
    for (const auto& d : status.diagnoses) diagnoses.push_back(diagnosis_json(status, d));
    for (const auto& c : status.circuits) circuits.push_back(circuit_json(status, c));
    for (const auto& c : status.carriers) carriers.push_back(carrier_json(status, c));
    actuators.push_back(actuator_json(status.route_switch));
  }
  for (const auto& o : status.overrides) overrides.push_back(override_json(o));
  for (const auto& p : status.pbxs) actuators.push_back(actuator_json(p));
  for (const auto& i : status.incidents) incidents.push_back(incident_json(status, i));
  for (const auto& s : attention(status, all)) sentences.push_back(text(s));
  out["diagnoses"] = std::move(diagnoses);
  out["circuits"] = std::move(circuits);
  json::array shared;
  for (const model::SharedHop& h : status.shared_hops)
    shared.push_back(
        {{"circuits", json::array{name_or_null(status.site->circuits, std::optional(h.a)), name_or_null(status.site->circuits, std::optional(h.b))}},
         {"router", h.address.to_string()}});
  out["shared_hops"] = std::move(shared);
  out["carriers"] = std::move(carriers);
  if (status.site) out["connections"] = connections_json(status);
  if (status.site) out["resolvers"] = resolvers_json(status);
  out["overrides"] = std::move(overrides);
  out["actuators"] = std::move(actuators);
  out["incidents"] = std::move(incidents);
  out["attention"] = std::move(sentences);
  return out;
}

}  // namespace linekeeper::telemetry
