#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "controller/telemetry/status_json.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::string keys(const json::value& object) {
  std::string out;
  for (const auto& kv : object.as_object()) out += std::string(kv.key()) + " ";
  return out;
}

}  // namespace

TEST_CASE("status document: it has the keys of the contract, in its order") {
  const auto site = support::sample_site();
  const json::value doc = telemetry::status_json(support::busy_status(site));
  CHECK(keys(doc) ==
        "schema site version mode state now uptime_s services diagnoses circuits shared_hops carriers connections resolvers overrides actuators "
        "incidents "
        "attention ");
  const std::string service =
      "plane name state via motive reason since_s ways_left ways rto_target_s last_rto_s last_rto_met applied verified detail ";
  CHECK(keys(doc.at("services").at(0)) == service);
  CHECK(keys(doc.at("services").at(1)) == service + "order ");
  CHECK(keys(doc.at("services").at(1).at("order").at(0)) == "carrier circuit set eligible state ");
  CHECK(keys(doc.at("circuits").at(0)) ==
        "name state cause reason since_s active suspect hold_down_s rtt_ms jitter_ms loss_ratio mos r_factor burst_ratio samples detectors metered "
        "probe_bytes_month priority provider medium interface link address gateway gateway_state outbound inbound resolver_answers targets checks ");
  CHECK(keys(doc.at("circuits").at(0).at("checks").at(0)) == "name kind result since_s ago_s took_ms code certificate_left_s address hops detail ");
  CHECK(keys(doc.at("circuits").at(0).at("detectors")) ==
        "silent_s suspect_after_s dead_after_s learned_over_s lossy lossy_alarm bursty bursty_alarm shortest_rtt_ms usual_rtt_ms interval_ms "
        "verify_left ");
  CHECK(keys(doc.at("diagnoses").at(0)) == "failed circuit carrier target mode since_s evidence sentence call ");
  CHECK(keys(doc.at("circuits").at(0).at("targets").at(0)) ==
        "name address method port last_code rtt_ms loss_ratio losses_in_a_row samples set_aside outbound inbound ");
  CHECK(keys(doc.at("carriers").at(0)) == "name state reason since_s active priority provider address transport last_code paths ");
  CHECK(
      keys(doc.at("carriers").at(0).at("paths").at(0)) ==
      "circuit state cause reason since_s rtt_ms last_code usual_code reachable authorised takes_calls seen_from seen_from_elsewhere selected calls "
      "fault certificate_ends lookup endpoints ");
  CHECK(keys(doc.at("overrides").at(0)) == "id kind subject to owner reason since until ");
  CHECK(keys(doc.at("actuators").at(0)) == "name connected in_sync detail ");
  CHECK(keys(doc.at("incidents").at(0)) ==
        "id mode subject diagnosis failed moved_to trigger opened detected_s decided_s applied_s verified_s rto_target_s rto_s met ");
}

TEST_CASE("status document: values of a site in the middle of things") {
  const auto site = support::sample_site();
  const json::value doc = telemetry::status_json(support::busy_status(site));
  CHECK(doc.at("state") == "degraded");
  CHECK(doc.at("now") == "2026-11-22T02:06:21.345Z");
  CHECK(doc.at("uptime_s").as_double() == 3600);
  const auto& voice = doc.at("services").at(0);
  CHECK(voice.at("via") == "coax");
  CHECK(voice.at("motive") == "escape");
  CHECK(voice.at("since_s").as_double() == 12);
  CHECK(voice.at("last_rto_s").as_double() == 0.812);
  CHECK(voice.at("last_rto_met") == true);
  CHECK(doc.at("services").at(1).at("order").at(0).at("circuit") == "coax");
  CHECK(doc.at("services").at(1).at("last_rto_met").is_null());
  CHECK(doc.at("circuits").at(0).at("rtt_ms").as_double() == 12.3);
  CHECK(doc.at("circuits").at(0).at("loss_ratio").as_double() == 0.34);
  CHECK(doc.at("circuits").at(0).at("mos").as_double() == 1.993);
  CHECK(doc.at("carriers").at(0).at("address") == "192.0.2.70:5060");
  const auto& incident = doc.at("incidents").at(0);
  CHECK(incident.at("mode") == "internet-circuit");
  CHECK(incident.at("detected_s").as_double() == 0.5);
  CHECK(incident.at("rto_s").as_double() == 0.812);
  CHECK(incident.at("met") == true);
  CHECK(doc.at("incidents").at(1).at("met") == false);
}

TEST_CASE("status document: a brownout, a suspicion, a target that does not count and what they are called") {
  const auto site = support::sample_site();
  const json::value doc = telemetry::status_json(support::troubled_status(site));
  const auto& fiber = doc.at("circuits").at(0);
  CHECK(fiber.at("state") == "degraded");
  CHECK(fiber.at("suspect") == false);
  CHECK(fiber.at("hold_down_s").as_double() == 540);
  CHECK(fiber.at("burst_ratio").as_double() == 2.4);
  CHECK(fiber.at("r_factor").as_double() == 41.2);
  CHECK(fiber.at("detectors").at("bursty").as_double() == 16.2);
  CHECK(fiber.at("detectors").at("dead_after_s").as_double() == 0.91);
  CHECK(fiber.at("detectors").at("learned_over_s").as_double() == 18000);
  CHECK(fiber.at("targets").at(0).at("set_aside") == "no");
  CHECK(fiber.at("targets").at(1).at("set_aside") == "dead");
  CHECK(fiber.at("probe_bytes_month").is_null());
  const auto& coax = doc.at("circuits").at(1);
  CHECK(coax.at("suspect") == true);
  CHECK(coax.at("gateway_state") == "doubtful");
  CHECK(coax.at("resolver_answers").is_null());
  CHECK(coax.at("detectors").at("silent_s").as_double() == 0.41);
  // Every 5 s 52 bytes each way, and two carriers every 15 s with a thousand: 30 days of that.
  CHECK(coax.at("probe_bytes_month").as_int64() == 104 * 518400 + 2 * 1000 * 172800);
  const auto& brownout = doc.at("diagnoses").at(0);
  CHECK(brownout.at("failed") == "brownout");
  CHECK(brownout.at("circuit") == "fiber");
  CHECK(brownout.at("carrier").is_null());
  CHECK(brownout.at("mode") == "internet-circuit");
  CHECK(brownout.at("since_s").as_double() == 11);
  CHECK(doc.at("diagnoses").at(1).at("target") == "beta");
  CHECK(doc.at("diagnoses").at(1).at("mode") == "none");
}

TEST_CASE("status document: a figure that is not known yet is null") {
  const auto site = support::sample_site();
  auto status = support::calm_status(site);
  status.circuits[0].figures = {};
  status.circuits[0].link = {};
  status.carriers[0].last_code = 0;
  status.plan.classes[0].circuit.reset();
  const json::value doc = telemetry::status_json(status);
  for (const char* key : {"rtt_ms", "jitter_ms", "loss_ratio", "mos", "r_factor", "burst_ratio", "address", "gateway"})
    CHECK(doc.at("circuits").at(0).at(key).is_null());
  CHECK(doc.at("circuits").at(0).at("link") == "missing");
  CHECK(doc.at("carriers").at(0).at("last_code").is_null());
  CHECK(doc.at("services").at(0).at("via").is_null());
  CHECK(doc.at("services").at(0).at("since_s").is_null());
  CHECK(doc.at("services").at(0).at("last_rto_s").is_null());
}

TEST_CASE("status document: an incident is missed as soon as its target has passed, met only when verified") {
  const auto site = support::sample_site();
  auto status = support::busy_status(site);
  auto& incident = status.incidents[0];
  const auto met = [&] { return telemetry::status_json(status).at("incidents").at(0).at("met"); };
  incident.verified = incident.last_good + 7s;
  CHECK(met() == true);
  incident.verified = incident.last_good + 7s + 1ns;
  CHECK(met() == false);
  incident.verified.reset();
  status.now = incident.last_good + 7s;
  CHECK(met().is_null());
  status.now += 1ns;
  CHECK(met() == false);
}

TEST_CASE("status document: before the first decision, and without a site, it is still a document") {
  model::Status status;
  CHECK(telemetry::status_json(status).at("state") == "unknown");
  status.site = std::make_shared<const model::Site>(support::sample_site());
  const json::value doc = telemetry::status_json(status);
  CHECK(doc.at("services").as_array().size() == 2);
  CHECK(doc.at("circuits").as_array().empty());
}

TEST_CASE("event document: the contract's keys") {
  const json::value doc = telemetry::event_json(support::sample_events().at(1));
  CHECK(json::serialize(doc) ==
        R"({"sequence":41,"id":"circuit.down","severity":"alert","time":"2026-11-22T02:06:09.345Z","subject":"circuit fiber",)"
        R"("text":"7 probes in a row unanswered by 3 targets","fields":{"losses":"7"}})");
}
