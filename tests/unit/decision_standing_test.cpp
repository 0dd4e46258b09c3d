// Which targets are believed.
#include <doctest/doctest.h>

#include <random>

#include "controller/decision/target_standing.hpp"
#include "controller/decision/wake_index.hpp"

using namespace linekeeper;
using decision::TargetStanding;
using model::ProbeKind;
using model::SetAside;

namespace {

constexpr std::uint8_t kNetworks[] = {0, 0, 2, 3};

struct Bench {
  explicit Bench(std::size_t targets = 4) : standing(std::span(kNetworks).first(targets)), count(targets) {}
  /// One round: each target once; those in `lost` are not answered.
  void round(decision::TargetMask lost, ProbeKind kind = ProbeKind::Scheduled) {
    for (std::size_t p = 0; p < count; ++p) standing.settled(p, (lost >> p & 1) != 0, kind);
    while (const auto change = standing.judge()) changes.push_back(*change);
  }
  TargetStanding standing;
  std::size_t count;
  std::vector<TargetStanding::Change> changes;
};

}  // namespace

TEST_CASE("standing: the sixth probe in a row that a target alone does not answer sets it aside, the fifth does not") {
  Bench b;
  for (int i = 0; i < 10; ++i) b.round(0);
  for (int i = 0; i < TargetStanding::kSilentFor - 1; ++i) b.round(0b0001);
  CHECK(b.standing.of(0) == SetAside::No);
  b.round(0b0001);
  CHECK(b.standing.of(0) == SetAside::Dead);
  CHECK(b.standing.counted() == 0b1110);
  for (int i = 0; i < TargetStanding::kSilentFor - 1; ++i) b.round(0);
  CHECK(b.standing.of(0) == SetAside::Dead);
  b.round(0);
  CHECK(b.standing.of(0) == SetAside::No);
  CHECK(b.changes.size() == 2);
}

TEST_CASE("standing: when all are silent nobody is set aside") {
  Bench b;
  for (int i = 0; i < 10; ++i) b.round(0);
  for (int i = 0; i < 100; ++i) b.round(0b1111);
  CHECK(b.changes.empty());
  CHECK(b.standing.counted() == 0b1111);
}

TEST_CASE("standing: one that answers while all others are silent is lying, until they answer again") {
  Bench b;
  for (int i = 0; i < 10; ++i) b.round(0);
  for (int i = 0; i < TargetStanding::kSilentFor - 1; ++i) b.round(0b1110);
  CHECK(b.standing.of(0) == SetAside::No);
  b.round(0b1110);
  CHECK(b.standing.of(0) == SetAside::Lying);
  CHECK(b.standing.counted() == 0b1110);
  for (int i = 0; i < TargetStanding::kOthersAnswer; ++i) b.round(0);
  CHECK(b.standing.of(0) == SetAside::No);
}

TEST_CASE("standing: one that answered while all others were silent counts again as soon as one of them answers, though another stays dead") {
  Bench b;
  for (int i = 0; i < 10; ++i) b.round(0);
  for (int i = 0; i < 10; ++i) b.round(0b1110);
  CHECK(b.standing.of(0) == SetAside::Lying);
  for (int i = 0; i < TargetStanding::kOthersAnswer - 1; ++i) b.round(0b1100);
  CHECK(b.standing.of(0) == SetAside::Lying);
  b.round(0b1100);
  CHECK(b.standing.of(0) == SetAside::No);
}

TEST_CASE("standing: a quarter lost by one while others lose next to nothing sets it aside; fewer does not") {
  for (const int each : {4, 5}) {
    Bench b;
    for (int i = 0; i < 256; ++i) b.round(i % each == 0 ? 0b0100 : 0);
    CHECK((b.standing.of(2) == SetAside::Lossy) == (each == 4));
  }
}

TEST_CASE("standing: loss that all targets share sets nobody aside") {
  Bench b;
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) {
    decision::TargetMask lost = 0;
    for (int p = 0; p < 4; ++p) lost |= (random() % 10 < 2 ? 1U : 0U) << p;
    b.round(lost);
  }
  for (const auto& change : b.changes) CHECK(change.after != SetAside::Lossy);
}

TEST_CASE("standing: two targets in two networks always stay") {
  Bench b(3);  // networks 0, 0 and 2
  for (int i = 0; i < 10; ++i) b.round(0);
  for (int i = 0; i < 20; ++i) b.round(0b100);
  CHECK(b.standing.of(2) == SetAside::No);  // without it only one network is left
  for (int i = 0; i < 20; ++i) b.round(0);
  for (int i = 0; i < 20; ++i) b.round(0b001);
  CHECK(b.standing.of(0) == SetAside::Dead);
}

TEST_CASE("standing: quick probes that are lost say nothing about how much a target loses") {
  Bench b;
  for (int i = 0; i < 200; ++i) {
    b.round(0);
    b.round(i % 3 == 0 ? 0b0010 : 0, ProbeKind::Verify);
  }
  CHECK(b.changes.empty());
}

TEST_CASE("wake index: the earliest of many, whatever order they are set in (2,000 random changes)") {
  std::mt19937 random(11);
  constexpr std::size_t kCount = 37;
  decision::WakeIndex index(kCount);
  std::vector<model::Instant> plain(kCount, model::kNever);
  CHECK(index.next() == model::kNever);
  for (int i = 0; i < 2000; ++i) {
    const std::size_t which = random() % kCount;
    plain[which] = random() % 5 == 0 ? model::kNever : model::Instant(std::chrono::milliseconds(random() % 1000));
    index.set(which, plain[which]);
    REQUIRE(index.next() == *std::ranges::min_element(plain));
    if (index.next() != model::kNever) REQUIRE(plain[index.first()] == index.next());
  }
}
