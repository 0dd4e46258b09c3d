// Keys of [[pbx]] by driver, and what ways of a trunk are called.
#include "tests/unit/config_text.hpp"

using namespace config_text;
using namespace linekeeper;

namespace {

/// The sound site with another PBX, and other names for the ways.
std::string pbx(const std::string& keys, const std::string& ways) {
  return with("sets = { north = { fiber = 11, coax = 12 }, south = 21 }", ways, with("rpc_socket = \"/run/kamailio/lk.sock\"", keys));
}
const std::string kResponder = "driver = \"responder\"\nlisten = \"10.10.0.1\"\nallow = [\"10.10.0.30\"]\nredirect_port = 5070";
const std::string kPorts = R"(ways = { north = { fiber = "5071", coax = "5072" }, south = "5073" })";
const std::string kNames = R"(ways = { north = { fiber = "north-w1", coax = "north-w2" }, south = "south" })";
const std::string kCommand = "driver = \"command\"\ncommand = [\"/usr/local/bin/trunk-order\"]";

}  // namespace

TEST_CASE("drivers: a command's ways have names, a Kamailio's numbers") {
  const auto site = site_of(pbx(kCommand, kNames));
  CHECK(site.pbxs[0].driver == model::PbxDriver::Command);
  std::vector<std::string> called;
  for (const auto& m : site.trunks[0].members) called.push_back(m.in_pbx());
  CHECK(called == std::vector<std::string>{"north-w1", "north-w2", "south"});
  CHECK(site_of(kSound).trunks[0].members[1].in_pbx() == "12");
  check_only(pbx(kCommand, "sets = { north = 11, south = 21 }"), "its PBX's ways are names", "write them as ways");
  check_only(pbx("rpc_socket = \"/run/x.sock\"", kNames), "its PBX's ways are numbers", "write them as sets");
  check_only(pbx(kCommand, R"(ways = { north = "a b", south = "south" })"), "\"a b\"", "letters, digits");
}

TEST_CASE("drivers: an SBC that asks us has a port for each way, and the carrier's address behind it") {
  const auto site = site_of(pbx(kResponder, kPorts));
  const model::Pbx& sbc = site.pbxs[0];
  CHECK(sbc.driver == model::PbxDriver::Responder);
  CHECK(sbc.listen.to_string() == "10.10.0.1");
  CHECK(sbc.redirect_port == 5070);
  CHECK(sbc.ways == std::vector<model::ResponderWay>{
                        {"5071", 5071, "198.51.100.10:5060"}, {"5072", 5072, "198.51.100.10:5060"}, {"5073", 5073, "203.0.113.20:5070"}});
  for (const char* no_port : {"5070", "north", "0", "65536", "05071", "5071x"}) {
    CAPTURE(no_port);
    check_only(pbx(kResponder, std::string("ways = { north = \"5071\", south = \"") + no_port + "\" }"), "is no port of its own",
               "not that of redirect_port");
  }
  CHECK(site_of(pbx(kResponder, R"(ways = { north = "1", south = "65535" })")).pbxs[0].ways[1].port == 65535);
}

TEST_CASE("drivers: a key that is another driver's, and one that is missing, are mistakes with their remedy") {
  CHECK(told(pbx(kCommand + "\nhtable = \"lk\"", kNames)).find("htable") != std::string::npos);
  CHECK(told(pbx(kResponder + "\nrpc_socket = \"/run/x.sock\"", kPorts)).find("rpc_socket") != std::string::npos);
  CHECK(told(pbx("driver = \"command\"", kNames)).find("command") != std::string::npos);
  CHECK(told(pbx("driver = \"responder\"\nlisten = \"10.10.0.1\"", kPorts)).find("allow") != std::string::npos);
  CHECK(told(pbx("driver = \"command\"\ncommand = [\"trunk-order\"]", kNames)).find("is no absolute path") != std::string::npos);
  CHECK(told(pbx("driver = \"asteriks\"", kNames)).find("kamailio") != std::string::npos);
}

TEST_CASE("drivers: an SBC that asks us is told one order: it has one trunk") {
  const std::string two = pbx(kResponder, kPorts) + "[[trunk]]\nname = \"second\"\nkey = \"second\"\nways = { north = \"5081\", south = \"5083\" }\n";
  CHECK(told(two).find("is a second trunk of") != std::string::npos);
}
