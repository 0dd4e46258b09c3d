// Counts what the whole program allocates: a record is made for every probe of a large site.
#include <doctest/doctest.h>

#include <fstream>

#include "controller/daemon/recorder.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/virtual_site.hpp"
#include "tests/unit/config_text.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using daemon::Recorder;
using model::Instant;

namespace {

constexpr Instant kStart{100s};

struct Bench {
  std::vector<journal::ObservationBlock> blocks;
  model::WallTime wall{};
  Recorder recorder{[this](journal::ObservationBlock b) { blocks.push_back(std::move(b)); }, [this] { return wall; }};
  model::Site site = tests::two_by_two();

  void start(Instant now = kStart) {
    site.sha256 = "abc";
    recorder.started(site, "the text", now);
  }
  std::vector<journal::Record> records(std::size_t block) {
    const auto read = journal::decode_block(blocks.at(block).bytes);
    REQUIRE(read);
    return read->records;
  }
};

model::Observation probe(std::uint64_t sequence, Instant now) {
  return model::ProbeSent{.circuit = {}, .target = {}, .sequence = sequence, .sent = now};
}

}  // namespace

TEST_CASE("recorder: what is told is recorded with the instant that is handed on, in order") {
  Bench b;
  b.wall = model::WallTime(7s);
  b.start();
  CHECK(b.recorder.told(probe(1, kStart), kStart + 1ms) == kStart + 1ms);
  b.recorder.told(decision::Adopted{.generation = 4, .classes = {model::CircuitId{1}}}, kStart + 2ms);
  b.recorder.told(decision::TrunkAdopted{.trunk = {}, .sets = {12}}, kStart + 3ms);
  b.recorder.told(decision::OrdersInForce{{{.id = 3}}}, kStart + 4ms);
  b.recorder.recalled(model::CircuitId{1}, "learned", 5s, kStart + 5ms);
  b.recorder.reissued(kStart + 6ms);
  b.recorder.woken(kStart + 7ms);
  CHECK(b.blocks.empty());
  b.recorder.flush();
  REQUIRE(b.blocks.size() == 1);
  CHECK(b.blocks[0].wall == model::WallTime(7s));
  CHECK(b.blocks[0].run == kStart);
  CHECK(b.blocks[0].first == kStart);
  CHECK(b.blocks[0].last == kStart + 7ms);
  CHECK(b.blocks[0].configuration->sha256 == "abc");
  CHECK(b.blocks[0].configuration->text == "the text");
  const auto records = b.records(0);
  REQUIRE(records.size() == 8);
  CHECK(std::holds_alternative<journal::DeciderStarted>(records[0].input));
  CHECK(std::holds_alternative<model::Observation>(records[1].input));
  CHECK(std::get<journal::RoutesAdopted>(records[2].input).classes[0] == model::CircuitId{1});
  CHECK(std::get<journal::TrunkAdopted>(records[3].input).sets == std::vector{12});
  CHECK(std::get<journal::OrdersGiven>(records[4].input).overrides[0].id == 3);
  CHECK(std::get<journal::Recalled>(records[5].input).text == "learned");
  CHECK(std::holds_alternative<journal::Reissued>(records[6].input));
  CHECK(std::holds_alternative<journal::Woken>(records[7].input));
  for (int i = 1; i < 8; ++i) CHECK(records[static_cast<std::size_t>(i)].now == kStart + std::chrono::milliseconds(i));
  b.recorder.flush();
  CHECK(b.blocks.size() == 1);
}

TEST_CASE("recorder: a block leaves after five seconds, one below it does not") {
  Bench b;
  b.start();
  b.recorder.told(probe(1, kStart), kStart + 4999ms);
  CHECK(b.blocks.empty());
  b.wall = model::WallTime(9s);
  b.recorder.told(probe(2, kStart), kStart + 5s);
  REQUIRE(b.blocks.size() == 1);
  CHECK(b.records(0).size() == 2);
  b.recorder.flush();
  CHECK(b.blocks[1].wall == model::WallTime(9s));
  CHECK(b.blocks[1].first == kStart + 5s);
}

TEST_CASE("recorder: a block leaves when it is full, and a new judge begins a block of its own") {
  Bench b;
  b.start();
  for (std::uint64_t s = 1; b.blocks.empty(); ++s) {
    REQUIRE(s < 10'000);
    b.recorder.told(probe(s, kStart), kStart + 1ms);
  }
  CHECK(b.blocks[0].bytes.size() >= Recorder::kBlockBytes);
  CHECK(b.blocks[0].bytes.size() < Recorder::kBlockBytes + 300);
  b.recorder.started(b.site, "", kStart + 1s);
  REQUIRE(b.blocks.size() == 2);
  CHECK(b.blocks[1].run == kStart);
  b.recorder.flush();
  CHECK(b.blocks[2].run == kStart + 1s);
  CHECK(journal::decode_block(b.blocks[2].bytes)->head.index == 0);
}

TEST_CASE("recorder: once a minute it is written how things stand, and a silent site's block leaves too") {
  Bench b;
  const auto site = std::make_shared<const model::Site>(b.site);
  decision::Decider decider(site, kStart);
  b.start();
  b.recorder.told(model::Observation(model::GatewayState{.circuit = model::CircuitId{1}, .neighbour = model::Neighbour::Silent}), kStart);
  decider.observe(model::LinkState{.circuit = model::CircuitId{1}, .present = true, .ifindex = 9}, kStart);
  decider.adopt(decision::Adopted{.generation = 3, .classes = {model::CircuitId{1}}}, kStart);
  decider.adopt(decision::TrunkAdopted{.trunk = {}, .sets = {22, 21, 12, 11}}, kStart);
  const auto tick = [&](model::Duration after) {
    model::Status s;
    decider.fill(s, kStart + after);
    b.recorder.every_second(s, decider);
  };
  tick(4999ms);
  CHECK(b.blocks.empty());
  tick(5s);
  CHECK(b.blocks.size() == 1);
  tick(59999ms);
  b.recorder.flush();
  CHECK(b.blocks.size() == 1);
  tick(60s);
  b.recorder.flush();
  REQUIRE(b.blocks.size() == 2);
  const auto standing = std::get<journal::Standing>(b.records(1).at(0).input);
  CHECK(standing.routes.classes == std::vector<std::optional<model::CircuitId>>{model::CircuitId{1}});
  CHECK(standing.trunks.at(0).sets == std::vector{22, 21, 12, 11});
  CHECK(standing.links.at(1).ifindex == 9);
  REQUIRE(standing.gateways.size() == 1);
  CHECK(standing.gateways[0].neighbour == model::Neighbour::Silent);
  CHECK(standing.resolvers.empty());
}

TEST_CASE("recorder: the text of a configuration is known while its file is the one that was read") {
  const tests::TempDir dir;
  const std::string file = dir / "c.toml";
  std::ofstream(file) << config_text::kSound;
  const auto loaded = config::load(file);
  REQUIRE(loaded.site);
  CHECK(config::text_of(*loaded.site) == config_text::kSound);
  std::ofstream(file) << config_text::kSound << "# changed\n";
  CHECK(config::text_of(*loaded.site) == std::nullopt);
  std::filesystem::remove(file);
  CHECK(config::text_of(*loaded.site) == std::nullopt);
}

TEST_CASE("recorder: nothing is allocated for a probe, its answer, an OPTIONS or a wake-up") {
  Bench b;
  b.start();
  b.blocks.reserve(10);
  const auto before = tests::allocations;
  for (std::uint64_t s = 1; s <= 200; ++s) {
    const Instant now = kStart + s * 1ms;
    b.recorder.told(probe(s, now), now);
    b.recorder.told(model::Observation(model::ProbeReply{.circuit = {}, .target = {}, .sequence = s, .rtt = 20ms}), now);
    b.recorder.told(model::Observation(model::SipOutcome{.carrier = {}, .circuit = {}, .sequence = s, .code = 200, .sent = now, .rtt = 20ms}), now);
    b.recorder.woken(now);
  }
  CHECK(tests::allocations == before);
  CHECK(b.blocks.empty());
}
