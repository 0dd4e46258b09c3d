#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "controller/operations/replay_compare.hpp"
#include "tests/support/recorded_site.hpp"

using namespace linekeeper;
using namespace linekeeper::operations;
using tests::RecordedSite;
using namespace std::chrono_literals;
using model::EventId;
using model::Instant;

namespace {

constexpr model::WallTime kAlways{};
const model::WallTime kEver = model::WallTime(std::chrono::sys_days(std::chrono::January / 1 / 2100));

Story replay(const RecordedSite& from, Replay::Settings settings) {
  if (!settings.site) settings.site = [&from](const std::string& sha) { return from.sites.at(sha); };
  if (settings.until == model::WallTime{}) settings.until = kEver;
  Replay again(std::move(settings));
  for (const auto& stored : from.blocks) {
    const auto block = journal::decode_block(stored.bytes);
    if (block)
      again.feed(stored, *block);
    else
      again.damaged(stored, block.error().what);
  }
  return again.finish();
}

Comparison against_recorded(const RecordedSite& from, const Story& story) {
  return compare_exactly(comparable(from.events, story.covered, kAlways, kEver), story);
}

/// What a person would see of another configuration.
Comparison with_other(const RecordedSite& from, const model::Site& site, Story* told = nullptr) {
  const Story same = replay(from, {});
  auto recorded = comparable(from.events, same.covered, kAlways, kEver);
  std::erase_if(recorded, [](const auto& e) { return !worth_comparing(e.event.id); });
  const auto other = std::make_shared<const model::Site>(site);
  const Story story =
      replay(from, {.site = [&](const std::string&) { return model::SitePtr(other); }, .own_wakes = true, .questions = questions_of(recorded)});
  if (told != nullptr) *told = story;
  return compare(recorded, story, "other.toml");
}

std::string sentences(const Comparison& c) {
  std::string all;
  for (const Difference& d : c.differences) all += d.sentence + "\n";
  return all;
}

const ServiceStory& service(const Story& story, std::string_view name) { return *std::ranges::find(story.services, name, &ServiceStory::name); }

/// fiber dies for half a minute and comes back for good; 2 % is lost everywhere, all the time.
void an_eventful_hour(RecordedSite& site) {
  site.lose(0, 0.02);
  site.lose(1, 0.02);
  site.run(60s);
  site.black_hole(0);
  site.run(30s);
  site.black_hole(0, false);
  site.run(120s);
  site.link(0, false);
  site.run(5s);
  site.link(0, true);
  site.run(60s);
  site.stop();
}

/// Waits longer before it calls a circuit dead, by whichever rule.
template <class Rule>
void wait_longer(Rule& rule, int losses, model::Duration silence) {
  if constexpr (requires { rule.fall; }) rule.fall = losses;
  rule.dead_after_min = silence;
  rule.dead_after_max = 10s;
  rule.stale_after = 15s;
}

model::Site slower() {
  model::Site s = tests::two_by_two();
  wait_longer(s.circuit_health, 12, 3s);
  return s;
}

}  // namespace

TEST_CASE("replay: the same configuration decides every thing again at its very instant") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    RecordedSite site(tests::two_by_two(), seed);
    an_eventful_hour(site);
    REQUIRE(std::ranges::count(site.events, EventId::RoutingMoved, [](const auto& e) { return e.event.id; }) >= 2);
    const Story story = replay(site, {});
    const Comparison c = against_recorded(site, story);
    CAPTURE(sentences(c));
    CHECK(c.differences.empty());
    CHECK(c.equal == site.events.size());
    CHECK(story.events.size() == site.events.size());
    for (std::size_t i = 0; i < site.events.size(); ++i) CHECK(story.events[i].event.text == site.events[i].event.text);
    CHECK(story.starts == 1);
    CHECK(story.remarks.empty());
  }
}

TEST_CASE("replay: woken by itself, it decides the same things at their very instants when the timers then were punctual") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    RecordedSite site(tests::two_by_two(), seed);
    site.timer_lateness = 0ms;
    an_eventful_hour(site);
    const Story story = replay(site, {.own_wakes = true});
    const Comparison c = against_recorded(site, story);
    CAPTURE(sentences(c));
    CHECK(c.differences.empty());
    CHECK(c.equal == site.events.size());
  }
}

// A judge that waits before it goes back looks again a second after each look (controller/decision/policy.cpp, kLookAgain), so every look is as
// late as all before it together. An input, which a replay gives at its very instant, is where the two meet again: a look of the replay is
// whole seconds behind one. What else a timer brings is late by that timer, and by what had set it.
TEST_CASE("replay: woken by itself, it decides the same things in the same order, earlier by no more than the timers then were late") {
  RecordedSite site;
  an_eventful_hour(site);
  std::set<Instant> inputs;
  for (const auto& stored : site.blocks)
    for (const auto& record : journal::decode_block(stored.bytes).value().records)
      if (!std::holds_alternative<journal::Woken>(record.input)) inputs.insert(record.now);
  const auto looks_since_an_input = [&](Instant at) -> std::optional<int> {
    for (int looks = 0; looks <= 120; ++looks)
      if (inputs.contains(at - looks * 1s)) return looks;
    return std::nullopt;
  };
  const Story story = replay(site, {.own_wakes = true});
  REQUIRE(story.events.size() == site.events.size());
  model::Duration late_before{};
  int waited = 0;
  for (std::size_t i = 0; i < site.events.size(); ++i) {
    CAPTURE(site.events[i].event.text);
    CHECK(story.events[i].event.id == site.events[i].event.id);
    CHECK(story.events[i].event.subject == site.events[i].event.subject);
    const auto late = site.events[i].event.at - story.events[i].event.at;
    const auto looks = looks_since_an_input(story.events[i].event.at);
    waited += looks.value_or(0) > 1;
    CHECK(late >= 0ms);
    CHECK(late <= (looks ? *looks * site.timer_lateness : late_before + site.timer_lateness));
    late_before = late;
  }
  CHECK(waited >= 2);  // going back is waited for, twice
}

TEST_CASE("replay: an input that is missing or changed is noticed") {
  RecordedSite site;
  an_eventful_hour(site);
  const auto changed = std::make_shared<const model::Site>(slower());
  const Story story = replay(site, {.site = [&](const std::string&) { return model::SitePtr(changed); }});
  CHECK_FALSE(against_recorded(site, story).differences.empty());
}

TEST_CASE("replay: what happened is told: moves, and the time on a way that was silent") {
  RecordedSite site;
  an_eventful_hour(site);
  const Story story = replay(site, {});
  const ServiceStory& voice = service(story, "voice");
  CHECK(voice.moves == std::ranges::count(site.events, EventId::RoutingMoved, [](const auto& e) { return e.event.id; }));
  CHECK(voice.needless == 0);
  // From the first unanswered probe to the move away: the black hole, and nothing of the link that the kernel told about at once.
  const auto down = std::ranges::find(site.events, EventId::CircuitDown, [](const auto& e) { return e.event.id; });
  REQUIRE(down != site.events.end());
  CHECK(model::seconds(voice.silent) > model::seconds(down->event.at - (Instant{1000s} + 60s)) - 0.5);
  CHECK(model::seconds(voice.silent) < model::seconds(down->event.at - (Instant{1000s} + 60s)) + 0.2);
}

TEST_CASE("replay: with a slower configuration the same move comes later, and the sentence says by how much") {
  RecordedSite site;
  an_eventful_hour(site);
  Story story;
  const Comparison c = with_other(site, slower(), &story);
  CAPTURE(sentences(c));
  const auto move = std::ranges::find_if(
      c.differences, [](const Difference& d) { return d.subject == "class voice" && d.sentence.contains("left fiber for coax"); });
  REQUIRE(move != c.differences.end());
  CHECK(move->sentence.contains("as recorded: voice left fiber for coax. With other.toml: "));
  CHECK(move->sentence.contains(" s later, at 00:17:4"));
  CHECK(service(story, "voice").silent > service(replay(site, {}), "voice").silent + 500ms);
}

TEST_CASE("replay: with a configuration that would not have moved, it says that it stays and how the circuit was then") {
  RecordedSite site;
  site.run(30s);
  site.black_hole(0);
  site.run(3s);  // longer than the recorded judge waits, shorter than the other
  site.black_hole(0, false);
  site.run(5s);
  site.stop();
  model::Site patient = slower();
  wait_longer(patient.circuit_health, 40, 8s);
  Story story;
  const Comparison c = with_other(site, patient, &story);
  CAPTURE(sentences(c));
  CHECK(service(story, "voice").moves == 1);  // the first choice
  const auto move = std::ranges::find(c.differences, "class voice", &Difference::subject);
  REQUIRE(move != c.differences.end());
  CHECK(move->sentence.contains("as recorded: voice left fiber for coax. With other.toml: stays on fiber ("));
}

TEST_CASE("replay: a move that only the other configuration makes is told with its reason") {
  RecordedSite site(slower());
  site.run(30s);
  site.black_hole(0);
  site.run(2s);
  site.black_hole(0, false);
  site.run(5s);
  site.stop();
  const Comparison c = with_other(site, tests::two_by_two());
  CAPTURE(sentences(c));
  const auto move = std::ranges::find(c.differences, "class voice", &Difference::subject);
  REQUIRE(move != c.differences.end());
  CHECK(move->sentence.contains("with other.toml: voice left fiber for coax ("));
  CHECK(move->sentence.ends_with("As recorded: it stayed on fiber."));
}

TEST_CASE("replay: an escape from a circuit that answers within a second is needless, one that stays silent is not") {
  for (const bool comes_back : {true, false}) {
    CAPTURE(comes_back);
    RecordedSite site;
    site.run(30s);
    site.black_hole(0);
    const auto moves = [&] { return std::ranges::count(site.events, EventId::RoutingMoved, [](const auto& e) { return e.event.id; }); };
    while (moves() < 2) site.run(50ms);
    if (!comes_back) site.run(2s);
    site.black_hole(0, false);
    site.run(8s);
    site.stop();
    CHECK(service(replay(site, {}), "voice").needless == (comes_back ? 1 : 0));
  }
}

TEST_CASE("replay: the order of the configuration does not matter, and what it does not have is left out and said") {
  RecordedSite site;
  an_eventful_hour(site);
  // The same site with every list turned round.
  model::Site turned = tests::two_by_two();
  std::ranges::reverse(turned.circuits);
  std::ranges::reverse(turned.targets);
  for (auto& c : turned.circuits)
    for (auto& t : c.targets) t.value = static_cast<std::uint16_t>(2 - t.value);
  for (auto& c : turned.classes)
    for (auto& circuit : c.circuits) circuit.value = static_cast<std::uint16_t>(1 - circuit.value);
  for (auto& t : turned.trunks)
    for (auto& m : t.members) m.circuit->value = static_cast<std::uint16_t>(1 - m.circuit->value);
  const auto same = std::make_shared<const model::Site>(turned);
  const Story story = replay(site, {.site = [&](const std::string&) { return model::SitePtr(same); }});
  const Comparison c = against_recorded(site, story);
  CAPTURE(sentences(c));
  // Events of one instant may come in another order; each of them is there.
  CHECK(c.differences.empty());

  model::Site without = tests::two_by_two();
  without.circuits.pop_back();
  without.circuits.push_back({.name = "lte", .interface = "wan-c", .targets = without.circuits[0].targets, .table = 7103});
  without.circuits[0].targets.pop_back();
  Story told;
  const Comparison fewer = with_other(site, without, &told);
  CHECK(std::ranges::count(told.remarks, std::string("Recorded, and not in this configuration, so left out: circuit coax.")) == 1);
  CHECK(std::ranges::count(told.remarks, std::string("In this configuration, and never recorded, so nothing is known of it: circuit lte.")) == 1);
  CHECK(sentences(fewer).contains("nothing is decided about it then"));
}

TEST_CASE("replay: a start of the daemon within the span is a new judge, and a new configuration is taken from then on") {
  RecordedSite site;
  site.run(40s);
  model::Site reloaded = tests::two_by_two();
  reloaded.sha256 = "second";
  reloaded.circuit_health.hold_down = 20s;
  site.start(reloaded);
  site.run(30s);
  site.black_hole(0);
  site.run(10s);
  site.stop();
  const Story story = replay(site, {});
  CHECK(story.starts == 2);
  CHECK(against_recorded(site, story).differences.empty());
  CHECK(against_recorded(site, story).equal == site.events.size());
  // Without the second configuration nothing of its time is decided, and that is said.
  const Story half = replay(site, {.site = [&](const std::string& sha) { return sha == "second" ? nullptr : site.sites.at(sha); }});
  CHECK(half.starts == 1);
  REQUIRE(half.remarks.size() == 1);
  CHECK(half.remarks[0].contains("a configuration was in force that is not known (sha256 second"));
  CHECK(against_recorded(site, half).differences.empty());
}

TEST_CASE("replay: a damaged or missing block is said, and from the next note of how things stood it goes on") {
  RecordedSite site;
  site.run(90s);
  site.black_hole(0);
  site.run(20s);
  const auto hole = site.blocks.size();
  site.run(60s);
  site.black_hole(0, false);
  site.run(120s);
  site.stop();
  SUBCASE("damaged") { site.blocks[hole - 2].bytes[20] ^= 1; }
  SUBCASE("missing") { site.blocks.erase(site.blocks.begin() + static_cast<std::ptrdiff_t>(hole) - 2); }
  const Story story = replay(site, {});
  REQUIRE_FALSE(story.remarks.empty());
  CHECK(std::ranges::any_of(story.remarks, [](const auto& r) { return r.contains("a part of the recording is missing"); }));
  // It stands on coax because that is what stood; and it goes back to fiber when that may be trusted, as recorded.
  const auto back = [](const auto& events) {
    return std::ranges::find_if(events, [](const auto& e) {
      return e.event.id == EventId::RoutingMoved && e.event.text.contains("fiber") && e.event.at > Instant{1000s} + 130s;
    });
  };
  REQUIRE(back(site.events) != site.events.end());
  REQUIRE(back(story.events) != story.events.end());
  CHECK(back(story.events)->event.at - back(site.events)->event.at < 2s);
}

TEST_CASE("replay: only what lies within the span is told; the wall clock is known to a millisecond") {
  RecordedSite site;
  an_eventful_hour(site);
  const auto move =
      std::ranges::find_if(site.events, [](const auto& e) { return e.event.id == EventId::RoutingMoved && e.event.at > Instant{1000s} + 60s; });
  REQUIRE(move != site.events.end());
  const auto told = [&](model::WallTime since, model::WallTime until) {
    const Story story = replay(site, {.since = since, .until = until});
    return std::ranges::any_of(story.events, [&](const auto& e) { return e.event.at == move->event.at && e.event.id == EventId::RoutingMoved; });
  };
  const model::WallTime at = move->event.wall;
  CHECK(told(at - 1ms, at + 1ms));
  CHECK_FALSE(told(at + 2ms, kEver));
  CHECK_FALSE(told(kAlways, at - 2ms));
  const Story rest = replay(site, {.since = at + 1ms});
  CHECK(rest.observations < replay(site, {}).observations);
  CHECK(service(rest, "voice").moves < service(replay(site, {}), "voice").moves);
}

TEST_CASE("hindsight: a silence counts from its first unanswered question, and late answers undo it") {
  Listener l(1s, 3);
  const auto at = [](int ms) { return Instant{100s} + std::chrono::milliseconds(ms); };
  std::uint64_t s = 0;
  const auto ask = [&](int ms, bool answered) {
    l.asked(++s, at(ms));
    if (answered) l.answered(s);
  };
  SUBCASE("of one second, and three questions") {
    ask(0, true);
    for (int ms : {200, 600, 1000}) ask(ms, false);
    ask(1200, true);
    l.finish(at(1300));
    REQUIRE(l.silences().size() == 1);
    CHECK(l.silences()[0].from == at(200));
    CHECK(l.silences()[0].to == at(1200));
  }
  SUBCASE("a millisecond less is none") {
    for (int ms : {200, 600, 1000}) ask(ms, false);
    ask(1199, true);
    l.finish(at(1300));
    CHECK(l.silences().empty());
  }
  SUBCASE("two questions are none") {
    for (int ms : {200, 600}) ask(ms, false);
    ask(1800, true);
    l.finish(at(1900));
    CHECK(l.silences().empty());
  }
  SUBCASE("one of them answered late splits it in two") {
    for (int ms : {0, 300, 600, 900, 1200, 1500}) ask(ms, false);
    l.answered(3);
    l.finish(at(1700));
    CHECK(l.silences().empty());
  }
  SUBCASE("a link that is gone is silence by itself") {
    ask(0, true);
    l.cut_off(at(100));
    ask(1100, true);
    l.finish(at(1200));
    REQUIRE(l.silences().size() == 1);
    CHECK(l.silences()[0].to == at(1100));
  }
}
