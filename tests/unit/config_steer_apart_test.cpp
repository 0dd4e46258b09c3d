// Destinations of a class, and carriers that are steered apart from theirs.
#include "controller/model/rule_order.hpp"
#include "tests/unit/config_text.hpp"

using namespace config_text;
using namespace linekeeper;

namespace {

model::ClassId id(std::uint16_t i) { return model::ClassId{i}; }

std::string with_north(const std::string& more) { return after("address = \"198.51.100.10\"", more); }
const std::string kApart = "steer_apart = true";
const std::string kMedia = "steer_apart = true\nprefixes = [\"198.51.100.64/26\"]";

std::vector<std::string> words(const std::vector<model::Prefix>& all) {
  std::vector<std::string> out;
  for (const auto& p : all) out.push_back(p.to_string());
  return out;
}
std::vector<std::string> in_order(const model::Site& site) {
  std::vector<std::string> out;
  for (const auto c : model::rule_order(site)) out.push_back(site[c].name);
  return out;
}
bool says(const std::string& text, std::string_view part) {
  const std::string all = told(text);
  INFO(all);
  return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("destinations: are read, and one class may still take the rest") {
  const auto site = site_of(with("name = \"voice\"", R"(name = "media"
match = { destinations = ["203.0.113.0/24", "198.51.100.7"] }
[[class]]
name = "voice")",
                                 with("name = \"outbound\"", "name = \"outbound\"\nclass = \"voice\"")));
  REQUIRE(site.classes.size() == 2);
  CHECK(words(site.classes[0].match.destinations) == std::vector<std::string>{"203.0.113.0/24", "198.51.100.7/32"});
  CHECK_FALSE(site.classes[0].match.everything());
  CHECK(site.classes[1].match.everything());
  CHECK(config::summary(site).find("to 203.0.113.0/24, to 198.51.100.7/32") != std::string::npos);
}

TEST_CASE("destinations: everything, one within another and host bits are refused with their place") {
  const auto match = [](const std::string& list) { return after("name = \"voice\"", "match = { destinations = " + list + " }"); };
  check_only(match(R"(["0.0.0.0/0"])"), "0.0.0.0/0 is everything", "what takes the rest names none");
  check_only(match(R"(["203.0.113.0/24", "203.0.113.7"])"), "203.0.113.7/32 overlaps 203.0.113.0/24", "the larger one alone");
  CHECK(says(match(R"(["203.0.113.7/24"])"), "203.0.113.7/24"));
  CHECK(says(match("[]"), "destinations"));
}

TEST_CASE("destinations: 64 of one class are taken, 65 are not, nor 513 of all together") {
  const auto list = [](int from, int count) {
    std::string text;
    for (int i = from; i < from + count; ++i)
      text += (text.empty() ? "\"" : ", \"") + std::to_string(20 + i / 256) + "." + std::to_string(i % 256) + ".0.0/16\"";
    return "match = { destinations = [" + text + "] }";
  };
  site_of(after("name = \"voice\"", list(0, 64)));
  CHECK(says(after("name = \"voice\"", list(0, 65)), "class \"voice\" match destinations: there are 65, and 64 are the most"));
  const auto many = [&](int last) {
    std::string text = after("name = \"voice\"", list(0, 64)) + "class = \"voice\"\n";
    for (int i = 1; i <= 8; ++i)
      if (const int count = i < 8 ? 64 : last; count > 0) text += "[[class]]\nname = \"c" + std::to_string(i) + "\"\n" + list(i * 64, count) + "\n";
    return text;
  };
  site_of(many(0));
  CHECK(says(many(1), "go to 513 networks together, and 512 are the most"));
}

TEST_CASE("destinations: a class of both families has those of each in its own, and none without") {
  std::string text = with("name = \"fiber\"", "name = \"fiber\"\nfamilies = [\"ipv4\", \"ipv6\"]");
  for (int i = 1; i <= 3; ++i)
    text += "[[target]]\nname = \"s" + std::to_string(i) + "\"\naddress = \"2001:db8:" + std::to_string(i) + "::1\"\nnetwork = \"s" +
            std::to_string(i) + "\"\n";
  const auto match = [&](const std::string& list) { return after("name = \"voice\"", "match = { destinations = " + list + " }", text); };
  const auto both = site_of(match(R"(["203.0.113.0/24", "2001:db8:77::/48"])"));
  REQUIRE(both.classes.size() == 2);
  CHECK(words(both.classes[0].match.destinations) == std::vector<std::string>{"203.0.113.0/24"});
  CHECK(words(both.classes[1].match.destinations) == std::vector<std::string>{"2001:db8:77::/48"});
  CHECK(site_of(match(R"(["203.0.113.0/24"])")).classes.size() == 1);
  const auto six = site_of(match(R"(["2001:db8:77::/48"])"));
  REQUIRE(six.classes.size() == 1);
  CHECK(six.classes[0].family == model::Family::V6);
}

TEST_CASE("destinations: a class behind one that takes all of its traffic can never match, and that is told") {
  const std::string named = with("name = \"outbound\"", "name = \"outbound\"\nclass = \"voice\"");
  const auto two = [&](const std::string& first, const std::string& second) {
    return with("name = \"voice\"",
                "name = \"a\"\nmatch = " + first + "\n[[class]]\nname = \"b\"\nmatch = " + second + "\n[[class]]\nname = \"voice\"", named);
  };
  const char* wide = R"({ destinations = ["203.0.113.0/24", "198.51.100.0/24"] })";
  const char* narrow = R"({ mark = 0x20, destinations = ["203.0.113.64/26", "198.51.100.7"] })";
  CHECK(says(two(wide, narrow), "class \"b\" can never match: class \"a\" stands before it and takes all of its traffic"));
  site_of(two(narrow, wide));
  CHECK(says(two("{ mark = 0x20 }", narrow), "can never match"));
  site_of(two("{ mark = 0x21 }", narrow));
  CHECK(says(two(wide, R"({ destinations = ["203.0.113.64/26"] })"), "match the same traffic"));
}

TEST_CASE("steer apart: a carrier becomes a class of its own beside the class of its trunk, with everything else as there") {
  const auto site = site_of(after(
      "name = \"voice\"", "rto = \"90s\"\ncodec = \"g711\"\ndrain = \"30m\"\navoid_metered = true\nfailback = \"after 10m\"", with_north(kMedia)));
  REQUIRE(site.classes.size() == 2);
  const model::TrafficClass &whole = site.classes[0], &part = site.classes[1];
  CHECK(part.name == "voice-north");
  CHECK(part.table == 7600);
  CHECK(part.apart == model::Apart{.of = id(0), .carrier = model::CarrierId{0}, .rto = site.trunks[0].rto});
  CHECK(words(part.match.destinations) == std::vector<std::string>{"198.51.100.10/32", "198.51.100.64/26"});
  CHECK(part.circuits == whole.circuits);
  CHECK(part.rto == whole.rto);
  CHECK(part.codec == whole.codec);
  CHECK(part.limits.has_value());
  CHECK(part.drain == whole.drain);
  CHECK(part.avoid_metered);
  CHECK(part.failback == whole.failback);
  CHECK_FALSE(whole.apart.has_value());
  CHECK(whole.match.destinations.empty());
}

TEST_CASE("steer apart: members of the carrier follow its class, others the trunk's") {
  const auto site = site_of(with_north(kApart));
  const model::Trunk& trunk = site.trunks[0];
  for (const model::TrunkMember& m : trunk.members) CHECK(trunk.class_of(m) == (m.carrier.index() == 0 ? id(1) : id(0)));
}

TEST_CASE("steer apart: its matches are asked just before those of its class, whatever stands behind in the file") {
  const std::string text = with("name = \"voice\"", R"(name = "first"
match = { mark = 0x10 }
[[class]]
name = "voice"
match = { source = "10.0.0.0/28" }
[[class]]
name = "rest")",
                                with("name = \"outbound\"", "name = \"outbound\"\nclass = \"voice\"", with_north(kApart)));
  CHECK(in_order(site_of(text)) == std::vector<std::string>{"first", "voice-north", "voice", "rest"});
  const std::string of_rest = with("class = \"voice\"", "class = \"rest\"", text);
  CHECK(in_order(site_of(of_rest)) == std::vector<std::string>{"first", "voice", "rest-north", "rest"});
}

TEST_CASE("steer apart: what would not work is refused with its place and a remedy") {
  check_only(with_north("prefixes = [\"198.51.100.64/26\"]"), "has prefixes, but is not steered apart", "steer_apart = true");
  CHECK(says(
      with("name = \"outbound\"", "name = \"outbound\"\ncarriers = [\"south\"]", with("north = { fiber = 11, coax = 12 }, ", "", with_north(kApart))),
      "carrier \"north\" is steered apart, but no trunk offers it"));
  CHECK(says(after("address = \"203.0.113.20:5070\"", "steer_apart = true\nprefixes = [\"198.51.100.0/24\"]", with_north(kMedia)),
             "carrier \"south\" goes to 198.51.100.0/24, which overlaps 198.51.100.10/32 of carrier \"north\""));
  CHECK(says(after("name = \"voice\"", "match = { destinations = [\"203.0.113.0/24\"] }", with_north(kApart)),
             "goes to 198.51.100.10/32, which is no destination of class \"voice\""));
  CHECK(says(with_north("steer_apart = true\nprefixes = [\"2001:db8::/48\"]"), "is of another family than its address"));
  CHECK(says(after("name = \"coax\"", "table = 7600", with_north(kApart)), "both use routing table 7600"));
  CHECK(says(with("name = \"outbound\"", "name = \"voice-north\"", with_north(kApart)),
             "is steered apart as class \"voice-north\", and another class or trunk is called so"));
}

TEST_CASE("steer apart: the name of both is 40 characters at most") {
  const auto named = [](std::size_t length) { return with("name = \"voice\"", "name = \"" + std::string(length, 'v') + "\"", with_north(kApart)); };
  site_of(named(40 - std::string("-north").size()));
  CHECK(says(named(41 - std::string("-north").size()), "which is 41 characters long"));
}

TEST_CASE("steer apart: how long it takes when the carrier is dead by one circuit is shown") {
  const std::string shown = config::summary(site_of(with_north(kApart)));
  CHECK(shown.find("carrier north by one circuit") != std::string::npos);
  CHECK(shown.find("class voice-north") != std::string::npos);
}
