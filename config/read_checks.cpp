// [[check]]: which keys belong to which kind, and what a kind cannot do without.
#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using model::CheckKind;

constexpr std::size_t kMaxChecks = 64;

struct Belongs {
  std::string_view key;
  CheckKind kind, or_kind;
};
constexpr Belongs kBelongs[] = {
    {"query", CheckKind::Resolver, CheckKind::Resolver},
    {"url", CheckKind::Http, CheckKind::PublicAddress},
    {"pinned", CheckKind::Http, CheckKind::PublicAddress},
    {"status", CheckKind::Http, CheckKind::Http},
    {"body", CheckKind::Http, CheckKind::Http},
    {"ca_file", CheckKind::Http, CheckKind::PublicAddress},
    {"target", CheckKind::Mtu, CheckKind::Hops},
    {"size", CheckKind::Mtu, CheckKind::Mtu},
    {"server", CheckKind::PublicAddress, CheckKind::PublicAddress},
    {"depth", CheckKind::Hops, CheckKind::Hops},
};

model::Duration usual_interval(CheckKind kind) {
  using namespace std::chrono_literals;
  switch (kind) {
    case CheckKind::Resolver: return 30s;
    case CheckKind::Http: return 1min;
    case CheckKind::Mtu: return 5min;
    case CheckKind::PublicAddress: return 10min;
    case CheckKind::Hops: return 24h;
  }
  return 1min;
}

void read_address(Section& section, std::string_view key, std::optional<model::IpAddress>& out) {
  if (const auto text = section.text(key)) out = *model::IpAddress::parse(*text);
}

void read_values(Section& section, model::Check& check) {
  if (auto host = section.text("query")) check.query = std::move(*host);
  if (auto url = section.text("url")) check.url = std::move(*url);
  section.integer("status", check.status);
  section.text("body", check.body);
  section.text("ca_file", check.ca_file);
  section.integer("size", check.size);
  section.integer("depth", check.depth);
  read_address(section, "pinned", check.pinned);
  read_address(section, "target", check.target);
  if (const auto server = section.text("server")) {
    const auto peer = *parse_endpoint(*server, std::uint16_t{3478});
    check.server = peer.address;
    check.port = peer.port;
  }
}

void check_needs(const Section& section, const model::Check& check) {
  const auto lacks = [&](std::string_view key, std::string remedy) {
    if (!section.has(key))
      section.complain(key, fmt::format("{} is of kind {} and has no {}", section.label(), to_string(check.kind), key), std::move(remedy));
  };
  switch (check.kind) {
    case CheckKind::Resolver: lacks("query", R"(for example: query = "example.net")"); break;
    case CheckKind::Http: lacks("url", R"(for example: url = "http://connectivity.example.net/check.txt")"); break;
    case CheckKind::Mtu:
    case CheckKind::Hops: lacks("target", R"(for example: target = "198.51.100.53")"); break;
    case CheckKind::PublicAddress:
      if (section.has("server") == section.has("url"))
        section.complain(section.has("server") ? "url" : "",
                         fmt::format("{} has {}", section.label(), section.has("server") ? "a server and a url" : "neither a server nor a url"),
                         R"(one of them: server = "198.51.100.3:3478" asks by STUN, url = "http://..." reads a page)");
      break;
  }
}

void read_check(Section& section, Reading& reading, model::Check& check) {
  const auto word = section.text("kind");
  if (word) check.kind = *model::check_kind_named(*word);
  std::vector<model::CircuitId> all;
  for (std::size_t i = 0; i < reading.site.circuits.size(); ++i) all.push_back(model::id_at<model::CircuitId>(i));
  check.circuits = references(section, "circuits", "circuit", names_of(reading.site.circuits), std::move(all));
  check.interval = usual_interval(check.kind);
  section.duration("interval", check.interval);
  section.duration("timeout", check.timeout);
  read_values(section, check);
  std::set<model::Family> families;
  for (const auto& item : section.texts("families").value_or(std::vector<Section::Item>{}))
    families.insert(item.text == "ipv6" ? model::Family::V6 : model::Family::V4);
  reading.check_families.push_back(std::move(families));
  section.finish();
  if (!word) return;  // what belongs to a kind that is not known cannot be told
  for (const Belongs& b : kBelongs)
    if (section.has(b.key) && check.kind != b.kind && check.kind != b.or_kind)
      section.complain(b.key,
                       fmt::format("{} is of kind {}, and {} is a key of {}{}{}", section.label(), to_string(check.kind), b.key, to_string(b.kind),
                                   b.kind == b.or_kind ? "" : " and ", b.kind == b.or_kind ? "" : to_string(b.or_kind)),
                       "leave it out, or make it a check of its own");
  check_needs(section, check);
  if (check.timeout >= check.interval)
    section.complain(section.has("interval") ? "interval" : "timeout",
                     fmt::format("{} may take {} and comes each {}", section.label(), show(check.timeout), show(check.interval)),
                     "a timeout below the interval");
}

}  // namespace

void read_checks(Section& root, Reading& reading) {
  for (const toml::table* table : root.tables("check", kMaxChecks)) {
    model::Check check;
    Section section = open_named(reading, *table, "check", names_of(reading.site.checks), check.name);
    read_check(section, reading, check);
    reading.site.checks.push_back(std::move(check));
    reading.checks.push_back(std::move(section));
  }
}

}  // namespace linekeeper::config
