#include <doctest/doctest.h>

#include <limits>

#include "controller/admin/cli/words.hpp"
#include "controller/runtime/clock.hpp"

using namespace linekeeper::admin::cli;
using std::chrono::seconds;

TEST_CASE("spans: one figure with the unit that says enough") {
  CHECK(span_words(-5) == "0.0 s");
  CHECK(span_words(0.4) == "0.4 s");
  CHECK(span_words(3.2) == "3 s");
  CHECK(span_words(99.4) == "99 s");
  CHECK(span_words(100) == "1m");
  CHECK(span_words(18 * 60 + 59) == "18m");
  CHECK(span_words(119 * 60 + 59) == "119m");
  CHECK(span_words(120 * 60) == "2h");
  CHECK(span_words(48 * 3600 - 1) == "47h");
  CHECK(span_words(48 * 3600) == "2d");
  CHECK(span_words(41 * 86400.0) == "41d");
  CHECK(span_words(1e300) == "115740d");
}

TEST_CASE("clocks and milliseconds: exact enough to compare") {
  CHECK(clock_words(5) == "5s");
  CHECK(clock_words(0.56) == "0.56s");
  CHECK(clock_words(12.34) == "12.3s");
  CHECK(clock_words(60) == "60s");
  CHECK(clock_words(120) == "2m");
  CHECK(clock_words(150.4) == "150s");
  CHECK(ms_words(0) == "0 ms");
  CHECK(ms_words(0.44) == "0.4 ms");
  CHECK(ms_words(9.94) == "9.9 ms");
  CHECK(ms_words(9.95) == "10 ms");
  CHECK(ms_words(31) == "31 ms");
}

TEST_CASE("spans are typed with units, from one second to 366 days") {
  CHECK(parse_span("90s") == seconds(90));
  CHECK(parse_span("1h30m") == seconds(5400));
  CHECK(parse_span("366d") == seconds(366LL * 86400));
  for (const char* bad : {"", "30", "m", "0m", "-5m", "1.5h", "367d", "366d1s", "30 m", "9999999999s", "5w", "30M"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_span(bad));
  }
}

TEST_CASE("moments: RFC 3339 with any offset, and only that") {
  const auto moment = linekeeper::runtime::parse_rfc3339("2026-11-22T02:26:21.3456Z");
  REQUIRE(moment);
  CHECK(linekeeper::runtime::rfc3339(*moment) == "2026-11-22T02:26:21.345Z");
  CHECK(linekeeper::runtime::rfc3339(*linekeeper::runtime::parse_rfc3339("2026-11-22T09:26:21+07:00")) == "2026-11-22T02:26:21.000Z");
  CHECK(linekeeper::runtime::rfc3339(*linekeeper::runtime::parse_rfc3339("2026-11-21 21:26:21-05:00")) == "2026-11-22T02:26:21.000Z");
  CHECK(moment_words("2026-11-22T02:26:21.3Z") == "2026-11-22 02:26:21Z");
  CHECK(moment_words("yesterday") == "yesterday");
  for (const char* bad :
       {"", "2026-11-22", "2026-11-22T02:26:21", "2026-11-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T02:60:21Z",
        "2026-11-22T02:26:21.Z", "2026-11-22T02:26:21+7", "2026-11-22T02:26:21Zx", "x026-11-22T02:26:21Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(linekeeper::runtime::parse_rfc3339(bad));
  }
}

TEST_CASE("states: what is not well is in capitals, with or without colour") {
  CHECK(state_cell("ok").text == "OK");
  CHECK(state_cell("up").text == "up");
  CHECK(state_cell("down").text == "DOWN");
  CHECK(state_cell("unknown").text == "UNKNOWN");
  CHECK(paint("DOWN", Tone::Bad, Colour::Off) == "DOWN");
  CHECK(paint("DOWN", Tone::Bad, Colour::On) == "\x1b[1;31mDOWN\x1b[0m");
}

TEST_CASE("tables: columns line up by characters, not bytes, and lines have no trailing spaces") {
  Table table({Table::Align::Left, Table::Align::Right}, "  ");
  table.row({{"name"}, {"n"}, {"note"}});
  table.row({{"caf\xc3\xa9"}, {"100"}, {""}});
  table.row({{"longer"}, {""}, {"x"}});
  CHECK(table.print(Colour::Off) ==
        "  name      n  note\n"
        "  caf\xc3\xa9    100\n"
        "  longer       x\n");
  CHECK(Table({}).print(Colour::Off).empty());
}
