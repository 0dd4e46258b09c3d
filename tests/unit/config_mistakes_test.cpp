#include "config_text.hpp"

using namespace linekeeper::config;
using namespace config_text;

TEST_CASE("a mistake is told with place, offending text, what is wrong and what would be right") {
  const auto missing = only(with("interface = \"wan0\"", "interfaces = \"wan0\"", after("name = \"fiber\"", "interface = \"wan0\"")));
  CHECK(describe(missing, "site.toml") ==
        "site.toml:14:1: circuit \"fiber\" has no key \"interfaces\"\n    interfaces = \"wan0\"\n    did you mean \"interface\"?");
}

TEST_CASE("syntax: the place is given, and that the rest was not read") {
  check_only(with("name = \"lab\"", "name = = \"lab\""), "not TOML", "the rest of the file was not read");
  check_at(20, after("[[class]]", "name = \"twice\""), "not TOML", "mend this first");
  check_at(1, "[site\nname = 1", "not TOML", "mend this first");
}

TEST_CASE("all mistakes are listed at once, in the order of the file") {
  const auto loaded = parse(with("\"wan0\"", "7", with("name = \"lab\"", "nam = \"lab\"", with("south = 21", "south = 0"))), "site.toml");
  INFO(told(with("\"wan0\"", "7", with("name = \"lab\"", "nam = \"lab\"", with("south = 21", "south = 0")))));
  REQUIRE(loaded.problems.size() == 4);  // no name, unknown nam, interface a number, set 0
  CHECK(loaded.problems[0].key == "site.name");
  CHECK(loaded.problems[1].key == "site.nam");
  CHECK(loaded.problems[2].key == "circuit[fiber].interface");
  CHECK(loaded.problems[3].key == "trunk[outbound].sets");
  CHECK_FALSE(loaded.site.has_value());
}

TEST_CASE("unknown sections and keys are mistakes with the nearest known word") {
  check_only(kSound + "[probng]\n", "the file has no key \"probng\"", "did you mean \"probing\"?");
  check_only(after("name = \"north\"", "intervall = \"15s\""), "carrier \"north\" has no key \"intervall\"", "did you mean \"interval\"?");
  check_only(after("name = \"north\"", "weight = 3"), "has no key \"weight\"", "known here: ");
  check_only(after("name = \"voice\"", "match = { sorce = \"10.0.0.0/8\" }"), "class \"voice\" match has no key \"sorce\"",
             "did you mean \"source\"?");
}

TEST_CASE("wrong types are told with what is there and what must be") {
  check_only(with("name = \"lab\"", "name = 7"), "[site] name is a whole number, it must be a name", "for example: name = \"bangkok\"");
  check_only(after("name = \"fiber\"", "priority = \"10\""), "priority is text, it must be a whole number, 0 to 10000", "priority = 10");
  check_only(after("name = \"fiber\"", "priority = 1.5"), "a number with a decimal point", "priority = 10");
  check_only(after("name = \"fiber\"", "metered = 1"), "metered is a whole number, it must be true or false", "metered = true");
  check_only(after("name = \"fiber\"", "targets = \"t1\""), "targets is text, it must be a list of names", "targets = [");
  check_only(after("name = \"fiber\"", "sources = [7]"), "an element is a whole number", "sources = [");
  check_only(after("name = \"voice\"", "match = 7"), "match is a whole number", "match = {");
  check_at(1,
           "[carrier]\nname = \"x\"\n" +
               with("[[carrier]]\nname = \"north\"\naddress = \"198.51.100.10\"\n[[carrier]]\nname = \"south\"\naddress = "
                    "\"203.0.113.20:5070\"\n[[pbx]]\nname = \"kamailio\"\nrpc_socket = \"/run/kamailio/lk.sock\"\n[[trunk]]\nname = "
                    "\"outbound\"\nsets = { north = { fiber = 11, coax = 12 }, south = 21 }\n",
                    ""),
           "carrier is a table, it must be a section", "write [[carrier]]");
}

TEST_CASE("durations without a unit are refused as numbers and as text") {
  check_only(kSound + "[probing]\ninterval = 200\n", "[probing] interval is a number without a unit", "write \"200ms\", \"200s\"");
  check_only(kSound + "[probing]\ninterval = 0.2\n", "number without a unit", "\"0.2s\"");
  check_only(kSound + "[probing]\ninterval = \"200\"\n", "\"200\" has no unit", "\"200ms\"");
  check_only(kSound + "[probing]\ninterval = \"soon\"\n", "\"soon\" is not a duration", "\"200ms\"");
}

TEST_CASE("numbers out of bounds are refused, numbers at the bounds are not") {
  check_only(kSound + "[probing]\ninterval = \"19ms\"\n", "interval is 19ms, out of its bounds", "20ms to 10s");
  site_of(kSound + "[probing]\ninterval = \"20ms\"\n");
  check_only(kSound + "[probing]\njitter = 0.51\n", "jitter is 0.51", "0 to 0.5");
  check_only(kSound + "[probing]\njitter = nan\n", "jitter is nan", "0 to 0.5");
  CHECK(site_of(kSound + "[probing]\njitter = 0\n").probing.jitter_ratio == 0.0);
  check_only(kSound + "[carrier_health]\nfall = 0\n", "fall is 0", "1 to 100");
  site_of(kSound + "[carrier_health]\nfall = 1\n");
  check_only(after("name = \"fiber\"", "table = 6999"), "table is 6999", "7000 to 7999");
  site_of(after("name = \"fiber\"", "table = 7000"));
  site_of(after("name = \"fiber\"", "table = 7999"));
  check_only(after("name = \"fiber\"", "table = 8000"), "table is 8000", "7000 to 7999");
  check_only(after("name = \"fiber\"", "mark = 0"), "mark is 0", "1 to 4294967295");
  site_of(after("name = \"fiber\"", "mark = 0xffffffff") + "[connections]\nkeep = false\n");  // else some bits are ours
  check_only(after("name = \"fiber\"", "mark = 0x100000000"), "mark is 4294967296", "1 to 4294967295");
}

TEST_CASE("required sections and keys are missed") {
  CHECK(only(with("[site]\nname = \"lab\"\n", "")).what == "there is no [site]");
  check_at(12, with("interface = \"wan0\"\n", ""), "circuit \"fiber\" has no interface", "for example: interface = \"wan0\"");
  check_at(26, with("rpc_socket = \"/run/kamailio/lk.sock\"\n", ""), "pbx \"kamailio\" has no rpc_socket", "rpc_socket = ");
  check_at(18, with("name = \"voice\"\n", ""), "class no. 1 has no name", "name = \"voice\"");
  CHECK(told("").find("there is no [[circuit]]") != std::string::npos);
  CHECK(told("").find("there is no [[class]]") != std::string::npos);
  CHECK(told("").find("there is no [[target]]") != std::string::npos);
  CHECK(told("circuit = []").find("there is no [[circuit]]") != std::string::npos);
}

TEST_CASE("names that people cannot type or terminals would obey are refused") {
  check_only(with("name = \"voice\"", "name = \"my voice\""), "character that is not allowed", "letters, digits");
  check_only(with("name = \"voice\"", "name = \"a\\u001b[31m\""), "\\x1b[31m", "letters, digits");
  check_only(with("name = \"voice\"", "name = \"\""), "is empty", "letters, digits");
}

TEST_CASE("two of a kind with one name are refused") {
  check_only(with("name = \"t2\"", "name = \"t1\""), "two targets called \"t1\"", "a name of its own");
  check_only(with("name = \"outbound\"", "name = \"voice\""), "a class and a trunk are both called \"voice\"", "people type it");
  CHECK(told(with("name = \"coax\"", "name = \"fiber\"")).find("two circuits called \"fiber\"") != std::string::npos);
  CHECK(told(kSound + "[[class]]\nname = \"voice\"\nmatch = { mark = 5 }\n").find("two classes called \"voice\"") != std::string::npos);
}

TEST_CASE("references to nothing are refused with the nearest name") {
  check_at(20, after("name = \"voice\"", "circuits = [\"fibre\", \"coax\"]", with("{ fiber = 11, coax = 12 }", "11")),
           "there is no circuit \"fibre\"", "did you mean \"fiber\"?");
  check_only(after("name = \"fiber\"", "targets = [\"t1\", \"t2\", \"t3\", \"t9\"]"), "there is no target \"t9\"", "did you mean");
  check_only(after("name = \"outbound\"", "pbx = \"asterisk\""), "there is no pbx \"asterisk\"", "configured: \"kamailio\"");
  check_only(after("name = \"outbound\"", "class = \"voic\""), "there is no class \"voic\"", "did you mean \"voice\"?");
  check_only(after("name = \"outbound\"", "carriers = [\"north\", \"south\", \"east\"]"), "there is no carrier \"east\"", "");
}

TEST_CASE("an empty list is a mistake where one is needed, never all") {
  check_only(after("name = \"fiber\"", "targets = []"), "targets is an empty list, which is never read as \"all\"",
             "leave the key out for all, or name at least one");
  CHECK(told(after("name = \"voice\"", "circuits = []")).find("circuits is an empty list") != std::string::npos);
  CHECK(told(after("name = \"outbound\"", "carriers = []")).find("carriers is an empty list") != std::string::npos);
  site_of(after("name = \"fiber\"", "sources = []"));
}

TEST_CASE("the same element twice in a list is refused") {
  check_only(after("name = \"voice\"", "circuits = [\"fiber\", \"coax\", \"fiber\"]"), "names \"fiber\" twice", "name each once");
}

TEST_CASE("addresses: host names, IPv6 and what cannot be probed are refused with the reason") {
  check_only(with("\"198.51.100.10\"", "\"198.51.100.10:0\""), "port 0", "1 to 65535");
  check_only(with("\"198.51.100.10\"", "\"198.51.100.10:65536\""), "\"65536\" is not a port", "0 to 65535");
  check_only(with("\"192.0.2.1\"", "\"dns.example\""), "is a host name", "numeric address");
  check_only(with("\"192.0.2.1\"", "\"127.0.0.1\""), "is this machine itself", "out in the internet");
  check_only(with("\"192.0.2.1\"", "\"224.0.0.1\""), "multicast", "out in the internet");
  check_only(with("\"192.0.2.1\"", "\"0.0.0.0\""), "this network", "out in the internet");
  check_only(after("name = \"fiber\"", "gateway = \"router\""), "is a host name", "numeric address");
  check_only(after("name = \"fiber\"", "gateway = \"fe80::1\""), "IPv6", "an IPv4 address");
  check_only(after("name = \"fiber\"", "sources = [\"10.0.0.1/24\"]"), "is not a network", "no bits set behind the length");
}

TEST_CASE("replies: codes and classes are checked") {
  check_only(after("name = \"north\"", "replies = { 404 = \"ok\" }"), "404 is read as \"ok\", which is no class", "\"soft-down\"");
  check_only(after("name = \"north\"", "replies = { 404 = 1 }"), "404 is read as a whole number", "\"up\"");
  check_only(after("name = \"north\"", "replies = { 199 = \"up\" }"), "\"199\" is not a final response", "200 to 699");
  check_only(after("name = \"north\"", "replies = { 700 = \"up\" }"), "\"700\" is not a final response", "200 to 699");
  check_only(after("name = \"north\"", "replies = { 40x = \"up\" }"), "\"40x\" is not a final response", "200 to 699");
  const auto site = site_of(after("name = \"north\"", "replies = { 200 = \"busy\", 699 = \"soft-down\" }"));
  CHECK(site.carriers[0].replies.at(200) == linekeeper::model::ReplyClass::Busy);
  CHECK(site.carriers[0].replies.at(699) == linekeeper::model::ReplyClass::SoftDown);
}

TEST_CASE("dispatcher sets: each carrier of the trunk, no other, numbers in bounds, circuits of the class") {
  check_only(with(", south = 21", ""), "carrier \"south\" has none", "every carrier");
  check_only(with("south = 21", "south = 21, east = 31"), "there is no carrier \"east\" in this trunk", "configured: \"north\" and \"south\"");
  check_only(with("south = 21", "south = 0"), "the set of \"south\" is 0", "1 to 65535");
  check_only(with("south = 21", "south = 65536"), "the set of \"south\" is 65536", "1 to 65535");
  check_only(with("south = 21", "south = \"21\""), "the set of \"south\" is text", "1 to 65535");
  check_only(with("coax = 12", "cox = 12"), "there is no circuit \"cox\" in class \"voice\"", "did you mean \"coax\"?");
  check_only(with("{ fiber = 11, coax = 12 }", "{}"), "\"north\" has no set at all", "a set for each circuit");
  check_at(29, with("sets = { north = { fiber = 11, coax = 12 }, south = 21 }\n", ""), "trunk \"outbound\" has no sets", "sets = {");
  site_of(with("south = 21", "south = 65535"));
  site_of(with("fiber = 11, coax = 12", "fiber = 11"));  // a carrier that is not provisioned on every circuit
}

TEST_CASE("the http listener: numeric, off, and never beyond this machine without allowed hosts") {
  check_only(kSound + "[http]\nlisten = \"localhost:9851\"\n", "is a host name", "numeric address");
  check_only(kSound + "[http]\nlisten = \"127.0.0.1\"\n", "has no port", "\"127.0.0.1:9851\"");
  check_only(kSound + "[http]\nlisten = \"127.0.0.1:65536\"\n", "is not a port", "0 to 65535");
  check_only(kSound + "[http]\nlisten = \"0.0.0.0:9851\"\n", "beyond this machine, without allowed_hosts", "allowed_hosts = ");
  check_only(kSound + "[http]\nallowed_hosts = [\"http://x\"]\n", "not allowed there", "without scheme");
  CHECK(site_of(kSound + "[http]\nlisten = \"0.0.0.0:9851\"\nallowed_hosts = [\"lk.example\"]\n").endpoints.http_hosts.size() == 1);
  CHECK(site_of(kSound + "[http]\nlisten = \"[::1]:65535\"\n").endpoints.http_port == 65535);
  CHECK(site_of(kSound + "[http]\nlisten = \"off\"\n").endpoints.http_port == 0);
  CHECK(site_of(kSound + "[http]\nlisten = \"0.0.0.0:0\"\n").endpoints.http_port == 0);
}

TEST_CASE("sockets: absolute paths, and two of them") {
  check_only(kSound + "[daemon]\ncontrol_socket = \"control.sock\"\n", "is not an absolute path", "\"/control.sock\"");
  check_only(kSound + "[daemon]\ncontrol_socket = \"/run/x\"\nswitch_socket = \"/run/x\"\n", "are the same", "two sockets");
}

TEST_CASE("more mistakes than anyone reads are counted, not listed") {
  std::string text = kSound;
  for (int i = 0; i < 300; ++i) text += "[unknown" + std::to_string(i) + "]\n";
  const auto loaded = parse(text, "site.toml");
  REQUIRE(loaded.problems.size() == kMaxProblems + 1);
  CHECK(loaded.problems.back().what == "100 more mistakes are not listed");
}
