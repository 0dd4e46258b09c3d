// What holds for every matrix, shown on thousands of random ones; and that a well site costs no allocation.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

#include "controller/decision/diagnoses.hpp"
#include "controller/decision/diagnosis_table.hpp"
#include "tests/support/allocations.hpp"
#include "tests/unit/diagnosis_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::tests;

namespace {

class Chance {
 public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T, std::size_t N>
  T of(const T (&values)[N]) {
    return values[static_cast<std::size_t>(below(static_cast<int>(N)))];
  }
  template <class E>
  E any(E last) {
    return static_cast<E>(below(static_cast<int>(last) + 1));
  }
  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
};

/// Anything at all, possible or not.
WellSite random_matrix(Chance& chance) {
  model::Site site = chance.one_in(2) ? three_circuits() : two_by_two();
  if (chance.one_in(8)) site.circuits.resize(1);
  if (chance.one_in(8)) site.targets[0].address = *model::IpAddress::parse("10.0.1.1");
  WellSite s(site);
  s.e.late = chance.one_in(10);
  s.e.starting = chance.one_in(10);
  for (CircuitEvidence& c : s.e.circuits) {
    if (chance.one_in(3)) continue;
    c.health = chance.any(Health::Down);
    c.cause = chance.one_in(2) ? Cause::Silent : chance.any(Cause::SipUnauthorised);
    c.neighbour = chance.any(Neighbour::Silent);
    if (chance.one_in(4)) c.gateway_confirmed.reset();
    c.suspect = chance.one_in(4);
    c.local_errors = chance.one_in(8);
    c.resolver = chance.one_in(2) ? std::optional(chance.one_in(2)) : std::nullopt;
    c.loss = chance.any(decision::LossDirection::Inbound);
    for (auto* found : {&c.portal, &c.hole, &c.other_address})
      if (chance.one_in(6)) *found = decision::CheckEvidence{.elsewhere = chance.any(decision::Elsewhere::Same), .words = "page: 302"};
    c.first_bad = kNow - chance.below(90) * 1s;
    c.last_good = c.first_bad - chance.below(5) * 1s;
    if (chance.one_in(5)) c.last_good.reset();
    if (chance.one_in(10)) c.link->carrier = false;
    if (chance.one_in(10)) c.link->address.reset();
    if (chance.one_in(10)) c.link.reset();
  }
  for (PathEvidence& p : s.e.paths)
    if (chance.one_in(2))
      p = {.health = chance.any(Health::Down),
           .cause = chance.any(Cause::SipUnauthorised),
           .detail = chance.below(600),
           .calls_failing = chance.one_in(9),
           .partly_dead = chance.one_in(9)};
  for (TargetEvidence& t : s.e.targets)
    if (chance.one_in(2)) t = {chance.any(Says::Silent), chance.any(SetAside::Lying)};
  return s;
}

/// Told beside what is said of the circuit itself.
bool by_checks(const Diagnosis& d) {
  return d.failed == Failed::Resolver || d.failed == Failed::CaptivePortal || d.failed == Failed::MtuHole || d.failed == Failed::PublicAddress;
}

/// The same matrix with its circuits, carriers and targets in another order; `circuit[i]` is where circuit i went, and so on.
struct Shuffled {
  WellSite site;
  std::vector<std::size_t> circuit, carrier, target;
};

Shuffled shuffled(const WellSite& s, Chance& chance) {
  const auto order = [&](std::size_t n) {
    std::vector<std::size_t> to(n);
    std::iota(to.begin(), to.end(), std::size_t{0});
    std::ranges::shuffle(to, chance.engine());
    return to;
  };
  Shuffled r{s, order(s.site.circuits.size()), order(s.site.carriers.size()), order(s.site.targets.size())};
  for (std::size_t i = 0; i < r.circuit.size(); ++i) {
    model::Circuit c = s.site.circuits[i];
    for (TargetId& t : c.targets) t = model::id_at<TargetId>(r.target[t.index()]);
    std::ranges::reverse(c.targets);
    r.site.site.circuits[r.circuit[i]] = c;
    r.site.e.circuits[r.circuit[i]] = s.e.circuits[i];
  }
  for (std::size_t i = 0; i < r.carrier.size(); ++i) r.site.site.carriers[r.carrier[i]] = s.site.carriers[i];
  for (std::size_t i = 0; i < r.target.size(); ++i) r.site.site.targets[r.target[i]] = s.site.targets[i];
  const std::size_t n = r.circuit.size();
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t k = 0; k < r.carrier.size(); ++k) r.site.e.paths[r.carrier[k] * n + r.circuit[c]] = s.e.paths[k * n + c];
    for (std::size_t t = 0; t < r.target.size(); ++t) r.site.e.targets[r.target[t] * n + r.circuit[c]] = s.e.targets[t * n + c];
  }
  return r;
}

std::multiset<std::string> names(const WellSite& s) {
  std::multiset<std::string> all;
  for (const Diagnosis& d : s.diagnoses()) all.insert(s.named({d}) + " line " + std::to_string(d.line));
  return all;
}

constexpr int kMatrices = 20000;

}  // namespace

TEST_CASE("diagnosis: any matrix is diagnosed, twice the same, whatever the order of its parts, each thing once, the gravest first") {
  Chance chance(1);
  for (int n = 0; n < kMatrices; ++n) {
    CAPTURE(n);
    const WellSite s = random_matrix(chance);
    const auto all = s.diagnoses();
    const auto again = s.diagnoses();
    REQUIRE(all.size() == again.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      REQUIRE(all[i].same(again[i]));
      REQUIRE(all[i].evidence == again[i].evidence);
      REQUIRE(!all[i].evidence.empty());
      const std::string sentence = decision::diagnosis_sentence(s.site, all[i]);
      REQUIRE(sentence.ends_with('.'));
      REQUIRE(sentence.find('{') == std::string::npos);
      if (i > 0) REQUIRE(all[i - 1].line <= all[i].line);
      for (std::size_t j = 0; j < i; ++j) REQUIRE_FALSE(all[i].same(all[j]));
    }
    REQUIRE(names(s) == names(shuffled(s, chance).site));
  }
}

TEST_CASE("diagnosis: a circuit is named at most once, and one that is bad is named, or accounted for by what befell all") {
  Chance chance(2);
  for (int n = 0; n < kMatrices; ++n) {
    CAPTURE(n);
    const WellSite s = random_matrix(chance);
    const auto all = s.diagnoses();
    const bool in_doubt =
        s.e.late || s.e.starting || std::ranges::any_of(all, [](const Diagnosis& d) { return d.failed == Failed::Ourselves && !d.circuit; });
    const bool befell_all =
        std::ranges::any_of(all, [](const Diagnosis& d) { return d.failed == Failed::Site || d.failed == Failed::SharedUpstream; });
    for (std::size_t i = 0; i < s.e.circuits.size(); ++i) {
      const auto about = std::ranges::count_if(
          all, [&](const Diagnosis& d) { return d.circuit == model::id_at<CircuitId>(i) && !d.carrier && !d.target && !by_checks(d); });
      const CircuitEvidence& c = s.e.circuits[i];
      CHECK(about <= 1);
      const bool well = c.health == Health::Up && c.link && c.link->usable();
      if (well) CHECK(about == 0);
      const bool bad = c.health == Health::Down && c.cause != Cause::Recovering;
      if (bad && !in_doubt && !befell_all) CHECK(about == 1);
    }
  }
}

TEST_CASE("diagnosis: no carrier and no target is blamed by what only a bad circuit says") {
  Chance chance(3);
  for (int n = 0; n < kMatrices; ++n) {
    CAPTURE(n);
    WellSite s = random_matrix(chance);
    for (std::size_t i = 0; i < s.e.circuits.size(); ++i) {
      const auto c = model::id_at<CircuitId>(i);
      if (chance.one_in(2)) s.at(c).suspect = true;
      if (s.at(c).health == Health::Up && !s.at(c).suspect) {
        for (std::size_t k = 0; k < s.site.carriers.size(); ++k)
          s.e.path(model::id_at<CarrierId>(k), c) = {.health = Health::Up, .cause = Cause::Answering, .detail = 200};
        for (std::size_t t = 0; t < s.site.targets.size(); ++t) s.e.target(model::id_at<TargetId>(t), c) = {Says::Answers, SetAside::No};
      } else {
        for (std::size_t k = 0; k < s.site.carriers.size(); ++k) s.silence(model::id_at<CarrierId>(k), c);
      }
    }
    for (const Diagnosis& d : s.diagnoses()) {
      CHECK_FALSE(d.carrier);
      CHECK_FALSE(d.target);
    }
  }
}

TEST_CASE("diagnosis: every line of the table is reached, but the one that says it cannot be yet") {
  std::set<std::size_t> reached;
  for (const auto scope : {decision::Scope::Everything, decision::Scope::Circuit, decision::Scope::Carrier, decision::Scope::Target,
                           decision::Scope::Resolver, decision::Scope::Check}) {
    Chance chance(4);
    for (int n = 0; n < 200000; ++n) {
      using namespace decision;
      const Seen seen{.us = chance.any(Us::CannotSend),
                      .others = chance.any(Others::SilentTogether),
                      .link = chance.any(LinkSeen::Down),
                      .gateway = chance.any(GatewaySeen::Dead),
                      .beyond = chance.any(Beyond::Odd),
                      .loss = chance.any(Loss::Inbound),
                      .answer = chance.any(Answer::Dead),
                      .elsewhere = chance.any(Elsewhere::Same),
                      .finding = chance.any(Finding::OtherAddress),
                      .filters = chance.any(Filters::Yes)};
      if (const auto row = first_match(scope, seen)) reached.insert(*row);
    }
  }
  CHECK(reached.size() == decision::diagnosis_table().size());  // no line is hidden by those above it

  std::set<std::size_t> by_evidence;
  Chance chance(5);
  for (int n = 0; n < 60000; ++n)
    for (const Diagnosis& d : random_matrix(chance).diagnoses()) by_evidence.insert(d.line - 1U);
  for (std::size_t i = 0; i < decision::diagnosis_table().size(); ++i) {
    const decision::Row& r = decision::diagnosis_table()[i];
    if (!r.failed) continue;
    CAPTURE(i + 1);
    CHECK(by_evidence.contains(i));
  }
}

TEST_CASE("diagnosis: where all is well nothing is allocated, not even for a hub") {
  model::Site hub = two_by_two();
  hub.circuits.resize(64, hub.circuits[1]);
  hub.carriers.resize(256, hub.carriers[1]);
  const WellSite s(hub);
  decision::Diagnoses diagnoses;
  const auto before = allocations;
  const bool none = s.diagnoses().empty();
  const bool quiet = diagnoses.update(s.site, s.e, kNow).empty();
  CHECK(allocations == before);
  CHECK(none);
  CHECK(quiet);
}
