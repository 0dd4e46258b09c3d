#include <doctest/doctest.h>

#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;

namespace {

std::string told(const VirtualSite& site, std::string_view subject) {
  model::Status status = site.status();
  status.route_switch.connected = true;
  std::string text;
  for (const auto& line : decision::explain(status, subject).value_or(std::vector<std::string>{"no such name"})) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("words: durations as people say them") {
  CHECK(decision::words(400ms) == "0.4 s");
  CHECK(decision::words(12s) == "12 s");
  CHECK(decision::words(59s) == "59 s");
  CHECK(decision::words(60s) == "1m");
  CHECK(decision::words(371s) == "6m11s");
  CHECK(decision::words(600s + 5s) == "10m");
  CHECK(decision::words(2h + 5min) == "2h05m");
  CHECK(decision::words(24h * 41) == "41d");
  CHECK(decision::words(-5s) == "0.0 s");
}

TEST_CASE("explain: says which way, why, what the others lack, and what would happen next") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  CHECK(told(site, "voice") ==
        "voice goes by fiber, the most preferred circuit that is up; answered by 3 of 3 targets.\n"
        "  coax       up, less preferred: answered by 3 of 3 targets\n"
        "If fiber fails now -> coax.\n");
  site.black_hole(0);
  site.run(12s);
  CHECK(told(site, "routing") ==
        "voice left a dead circuit for coax; answered by 3 of 3 targets.\n"
        "  fiber      down for 11 s: 92 probes in a row unanswered by 3 of 3 targets\n"
        "If coax fails now there is no second way: traffic stays on coax and an alarm is raised.\n");
}

TEST_CASE("explain: the next way is the one that policy would take: not one that shares the risk, nor a metered one while there is another") {
  const auto next = [](auto change) {
    auto site = two_by_two();
    site.circuits.push_back(site.circuits[1]);
    site.circuits[2].name = "lte";
    site.circuits[2].interface = "wan-c";
    site.circuits[2].table = 7103;
    site.classes[0].circuits = {model::CircuitId{0}, model::CircuitId{1}, model::CircuitId{2}};
    change(site);
    VirtualSite virtual_site(std::move(site));
    virtual_site.start_empty();
    virtual_site.run(10s);
    const std::string text = told(virtual_site, "voice");
    return text.substr(text.find("If "));
  };
  CHECK(next([](model::Site&) {}) == "If fiber fails now -> coax.\n");
  CHECK(next([](model::Site& s) { s.circuits[0].risk_groups = s.circuits[1].risk_groups = {"street"}; }) == "If fiber fails now -> lte.\n");
  const auto metered = [](model::Site& s) { s.circuits[1].metered = s.classes[0].avoid_metered = true; };
  CHECK(next(metered) == "If fiber fails now -> lte.\n");
}

TEST_CASE("explain: a name that does not exist gets no answer") {
  VirtualSite site;
  CHECK_FALSE(decision::explain(site.status(), "fibre").has_value());
  CHECK(decision::explain(site.status(), "").has_value());
}

TEST_CASE("explain: one silent target is named, and that it moves nothing") {
  VirtualSite site;
  site.start_empty();
  site.kill_target(1);
  site.run(30s);
  CHECK(told(site, "fiber").find("answered by 2 of 3 targets") != std::string::npos);
  CHECK(told(site, "fiber").find("beta (") != std::string::npos);
  CHECK(told(site, "fiber").find("guard corroboration") != std::string::npos);
}

TEST_CASE("explain: carriers tell circuit by circuit") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.silence_path(0, 0);
  site.run(6s);
  const std::string text = told(site, "north");
  CHECK(text.find("answers through coax; through fiber down for") != std::string::npos);
  CHECK(text.find("OPTIONS unanswered") != std::string::npos);
}

namespace {

/// A circuit that lives: alpha, beta and gamma answer, and it is well.
model::CircuitStatus living(const model::Site& site) {
  model::CircuitStatus c{.verdict = {model::Health::Up, model::Cause::Answering, 0, Instant{100s}}};
  c.figures.samples = 50;
  c.detectors = {.suspect_after = 300ms, .dead_after = 910ms, .learned_over = 5h, .shortest_rtt = 210ms, .usual_rtt = 9ms};
  for (const model::TargetId t : site.circuits[0].targets) {
    c.targets.push_back({.target = t});
    c.targets.back().figures.samples = 17;
  }
  return c;
}

std::string clause(const model::CircuitStatus& c) { return decision::circuit_clause(two_by_two(), c, Instant{112s}); }

}  // namespace

TEST_CASE("words: a circuit that is degraded says by what, and for how long") {
  auto c = living(two_by_two());
  c.verdict = {model::Health::Degraded, model::Cause::Lossy, 0, Instant{100s}};
  c.figures.loss_ratio = 0.31;
  CHECK(clause(c) == "degraded for 12 s: loses 31.0 % of its probes");
  c.verdict.cause = model::Cause::Bursty;
  CHECK(clause(c) == "degraded for 12 s: loses 31.0 % of its probes in bursts");
  c.figures.loss_ratio = 0;
  CHECK(clause(c) == "degraded for 12 s: has lost probes in bursts, none of the last 50");
  c.verdict.cause = model::Cause::Delayed;
  CHECK(clause(c) == "degraded for 12 s: its shortest round trip grew from 9.0 ms to 210 ms");
  c.detectors.usual_rtt.reset();
  CHECK(clause(c) == "degraded for 12 s: its shortest round trip has grown");
  c.verdict.since = Instant{112s};
  CHECK(clause(c) == "degraded: its shortest round trip has grown");
}

TEST_CASE("words: a silent circuit says for how long, and when it will be called down") {
  auto c = living(two_by_two());
  c.suspect = true;
  c.detectors.silent = 410ms;
  for (auto& t : c.targets) t.figures.losses_in_a_row = 4;
  CHECK(clause(c) == "silent for 0.4 s (called down after 0.9 s)");
  c.verdict = {model::Health::Degraded, model::Cause::Lossy, 0, Instant{100s}};
  c.figures.loss_ratio = 0.06;
  CHECK(clause(c) == "degraded for 12 s: loses 6.0 % of its probes; silent for 0.4 s (called down after 0.9 s)");
}

TEST_CASE("words: a target that is set aside is named with the reason, and is not called silent besides") {
  auto c = living(two_by_two());
  c.targets[1].figures.losses_in_a_row = 9;
  CHECK(clause(c) == "answered by 2 of 3 targets; silent: beta (9 in a row), which alone moves nothing (guard corroboration)");
  c.targets[1].set_aside = model::SetAside::Dead;
  CHECK(clause(c) == "answered by 2 of 3 targets; set aside: beta (silent while others answer), which moves nothing (guard corroboration)");
  c.targets[1].figures.losses_in_a_row = 0;
  c.targets[1].set_aside = model::SetAside::Lossy;
  c.targets[2].set_aside = model::SetAside::Lying;
  CHECK(clause(c) ==
        "answered by 3 of 3 targets; set aside: beta (loses far more than others), gamma (answers while all others are silent), which moves nothing "
        "(guard corroboration)");
}

TEST_CASE("explain: a circuit shows what the judge goes by, and the name of what is wrong with it") {
  VirtualSite site;
  site.start_empty();
  site.run(120s);
  site.rtt = 250ms;
  site.run(30s);
  const std::string text = told(site, "fiber");
  INFO(text);
  CHECK(text.find("fiber (ISP One, wan-a) is degraded for ") == 0);
  CHECK(text.find("its shortest round trip grew from 21 ms to 250 ms") != std::string::npos);
  CHECK(text.find("\n  diagnosis   fiber: ") != std::string::npos);
  const auto judge = site.status().circuits[0].detectors;  // learned, so what it is may change with how it is learned
  CHECK(text.find("\n  silence     suspect after " + decision::words(judge.suspect_after) + ", called down after " +
                  decision::words(judge.dead_after) + " (learned from 2m") != std::string::npos);
  CHECK(text.find("of watching it; never below 0.7 s or above 6.0 s)\n") != std::string::npos);
  CHECK(text.find("\n  loss        scores ") != std::string::npos);
  CHECK(text.find("\n  delay       shortest round trip 250.0 ms, usually 21.5 ms\n") != std::string::npos);
  CHECK(text.find("\n  calls       R ") != std::string::npos);
  CHECK(text.find("\n  probing     every 200 ms; ") != std::string::npos);
  CHECK(text.find("\n  hold-down   must be well for ") != std::string::npos);
  CHECK(text.find("\n  target alpha ") != std::string::npos);
}

TEST_CASE("explain: what is wrong with everything comes first, whatever was asked about") {
  VirtualSite site;
  site.start_empty();
  site.run(30s);
  site.black_hole(0);
  site.black_hole(1);
  site.run(20s);
  const std::string text = told(site, "coax");
  INFO(text);
  CHECK(text.find("coax (") > 0);
  CHECK(site.status().diagnoses.front().sentence == text.substr(0, text.find('\n')));
}
