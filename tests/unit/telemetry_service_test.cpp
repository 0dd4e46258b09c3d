#include <doctest/doctest.h>

#include "controller/telemetry/attention.hpp"
#include "controller/telemetry/service.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Health;
using telemetry::ServiceState;

namespace {

ServiceState voice_state(const model::Status& s) { return telemetry::services(s).at(0).state; }
ServiceState trunk_state(const model::Status& s) { return telemetry::services(s).at(1).state; }

bool says(const model::Status& s, std::string_view part) {
  for (const auto& sentence : telemetry::attention(s, telemetry::services(s)))
    if (sentence.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("service: all up on the first choice is ok and needs nobody") {
  const auto status = support::calm_status(support::sample_site());
  CHECK(voice_state(status) == ServiceState::Ok);
  CHECK(trunk_state(status) == ServiceState::Ok);
  CHECK(telemetry::worst(telemetry::services(status)) == ServiceState::Ok);
  CHECK(telemetry::attention(status, telemetry::services(status)).empty());
}

TEST_CASE("service: up but not the first choice is degraded") {
  auto status = support::calm_status(support::sample_site());
  status.plan.classes[0].circuit = model::CircuitId{1};
  CHECK(voice_state(status) == ServiceState::Degraded);
  CHECK_FALSE(says(status, "second way"));
}

TEST_CASE("service: the first choice without a second way left is degraded, and the page says so") {
  auto status = support::calm_status(support::sample_site());
  status.circuits[1].verdict.health = Health::Down;
  CHECK(voice_state(status) == ServiceState::Degraded);
  CHECK(telemetry::services(status)[0].ways_left == 1);
  CHECK(says(status, "voice has no second way left (1 of 2 circuits works)"));
}

TEST_CASE("service: one way configured, one way up is ok: it never had a second") {
  auto site = support::sample_site();
  site.classes[0].circuits = {model::CircuitId{0}};
  CHECK(voice_state(support::calm_status(site)) == ServiceState::Ok);
}

TEST_CASE("service: the health of the way it goes by decides down, unknown and degraded") {
  auto status = support::calm_status(support::sample_site());
  status.circuits[0].verdict.health = Health::Down;
  CHECK(voice_state(status) == ServiceState::Down);
  status.circuits[0].verdict.health = Health::Unknown;
  CHECK(voice_state(status) == ServiceState::Unknown);
  status.circuits[0].verdict.health = Health::Degraded;
  CHECK(voice_state(status) == ServiceState::Degraded);
}

TEST_CASE("service: a trunk on its first carrier by a circuit that is not the first is degraded") {
  auto status = support::calm_status(support::sample_site());
  std::swap(status.plan.trunks[0].order[0], status.plan.trunks[0].order[1]);
  CHECK(trunk_state(status) == ServiceState::Degraded);
}

TEST_CASE("service: a trunk member that follows its class is the first choice by whatever circuit") {
  auto site = support::sample_site();
  site.trunks[0].members = {{model::CarrierId{0}, std::nullopt, 1}, {model::CarrierId{1}, std::nullopt, 2}};
  auto status = support::calm_status(site);
  status.plan.classes[0].circuit = model::CircuitId{1};
  CHECK(trunk_state(status) == ServiceState::Ok);
}

TEST_CASE("service: the site is as bad as its worst service, and down is worse than degraded, unknown and ok") {
  auto status = support::calm_status(support::sample_site());
  status.circuits[0].verdict.health = Health::Down;
  CHECK(telemetry::worst(telemetry::services(status)) == ServiceState::Down);
  CHECK(telemetry::worst({}) == ServiceState::Unknown);
}

TEST_CASE("service: a status from before the first decision is unknown, not a crash") {
  model::Status status;
  CHECK(telemetry::services(status).empty());
  status.site = std::make_shared<const model::Site>(support::sample_site());
  CHECK(voice_state(status) == ServiceState::Unknown);
  CHECK(trunk_state(status) == ServiceState::Unknown);
  CHECK(telemetry::services(status)[0].via.empty());
}

TEST_CASE("attention: all circuits down says so first and does not blame the carriers") {
  auto status = support::calm_status(support::sample_site());
  for (auto& c : status.circuits) c.verdict.health = Health::Down;
  for (auto& c : status.carriers) c.verdict.health = Health::Down;
  const auto sentences = telemetry::attention(status, telemetry::services(status));
  REQUIRE_FALSE(sentences.empty());
  CHECK(sentences[0].starts_with("All circuits are down: nothing is moved"));
  CHECK_FALSE(says(status, "All SIP carriers"));
  status.circuits[0].verdict.health = Health::Up;
  CHECK(says(status, "All SIP carriers are down"));
}

TEST_CASE("attention: a lost switch and a lost or unsynchronised PBX name what to do") {
  auto status = support::calm_status(support::sample_site());
  status.route_switch.connected = false;
  status.pbxs[0].connected = false;
  CHECK(says(status, "routes stay as they are"));
  CHECK(says(status, "systemctl restart linekeeper-switch"));
  CHECK(says(status, "PBX kamailio does not answer"));
  status.pbxs[0] = {.name = "kamailio", .connected = true, .in_sync = false, .detail = "order reads 21,11"};
  CHECK(says(status, "PBX kamailio is not in sync (order reads 21,11)"));
}

TEST_CASE("attention: an override is announced from ten minutes before its end") {
  auto status = support::calm_status(support::sample_site());
  status.overrides = {{.id = 5, .subject = "voice", .to = "coax", .owner = "uid 0 (root)", .until = status.wall + 10min + 1ms}};
  CHECK_FALSE(says(status, "Override 5"));
  status.overrides[0].until = status.wall + 10min;
  CHECK(says(status, "Override 5 by uid 0 (root) on voice ends in 10m"));
  status.overrides[0].until = status.wall + 10min - 1ms;
  CHECK(says(status, "Override 5"));
}

TEST_CASE("attention: an override that holds a service on a dead way is named with its release") {
  auto status = support::calm_status(support::sample_site());
  status.overrides = {{.id = 5, .subject = "voice", .to = "coax", .owner = "uid 0 (root)", .until = status.wall + 1h}};
  CHECK_FALSE(says(status, "which is down"));
  status.circuits[1].verdict.health = Health::Down;
  CHECK(says(status, "holds voice on coax, which is down. Do: linekeeper release voice"));
}

TEST_CASE("attention: a recovery that is not verified is named, and missed once the target has passed") {
  auto status = support::calm_status(support::sample_site());
  status.incidents = {
      {.id = 1, .subject = "voice", .failed = "circuit fiber", .trigger = "automatic", .last_good = status.now - 7s, .rto_target = 7s}};
  CHECK(says(status, "has not been verified after 7.0s (target 7.0s)."));
  status.incidents[0].last_good = status.now - 7s - 1ms;
  CHECK(says(status, "the target is missed"));
  status.incidents[0].verified = status.now;
  CHECK_FALSE(says(status, "not been verified"));
}

TEST_CASE("human: durations change their unit at the limits") {
  using telemetry::human;
  CHECK(human(-1s) == "0.0s");
  CHECK(human(812ms) == "0.8s");
  CHECK(human(9949ms) == "9.9s");
  CHECK(human(9950ms) == "10s");
  CHECK(human(59400ms) == "59s");
  CHECK(human(59500ms) == "1m");
  CHECK(human(3599s) == "59m");
  CHECK(human(3600s) == "1h 0m");
  CHECK(human(86399s) == "23h 59m");
  CHECK(human(86400s) == "1d 0h");
}
