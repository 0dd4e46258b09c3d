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
        "  fiber      down for 11 s: 95 probes in a row unanswered by 3 of 3 targets\n"
        "If coax fails now there is no second way: traffic stays on coax and an alarm is raised.\n");
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
