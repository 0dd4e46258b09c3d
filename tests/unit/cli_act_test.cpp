#include <boost/json/serialize.hpp>

#include "cli_fixture.hpp"
#include "controller/admin/cli/fields.hpp"

using namespace linekeeper::admin;
using namespace linekeeper::admin::cli;
using namespace linekeeper::admin::cli::testing;

namespace {

constexpr const char* kPlanned = R"({"schema":1,"done":false,"override":null,"changes":["~ class voice: fiber -> coax"],"message":""})";
constexpr const char* kActed =
    R"({"schema":1,"done":true,"override":{"id":3,"until":"2026-11-22T02:56:40Z"},"changes":[],"message":"voice goes by coax."})";

struct Site {
  ScriptedApi api;
  Daemon daemon{api};
  Said operator()(std::vector<std::string> args, Setting setting = {}) {
    setting.environment["LINEKEEPER_SOCKET"] = daemon.socket();
    return program(std::move(args), setting);
  }
  void answers(const std::string& to, std::vector<std::pair<int, std::string>> script) {
    for (auto& [status, body] : script) api.answers[to].push_back(Response{.status = status, .body = body});
  }
  boost::json::value body(std::size_t i) { return *parse_json(api.seen().at(i).body); }
};

std::vector<std::string> failover_args(std::vector<std::string> more = {}) {
  std::vector<std::string> args{"failover", "voice", "--to", "coax", "--for", "30m", "--reason", "CHG-1182"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

}  // namespace

TEST_CASE("acts: without a terminal and without --yes nothing is sent") {
  Site site;
  const Said said = site(failover_args());
  CHECK(said.code == 2);
  CHECK(said.err.find("add --yes to go ahead, or --plan to only look") != std::string::npos);
  CHECK(site({"hold", "--for", "5m", "--reason", "x"}).code == 2);
  CHECK(site({"release"}).code == 2);
  CHECK(site.api.seen().empty());
}

TEST_CASE("acts: --yes acts at once, with everything that was said") {
  Site site;
  site.answers("POST /api/v1/failover", {{200, kActed}});
  const Said said = site(failover_args({"--yes", "--override-guard", "target_healthy"}));
  CHECK(said.code == 0);
  CHECK(said.out.starts_with("voice goes by coax.\n"));
  CHECK(said.err.empty());
  REQUIRE(site.api.seen().size() == 1);
  CHECK(boost::json::serialize(site.body(0)) ==
        R"({"subject":"voice","to":"coax","for_s":1800,"reason":"CHG-1182","plan":false,"override_guards":["target_healthy"]})");
  CHECK(site.api.seen()[0].peer->uid == ::getuid());
  CHECK(site(failover_args({"--yes", "--json"})).out == std::string(kActed) + "\n");
}

TEST_CASE("acts: a plan never asks and changes nothing") {
  Site site;
  site.answers("POST /api/v1/failover", {{200, kPlanned}});
  const Said said = site(failover_args({"--plan"}));
  CHECK(said.code == 0);
  CHECK(said.out == "Plan (nothing is changed by this)\n  ~ class voice: fiber -> coax\n");
  CHECK(flag(site.body(0), "plan") == true);
}

TEST_CASE("acts: on a terminal the plan is shown and consent is asked") {
  Site site;
  site.answers("POST /api/v1/failover", {{200, kPlanned}, {200, kPlanned}, {200, kActed}});
  const Said declined = site(failover_args(), {.terminal = true, .typed = "n\n"});
  CHECK(declined.code == 1);
  CHECK(declined.err.ends_with("Go ahead? [y/N] Nothing was changed.\n"));
  CHECK(site.api.seen().size() == 1);
  const Said agreed = site(failover_args(), {.terminal = true, .typed = "y\n"});
  CHECK(agreed.code == 0);
  CHECK(agreed.err.find("~ class voice: fiber -> coax") != std::string::npos);
  CHECK(agreed.out.starts_with("voice goes by coax.\n"));
  CHECK(flag(site.body(1), "plan") == true);
  CHECK(flag(site.body(2), "plan") == false);
  CHECK(site({"release"}, {.terminal = true, .typed = ""}).code == 1);
}

TEST_CASE("acts: refused by a guard is 4, and the guard is named with its override") {
  Site site;
  site.answers("POST /api/v1/failover", {{409, R"({"error":{"exit":4,"guard":"target_healthy","message":"coax is degraded.","remedy":""}})"}});
  const Said said = site(failover_args({"--yes"}));
  CHECK(said.code == 4);
  CHECK(said.err == "REFUSED by guard target_healthy: coax is degraded.\n  To go ahead anyway: --override-guard target_healthy\n");
  CHECK(said.out.empty());
  CHECK(site(failover_args({"--yes", "--json"})).out.find("\"guard\":\"target_healthy\"") != std::string::npos);
}

TEST_CASE("acts: each kind of failure has its exit code, told by the daemon or by HTTP") {
  Site site;
  site.answers("POST /api/v1/failover",
               {{502, R"({"error":{"exit":5,"message":"applied, but the new way does not answer","remedy":"linekeeper explain voice"}})"},
                {412, R"({"error":{"exit":6,"message":"the state moved on","remedy":"ask again"}})"},
                {404, R"({"error":{"exit":2,"message":"no class or trunk is called voice","remedy":"There are: internet"}})"},
                {500, R"({"error":{"exit":1,"message":"the journal cannot be written","remedy":""}})"},
                {409, "{}"},
                {412, "no json"},
                {502, "[]"},
                {503, R"({"error":{"exit":99,"message":"busy"}})"},
                {200, "no json"},
                {200, R"({"done":false,"message":"it did not work"})"}});
  for (const int expected : {5, 6, 2, 1, 4, 6, 5, 1, 1, 1}) CHECK(site(failover_args({"--yes"})).code == expected);
}

TEST_CASE("acts: hold and release say whom they mean") {
  Site site;
  site.answers("POST /api/v1/hold", {{200, "{}"}});
  site.answers("POST /api/v1/release", {{200, "{}"}});
  CHECK(site({"hold", "voice", "--for", "90s", "--reason", "r", "--yes"}).code == 0);
  CHECK(boost::json::serialize(site.body(0)) == R"({"subject":"voice","for_s":90,"reason":"r"})");
  CHECK(site({"hold", "--for", "1h", "--reason", "r", "--yes"}).code == 0);
  CHECK(text(site.body(1), "subject") == "-");
  CHECK(site({"release", "12", "--yes", "--reason", "done"}).code == 0);
  CHECK(boost::json::serialize(site.body(2)) == R"({"subject":"","id":12,"reason":"done"})");
  CHECK(site({"release", "voice", "--yes"}).code == 0);
  CHECK(boost::json::serialize(site.body(3)) == R"({"subject":"voice","id":0,"reason":""})");
  CHECK(site({"release"}, {.terminal = true, .typed = "yes\n"}).err.starts_with("Release every override"));
  CHECK(site({"release", "0", "--yes"}).code == 2);
  CHECK(site({"release", "99999999999999999999", "--yes"}).code == 2);
  CHECK(site({"hold", "--for", "soon", "--reason", "r", "--yes"}).code == 2);
}
