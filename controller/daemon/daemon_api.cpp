// What people and programs ask of the daemon (paths: controller/admin/README.md).
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "controller/daemon/daemon.hpp"
#include "controller/decision/explain.hpp"
#include "controller/operations/inbound.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/telemetry/page.hpp"
#include "controller/telemetry/status_json.hpp"

namespace linekeeper::daemon {
namespace json = boost::json;

using model::EventId;
using operations::OverrideRequest;
using operations::Plane;
using runtime::boot_now;
using runtime::wall_now;

namespace {

constexpr std::chrono::seconds kProofPatience{8};
constexpr std::size_t kReplay = 1000;

enum class Exit : std::uint8_t { Error = 1, Usage = 2, Guard = 4, NotVerified = 5 };

admin::Response problem(int status, Exit exit, const std::string& message, const std::string& remedy, std::string_view guard = {},
                        bool overridable = true) {
  json::object error{{"exit", static_cast<int>(exit)}, {"message", message}, {"remedy", remedy}};
  if (!guard.empty()) error["guard"] = guard;
  if (!overridable) error["overridable"] = false;
  return {.status = status, .body = json::serialize(json::object{{"error", error}})};
}

admin::Response done(const model::Override* override, const std::vector<std::string>& changes, const std::string& message, bool acted) {
  json::array list;
  for (const std::string& c : changes) list.emplace_back(c);
  json::value said = nullptr;
  if (override != nullptr) said = telemetry::override_json(*override);
  return {.body = json::serialize(json::object{{"schema", 1}, {"done", acted}, {"override", said}, {"changes", list}, {"message", message}})};
}

/// The body's members, with a wrong type read as absent.
struct Body {
  json::object object;
  static std::optional<Body> parse(const std::string& text) {
    boost::system::error_code error;
    json::value v = json::parse(text, error, {}, json::parse_options{.max_depth = 8});
    if (error || !v.is_object()) return std::nullopt;
    return Body{std::move(v.as_object())};
  }
  [[nodiscard]] std::string text(std::string_view key) const {
    const auto* v = object.if_contains(key);
    return v != nullptr && v->is_string() ? std::string(v->as_string()) : std::string();
  }
  [[nodiscard]] std::int64_t number(std::string_view key) const {
    const auto* v = object.if_contains(key);
    boost::system::error_code error;
    const auto n = v != nullptr && v->is_number() ? v->to_number<std::int64_t>(error) : 0;
    return error ? 0 : n;
  }
  [[nodiscard]] bool flag(std::string_view key) const {
    const auto* v = object.if_contains(key);
    return v != nullptr && v->is_bool() && v->as_bool();
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const {
    std::vector<std::string> all;
    if (const auto* v = object.if_contains(key); v != nullptr && v->is_array())
      for (const json::value& item : v->as_array())
        if (item.is_string()) all.emplace_back(item.as_string());
    return all;
  }
};

std::chrono::seconds lasting(const Body& body) {
  return std::chrono::seconds(std::clamp<std::int64_t>(body.number("for_s"), -1, 100LL * 365 * 86400));
}

const admin::Response kNotJson =
    problem(400, Exit::Usage, "the request's body is not a JSON object", "See the API in the documentation, or use the linekeeper command");

std::optional<std::int64_t> integer(const std::map<std::string, std::string>& query, const std::string& key) {
  const auto found = query.find(key);
  if (found == query.end()) return std::nullopt;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(found->second.data(), found->second.data() + found->second.size(), n);
  if (error != std::errc{} || end != found->second.data() + found->second.size() || n < 0) return std::nullopt;
  return n;
}

}  // namespace

void Daemon::handle(const admin::Request& request, Respond respond_raw) {
  const Respond respond = [this, path = request.path, respond_raw = std::move(respond_raw)](admin::Response r) {
    if (metrics_) metrics_->api_request(path, r.status);
    respond_raw(std::move(r));
  };
  const bool act = request.path == "/api/v1/failover" || request.path == "/api/v1/hold" || request.path == "/api/v1/failback" ||
                   request.path == "/api/v1/release" || request.path == "/api/v1/call";
  if (act != (request.method == "POST"))
    return respond(problem(405, Exit::Usage, fmt::format("{} {} is not how it is asked", request.method, request.path),
                           act ? "Acts are POSTed" : "Questions are asked by GET"));
  if (act && !request.peer)
    return respond(problem(403, Exit::Usage, "acts are only possible over the control socket", "Use the linekeeper command on this host"));
  if (request.path == "/") {
    return respond({.content_type = "text/html; charset=utf-8",
                    .body = telemetry::page_html(status(), std::vector<model::Event>(recent_.begin(), recent_.end())),
                    .headers = {{"Content-Security-Policy", telemetry::content_security_policy()}}});
  }
  if (request.path == "/metrics") {
    metrics_->update(status());
    return respond({.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_->serialize()});
  }
  if (request.path == "/livez") return respond({.content_type = "text/plain", .body = "ok\n"});
  if (request.path == "/readyz") {
    const model::Status s = status();
    const bool known = std::ranges::any_of(s.circuits, [](const model::CircuitStatus& c) { return c.verdict.health != model::Health::Unknown; });
    if (!s.route_switch.connected) return respond({.status = 503, .content_type = "text/plain", .body = "switch: " + s.route_switch.detail + "\n"});
    if (!known) return respond({.status = 503, .content_type = "text/plain", .body = "no circuit has a verdict yet\n"});
    return respond({.content_type = "text/plain", .body = "ok\n"});
  }
  if (request.path == "/api/v1/status") return respond({.body = json::serialize(telemetry::status_json(status()))});
  if (request.path == "/api/v1/explain") return answer_explain(request, respond);
  if (request.path == "/api/v1/events") return answer_events(request, respond);
  if (request.path == "/api/v1/inbound") return answer_inbound(respond);
  if (request.path == "/api/v1/failover") return act_force(request, respond);
  if (request.path == "/api/v1/hold") return act_hold(request, respond);
  if (request.path == "/api/v1/failback") return act_failback(request, respond);
  if (request.path == "/api/v1/release") return act_release(request, respond);
  if (request.path == "/api/v1/call") return act_call(request, respond);
  respond(problem(404, Exit::Usage, request.path + " does not exist", "See /api/v1/status, /api/v1/explain, /api/v1/events, /metrics, /"));
}

void Daemon::answer_explain(const admin::Request& request, const Respond& respond) const {
  const auto subject = request.query.contains("subject") ? request.query.at("subject") : std::string();
  const auto lines = decision::explain(status(), subject);
  if (!lines) {
    std::string names = "routing, trunks";
    for (const auto& c : site_->classes) names += ", " + c.name;
    for (const auto& t : site_->trunks) names += ", " + t.name;
    for (const auto& c : site_->circuits) names += ", " + c.name;
    for (const auto& c : site_->carriers) names += ", " + c.name;
    return respond(problem(404, Exit::Usage, fmt::format("nothing here is called '{}'", subject), "Say one of: " + names));
  }
  json::array all;
  for (const std::string& line : *lines) all.emplace_back(line);
  respond({.body = json::serialize(json::object{{"schema", 1}, {"subject", subject}, {"lines", all}})});
}

void Daemon::answer_inbound(const Respond& respond) const {
  const model::Status now_so = status();
  json::array ways;
  for (const operations::InboundWay& w : operations::inbound_ways(now_so))
    ways.push_back({{"carrier", (*site_)[w.carrier].name},
                    {"circuit", (*site_)[w.circuit].name},
                    {"found", operations::to_string(w.found)},
                    {"why", w.why},
                    {"remedy", w.remedy}});
  json::array trials;
  for (const model::TrialOutcome& o : now_so.trials)
    trials.push_back({{"carrier", (*site_)[o.carrier].name},
                      {"circuit", (*site_)[o.circuit].name},
                      {"result", to_string(o.result)},
                      {"words", words(o)},
                      {"ago_s", model::seconds(now_so.now - o.ended)}});
  respond({.body = json::serialize(
               json::object{{"schema", 1}, {"ways", ways}, {"test_calls", trials}, {"answering_problem", now_so.answering_problem}})});
}

void Daemon::answer_events(const admin::Request& request, const Respond& respond) {
  journal::EventQuery query;
  if (const auto since = request.query.find("since"); since != request.query.end()) {
    query.since = runtime::parse_rfc3339(since->second);
    if (!query.since)
      return respond(problem(400, Exit::Usage, fmt::format("since={} is not a time", since->second), "Say it as 2026-11-22T02:26:21Z"));
  }
  query.after_sequence = integer(request.query, "after");
  if (request.query.contains("id")) query.id_prefix = request.query.at("id");
  query.limit = static_cast<std::size_t>(std::min<std::int64_t>(integer(request.query, "limit").value_or(200), 10'000));
  journal_->events(query, [respond](const model::Result<std::vector<model::Event>>& events) {
    if (!events) return respond(problem(500, Exit::Error, events.error().what, events.error().remedy));
    json::array all;
    for (const model::Event& e : *events) all.push_back(telemetry::event_json(e));
    respond({.body = json::serialize(json::object{{"schema", 1}, {"events", all}})});
  });
}

std::vector<std::pair<Plane, std::size_t>> Daemon::subjects_of(const std::string& name) const {
  std::vector<std::pair<Plane, std::size_t>> all;
  for (std::size_t i = 0; i < site_->classes.size(); ++i)
    if (name == "routing" || name == site_->classes[i].name) all.emplace_back(Plane::Routing, i);
  for (std::size_t i = 0; i < site_->trunks.size(); ++i)
    if (name == "trunks" || name == site_->trunks[i].name) all.emplace_back(Plane::Trunk, i);
  return all;
}

std::vector<std::string> Daemon::changes_of(const OverrideRequest& request) const {
  std::vector<std::string> changes;
  const model::Status s = status();
  for (const auto& [plane, i] : subjects_of(request.subject)) {
    std::string now = "not steered";
    if (plane == Plane::Routing && s.plan.classes[i].circuit) now = (*site_)[*s.plan.classes[i].circuit].name;
    if (plane == Plane::Trunk && !s.plan.trunks[i].order.empty())
      now = (*site_)[site_->trunks[i].members[s.plan.trunks[i].order.front().member].carrier].name;
    const std::string name = (plane == Plane::Routing ? "class " + site_->classes[i].name : "trunk " + site_->trunks[i].name);
    changes.push_back(now == request.to ? fmt::format("= {:<18} stays on {}", name, now) : fmt::format("~ {:<18} {} -> {}", name, now, request.to));
  }
  return changes;
}

void Daemon::act_force(const admin::Request& http, Respond respond) {
  const auto body = Body::parse(http.body);
  if (!body) return respond(kNotJson);
  const OverrideRequest request{.kind = model::OverrideKind::Force,
                                .subject = body->text("subject"),
                                .to = body->text("to"),
                                .lasting = lasting(*body),
                                .reason = body->text("reason")};
  if (const auto wrong = operations::mistake(*site_, request)) return respond(problem(400, Exit::Usage, wrong->what, wrong->remedy));
  const auto skipped = body->texts("override_guards");
  for (const std::string& g : skipped)
    if (g != to_string(model::Guard::TargetHealthy))
      return respond(
          problem(400, Exit::Usage, fmt::format("guard '{}' cannot be overridden", g), "Only target_healthy can: the others protect what stands"));
  for (const auto& [plane, i] : subjects_of(request.subject)) {
    model::Guard refused = model::Guard::None;
    std::string why;
    if (plane == Plane::Routing) {
      const auto to = model::id_at<model::CircuitId>(
          static_cast<std::size_t>(std::ranges::find(site_->circuits, request.to, &model::Circuit::name) - site_->circuits.begin()));
      refused = decider_->forced_refused(model::id_at<model::ClassId>(i), to);
      if (refused != model::Guard::None) why = request.to + " is " + status().circuits[to.index()].reason;
    } else {
      const auto to = model::id_at<model::CarrierId>(
          static_cast<std::size_t>(std::ranges::find(site_->carriers, request.to, &model::Carrier::name) - site_->carriers.begin()));
      refused = decider_->forced_refused(model::id_at<model::TrunkId>(i), to);
      if (refused != model::Guard::None) why = request.to + ": " + status().carriers[to.index()].reason;
    }
    if (refused == model::Guard::None || std::ranges::find(skipped, to_string(refused)) != skipped.end()) continue;
    if (refused == model::Guard::Emergency)
      return respond(problem(409, Exit::Guard, why,
                             "Emergency calls go by it: nobody can send them to a way that is not up. Repair it, or choose another.",
                             to_string(refused), false));
    return respond(problem(409, Exit::Guard, why, fmt::format("To go ahead anyway: --override-guard {}", to_string(refused)), to_string(refused)));
  }
  const auto until = wall_now() + request.lasting;
  if (body->flag("plan"))
    return respond(
        done(nullptr, changes_of(request), fmt::format("Nothing was changed. It would end by itself at {}.", runtime::rfc3339(until)), false));
  put_in_force({.kind = request.kind,
                .subject = request.subject,
                .to = request.to,
                .owner = http.peer->name,
                .reason = request.reason,
                .since = wall_now(),
                .until = until},
               std::move(respond), true);
}

void Daemon::act_hold(const admin::Request& http, Respond respond) {
  const auto body = Body::parse(http.body);
  if (!body) return respond(kNotJson);
  const OverrideRequest request{
      .kind = model::OverrideKind::Hold, .subject = body->text("subject"), .lasting = lasting(*body), .reason = body->text("reason")};
  if (const auto wrong = operations::mistake(*site_, request)) return respond(problem(400, Exit::Usage, wrong->what, wrong->remedy));
  const auto until = wall_now() + request.lasting;
  if (body->flag("plan"))
    return respond(done(nullptr, {}, fmt::format("Nothing was changed. Automatic moves would be on hold until {}.", runtime::rfc3339(until)), false));
  put_in_force(
      {.kind = request.kind, .subject = request.subject, .owner = http.peer->name, .reason = request.reason, .since = wall_now(), .until = until},
      std::move(respond), false);
}

void Daemon::act_failback(const admin::Request& http, Respond respond) {
  const auto body = Body::parse(http.body);
  if (!body) return respond(kNotJson);
  const OverrideRequest request{
      .kind = model::OverrideKind::Failback, .subject = body->text("subject"), .lasting = lasting(*body), .reason = body->text("reason")};
  if (const auto wrong = operations::mistake(*site_, request)) return respond(problem(400, Exit::Usage, wrong->what, wrong->remedy));
  put_in_force({.kind = request.kind,
                .subject = request.subject,
                .owner = http.peer->name,
                .reason = request.reason,
                .since = wall_now(),
                .until = wall_now() + request.lasting},
               std::move(respond), false);
}

void Daemon::put_in_force(model::Override override, Respond respond, bool wait_for_proof) {
  const auto changes =
      wait_for_proof ? changes_of({.kind = override.kind, .subject = override.subject, .to = override.to}) : std::vector<std::string>{};
  // Durable before it acts (I19); the answer comes when the new way is proven.
  journal_->put_override(std::move(override), [this, changes, wait_for_proof, respond](model::Result<model::Override> put) {
    if (!put)
      return respond(
          problem(500, Exit::Error, "the order was not carried out because it could not be written down: " + put.error().what, put.error().remedy));
    for (const model::Override& replaced : overrides_.add(*put)) journal_->remove_override(replaced.id, [](const model::Result<void>&) {});
    const std::string what = put->kind == model::OverrideKind::Hold
                                 ? fmt::format("holds automatic moves of {}", put->subject.empty() ? "everything" : put->subject)
                             : put->kind == model::OverrideKind::Failback ? fmt::format("lets {} go back to what it prefers", put->subject)
                                                                          : fmt::format("forces {} to {}", put->subject, put->to);
    tell(EventId::OverrideSet, put->subject, fmt::format("{} {} until {}: {}", put->owner, what, runtime::rfc3339(put->until), put->reason),
         {{"override", std::to_string(put->id)},
          {"to", put->to},
          {"owner", put->owner},
          {"reason", put->reason},
          {"until", runtime::rfc3339(put->until)}});
    orders_changed();
    if (put->kind == model::OverrideKind::Failback)
      return respond(
          done(&*put, {},
               fmt::format("{} may go back until {}; hold-down, recovery test and budgets still have their say. Watch it: linekeeper explain {}",
                           put->subject, runtime::rfc3339(put->until), put->subject),
               true));
    if (!wait_for_proof)
      return respond(
          done(&*put, {},
               fmt::format("Automatic moves are on hold until {}. End it with: linekeeper release {}", runtime::rfc3339(put->until), put->id), true));
    pending_.push_back(
        {.subjects = subjects_of(put->subject), .deadline = boot_now() + kProofPatience, .override = *put, .changes = changes, .respond = respond});
    answer_pending(boot_now());
  });
}

void Daemon::answer_pending(model::Instant now) {
  for (std::size_t i = 0; i < pending_.size();) {
    PendingAct& act = pending_[i];
    std::string detail;
    const bool proven = std::ranges::all_of(act.subjects, [&](const auto& s) {
      const auto& [plane, index] = s;
      const operations::Progress& p = recoveries_->progress(plane, index);
      // Left where it was, by the switch or by the judge: that this works is no proof of the order.
      const bool elsewhere = plane == operations::Plane::Routing && act.override.kind == model::OverrideKind::Force && p.choice &&
                             site_->circuits[*p.choice].name != act.override.to;
      if (elsewhere && detail.empty()) detail = status().plan.classes[index].reason;
      if (elsewhere) return false;
      if (!p.verified && detail.empty())
        detail = p.detail.empty() ? (p.applied ? "applied, and no proof yet that the new way works" : "not applied yet") : p.detail;
      return p.verified.has_value();
    });
    if (!proven && now < act.deadline) {
      ++i;
      continue;
    }
    PendingAct ended = std::move(act);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string until = runtime::rfc3339(ended.override.until);
    if (proven)
      ended.respond(
          done(&ended.override, ended.changes,
               fmt::format("Done and proven to work. It ends by itself at {}; before that: linekeeper release {}", until, ended.override.id), true));
    else
      ended.respond(problem(502, Exit::NotVerified, fmt::format("the order is in force until {}, but is not proven: {}", until, detail),
                            fmt::format("Watch it: linekeeper status. Take it back: linekeeper release {}", ended.override.id)));
  }
}

void Daemon::act_call(const admin::Request& http, Respond respond) {
  const auto body = Body::parse(http.body);
  if (!body) return respond(kNotJson);
  const std::string name = body->text("carrier"), by = body->text("circuit");
  const auto carrier = std::ranges::find(site_->carriers, name, &model::Carrier::name);
  if (carrier == site_->carriers.end()) {
    std::string names;
    for (const model::Carrier& c : site_->carriers) names += (names.empty() ? "" : ", ") + c.name;
    return respond(problem(404, Exit::Usage, fmt::format("no carrier is called '{}'", name), "Say one of: " + names));
  }
  const auto circuit = std::ranges::find(site_->circuits, by, &model::Circuit::name);
  if (!by.empty() && circuit == site_->circuits.end()) {
    std::string names;
    for (const model::Circuit& c : site_->circuits) names += (names.empty() ? "" : ", ") + c.name;
    return respond(problem(404, Exit::Usage, fmt::format("no circuit is called '{}'", by), "Say one of: " + names));
  }
  const auto id = model::id_at<model::CarrierId>(static_cast<std::size_t>(carrier - site_->carriers.begin()));
  const auto way =
      by.empty() ? std::nullopt : std::optional(model::id_at<model::CircuitId>(static_cast<std::size_t>(circuit - site_->circuits.begin())));
  const auto refused = own_calls_->call(id, way, [site = site_, respond](const model::TrialOutcome& o) {
    json::object said{{"schema", 1},
                      {"carrier", (*site)[o.carrier].name},
                      {"circuit", (*site)[o.circuit].name},
                      {"result", to_string(o.result)},
                      {"carried", o.result == model::TrialResult::Carried},
                      {"code", o.code},
                      {"pdd_ms", nullptr},
                      {"answered", o.answered},
                      {"media_described", o.media_described},
                      {"media_packets", o.media_packets},
                      {"message", fmt::format("The test call by {} via {} {}.", (*site)[o.carrier].name, (*site)[o.circuit].name, words(o))}};
    if (o.pdd) said["pdd_ms"] = model::seconds(*o.pdd) * 1000;
    respond({.body = json::serialize(said)});
  });
  if (refused) respond(problem(409, Exit::Guard, refused->why, refused->remedy, {}, false));
}

void Daemon::act_release(const admin::Request& http, Respond respond) {
  const auto body = Body::parse(http.body);
  if (!body) return respond(kNotJson);
  const auto removed = overrides_.release(body->number("id"), body->text("subject"));
  if (removed.empty()) return respond(problem(404, Exit::Usage, "no override in force is meant by that", "See those in force: linekeeper status"));
  std::vector<std::string> changes;
  for (const model::Override& o : removed) {
    journal_->remove_override(o.id, [](const model::Result<void>&) {});
    tell(EventId::OverrideReleased, o.subject,
         fmt::format("{} released override {} of {} ({}).", http.peer->name, o.id, o.subject.empty() ? "everything" : o.subject, o.reason),
         {{"override", std::to_string(o.id)}, {"owner", http.peer->name}, {"reason", body->text("reason")}});
    changes.push_back(fmt::format("- override {} {} {}{}", o.id, to_string(o.kind), o.subject.empty() ? "everything" : o.subject,
                                  o.to.empty() ? "" : " to " + o.to));
  }
  orders_changed();
  respond(done(nullptr, changes, "Automatic choice is back. See what it chose: linekeeper explain", true));
}

void Daemon::orders_changed() {
  decision::OrdersInForce orders{overrides_.in_force()};
  for (const std::string& subject : open_windows_)
    orders.overrides.push_back(
        {.id = 0, .kind = model::OverrideKind::Failback, .subject = subject, .owner = "window", .reason = "its daily window is open"});
  act_on(decider_->order(orders, recorder_->told(orders, awake())));
}

int Daemon::open_stream(const admin::Request& request, admin::EventStream& stream) {
  if (request.path != "/events" && request.path != "/api/v1/events/stream") return 404;
  if (stopping_) return 503;
  Stream& s = streams_[&stream];
  s.with_status = request.path == "/events";
  auto after = integer(request.query, "after");
  if (request.last_event_id) after = integer({{"id", *request.last_event_id}}, "id");
  if (after) {
    s.last = *after;
    s.replaying = true;
    replay(stream, *after);
  }
  if (s.with_status) stream.send("", "status", json::serialize(telemetry::status_json(status())));
  metrics_->api_request(request.path, 200);
  return 200;
}

void Daemon::close_stream(admin::EventStream& stream) { streams_.erase(&stream); }

void Daemon::replay(admin::EventStream& stream, std::int64_t after) {
  // What the journal writes after this question is told by stream_event after this answer: both come by post, in order.
  journal_->events({.after_sequence = after, .limit = kReplay}, [this, key = &stream](const model::Result<std::vector<model::Event>>& events) {
    const auto found = streams_.find(key);
    if (found == streams_.end()) return;
    found->second.replaying = false;
    if (!events) return;
    for (const model::Event& e : *events) stream_event(e);
  });
}

void Daemon::stream_event(const model::Event& event) {
  const std::string id = std::to_string(event.sequence);
  std::string data;
  for (auto& [stream, state] : streams_) {
    if (state.replaying || event.sequence <= state.last) continue;
    if (data.empty()) data = json::serialize(telemetry::event_json(event));
    state.last = event.sequence;
    stream->send(id, "event", data);
  }
}

void Daemon::stream_status() {
  const bool wanted = std::ranges::any_of(streams_, [](const auto& s) { return s.second.with_status; });
  if (!wanted) return;
  const std::string data = json::serialize(telemetry::status_json(status()));
  for (auto& [stream, state] : streams_)
    if (state.with_status) stream->send("", "status", data);
}

}  // namespace linekeeper::daemon
