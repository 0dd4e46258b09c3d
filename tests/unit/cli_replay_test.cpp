#include <doctest/doctest.h>

#include <fstream>

#include "cli_fixture.hpp"
#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "tests/support/recorded_site.hpp"
#include "tests/unit/config_text.hpp"
#include "tests/unit/journal_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::admin::cli;
using namespace linekeeper::admin::cli::testing;
using namespace std::chrono_literals;

namespace {

const std::string kThen = config_text::kSound + "[circuit_health]\nhold_down = \"20s\"\n[carrier_health]\nhold_down = \"20s\"\n";
const std::string kOther = config_text::kSound + "[circuit_health]\nhold_down = \"10m\"\n[carrier_health]\nhold_down = \"20s\"\n";

/// A journal's file as a daemon leaves it: fiber dies at 00:17:40 for ten seconds, and is gone back to when it may be.
struct Kept {
  tests::TempDir dir;
  std::string path = dir / "journal.db";
  std::size_t decisions = 0;

  explicit Kept(bool with_text = true) {
    auto loaded = config::parse(kThen, "then.toml");
    REQUIRE(loaded.site);
    loaded.site->sha256 = "abc";
    tests::RecordedSite site(*loaded.site);
    site.run(60s);
    site.black_hole(0);
    site.run(10s);
    site.black_hole(0, false);
    site.run(90s);
    site.stop();
    const auto configuration = std::make_shared<const journal::Configuration>(journal::Configuration{"abc", with_text ? kThen : ""});
    journal::Bench bench;
    REQUIRE(bench.open(path));
    for (auto& b : site.blocks)
      bench.journal->append_block({.wall = b.wall, .run = b.run, .first = b.first, .last = b.last, .configuration = configuration, .bytes = b.bytes});
    for (auto& e : site.events) bench.journal->append(e.event, nullptr);
    decisions = site.events.size();
    std::ofstream(dir / "other.toml") << kOther;
    std::ofstream(dir / "wrong.toml") << "[circuit]\n";
  }
  Said operator()(std::vector<std::string> more) const {
    std::vector<std::string> args = {"replay", "--journal", path};
    args.insert(args.end(), more.begin(), more.end());
    return program(args);
  }
};

}  // namespace

TEST_CASE("replay: as it was, every decision is as recorded, and the story is told") {
  const Kept kept;
  const Said said = kept({"--since", "3h"});
  CAPTURE(said.out);
  CHECK(said.err.empty());
  CHECK(said.code == 0);
  CHECK(said.out.starts_with("2026-11-21 23:26:21Z to 2026-11-22 02:26:21Z, decided again with the configuration of then\n"));
  CHECK(said.out.contains(", 1 start of the daemon\n"));
  CHECK(said.out.contains("note: The recording begins at 2026-11-22 00:16:40Z.\n"));
  CHECK(said.out.contains("  circuit.down      circuit fiber: fiber is down"));
  CHECK(said.out.contains("  routing.moved     class voice: "));
  CHECK(said.out.contains("All " + std::to_string(kept.decisions) + " decisions are exactly as recorded.\n"));
  CHECK(said.out.contains("voice     then         3         0"));
  CHECK(kept({"--since", "3h", "--exit-code"}).code == 0);
}

TEST_CASE("replay: with another configuration the differences are told, and the exit code says so on request") {
  const Kept kept;
  const Said said = kept({"--since", "3h", "--config", kept.dir / "other.toml"});
  CAPTURE(said.out);
  CHECK(said.code == 0);
  CHECK(said.out.contains("What would have been different:\n"));
  CHECK(said.out.contains("as recorded: voice left coax for fiber. With other.toml: stays on coax ("));
  CHECK(said.out.contains("voice     with other.toml      2"));
  CHECK(kept({"--since", "3h", "--config", kept.dir / "other.toml", "--exit-code"}).code == 10);
}

TEST_CASE("replay: --json has every decision, and the figures of both") {
  const Kept kept;
  const Said said = kept({"--since", "3h", "--json", "--config", kept.dir / "other.toml"});
  const auto document = parse_json(said.out);
  REQUIRE(document);
  CHECK(integer(*document, "schema") == 1);
  CHECK(text(*document, "config") == kept.dir / "other.toml");
  CHECK(list(*document, "differences").size() > 0);
  const auto& voice = list(*document, "services").at(0);
  CHECK(text(voice, "name") == "voice");
  CHECK(integer(field(voice, "then"), "moves") == 3);
  CHECK(integer(field(voice, "other"), "moves") == 2);
  CHECK(list(*parse_json(kept({"--since", "3h", "--json"}).out), "events").size() == kept.decisions);
}

TEST_CASE("replay: what was asked wrongly is usage, with an example") {
  const Kept kept;
  CHECK(kept({}).code == 2);
  CHECK(kept({"--since", "yesterday"}).err.starts_with("linekeeper: --since yesterday is neither a time ago (10m, 2h) nor a moment"));
  CHECK(kept({"--since", "yesterday"}).code == 2);
  CHECK(kept({"--since", "1h", "--until", "never"}).code == 2);
  CHECK(kept({"--since", "1h", "--until", "1h"}).err.starts_with("linekeeper: --since is not before --until."));
  CHECK(kept({"--since", "1h", "--until", "2h"}).code == 2);
  const Said wrong = kept({"--since", "3h", "--config", kept.dir / "wrong.toml"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.contains("wrong.toml:1:"));
  CHECK(kept({"--since", "3h", "--config", "/nonexistent.toml"}).code == 2);
}

TEST_CASE("replay: a journal that is not there, or holds nothing of that time, is an error that says what to do") {
  const Kept kept;
  const Said absent = program({"replay", "--since", "1h", "--journal", "/nonexistent/journal.db"});
  CHECK(absent.code == 1);
  CHECK(absent.out.empty());
  CHECK(absent.err ==
        "linekeeper: there is no journal at /nonexistent/journal.db\n"
        "  Name it with --journal FILE: the configuration says where it is (journal in its section daemon)\n");
  CHECK(program({"replay", "--since", "1h"}, {.environment = {{"LINEKEEPER_JOURNAL", "/none"}}}).err.contains("there is no journal at /none\n"));
  const Said early = kept({"--since", "2026-11-20T00:00:00Z", "--until", "2026-11-21T00:00:00Z"});
  CHECK(early.code == 1);
  CHECK(early.err.contains("nothing is recorded of that time\n  The recording goes from 2026-11-22 00:16:40Z to 2026-11-22 00:19:"));
  CHECK(kept({"--since", "1h"}).err.contains("nothing is recorded of that time"));
  {
    journal::Bench bench;
    REQUIRE(bench.open(kept.dir / "empty.db"));
  }
  CHECK(program({"replay", "--since", "1h", "--journal", kept.dir / "empty.db"}).err.contains("nothing is recorded yet"));
}

TEST_CASE("replay: without the configuration of then it asks for one, and with one it still says what that would decide") {
  const Kept kept(false);
  const Said said = kept({"--since", "3h"});
  CHECK(said.code == 1);
  CHECK(said.err.contains("a configuration was in force that is not known (sha256 abc"));
  CHECK(said.err.contains("Give the configuration that was in force with --config FILE"));
  const Said other = kept({"--since", "3h", "--config", kept.dir / "other.toml"});
  CAPTURE(other.out);
  CHECK(other.code == 0);
  CHECK(other.out.contains("voice     with other.toml      2"));
}

TEST_CASE("replay: any document can be rendered, and a long list is cut from its front") {
  CHECK(render_replay(nullptr, Colour::Off).contains("- to -"));
  std::string events;
  for (int i = 0; i < 201; ++i) events += (i > 0 ? "," : "") + std::string(R"({"main":true,"id":"circuit.up","text":"n)") + std::to_string(i) + "\"}";
  const auto cut = [&](const std::string& list) { return render_replay(*parse_json(R"({"events":[)" + list + "]}"), Colour::Off); };
  CHECK(cut(events).contains("... 1 earlier ones are left out"));
  CHECK_FALSE(cut(events).contains(": n0\n"));
  CHECK(cut(events).contains(": n1\n"));
  CHECK_FALSE(cut(events.substr(0, events.rfind(",{"))).contains("left out"));
}
