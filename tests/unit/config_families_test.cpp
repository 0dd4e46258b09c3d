// Circuits and classes of IPv4, IPv6 or both.
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;

namespace {

constexpr std::string_view kTargets6 = R"([[target]]
name = "s1"
address = "2001:db8:1::1"
[[target]]
name = "s2"
address = "2001:db9:2::1"
[[target]]
name = "s3"
address = "2001:dba:3::1"
)";

/// kSound with three IPv6 targets and more lines for the fiber.
std::string with_fiber(const std::string& lines) {
  return after("name = \"fiber\"", lines, with("[[circuit]]\n", std::string(kTargets6) + "[[circuit]]\n"));
}
const std::string kBoth = "families = [\"ipv4\", \"ipv6\"]";

model::CircuitId circuit(std::size_t i) { return model::id_at<model::CircuitId>(i); }
bool says(const std::string& text, std::string_view part) { return told(text).find(part) != std::string::npos; }

}  // namespace

TEST_CASE("families: targets of the other family are nobody's mistake, and are not measured against") {
  const auto site = site_of(with_fiber("priority = 1"));
  CHECK(site.circuits.size() == 2);
  CHECK(site.circuits[0].family == model::Family::V4);
  CHECK(site.circuits[0].targets.size() == 3);
}

TEST_CASE("families: a circuit of both is two on one interface, each with its own targets, gateway, sources and table") {
  const auto site = site_of(with_fiber(
      kBoth + "\ngateway = \"192.0.2.254\"\ngateway6 = \"fe80::1\"\nsources = [\"10.0.0.1\", \"2001:db8:77::/64\"]\nmark = 17\nmetered = true"));
  REQUIRE(site.circuits.size() == 3);
  const auto &four = site.circuits[0], &six = site.circuits[2];
  CHECK(four.name == "fiber");
  CHECK(six.name == "fiber-ipv6");
  CHECK(six.twin == circuit(0));
  CHECK_FALSE(four.twin);
  CHECK(six.interface == "wan0");
  CHECK(six.family == model::Family::V6);
  CHECK(four.targets.size() == 3);
  CHECK(six.targets.size() == 3);
  CHECK(site[six.targets[0]].name == "s1");
  CHECK(four.gateway->to_string() == "192.0.2.254");
  CHECK(six.gateway->to_string() == "fe80::1");
  CHECK(four.sources.size() == 1);
  CHECK(six.sources.at(0).to_string() == "2001:db8:77::/64");
  CHECK(four.table == 7100);
  CHECK(six.table == 7300);
  CHECK(six.mark == 17U);
  CHECK(six.metered);
}

TEST_CASE("families: a class steers both where its circuits carry both, as two classes, and references by name mean the IPv4 one") {
  const auto site = site_of(with_fiber(kBoth));
  REQUIRE(site.classes.size() == 2);
  CHECK(site.classes[0].circuits == std::vector{circuit(0), circuit(1)});
  CHECK(site.classes[1].name == "voice-ipv6");
  CHECK(site.classes[1].family == model::Family::V6);
  CHECK(site.classes[1].circuits == std::vector{circuit(2)});
  CHECK(site.classes[1].table == 7400);
  CHECK(site[site.trunks[0].traffic_class].name == "voice");
  CHECK(site.trunks[0].members.size() == 3);
}

TEST_CASE("families: a class may want one only, and its source says which") {
  CHECK(site_of(after("name = \"voice\"", "families = [\"ipv4\"]", with_fiber(kBoth))).classes.size() == 1);
  CHECK(site_of(after("name = \"voice\"", "match = { source = \"10.0.0.0/28\" }", with_fiber(kBoth))).classes.size() == 1);
  const auto six =
      site_of(with("name = \"voice\"", "name = \"voice\"\n[[class]]\nname = \"six\"\nmatch = { source = \"2001:db8:5::/64\" }\ntable6 = 7900",
                   with("name = \"outbound\"", "name = \"outbound\"\nclass = \"voice\"", with_fiber(kBoth))));
  REQUIRE(six.classes.size() == 3);
  CHECK(six.classes[1].family == model::Family::V6);
  CHECK(six.classes[1].table == 7900);
}

TEST_CASE("families: a circuit of IPv6 only keeps its name") {
  const auto site = site_of(with_fiber("families = [\"ipv6\"]\ntable6 = 7333") + "class = \"voice\"\n");
  CHECK(site.circuits.size() == 2);
  CHECK(site.circuits[0].name == "fiber");
  CHECK(site.circuits[0].family == model::Family::V6);
  CHECK(site.circuits[0].table == 7333);
  CHECK(site.classes[0].circuits == std::vector{circuit(1)});
}

TEST_CASE("families: what is given for a family that is not carried is refused with its place") {
  CHECK(says(with_fiber("gateway6 = \"fe80::1\""), "circuit \"fiber\" gateway6 is given, but it carries no IPv6"));
  CHECK(says(with_fiber("sources = [\"2001:db8::7\"]"), "sources has 2001:db8::7/128, but it carries no IPv6"));
  CHECK(says(with_fiber("targets = [\"t1\", \"t2\", \"t3\", \"s1\"]"), "targets names s1, but it carries no IPv6"));
  CHECK(says(with_fiber("families = [\"ipv6\"]\ngateway = \"192.0.2.7\""), "gateway is given, but it carries no IPv4"));
  CHECK(says(with_fiber(kBoth + "\ngateway6 = \"192.0.2.7\""), "\"192.0.2.7\" is IPv4"));
  CHECK(says(with_fiber(kBoth + "\ngateway = \"fe80::1\""), "\"fe80::1\" is IPv6"));
  CHECK(says(with_fiber("families = [\"ipv5\"]"), "there is no family \"ipv5\""));
  CHECK(says(after("name = \"voice\"", "families = [\"ipv6\"]"), "is to steer IPv6, but none of its circuits carries it"));
}

TEST_CASE("families: that IPv4 is translated says nothing of IPv6; nat6 does, and is an address of its own family") {
  const auto four = site_of(with_fiber(kBoth + "\nnat = \"masquerade\""));
  CHECK(four.circuits[0].nat.kind == model::Nat::Kind::Masquerade);
  CHECK(four.circuits[2].nat.kind == model::Nat::Kind::Off);
  const auto six = site_of(with_fiber(kBoth + "\nnat6 = \"2001:db8:7::9\""));
  CHECK(six.circuits[0].nat.kind == model::Nat::Kind::Off);
  CHECK(six.circuits[2].nat.address.to_string() == "2001:db8:7::9");
  CHECK(says(with_fiber(kBoth + "\nnat6 = \"198.51.100.9\""), "the one for IPv4 is nat"));
  CHECK(says(with_fiber(kBoth + "\nnat6 = \"2001:db8:7::/48\""), "not translated from prefix to prefix (RFC 6296)"));
}

TEST_CASE("families: three targets in two networks are needed for each family apart") {
  CHECK(says(after("name = \"fiber\"", kBoth), "circuit \"fiber\" is measured against 0 targets of IPv6"));
  CHECK(says(with_fiber(kBoth + "\ntargets = [\"t1\", \"t2\", \"t3\", \"s1\", \"s2\"]"), "is measured against 2 targets of IPv6"));
  CHECK(says(with_fiber(kBoth + "\ntargets = [\"t1\", \"t2\", \"s1\", \"s2\", \"s3\"]"), "is measured against 2 targets of IPv4"));
}

TEST_CASE("families: 64 circuits are the most, those of IPv6 counted") {
  const auto with_more = [](int more, int of_both) {
    std::string text = with_fiber(kBoth);
    for (int i = 0; i < more; ++i) {
      const std::string n = std::to_string(i);
      std::string circuit = "[[circuit]]\nname = \"c";
      circuit.append(n).append("\"\ninterface = \"eth").append(n).append("\"\n");
      if (i < of_both) circuit.append(kBoth).append("\n");
      circuit.append("[[class]]\n");
      text = with("[[class]]\n", circuit, text);
    }
    // Room for so many in the connections' marks, and tables that do not run into those of classes.
    return text + "[connections]\nkeep = false\n";
  };
  site_of(with_more(61, 0));  // fiber, coax and fiber-ipv6 beside them
  CHECK(says(with_more(61, 1), "there are 65 circuits with those of IPv6, and 64 are the most"));
}

TEST_CASE("families: names and tables of the IPv6 parts are not taken twice") {
  CHECK(says(with("name = \"coax\"", "name = \"fiber-ipv6\"", with_fiber(kBoth)),
             "which is shown as \"fiber-ipv6\", and another circuit is called so"));
  CHECK(says(after("name = \"coax\"", "table = 7300", with_fiber(kBoth)), "both use routing table 7300"));
  CHECK(says(after("name = \"voice\"", "table = 7300", with_fiber(kBoth)), "both use routing table 7300"));
}

TEST_CASE("families: an IPv6 target must be a host out there") {
  for (const char* address : {"::", "::1", "ff02::1", "fe80::1", "febf::1"}) {
    CAPTURE(address);
    CHECK(says(with("192.0.2.1", address), "target \"t1\" address " + std::string(address)));
  }
  CHECK_FALSE(says(with("192.0.2.1", "fec0::1"), "target \"t1\" address"));
}
