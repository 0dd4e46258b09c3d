#include <doctest/doctest.h>

#include <random>

#include "controller/decision/corroboration.hpp"
#include "controller/decision/guards.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::ProbeFate;
using decision::ProbeWindow;
using model::Instant;

namespace {

/// "A" answered by target a, "a" lost to it, "." still open; oldest first.
ProbeWindow window_of(std::string_view story) {
  ProbeWindow w;
  std::uint64_t sequence = 0;
  for (const char c : story) {
    ++sequence;
    const char upper = static_cast<char>(std::toupper(c));
    const std::size_t position = c == '.' ? 0 : static_cast<std::size_t>(upper - 'A');
    w.sent(sequence, position, Instant(100ms * sequence), c == '.' ? model::Duration(1h) : model::Duration(1ms));
    if (c == upper && c != '.') w.answered(sequence);
  }
  w.expire(Instant(1000s));
  return w;
}

constexpr std::uint8_t kNetworks[] = {0, 0, 2};  // A and B in network one, C in network two

decision::Run trailing_run(const ProbeWindow& window, ProbeFate fate, decision::TargetMask counted = 0b111) {
  return trailing_runs(window, fate, kNetworks, counted).best();
}

}  // namespace

TEST_CASE("corroboration: losses count back to the newest answer") {
  const auto run = trailing_run(window_of("ABCABCabcab"), ProbeFate::Lost);
  CHECK(run.length == 5);
  CHECK(run.targets == 2);   // a and b twice, c once
  CHECK(run.networks == 1);  // both in network one
  CHECK_FALSE(run.corroborated());
}

TEST_CASE("corroboration: two targets in two networks with two losses each are enough, one loss fewer is not") {
  CHECK_FALSE(trailing_run(window_of("Baca"), ProbeFate::Lost).corroborated());
  CHECK(trailing_run(window_of("Bacac"), ProbeFate::Lost).corroborated());
  CHECK_FALSE(trailing_run(window_of("Babab"), ProbeFate::Lost).corroborated());  // one network only
}

TEST_CASE("corroboration: a single silent target never makes a silence, however long") {
  std::string story;
  for (int i = 0; i < 40; ++i) story += "aBC";
  CHECK_FALSE(trailing_run(window_of(story), ProbeFate::Lost).corroborated());
}

TEST_CASE("corroboration: a single target that always answers cannot hide a silence") {
  const auto run = trailing_run(window_of("ABCABCAbcAbcAbc"), ProbeFate::Lost);
  CHECK(run.length == 6);
  CHECK(run.corroborated());
}

TEST_CASE("corroboration: a single dead target does not keep a recovery down, a single answering one does not make it") {
  CHECK(trailing_run(window_of("abcaBCaBCaBC"), ProbeFate::Answered).corroborated());
  CHECK_FALSE(trailing_run(window_of("abcAbcAbcAbcA"), ProbeFate::Answered).corroborated());
}

TEST_CASE("corroboration: a target that is set aside is not counted, in neither direction") {
  CHECK(trailing_run(window_of("ABCABCAbcAbcAbc"), ProbeFate::Lost, 0b110).length == 6);
  CHECK_FALSE(trailing_run(window_of("ABCabCabC"), ProbeFate::Lost, 0b101).corroborated());
}

TEST_CASE("corroboration: silence that was voided does not count, and does not end the silence around it") {
  ProbeWindow w = window_of("ABCbc");
  w.void_unanswered(Instant(100ms * 5));
  for (std::uint64_t i = 6; i < 8; ++i) w.sent(i, i % 2 + 1, Instant(100ms * i), 1ms);
  w.expire(Instant(1000s));
  CHECK(trailing_run(w, ProbeFate::Lost).length == 2);
}

TEST_CASE("corroboration: probes still open are neither") {
  const auto run = trailing_run(window_of("ABCacac..."), ProbeFate::Lost);
  CHECK(run.length == 4);
  CHECK(run.corroborated());
}

TEST_CASE("corroboration: no behaviour of one target changes whether the others' silence or answers count (10,000 random stories)") {
  std::mt19937 random(2026);
  for (int round = 0; round < 10000; ++round) {
    // The two honest targets B and C do the same, target A whatever it likes.
    const bool honest_answer = (random() & 1U) != 0;
    std::string story;
    for (int i = 0; i < 24; ++i) {
      const int turn = i % 3;
      if (turn == 0)
        story += (random() & 1U) != 0 ? 'A' : 'a';
      else if (turn == 1)
        story += honest_answer ? 'B' : 'b';
      else
        story += honest_answer ? 'C' : 'c';
    }
    const auto window = window_of(story);
    CAPTURE(story);
    const auto silence = trailing_run(window, ProbeFate::Lost);
    const auto recovery = trailing_run(window, ProbeFate::Answered);
    CHECK((silence.corroborated() && silence.length >= 5) == !honest_answer);
    CHECK((recovery.corroborated() && recovery.length >= 10) == honest_answer);
  }
}
