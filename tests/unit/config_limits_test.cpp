#include "config/budget.hpp"
#include "config/traffic.hpp"
#include "config_text.hpp"
#include "controller/model/probe_bytes.hpp"
#include "probes/icmp_codec.hpp"

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
  site_of(after("name = \"north\"", "interval = \"10s\"\ndeadline = \"9.999s\"") + "[carrier_health]\ndead_after = \"10s\"\n");
  check_only(kSound + "[probing]\ntimeout_min = \"1001ms\"\n", "timeout_min 1.001s is above timeout_max 1s", "below timeout_max");
  const auto stale = [](const char* after) { return kSound + "[carrier_health]\nstale_after = \"" + after + "\"\n"; };
  CHECK(told(stale("19.5s")).find("carrier \"north\" is asked every 15s, but evidence is stale after 19.5s") != std::string::npos);
  site_of(stale("19.501s"));
}

TEST_CASE("stale evidence: no sooner than the next probe of any circuit can be judged, at the pace of each") {
  const auto stale = [](const char* after, const std::string& text = kSound) { return text + "[circuit_health]\nstale_after = \"" + after + "\"\n"; };
  check_only(stale("1550ms"), "stale_after 1.55s is over before the next probe of circuit \"fiber\" on standby can be judged (1.55s)",
             "never anything but unknown");
  site_of(stale("1551ms"));
  // Three intervals of a circuit are its own staleness, whatever is configured: 15 s for a metered one on standby.
  const std::string metered = after("name = \"coax\"", "metered = true") + "[probing]\ntimeout_max = \"3s\"\n";
  check_only(stale("4100ms", metered), "stale_after 4.1s is over before the next probe of circuit \"coax\" in use can be judged (4.1s)",
             "above 4.1s");
  site_of(stale("4101ms", metered));
  site_of(stale("1551ms", after("name = \"coax\"", "metered = true")));
}

TEST_CASE("silence: suspicion before death, and what is learned between two limits") {
  const auto rule = [](const char* lines) { return kSound + "[circuit_health]\n" + lines + "\n"; };
  check_only(rule("suspect_after = \"650ms\""), "suspect_after 650ms is not below dead_after_min 650ms", "a shorter suspect_after");
  check_only(rule("suspect_after = \"651ms\""), "suspect_after 651ms is not below dead_after_min 650ms", "a longer dead_after_min");
  site_of(rule("suspect_after = \"649ms\""));
  check_only(rule("dead_after_min = \"300ms\""), "suspect_after 300ms is not below dead_after_min 300ms", "");
  site_of(rule("dead_after_min = \"301ms\""));
  check_only(rule("dead_after_max = \"649ms\""), "dead_after_min 650ms is above dead_after_max 649ms", "between the two");
  site_of(rule("dead_after_max = \"650ms\""));
  check_only(rule("dead_after_min = \"6.001s\""), "dead_after_min 6.001s is above dead_after_max 6s", "the same value for both fixes it");
  site_of(rule("dead_after_min = \"6s\""));
  check_only(rule("hold_down = \"3601s\""), "hold_down 3601s is above hold_down_max 1h", "grows from the one to the other");
  site_of(rule("hold_down = \"1h\""));
  check_only(rule("hold_down_max = \"59s\""), "hold_down 60s is above hold_down_max 59s", "");
}

TEST_CASE("carriers: no answer that is still in time comes from a carrier that was called down for its silence") {
  const auto dead = [](const char* after, const std::string& text = kSound) { return text + "[carrier_health]\ndead_after = \"" + after + "\"\n"; };
  CHECK(told(dead("2999ms")).find("carrier \"north\" deadline 3s is above [carrier_health] dead_after 2.999s") != std::string::npos);
  site_of(dead("3s"));
  site_of(dead("2999ms", after("name = \"north\"", "verify_burst = 0", after("name = \"south\"", "verify_burst = 0"))));  // silence does not decide
}

TEST_CASE("leases: whole seconds, and renewed before they end") {
  check_only(after("name = \"kamailio\"", "lease = \"32s\""), "lease 32s can end before it is renewed (refresh 30s, reply_timeout 2s)",
             "three times the refresh");
  site_of(after("name = \"kamailio\"", "lease = \"33s\""));
  check_only(after("name = \"kamailio\"", "lease = \"90.5s\""), "is not whole seconds", "Kamailio counts whole seconds");
}

TEST_CASE("losses needed: as many as give two targets in two networks two losses each") {
  auto site = site_of(kSound);
  CHECK(config::losses_needed(site, site.circuits[0]) == 5);  // t1 t2 t3 t1 t2
  site.targets[1].network = site.targets[0].network;
  CHECK(config::losses_needed(site, site.circuits[0]) == 6);  // t1 t2 t3 t1 t2 t3: only the third is elsewhere
  site.targets[2].network = site.targets[0].network;
  CHECK_FALSE(config::losses_needed(site, site.circuits[0]).has_value());
}

TEST_CASE("worst case: of a black hole one interval, the longest silence and the longest timeout") {
  const auto site = site_of(kSound);
  const auto circuit = config::circuit_failure(site, model::ClassId{0});
  CHECK(circuit.fails == "any circuit");
  CHECK(circuit.detect == 220ms + 6s + 1s);
  CHECK(circuit.typical_detect == 200ms + 650ms + 80ms);
  CHECK(circuit.verify == 550ms + 2 * 220ms + 1s);  // the way that is taken was on standby
  CHECK(config::worst_cases(site).size() == 3);
  const auto shorter = site_of(kSound + "[circuit_health]\ndead_after_min = \"1s\"\ndead_after_max = \"2s\"\n");
  CHECK(config::circuit_failure(shorter, model::ClassId{0}).detect == 220ms + 2s + 1s);
  CHECK(config::circuit_failure(shorter, model::ClassId{0}).typical_detect == 200ms + 1s + 80ms);
}

TEST_CASE("worst case: slow probes must still come from two targets in two networks") {
  const auto detect = [](const char* probing) { return config::circuit_failure(site_of(kSound + "[probing]\n" + probing), model::ClassId{0}); };
  CHECK(detect("interval = \"1s\"\njitter = 0\n").detect == 1s + 6s + 1s);
  CHECK(detect("interval = \"2s\"\njitter = 0\n").detect == 5 * 2s + 1s);                    // when quick probes have run out
  CHECK(detect("interval = \"2s\"\njitter = 0\n").typical_detect == 2s + 650ms + 80ms);      // when they have not
  CHECK(detect("interval = \"2s\"\naccelerate = false\n").typical_detect == 5 * 2s + 80ms);  // when none are wanted
  CHECK(detect("interval = \"2s\"\nverify_budget = 0\n").typical_detect == 5 * 2s + 80ms);
}

TEST_CASE("worst case: metered circuits at their own pace, each pace told apart") {
  const auto site = site_of(after("name = \"coax\"", "metered = true"));
  const auto cases = config::worst_cases(site);
  REQUIRE(cases.size() == 5);
  CHECK(cases[0].fails == "circuit fiber");
  CHECK(cases[0].detect == 220ms + 6s + 1s);
  CHECK(cases[1].fails == "circuit coax");
  CHECK(cases[1].detect == 1100ms + 6s + 1s);
  CHECK(cases[1].verify == 5500ms + 2 * 1100ms + 1s);
  CHECK(config::circuit_failure(site, model::ClassId{0}).fails == "circuit coax");  // the RTO is held against the slowest
}

TEST_CASE("worst case: of a silent carrier its silence, or two OPTIONS where it may not be asked quickly") {
  const auto site = site_of(kSound);
  const auto carrier = config::carrier_failure(site, model::TrunkId{0});
  CHECK(carrier.fails == "any carrier");
  CHECK(carrier.detect == 16500ms + 4s);
  CHECK(carrier.typical_detect == 15s + 4s);
  CHECK(carrier.apply == 4s);
  CHECK(carrier.verify == 3 * 16500ms + 3s);
  // As many as `fall` must be overdue: the fifth OPTIONS is the last that may come quickly, and a little later than 4 s.
  const auto counted = [](const char* fall) {
    const std::string patient = after("name = \"outbound\"", "rto = \"10m\"");
    return config::carrier_failure(site_of(patient + "[carrier_health]\nfall = " + fall), model::TrunkId{0}).detect;
  };
  CHECK(counted("1") == 16500ms + 3s);  // its deadline is over before dead_after
  CHECK(counted("2") == 16500ms + 4s);
  CHECK(counted("3") == 16500ms + 4s);
  CHECK(counted("4") == 16500ms + 3 * 1250ms + 1s);
  CHECK(counted("5") == 16500ms + 4 * 1250ms + 1s);
  CHECK(counted("6") == 6 * 16500ms + 3s);
  const std::string often = "interval = \"1s\"\nfloor = \"1s\"\ndeadline = \"800ms\"";  // its own pace is quicker than dead_after
  const auto quick = site_of(after("name = \"north\"", often, after("name = \"south\"", often)));
  CHECK(config::carrier_failure(quick, model::TrunkId{0}).detect == 1100ms + 1250ms + 1s);
  const auto polite = config::carrier_failure(site_of(after("name = \"north\"", "verify_burst = 0")), model::TrunkId{0});
  CHECK(polite.fails == "carrier north");
  CHECK(polite.detect == 2 * 16500ms + 3s);
  CHECK(polite.typical_detect == 2 * 15s + 3s);
}

TEST_CASE("an RTO that the worst case cannot meet is refused, one that it just meets is not") {
  const std::string classes_rto = "rto = \"9809ms\"";  // 7.22 + 0.1 + 0.5 + 1.99 = 9.81 s
  check_only(after("name = \"voice\"", classes_rto), "class \"voice\" cannot meet its own RTO of 9.809s: when any circuit fails it takes up to 9.9s",
             "an rto of at least 9.9s");
  site_of(after("name = \"voice\"", "rto = \"9810ms\""));
  check_only(after("name = \"outbound\"", "rto = \"77099ms\""),
             "trunk \"outbound\" cannot meet its own RTO of 77.099s: when any carrier fails it takes up to 78s", "an rto of at least 78s");
  site_of(after("name = \"outbound\"", "rto = \"77100ms\""));
}

TEST_CASE("traffic: a probe and its answer at each pace, and OPTIONS of every carrier") {
  CHECK(model::probe_bytes({}).sent == static_cast<int>(probes::kEchoSize) + 20);  // as the provider counts it: with the IPv4 header
  auto site = site_of(after("name = \"coax\"", "metered = true"));
  const auto fiber = config::own_traffic(site, site.circuits[0]), coax = config::own_traffic(site, site.circuits[1]);
  CHECK(fiber.in_use == doctest::Approx(5 * 2'592'000.0 * 104));
  CHECK(fiber.on_standby == doctest::Approx(2 * 2'592'000.0 * 104));
  CHECK(coax.in_use == doctest::Approx(2'592'000.0 * 104));
  CHECK(coax.on_standby == doctest::Approx(2'592'000.0 / 5 * 104));
  CHECK(coax.options == doctest::Approx(2 * 2'592'000.0 / 15 * 1000));
  site.carriers.clear();
  CHECK(config::own_traffic(site, site.circuits[1]).options == 0);
}
