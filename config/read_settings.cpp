#include <fmt/format.h>

#include <algorithm>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

/// Opens [name]; read against an empty table when the file has none, so that required keys are missed there too.
Section open(Section& root, Reading& reading, std::string_view name) {
  static const toml::table kEmpty;
  const toml::table* table = root.table(name);
  return Section(reading.problems, table != nullptr ? *table : kEmpty, std::string(name), fmt::format("[{}]", name), std::string(name));
}

void read_site(Section& root, Reading& reading) {
  if (root.table("site") == nullptr) return;  // the missing section has been told already
  Section section = open(root, reading, "site");
  section.text("name", reading.site.name);
  for (const auto& number : section.texts("emergency_numbers").value_or(std::vector<Section::Item>{})) {
    if (std::ranges::any_of(number.text, [](char c) { return c < '0' || c > '9'; }))
      section.complain_at(number.place, "emergency_numbers", fmt::format("[site] emergency_numbers: {} is no number", quoted(number.text)),
                          "digits only");
    reading.site.emergency_numbers.push_back(number.text);
  }
  section.finish();
}

void read_daemon(Section& root, Reading& reading) {
  Section section = open(root, reading, "daemon");
  model::Endpoints& endpoints = reading.site.endpoints;
  section.text("control_socket", endpoints.control_socket);
  section.text("switch_socket", endpoints.switch_socket);
  section.text("journal", endpoints.journal);
  section.integer("recording_mib", endpoints.recording_mib);
  section.finish();
  if (endpoints.control_socket == endpoints.switch_socket) {
    section.complain("switch_socket", "[daemon] control_socket and switch_socket are the same", "two sockets, two paths");
  }
}

void read_http(Section& root, Reading& reading) {
  Section section = open(root, reading, "http");
  model::Endpoints& endpoints = reading.site.endpoints;
  const auto listen = section.text("listen");
  const auto hosts = section.texts("allowed_hosts");
  section.finish();
  for (const auto& host : hosts.value_or(std::vector<Section::Item>{})) endpoints.http_hosts.push_back(host.text);
  if (!listen) return;
  if (*listen == "off") {
    endpoints.http_port = 0;
    return;
  }
  const auto at = parse_endpoint(*listen, std::nullopt);
  if (!at) return section.complain("listen", fmt::format("[http] listen: {}", at.error().what), at.error().remedy);
  endpoints.http_address = at->address.to_string();
  endpoints.http_port = at->port;
  if (at->port != 0 && !at->address.is_loopback() && endpoints.http_hosts.empty()) {
    section.complain("listen", fmt::format("[http] listens on {}, beyond this machine, without allowed_hosts", endpoints.http_address),
                     R"(name the hosts people will type: allowed_hosts = ["bangkok.example.net"], or listen on 127.0.0.1)");
  }
}

void read_probing(Section& root, Reading& reading) {
  Section section = open(root, reading, "probing");
  model::CircuitProbing& probing = reading.site.probing;
  section.duration("interval", probing.interval);
  section.duration("standby_interval", probing.standby_interval);
  section.duration("metered_interval", probing.metered_interval);
  section.duration("metered_standby_interval", probing.metered_standby_interval);
  section.flag("accelerate", probing.accelerate);
  section.integer("verify_budget", probing.verify_budget);
  section.number("jitter", probing.jitter_ratio);
  section.duration("timeout_min", probing.timeout_min);
  section.duration("timeout_max", probing.timeout_max);
  section.finish();
  reading.probing.push_back(section);
}

void read_circuit_health(Section& root, Reading& reading) {
  Section section = open(root, reading, "circuit_health");
  model::CircuitRule& rule = reading.site.circuit_health;
  section.number("false_failovers_per_year", rule.false_failovers_per_year);
  section.number("false_suspicions_per_day", rule.false_suspicions_per_day);
  section.duration("suspect_after", rule.suspect_after);
  section.duration("dead_after_min", rule.dead_after_min);
  section.duration("dead_after_max", rule.dead_after_max);
  section.integer("rise", rule.rise);
  section.integer("min_samples", rule.min_samples);
  section.duration("hold_down", rule.hold_down);
  section.duration("hold_down_max", rule.hold_down_max);
  section.duration("stale_after", rule.stale_after);
  section.finish();
  reading.circuit_health.push_back(section);
}

void read_carrier_health(Section& root, Reading& reading) {
  Section section = open(root, reading, "carrier_health");
  model::HealthRule& rule = reading.site.carrier_health;
  section.integer("fall", rule.fall);
  section.integer("rise", rule.rise);
  section.integer("min_samples", rule.min_samples);
  section.duration("dead_after", rule.dead_after);
  section.duration("hold_down", rule.hold_down);
  section.duration("stale_after", rule.stale_after);
  section.finish();
  reading.carrier_health.push_back(section);
}

void read_connections(Section& root, Reading& reading) {
  Section section = open(root, reading, "connections");
  model::Connections& connections = reading.site.connections;
  section.flag("keep", connections.keep);
  if (const auto mask = section.integer("mask")) connections.mask = static_cast<std::uint32_t>(*mask);
  section.duration("drain", connections.drain);
  section.finish();
  reading.connections.push_back(section);
}

void read_resolvers(Section& root, Reading& reading) {
  if (root.table("resolvers") == nullptr) return;
  Section section = open(root, reading, "resolvers");
  model::HostResolvers& resolvers = reading.site.resolvers;
  section.text("file", resolvers.file);
  section.text("query", resolvers.query);
  section.duration("interval", resolvers.interval);
  for (const auto& item : section.texts("fallback").value_or(std::vector<Section::Item>{}))
    resolvers.fallback.push_back(*model::IpAddress::parse(item.text));
  for (const auto& item : section.texts("search").value_or(std::vector<Section::Item>{})) resolvers.search.push_back(item.text);
  section.finish();
  reading.resolvers.push_back(section);
}

}  // namespace

void read_settings(Section& root, Reading& reading) {
  read_site(root, reading);
  read_daemon(root, reading);
  read_http(root, reading);
  read_probing(root, reading);
  read_circuit_health(root, reading);
  read_carrier_health(root, reading);
  read_connections(root, reading);
  read_resolvers(root, reading);
}

}  // namespace linekeeper::config
