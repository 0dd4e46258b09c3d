// What is told of the diagnoses over time.
#include <doctest/doctest.h>

#include "controller/decision/diagnoses.hpp"
#include "tests/unit/diagnosis_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;

namespace {

/// A site whose evidence changes, and what was told of it: "made circuit fiber", "made gateway fiber instead of circuit fiber", "over ...".
struct Telling {
  WellSite s;
  decision::Diagnoses diagnoses;
  explicit Telling(model::Site site = two_by_two()) : s(std::move(site)) {}

  std::string at(Duration since_start) {
    const auto& change = diagnoses.update(s.site, s.e, kNow + since_start);
    std::string out;
    for (const auto& m : change.made) {
      out += (out.empty() ? "" : "; ") + ("made " + s.named({m.diagnosis}));
      if (!m.instead_of.empty()) out += " instead of " + s.named(m.instead_of);
    }
    for (const Diagnosis& d : change.over) out += (out.empty() ? "" : "; ") + ("over " + s.named({d}));
    return out;
  }
  [[nodiscard]] std::string told() const { return s.named(diagnoses.told()); }
};

}  // namespace

TEST_CASE("diagnoses: a name is told once it has stood for 300 ms, once, and its beginning is when it was first seen") {
  Telling t;
  t.s.kill(kFiber);
  CHECK(t.at(0ms) == "");
  CHECK(t.diagnoses.next_wakeup() == kNow + 300ms);
  CHECK(t.at(299ms) == "");
  CHECK(t.told() == "");
  CHECK(t.at(300ms) == "made circuit fiber");
  CHECK(t.diagnoses.next_wakeup() == model::kNever);
  CHECK(t.at(301ms) == "");
  CHECK(t.diagnoses.told().front().since == kNow);
  t.s.e = WellSite().e;
  CHECK(t.at(10s) == "over circuit fiber");
  CHECK(t.told() == "");
}

TEST_CASE("diagnoses: a name that does not stand is never told, and starts anew") {
  Telling t;
  t.s.kill(kFiber);
  t.at(0ms);
  t.s.e = WellSite().e;
  CHECK(t.at(200ms) == "");
  t.s.kill(kFiber);
  CHECK(t.at(250ms) == "");
  CHECK(t.at(549ms) == "");
  CHECK(t.at(550ms) == "made circuit fiber");
}

TEST_CASE("diagnoses: a link is told at once") {
  Telling t;
  t.s.unplug(kFiber);
  CHECK(t.at(0ms) == "made link fiber");
}

TEST_CASE("diagnoses: a better name is told instead of the first, as one event; the first stands until the better one has settled") {
  Telling t;
  t.s.kill(kFiber, 1200ms, Neighbour::Unknown, false);
  t.at(0ms);
  t.at(300ms);
  t.s.kill(kFiber, 1200ms, Neighbour::Silent);
  CHECK(t.at(5s) == "");
  CHECK(t.told() == "circuit fiber");
  CHECK(t.at(5300ms) == "made gateway fiber instead of circuit fiber");
  CHECK(t.told() == "gateway fiber");
  // The kernel asks it again: nothing better is known, and the name stays.
  t.s.kill(kFiber, 1200ms, Neighbour::Doubtful, false);
  CHECK(t.at(8s) == "");
  CHECK(t.at(20s) == "");
  CHECK(t.told() == "gateway fiber");
  // It answers, and the targets do not: that is news.
  t.s.kill(kFiber);
  t.at(21s);
  CHECK(t.at(21300ms) == "made circuit fiber instead of gateway fiber");
}

TEST_CASE("diagnoses: finer evidence for the same name is no event, and is not overwritten by coarser") {
  Telling t;
  t.s.kill(kFiber, 1200ms, Neighbour::Unknown, false);
  t.at(0ms);
  t.at(300ms);
  t.s.kill(kFiber);
  CHECK(t.at(2s) == "");
  CHECK(t.diagnoses.told().front().evidence.find("gateway 10.0.1.1 answers") != std::string::npos);
  t.s.kill(kFiber, 1200ms, Neighbour::Unknown, false);
  CHECK(t.at(3s) == "");
  CHECK(t.diagnoses.told().front().evidence.find("gateway 10.0.1.1 answers") != std::string::npos);
}

TEST_CASE("diagnoses: circuits that die one after the other become a shared upstream, instead of the first") {
  Telling t;
  t.s.kill(kFiber);
  t.at(0ms);
  CHECK(t.at(300ms) == "made circuit fiber");
  t.s.kill(kCoax, 500ms);
  CHECK(t.at(700ms) == "");
  CHECK(t.at(1s) == "made shared-upstream instead of circuit fiber");
  t.s.at(kCoax) = WellSite().at(kCoax);
  CHECK(t.at(60s) == "");
  CHECK(t.at(61s) == "made circuit fiber instead of shared-upstream");
}

TEST_CASE("diagnoses: while another circuit has fallen silent too the name waits for it, a second at the most") {
  Telling t;
  t.s.kill(kFiber);
  t.s.at(kCoax).suspect = true;
  t.at(0ms);
  CHECK(t.at(999ms) == "");
  CHECK(t.at(1s) == "made circuit fiber");
  Telling both;
  both.s.kill(kFiber);
  both.s.at(kCoax).suspect = true;
  both.at(0ms);
  both.at(500ms);
  both.s.kill(kCoax, 300ms);
  CHECK(both.at(700ms) == "");
  CHECK(both.at(1s) == "made shared-upstream");
}

TEST_CASE("diagnoses: links that go one by one within a second become the site") {
  Telling t;
  t.s.unplug(kFiber, 0ms);
  CHECK(t.at(0ms) == "made link fiber");
  t.s.unplug(kCoax, -800ms);
  CHECK(t.at(800ms) == "");
  CHECK(t.told() == "link fiber");
  CHECK(t.at(1100ms) == "made site instead of link fiber");
  t.s.at(kFiber) = WellSite().at(kFiber);
  CHECK(t.at(100s) == "made link coax instead of site");
}

TEST_CASE("diagnoses: a circuit that comes back keeps its name until it is up") {
  Telling t;
  t.s.unplug(kFiber);
  t.at(0ms);
  t.s.at(kFiber).link->carrier = true;
  t.s.at(kFiber).cause = Cause::Recovering;
  CHECK(t.at(10s) == "");
  CHECK(t.told() == "link fiber");
  t.s.at(kFiber).health = Health::Unknown;
  t.s.at(kFiber).cause = Cause::Stale;
  CHECK(t.at(11s) == "");
  t.s.at(kFiber).health = Health::Up;
  CHECK(t.at(12s) == "over link fiber");
}

TEST_CASE("diagnoses: doubt about ourselves takes no name back, and gives none but the kernel's") {
  Telling t;
  t.s.silence(kSouth, kFiber);
  t.s.silence(kSouth, kCoax);
  t.at(0ms);
  CHECK(t.at(300ms) == "made carrier south");
  t.s.e.late = true;
  t.s.e.path(kSouth, kFiber).health = t.s.e.path(kSouth, kCoax).health = Health::Up;
  CHECK(t.at(1s) == "");
  CHECK(t.at(1300ms) == "made ourselves");
  CHECK(t.told() == "ourselves; carrier south");
  t.s.e.late = false;
  CHECK(t.at(3s) == "over ourselves; over carrier south");
}

TEST_CASE("diagnoses: what was seen by a circuit that died is accounted for by it, and never called over") {
  Telling t;
  t.s.silence(kNorth, kFiber);
  t.s.silence(kAlpha, kFiber);
  t.at(0ms);
  CHECK(t.at(300ms) == "made peering fiber north; made target-path fiber alpha");
  t.s.kill(kFiber);
  t.at(10s);
  CHECK(t.at(10300ms) == "made circuit fiber instead of peering fiber north; target-path fiber alpha");
  CHECK(t.told() == "circuit fiber");
}

TEST_CASE("diagnoses: a bad path keeps its name when the circuit it was compared with dies, and a carrier that can no longer be asked too") {
  Telling t;
  t.s.silence(kNorth, kFiber);
  t.at(0ms);
  t.at(300ms);
  t.s.kill(kCoax);
  t.at(1s);
  CHECK(t.at(1300ms) == "made circuit coax");
  CHECK(t.at(5s) == "");
  CHECK(t.told() == "circuit coax; peering fiber north");
  t.s.e.path(kNorth, kFiber).health = Health::Up;
  CHECK(t.at(6s) == "over peering fiber north");

  Telling asked;
  asked.s.silence(kNorth, kFiber);
  asked.s.silence(kNorth, kCoax);
  asked.at(0ms);
  CHECK(asked.at(300ms) == "made carrier north");
  for (PathEvidence& p : asked.s.e.paths) p = {};
  CHECK(asked.at(60s) == "");
  CHECK(asked.told() == "carrier north");
}

TEST_CASE("diagnoses: evidence is of the instant it is asked for, the beginning is not") {
  Telling t;
  t.s.kill(kFiber);
  t.at(0ms);
  t.at(300ms);
  const auto later = t.diagnoses.told(t.s.site, t.s.e, kNow + 10s);
  REQUIRE(later.size() == 1);
  CHECK(later.front().since == kNow);
  CHECK(later.front().evidence.find("silent for 11 s") != std::string::npos);
  CHECK(t.diagnoses.told().front().evidence.find("silent for 1.5 s") != std::string::npos);
}

TEST_CASE("diagnoses: a flapping circuit is named and over each time, never twice without an end") {
  Telling t;
  int standing = 0;
  for (int i = 0; i < 40; ++i) {
    if (i % 8 < 4)
      t.s.kill(kFiber);
    else
      t.s.e = WellSite().e;
    const std::string told = t.at(i * 200ms);
    if (told.starts_with("made")) ++standing;
    if (told.starts_with("over")) --standing;
    CHECK(standing >= 0);
    CHECK(standing <= 1);
  }
  CHECK(standing == 0);
}
