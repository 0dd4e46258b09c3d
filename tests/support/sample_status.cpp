#include "tests/support/sample_status.hpp"

namespace linekeeper::support {

using namespace std::chrono_literals;
using namespace model;

namespace {
const Instant kNow{4000s};
const WallTime kWall{std::chrono::milliseconds(1795313181345)};  // 2026-11-22T02:06:21.345Z
IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
}  // namespace

Site sample_site() {
  Site site;
  site.name = "bkk";
  site.file = "/etc/linekeeper/linekeeper.toml";
  site.sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  site.targets = {
      {"alpha", ip("192.0.2.1"), "192.0.2.0/24"}, {"beta", ip("198.51.100.1"), "198.51.100.0/24"}, {"gamma", ip("203.0.113.1"), "203.0.113.0/24"}};
  const std::vector<TargetId> all = {TargetId{0}, TargetId{1}, TargetId{2}};
  site.circuits.push_back(
      {.name = "fiber", .interface = "wan0", .provider = "ISP One", .medium = "fiber", .priority = 10, .targets = all, .table = 100});
  site.circuits.push_back(
      {.name = "coax", .interface = "wan1", .provider = "ISP \"Two\" & Sons", .medium = "coax", .priority = 20, .targets = all, .table = 101});
  site.carriers.push_back({.name = "north", .provider = "North Telecom", .address = ip("192.0.2.70"), .domain = "north.example", .priority = 10});
  site.carriers.push_back({.name = "south", .provider = "South Voice", .address = ip("198.51.100.70"), .domain = "south.example", .priority = 20});
  site.classes.push_back({.name = "voice", .circuits = {CircuitId{0}, CircuitId{1}}, .table = 200, .rto = 7s});
  site.pbxs.push_back({.name = "kamailio", .rpc_socket = "/run/kamailio/rpc.sock"});
  site.trunks.push_back({.name = "outbound",
                         .pbx = PbxId{0},
                         .traffic_class = ClassId{0},
                         .carriers = {CarrierId{0}, CarrierId{1}},
                         .members = {{CarrierId{0}, CircuitId{0}, 11},
                                     {CarrierId{0}, CircuitId{1}, 12},
                                     {CarrierId{1}, CircuitId{0}, 21},
                                     {CarrierId{1}, CircuitId{1}, 22}},
                         .rto = 17s});
  site.calls.listen = ip("127.0.0.1");
  site.checks.push_back({.name = "portal", .kind = CheckKind::Http, .circuits = {CircuitId{0}, CircuitId{1}}, .url = "https://check.example/"});
  return site;
}

Site site_with_all() {
  Site site = sample_site();
  Carrier &named = site.carriers.front(), &listed = site.carriers.back();
  named.host = "sip.north.example";
  named.registration = RegisterRule{.user = "site"};
  named.test_call = TestCall{.number = "+15550100"};
  listed.transport = SipTransport::Tls;
  for (const char* address : {"203.0.113.20", "203.0.113.21"}) listed.addresses.push_back({.address = ip(address), .port = 5061});
  return site;
}

Status calm_status(const Site& site) {
  Status s;
  s.site = std::make_shared<const Site>(site);
  s.now = kNow;
  s.wall = kWall;
  s.started = Instant{400s};
  const Figures good{.rtt = 12300us, .jitter = 400us, .loss_ratio = 0, .samples = 50, .r_factor = 93.2, .mos = 4.409};
  for (std::size_t i = 0; i < site.circuits.size(); ++i) {
    CircuitStatus c{.circuit = id_at<CircuitId>(i),
                    .verdict = {Health::Up, Cause::Answering, 0, Instant{500s}},
                    .reason = "answered by 3 of 3 targets",
                    .figures = good};
    c.link = {.circuit = c.circuit,
              .present = true,
              .admin_up = true,
              .carrier = true,
              .ifindex = 3,
              .address = ip("192.0.2.10"),
              .gateway = ip("192.0.2.9")};
    c.gateway = Neighbour::Answers;
    c.hold_down = 60s;
    c.detectors = {.suspect_after = 300ms,
                   .dead_after = 910ms,
                   .learned_over = 5h,
                   .lossy = 0.4,
                   .lossy_alarm = 13.1,
                   .bursty = 0,
                   .bursty_alarm = 12.5,
                   .shortest_rtt = 9200us,
                   .usual_rtt = 9ms,
                   .interval = 200ms,
                   .verify_left = 450};
    for (const TargetId t : site.circuits[i].targets) c.targets.push_back({.target = t, .figures = good, .last_reply = kNow - 100ms});
    c.checks.push_back({.last = {.circuit = c.circuit,
                                 .kind = CheckKind::Http,
                                 .check = "portal",
                                 .result = CheckResult::Well,
                                 .at = kNow - 20s,
                                 .took = 31ms,
                                 .code = 200,
                                 .certificate_left = 24h * 82,
                                 .detail = "answers 200 in 31.0 ms; its certificate ends in 82 days"},
                        .standing = CheckResult::Well,
                        .since = kNow - 1h});
    c.last_good = kNow - 150ms;
    c.active = i == 0;
    s.circuits.push_back(c);
  }
  for (std::size_t i = 0; i < site.carriers.size(); ++i) {
    s.carriers.push_back({.carrier = id_at<CarrierId>(i),
                          .verdict = {Health::Up, Cause::Answering, 200, Instant{510s}},
                          .reason = "answers 200 by 2 of 2 circuits",
                          .last_code = 200,
                          .active = i == 0});
    for (std::size_t c = 0; c < site.circuits.size(); ++c)
      s.paths.push_back({.carrier = id_at<CarrierId>(i),
                         .circuit = id_at<CircuitId>(c),
                         .verdict = {Health::Up, Cause::Answering, 200, Instant{510s}},
                         .reason = "answers 200",
                         .last_code = 200,
                         .rtt = 31ms,
                         .last_good = kNow - 3s,
                         .selected = i == 0 && c == 0,
                         .calls = CallFigures{.standing = CallsStanding::Well,
                                              .since = kNow - 1h,
                                              .attempts = 240,
                                              .answered = 168,
                                              .failed = 1,
                                              .asr = 0.7,
                                              .ner = 0.996,
                                              .pdd_median = 820ms,
                                              .pdd_p95 = 1900ms,
                                              .slow_after = 5700ms,
                                              .in_progress = i == 0 && c == 0 ? 12 : 0,
                                              .quality = {.loss_ratio = 0.004, .jitter = 3ms, .reports = 40}}});
  }
  s.plan.generation = 3;
  s.plan.classes.push_back({.traffic_class = ClassId{0},
                            .circuit = CircuitId{0},
                            .motive = Motive::FirstChoice,
                            .reason = "fiber is up and the first choice.",
                            .since = Instant{500s}});
  TrunkChoice trunk{.trunk = TrunkId{0}, .motive = Motive::FirstChoice, .reason = "north answers and is the first choice.", .since = Instant{510s}};
  for (std::size_t m = 0; m < site.trunks[0].members.size(); ++m) trunk.order.push_back({.member = m, .eligible = true, .health = Health::Up});
  s.plan.trunks.push_back(trunk);
  s.class_carried = {{.applied = true, .verified = true}};
  s.trunk_carried = {{.applied = true, .verified = true}};
  s.route_switch = {.name = "switch", .connected = true, .in_sync = true, .detail = "generation 3"};
  s.pbxs = {{.name = "kamailio", .connected = true, .in_sync = true, .detail = "order 11,12,21,22"}};
  return s;
}

Status busy_status(const Site& site) {
  Status s = calm_status(site);
  CircuitStatus& fiber = s.circuits[0];
  fiber.verdict = {Health::Down, Cause::Silent, 7, kNow - 12s};
  fiber.reason = "7 probes in a row unanswered by 3 targets <script>alert(1)</script>";
  fiber.figures = {.rtt = 12300us, .jitter = 400us, .loss_ratio = 0.34, .samples = 50, .losses_in_a_row = 60, .r_factor = 38.55, .mos = 1.9934};
  fiber.last_good = kNow - 13s;
  fiber.active = false;
  fiber.detectors.silent = 12900ms;
  fiber.detectors.verify_left = 331;
  s.diagnoses.push_back({.failed = Failed::Circuit,
                         .circuit = CircuitId{0},
                         .mode = FailureMode::InternetCircuit,
                         .evidence = "link up, gateway 192.0.2.9 answers, 3 of 3 targets silent for 13 s; coax is well",
                         .sentence =
                             "fiber: ISP One's network is down beyond its gateway (link up, gateway 192.0.2.9 answers, 3 of 3 targets silent for "
                             "13 s; coax is well): call ISP One.",
                         .call = "call ISP One",
                         .since = kNow - 12s});
  s.circuits[1].active = true;
  for (std::size_t carrier = 0; carrier < 2; ++carrier) {
    PathStatus& by_fiber = s.paths[carrier * 2];
    by_fiber.verdict = {Health::Unknown, Cause::CircuitDown, 0, kNow - 12s};
    by_fiber.reason = "the circuit is down";
    by_fiber.rtt.reset();
    by_fiber.selected = false;
  }
  s.paths[1].selected = true;
  s.plan.generation = 4;
  s.plan.classes[0] = {
      .traffic_class = ClassId{0}, .circuit = CircuitId{1}, .motive = Motive::Escape, .reason = "fiber is down; coax is up.", .since = kNow - 12s};
  s.plan.trunks[0].order = {{1, true, Health::Up}, {3, true, Health::Up}, {0, false, Health::Unknown}, {2, false, Health::Unknown}};
  s.plan.trunks[0].motive = Motive::Escape;
  s.plan.trunks[0].reason = "north via fiber is out; north via coax answers.";
  s.plan.trunks[0].since = kNow - 12s;
  s.class_carried[0].last_recovery = 812ms;
  s.incidents.push_back({.id = 2,
                         .mode = FailureMode::InternetCircuit,
                         .subject = "voice",
                         .diagnosis = "fiber: ISP One's network is down beyond its gateway: call ISP One.",
                         .failed = "circuit fiber",
                         .moved_to = "coax",
                         .trigger = "automatic",
                         .opened = kWall - 12s,
                         .last_good = kNow - 13s,
                         .detected = kNow - 12500ms,
                         .decided = kNow - 12499ms,
                         .applied = kNow - 12495ms,
                         .verified = kNow - 12188ms,
                         .rto_target = 7s});
  s.incidents.push_back({.id = 1,
                         .mode = FailureMode::SipTrunk,
                         .subject = "outbound",
                         .failed = "north via fiber",
                         .moved_to = "south",
                         .trigger = "automatic",
                         .opened = kWall - 1h,
                         .last_good = kNow - 3700s,
                         .detected = kNow - 3690s,
                         .decided = kNow - 3690s,
                         .applied = kNow - 3689s,
                         .verified = kNow - 3680s,
                         .rto_target = 17s});
  s.overrides.push_back({.id = 5,
                         .kind = OverrideKind::Force,
                         .subject = "outbound",
                         .to = "north",
                         .owner = "uid 1000 (mira)",
                         .reason = "CHG-1182 <b>",
                         .since = kWall - 20min,
                         .until = kWall + 5min});
  s.suppressed[Guard::HoldDown] = 3;
  return s;
}

Status troubled_status(const Site& site) {
  Site metered = site;
  metered.circuits[1].metered = true;
  Status s = calm_status(metered);
  CircuitStatus& fiber = s.circuits[0];
  fiber.verdict = {Health::Degraded, Cause::Bursty, 0, kNow - 12s};
  fiber.reason =
      "degraded for 12 s: loses 31.0 % of its probes in bursts; set aside: beta (silent while others answer), which moves nothing (guard "
      "corroboration)";
  fiber.figures = {.rtt = 12300us, .jitter = 4ms, .loss_ratio = 0.31, .samples = 50, .r_factor = 41.2, .mos = 2.113, .burst_ratio = 2.4};
  fiber.detectors.lossy = 11.8;
  fiber.detectors.bursty = 16.2;
  fiber.targets[1].set_aside = SetAside::Dead;
  fiber.targets[1].figures = {.loss_ratio = 1, .samples = 50, .losses_in_a_row = 64};
  fiber.hold_down = 540s;
  CircuitStatus& coax = s.circuits[1];
  coax.suspect = true;
  coax.reason = "silent for 0.4 s (called down after 0.9 s)";
  coax.detectors.silent = 410ms;
  coax.detectors.interval = 5s;
  coax.gateway = Neighbour::Doubtful;
  s.plan.classes[0].motive = Motive::Held;
  s.plan.classes[0].reason = "voice stays on fiber; no other way is so much better that a move would be heard (guard quality_gain).";
  s.diagnoses = {
      {.failed = Failed::Brownout,
       .circuit = CircuitId{0},
       .mode = FailureMode::InternetCircuit,
       .evidence = "link up, 31 % of the probes lost in bursts; coax is silent just now",
       .sentence = "fiber: part of what goes over it is lost or late (link up, 31 % of the probes lost in bursts; coax is silent just now): call "
                   "ISP One.",
       .call = "call ISP One",
       .since = kNow - 11s},
      {.failed = Failed::TargetPath,
       .circuit = CircuitId{0},
       .target = TargetId{1},
       .evidence = "silent by fiber, answers by coax; 2 others answer there",
       .sentence = "beta is silent by fiber only: its own path (silent by fiber, answers by coax; 2 others answer there).",
       .since = kNow - 40min}};
  return s;
}

std::vector<Event> sample_events() {
  return {{.sequence = 40, .id = EventId::DaemonStarted, .wall = kWall - 1h, .at = Instant{400s}, .text = "linekeeperd 0.1.0 started"},
          {.sequence = 41,
           .id = EventId::CircuitDown,
           .wall = kWall - 12s,
           .at = kNow - 12s,
           .subject = "circuit fiber",
           .text = "7 probes in a row unanswered by 3 targets",
           .fields = {{"losses", "7"}}},
          {.sequence = 42,
           .id = EventId::RoutingMoved,
           .wall = kWall - 12s,
           .at = kNow - 12s,
           .subject = "class voice",
           .text = "fiber -> coax: fiber is down",
           .fields = {{"from", "fiber"}, {"to", "coax"}, {"motive", "escape"}}},
          {.sequence = 43,
           .id = EventId::RoutingVerified,
           .wall = kWall - 11s,
           .at = kNow - 12188ms,
           .subject = "class voice",
           .text = "recovered in 0.8s of 7s <i>",
           .fields = {{"rto_ms", "812"}}}};
}

}  // namespace linekeeper::support
