#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "controller/telemetry/metric_catalogue.hpp"
#include "controller/telemetry/metrics.hpp"
#include "controller/telemetry/metrics_probes.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using telemetry::Metrics;

namespace {

/// The value of exactly that series as it is served; -1 when it is not served.
double value(const Metrics& metrics, const std::string& series) {
  std::istringstream text(metrics.serialize());
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(series + " ")) return std::stod(line.substr(series.size() + 1));
  return -1;
}

struct Bench {
  model::Site site = support::site_with_all();
  Metrics metrics{site, telemetry::BuildInfo{"0.1.0", "abc", "clang"}};
  double operator()(const std::string& series) const { return value(metrics, series); }
};

const std::string kIcmp = R"({circuit="fiber",probe="icmp:alpha"})";
std::string failures(const std::string& reason) {
  return R"(linekeeper_probe_failures_total{circuit="fiber",probe="icmp:alpha",reason=")" + reason + "\"}";
}
const std::string kOutage = R"(linekeeper_service_unavailable_seconds_total{plane="routing",service="voice"})";

}  // namespace

TEST_CASE("metrics: at start the TYPE lines are the catalogue, every family with a series") {
  Bench b;
  std::set<std::string> expected;
  for (const auto& row : telemetry::kMetricCatalogue) {
    expected.insert("# TYPE linekeeper_" + std::string(row.name) + " " + std::string(telemetry::to_string(row.type)));
    CHECK(row.help.find('\\') == std::string_view::npos);
    CHECK(row.help.find('\n') == std::string_view::npos);
  }
  CHECK(expected.size() == telemetry::kMetricCatalogue.size());
  std::set<std::string> served;
  std::istringstream text(b.metrics.serialize());
  std::string family;
  int series = 1;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) {
      CHECK_MESSAGE(series > 0, family << " has no series");
      served.insert(line);
      family = line;
      series = 0;
    } else if (!line.starts_with("#")) {
      ++series;
    }
  }
  CHECK(served == expected);
}

TEST_CASE("metrics: label values are escaped, histograms end in +Inf, sum and count, what is not known is NaN") {
  auto site = support::sample_site();
  site.circuits[1].provider = "ISP \"Two\" \\ Sons\nLtd";
  Metrics metrics{site, telemetry::BuildInfo{}};
  CHECK(value(metrics, R"(linekeeper_circuit_info{circuit="coax",interface="wan1",medium="coax",provider="ISP \"Two\" \\ Sons\nLtd"})") == 1);
  metrics.loop_lag(3ms);
  metrics.loop_lag(99s);
  CHECK(value(metrics, R"(linekeeper_loop_lag_seconds_bucket{le="0.0025"})") == 0);
  CHECK(value(metrics, R"(linekeeper_loop_lag_seconds_bucket{le="0.005"})") == 1);
  CHECK(value(metrics, R"(linekeeper_loop_lag_seconds_bucket{le="+Inf"})") == 2);
  CHECK(value(metrics, "linekeeper_loop_lag_seconds_count") == 2);
  CHECK(value(metrics, "linekeeper_loop_lag_seconds_sum") == doctest::Approx(99.003));
  CHECK(metrics.serialize().find("linekeeper_circuit_rtt_seconds{circuit=\"coax\"} NaN\n") != std::string::npos);
}

TEST_CASE("metrics: a carrier's addresses have series while it has them, and whether its name is answered for") {
  Bench b;
  const auto takes_calls = [&](const std::string& endpoint) {
    return b(R"(linekeeper_endpoint_takes_calls{carrier="north",circuit="coax",endpoint=")" + endpoint + "\"}");
  };
  auto status = support::calm_status(b.site);
  model::PathStatus& path = status.paths.at(1);
  REQUIRE(b.site[path.carrier].name == "north");
  REQUIRE(b.site[path.circuit].name == "coax");
  const auto endpoint = [](const char* address, model::Health health) {
    return model::EndpointStatus{.where = {.at = {.address = *model::IpAddress::parse(address)}}, .verdict = {.health = health}, .reason = {}};
  };
  path.endpoints = {endpoint("198.51.100.1", model::Health::Up), endpoint("198.51.100.2", model::Health::Down)};
  path.located = {.lookup = model::Lookup::Found, .answered = status.now, .refused = {}};
  b.metrics.update(status);
  CHECK(takes_calls("198.51.100.1:5060") == 1);
  CHECK(takes_calls("198.51.100.2:5060") == 0);
  CHECK(b(R"(linekeeper_path_name_answered{carrier="north",circuit="coax"})") == 1);
  path.endpoints.pop_back();
  path.endpoints[0].verdict.health = model::Health::Degraded;
  path.located->lookup = model::Lookup::Unanswered;
  b.metrics.update(status);
  CHECK(takes_calls("198.51.100.1:5060") == 1);
  CHECK(takes_calls("198.51.100.2:5060") == -1);
  CHECK(b(R"(linekeeper_path_name_answered{carrier="north",circuit="coax"})") == 0);
}

TEST_CASE("metrics: registrations and test calls of our own, each as it was last, not known before the first") {
  Bench b;
  const std::string by_coax = R"({carrier="north",circuit="coax"})";
  const auto shows = [&](const std::string& metric) { return b("linekeeper_" + metric + by_coax); };
  CHECK(std::isnan(shows("path_registered")));
  CHECK(std::isnan(shows("path_test_call_carried")));
  CHECK(shows("path_test_call_timestamp_seconds") == 0);
  auto status = support::calm_status(b.site);
  const model::CarrierId north = status.paths.at(1).carrier;
  const model::CircuitId coax = status.paths.at(1).circuit;
  status.registrations = {{.carrier = north, .circuit = coax, .state = model::RegistrationState::Trying, .contact = {}}};
  status.trials = {{.carrier = north, .circuit = coax, .result = model::TrialResult::OurFault, .ended = status.now}};
  const auto update = [&](model::RegistrationState state, model::TrialResult result, std::optional<model::Duration> pdd) {
    status.registrations[0].state = state;
    status.trials[0].result = result;
    status.trials[0].pdd = pdd;
    b.metrics.update(status);
  };
  update(model::RegistrationState::Trying, model::TrialResult::OurFault, std::nullopt);
  CHECK(std::isnan(shows("path_registered")));
  CHECK(std::isnan(shows("path_test_call_carried")));
  CHECK(std::isnan(shows("path_test_call_pdd_seconds")));
  update(model::RegistrationState::Registered, model::TrialResult::Carried, 800ms);
  CHECK(shows("path_registered") == 1);
  CHECK(shows("path_test_call_carried") == 1);
  CHECK(shows("path_test_call_pdd_seconds") == doctest::Approx(0.8));
  CHECK(shows("path_test_call_timestamp_seconds") == doctest::Approx(std::chrono::duration<double>(status.wall.time_since_epoch()).count()));
  for (const auto state : {model::RegistrationState::Refused, model::RegistrationState::Unanswered}) {
    update(state, model::TrialResult::Stuck, 800ms);
    CHECK(shows("path_registered") == 0);
    CHECK(shows("path_test_call_carried") == 0);
  }
}

TEST_CASE("metrics: a state set has exactly one 1 before and after an update") {
  Bench b;
  const auto sum = [&] {
    double total = 0;
    for (const char* s : {"unknown", "up", "degraded", "down"})
      total += b(R"(linekeeper_circuit_state{circuit="fiber",state=")" + std::string(s) + "\"}");
    return total;
  };
  CHECK(sum() == 1);
  CHECK(b(R"(linekeeper_circuit_state{circuit="fiber",state="unknown"})") == 1);
  b.metrics.update(support::busy_status(b.site));
  CHECK(sum() == 1);
  CHECK(b(R"(linekeeper_circuit_state{circuit="fiber",state="down"})") == 1);
  CHECK(b(R"(linekeeper_path_state{carrier="north",circuit="coax",state="up"})") == 1);
  CHECK(b(R"(linekeeper_operating_mode{mode="automatic"})") == 1);
}

TEST_CASE("metrics: a score that is not known is 0, which no score can be") {
  Bench b;
  const std::string mos = R"(linekeeper_circuit_mos{circuit="fiber"})";
  CHECK(b(mos) == 0);
  auto status = support::calm_status(b.site);
  b.metrics.update(status);
  CHECK(b(mos) == 4.409);
  status.circuits[0].figures.mos.reset();
  b.metrics.update(status);
  CHECK(b(mos) == 0);
}

TEST_CASE("metrics: the judge's own figures, circuit by circuit") {
  Bench b;
  CHECK(b(R"(linekeeper_circuit_gateway_state{circuit="fiber",state="unknown"})") == 1);
  b.metrics.update(support::troubled_status(b.site));
  CHECK(b(R"(linekeeper_circuit_suspect{circuit="fiber"})") == 0);
  CHECK(b(R"(linekeeper_circuit_suspect{circuit="coax"})") == 1);
  CHECK(b(R"(linekeeper_circuit_silence_seconds{circuit="coax"})") == doctest::Approx(0.41));
  CHECK(b(R"(linekeeper_circuit_dead_after_seconds{circuit="coax"})") == doctest::Approx(0.91));
  CHECK(b(R"(linekeeper_circuit_dead_after_limit_seconds{circuit="coax"})") == 6);
  CHECK(b(R"(linekeeper_circuit_learned_seconds{circuit="coax"})") == 18000);
  CHECK(b(R"(linekeeper_circuit_detector_score_ratio{circuit="fiber",detector="bursty"})") == doctest::Approx(16.2 / 12.5));
  CHECK(b(R"(linekeeper_circuit_detector_score_ratio{circuit="fiber",detector="lossy"})") == doctest::Approx(11.8 / 13.1));
  CHECK(b(R"(linekeeper_circuit_hold_down_seconds{circuit="fiber"})") == 540);
  CHECK(b(R"(linekeeper_circuit_r_factor{circuit="fiber"})") == 41.2);
  CHECK(b(R"(linekeeper_circuit_gateway_state{circuit="coax",state="doubtful"})") == 1);
  CHECK(b(R"(linekeeper_circuit_gateway_state{circuit="coax",state="unknown"})") == 0);
  CHECK(b(R"(linekeeper_circuit_quick_probes_left{circuit="fiber"})") == 450);
  CHECK(b(R"(linekeeper_target_set_aside{circuit="fiber",target="beta",why="dead"})") == 1);
  CHECK(b(R"(linekeeper_target_set_aside{circuit="fiber",target="beta",why="lossy"})") == 0);
  CHECK(b(R"(linekeeper_target_set_aside{circuit="coax",target="beta",why="dead"})") == 0);
  b.metrics.on_event({.id = model::EventId::CircuitSuspect, .subject = "circuit coax"});
  b.metrics.on_event({.id = model::EventId::CircuitCleared, .subject = "circuit coax"});
  CHECK(b(R"(linekeeper_circuit_suspicions_total{circuit="coax"})") == 1);
}

TEST_CASE("metrics: a diagnosis is 1 while it stands and 0 when it is over; one of a path has a series from its first time on") {
  Bench b;
  const std::string brownout = R"(linekeeper_diagnosis_active{carrier="",circuit="fiber",failed="brownout",target=""})";
  const std::string path = R"(linekeeper_diagnosis_active{carrier="",circuit="fiber",failed="target-path",target="beta"})";
  CHECK(b(brownout) == 0);
  CHECK(b(path) == -1);
  b.metrics.update(support::troubled_status(b.site));
  CHECK(b(brownout) == 1);
  CHECK(b(path) == 1);
  CHECK(b(R"(linekeeper_diagnoses{failed="brownout"})") == 1);
  b.metrics.update(support::calm_status(b.site));
  CHECK(b(brownout) == 0);
  CHECK(b(path) == 0);
  CHECK(b(R"(linekeeper_diagnoses{failed="brownout"})") == 0);
  b.metrics.reconfigure(b.site);
  CHECK(b(path) == -1);
  b.metrics.update(support::troubled_status(b.site));
  CHECK(b(path) == 1);
}

TEST_CASE("metrics: probes are counted by kind, and their bytes each way") {
  Bench b;
  const auto count = [&](const char* method, const char* kind) {
    return b(R"(linekeeper_circuit_probes_total{circuit="fiber",kind=")" + std::string(kind) + R"(",method=")" + method + "\"}");
  };
  const auto bytes = [&](const char* method, const char* direction) {
    return b(R"(linekeeper_circuit_probe_bytes_total{circuit="fiber",direction=")" + std::string(direction) + R"(",method=")" + method + "\"}");
  };
  b.metrics.observe(model::ProbeSent{.sequence = 1});
  b.metrics.observe(model::ProbeSent{.sequence = 2, .kind = model::ProbeKind::Verify});
  b.metrics.observe(model::ProbeSent{.sequence = 3, .kind = model::ProbeKind::Closer});
  b.metrics.observe(model::ProbeReply{.sequence = 1, .rtt = 9ms});
  b.metrics.observe(model::ProbeLocalError{.error = 105});
  CHECK(count("icmp", "scheduled") == 1);
  CHECK(count("icmp", "verify") == 1);
  CHECK(count("icmp", "closer") == 1);
  CHECK(bytes("icmp", "sent") == 3 * 52);
  CHECK(bytes("icmp", "received") == 52);
  b.metrics.observe(model::SipOutcome{.result = model::SipResult::Timeout, .kind = model::ProbeKind::Verify, .bytes_sent = 900});
  b.metrics.observe(
      model::SipOutcome{.result = model::SipResult::Final, .code = 200, .late = true, .kind = model::ProbeKind::Verify, .bytes_received = 380});
  b.metrics.observe(model::SipOutcome{.result = model::SipResult::LocalError});
  CHECK(count("options", "verify") == 1);
  CHECK(count("options", "scheduled") == 0);
  CHECK(bytes("options", "sent") == 900);
  CHECK(bytes("options", "received") == 380);
}

TEST_CASE("metrics: where quick probes are not configured it is not said that none are left") {
  for (const bool accelerate : {true, false}) {
    auto site = support::sample_site();
    site.probing.accelerate = accelerate;
    Metrics metrics{site, telemetry::BuildInfo{}};
    auto status = support::calm_status(site);
    status.circuits[0].detectors.verify_left = 0;
    metrics.update(status);
    CHECK(std::isnan(value(metrics, R"(linekeeper_circuit_quick_probes_left{circuit="fiber"})")) == !accelerate);
  }
}

TEST_CASE("metrics: an IPv6 echo is twenty bytes longer") {
  auto site = support::sample_site();
  site.targets[0].address = *model::IpAddress::parse("2001:db8::1");
  Metrics metrics{site, telemetry::BuildInfo{}};
  metrics.observe(model::ProbeSent{.sequence = 1});
  CHECK(value(metrics, R"(linekeeper_circuit_probe_bytes_total{circuit="fiber",direction="sent",method="icmp"})") == 72);
}

TEST_CASE("metrics: probing in quick succession loses no echo that is on its way") {
  // 5 s of an overdue answer: every 20 ms for a second, every 50 ms then, and the scheduled ones beside them.
  Bench b;
  std::uint64_t sequence = 0;
  model::Instant now{4000s};
  for (int i = 0; i < 50; ++i) b.metrics.observe(model::ProbeSent{.sequence = ++sequence, .sent = now += 20ms, .kind = model::ProbeKind::Verify});
  for (int i = 0; i < 80; ++i) b.metrics.observe(model::ProbeSent{.sequence = ++sequence, .sent = now += 50ms, .kind = model::ProbeKind::Verify});
  for (int i = 0; i < 25; ++i) b.metrics.observe(model::ProbeSent{.sequence = ++sequence, .sent = now});
  CHECK(b(failures("timeout")) == 0);  // nobody has looked yet, and none was pushed out
  for (std::uint64_t s = 1; s <= sequence; ++s) b.metrics.observe(model::ProbeReply{.sequence = s, .rtt = 900ms});
  auto status = support::calm_status(b.site);
  status.now = now + 10s;
  b.metrics.update(status);
  CHECK(b(failures("timeout")) == 0);
}

TEST_CASE("metrics: overdue OPTIONS, stalls of the loop, the load of a trunk, and moves by motive") {
  Bench b;
  b.metrics.observe(model::SipOverdue{});
  b.metrics.observe(model::SipOverdue{.carrier = {9}});
  CHECK(b(R"(linekeeper_path_sip_overdue_total{carrier="north",circuit="fiber"})") == 1);
  b.metrics.observe(model::LoopStall{.from = model::Instant{10s}, .to = model::Instant{11500ms}});
  CHECK(b("linekeeper_loop_stalls_total") == 1);
  CHECK(b("linekeeper_loop_stalled_seconds_total") == 1.5);
  b.metrics.observe(model::TrunkLoad{.trunk = {0}, .calls = 12, .calls_per_second = 0.5});
  b.metrics.observe(model::TrunkLoad{.trunk = {9}, .calls = 99});
  CHECK(b(R"(linekeeper_trunk_calls{trunk="outbound"})") == 12);
  CHECK(b(R"(linekeeper_trunk_calls_per_second{trunk="outbound"})") == 0.5);
  for (const auto& e : support::sample_events()) b.metrics.on_event(e);
  CHECK(b(R"(linekeeper_moves_total{motive="escape",plane="routing"})") == 1);
  CHECK(b(R"(linekeeper_moves_total{motive="quality",plane="routing"})") == 0);
  b.metrics.on_event({.id = model::EventId::TrunkMoved, .subject = "trunk outbound", .fields = {{"motive", "suspicion"}}});
  CHECK(b(R"(linekeeper_moves_total{motive="suspicion",plane="trunk"})") == 1);
}

TEST_CASE("metrics: every guard that holds a decision back has its counter") {
  Bench b;
  auto status = support::calm_status(b.site);
  for (int g = 1; g < model::kGuardCount; ++g) status.suppressed[static_cast<model::Guard>(g)] = static_cast<std::uint64_t>(g);
  b.metrics.update(status);
  for (int g = 1; g < model::kGuardCount; ++g)
    CHECK(b(R"(linekeeper_decisions_suppressed_total{guard=")" + std::string(to_string(static_cast<model::Guard>(g))) + "\"}") == g);
}

TEST_CASE("metrics: an echo is a timeout when the longest timeout has passed, not before") {
  Bench b;
  auto status = support::calm_status(b.site);
  b.metrics.observe(model::ProbeSent{.sequence = 1, .sent = status.now});
  status.now += 1s;
  b.metrics.update(status);
  CHECK(b("linekeeper_probe_attempts_total" + kIcmp) == 1);
  CHECK(b(failures("timeout")) == 0);
  status.now += 1ns;
  b.metrics.update(status);
  b.metrics.update(status);
  CHECK(b(failures("timeout")) == 1);
}

TEST_CASE("metrics: an answer after the longest timeout is late and counted as one timeout, whoever looks first") {
  Bench b;
  auto status = support::calm_status(b.site);
  b.metrics.observe(model::ProbeSent{.sequence = 1, .sent = status.now});
  b.metrics.observe(model::ProbeReply{.sequence = 1, .rtt = 1s + 1ns});
  b.metrics.observe(model::ProbeSent{.sequence = 2, .sent = status.now});
  status.now += 2s;
  b.metrics.update(status);
  b.metrics.observe(model::ProbeReply{.sequence = 2, .rtt = 2s});
  CHECK(b("linekeeper_probe_late_total" + kIcmp) == 2);
  CHECK(b(failures("timeout")) == 2);
  b.metrics.observe(model::ProbeSent{.sequence = 3, .sent = status.now});
  b.metrics.observe(model::ProbeReply{.sequence = 3, .rtt = 1s});
  CHECK(b("linekeeper_probe_late_total" + kIcmp) == 2);
}

TEST_CASE("metrics: unanswered echoes are counted even when nobody looks for long") {
  Bench b;
  for (std::uint64_t i = 1; i <= 200; ++i) b.metrics.observe(model::ProbeSent{.sequence = i, .sent = model::Instant{i * 200ms}});
  auto status = support::calm_status(b.site);
  b.metrics.update(status);
  CHECK(b(failures("timeout")) == 200);
}

TEST_CASE("metrics: a local error is counted apart, an observation of nothing configured is ignored") {
  Bench b;
  b.metrics.observe(model::ProbeLocalError{.error = 105});
  CHECK(b(failures("local_error")) == 1);
  CHECK(b(failures("timeout")) == 0);
  b.metrics.observe(model::ProbeSent{.circuit = {99}, .target = {0}});
  b.metrics.observe(model::ProbeReply{.circuit = {0}, .target = {99}});
  b.metrics.observe(model::SipOutcome{.carrier = {7}, .circuit = {0}});
  b.metrics.observe(model::SipOutcome{.carrier = {0}, .circuit = {7}});
}

TEST_CASE("metrics: SIP codes are labels when registered, other when not") {
  CHECK(telemetry::sip_code_label(200) == "200");
  CHECK(telemetry::sip_code_label(608) == "608");
  for (const int code : {-1, 0, 99, 100, 199, 201, 299, 432, 609, 699, 700, 123456}) CHECK(telemetry::sip_code_label(code) == "other");
  Bench b;
  for (int code = 100; code < 1000; ++code) b.metrics.observe(model::SipOutcome{.result = model::SipResult::Final, .code = code});
  CHECK(b(R"(linekeeper_path_sip_responses_total{carrier="north",circuit="fiber",code="503"})") == 1);
  CHECK(b(R"(linekeeper_path_sip_responses_total{carrier="north",circuit="fiber",code="other"})") == 900 - 69);
}

TEST_CASE("metrics: outage time runs from the last good probe to the verified recovery, once") {
  Bench b;
  auto status = support::calm_status(b.site);
  b.metrics.update(status);
  model::Incident incident{.id = 1,
                           .subject = "voice",
                           .trigger = "automatic",
                           .last_good = status.now - 1s,
                           .detected = status.now,
                           .decided = status.now,
                           .rto_target = 7s};
  status.incidents = {incident};
  b.metrics.update(status);
  CHECK(b(kOutage) == doctest::Approx(1));
  CHECK(b(R"(linekeeper_service_available{plane="routing",service="voice"})") == 0);
  CHECK(b(R"(linekeeper_failover_in_progress{plane="routing",service="voice"})") == 1);
  b.metrics.on_incident(incident);  // opened: nothing is counted yet
  incident.applied = status.now + 5ms;
  incident.verified = status.now + 880ms;
  b.metrics.on_incident(incident);
  b.metrics.on_incident(incident);
  status.incidents = {incident};
  status.now += 1s;
  b.metrics.update(status);
  CHECK(b(kOutage) == doctest::Approx(1.88));
  CHECK(b(R"(linekeeper_service_available{plane="routing",service="voice"})") == 1);
  CHECK(b(R"(linekeeper_failover_duration_seconds_count{plane="routing",trigger="automatic"})") == 1);
  CHECK(b(R"(linekeeper_failover_last_duration_seconds{plane="routing",service="voice"})") == doctest::Approx(1.88));
}

TEST_CASE("metrics: a service that is down without an incident counts from when its way last worked, while it lasts") {
  Bench b;
  auto status = support::calm_status(b.site);
  status.circuits[0].verdict.health = model::Health::Down;
  status.circuits[0].last_good = status.now - 2s;
  b.metrics.update(status);
  status.now += 1s;
  b.metrics.update(status);
  CHECK(b(kOutage) == doctest::Approx(3));
  status.circuits[0].verdict.health = model::Health::Up;
  status.now += 5s;
  b.metrics.update(status);
  b.metrics.update(status);
  CHECK(b(kOutage) == doctest::Approx(3));
}

TEST_CASE("metrics: no outage is claimed from before our own start") {
  Bench b;
  auto status = support::calm_status(b.site);
  status.started = status.now - 1s;
  status.circuits[0].verdict.health = model::Health::Down;
  status.circuits[0].last_good = status.now - 50s;
  b.metrics.update(status);
  CHECK(b(kOutage) == doctest::Approx(1));
}

TEST_CASE("metrics: every RTO target is a bucket bound, and a breach is one above it") {
  Bench b;
  const auto text = b.metrics.serialize();
  CHECK(text.find(R"(failover_duration_seconds_bucket{plane="routing",trigger="automatic",le="7"})") != std::string::npos);
  CHECK(text.find(R"(failover_duration_seconds_bucket{plane="trunk",trigger="operator",le="17"})") != std::string::npos);
  const std::string breaches = R"(linekeeper_rto_breaches_total{plane="routing",service="voice",trigger="automatic"})";
  const std::string within = R"(linekeeper_failover_duration_seconds_bucket{plane="routing",trigger="automatic",le="7"})";
  model::Incident incident{.id = 1,
                           .subject = "voice",
                           .trigger = "automatic",
                           .last_good = model::Instant{10s},
                           .detected = model::Instant{11s},
                           .decided = model::Instant{11s},
                           .rto_target = 7s};
  incident.verified = model::Instant{17s};
  b.metrics.on_incident(incident);
  CHECK(b(breaches) == 0);
  CHECK(b(within) == 1);
  incident.id = 2;
  incident.verified = model::Instant{17s} + 1ns;
  b.metrics.on_incident(incident);
  CHECK(b(breaches) == 1);
}

TEST_CASE("metrics: a recovery that never comes is a breach when the target passes, and only once") {
  Bench b;
  const std::string breaches = R"(linekeeper_rto_breaches_total{plane="routing",service="voice",trigger="automatic"})";
  auto status = support::calm_status(b.site);
  status.incidents = {{.id = 1, .subject = "voice", .trigger = "automatic", .last_good = status.now - 7s, .rto_target = 7s}};
  b.metrics.update(status);
  CHECK(b(breaches) == 0);
  status.now += 1ns;
  b.metrics.update(status);
  b.metrics.update(status);
  status.incidents[0].verified = status.now + 1s;
  b.metrics.on_incident(status.incidents[0]);
  CHECK(b(breaches) == 1);
}

TEST_CASE("metrics: a circuit that fails can be a trunk's incident, and an outage that ends by itself has no phases it never had") {
  Bench b;
  model::Incident incident{.id = 1,
                           .mode = model::FailureMode::InternetCircuit,
                           .subject = "outbound",
                           .trigger = "automatic",
                           .last_good = model::Instant{10s},
                           .detected = model::Instant{11s},
                           .verified = model::Instant{14s},
                           .rto_target = 17s};
  b.metrics.on_incident(incident);
  CHECK(b(R"(linekeeper_failover_duration_seconds_count{plane="trunk",trigger="automatic"})") == 1);
  CHECK(b(R"(linekeeper_service_unavailable_seconds_total{plane="trunk",service="outbound"})") == doctest::Approx(4));
  CHECK(b(R"(linekeeper_failover_phase_duration_seconds_count{phase="detect",plane="trunk"})") == 1);
  CHECK(b(R"(linekeeper_failover_phase_duration_seconds_count{phase="decide",plane="trunk"})") == 0);
  auto status = support::calm_status(b.site);
  incident.verified.reset();
  incident.id = 2;
  status.incidents = {incident};
  b.metrics.update(status);
  CHECK(b(R"(linekeeper_failover_in_progress{plane="trunk",service="outbound"})") == 1);
  CHECK(b(R"(linekeeper_failover_in_progress{plane="routing",service="voice"})") == 0);
}

TEST_CASE("metrics: an override speaks of a service by name, by plane, or of everything") {
  Bench b;
  const auto active = [&](const char* subject) {
    auto status = support::calm_status(b.site);
    status.overrides = {{.id = 1, .kind = model::OverrideKind::Hold, .subject = subject, .until = status.wall + 1h}};
    b.metrics.update(status);
    return std::pair(b(R"(linekeeper_override_active{plane="routing",service="voice"})"),
                     b(R"(linekeeper_override_active{plane="trunk",service="outbound"})"));
  };
  CHECK(active("voice") == std::pair(1.0, 0.0));
  CHECK(active("routing") == std::pair(1.0, 0.0));
  CHECK(active("trunks") == std::pair(0.0, 1.0));
  CHECK(active("") == std::pair(1.0, 1.0));
  CHECK(active("other") == std::pair(0.0, 0.0));
}

TEST_CASE("metrics: a move is counted by from, to and trigger; names that are not configured become none") {
  Bench b;
  for (const auto& e : support::sample_events()) b.metrics.on_event(e);
  CHECK(b(R"(linekeeper_failovers_total{from="fiber",plane="routing",to="coax",trigger="automatic"})") == 1);
  CHECK(b(R"(linekeeper_decisions_total{outcome="moved",plane="routing"})") == 1);
  CHECK(b(R"(linekeeper_circuit_transitions_total{circuit="fiber",to="down"})") == 1);
  CHECK(b(R"(linekeeper_circuit_last_transition_timestamp_seconds{circuit="fiber"})") == doctest::Approx(1795313169.345));
  b.metrics.on_event({.id = model::EventId::TrunkMoved,
                      .subject = "trunk outbound",
                      .fields = {{"from", "evil\"}"}, {"to", "south via coax"}, {"motive", "forced"}}});
  CHECK(b(R"(linekeeper_failovers_total{from="none",plane="trunk",to="south",trigger="operator"})") == 1);
}

TEST_CASE("metrics: refusals and failures are counted by plane and phase") {
  Bench b;
  b.metrics.on_event({.id = model::EventId::PlanRefused, .subject = "switch"});
  b.metrics.on_event({.id = model::EventId::PlanFailed, .subject = "pbx kamailio"});
  b.metrics.on_event({.id = model::EventId::VerifyFailed, .subject = "outbound"});
  b.metrics.on_event({.id = model::EventId::GuardHeld, .subject = "voice"});
  CHECK(b(R"(linekeeper_failover_failures_total{phase="decide",plane="routing"})") == 1);
  CHECK(b(R"(linekeeper_failover_failures_total{phase="apply",plane="trunk"})") == 1);
  CHECK(b(R"(linekeeper_failover_failures_total{phase="verify",plane="trunk"})") == 1);
  CHECK(b(R"(linekeeper_decisions_total{outcome="held",plane="routing"})") == 1);
}

TEST_CASE("metrics: guards count the difference, and start over when the decision core does") {
  Bench b;
  const std::string held = R"(linekeeper_decisions_suppressed_total{guard="hold_down"})";
  auto status = support::calm_status(b.site);
  status.suppressed[model::Guard::HoldDown] = 3;
  b.metrics.update(status);
  b.metrics.update(status);
  CHECK(b(held) == 3);
  status.suppressed[model::Guard::HoldDown] = 1;
  b.metrics.update(status);
  CHECK(b(held) == 4);
}

TEST_CASE("metrics: what is lost of the recording is counted as the journal counts it") {
  Bench b;
  CHECK(b("linekeeper_recording_blocks_dropped_total") == 0);
  b.metrics.recording_blocks_dropped(3);
  b.metrics.recording_blocks_dropped(3);
  CHECK(b("linekeeper_recording_blocks_dropped_total") == 3);
  b.metrics.recording_blocks_dropped(4);
  CHECK(b("linekeeper_recording_blocks_dropped_total") == 4);
}

TEST_CASE("metrics: no request can make a series") {
  Bench b;
  const auto lines = [&] {
    const auto text = b.metrics.serialize();
    return std::count(text.begin(), text.end(), '\n');
  };
  const auto before = lines();
  b.metrics.api_request("/../../etc/passwd", 404);
  b.metrics.api_request("/api/v1/status", 299);
  b.metrics.actuator_operation("nobody");
  CHECK(lines() == before);
  CHECK(b(R"(linekeeper_api_requests_total{code="404",handler="other"})") == 1);
  CHECK(b(R"(linekeeper_api_requests_total{code="other",handler="status"})") == 1);
}

TEST_CASE("metrics: checks are counted by how they ended, what stands is a state set, and a certificate's end is a moment") {
  Bench b;
  const std::string of = R"({check="portal",circuit="fiber",result=")";
  CHECK(b("linekeeper_check_result" + of + "well\"}") == 0);
  for (const auto result : {model::CheckResult::Wrong, model::CheckResult::Wrong, model::CheckResult::LocalError})
    b.metrics.observe(model::CheckOutcome{.kind = model::CheckKind::Http, .check = "portal", .result = result});
  b.metrics.observe(model::CheckOutcome{.kind = model::CheckKind::Http, .check = "nobody", .result = model::CheckResult::Wrong});
  CHECK(b("linekeeper_check_runs_total" + of + "wrong\"}") == 2);
  CHECK(b("linekeeper_check_runs_total" + of + "local-error\"}") == 1);
  CHECK(b("linekeeper_check_runs_total" + of + "well\"}") == 0);
  model::Status s = support::calm_status(b.site);
  b.metrics.update(s);
  CHECK(b("linekeeper_check_result" + of + "well\"}") == 1);
  const double now = std::chrono::duration<double>(s.wall.time_since_epoch()).count();
  CHECK(b(R"(linekeeper_check_certificate_expiry_timestamp_seconds{check="portal",circuit="fiber"})") ==
        doctest::Approx(now + 82 * 86400 - 20).epsilon(1e-9));
  s.circuits[0].checks[0].standing = model::CheckResult::Wrong;
  s.shared_hops = {{.a = {0}, .b = {1}, .address = {}}};
  b.metrics.update(s);
  CHECK(b("linekeeper_check_result" + of + "well\"}") == 0);
  CHECK(b("linekeeper_check_result" + of + "wrong\"}") == 1);
  CHECK(b(R"(linekeeper_circuit_shared_hops{circuit="coax"})") == 1);
}

TEST_CASE("metrics: after a reload what is gone disappears and what stays keeps its counts") {
  Bench b;
  b.metrics.update(support::calm_status(b.site));
  b.metrics.observe(model::ProbeSent{.sequence = 1});
  b.metrics.observe(model::ProbeSent{.circuit = {1}, .sequence = 1});
  b.metrics.observe(model::SipOutcome{.result = model::SipResult::Final, .code = 486});
  b.metrics.config_reload(true, model::WallTime{5s});
  b.metrics.actuator_operation("switch");
  model::Site smaller = b.site;
  smaller.sha256 = "other";
  smaller.circuits.pop_back();
  smaller.classes[0].circuits.pop_back();
  smaller.checks[0].circuits.pop_back();
  smaller.classes[0].rto = 8s;
  smaller.trunks[0].members = {{model::CarrierId{0}, model::CircuitId{0}, 11}, {model::CarrierId{1}, model::CircuitId{0}, 21}};
  b.metrics.reconfigure(smaller);
  const auto text = b.metrics.serialize();
  CHECK(text.find("coax") == std::string::npos);
  CHECK(text.find("9f86d08") == std::string::npos);
  CHECK(text.find(R"(failover_duration_seconds_bucket{plane="routing",trigger="automatic",le="8"})") != std::string::npos);
  CHECK(b("linekeeper_probe_attempts_total" + kIcmp) == 1);
  CHECK(b(R"(linekeeper_path_sip_responses_total{carrier="north",circuit="fiber",code="486"})") == 1);
  CHECK(b("linekeeper_config_last_reload_success_timestamp_seconds") == 5);
  CHECK(b(R"(linekeeper_actuator_operations_total{actuator="switch"})") == 1);
  b.metrics.observe(model::ProbeSent{.sequence = 2});
  CHECK(b("linekeeper_probe_attempts_total" + kIcmp) == 2);
  b.metrics.reconfigure(b.site);
  CHECK(b(R"(linekeeper_probe_attempts_total{circuit="coax",probe="icmp:alpha"})") == 0);
}
