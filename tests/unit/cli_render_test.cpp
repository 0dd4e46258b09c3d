#include <doctest/doctest.h>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"

using namespace linekeeper::admin::cli;

namespace {

boost::json::value json(std::string_view text) {
  auto value = parse_json(text);
  REQUIRE(value.has_value());
  return *value;
}

constexpr std::string_view kOk =
    R"({"schema":1,"site":"bkk","version":"0.1.0","mode":"automatic","state":"ok","now":"2026-11-22T02:26:21.345Z","uptime_s":3542400,
 "services":[
  {"plane":"routing","name":"internet","state":"ok","via":"fiber-a","since_s":1085,"ways_left":3,"ways":3,"rto_target_s":5,"last_rto_s":0.56,"last_rto_met":true,
   "applied":true,"verified":true,"detail":"","reason":"fiber-a is the first choice"},
  {"plane":"trunk","name":"voice","state":"ok","via":"north","since_s":1740,"ways_left":2,"ways":2,"rto_target_s":120,"last_rto_s":null,"last_rto_met":null,
   "applied":true,"verified":true,"detail":""}],
 "circuits":[
  {"name":"fiber-a","state":"up","reason":"answered by 3 of 3 targets","since_s":4620,"active":true,"rtt_ms":13.2,"jitter_ms":1,"loss_ratio":0,"mos":4.409,"priority":10,"provider":"ISP One"},
  {"name":"lte-c","state":"up","reason":"answered","since_s":60,"active":false,"rtt_ms":48,"jitter_ms":6.25,"loss_ratio":0.0125,"mos":4.31,"priority":100,"provider":"Mobile Co"}],
 "carriers":[
  {"name":"north","state":"up","reason":"answers","since_s":4620,"active":true,"priority":10,"provider":"North Telecom","last_code":200,
   "paths":[{"circuit":"fiber-a","state":"up","since_s":4620,"rtt_ms":31.4,"last_code":200,"selected":true},
            {"circuit":"lte-c","state":"up","since_s":50,"rtt_ms":70,"last_code":200,"selected":false}]}],
 "overrides":[],"actuators":[{"name":"switch","connected":true,"in_sync":true,"detail":"generation 3"}],"incidents":[],"attention":[]})";

}  // namespace

TEST_CASE("status: a site that is well") {
  CHECK(render_status(json(kOk), Colour::Off) ==
        "bkk  OK  automatic  up 41d                            2026-11-22 02:26:21Z\n"
        "  internet  OK  via fiber-a for 18m  ways left 3/3  RTO 5s  last 0.56s ok\n"
        "  voice     OK  via north for 29m    ways left 2/2  RTO 2m  last -\n"
        "CIRCUIT    STATE  SINCE    RTT  JITTER  LOSS  MOS  PRI  PROVIDER\n"
        "* fiber-a  up       77m  13 ms  1.0 ms  0.0%  4.4   10  ISP One\n"
        "  lte-c    up      60 s  48 ms  6.2 ms  1.2%  4.3  100  Mobile Co\n"
        "CARRIER  STATE  fiber-a   lte-c     LAST CODE  PROVIDER\n"
        "* north  up     up 31 ms  up 70 ms  200        North Telecom\n");
  CHECK(status_exit_code(json(kOk)) == 0);
}

TEST_CASE("status: degraded, with an override in force, an actuator out of sync and what to do") {
  const auto v = json(R"j({"schema":1,"site":"bkk","mode":"hold","state":"degraded","now":"2026-11-22T02:26:21Z","uptime_s":7,
   "services":[{"plane":"routing","name":"voice","state":"degraded","via":"coax-b","since_s":360,"ways_left":1,"ways":2,"rto_target_s":60,"last_rto_s":72.4,
     "last_rto_met":false,"applied":true,"verified":false,"detail":"","reason":"fiber-a is down"},
    {"plane":"trunk","name":"outbound","state":"ok","via":"north","since_s":3,"ways_left":1,"ways":2,"rto_target_s":120,"last_rto_s":null,"applied":true,"verified":false,
     "detail":"1 of 3 successes"}],
   "circuits":[{"name":"fiber-a","state":"down","reason":"21 probes in a row unanswered by 3 targets","since_s":6,"active":false,"rtt_ms":null,"jitter_ms":null,
     "loss_ratio":1,"mos":null,"priority":10,"provider":"ISP One"},
    {"name":"coax-b","state":"degraded","reason":"loss 6.1% > 2.0%","since_s":371,"active":true,"rtt_ms":31,"jitter_ms":4,"loss_ratio":0.061,"mos":3.81,"priority":20,"provider":"ISP Two"}],
   "carriers":[{"name":"north","state":"up","active":true,"provider":"North Telecom","last_code":200,
     "paths":[{"circuit":"fiber-a","state":"down","rtt_ms":null},{"circuit":"coax-b","state":"degraded","rtt_ms":40}]},
    {"name":"south","state":"down","reason":"answers 503 to OPTIONS","active":false,"provider":"South Voice","last_code":503,"paths":[]}],
   "overrides":[{"id":1,"kind":"force","subject":"voice","to":"coax-b","owner":"uid 0 (root)","reason":"CHG-1182","since":"2026-11-22T02:20:21Z","until":"2026-11-22T02:55:51Z"},
    {"id":12,"kind":"hold","subject":"","to":"","owner":"uid 1000 (mira)","reason":"router work","until":"2026-11-22T02:26:51Z"}],
   "actuators":[{"name":"switch","connected":true,"in_sync":true,"detail":"generation 3"},
    {"name":"kamailio","connected":true,"in_sync":false,"detail":"order is south, wanted north"},{"name":"pbx2","connected":false,"in_sync":false,"detail":""}],
   "attention":["Circuit fiber-a is down: call ISP One.","An override holds voice on coax-b: release it when the work is done."]})j");
  CHECK(render_status(v, Colour::Off) ==
        "bkk  DEGRADED  HOLD  up 7 s                           2026-11-22 02:26:21Z\n"
        "  voice     DEGRADED  via coax-b for 6m  ways left 1/2  RTO 60s  last 72.4s LATE  fiber-a is down\n"
        "  outbound  OK        via north for 3 s  ways left 1/2  RTO 2m   last -           not verified yet: 1 of 3 successes\n"
        "CIRCUIT    STATE     SINCE    RTT  JITTER    LOSS  MOS  PRI  PROVIDER\n"
        "  fiber-a  DOWN        6 s      -       -  100.0%    -   10  ISP One   21 probes in a row unanswered by 3 targets\n"
        "* coax-b   DEGRADED     6m  31 ms  4.0 ms    6.1%  3.8   20  ISP Two   loss 6.1% > 2.0%\n"
        "CARRIER  STATE  fiber-a  coax-b    LAST CODE  PROVIDER\n"
        "* north  up     DOWN     DEGRADED  200        North Telecom\n"
        "  south  DOWN   -        -         503        South Voice    answers 503 to OPTIONS\n"
        "OVERRIDES\n"
        "   1  voice forced to coax-b              by uid 0 (root)     29m left   \"CHG-1182\"\n"
        "  12  everything held: no automatic move  by uid 1000 (mira)  30 s left  \"router work\"\n"
        "ACTUATORS\n"
        "  kamailio  OUT OF SYNC    order is south, wanted north\n"
        "  pbx2      NOT CONNECTED\n"
        "ATTENTION\n"
        "  ! Circuit fiber-a is down: call ISP One.\n"
        "  ! An override holds voice on coax-b: release it when the work is done.\n");
  CHECK(status_exit_code(v) == 10);
}

TEST_CASE("status: what is wrong stands on top; a silent circuit is not called up; targets set aside and metered probing are told") {
  const auto v = json(R"j({"site":"bkk","mode":"automatic","state":"ok","now":"2026-11-22T02:26:21Z","uptime_s":7,
   "services":[{"name":"voice","state":"ok","via":"fiber","ways_left":2,"ways":2,"rto_target_s":60,"applied":true,"verified":true}],
   "diagnoses":[{"failed":"brownout","since_s":11,"sentence":"fiber: part of it is lost (31 % of the probes lost): call ISP One.\u001b[2J"},{"failed":"unknown"}],
   "circuits":[{"name":"fiber","state":"degraded","suspect":false,"reason":"degraded for 12 s: loses 31.0 % of its probes","priority":10,"provider":"ISP One"},
    {"name":"coax","state":"up","suspect":true,"reason":"silent for 0.4 s (called down after 0.9 s)","priority":20,"provider":"ISP Two","probe_bytes_month":399513600},
    {"name":"dsl","state":"up","suspect":false,"reason":"answered by 2 of 3 targets; set aside: beta (silent while others answer)","priority":30,"provider":"ISP Three",
     "targets":[{"name":"alpha","set_aside":"no"},{"name":"beta","set_aside":"dead"}]},
    {"name":"lte","state":"down","suspect":true,"reason":"down for 3 s","priority":40,"provider":"Mobile","targets":[7]}]})j");
  CHECK(
      render_status(v, Colour::Off) ==
      "bkk  OK  automatic  up 7 s                            2026-11-22 02:26:21Z\n"
      "  ! fiber: part of it is lost (31 % of the probes lost): call ISP One.?[2J (for 11 s)\n"
      "  ! unknown\n"
      "  voice  OK  via fiber  ways left 2/2  RTO 60s  last -\n"
      "CIRCUIT  STATE     SINCE  RTT  JITTER  LOSS  MOS  PRI  PROVIDER\n"
      "  fiber  DEGRADED      -    -       -     -    -   10  ISP One    degraded for 12 s: loses 31.0 % of its probes\n"
      "  coax   SUSPECT       -    -       -     -    -   20  ISP Two    silent for 0.4 s (called down after 0.9 s); metered: probing costs 400 MB a "
      "month\n"
      "  dsl    up            -    -       -     -    -   30  ISP Three  answered by 2 of 3 targets; set aside: beta (silent while others answer)\n"
      "  lte    DOWN          -    -       -     -    -   40  Mobile     down for 3 s\n");
}

TEST_CASE("status: down, and a choice that is not carried out") {
  const auto v = json(R"({"site":"bkk","mode":"automatic","state":"down","now":"2026-11-22T02:26:21Z","uptime_s":100,
   "services":[{"name":"voice","state":"down","via":null,"since_s":null,"ways_left":0,"ways":2,"rto_target_s":60,"last_rto_s":null,"applied":false,"verified":false,
     "detail":"the switch is not connected","reason":"every circuit is down"}],"circuits":[],"carriers":[]})");
  CHECK(render_status(v, Colour::Off) ==
        "bkk  DOWN  automatic  up 1m                           2026-11-22 02:26:21Z\n"
        "  voice  DOWN  via nothing  ways left 0/2  RTO 60s  last -  NOT APPLIED: the switch is not connected\n");
  CHECK(status_exit_code(v) == 20);
}

TEST_CASE("status: unknown, just started") {
  const auto v = json(R"({"site":"bkk","mode":"automatic","state":"unknown","now":"2026-11-22T02:26:21Z","uptime_s":0.2,
   "services":[{"name":"voice","state":"unknown","via":null,"ways_left":0,"ways":2,"rto_target_s":60,"applied":true,"verified":true,"reason":"nothing is known yet"}],
   "circuits":[{"name":"fiber-a","state":"unknown","reason":"2 of 3 samples","since_s":0.2,"active":false,"priority":10,"provider":"ISP One"}]})");
  CHECK(render_status(v, Colour::Off) ==
        "bkk  UNKNOWN  automatic  up 0.2 s                     2026-11-22 02:26:21Z\n"
        "  voice  UNKNOWN  via nothing  ways left 0/2  RTO 60s  last -  nothing is known yet\n"
        "CIRCUIT    STATE    SINCE  RTT  JITTER  LOSS  MOS  PRI  PROVIDER\n"
        "  fiber-a  UNKNOWN  0.2 s    -       -     -    -   10  ISP One   2 of 3 samples\n");
  CHECK(status_exit_code(v) == 30);
}

TEST_CASE("status: a document with nothing in it, or with nonsense, is drawn all the same") {
  constexpr std::string_view kEmpty =
      "-  -  -  up -                                         -\n"
      "  no traffic class and no trunk is known yet\n";
  CHECK(render_status(json("{}"), Colour::Off) == kEmpty);
  CHECK(render_status(json("[]"), Colour::Off) == kEmpty);
  CHECK(
      render_status(
          json(
              R"({"site":7.5,"state":[],"mode":{},"now":false,"uptime_s":"x","services":{},"circuits":"c","overrides":9,"actuators":null,"attention":[1,{}]})"),
          Colour::Off) == kEmpty);
  CHECK(render_status(json(R"({"services":[1,null,{}],"circuits":[[]],"carriers":[{"paths":[3]}],"overrides":[0],"actuators":[{}]})"), Colour::Off) ==
        "-  -  -  up -                                         -\n"
        "  -  -  via nothing  ways left -/-  RTO -  last -\n"
        "  -  -  via nothing  ways left -/-  RTO -  last -\n"
        "  -  -  via nothing  ways left -/-  RTO -  last -\n"
        "CIRCUIT  STATE  SINCE  RTT  JITTER  LOSS  MOS  PRI  PROVIDER\n"
        "  -      -          -    -       -     -    -    -  -\n"
        "CARRIER  STATE  -  LAST CODE  PROVIDER\n"
        "  -      -      -  -          -\n"
        "OVERRIDES\n"
        "  -  -: -  by -  - left  \"-\"\n"
        "ACTUATORS\n"
        "  -  NOT CONNECTED\n");
  CHECK(status_exit_code(json("{}")) == 30);
}

TEST_CASE("status: colour changes nothing but colour") {
  const std::string plain = render_status(json(kOk), Colour::Off);
  std::string painted = render_status(json(kOk), Colour::On);
  CHECK(painted.find("\x1b[32mOK\x1b[0m") != std::string::npos);
  for (std::size_t at = 0; (at = painted.find('\x1b')) != std::string::npos;) painted.erase(at, painted.find('m', at) - at + 1);
  CHECK(painted == plain);
}

TEST_CASE("status: with more than six circuits a carrier's paths are counted, not listed") {
  std::string circuits;
  std::string paths;
  for (int i = 0; i < 7; ++i) {
    const std::string comma = i > 0 ? "," : "";
    circuits += comma + R"({"name":"c)" + std::to_string(i) + R"(","state":"up"})";
    paths += comma + R"({"circuit":"c)" + std::to_string(i) + R"(","state":")" + (i == 3 ? "down" : "up") + R"("})";
  }
  const auto v =
      json(R"({"circuits":[)" + circuits + R"(],"carriers":[{"name":"north","state":"up","last_code":200,"provider":"N","paths":[)" + paths + "]}]}");
  CHECK(render_status(v, Colour::Off)
            .find("CARRIER  STATE  PATHS        LAST CODE  PROVIDER\n"
                  "  north  up     6 up, 1 NOT  200        N\n") != std::string::npos);
}

TEST_CASE("paths: each carrier through each circuit, with why") {
  CHECK(render_paths(json(R"({"carriers":[{"name":"north","paths":[
      {"circuit":"fiber","state":"up","reason":"answers 200","since_s":77,"rtt_ms":1,"last_code":200,"selected":true,"takes_calls":"yes"},
      {"circuit":"coax","state":"down","reason":"2 OPTIONS unanswered","since_s":5,"rtt_ms":null,"last_code":null,"selected":false,"reachable":"no"}]}]})"),
                     Colour::Off) ==
        "CARRIER  CIRCUIT  STATE  SINCE     RTT  LAST CODE  ANSWERS      WHY\n"
        "* north  fiber    up      77 s  1.0 ms        200  takes calls  answers 200\n"
        "  north  coax     DOWN     5 s       -          -  not reached  2 OPTIONS unanswered\n");
  CHECK(render_paths(json("{}"), Colour::Off) == "no path is known yet\n");
}

TEST_CASE("paths: the first layer that says no, how calls fare, and each of several addresses") {
  const std::string printed = render_paths(json(R"({"carriers":[{"name":"north","paths":[
      {"circuit":"fiber","state":"degraded","reason":"answers 403","last_code":403,"reachable":"yes","authorised":"no","takes_calls":"no",
       "calls":{"state":"well","in_progress":12,"ner":0.991,"pdd_median_ms":812}},
      {"circuit":"coax","state":"up","reason":"answers 200","reachable":"yes","authorised":"yes","takes_calls":"no",
       "calls":{"state":"failing","in_progress":0,"ner":0,"pdd_median_ms":null},
       "endpoints":[{"address":"198.51.100.1:5060","state":"up","since_s":9,"rtt_ms":2,"last_code":200,"listed":true,"name":"a.north.example"},
                    {"address":"198.51.100.2:5060","state":"down","since_s":3,"rtt_ms":null,"last_code":null,"listed":false,"name":""}]},
      {"circuit":"lte","state":"unknown","reachable":"yes","endpoints":[{"address":"198.51.100.1:5060"}]}]}]})"),
                                           Colour::Off);
  CAPTURE(printed);
  CHECK(printed ==
        "CARRIER                CIRCUIT  STATE     SINCE     RTT  LAST CODE  ANSWERS           CALLS                              WHY\n"
        "  north                fiber    DEGRADED      -       -        403  does not know us  12 now, NER 99 %, rings in 812 ms  answers 403\n"
        "  north                coax     up            -       -          -  refuses calls     FAIL: 0 now, NER 0 %               answers 200\n"
        "    198.51.100.1:5060           up          9 s  2.0 ms        200                                                       a.north.example\n"
        "    198.51.100.2:5060           DOWN        3 s       -          -                                                       no longer named by "
        "DNS\n"
        "  north                lte      UNKNOWN       -       -          -  reached           -                                  -\n");
}

TEST_CASE("events: time, severity, id, text") {
  CHECK(
      render_event(
          json(R"({"sequence":4,"id":"circuit.down","severity":"alert","time":"2026-11-22T02:26:21.345Z","text":"Circuit fiber is down.\nforged"})"),
          Colour::Off) == "2026-11-22 02:26:21Z  alert    circuit.down          Circuit fiber is down.?forged\n");
  CHECK(render_event(json("{}"), Colour::Off) == "-  -        -                     -\n");
}

TEST_CASE("explain: the lines as they are") {
  CHECK(render_explain(json(R"({"lines":["fiber is active.","  coax  ineligible",7]})")) == "fiber is active.\n  coax  ineligible\n");
  CHECK(render_explain(json("null")) == "nothing to explain yet\n");
}

TEST_CASE("acts: a plan, what was done, and each kind of refusal") {
  const auto act = json(
      R"({"schema":1,"done":true,"override":{"id":3,"until":"2026-11-22T02:56:40Z"},"changes":["~ class voice: fiber -> coax"],"message":"voice goes by coax."})");
  CHECK(render_plan(act, Colour::Off) ==
        "Plan (nothing is changed by this)\n  ~ class voice: fiber -> coax\n  Reverts by itself at 2026-11-22 02:56:40Z.\nvoice goes by coax.\n");
  CHECK(render_done(act, Colour::Off) ==
        "voice goes by coax.\n  ~ class voice: fiber -> coax\nOverride 3 holds until 2026-11-22 02:56:40Z. To end it sooner: linekeeper release 3\n");
  CHECK(render_plan(json("{}"), Colour::Off) == "Plan (nothing is changed by this)\n  = nothing\n");
  CHECK(render_done(json("{}"), Colour::Off) == "Done.\n");

  CHECK(render_error(json(R"({"error":{"exit":4,"guard":"target_healthy","message":"coax is degraded (loss 6.1% > 2.0%).","remedy":""}})"), 4,
                     Colour::Off) ==
        "REFUSED by guard target_healthy: coax is degraded (loss 6.1% > 2.0%).\n  To go ahead anyway: --override-guard target_healthy\n");
  CHECK(render_error(json(R"({"error":{"guard":"g","message":"m","remedy":"Add --override-guard g."}})"), 4, Colour::Off) ==
        "REFUSED by guard g: m\n  Add --override-guard g.\n");
  CHECK(render_error(json(R"({"error":{"guard":"last_path","message":"m","remedy":"Wait.","overridable":false}})"), 4, Colour::Off) ==
        "REFUSED by guard last_path: m\n  Wait.\n");
  CHECK(render_error(json(R"({"error":{"message":"applied","remedy":"look"}})"), 5, Colour::Off) == "APPLIED, NOT VERIFIED: applied\n  look\n");
  CHECK(render_error(json(R"({"error":{"message":"the state moved on"}})"), 6, Colour::Off) == "STALE PLAN: the state moved on\n");
  CHECK(render_error(json("{}"), 1, Colour::Off) == "linekeeper: the daemon's answer cannot be read\n");
}

TEST_CASE("nagios: one line, its exit code, and names that cannot break the performance data") {
  int exit = -1;
  CHECK(render_nagios(json(kOk), exit) ==
        "LINEKEEPER OK - bkk: internet OK via fiber-a, voice OK via north | 'fiber-a_rtt'=13.2ms 'fiber-a_loss'=0.0% 'lte-c_rtt'=48.0ms "
        "'lte-c_loss'=1.2%\n");
  CHECK(exit == 0);
  CHECK(render_nagios(json(R"({"site":"a|b","state":"down","services":[{"name":"v'=","state":"down","via":null}]})"), exit) ==
        "LINEKEEPER CRITICAL - a_b: v__ DOWN via nothing\n");
  CHECK(exit == 2);
  CHECK(render_nagios(json(R"({"state":"degraded"})"), exit) == "LINEKEEPER WARNING - -: no service is known yet\n");
  CHECK(exit == 1);
  CHECK(render_nagios(json("{}"), exit).starts_with("LINEKEEPER UNKNOWN"));
  CHECK(exit == 3);
}
