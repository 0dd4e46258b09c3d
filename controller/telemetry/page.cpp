#include "controller/telemetry/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controller/model/assert.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/telemetry/attention.hpp"
#include "controller/telemetry/build_info.hpp"
#include "controller/telemetry/page_text.hpp"
#include "controller/telemetry/probe_cost.hpp"
#include "controller/telemetry/service.hpp"

namespace linekeeper::telemetry {

namespace {

using page::escape;
using page::sign;
using page::state_mark;
using page::Table;
constexpr auto kNumber = Table::Column::Number;
constexpr auto kLong = Table::Column::Long;

void append(std::string& out, fmt::string_view format, auto&&... args) {
  fmt::vformat_to(std::back_inserter(out), format, fmt::make_format_args(args...));
}

std::string headline(const model::Status& status, const std::vector<Service>& all) {
  std::string named;
  const ServiceState state = worst(all);
  for (const Service& s : all)
    if (s.state == state && state != ServiceState::Ok) named += (named.empty() ? "" : ", ") + std::string(s.name);
  const std::string_view site = status.site ? std::string_view(status.site->name) : "site";
  switch (state) {
    case ServiceState::Ok: return fmt::format("{} {}: all services work", sign("ok"), site);
    case ServiceState::Unknown: return fmt::format("{} {}: not yet known{}{}", sign("unknown"), site, named.empty() ? "" : ": ", named);
    case ServiceState::Degraded: return fmt::format("{} {}: works, but DEGRADED: {}", sign("degraded"), site, named);
    case ServiceState::Down: return fmt::format("{} {}: DOWN: {}", sign("down"), site, named);
  }
  return {};
}

std::string top(const model::Status& status, const std::vector<Service>& all) {
  const std::string_view mode = status.mode == model::Mode::Hold ? "HOLD: no automatic moves" : "automatic";
  return fmt::format("<div class=\"banner {}\"><h1 aria-live=\"polite\">{}</h1><span class=\"facts\">{} · {}</span></div>", to_string(worst(all)),
                     escape(headline(status, all)), mode, page::clock_time(status.wall));
}

/// What is wrong, by name, before what is to be done about it.
std::string diagnosis_list(const model::Status& status) {
  if (status.diagnoses.empty()) return {};
  std::string out = "<h2>What is wrong</h2><ul class=\"wrong\">";
  for (const model::Diagnosis& d : status.diagnoses)
    append(out, "<li>{} <span class=\"sub\">for {}</span></li>",
           escape(d.sentence.empty() ? model::to_string(d.failed) : std::string_view(d.sentence)), human(status.now - d.since));
  return out + "</ul>";
}

std::string attention_list(const model::Status& status, const std::vector<Service>& all) {
  const auto sentences = attention(status, all);
  std::string out = diagnosis_list(status);
  if (sentences.empty()) return out;
  out += "<h2>Needs attention</h2><ul class=\"todo\">";
  for (const std::string& s : sentences) append(out, "<li>{}</li>", escape(s));
  return out + "</ul>";
}

std::string order_words(const model::Status& status, const Service& s, const model::Trunk& trunk) {
  std::string out;
  for (const model::TrunkStep& step : s.trunk->order) {
    if (step.member >= trunk.members.size()) continue;
    const auto& member = trunk.members[step.member];
    const auto circuit = member_circuit(status, trunk, member);
    const std::string name = (*status.site)[member.carrier].name + (circuit ? " by " + (*status.site)[*circuit].name : "");
    append(out, "{}{}{}", out.empty() ? "" : ", ", escape(name), step.eligible ? "" : " (not eligible)");
  }
  return out;
}

std::string recovery_words(std::optional<model::Duration> took, model::Duration target) {
  if (!took) return "none yet";
  return fmt::format("{} of {} {}", human(*took), human(target), *took <= target ? "✓ met" : "✕ MISSED");
}

std::string service_cards(const model::Status& status, const std::vector<Service>& all) {
  std::string out = "<div class=\"cards\">";
  std::size_t trunk = 0;
  for (const Service& s : all) {
    const model::Trunk* t = s.plane == Plane::Trunk ? &status.site->trunks[trunk++] : nullptr;
    append(out, "<article class=\"card {}\"><h3><span>{} <span class=\"sub\">{}</span></span>{}</h3>", to_string(s.state), escape(s.name),
           to_string(s.plane), state_mark(to_string(s.state)));
    if (s.via.empty())
      out += "<p class=\"via\">not steered yet</p>";
    else
      append(out, "<p class=\"via\">via <strong>{}</strong> for {}</p>", escape(s.via), human(status.now - s.since));
    append(out, "<dl><dt>ways left</dt><dd>{} of {}</dd><dt>recovery target</dt><dd>{}</dd><dt>last recovery</dt><dd>{}</dd>", s.ways_left, s.ways,
           human(s.rto), recovery_words(s.carried != nullptr ? s.carried->last_recovery : std::nullopt, s.rto));
    if (s.carried != nullptr)
      append(out, "<dt>carried out</dt><dd>{}, {}</dd>", s.carried->applied ? "✓ applied" : "✕ not applied",
             s.carried->verified ? "✓ verified" : "… not verified");
    if (t != nullptr && s.trunk != nullptr) append(out, "<dt>order</dt><dd>{}</dd>", order_words(status, s, *t));
    append(out, "</dl><p class=\"why\">{}</p></article>", escape(s.reason));
  }
  return out + "</div>";
}

/// Small print beside or after what it belongs to.
std::string sub(std::string_view text) { return fmt::format(" <span class=\"sub\">{}</span>", escape(text)); }

std::string circuit_table(const model::Status& status) {
  Table table({{"Circuit"},
               {"State"},
               {"For"},
               {"RTT", kNumber},
               {"Jitter", kNumber},
               {"Loss", kNumber},
               {"MOS", kNumber},
               {"Link"},
               {"Provider"},
               {"Why", kLong}});
  for (const model::CircuitStatus& c : status.circuits) {
    const model::Circuit& configured = (*status.site)[c.circuit];
    const bool living = c.verdict.health == model::Health::Up || c.verdict.health == model::Health::Degraded;
    table.row({escape(configured.name) + (c.active ? sub("◀ in use") : ""),
               state_mark(c.suspect && living ? "suspect" : model::to_string(c.verdict.health)), human(status.now - c.verdict.since),
               page::milliseconds(c.figures.rtt), page::milliseconds(c.figures.jitter), page::loss(c.figures), page::mos(c.figures),
               escape(configured.interface) + sub(c.link.address ? c.link.address->to_string() : "no address"),
               escape(configured.provider) + sub(configured.medium), escape(c.reason)});
  }
  return table.html();
}

double megabytes_month(const model::Status& status, const model::CircuitStatus& c) {
  return static_cast<double>(probe_bytes_month(*status.site, c)) / 1e6;
}

std::string score_cell(double score, double alarm) {
  if (alarm <= 0) return "–";
  return fmt::format("{:.1f} of {:.1f}", score, alarm) + (score >= alarm ? sub("▲ alarm") : "");
}

/// What the slower checks of all circuits said last; nothing where none is configured.
std::string check_table(const model::Status& status) {
  Table table({{"Circuit"}, {"Check"}, {"Result"}, {"For"}, {"Asked"}, {"Took", kNumber}, {"What happened", kLong}});
  bool any = false;
  for (const model::CircuitStatus& c : status.circuits)
    for (const model::CheckStatus& check : c.checks) {
      any = true;
      const bool well = check.standing == model::CheckResult::Well;
      table.row({escape((*status.site)[c.circuit].name), escape(check.last.check) + sub(std::string(to_string(check.last.kind))),
                 state_mark(well ? "ok" : "degraded") + (well ? "" : sub(std::string(to_string(check.standing)))), human(status.now - check.since),
                 human(status.now - check.last.at) + " ago", page::milliseconds(check.last.took), escape(check.last.detail)});
    }
  return any ? "<h2>Slower checks</h2>" + table.html() : std::string();
}

std::string_view gateway_words(const model::CircuitStatus& c) {
  switch (c.gateway) {
    case model::Neighbour::Unknown: return "–";
    case model::Neighbour::Answers: return "✓ answers";
    case model::Neighbour::Doubtful: return "… being asked";
    case model::Neighbour::Silent: return "✕ SILENT";
  }
  return "–";
}

std::string set_aside_cell(const model::Status& status, const model::CircuitStatus& c) {
  std::string out;
  for (const model::TargetStatus& t : c.targets)
    if (t.set_aside != model::SetAside::No)
      append(out, "{}{} ({})", out.empty() ? "" : ", ", escape((*status.site)[t.target].name), to_string(t.set_aside));
  return out.empty() ? "none" : out;
}

/// What the judge goes by, circuit by circuit.
std::string detection_table(const model::Status& status) {
  Table table({{"Circuit"},
               {"Silent", kNumber},
               {"Dead after", kNumber},
               {"Loss score", kNumber},
               {"Burst score", kNumber},
               {"Shortest RTT", kNumber},
               {"R", kNumber},
               {"Hold-down", kNumber},
               {"Probed", kNumber},
               {"Gateway"},
               {"Set aside", kLong}});
  for (const model::CircuitStatus& c : status.circuits) {
    const model::Circuit& configured = (*status.site)[c.circuit];
    const model::Detectors& d = c.detectors;
    const std::string every = d.interval < std::chrono::seconds(1) ? page::milliseconds(d.interval) : human(d.interval);
    table.row({escape(configured.name), (d.silent > model::Duration::zero() ? human(d.silent) : "–") + sub("suspect after " + human(d.suspect_after)),
               human(d.dead_after) + sub(d.learned_over > model::Duration::zero() ? "learned from " + human(d.learned_over) : "not learned yet"),
               score_cell(d.lossy, d.lossy_alarm), score_cell(d.bursty, d.bursty_alarm),
               page::milliseconds(d.shortest_rtt) + (d.usual_rtt ? sub("usually " + page::milliseconds(d.usual_rtt)) : ""),
               c.figures.r_factor ? fmt::format("{:.0f}", *c.figures.r_factor) : "–", human(c.hold_down),
               "every " + every + (configured.metered ? sub(fmt::format("metered: {:.0f} MB a month", megabytes_month(status, c))) : ""),
               std::string(gateway_words(c)), set_aside_cell(status, c)});
  }
  return table.html();
}

/// How calls by it fare, below the path's own state: by their words, not by a colour.
std::string calls_sub(const model::PathStatus& path) {
  if (!path.calls) return {};
  const model::CallFigures& f = *path.calls;
  if (!f.why.empty()) return sub((f.standing == model::CallsStanding::Failing ? "NO CALLS: " : "calls tried after: ") + f.why);
  if (f.attempts == 0) return {};
  return sub(fmt::format("{} calls now, {:.0f} % answered{}", f.in_progress, f.asr.value_or(0) * 100,
                         f.pdd_median ? ", rings in " + page::milliseconds(f.pdd_median) : ""));
}

/// The first of the three that its answers say no to: where to begin. Nothing while they say no to none.
std::string layer_sub(const model::PathStatus& path) {
  if (path.reachable == model::Layer::No) return sub("✕ not reached");
  if (path.authorised == model::Layer::No) return sub("✓ reached, ✕ does not know us");
  if (path.takes_calls == model::Layer::No) return sub("✓ reached, ✕ refuses calls");
  return {};
}

/// Of a carrier with several addresses: how many of them take calls.
std::string endpoints_sub(const model::PathStatus& path) {
  std::size_t listed = 0, take = 0;
  for (const model::EndpointStatus& e : path.endpoints) {
    listed += e.listed ? 1 : 0;
    take += e.listed && (e.verdict.health == model::Health::Up || e.verdict.health == model::Health::Degraded) ? 1 : 0;
  }
  return listed < 2 ? std::string() : sub(fmt::format("{} of {} addresses", take, listed));
}

std::string path_cell(const model::PathStatus* path) {
  if (path == nullptr) return "–";
  return state_mark(model::to_string(path->verdict.health)) + (path->rtt ? sub(page::milliseconds(path->rtt)) : "") +
         (path->selected ? sub("◀ first") : "") + layer_sub(*path) + endpoints_sub(*path) + calls_sub(*path);
}

std::string carrier_matrix(const model::Status& status) {
  std::vector<Table::Head> heads = {{"SIP carrier"}, {"State"}, {"For"}};
  for (const auto& c : status.site->circuits) heads.push_back({"by " + c.name});
  heads.push_back({"Last code"});
  heads.push_back({"Why", kLong});
  Table table(std::move(heads));
  for (const model::CarrierStatus& c : status.carriers) {
    const model::Carrier& configured = (*status.site)[c.carrier];
    std::vector<std::string> cells = {escape(configured.name) + sub(configured.provider) + (c.active ? sub("◀ preferred") : ""),
                                      state_mark(model::to_string(c.verdict.health)), human(status.now - c.verdict.since)};
    for (std::size_t i = 0; i < status.site->circuits.size(); ++i)
      cells.push_back(path_cell(find_path(status, c.carrier, model::id_at<model::CircuitId>(i))));
    cells.push_back(c.last_code > 0 ? std::to_string(c.last_code) : "–");
    cells.push_back(escape(c.reason));
    table.row(cells);
  }
  return table.html();
}

std::string override_table(const model::Status& status) {
  if (status.overrides.empty()) return "<p class=\"none\">None: every choice is automatic.</p>";
  Table table({{"No."}, {"What"}, {"Until"}, {"Who"}, {"Why", kLong}});
  for (const model::Override& o : status.overrides) {
    const std::string subject = o.subject.empty() ? "everything" : o.subject;
    const std::string what = o.kind == model::OverrideKind::Force  ? subject + " forced to " + o.to
                             : o.kind == model::OverrideKind::Hold ? subject + " held as it is"
                                                                   : subject + " may go back to what it prefers";
    table.row({std::to_string(o.id), escape(what), page::clock_time(o.until) + sub("in " + human(o.until - status.wall)), escape(o.owner),
               escape(o.reason)});
  }
  return table.html();
}

std::string incident_table(const model::Status& status) {
  if (status.incidents.empty()) return "<p class=\"none\">None since the start.</p>";
  Table table({{"Opened"}, {"Service"}, {"What failed", kLong}, {"Moved to"}, {"Recovered in"}, {"Detected"}, {"Applied"}, {"By"}});
  for (const model::Incident& i : status.incidents) {
    const auto after = [&](std::optional<model::Instant> at) { return at ? human(*at - i.last_good) : std::string("–"); };
    const model::Duration open = status.now - i.last_good;
    const std::string result = i.recovery()
                                   ? recovery_words(i.recovery(), i.rto_target)
                                   : fmt::format("… open for {} of {}{}", human(open), human(i.rto_target), open > i.rto_target ? " ✕ MISSED" : "");
    table.row({page::clock_time(i.opened) + sub(fmt::format("no. {}", i.id)), escape(i.subject), escape(i.failed) + sub(i.diagnosis),
               escape(i.moved_to), result, after(i.detected), after(i.applied), escape(i.trigger)});
  }
  return table.html();
}

std::string event_table(std::span<const model::Event> recent) {
  if (recent.empty()) return "<p class=\"none\">None yet.</p>";
  Table table({{"Time"}, {"Severity"}, {"Event"}, {"What", kLong}});
  const std::size_t skip = recent.size() > kPageEvents ? recent.size() - kPageEvents : 0;
  for (std::size_t n = recent.size(); n > skip; --n) {
    const model::Event& e = recent[n - 1];
    table.row({page::clock_time(e.wall), page::severity_mark(model::severity(e.id)), std::string(model::to_string(e.id)),
               escape(e.subject.empty() ? e.text : e.subject + ": " + e.text)});
  }
  return table.html();
}

std::string foot(const model::Status& status) {
  const auto& build = build_info();
  std::string out = fmt::format("Linekeeper {} ({}) · up {} · plan {}", escape(build.version), escape(build.revision),
                                human(status.now - status.started), status.plan.generation);
  const auto say = [&](const model::ActuatorStatus& a) {
    append(out, " · {}: {}", escape(a.name), a.connected ? (a.in_sync ? "✓ in sync" : "✕ not in sync") : "✕ not connected");
  };
  say(status.route_switch);
  for (const auto& pbx : status.pbxs) say(pbx);
  return out;
}

}  // namespace

std::string page_html(const model::Status& status, std::span<const model::Event> recent) {
  const std::vector<Service> all = services(status);
  const bool known = status.site != nullptr;
  const std::pair<std::string_view, std::string> parts[] = {{"title", escape(headline(status, all))},
                                                            {"style", std::string(page::kStyle)},
                                                            {"now", page::clock_time(status.wall)},
                                                            {"top", top(status, all)},
                                                            {"attention", attention_list(status, all)},
                                                            {"services", service_cards(status, all)},
                                                            {"circuits", known ? circuit_table(status) : std::string()},
                                                            {"detection", known ? detection_table(status) + check_table(status) : std::string()},
                                                            {"carriers", known ? carrier_matrix(status) : std::string()},
                                                            {"overrides", override_table(status)},
                                                            {"incidents", incident_table(status)},
                                                            {"events", event_table(recent)},
                                                            {"foot", foot(status)},
                                                            {"script", std::string(page::kScript)}};
  // One pass over the template: what was put in is never searched for marks again.
  std::string out;
  std::string_view rest = page::kTemplate;
  for (auto open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const auto close = rest.find("}}", open);
    LK_ASSERT(close != std::string_view::npos);
    const auto* part = std::ranges::find(parts, rest.substr(open + 2, close - open - 2), &std::pair<std::string_view, std::string>::first);
    LK_ASSERT(part != std::end(parts));
    out.append(rest.substr(0, open)).append(part->second);
    rest.remove_prefix(close + 2);
  }
  return out.append(rest);
}

const std::string& content_security_policy() {
  static const std::string kPolicy = fmt::format(
      "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'",
      page::base64_of_hex(page::kScriptSha256), page::base64_of_hex(page::kStyleSha256));
  return kPolicy;
}

}  // namespace linekeeper::telemetry
