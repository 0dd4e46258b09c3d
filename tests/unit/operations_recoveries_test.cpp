#include <doctest/doctest.h>

#include "controller/operations/recoveries.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;
using model::EventId;
using operations::Plane;
using operations::Recoveries;

namespace {

/// Feeds the recoveries what the daemon would: each plan as it is decided, with the status of that moment.
struct Followed {
  explicit Followed(model::Site of = two_by_two()) : site(of), settings(std::move(of)) {}

  VirtualSite site;
  model::Site settings;
  Recoveries recoveries{settings};
  std::vector<model::Event> told;
  std::size_t seen = 0;

  void run(Duration span) {
    const Instant end = site.now() + span;
    while (site.now() < end) {
      site.run(10ms);
      for (; seen < site.plans.size(); ++seen) keep(recoveries.on_plan(site.plans[seen], site.status(), model::WallTime{1s}));
      keep(recoveries.on_status(site.status()));
    }
  }
  void keep(std::vector<model::Event> events) { told.insert(told.end(), events.begin(), events.end()); }
  [[nodiscard]] int count(EventId id) const {
    return static_cast<int>(std::count_if(told.begin(), told.end(), [id](const auto& e) { return e.id == id; }));
  }
  void carried_out() {
    const auto generation = site.plans.back().generation;
    keep(recoveries.on_applied(Plane::Routing, std::nullopt, generation, site.now()));
    keep(recoveries.on_applied(Plane::Trunk, 0, generation, site.now()));
  }
};

}  // namespace

TEST_CASE("recoveries: a black hole is one incident for the class, timed from the last good probe to the proof") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));
  CHECK(f.count(EventId::IncidentOpened) == 0);  // a first choice is no outage

  const Instant fault = f.site.now();
  f.site.black_hole(0);
  f.run(2s);
  model::Status status = f.site.status();
  f.recoveries.fill(status);
  const auto& incident = status.incidents.back();  // the trunk's came after it
  CHECK(incident.subject == "voice");
  CHECK(incident.failed == "circuit fiber");
  CHECK(incident.moved_to == "coax");
  CHECK(std::chrono::abs(incident.last_good - fault) <= 200ms);
  CHECK(incident.detected > fault);
  CHECK_FALSE(incident.verified.has_value());
  CHECK(f.recoveries.progress(Plane::Routing, 0).applied.has_value() == false);
  CHECK_FALSE(f.recoveries.wants_verification(Plane::Routing, 0));

  f.carried_out();
  CHECK(f.recoveries.wants_verification(Plane::Routing, 0));
  f.run(100ms);
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));
  CHECK(f.count(EventId::IncidentClosed) == 1);
  f.recoveries.fill(status);
  CHECK(*status.incidents.back().recovery() == f.site.now() - status.incidents.back().last_good);
  CHECK(status.class_carried[0].last_recovery == status.incidents.back().recovery());
  CHECK(status.class_carried[0].verified);
}

TEST_CASE("recoveries: a class that shares and loses a circuit that is not its first is hit, once, until what was there is proven to pass") {
  auto site = two_by_two();
  model::TrafficClass data = site.classes[0];
  data.name = "data";
  data.table = 7209;
  data.codec = model::Codec::None;
  data.limits.reset();
  data.match.mark = 0x20;
  data.weights = {3, 1};
  site.classes.push_back(data);
  Followed f(std::move(site));
  f.site.start_empty();
  f.run(60s);
  f.carried_out();
  f.keep(f.recoveries.on_verified(Plane::Routing, 1, f.site.now()));
  REQUIRE(f.site.plans.back().classes[1].shares.size() == 2);
  CHECK(f.count(EventId::IncidentOpened) == 0);
  f.site.black_hole(1);
  f.run(2s);
  CHECK(f.count(EventId::IncidentOpened) == 1);
  model::Status status = f.site.status();
  f.recoveries.fill(status);
  REQUIRE_FALSE(status.incidents.empty());
  CHECK(status.incidents.back().failed == "circuit coax");
  CHECK(status.incidents.back().moved_to == "fiber");
  CHECK_FALSE(f.recoveries.wants_verification(Plane::Routing, 1));
  f.carried_out();
  REQUIRE(f.recoveries.wants_verification(Plane::Routing, 1));
  f.keep(f.recoveries.on_verified(Plane::Routing, 1, f.site.now()));
  CHECK(f.count(EventId::IncidentClosed) == 1);
  f.site.black_hole(1, false);
  f.run(80s);
  REQUIRE(f.site.plans.back().classes[1].shares.size() == 2);
  CHECK(f.count(EventId::IncidentOpened) == 1);  // its coming back is none
}

TEST_CASE("recoveries: the trunk's move away from a dead circuit is booked on the circuit, away from a silent carrier on the carrier") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.site.black_hole(0);
  f.run(3s);
  model::Status status = f.site.status();
  f.recoveries.fill(status);
  CHECK(status.incidents.front().subject == "outbound");
  CHECK(status.incidents.front().mode == model::FailureMode::InternetCircuit);
  CHECK(status.incidents.front().moved_to == "north via coax");

  Followed g;
  g.site.start_empty();
  g.run(30s);
  g.site.silence_carrier(0);
  g.run(4s);
  status = g.site.status();
  g.recoveries.fill(status);
  CHECK(status.incidents.size() == 1);
  CHECK(status.incidents.front().mode == model::FailureMode::SipTrunk);
  CHECK(status.incidents.front().failed == "north via fiber");
  CHECK(status.incidents.front().moved_to == "south via fiber");
}

TEST_CASE("recoveries: a trunk led around a silent circuit is hit only once that is dead, and was well again since it was led around") {
  for (const bool dies : {false, true}) {
    CAPTURE(dies);
    Followed f;
    f.site.start_empty();
    f.run(30s);
    const Instant fault = f.site.now();
    f.site.black_hole(0);
    while (f.site.status().plan.trunks[0].motive != model::Motive::Suspicion && f.site.now() < fault + 2s) f.run(10ms);
    REQUIRE(f.site.status().plan.trunks[0].motive == model::Motive::Suspicion);
    const Instant decided = f.site.plans.back().decided;
    f.carried_out();
    f.keep(f.recoveries.on_verified(Plane::Trunk, 0, f.site.now()));
    const Instant proven = f.site.now();
    CHECK(f.count(EventId::IncidentOpened) == 0);

    f.site.black_hole(0, dies);
    f.run(3s);
    model::Status status = f.site.status();
    f.recoveries.fill(status);
    const auto hit = std::ranges::find(status.incidents, "outbound", &model::Incident::subject);
    REQUIRE((hit != status.incidents.end()) == dies);
    if (!dies) continue;
    CHECK(hit->mode == model::FailureMode::InternetCircuit);
    CHECK(hit->failed == "north via fiber");
    CHECK(hit->moved_to == "north via coax");
    CHECK(std::chrono::abs(hit->last_good - fault) <= 200ms);
    CHECK(hit->detected == decided);
    CHECK(hit->decided == decided);
    CHECK(hit->verified == proven);
    CHECK(std::ranges::count(status.incidents, "outbound", &model::Incident::subject) == 1);
  }
}

TEST_CASE("recoveries: an outage with no way out is an incident that closes when the way itself comes back") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.site.black_hole(0);
  f.site.black_hole(1);
  f.run(5s);
  f.keep(f.recoveries.on_all_bad(Plane::Routing, 0, f.site.status(), model::WallTime{2s}));
  f.keep(f.recoveries.on_all_bad(Plane::Routing, 0, f.site.status(), model::WallTime{2s}));
  CHECK(f.count(EventId::IncidentOpened) == 1);
  f.keep(f.recoveries.on_status(f.site.status()));
  CHECK(f.count(EventId::IncidentClosed) == 0);
  f.site.black_hole(0, false);
  f.run(5s);
  f.keep(f.recoveries.on_status(f.site.status()));
  CHECK(f.count(EventId::IncidentClosed) == 1);
}

TEST_CASE("recoveries: what the switch refuses is told once, and is no longer so when it is done") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  f.site.black_hole(0);
  f.run(2s);
  const auto generation = f.site.plans.back().generation;
  f.keep(f.recoveries.on_failed(Plane::Routing, std::nullopt, generation, "refused by guard rate_limit", f.site.now(), true));
  f.keep(f.recoveries.on_failed(Plane::Routing, std::nullopt, generation, "refused by guard rate_limit", f.site.now(), true));
  CHECK(f.count(EventId::PlanRefused) == 1);
  CHECK(f.recoveries.progress(Plane::Routing, 0).detail == "refused by guard rate_limit");
  f.carried_out();
  CHECK(f.recoveries.progress(Plane::Routing, 0).detail.empty());
}

TEST_CASE("recoveries: an acknowledgement of an older generation is not taken for the present one") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  const auto old = f.site.plans.back().generation;
  f.site.black_hole(0);
  f.run(2s);
  f.keep(f.recoveries.on_applied(Plane::Routing, std::nullopt, old, f.site.now()));
  CHECK_FALSE(f.recoveries.wants_verification(Plane::Routing, 0));
}

TEST_CASE("recoveries: an operator's move has a clock and is no outage") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  f.site.order({{.id = 1, .subject = "voice", .to = "coax"}});
  f.run(100ms);
  CHECK(f.count(EventId::IncidentOpened) == 0);
  f.carried_out();
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));
  CHECK(f.count(EventId::RoutingVerified) == 1);
  model::Status status = f.site.status();
  f.recoveries.fill(status);
  REQUIRE(status.incidents.size() == 1);
  CHECK(status.incidents.front().trigger == "operator");
  CHECK(status.class_carried[0].last_recovery.has_value() == false);
}

TEST_CASE("recoveries: a way whose own probes count and are silent is an incident, until the class is proven to pass where it was led") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  const auto fails = [&](bool counts) {
    f.keep(f.recoveries.on_verify_failed(Plane::Routing, 0, "silent", counts, model::WallTime{2s}, f.site.now()));
  };
  fails(false);  // nobody may answer such probes at all
  CHECK(f.count(EventId::VerifyFailed) == 1);
  CHECK(f.count(EventId::IncidentOpened) == 0);
  fails(true);
  CHECK(f.count(EventId::VerifyFailed) == 1);  // said already
  CHECK(f.count(EventId::IncidentOpened) == 1);
  fails(true);
  CHECK(f.count(EventId::IncidentOpened) == 1);
  f.run(1s);  // its circuit is well, which closes nothing
  CHECK(f.count(EventId::IncidentClosed) == 0);
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));
  CHECK(f.count(EventId::IncidentClosed) == 1);
  model::Status status = f.site.status();
  f.recoveries.fill(status);
  CHECK(status.incidents.front().failed == "the way by fiber");
  fails(true);  // proven meanwhile
  CHECK(f.count(EventId::IncidentOpened) == 1);
}

TEST_CASE("recoveries: an incident gets the name of what failed, once it is named, and keeps it") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.carried_out();
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));
  f.site.black_hole(0);
  const auto name = [&] {
    model::Status status = f.site.status();
    f.keep(f.recoveries.on_status(status));
    f.recoveries.fill(status);
    for (const auto& i : status.incidents)
      if (i.subject == "voice") return i.diagnosis;
    return std::string("no incident");
  };
  while (name() == "no incident") f.run(10ms);
  CHECK(name().empty());  // a diagnosis settles first
  f.carried_out();
  f.keep(f.recoveries.on_verified(Plane::Routing, 0, f.site.now()));  // and the incident is over sooner
  CHECK(f.count(EventId::IncidentClosed) == 1);
  f.run(1s);
  const std::string named = name();
  CHECK(named.find("fiber: ") == 0);
  CHECK(named.ends_with(": call ISP One."));
  f.site.black_hole(1);
  f.run(3s);
  CHECK(name() == named);
}

TEST_CASE("recoveries: what is wrong with another circuit, or with a target, is not the name of an incident") {
  Followed f;
  f.site.start_empty();
  f.run(30s);
  f.site.black_hole(0);
  f.run(2s);
  model::Status status = f.site.status();
  status.diagnoses = {{.failed = model::Failed::Brownout, .circuit = model::CircuitId{1}, .sentence = "coax."},
                      {.failed = model::Failed::TargetPath, .circuit = model::CircuitId{0}, .target = model::TargetId{1}, .sentence = "beta."},
                      {.failed = model::Failed::Resolver, .circuit = model::CircuitId{0}, .sentence = "resolver."},
                      {.failed = model::Failed::Peering, .circuit = model::CircuitId{0}, .carrier = model::CarrierId{1}, .sentence = "south."}};
  const auto of = [&](const char* subject) {
    f.keep(f.recoveries.on_status(status));
    f.recoveries.fill(status);
    for (const auto& i : status.incidents)
      if (i.subject == subject) return i.diagnosis;
    return std::string("no incident");
  };
  for (const char* subject : {"voice", "outbound"})
    for (const char* another : {"coax.", "beta.", "resolver.", "south."}) CHECK(of(subject) != another);
  status.diagnoses.push_back({.failed = model::Failed::Gateway, .circuit = model::CircuitId{0}, .sentence = "fiber's gateway."});
  CHECK(of("voice") == "fiber's gateway.");
  CHECK(of("outbound") == "fiber's gateway.");
  status.diagnoses.insert(status.diagnoses.begin(), {.failed = model::Failed::Site, .sentence = "Our own power."});
  CHECK(of("voice") == "Our own power.");  // a better name
}
