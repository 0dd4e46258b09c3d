#include "config_text.hpp"

using namespace linekeeper;
using namespace linekeeper::config;
using namespace config_text;
using model::CheckKind;

namespace {

/// The sound site with both circuits' resolvers, and a check.
std::string checked(const std::string& lines) {
  return after("name = \"fiber\"", "resolvers = [\"192.0.2.53\"]", after("name = \"coax\"", "resolvers = [\"203.0.113.53\"]")) +
         "[[check]]\nname = \"it\"\n" + lines;
}
/// Its one mistake.
void wrong(const std::string& lines, std::string_view what, std::string_view remedy) {
  const auto problem = only(checked(lines));
  INFO(describe(problem, "site.toml"));
  CHECK(problem.what.find(what) != std::string::npos);
  CHECK(problem.remedy.find(remedy) != std::string::npos);
  CHECK(problem.line > 1);
}

}  // namespace

TEST_CASE("checks: each kind is read with what it needs; by all circuits and at its usual pace where nothing else is said") {
  using namespace std::chrono_literals;
  const auto resolver = site_of(checked("kind = \"resolver\"\nquery = \"example.net\"\n"));
  REQUIRE(resolver.checks.size() == 1);
  CHECK(resolver.checks[0].circuits.size() == 2);
  CHECK(resolver.checks[0].interval == 30s);
  CHECK(resolver.circuits[0].resolvers == std::vector{*model::IpAddress::parse("192.0.2.53")});
  const auto page = site_of(checked("kind = \"http\"\nurl = \"https://example.net:8443/x?y\"\nstatus = 204\nbody = \"ok\"\ncircuits = "
                                    "[\"coax\"]\npinned = \"192.0.2.80\"\n"))
                        .checks[0];
  CHECK(page.kind == CheckKind::Http);
  CHECK(page.status == 204);
  CHECK(page.pinned.has_value());
  CHECK(page.circuits == std::vector{model::CircuitId{1}});
  CHECK(page.interval == 1min);
  CHECK(site_of(checked("kind = \"mtu\"\ntarget = \"192.0.2.1\"\nsize = 1420\n")).checks[0].size == 1420);
  const auto stun = site_of(checked("kind = \"public-address\"\nserver = \"192.0.2.3\"\n")).checks[0];
  CHECK(stun.port == 3478);
  CHECK(site_of(checked("kind = \"hops\"\ntarget = \"192.0.2.1\"\ninterval = \"1h\"\n")).checks[0].interval == 1h);
  const auto expected = site_of(after("name = \"fiber\"", "expect_public = \"192.0.2.0/28\"")).circuits[0].expect_public;
  REQUIRE(expected.has_value());
  CHECK(expected->length == 28);
}

TEST_CASE("checks: a kind without what it needs is refused, with an example") {
  wrong("kind = \"resolver\"\n", "is of kind resolver and has no query", "query = ");
  wrong("kind = \"http\"\n", "is of kind http and has no url", "url = ");
  wrong("kind = \"mtu\"\n", "has no target", "target = ");
  wrong("kind = \"hops\"\n", "has no target", "target = ");
  wrong("kind = \"public-address\"\n", "neither a server nor a url", "server = ");
  wrong("kind = \"public-address\"\nserver = \"192.0.2.3\"\nurl = \"http://192.0.2.3/\"\n", "a server and a url", "one of them");
  wrong("query = \"example.net\"\n", "has no kind", "kind = ");
  wrong("kind = \"dns\"\n", "there is no kind of check \"dns\"", "\"resolver\"");
}

TEST_CASE("checks: a key of another kind is refused, and says whose it is") {
  wrong("kind = \"mtu\"\ntarget = \"192.0.2.1\"\nstatus = 200\n", "is of kind mtu, and status is a key of http", "leave it out");
  wrong("kind = \"hops\"\ntarget = \"192.0.2.1\"\nsize = 1400\n", "size is a key of mtu", "leave it out");
  wrong("kind = \"mtu\"\ntarget = \"192.0.2.1\"\nurl = \"http://192.0.2.1/\"\n", "url is a key of http and public-address", "leave it out");
}

TEST_CASE("checks: URLs that cannot be fetched are refused") {
  const auto url = [](const std::string& text) { return "kind = \"http\"\nurl = \"" + text + "\"\n"; };
  wrong(url("ftp://example.net/"), "neither an http nor an https URL", "http://");
  wrong(url("http://"), "no host", "http://");
  wrong(url("http://user@example.net/"), "has a user in it", "http://");
  wrong(url("http://example.net/#top"), "fragment", "http://");
  wrong(url("http://example.net:0/"), "no port from 1 to 65535", "http://");
  wrong(url("http://example.net:65536/"), "no port from 1 to 65535", "http://");
  wrong(url("http://exa mple.net/"), "not allowed", "http://");
  wrong(url("http://[2001:db8::g]/"), "no host name or address", "http://");
  wrong(url("http://[2001:db8::1/"), "no host name or address", "http://");
  wrong(url("http://[192.0.2.80]/"), "no host name or address", "http://");
  wrong(url("http://[2001:db8::1]:0/"), "no port from 1 to 65535", "http://");
  site_of(checked(url("http://example.net:65535/")));
  site_of(checked(url("http://example.net:1")));
}

TEST_CASE("checks: who asks resolvers must have some; a pinned or numeric host needs none") {
  const std::string check = "[[check]]\nname = \"it\"\nkind = \"http\"\n";
  const auto problem = only(kSound + check + "url = \"http://example.net/\"\n");
  CHECK(problem.what.find("has to look up the host of its url, and circuit \"fiber\" has no resolvers") != std::string::npos);
  site_of(kSound + check + "url = \"http://192.0.2.80/\"\n");
  site_of(kSound + check + "url = \"http://example.net/\"\npinned = \"192.0.2.80\"\n");
  CHECK(only(kSound + "[[check]]\nname = \"it\"\nkind = \"resolver\"\nquery = \"example.net\"\n").what.find("no resolvers") != std::string::npos);
}

TEST_CASE("checks: a run must have ended before the next; bounds hold; names are unique") {
  const std::string mtu = "kind = \"mtu\"\ntarget = \"192.0.2.1\"\n";
  wrong(mtu + "interval = \"5s\"\ntimeout = \"5s\"\n", "may take 5s and comes each 5s", "below the interval");
  site_of(checked(mtu + "interval = \"5.1s\"\ntimeout = \"5s\"\n"));
  wrong(mtu + "interval = \"4.9s\"\ntimeout = \"1s\"\n", "out of its bounds", "5s to 168h");
  wrong(mtu + "size = 575\n", "out of its bounds", "576 to 9000");
  site_of(checked(mtu + "size = 576\n"));
  site_of(checked(mtu + "size = 9000\n"));
  wrong(mtu + "size = 9001\n", "out of its bounds", "576 to 9000");
  CHECK(told(checked(mtu) + "[[check]]\nname = \"it\"\n" + mtu).find("two checks called \"it\"") != std::string::npos);
  wrong("kind = \"mtu\"\ntarget = \"2001:db8::1\"\n", "goes by IPv6, and none of its circuits carries it", "circuits that do");
}

namespace {

/// The fiber carries both families and has resolvers of both, the coax is as ever; and a check.
std::string of_both(const std::string& lines, const std::string& fiber = R"(resolvers = ["192.0.2.53", "2001:db8::53"])") {
  std::string targets;
  for (const char* n : {"1", "2", "3"}) targets += std::string("[[target]]\nname = \"s") + n + "\"\naddress = \"2001:db" + n + ":2::1\"\n";
  const std::string text = with("[[circuit]]\n", targets + "[[circuit]]\n", after("name = \"coax\"", R"(resolvers = ["203.0.113.53"])"));
  return after("name = \"fiber\"", "families = [\"ipv4\", \"ipv6\"]\n" + fiber, text) + "[[check]]\nname = \"it\"\n" + lines;
}
model::CircuitId circuit(std::size_t i) { return model::id_at<model::CircuitId>(i); }
bool says(const std::string& text, std::string_view part) { return told(text).find(part) != std::string::npos; }
using Circuits = std::vector<model::CircuitId>;

}  // namespace

TEST_CASE("checks: resolvers and the expected address are each of one part of a circuit of both families") {
  const auto site =
      site_of(of_both("kind = \"resolver\"\nquery = \"example.net\"\n",
                      "resolvers = [\"192.0.2.53\", \"2001:db8::53\"]\nexpect_public = \"192.0.2.7\"\nexpect_public6 = \"2001:db8:7::/64\""));
  CHECK(site.circuits[0].resolvers == std::vector{*model::IpAddress::parse("192.0.2.53")});
  CHECK(site.circuits[2].resolvers == std::vector{*model::IpAddress::parse("2001:db8::53")});
  CHECK(site.circuits[0].expect_public->to_string() == "192.0.2.7/32");
  CHECK(site.circuits[2].expect_public->to_string() == "2001:db8:7::/64");
  CHECK(says(after("name = \"fiber\"", "expect_public = \"2001:db8::/64\""), "the one for IPv6 is expect_public6"));
  CHECK(says(after("name = \"fiber\"", "expect_public6 = \"192.0.2.7\""), "the one for IPv4 is expect_public"));
  CHECK(says(after("name = \"fiber\"", "expect_public6 = \"2001:db8::/64\""), "expect_public6 is given, but it carries no IPv6"));
  CHECK(says(after("name = \"fiber\"", "resolvers = [\"2001:db8::53\"]"), "resolvers has 2001:db8::53, but it carries no IPv6"));
  CHECK(says(after("name = \"fiber\"", "resolvers = [\"127.0.0.53\"]"), "resolvers: 127.0.0.53 is this machine itself"));
  CHECK(says(of_both("kind = \"resolver\"\nquery = \"example.net\"\n", "resolvers = [\"fe80::1\"]"), "resolvers: fe80::1 is of one link only"));
}

TEST_CASE("checks: a check goes by the family of the address it asks, by IPv4 otherwise, or by those that are wished") {
  CHECK(site_of(of_both("kind = \"mtu\"\ntarget = \"192.0.2.1\"\n")).checks[0].circuits == Circuits{circuit(0), circuit(1)});
  CHECK(site_of(of_both("kind = \"mtu\"\ntarget = \"2001:db8::1\"\n")).checks[0].circuits == Circuits{circuit(2)});
  CHECK(site_of(of_both("kind = \"public-address\"\nserver = \"[2001:db8::3]:3478\"\n")).checks[0].circuits == Circuits{circuit(2)});
  CHECK(site_of(of_both("kind = \"http\"\nurl = \"http://[2001:db8::3]:8080/\"\n")).checks[0].circuits == Circuits{circuit(2)});
  const std::string names = "kind = \"resolver\"\nquery = \"example.net\"\n";
  CHECK(site_of(of_both(names)).checks[0].circuits == Circuits{circuit(0), circuit(1)});
  CHECK(site_of(of_both(names + "families = [\"ipv6\"]\n")).checks[0].circuits == Circuits{circuit(2)});
  CHECK(site_of(of_both(names + "families = [\"ipv6\", \"ipv4\"]\n")).checks[0].circuits == Circuits{circuit(0), circuit(1), circuit(2)});
  CHECK(site_of(of_both(names + "families = [\"ipv4\", \"ipv6\"]\ncircuits = [\"fiber\"]\n")).checks[0].circuits == Circuits{circuit(0), circuit(2)});
}

TEST_CASE("checks: families that do not fit are refused: the address of the other one, circuits without it, no resolvers of it") {
  const std::string names = "kind = \"resolver\"\nquery = \"example.net\"\n";
  CHECK(says(of_both("kind = \"mtu\"\ntarget = \"192.0.2.1\"\nfamilies = [\"ipv4\", \"ipv6\"]\n"),
             "check \"it\" is to go by IPv6, and its target \"192.0.2.1\" is IPv4"));
  CHECK(says(of_both(names + "circuits = [\"coax\"]\nfamilies = [\"ipv6\"]\n"), "goes by IPv6, and none of its circuits carries it"));
  CHECK(says(of_both(names + "families = [\"ipv6\"]\n", "resolvers = [\"192.0.2.53\"]"), "and circuit \"fiber-ipv6\" has no resolvers of IPv6"));
  CHECK(says(of_both(names + "families = [\"ipv7\"]\n"), "there is no family \"ipv7\""));
}
