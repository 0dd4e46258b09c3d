// Classes, trunks and circuits as policy sees them: quality limits, ways back, order, emergency calls, capacity.
#include "config_text.hpp"

using namespace linekeeper;
using namespace config_text;
using namespace std::chrono_literals;

namespace {

std::string voice(const std::string& lines) { return after("name = \"voice\"", lines); }
std::string outbound(const std::string& lines) { return after("name = \"outbound\"", lines); }
std::string failback(const std::string& text) { return voice("failback = \"" + text + "\""); }
model::Failback failback_of(const std::string& text) { return site_of(failback(text)).classes[0].failback; }

bool noted(const std::string& text, std::string_view part) {
  for (const auto& remark : config::remarks(site_of(text))) {
    if (remark.find(part) != std::string::npos) return true;
  }
  return false;
}

/// kSound with a codec, and with calls that move at once, so that nothing is remarked about it.
std::string with_codec() { return voice("codec = \"g711\"\ndrain = \"0s\""); }

}  // namespace

TEST_CASE("limits: those of voice for a class with a codec, none for one without, and none when that is said") {
  CHECK_FALSE(site_of(kSound).classes[0].limits);
  CHECK_FALSE(site_of(voice("codec = \"none\"")).classes[0].limits);
  CHECK_FALSE(site_of(voice("codec = \"g711\"\nlimits = \"none\"")).classes[0].limits);
  const auto limits = site_of(with_codec()).classes[0].limits;
  REQUIRE(limits);
  CHECK(limits->loss_enter == model::QualityLimits{}.loss_enter);
  CHECK(limits->r_exit == model::QualityLimits{}.r_exit);
  CHECK(site_of(voice("limits = {}")).classes[0].limits);  // asked for, with every default
  CHECK(site_of(with_codec()).classes[0].codec == model::Codec::G711);
  CHECK(site_of(voice("codec = \"g711-no-plc\"")).classes[0].codec == model::Codec::G711NoPlc);
  CHECK(site_of(voice("codec = \"g729a\"")).classes[0].codec == model::Codec::G729A);
  CHECK(site_of(voice("codec = \"opus\"")).classes[0].codec == model::Codec::Opus);
}

TEST_CASE("limits: every value given arrives, as a section or as a table") {
  const auto check = [](const std::string& text) {
    const auto limits = site_of(text).classes[0].limits;
    REQUIRE(limits);
    CHECK(limits->loss_enter == 0.1);
    CHECK(limits->loss_exit == 0.05);
    CHECK(limits->rtt_enter == 300ms);
    CHECK(limits->rtt_exit == 250ms);
    CHECK(limits->r_enter == 60);
    CHECK(limits->r_exit == 65);
  };
  check(
      voice("codec = \"opus\"\n[class.limits]\nloss_enter = 0.1\nloss_exit = 0.05\nrtt_enter = \"300ms\"\nrtt_exit = \"250ms\"\nr_enter = 60\nr_exit "
            "= 65"));
  check(
      voice("codec = \"opus\"\nlimits = { loss_enter = 0.1, loss_exit = 0.05, rtt_enter = \"300ms\", rtt_exit = \"250ms\", r_enter = 60, r_exit = 65 "
            "}"));
}

TEST_CASE("limits: enter is worse than exit, one step apart is enough") {
  const auto limits = [](const std::string& text) { return voice("codec = \"g711\"\nlimits = { " + text + " }"); };
  check_only(limits("loss_enter = 0.02"), "class \"voice\" limits loss_enter 0.02 is not above loss_exit 0.02", "loss_enter above loss_exit");
  check_only(limits("loss_enter = 0.019"), "loss_enter 0.019 is not above", "");
  site_of(limits("loss_enter = 0.021"));
  check_only(limits("loss_exit = 0.05"), "loss_enter 0.05 is not above loss_exit 0.05", "");
  check_only(limits("rtt_enter = \"150ms\""), "rtt_enter 150ms is not above rtt_exit 150ms", "rtt_enter above rtt_exit");
  check_only(limits("rtt_enter = \"149ms\""), "rtt_enter 149ms is not above", "");
  site_of(limits("rtt_enter = \"151ms\""));
  check_only(limits("r_enter = 80"), "r_enter 80 is not below r_exit 80", "r_enter below r_exit");
  check_only(limits("r_enter = 81"), "r_enter 81 is not below", "");
  site_of(limits("r_enter = 79"));
}

TEST_CASE("limits: R needs a codec, and no more than the codec has") {
  check_only(voice("limits = { r_enter = 60 }"), "limits has r_enter, but the class has no codec", "codec = \"g711\"");
  check_only(voice("limits = { r_exit = 90 }"), "limits has r_exit, but the class has no codec", "leave it out");
  site_of(voice("limits = { loss_enter = 0.1 }"));
  const auto exit = [](const char* codec, const char* value) {
    return voice(std::string("codec = \"") + codec + "\"\nlimits = { r_exit = " + value + " }");
  };
  site_of(exit("g711", "93.1"));
  check_only(exit("g711", "93.2"), "r_exit 93.2 is never reached: calls in g711 have 93.2 at best", "below 93.2");
  site_of(exit("g729a", "82.1"));
  check_only(exit("g729a", "82.2"), "r_exit 82.2 is never reached: calls in g729a have 82.2 at best", "below 82.2");
  CHECK(only(voice("codec = \"g722\"\nlimits = { r_exit = 90 }")).what.find("there is no codec \"g722\"") != std::string::npos);  // and nothing of R
}

TEST_CASE("limits: what is neither a table nor \"none\" is told") {
  check_only(voice("limits = \"off\""), "limits is text, it must be a table, or `none`", "limits = {");
  check_only(voice("limits = false"), "limits is true or false, it must be a table, or `none`", "limits = {");
  check_only(voice("limits = { los_enter = 0.1 }"), "class \"voice\" limits has no key \"los_enter\"", "did you mean \"loss_enter\"?");
}

TEST_CASE("failback: its four forms") {
  using Mode = model::FailbackMode;
  CHECK(site_of(kSound).classes[0].failback == model::Failback{});
  CHECK(failback_of("automatic").mode == Mode::Automatic);
  CHECK(failback_of("manual").mode == Mode::Manual);
  CHECK(failback_of("after 10m") == model::Failback{.mode = Mode::After, .after = 10min});
  CHECK(failback_of("window 01:00-05:00") == model::Failback{.mode = Mode::Window, .opens = 60min, .closes = 300min});
  CHECK(failback_of("window 22:30-04:00") == model::Failback{.mode = Mode::Window, .opens = 1350min, .closes = 240min});  // past midnight
  CHECK(failback_of("window 00:00-23:59").closes == 1439min);
  CHECK(site_of(outbound("failback = \"after 1h\"")).trunks[0].failback == model::Failback{.mode = Mode::After, .after = 1h});
}

TEST_CASE("failback: what is wrong with it is said precisely") {
  check_only(failback("window 25:00-05:00"), "\"25:00\" is not a time of day", "00:00 to 23:59");
  check_only(failback("window 24:00-05:00"), "\"24:00\" is not a time of day", "00:00 to 23:59");
  check_only(failback("window 01:60-05:00"), "\"01:60\" is not a time of day", "00:00 to 23:59");
  check_only(failback("window 1:00-5:00"), "\"1:00\" is not a time of day", "two digits each");
  check_only(failback("window 0a:00-05:00"), "\"0a:00\" is not a time of day", "two digits each");
  check_only(failback("window 01:00-"), "\"\" is not a time of day", "00:00 to 23:59");
  check_only(failback("window 01:00"), "the window \"01:00\" has no end", "window 01:00-05:00");
  check_only(failback("window 01:00-01:00"), "opens and closes at the same time", "automatic");
  site_of(failback("window 01:00-01:01"));
  check_only(failback("window"), "names no times", "window 01:00-05:00");
  check_only(failback("after"), "names no duration", "after 10m");
  check_only(failback("after 10"), "\"10\" has no unit", "\"10m\"");
  check_only(failback("after ten minutes"), "is not a duration", "a number and its unit");
  check_only(failback("after 999ms"), "after 999ms is out of its bounds", "1s to 168h");
  site_of(failback("after 1s"));
  site_of(failback("after 168h"));
  check_only(failback("after 168.001h"), "out of its bounds", "1s to 168h");
  check_only(failback("nightly"), "\"nightly\" is no way back", "\"automatic\", \"after 10m\"");
  check_only(voice("failback = 10"), "failback is a whole number, it must be a way back", "failback = ");
  check_only(outbound("failback = \"soon\""), "trunk \"outbound\" failback: \"soon\" is no way back", "manual");
}

TEST_CASE("failback: what is shown names it for people") {
  CHECK(config::show(model::Failback{}) == "at once");
  CHECK(config::show(failback_of("after 10m")) == "after 10m");
  CHECK(config::show(failback_of("window 22:05-04:00")) == "22:05-04:00");
  CHECK(config::show(failback_of("manual")) == "by hand");
}

TEST_CASE("order: priority first, then the cheaper, then the one that stands first") {
  const auto circuits = [](const std::string& text) { return site_of(text).classes[0].circuits; };
  const std::vector first{model::CircuitId{0}, model::CircuitId{1}}, second{model::CircuitId{1}, model::CircuitId{0}};
  CHECK(circuits(after("name = \"fiber\"", "cost = 0.01")) == second);
  CHECK(circuits(after("name = \"fiber\"", "cost = 2", after("name = \"coax\"", "cost = 2"))) == first);
  CHECK(circuits(after("name = \"fiber\"", "cost = 2\npriority = 99")) == first);  // cost only between equals
  const auto carriers = [](const std::string& text) { return site_of(text).trunks[0].carriers; };
  CHECK(carriers(after("name = \"north\"", "cost = 0.01")) == std::vector{model::CarrierId{1}, model::CarrierId{0}});
  CHECK(carriers(after("name = \"south\"", "cost = 0.01")) == std::vector{model::CarrierId{0}, model::CarrierId{1}});
}

TEST_CASE("emergency: two ways over two circuits, or it is refused") {
  site_of(outbound("emergency = true"));
  const std::string one_way = with("{ fiber = 11, coax = 12 }, south = 21", "{ fiber = 11 }, south = { fiber = 21 }", outbound("emergency = true"));
  check_at(31, one_way, "trunk \"outbound\" carries emergency calls, but by circuit \"fiber\" only", "a second circuit");
  site_of(with("south = { fiber = 21 }", "south = { coax = 21 }", one_way));
  site_of(with("south = { fiber = 21 }", "south = 21", one_way));  // follows the class, over both of its circuits
  site_of(with("emergency = true", "emergency = false", one_way));
  const std::string one_circuit = with("{ fiber = 11, coax = 12 }", "11", outbound("emergency = true"));
  check_at(32, after("name = \"voice\"", "circuits = [\"coax\"]", one_circuit), "emergency calls, but by circuit \"coax\" only",
           "a class with two circuits");
}

TEST_CASE("capacity: what is declared arrives") {
  const auto site = site_of(after("name = \"north\"", "channels = 30\ncalls_per_second = 2.5\nverify_burst = 0",
                                  after("name = \"fiber\"", "bandwidth_kbps = 1000\nmetered = true",
                                        outbound("emergency = true\nbusy_hour_calls = 12\nbusy_hour_calls_per_second = 0.2"))));
  CHECK(site.carriers[0].channels == 30);
  CHECK(site.carriers[0].calls_per_second == 2.5);
  CHECK(site.carriers[0].verify_burst == 0);
  CHECK_FALSE(site.carriers[1].channels);
  CHECK_FALSE(site.carriers[1].calls_per_second);
  CHECK(site.circuits[0].bandwidth_kbps == 1000.0);
  CHECK(site.circuits[0].metered);
  CHECK_FALSE(site.circuits[1].bandwidth_kbps);
  CHECK(site.trunks[0].emergency);
  CHECK(site.trunks[0].busy_hour_calls == 12);
  CHECK(site.trunks[0].busy_hour_calls_per_second == 0.2);
}

TEST_CASE("remarks: nothing to say about a site with two of everything") { CHECK(config::remarks(site_of(with_codec())).empty()); }

TEST_CASE("remarks: a risk that all circuits share") {
  const std::string one = after("name = \"fiber\"", "risk_groups = [\"duct\", \"north\"]", with_codec());
  CHECK_FALSE(noted(one, "risk group"));
  CHECK(noted(after("name = \"coax\"", "risk_groups = [\"duct\"]", one), "all circuits are in the risk group duct"));
  CHECK_FALSE(noted(after("name = \"coax\"", "risk_groups = [\"other\"]", one), "risk group"));
  const std::string third = "[[circuit]]\nname = \"lte\"\ninterface = \"wwan0\"\n";
  const std::string of_class =
      with("[[class]]", third + "[[class]]",
           after("name = \"voice\"", "circuits = [\"fiber\", \"coax\"]", after("name = \"coax\"", "risk_groups = [\"duct\"]", one)));
  CHECK(noted(of_class, "all circuits of class voice are in the risk group duct"));
  CHECK_FALSE(noted(of_class, "all circuits are in"));
}

TEST_CASE("remarks: one way only") {
  CHECK(noted(voice("codec = \"g711\"\ndrain = \"0s\"\ncircuits = [\"fiber\", \"coax\"]"), "") == false);
  CHECK(noted(with("{ fiber = 11, coax = 12 }", "11", voice("codec = \"g711\"\ncircuits = [\"coax\"]")), "class voice has one circuit only"));
  const std::string one_carrier = with(", south = 21", "", after("name = \"outbound\"", "carriers = [\"north\"]", with_codec()));
  CHECK(noted(one_carrier, "trunk outbound has one carrier only: when north fails there is no other"));
  CHECK(noted(after("name = \"outbound\"", "emergency = true", one_carrier), "emergency calls fail too"));
}

TEST_CASE("remarks: calls whose sound nobody judges") {
  CHECK(noted(kSound, "class voice carries the calls of trunk outbound and names no codec: calls stay on a lossy or slow circuit"));
  CHECK(noted(voice("limits = {}"), "how calls sound is not judged, only loss and round trip"));
}

TEST_CASE("remarks: avoiding metered circuits that are all there is, or are not there") {
  const std::string avoid = voice("codec = \"g711\"\navoid_metered = true");
  CHECK(noted(avoid, "none of its circuits is metered"));
  const std::string one = after("name = \"fiber\"", "metered = true", avoid);
  CHECK_FALSE(noted(one, "metered"));
  CHECK(noted(after("name = \"coax\"", "metered = true", one), "but has no other"));
}

TEST_CASE("remarks: a busy hour beyond what one carrier, or all of them, take") {
  const auto busy = [](int calls, const std::string& text) {
    return after("name = \"outbound\"", "busy_hour_calls = " + std::to_string(calls), text);
  };
  const std::string limited = after("name = \"north\"", "channels = 30", after("name = \"south\"", "channels = 10", with_codec()));
  CHECK_FALSE(noted(busy(10, limited), "busy hour"));
  CHECK(noted(busy(11, limited), "has 11 calls at once in its busy hour, more than these take alone when the others fail: south (10)"));
  CHECK(noted(busy(31, limited), "alone when the others fail: north (30), south (10)"));
  CHECK_FALSE(noted(busy(40, limited), "together"));
  CHECK(noted(busy(41, limited), "more than all its carriers take together (40)"));
  CHECK_FALSE(noted(busy(1000, with_codec()), "busy hour"));  // no carrier says what it takes
  const std::string rate = after("name = \"north\"", "calls_per_second = 2", with_codec());
  CHECK_FALSE(noted(after("name = \"outbound\"", "busy_hour_calls_per_second = 2", rate), "busy hour"));
  CHECK(noted(after("name = \"outbound\"", "busy_hour_calls_per_second = 2.1", rate), "has 2.1 new calls a second in its busy hour"));
}

TEST_CASE("remarks: a circuit too narrow for the calls of a busy hour") {
  const auto narrow = [](const char* kbps) {
    return after("name = \"fiber\"", std::string("bandwidth_kbps = ") + kbps, after("name = \"outbound\"", "busy_hour_calls = 10", with_codec()));
  };
  CHECK_FALSE(noted(narrow("872"), "too narrow"));  // ten calls of 87.2 kbit/s, as policy weighs them
  CHECK(noted(narrow("871"), "circuit fiber (871 kbit/s) is too narrow for the 10 calls of trunk outbound in its busy hour (872 kbit/s in g711)"));
  const std::string second = "[[trunk]]\nname = \"fax\"\nkey = \"fax\"\nbusy_hour_calls = 5\nsets = { north = 31, south = 32 }\n";
  CHECK_FALSE(noted(narrow("1308") + second, "too narrow"));
  CHECK(noted(narrow("1307") + second,
              "circuit fiber (1307 kbit/s) is too narrow for the calls of trunks outbound, fax in their busy hours together (1308 kbit/s)"));
  CHECK_FALSE(noted(narrow("871") + second, "together"));  // one of them is too much by itself: that is what is said
}

TEST_CASE("remarks: probing that contradicts itself or asks others too often") {
  CHECK(noted(with_codec() + "[probing]\ninterval = \"600ms\"\n", "is probed more on standby (every 500ms) than in use (every 600ms)"));
  CHECK_FALSE(noted(with_codec() + "[probing]\ninterval = \"500ms\"\n", "standby"));
  CHECK(noted(with_codec() + "[probing]\nverify_budget = 0\n", "it never will"));
  CHECK_FALSE(noted(with_codec() + "[probing]\nverify_budget = 0\naccelerate = false\n", "it never will"));
  CHECK_FALSE(noted(with_codec() + "[probing]\ninterval = \"167ms\"\n", "times a second"));  // 1.996 to each of three
  CHECK(noted(with_codec() + "[probing]\ninterval = \"160ms\"\n", "circuit fiber asks each of its targets 2.1 times a second"));
}
