#include <fstream>

#include "config_text.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

TEST_CASE("site: what is left out takes its default") {
  const auto site = site_of(kSound);
  CHECK(site.name == "lab");
  CHECK(site.file == "site.toml");
  CHECK(site.endpoints.http_port == 9851);
  CHECK(site.endpoints.recording_mib == 64);
  CHECK(site_of(kSound + "[daemon]\nrecording_mib = 512\n").endpoints.recording_mib == 512);
  CHECK(site.probing.interval == 200ms);
  CHECK(site.carrier_health.fall == 2);
  REQUIRE(site.circuits.size() == 2);
  CHECK(site.circuits[0].provider == "fiber");
  CHECK(site.circuits[0].table == 7100);
  CHECK(site.circuits[1].table == 7101);
  CHECK(site.circuits[0].targets.size() == 3);
  CHECK_FALSE(site.circuits[0].gateway.has_value());
  CHECK(site.classes[0].table == 7200);
  CHECK(site.classes[0].match.everything());
  CHECK(site.targets[0].network == "192.0.0.0/16");
  CHECK(site.carriers[0].port == 5060);
  CHECK(site.carriers[0].domain == "198.51.100.10");
  CHECK(site.carriers[0].from_user == "linekeeper");
  CHECK(site.carriers[1].port == 5070);
  CHECK(site.trunks[0].key == "order");
}

TEST_CASE("site: lists left out follow priority, then the order of the file") {
  CHECK(site_of(kSound).classes[0].circuits == std::vector{model::CircuitId{0}, model::CircuitId{1}});
  CHECK(site_of(after("name = \"coax\"", "priority = 99")).classes[0].circuits == std::vector{model::CircuitId{1}, model::CircuitId{0}});
  CHECK(site_of(after("name = \"south\"", "priority = 99")).trunks[0].carriers == std::vector{model::CarrierId{1}, model::CarrierId{0}});
  CHECK(site_of(after("name = \"voice\"", "circuits = [\"coax\", \"fiber\"]")).classes[0].circuits.front() == model::CircuitId{1});
}

TEST_CASE("site: a trunk's members stand carrier by carrier, circuits in the order of the class") {
  using Member = model::TrunkMember;
  const model::CarrierId north{0}, south{1};
  const model::CircuitId fiber{0}, coax{1};
  CHECK(site_of(kSound).trunks[0].members == std::vector<Member>{{north, fiber, 11}, {north, coax, 12}, {south, std::nullopt, 21}});
  const auto turned =
      after("name = \"outbound\"", "carriers = [\"south\", \"north\"]", after("name = \"voice\"", "circuits = [\"coax\", \"fiber\"]"));
  CHECK(site_of(turned).trunks[0].members == std::vector<Member>{{south, std::nullopt, 21}, {north, coax, 12}, {north, fiber, 11}});
}

TEST_CASE("site: a trunk with several pbxs or classes to choose from must name one") {
  const std::string two = kSound + "[[pbx]]\nname = \"second\"\nrpc_socket = \"/run/second.sock\"\n";
  CHECK(only(two).what == "trunk \"outbound\" has no pbx");
  CHECK(site_of(after("name = \"outbound\"", "pbx = \"second\"", two)).trunks[0].pbx == model::PbxId{1});
}

TEST_CASE("site: every value given arrives") {
  const auto site = config::load(LINEKEEPER_CONFIG_DIR "/linekeeper.example.toml");
  for (const auto& problem : site.problems) MESSAGE(describe(problem, "example"));
  REQUIRE(site.site.has_value());
  const model::Circuit& fiber = site.site->circuits[0];
  CHECK(fiber.mark == 0x11);
  CHECK(fiber.sources == std::vector{*model::Prefix::parse("10.0.0.11")});
  CHECK(fiber.risk_groups == std::vector<std::string>{"street-duct"});
  CHECK(site.site->circuits[1].gateway == model::IpAddress::parse("203.0.113.1"));
  CHECK(site.site->classes[0].match.incoming_interface == "lan0");
  CHECK(site.site->classes[0].match.mark == 0x20);
  CHECK(site.site->carriers[0].domain == "sip.north.example");
  CHECK(site.site->carriers[0].replies.at(480) == model::ReplyClass::Busy);
  CHECK(site.site->trunks[0].rto == 120s);
  CHECK(site.site->endpoints.http_hosts == std::vector<std::string>{"linekeeper.example.net"});
}

namespace {
/// A file that is gone again when the test ends.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) { std::ofstream(path()) << text; }
  [[nodiscard]] std::string path() const { return folder_ / "site.toml"; }

 private:
  tests::TempDir folder_;
};
}  // namespace

TEST_CASE("load: file and digest are kept") {
  const TemporaryFile file(kSound);
  const auto loaded = config::load(file.path());
  REQUIRE(loaded.site.has_value());
  CHECK(loaded.site->file == file.path());
  CHECK(loaded.site->sha256.size() == 64);
  const TemporaryFile other(kSound + "# changed\n");
  CHECK(config::load(other.path()).site->sha256 != loaded.site->sha256);
}

TEST_CASE("load: what cannot be read is told, not thrown") {
  CHECK(config::load("/nonexistent/x.toml").problems.at(0).what.find("cannot open it: No such file") == 0);
  CHECK(config::load("/tmp").problems.at(0).what == "it is not a regular file");
  CHECK(config::load("/dev/zero").problems.at(0).what == "it is not a regular file");
  CHECK(describe(config::load("/nonexistent/x.toml").problems.at(0), "/nonexistent/x.toml").starts_with("/nonexistent/x.toml: cannot open"));
  const TemporaryFile just(std::string(config::kMaxFileSize, '#'));
  CHECK(config::load(just.path()).problems.at(0).what.find("larger") == std::string::npos);
  const TemporaryFile over(std::string(config::kMaxFileSize + 1, '#'));
  CHECK(config::load(over.path()).problems.at(0).what.find("larger") != std::string::npos);
}

TEST_CASE("summary: names what was understood and the worst case of each failure mode") {
  const std::string text = config::summary(site_of(after("name = \"voice\"", "codec = \"g711\"\ndrain = \"0s\"")));
  for (const std::string part : {"lab: no mistakes", "fiber", "wan1", "203.0.113.20:5070", "11 north by fiber, 12 north by coax, 21 south",
                                 "everything else", "5 % loss, 200ms round trip, R 70 (g711)", "at once", "silent for 300ms", "650ms to 6s",
                                 "12 times a year", "any circuit", "any carrier", "0.9s    7.2s", "19.0s   20.5s", "77.1s"}) {
    CAPTURE(part);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find("note:") == std::string::npos);
  CHECK(config::summary(site_of(after("name = \"voice\"", "circuits = [\"coax\"]", with("{ fiber = 11, coax = 12 }", "11"))))
            .find("note: class voice has one circuit only") != std::string::npos);
}

TEST_CASE("summary: shows what policy goes by, and what measuring costs") {
  const std::string text = config::summary(*config::load(LINEKEEPER_CONFIG_DIR "/linekeeper.example.toml").site);
  CAPTURE(text);
  for (const std::string part : {"(metered)", "every 1s, 5s on standby", "fiber, coax, lte (metered ones last)", "its death only", "01:00-05:00",
                                 "10s, 4 sooner", "30 calls, 5 new/s", "any number", "outbound (emergency)", "after 10m", "52 bytes",
                                 "yes      339 MB         68 MB       346 MB   684 MB      413 MB", "circuit fiber, coax", "circuit lte"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("targets: each is asked by echo unless it says otherwise, and the other methods have their usual ports and query") {
  const auto target = [](const std::string& lines) { return site_of(after("name = \"t2\"", lines)).targets[1]; };
  const auto plain = site_of(kSound).targets[1];
  CHECK(plain.method == model::ProbeMethod::Icmp);
  CHECK(plain.port == 0);
  CHECK(plain.query.empty());
  CHECK(target("method = \"icmp\"").method == model::ProbeMethod::Icmp);
  const auto stamp = target("method = \"stamp\"");
  CHECK(stamp.method == model::ProbeMethod::Stamp);
  CHECK(stamp.port == 862);
  CHECK(target("method = \"stamp\"\nport = 8620").port == 8620);
  const auto dns = target("method = \"dns\"");
  CHECK(dns.port == 53);
  CHECK(dns.query == "a.root-servers.net");
  CHECK(target("method = \"dns\"\nport = 5353\nquery = \".\"").query == ".");
  const auto tcp = target("method = \"tcp\"\nport = 65535");
  CHECK(tcp.method == model::ProbeMethod::Tcp);
  CHECK(tcp.port == 65535);
}

TEST_CASE("targets: a method that is none, a port or query where there can be none, and a connection without a port are mistakes with their place") {
  check_at(9, after("address = \"198.51.100.1\"", "method = \"ping\""), "there is no method \"ping\"", "\"icmp\", \"stamp\", \"tcp\" or \"dns\"");
  check_at(9, after("address = \"198.51.100.1\"", "port = 443"), "target \"t2\" has a port, but echo requests have none", "method = \"tcp\"");
  check_at(9, after("address = \"198.51.100.1\"", "query = \"example.com\""), "target \"t2\" has a query, but is asked by icmp", "method = \"dns\"");
  check_at(6, after("name = \"t2\"", "method = \"tcp\""), "target \"t2\" is asked by tcp and has no port", "port = 443");
  for (const char* port : {"0", "65536"}) check_only(after("name = \"t2\"", std::string("method = \"stamp\"\nport = ") + port), "port", "1 to 65535");
}

TEST_CASE("targets: what is asked for must be a name, its labels of 1 to 63 letters, 253 in all") {
  const std::string label(63, 'x');
  const auto three_labels_and = [&](std::size_t more) {
    std::string name;
    for (int i = 0; i < 3; ++i) name.append(label).append(".");
    return name.append(more, 'x');
  };
  const auto text = [](const std::string& name) { return after("name = \"t2\"", "method = \"dns\"\nquery = \"" + name + "\""); };
  for (const std::string& name : {std::string("a"), std::string("a.b."), std::string("_dmarc.x-y.org"), label, three_labels_and(61)})
    CHECK(site_of(text(name)).targets[1].query == name);
  for (const std::string& name :
       {std::string("a..b"), std::string(".a"), std::string(".."), std::string("a b"), label + "x", three_labels_and(62), std::string("b\u00e4r.de")})
    CHECK(only(text(name)).what.find("is no name to ask for") != std::string::npos);
}
