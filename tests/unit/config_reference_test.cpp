#include <fstream>
#include <sstream>

#include "config/schema.hpp"
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;

namespace {
std::string read(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
}  // namespace

TEST_CASE("reference: the tables in the README are those of the schema, word for word") {
  const std::string readme = read(LINEKEEPER_CONFIG_DIR "/README.md");
  const std::string begin = "<!-- reference: printed from schema.cpp -->\n\n", end = "<!-- end of reference -->";
  const auto from = readme.find(begin), to = readme.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  INFO("paste this between the two comments of config/README.md:\n" << config::reference());
  CHECK(readme.substr(from + begin.size(), to - from - begin.size()) == config::reference());
}

TEST_CASE("reference: every key stands in the example file") {
  const std::string example = read(LINEKEEPER_CONFIG_DIR "/linekeeper.example.toml");
  for (const config::Key& key : config::schema()) {
    const std::string name(key.name);
    CAPTURE(std::string(key.section));
    CAPTURE(name);
    CHECK((example.find("\n" + name + " = ") != std::string::npos || example.find("[" + name + "]") != std::string::npos ||
           example.find(" " + name + " = ") != std::string::npos));
  }
}

TEST_CASE("reference: a default, typed out, changes nothing") {
  const auto same = [](const std::string& text) { return config::summary(site_of(text)); };
  const std::string plain = same(kSound);
  for (const config::Key& key : config::schema()) {
    if (key.section.empty() || key.required() || key.fallback.starts_with('(')) continue;
    const std::string line = std::string(key.name) + " = " + std::string(key.fallback);
    const std::string section(key.section);
    CAPTURE(section);
    CAPTURE(line);
    const bool listed = kSound.find("[[" + section + "]]") != std::string::npos;
    if (key.name == "listen" || listed || section == "daemon" || section == "http" || section == "probing" || section.ends_with("_health")) {
      CHECK(same(listed ? after("[[" + section + "]]", line) : kSound + "[" + section + "]\n" + line + "\n") == plain);
    }
  }
}

TEST_CASE("reference: the defaults that the summary does not show are those of the model") {
  const model::Site model;
  const auto fallback = [](const char* section, const char* key) { return std::string(config::key_named(section, key).fallback); };
  const auto quoted = [](const std::string& text) { return '"' + text + '"'; };
  CHECK(fallback("daemon", "control_socket") == quoted(model.endpoints.control_socket));
  CHECK(fallback("daemon", "switch_socket") == quoted(model.endpoints.switch_socket));
  CHECK(fallback("daemon", "journal") == quoted(model.endpoints.journal));
  CHECK(fallback("probing", "timeout_min") == quoted(config::show(model.probing.timeout_min)));
  const auto check_rule = [&](const char* section, const auto& rule) {
    CHECK(fallback(section, "fall") == std::to_string(rule.fall));
    CHECK(fallback(section, "rise") == std::to_string(rule.rise));
    CHECK(fallback(section, "min_samples") == std::to_string(rule.min_samples));
    CHECK(fallback(section, "hold_down") == quoted(config::show(rule.hold_down)));
    CHECK(fallback(section, "stale_after") == quoted(config::show(rule.stale_after)));
  };
  check_rule("circuit_health", model.circuit_health);
  check_rule("carrier_health", model.carrier_health);
  CHECK(fallback("carrier", "max_forwards") == std::to_string(model::Carrier{}.max_forwards));
  CHECK(fallback("carrier", "deadline") == quoted(config::show(model::Carrier{}.deadline)));
  CHECK(fallback("pbx", "htable") == quoted(model::Pbx{}.htable));
  CHECK(fallback("pbx", "lease") == quoted(config::show(model::Pbx{}.lease)));
  CHECK(fallback("pbx", "refresh") == quoted(config::show(model::Pbx{}.refresh)));
  CHECK(fallback("trunk", "key") == quoted(model::Trunk{}.key));
}
