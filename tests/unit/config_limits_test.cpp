#include "config/budget.hpp"
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

TEST_CASE("corroboration: three targets in two networks, or the circuit is refused") {
  check_only(after("name = \"fiber\"", "targets = [\"t1\", \"t2\"]"), "is measured against 2 targets", "at least 3, in 2 networks");
  const std::string one_network =
      after("name = \"t1\"", "network = \"x\"", after("name = \"t2\"", "network = \"x\"", after("name = \"t3\"", "network = \"x\"")));
  CHECK(told(one_network).find("the targets of circuit \"fiber\" are all in one network (\"x\")") != std::string::npos);
  site_of(after("name = \"t1\"", "network = \"x\"", after("name = \"t2\"", "network = \"x\"")));
}

TEST_CASE("corroboration: one host under two names is one host") {
  check_only(with("198.51.100.1\"\n[[target]]", "192.0.2.1\"\n[[target]]"), "target \"t2\" and target \"t1\" have the same address", "another host");
}

TEST_CASE("tables: no two circuits or classes share one") {
  CHECK(told(after("name = \"fiber\"", "table = 7101")).find("circuit \"coax\" and circuit \"fiber\" both use routing table 7101") !=
        std::string::npos);
  check_only(after("name = \"voice\"", "table = 7100"), "class \"voice\" and circuit \"fiber\" both use routing table 7100", "7000 to 7999");
}

TEST_CASE("marks: no two circuits share one, and a class never matches a circuit's") {
  const std::string fiber = after("name = \"fiber\"", "mark = 17");
  check_only(after("name = \"coax\"", "mark = 17", fiber), "circuit \"coax\" and circuit \"fiber\" both use mark 0x11", "a mark of its own");
  check_only(after("name = \"voice\"", "match = { mark = 17 }", fiber), "matches mark 0x11, which is circuit \"fiber\"'s", "selects no circuit");
}

TEST_CASE("interfaces: one circuit each") {
  check_only(with("\"wan1\"", "\"wan0\""), "circuit \"coax\" and circuit \"fiber\" both use interface \"wan0\"", "one interface each");
}

TEST_CASE("sources: pinned to one circuit only, and then no class can have them") {
  const std::string fiber = after("name = \"fiber\"", "sources = [\"10.0.0.0/24\"]");
  check_only(after("name = \"coax\"", "sources = [\"10.0.0.7\"]", fiber), "pins 10.0.0.7/32, which overlaps 10.0.0.0/24 of circuit \"fiber\"",
             "one circuit only");
  check_only(after("name = \"voice\"", "match = { source = \"10.0.0.0/25\" }", fiber), "can never match: 10.0.0.0/25 is pinned to circuit \"fiber\"",
             "not pinned");
  site_of(after("name = \"coax\"", "sources = [\"10.0.1.0/24\"]", fiber));
  site_of(after("name = \"voice\"", "match = { source = \"10.0.0.0/23\" }", fiber));
}

TEST_CASE("classes: one may take the rest, and no two the same traffic") {
  const std::string named = after("name = \"outbound\"", "class = \"voice\"");
  CHECK(only(named + "[[class]]\nname = \"data\"\n").what == "class \"data\" and class \"voice\" both take everything else");
  const auto both = [&](const std::string& first, const std::string& second) {
    return after("name = \"voice\"", "match = { " + first + " }", named) + "[[class]]\nname = \"data\"\nmatch = { " + second + " }\n";
  };
  CHECK(only(both("mark = 5", "mark = 5")).what == "class \"data\" and class \"voice\" match the same traffic");
  CHECK(only(both("source = \"10.0.0.0/8\"", "source = \"10.1.0.0/16\"")).what == "class \"data\" and class \"voice\" match the same traffic");
  site_of(both("mark = 5", "mark = 6"));
  site_of(both("mark = 5, source = \"10.0.0.0/8\"", "mark = 5, source = \"11.0.0.0/8\""));
  site_of(both("mark = 5", "source = \"10.0.0.0/8\""));
  CHECK(told(after("name = \"voice\"", "match = {}", named)).find("match has no condition") != std::string::npos);
}

TEST_CASE("dispatcher sets: one set means one way") {
  check_only(with("coax = 12", "coax = 11"), "11 stands for two different ways", "a dispatcher set of its own");
  const std::string second =
      kSound + "[[trunk]]\nname = \"emergency\"\nkey = \"emergency\"\nsets = { north = { fiber = 11, coax = 12 }, south = 21 }\n";
  site_of(second);  // two trunks may offer the same way
  CHECK(only(with("key = \"emergency\"\n", "", second)).what.find("write the same key \"order\"") != std::string::npos);
  const std::string clash =
      with("sets = { north = { fiber = 11, coax = 12 }, south = 21 }\n[[trunk]]", "sets = { north = 12, south = 22 }\n[[trunk]]", second);
  CHECK(only(clash).what.find("trunk \"emergency\" sets: 12 stands for two different ways") != std::string::npos);
}

TEST_CASE("pbxs: one for each socket") {
  const std::string second =
      after("name = \"outbound\"", "pbx = \"kamailio\"") + "[[pbx]]\nname = \"again\"\nrpc_socket = \"/run/kamailio/lk.sock\"\n";
  CHECK(only(second).what == "pbx \"again\" and pbx \"kamailio\" have the same rpc_socket");
}

TEST_CASE("etiquette: the interval is never below the floor") {
  check_only(after("name = \"north\"", "interval = \"9999ms\""), "interval 9.999s is below its floor 10s",
             "lower the floor only when the carrier allows it");
  site_of(after("name = \"north\"", "interval = \"10s\""));
}

TEST_CASE("timing that contradicts itself is refused") {
  check_only(after("name = \"north\"", "interval = \"10s\"\ndeadline = \"10s\""), "deadline 10s is not below its interval 10s",
             "before the next begins");
  site_of(after("name = \"north\"", "interval = \"10s\"\ndeadline = \"9.999s\""));
  check_only(kSound + "[probing]\ntimeout_min = \"1001ms\"\n", "timeout_min 1.001s is above timeout_max 1s", "below timeout_max");
  check_only(kSound + "[circuit_health]\nstale_after = \"1220ms\"\n", "stale_after 1.22s is over before the next probe can be judged (1.22s)",
             "never anything but unknown");
  site_of(kSound + "[circuit_health]\nstale_after = \"1221ms\"\n");
  const auto stale = [](const char* after) { return kSound + "[carrier_health]\nstale_after = \"" + after + "\"\n"; };
  CHECK(told(stale("21s")).find("carrier \"north\" is asked every 15s, but evidence is stale after 21s") != std::string::npos);
  site_of(stale("21.001s"));
}

TEST_CASE("leases: whole seconds, and renewed before they end") {
  check_only(after("name = \"kamailio\"", "lease = \"32s\""), "lease 32s can end before it is renewed (refresh 30s, reply_timeout 2s)",
             "three times the refresh");
  site_of(after("name = \"kamailio\"", "lease = \"33s\""));
  check_only(after("name = \"kamailio\"", "lease = \"90.5s\""), "is not whole seconds", "Kamailio counts whole seconds");
}

TEST_CASE("losses needed: fall, or as many as give two targets in two networks two losses each") {
  auto site = site_of(kSound + "[circuit_health]\nfall = 2\n");
  CHECK(config::losses_needed(site, site.circuits[0]) == 5);  // t1 t2 t3 t1 t2
  site.circuit_health.fall = 6;
  CHECK(config::losses_needed(site, site.circuits[0]) == 6);
  site.circuit_health.fall = 2;
  site.targets[1].network = site.targets[0].network;
  CHECK(config::losses_needed(site, site.circuits[0]) == 6);  // t1 t2 t3 t1 t2 t3: only the third is elsewhere
  site.targets[2].network = site.targets[0].network;
  CHECK_FALSE(config::losses_needed(site, site.circuits[0]).has_value());
}

TEST_CASE("worst case: computed from interval, jitter, fall and timeouts") {
  const auto site = site_of(kSound);
  const auto circuit = config::circuit_failure(site, model::ClassId{0});
  CHECK(circuit.detect == 5 * 220ms + 1s);
  CHECK(circuit.verify == 3 * 220ms + 1s);
  const auto carrier = config::carrier_failure(site, model::TrunkId{0});
  CHECK(carrier.detect == 2 * 18s + 3s);
  CHECK(carrier.apply == 4s);
  CHECK(carrier.verify == 3 * 18s + 3s);
  CHECK(config::worst_cases(site).size() == 3);
}

TEST_CASE("an RTO that the worst case cannot meet is refused, one that it just meets is not") {
  const std::string classes_rto = "rto = \"4359ms\"";  // 2.1 + 0.1 + 0.5 + 1.66 = 4.36 s
  check_only(after("name = \"voice\"", classes_rto), "class \"voice\" cannot meet its own RTO of 4.359s: when any circuit fails it takes up to 4.4s",
             "an rto of at least 4.4s");
  site_of(after("name = \"voice\"", "rto = \"4360ms\""));
  check_only(after("name = \"outbound\"", "rto = \"100099ms\""),
             "trunk \"outbound\" cannot meet its own RTO of 100.099s: when any carrier fails it takes up to 101s", "an rto of at least 101s");
  site_of(after("name = \"outbound\"", "rto = \"100100ms\""));
}
