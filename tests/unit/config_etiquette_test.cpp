// Presets of well-known carriers, the pace over all circuits, and credentials.
#include "config/etiquette_presets.hpp"
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

namespace {

const std::string kDomain = "domain = \"site.pstn.example\"";
/// Of a site whose trunk has time: what is asked rarely is found late.
std::string north(const std::string& lines) { return after("name = \"outbound\"", "rto = \"10m\"", after("address = \"198.51.100.10\"", lines)); }

}  // namespace

TEST_CASE("etiquette: a preset sets the pace, shared out over the circuits, and an explicit key that keeps the rule wins") {
  const auto carrier = site_of(north("etiquette = \"twilio\"\n" + kDomain)).carriers[0];
  CHECK(carrier.carrier_floor == 15s);
  CHECK(carrier.floor == 30s);  // two circuits
  CHECK(carrier.interval == 30s);
  CHECK(carrier.verify_burst == 0);
  const auto faster = site_of(north("etiquette = \"twilio\"\ncarrier_floor = \"10s\"\n" + kDomain)).carriers[0];
  CHECK(faster.floor == 20s);
  CHECK(faster.interval == 20s);
}

TEST_CASE("etiquette: a key that breaks the preset's rule is refused, one that just keeps it is not") {
  const auto wrong = [](const std::string& line, std::string_view what) {
    const auto problem = only(north("etiquette = \"twilio\"\n" + kDomain + "\n" + line));
    CHECK(problem.what.find(what) != std::string::npos);
    CHECK(problem.remedy.find("Twilio") != std::string::npos);
    CHECK(problem.line > 1);
  };
  wrong("carrier_floor = \"9.999s\"", "carrier_floor 9.999s breaks the rule");
  wrong("verify_burst = 1", "verify_burst 1 breaks the rule");
  const auto without = only(north("etiquette = \"twilio\""));
  CHECK(without.what.find("has no domain") != std::string::npos);
  const auto unknown = only(north("etiquette = \"twillio\""));
  CHECK(unknown.what.find("is not known") != std::string::npos);
  CHECK(unknown.remedy.find("`teams`, `twilio`") != std::string::npos);
}

TEST_CASE("etiquette: every preset is sound as it stands, and its rule says where it is from") {
  for (const auto& preset : config::etiquette_presets()) {
    CAPTURE(std::string(preset.name));
    site_of(north("etiquette = \"" + std::string(preset.name) + "\"\n" + kDomain));
    CHECK(preset.floor >= preset.hard_floor);
    CHECK(preset.rule.contains('('));
  }
}

TEST_CASE("etiquette: an interval that a carrier heard by several circuits does not allow is refused, not stretched in silence") {
  const auto problem = only(north("carrier_floor = \"10s\"\ninterval = \"19s\""));
  CHECK(problem.what.find("below its floor 20s") != std::string::npos);
  CHECK(site_of(north("carrier_floor = \"10s\"\ninterval = \"20s\"")).carriers[0].interval == 20s);
}

TEST_CASE("auth: user and file are read, and what cannot be sent or found is refused") {
  const auto auth = site_of(north("auth = { user = \"4420@pbx\", realm = \"r\", password_file = \"north-password\" }")).carriers[0].auth;
  REQUIRE(auth);
  CHECK(*auth == model::SipCredentials{.user = "4420@pbx", .realm = "r", .password_file = "north-password"});
  CHECK_FALSE(site_of(kSound).carriers[0].auth);
  CHECK(only(north("auth = { user = \"a\" }")).what.find("password_file") != std::string::npos);
  CHECK(only(north("auth = { user = 'a\"b', password_file = \"/x\" }")).what.find("quote") != std::string::npos);
  CHECK(only(north("auth = { user = \"a\", password_file = \"x/y\" }")).what.find("neither an absolute path") != std::string::npos);
  CHECK(only(north("auth = { user = \"a\", password_file = \"/x\", password = \"no\" }")).what.find("password") != std::string::npos);
}
