#include <doctest/doctest.h>

#include <limits>

#include "controller/runtime/clock.hpp"
#include "controller/runtime/kept_moment.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::Instant;
using model::WallTime;
using runtime::Clocks;

namespace {

const Clocks kThen{.boot = Instant(5400s), .wall = WallTime(1'795'390'000'000ms), .boot_id = "9f0d"};

Clocks later(model::Duration boot, std::chrono::milliseconds wall, const std::string& id = "9f0d") {
  return {.boot = kThen.boot + boot, .wall = kThen.wall + wall, .boot_id = id};
}

}  // namespace

TEST_CASE("kept moment: in the same boot it is where it was, however the wall clock was stepped meanwhile (I16)") {
  for (const Instant at : {kThen.boot, kThen.boot + 90s, kThen.boot - 10min})
    for (const auto step : {0ms, std::chrono::milliseconds(1h), std::chrono::milliseconds(-24h * 400)}) {
      const std::string text = runtime::kept_text(at, kThen);
      const auto read = runtime::read_kept(text, later(30s, 30s + step));
      REQUIRE(read);
      CHECK(read->at == at);
      CHECK(read->rest.empty());
    }
}

TEST_CASE("kept moment: after another boot, and as it was written before, the wall clock tells it") {
  const std::string text = runtime::kept_text(kThen.boot - 60s, kThen);
  const Clocks rebooted{.boot = Instant(20s), .wall = kThen.wall + 5min, .boot_id = "77aa"};
  REQUIRE(runtime::read_kept(text, rebooted));
  CHECK(runtime::read_kept(text, rebooted)->at == rebooted.boot - 6min);
  const std::string plain = std::to_string((kThen.wall - 60s).time_since_epoch().count());
  CHECK(runtime::read_kept(plain, rebooted)->at == rebooted.boot - 6min);
  Clocks unknown = rebooted;
  unknown.boot_id.clear();
  const std::string nameless = runtime::kept_text(kThen.boot - 60s, {.boot = kThen.boot, .wall = kThen.wall, .boot_id = ""});
  CHECK(runtime::read_kept(nameless, unknown)->at == unknown.boot - 6min);  // two unknown boots are not one
}

TEST_CASE("kept moment: it is never sooner than it was, and what follows it is given back") {
  const auto read = runtime::read_kept(runtime::kept_text(kThen.boot + 1ns, kThen) + " what was learned\t7", kThen);
  REQUIRE(read);
  CHECK(read->at == kThen.boot + 1ms);
  CHECK(read->rest == "what was learned\t7");
}

TEST_CASE("kept moment: damaged text is refused, and damaged numbers stay within thirty years") {
  for (const char* text :
       {"", " ", "x", "@", "12@", "12@9f0d", "12@9f0d:", "12@9f0d:x", "12@9f0d:7x", "12x", "99999999999999999999", "12@9f0d:99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(runtime::read_kept(text, kThen).has_value());
  }
  const std::string most = std::to_string(std::numeric_limits<std::int64_t>::max()), least = std::to_string(std::numeric_limits<std::int64_t>::min());
  const auto years = std::chrono::hours(24 * 365 * 30);
  CHECK(runtime::read_kept(most, kThen)->at == kThen.boot + years);
  CHECK(runtime::read_kept(least, kThen)->at == kThen.boot - years);
  CHECK(runtime::read_kept("0@9f0d:" + most, kThen)->at == kThen.boot + years);
  CHECK(runtime::read_kept("0@9f0d:" + least, kThen)->at == kThen.boot - years);
}

TEST_CASE("kept moment: this boot has a name, and it is the same each time") {
  CHECK(runtime::boot_id().size() == 36);
  CHECK(runtime::read_clocks().boot_id == runtime::boot_id());
}
