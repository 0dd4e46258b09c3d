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
           example.find(" " + name + " = ") != std::string::npos || example.find("." + name + "]") != std::string::npos));
  }
}

TEST_CASE("reference: a default, typed out, changes nothing: what is documented is what the model has") {
  const std::string voice = after("name = \"voice\"", "codec = \"g711\"");
  const std::string plain = dump(site_of(kSound)), plain_voice = dump(site_of(voice));
  int compared = 0;
  for (const config::Key& key : config::schema()) {
    if (key.section.empty() || key.required() || key.fallback.starts_with('(')) continue;
    const std::string line = std::string(key.name) + " = " + std::string(key.fallback);
    const std::string section(key.section);
    CAPTURE(section);
    CAPTURE(line);
    ++compared;
    if (section == "limits")
      CHECK(dump(site_of(after("codec = \"g711\"", "[class.limits]\n" + line, voice))) == plain_voice);
    else if (section == "calls" || section == "answering") {
      const std::string base = std::string(kSound) + (section == "calls" ? "[calls]\nhep_listen = \"127.0.0.1\"\n" : "[answering]\nport = 5062\n");
      CHECK(dump(site_of(base + line + "\n")) == dump(site_of(base)));
    } else if (section == "tls") {
      const model::CarrierTls written = site_of(after("[[carrier]]", "transport = \"tls\"\ntls = { " + line + " }")).carriers.at(0).tls;
      CHECK(written.sips == model::CarrierTls{}.sips);
    } else if (section == "test_call") {
      const auto call = [](const std::string& more) {
        return *site_of(after("[[carrier]]", "test_call = { number = \"+441632960000\"" + more + " }")).carriers.at(0).test_call;
      };
      CHECK(call(", " + line).expect == call("").expect);
      CHECK(call(", " + line).wait == call("").wait);
      CHECK(call(", " + line).talk == call("").talk);
    } else if (section == "register") {
      const auto rule = [](const std::string& more) {
        return *site_of(after("[[carrier]]", "register = { user = \"4420\"" + more + " }")).carriers.at(0).registration;
      };
      CHECK(rule(", " + line).contact_port == rule("").contact_port);
      CHECK(rule(", " + line).expires == rule("").expires);
    } else if (section == "resolvers") {
      const std::string base =
          after("interface = \"wan1\"", "resolvers = [\"192.0.2.54\"]", after("interface = \"wan0\"", "resolvers = [\"192.0.2.53\"]")) +
          "[resolvers]\nfile = \"/run/x/resolv.conf\"\n";
      const model::HostResolvers left_out = site_of(base).resolvers, written = site_of(base + line + "\n").resolvers;
      CHECK(left_out.query == written.query);
      CHECK(left_out.interval == written.interval);
      CHECK(left_out.fallback == written.fallback);
      CHECK(left_out.search == written.search);
    } else if (kSound.find("[[" + section + "]]") != std::string::npos)
      CHECK(dump(site_of(after(std::string("[[").append(section).append("]]"), line))) == plain);
    else
      CHECK(dump(site_of(std::string(kSound).append("[").append(section).append("]\n").append(line).append("\n"))) == plain);
  }
  CHECK(compared > 50);
}

TEST_CASE("reference: what the example of a key says is accepted, and its default is within its bounds") {
  for (const config::Key& key : config::schema()) {
    if (key.form != config::Form::Integer && key.form != config::Form::Number && key.form != config::Form::Duration) continue;
    CAPTURE(std::string(key.section));
    CAPTURE(std::string(key.name));
    CHECK(key.low < key.high);
    for (const std::string_view text : {key.fallback, key.example}) {
      if (text.starts_with('(') || text == "required") continue;
      const double value = key.form == config::Form::Duration ? model::seconds(*config::parse_duration(text.substr(1, text.size() - 2)))
                           : text.starts_with("0x")           ? key.low
                                                              : std::stod(std::string(text));
      CHECK(value >= key.low);
      CHECK(value <= key.high);
    }
  }
}

TEST_CASE("reference: a key of an earlier version is not a key of this one, and names what took its place") {
  for (const config::Retired& old : config::retired()) {
    for (const config::Key* key : config::keys_of(old.section)) CHECK(key->name != old.name);
    check_only(kSound + "[" + std::string(old.section) + "]\n" + std::string(old.name) + " = 5\n", " is not used any more: ", "take it out");
  }
  check_only(kSound + "[circuit_health]\nfall = 5\n", "[circuit_health] fall is not used any more: silence is learned; see dead_after_min",
             "dead_after_max");
  site_of(kSound + "[carrier_health]\nfall = 5\n");  // carriers still count
}
