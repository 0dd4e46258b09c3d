#include <doctest/doctest.h>

#include "controller/decision/directions.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::DirectedLosses;
using decision::LossDirection;
using decision::ReflectorWindow;

namespace {
/// A reflector that counts, and a line that loses what it is told to.
struct Line {
  ReflectorWindow window;
  std::uint32_t ours = 0, theirs = 0;
  enum Fate : std::uint8_t { Back, LostOut, LostIn };
  void send(Fate fate, model::Duration out = 10ms, model::Duration in = 10ms) {
    ++ours;
    if (fate == LostOut) return;
    const std::uint32_t number = theirs++;
    if (fate == Back) window.add({.session = 1, .ours = ours, .theirs = number, .outbound = out, .inbound = in});
  }
};

model::Site site_with_reflector() {
  model::Site site;
  site.targets = {{.name = "echo"}, {.name = "reflector", .method = model::ProbeMethod::Stamp}};
  site.circuits = {{.name = "fiber", .targets = {{0}, {1}}}};
  return site;
}
}  // namespace

TEST_CASE("directions: what did not arrive was lost outbound, what arrived and did not come back inbound") {
  Line line;
  line.send(Line::Back);
  line.send(Line::LostOut);
  line.send(Line::LostOut);
  line.send(Line::LostIn);
  CHECK(line.window.losses().sent == 0);  // not accounted for until something comes back
  line.send(Line::Back);
  const DirectedLosses l = line.window.losses();
  CHECK(l.sent == 4);
  CHECK(l.outbound == 2);
  CHECK(l.arrived == 2);
  CHECK(l.inbound == 1);
  CHECK(*line.window.outbound().loss_ratio == doctest::Approx(0.5));
  CHECK(*line.window.inbound().loss_ratio == doctest::Approx(0.5));
}

TEST_CASE("directions: one reply tells nothing, a reflector that does not count tells no loss, and both tell jitter in time") {
  ReflectorWindow window;
  window.add({.session = 1, .ours = 1, .theirs = 0, .outbound = 5ms, .inbound = 5ms});
  CHECK_FALSE(window.outbound().loss_ratio);
  CHECK_FALSE(window.outbound().jitter);
  ReflectorWindow stateless;
  for (std::uint32_t i = 1; i < 9; ++i) stateless.add({.session = 1, .ours = i, .outbound = 5ms, .inbound = 5ms});
  CHECK_FALSE(stateless.inbound().loss_ratio);
  CHECK(stateless.inbound().jitter == 0ms);
}

TEST_CASE("directions: jitter is that of RFC 3550, each way by itself, and needs no clocks that agree") {
  Line line;
  line.send(Line::Back, -1h, 1h);
  line.send(Line::Back, -1h + 16ms, 1h);
  CHECK(line.window.outbound().jitter == 1ms);
  CHECK(line.window.inbound().jitter == 0ms);
  line.send(Line::Back, -1h + 16ms, 1h - 32ms);
  CHECK(line.window.outbound().jitter == 937500ns);
  CHECK(line.window.inbound().jitter == 2ms);
}

TEST_CASE("directions: a jump of more than a second is a clock that was set, no jitter") {
  Line line;
  line.send(Line::Back, 0s);
  line.send(Line::Back, 1s);
  CHECK(line.window.outbound().jitter == 62500us);
  line.send(Line::Back, 2s + 1ns);
  CHECK(line.window.outbound().jitter == 62500us);
  line.send(Line::Back, 2s + 1ns);
  CHECK(*line.window.outbound().jitter < 62500us);
}

TEST_CASE("directions: only the newest hundred packets count") {
  Line line;
  line.send(Line::Back);
  for (int i = 0; i < 10; ++i) line.send(Line::LostOut);
  for (int i = 0; i < 89; ++i) line.send(Line::Back);
  CHECK(line.window.losses().outbound == 10);
  CHECK(line.window.losses().sent == 99);
  line.send(Line::Back);  // the hundred and first: the first one, and with it the gap behind it, is forgotten
  CHECK(line.window.losses().outbound == 0);
  CHECK(line.window.losses().sent == 89);
  for (int i = 0; i < 500; ++i) line.send(i % 2 == 0 ? Line::Back : Line::LostIn);
  CHECK(line.window.losses().inbound == 49);
}

TEST_CASE("directions: a reply that comes late un-loses its packet, a duplicate changes nothing") {
  ReflectorWindow window;
  const auto reply = [&](std::uint32_t ours, std::uint32_t theirs) { window.add({.session = 1, .ours = ours, .theirs = theirs}); };
  reply(1, 0);
  reply(4, 3);
  CHECK(window.losses().inbound == 2);
  reply(3, 2);
  CHECK(window.losses().inbound == 1);
  reply(3, 2);
  CHECK(window.losses().inbound == 1);
  reply(2, 1);
  CHECK(window.losses().inbound == 0);
  CHECK(window.losses().sent == 3);
}

TEST_CASE("directions: a new session, or a reflector that counts anew, forgets what was; foreign numbers break nothing") {
  Line line;
  for (int i = 0; i < 20; ++i) line.send(i % 3 == 0 ? Line::Back : Line::LostOut);
  CHECK(line.window.losses().outbound > 0);
  line.window.add({.session = 2, .ours = 1, .theirs = 0});
  CHECK(line.window.losses().sent == 0);
  line.window.add({.session = 2, .ours = 2, .theirs = 40});
  CHECK(line.window.losses().sent == 1);
  CHECK(line.window.losses().outbound == 0);
  line.window.add({.session = 2, .ours = 3, .theirs = 0});  // restarted
  CHECK(line.window.losses().sent == 0);
  line.window.add({.session = 2, .ours = 4, .theirs = UINT32_MAX});
  CHECK(line.window.losses().arrived == 1000);
  line.window.add({.session = 2, .ours = UINT32_MAX, .theirs = UINT32_MAX});
  CHECK(line.window.losses().inbound >= 0);
}

TEST_CASE("directions: a direction is named from six losses on, when at most every eighth went the other way") {
  const auto named = [](int out, int in) { return decision::direction_of({.sent = 100, .outbound = out, .arrived = 100, .inbound = in}); };
  CHECK(named(5, 0) == LossDirection::Unknown);
  CHECK(named(6, 0) == LossDirection::Outbound);
  CHECK(named(0, 6) == LossDirection::Inbound);
  CHECK(named(6, 1) == LossDirection::Unknown);
  CHECK(named(7, 1) == LossDirection::Outbound);
  CHECK(named(1, 7) == LossDirection::Inbound);
  CHECK(named(20, 20) == LossDirection::Unknown);
}

TEST_CASE("directions: of a circuit, over its reflectors; targets of other methods tell only what they answered with") {
  const auto site = site_with_reflector();
  decision::Directions directions(site, {0});
  CHECK_FALSE(directions.on({.circuit = {0}, .target = {0}, .sequence = 1, .rtt = 1ms, .code = 5}));
  bool changed = false;
  for (std::uint32_t i = 0; i < 8; ++i)
    changed =
        directions.on({.circuit = {0}, .target = {1}, .reflection = model::Reflection{.session = 1, .ours = 2 * i + 1, .theirs = i}}) || changed;
  CHECK(changed);
  CHECK(directions.lost() == LossDirection::Outbound);
  CHECK_FALSE(directions.on({.circuit = {0}, .target = {9}, .sequence = 3}));
  model::CircuitStatus status;
  status.targets = {{.target = {0}}, {.target = {1}}};
  directions.fill(status);
  CHECK(status.targets[0].last_code == 5);
  CHECK_FALSE(status.targets[0].outbound.jitter);
  CHECK(*status.outbound.loss_ratio == doctest::Approx(0.5));
  CHECK(*status.inbound.loss_ratio == 0);
  CHECK(status.outbound.samples == 14);
}
