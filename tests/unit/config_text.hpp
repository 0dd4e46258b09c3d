#pragma once
// A small sound site and ways to spoil it: each test of a mistake changes one thing and looks at what is said about it.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/loader.hpp"
#include "config/values.hpp"

namespace config_text {

inline const std::string kSound = R"([site]
name = "lab"
[[target]]
name = "t1"
address = "192.0.2.1"
[[target]]
name = "t2"
address = "198.51.100.1"
[[target]]
name = "t3"
address = "203.0.113.1"
[[circuit]]
name = "fiber"
interface = "wan0"
[[circuit]]
name = "coax"
interface = "wan1"
[[class]]
name = "voice"
[[carrier]]
name = "north"
address = "198.51.100.10"
[[carrier]]
name = "south"
address = "203.0.113.20:5070"
[[pbx]]
name = "kamailio"
rpc_socket = "/run/kamailio/lk.sock"
[[trunk]]
name = "outbound"
sets = { north = { fiber = 11, coax = 12 }, south = 21 }
)";

/// The sound site with the first `what` replaced.
inline std::string with(std::string_view what, std::string_view by, std::string text = kSound) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}
/// The sound site with lines added behind the first line that is `line`.
inline std::string after(std::string_view line, std::string_view more, std::string text = kSound) {
  return with(std::string(line) + "\n", std::string(line) + "\n" + std::string(more) + "\n", std::move(text));
}

/// All that is said, for failure messages.
inline std::string told(const std::string& text) {
  std::string out;
  for (const auto& problem : linekeeper::config::parse(text, "site.toml").problems) out += describe(problem, "site.toml") + "\n";
  return out;
}

/// The one problem of the text.
inline linekeeper::config::Problem only(const std::string& text) {
  const auto loaded = linekeeper::config::parse(text, "site.toml");
  CHECK_FALSE(loaded.site.has_value());
  INFO(told(text));
  REQUIRE(loaded.problems.size() == 1);
  return loaded.problems.front();
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The text has exactly one problem, it stands at `line` (from 1), shows that line, and says `what` and `remedy`.
inline void check_at(int line, const std::string& text, std::string_view what, std::string_view remedy) {
  const auto problem = only(text);
  INFO(describe(problem, "site.toml"));
  CHECK(problem.line == line);
  CHECK(problem.column >= 1);
  CHECK(problem.what.find(what) != std::string::npos);
  CHECK(problem.remedy.find(remedy) != std::string::npos);
  CHECK(lines_of(text).at(static_cast<std::size_t>(line) - 1).find(problem.found) != std::string::npos);
  CHECK_FALSE(problem.found.empty());
}

/// The same, for the last line in which the text differs from the sound site.
inline void check_only(const std::string& text, std::string_view what, std::string_view remedy) {
  auto sound = lines_of(kSound), spoilt = lines_of(text);
  std::size_t last = spoilt.size();
  while (!sound.empty() && last > 0 && sound.back() == spoilt[last - 1]) {
    sound.pop_back();
    --last;
  }
  check_at(static_cast<int>(last), text, what, remedy);
}

inline linekeeper::model::Site site_of(const std::string& text) {
  INFO(told(text));
  auto loaded = linekeeper::config::parse(text, "site.toml");
  REQUIRE(loaded.site.has_value());
  CHECK(loaded.problems.empty());
  return std::move(*loaded.site);
}

/// All that a configuration can set, as text, so that two sites are compared in one go and a difference is seen.
inline std::string dump(const linekeeper::model::Site& s) {
  std::ostringstream out;
  const auto d = [](linekeeper::model::Duration v) { return linekeeper::config::show(v); };
  const auto back = [](const linekeeper::model::Failback& f) { return linekeeper::config::show(f); };
  const auto maybe = [](const auto& v) {
    std::ostringstream text;
    if (v)
      text << *v;
    else
      text << "none";
    return text.str();
  };
  const auto& p = s.probing;
  out << "probing " << d(p.interval) << ' ' << d(p.standby_interval) << ' ' << d(p.metered_interval) << ' ' << d(p.metered_standby_interval) << ' '
      << p.accelerate << ' ' << p.verify_budget << ' ' << p.jitter_ratio << ' ' << d(p.timeout_min) << ' ' << d(p.timeout_max) << '\n';
  const auto& r = s.circuit_health;
  out << "circuits " << r.false_failovers_per_year << ' ' << r.false_suspicions_per_day << ' ' << d(r.suspect_after) << ' ' << d(r.dead_after_min)
      << ' ' << d(r.dead_after_max) << ' ' << r.rise << ' ' << r.min_samples << ' ' << d(r.hold_down) << ' ' << d(r.hold_down_max) << ' '
      << d(r.stale_after) << '\n';
  const auto& h = s.carrier_health;
  out << "carriers " << h.fall << ' ' << h.rise << ' ' << h.min_samples << ' ' << d(h.dead_after) << ' ' << d(h.hold_down) << ' ' << d(h.stale_after)
      << '\n';
  out << "connections " << s.connections.keep << ' ' << s.connections.mask << ' ' << d(s.connections.drain) << '\n';
  const auto& w = s.calls;
  out << "calls " << w.on() << ' ' << w.port << ' ' << w.allow.size() << ' ' << w.key_file << ' ' << w.false_demotions_per_year << ' '
      << d(w.unanswered_after) << ' ' << d(w.slow_min) << ' ' << d(w.slow_max) << ' ' << d(w.hold_down) << ' ' << d(w.hold_down_max) << ' '
      << w.trial_calls << '\n';
  for (const auto& c : s.circuits)
    out << static_cast<int>(c.nat.kind) << c.nat.address.to_string() << ' ' << c.name << ' ' << c.interface << ' ' << c.provider << ' ' << c.medium
        << ' ' << c.priority << ' ' << c.metered << ' ' << c.cost << ' ' << maybe(c.bandwidth_kbps) << ' ' << maybe(c.weight) << ' '
        << c.gateway.has_value() << ' ' << c.sources.size() << ' ' << c.targets.size() << ' ' << c.table << ' ' << maybe(c.mark) << ' '
        << c.risk_groups.size() << '\n';
  for (const auto& c : s.carriers)
    out << c.name << ' ' << c.provider << ' ' << c.port << ' ' << c.domain << ' ' << c.from_user << ' ' << c.priority << ' ' << c.cost << ' '
        << maybe(c.channels) << ' ' << maybe(c.calls_per_second) << ' ' << d(c.interval) << ' ' << d(c.floor) << ' ' << d(c.deadline) << ' '
        << c.verify_burst << ' ' << c.max_forwards << ' ' << c.replies.size() << ' ' << c.overload_control << ' ' << d(c.retry_after_max) << ' '
        << d(c.carrier_floor) << ' ' << c.etiquette << c.auth.has_value() << '\n';
  for (const auto& c : s.classes) {
    out << c.name << ' ' << c.circuits.size() << ' ' << c.table << ' ' << d(c.rto) << ' ' << linekeeper::config::word_of(c.codec) << ' '
        << c.avoid_metered << ' ' << back(c.failback) << ' ' << d(c.drain);
    for (const int weight : c.weights) out << " weight " << weight;
    if (const auto& l = c.limits)
      out << " limits " << l->loss_enter << ' ' << l->loss_exit << ' ' << d(l->rtt_enter) << ' ' << d(l->rtt_exit) << ' ' << l->r_enter << ' '
          << l->r_exit;
    out << '\n';
  }
  for (const auto& x : s.pbxs) out << x.name << ' ' << x.htable << ' ' << d(x.lease) << ' ' << d(x.refresh) << ' ' << d(x.reply_timeout) << '\n';
  for (const auto& t : s.trunks)
    out << t.name << ' ' << t.carriers.size() << ' ' << t.key << ' ' << d(t.rto) << ' ' << t.emergency << ' ' << maybe(t.busy_hour_calls) << ' '
        << maybe(t.busy_hour_calls_per_second) << ' ' << back(t.failback) << '\n';
  const auto& e = s.endpoints;
  out << e.control_socket << ' ' << e.switch_socket << ' ' << e.journal << ' ' << e.recording_mib << ' ' << e.http_address << ' ' << e.http_port
      << ' ' << e.http_hosts.size() << '\n';
  return out.str();
}

}  // namespace config_text
