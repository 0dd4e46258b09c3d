// Every bounded key one below, at and one above its bounds: once against the schema, so that none is forgotten, and once
// against numbers written here, so that a bound does not move unnoticed.
#include <fmt/format.h>

#include "config/schema.hpp"
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;

namespace {

constexpr const char* kOut = "out of its bounds";

/// The sound site with one more key in the section, which may be one of several.
std::string with_key(std::string_view section, std::string_view key, std::string_view value) {
  const std::string line = fmt::format("{} = {}", key, value);
  if (section == "limits") return after("name = \"voice\"", "codec = \"g711\"\n[class.limits]\n" + line);
  if (section == "match") return after("name = \"voice\"", "match = { " + line + " }");
  if (section == "test_call") return after("[[carrier]]", "test_call = { number = \"+441632960000\", " + line + " }");
  if (section == "register") return after("[[carrier]]", "register = { user = \"4420\", " + line + " }");
  if (section == "answering" && key != "port") return kSound + "[answering]\nport = 5062\n" + line + "\n";
  if (section == "check") return kSound + "[[check]]\nname = \"it\"\nkind = \"mtu\"\ntarget = \"192.0.2.1\"\n" + line + "\n";
  const std::string head = fmt::format("[[{}]]", section);
  if (kSound.find(head) != std::string::npos) return after(head, line);
  return kSound + fmt::format("[{}]\n{}\n", section, line);
}

bool out_of_bounds(std::string_view section, std::string_view key, std::string_view value) {
  return told(with_key(section, key, value)).find(kOut) != std::string::npos;
}

std::string typed(config::Form form, double value) {
  if (form == config::Form::Duration) return fmt::format("\"{:.0f}ms\"", value * 1000);
  return form == config::Form::Integer ? fmt::format("{:.0f}", value) : fmt::format("{:.4f}", value);
}

double one_step(config::Form form) { return form == config::Form::Duration ? 0.001 : form == config::Form::Integer ? 1 : 0.0001; }

}  // namespace

TEST_CASE("bounds: every number and duration of the schema, one below, at and one above") {
  int keys = 0;
  for (const config::Key& key : config::schema()) {
    if (key.form != config::Form::Integer && key.form != config::Form::Number && key.form != config::Form::Duration) continue;
    ++keys;
    const double step = one_step(key.form);
    CAPTURE(fmt::format("{}.{}", key.section, key.name));
    CHECK_FALSE(out_of_bounds(key.section, key.name, typed(key.form, key.low)));
    CHECK_FALSE(out_of_bounds(key.section, key.name, typed(key.form, key.high)));
    CHECK(out_of_bounds(key.section, key.name, typed(key.form, key.high + step)));
    if (key.low == 0 && key.form == config::Form::Duration) continue;  // a duration has no sign
    CHECK(out_of_bounds(key.section, key.name, typed(key.form, key.low - step)));
  }
  CHECK(keys > 40);
}

TEST_CASE("bounds: detection, quality and capacity, by their numbers") {
  struct Bound {
    const char *section, *key, *below, *lowest, *highest, *above;  // null: there is none
  };
  for (const Bound& b : std::initializer_list<Bound>{
           {"daemon", "recording_mib", "0", "1", "65536", "65537"},
           {"circuit_health", "false_failovers_per_year", "0.09", "0.1", "10000", "10001"},
           {"circuit_health", "false_suspicions_per_day", "0.09", "0.1", "10000", "10001"},
           {"circuit_health", "suspect_after", "\"49ms\"", "\"50ms\"", "\"60s\"", "\"60.001s\""},
           {"circuit_health", "dead_after_min", "\"99ms\"", "\"100ms\"", "\"60s\"", "\"60.001s\""},
           {"circuit_health", "dead_after_max", "\"99ms\"", "\"100ms\"", "\"5m\"", "\"300.001s\""},
           {"circuit_health", "hold_down_max", nullptr, "\"0s\"", "\"24h\"", "\"24.001h\""},
           {"carrier_health", "dead_after", "\"99ms\"", "\"100ms\"", "\"1h\"", "\"3600.001s\""},
           {"probing", "standby_interval", "\"19ms\"", "\"20ms\"", "\"60s\"", "\"60.001s\""},
           {"probing", "metered_interval", "\"19ms\"", "\"20ms\"", "\"60s\"", "\"60.001s\""},
           {"probing", "metered_standby_interval", "\"19ms\"", "\"20ms\"", "\"60s\"", "\"60.001s\""},
           {"probing", "verify_budget", "-1", "0", "10000", "10001"},
           {"circuit", "cost", "-0.01", "0", "1000000", "1000001"},
           {"circuit", "weight", "0", "1", "255", "256"},
           {"circuit", "bandwidth_kbps", "0.9", "1", "1000000000", "1000000001"},
           {"carrier", "cost", "-0.01", "0", "1000000", "1000001"},
           {"carrier", "channels", "0", "1", "100000", "100001"},
           {"carrier", "calls_per_second", "0.99", "1", "10000", "10001"},
           {"carrier", "verify_burst", "-1", "0", "100", "101"},
           {"limits", "loss_enter", "-0.01", "0", "1", "1.01"},
           {"limits", "loss_exit", "-0.01", "0", "1", "1.01"},
           {"limits", "rtt_enter", "\"0.9ms\"", "\"1ms\"", "\"10s\"", "\"10.001s\""},
           {"limits", "rtt_exit", "\"0.9ms\"", "\"1ms\"", "\"10s\"", "\"10.001s\""},
           {"limits", "r_enter", "-1", "0", "100", "100.1"},
           {"limits", "r_exit", "-1", "0", "100", "100.1"},
           {"trunk", "busy_hour_calls", "0", "1", "100000", "100001"},
           {"trunk", "busy_hour_calls_per_second", "0.009", "0.01", "10000", "10001"},
       }) {
    CAPTURE(fmt::format("{}.{}", b.section, b.key));
    if (b.below != nullptr) CHECK(out_of_bounds(b.section, b.key, b.below));
    CHECK_FALSE(out_of_bounds(b.section, b.key, b.lowest));
    CHECK_FALSE(out_of_bounds(b.section, b.key, b.highest));
    CHECK(out_of_bounds(b.section, b.key, b.above));
  }
}

TEST_CASE("bounds: a mistake of a bound is told once, and no other is made of it") {
  check_only(kSound + "[circuit_health]\nfalse_failovers_per_year = 0.05\n", "false_failovers_per_year is 0.05, out of its bounds", "0.1 to 10000");
  check_only(kSound + "[daemon]\nrecording_mib = 0\n", "[daemon] recording_mib is 0, out of its bounds", "1 to 65536");
  check_only(kSound + "[daemon]\nrecording_mib = \"64 MiB\"\n", "recording_mib is text, it must be a whole number", "recording_mib = 64");
  check_only(kSound + "[probing]\nverify_budget = -1\n", "verify_budget is -1", "0 to 10000");
  check_only(kSound + "[probing]\naccelerate = 1\n", "accelerate is a whole number, it must be true or false", "accelerate = true");
  check_only(kSound + "[circuit_health]\nsuspect_after = 300\n", "suspect_after is a number without a unit", "\"300ms\"");
  check_only(with_key("limits", "loss_enter", "1.5"), "class \"voice\" limits loss_enter is 1.5, out of its bounds", "0 to 1");
}
