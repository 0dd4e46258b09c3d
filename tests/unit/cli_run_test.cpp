#include <fstream>

#include "cli_fixture.hpp"

using namespace linekeeper::admin;
using namespace linekeeper::admin::cli;
using namespace linekeeper::admin::cli::testing;

namespace {

Response ok(std::string body) { return Response{.status = 200, .body = std::move(body)}; }

struct Site {
  ScriptedApi api;
  Daemon daemon{api};
  Said operator()(std::vector<std::string> args, Setting setting = {}) {
    setting.environment["LINEKEEPER_SOCKET"] = daemon.socket();
    return program(std::move(args), setting);
  }
};

}  // namespace

TEST_CASE("cli: status prints text, JSON on request, and the state as exit code on request") {
  Site site;
  site.api.answers["GET /api/v1/status"] = {ok(R"({"schema":1,"site":"bkk","state":"degraded"})")};
  const Said text = site({"status"});
  CHECK(text.code == 0);
  CHECK(text.out.starts_with("bkk  DEGRADED  "));
  CHECK(text.err.empty());
  CHECK(site({"status", "--json"}).out == "{\"schema\":1,\"site\":\"bkk\",\"state\":\"degraded\"}\n");
  CHECK(site({"status", "--exit-code"}).code == 10);
  CHECK(site({"check", "--nagios"}).code == 1);
  CHECK(site({"paths"}).out == "no path is known yet\n");
}

TEST_CASE("cli: --socket wins over the environment") {
  Site site;
  site.api.answers["GET /api/v1/status"] = {ok("{}")};
  CHECK(program({"status", "--socket", site.daemon.socket()}, {.environment = {{"LINEKEEPER_SOCKET", "/nonexistent"}}}).code == 0);
}

TEST_CASE("cli: a daemon that cannot be reached is exit 3, with the socket, why, and what to do") {
  const Said absent = program({"status"}, {.environment = {{"LINEKEEPER_SOCKET", "/nonexistent/control.sock"}}});
  CHECK(absent.code == 3);
  CHECK(absent.out.empty());
  CHECK(absent.err ==
        "linekeeper: cannot reach the daemon at /nonexistent/control.sock: No such file or directory\n"
        "  Is it running?  systemctl status linekeeper\n"
        "  Another socket?  --socket PATH, or set LINEKEEPER_SOCKET\n");
  const Said nagios = program({"check", "--nagios", "--socket", "/nonexistent"});
  CHECK(nagios.code == 3);
  CHECK(nagios.out.starts_with("LINEKEEPER UNKNOWN - cannot reach the daemon at /nonexistent"));
  CHECK(program({"status", "--watch", "--socket", "/nonexistent"}).code == 3);
  CHECK(program({"events", "--follow", "--socket", "/nonexistent"}).code == 3);
  CHECK(program({"status", "--socket", std::string(200, 'x')}).code == 3);
}

TEST_CASE("cli: an answer that is no JSON, or newer, is said so") {
  Site site;
  site.api.answers["GET /api/v1/status"] = {ok("<html>"), ok(R"({"schema":2,"site":"bkk"})")};
  const Said noise = site({"status"});
  CHECK(noise.code == 1);
  CHECK(noise.out.empty());
  const Said newer = site({"status"});
  CHECK(newer.code == 0);
  CHECK(newer.err.find("the daemon is newer") != std::string::npos);
}

TEST_CASE("cli: explain asks for its subject, encoded") {
  Site site;
  site.api.answers["GET /api/v1/explain"] = {ok(R"({"lines":["because"]})")};
  CHECK(site({"explain", "a&b c"}).out == "because\n");
  CHECK(site({"explain"}).code == 0);
  CHECK(site.api.seen().at(0).query.at("subject") == "a&b c");
  CHECK(site.api.seen().at(1).query.empty());
}

TEST_CASE("cli: events asks for what was wanted, and prints one line each") {
  Site site;
  site.api.answers["GET /api/v1/events"] = {
      ok(R"({"schema":1,"events":[{"sequence":1,"id":"circuit.down","severity":"alert","time":"2026-11-22T02:20:00Z","text":"Down."},7]})")};
  const Said said = site({"events", "--since", "10m", "--id", "circuit.", "--limit", "5"});
  CHECK(said.code == 0);
  CHECK(said.out.starts_with("2026-11-22 02:20:00Z  alert    circuit.down          Down.\n"));
  const auto query = site.api.seen().at(0).query;
  CHECK(query.at("since") == "2026-11-22T02:16:21.000Z");
  CHECK(query.at("id") == "circuit.");
  CHECK(query.at("limit") == "5");
  CHECK(site({"events", "--since", "2026-11-22T09:00:00+07:00"}).code == 0);
  CHECK(site.api.seen().at(1).query.at("since") == "2026-11-22T02:00:00.000Z");
  CHECK(site({"events", "--since", "soon"}).code == 2);
  for (const char* limit : {"0", "10001", "-1", "ten", "5x"}) CHECK(site({"events", "--limit", limit}).code == 2);
  CHECK(site({"events", "--limit", "1"}).code == 0);
  CHECK(site({"events", "--limit", "10000"}).code == 0);
}

TEST_CASE("cli: events --follow shows the past, then goes on from there until it is stopped") {
  Site site;
  site.api.answers["GET /api/v1/events"] = {ok(R"({"events":[{"sequence":41,"id":"circuit.down","severity":"alert","time":"t","text":"past"}]})")};
  site.api.streamed = {{"42", "event", R"({"sequence":42,"id":"carrier.up","severity":"info","time":"t","text":"filtered"})"},
                       {"43", "event", R"({"sequence":43,"id":"circuit.up","severity":"info","time":"t","text":"present"})"}};
  const Said said =
      site({"events", "--follow", "--id", "circuit."}, {.enough = [](const std::string& out) { return out.find("present") != std::string::npos; }});
  CHECK(said.code == 0);
  CHECK(said.out.find("past") != std::string::npos);
  CHECK(said.out.find("filtered") == std::string::npos);
  CHECK(site.api.seen().at(1).path == "/api/v1/events/stream");
  CHECK(site.api.seen().at(1).query.at("after") == "41");
  const Said json =
      site({"events", "--follow", "--json"}, {.enough = [](const std::string& out) { return out.find("present") != std::string::npos; }});
  CHECK(json.out.find("{\"sequence\":42,") != std::string::npos);
}

TEST_CASE("cli: status --watch draws what the stream says until it is stopped") {
  Site site;
  site.api.streamed = {{"", "other", "{}"}, {"", "status", "nonsense"}, {"9", "status", R"({"site":"bkk","state":"ok"})"}};
  const Said said = site({"status", "--watch"}, {.enough = [](const std::string& out) { return !out.empty(); }});
  CHECK(said.code == 0);
  CHECK(said.out.starts_with("bkk  OK  "));
  CHECK(said.out.find('\x1b') == std::string::npos);
  CHECK(site({"status", "--watch", "--exit-code"}).code == 2);
}

TEST_CASE("cli: watching outlives the daemon, and says that it is gone") {
  auto site = std::make_unique<Site>();
  site->api.streamed = {{"1", "status", R"({"site":"bkk","state":"ok"})"}};
  const std::string socket = site->daemon.socket();
  const Said said = program({"status", "--watch", "--socket", socket}, {.enough = [&](const std::string& out) {
                              if (out.find("bkk") != std::string::npos) site.reset();
                              return out.find("NOT LIVE") != std::string::npos;
                            }});
  CHECK(said.code == 0);
  CHECK(said.out.find("NOT LIVE: the daemon is gone, waiting for it") != std::string::npos);
}

TEST_CASE("cli: what needs no daemon works without one") {
  CHECK(program({"--help"}).out.starts_with("linekeeper: "));
  CHECK(program({"version"}).out.starts_with("linekeeper "));
  CHECK(program({"completion", "bash"}).out.find("complete -F _linekeeper linekeeper") != std::string::npos);
  CHECK(program({"completion", "fish"}).code == 2);
  CHECK(program({}).code == 2);
  const Said wrong = program({"failover", "voice"});
  CHECK(wrong.code == 2);
  CHECK(wrong.out.empty());
}

TEST_CASE("cli: config check lists every mistake on stderr, and ends with 2") {
  const linekeeper::tests::TempDir folder;
  const std::string file = folder / "broken.toml";
  std::ofstream(file) << "[site]\nname = 7\nbogus = 1\n";
  const Said broken = program({"config", "check", file});
  CHECK(broken.code == 2);
  CHECK(broken.out.empty());
  CHECK(broken.err.find(file + ":") != std::string::npos);
  CHECK(broken.err.find("nothing is loaded") != std::string::npos);
  CHECK(program({"config", "check", folder / "absent.toml"}).code == 2);
}

TEST_CASE("cli: colour needs a terminal, and NO_COLOR or a dumb terminal take it away") {
  std::ostringstream sink;
  std::istringstream in;
  std::map<std::string, std::string> environment;
  const World world{.out = sink,
                    .err = sink,
                    .in = in,
                    .variable =
                        [&](const char* name) {
                          const auto found = environment.find(name);
                          return found == environment.end() ? std::nullopt : std::optional(found->second);
                        },
                    .now = [] { return linekeeper::model::WallTime{}; },
                    .stopped = [] { return false; }};
  CHECK(world.colour(true) == Colour::On);
  CHECK(world.colour(false) == Colour::Off);
  environment["NO_COLOR"] = "";
  CHECK(world.colour(true) == Colour::On);
  environment["NO_COLOR"] = "1";
  CHECK(world.colour(true) == Colour::Off);
  environment = {{"TERM", "dumb"}};
  CHECK(world.colour(true) == Colour::Off);
}
