#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "controller/decision/verify_budget.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::VerifyBudget;
using model::Instant;

TEST_CASE("verify budget: full at first, then one by one as they come back") {
  VerifyBudget budget(3, 15);  // one each four seconds
  const Instant start{1h};
  CHECK(budget.left(start) == 3);
  for (int i = 0; i < 3; ++i) CHECK(budget.take(start));
  CHECK_FALSE(budget.take(start));
  CHECK(budget.left(start) == 0);
  CHECK_FALSE(budget.take(start + 3999ms));
  CHECK(budget.take(start + 4001ms));
  CHECK_FALSE(budget.take(start + 4002ms));
  CHECK(budget.left(start + 24h) == 3);  // never more than it holds
  for (int i = 0; i < 3; ++i) CHECK(budget.take(start + 24h));
  CHECK_FALSE(budget.take(start + 24h));
}

TEST_CASE("verify budget: a refused one costs nothing, and asking brings none") {
  VerifyBudget budget(1, 60);
  CHECK(budget.take(Instant{}));
  for (int ms = 0; ms < 1000; ++ms) CHECK_FALSE(budget.take(Instant{} + std::chrono::milliseconds(ms)));
  CHECK(budget.take(Instant{1001ms}));
}

TEST_CASE("verify budget: a clock that goes back brings none") {
  VerifyBudget budget(2, 60);
  CHECK(budget.take(Instant{1h}));
  CHECK(budget.take(Instant{1h}));
  CHECK_FALSE(budget.take(Instant{}));
  CHECK_FALSE(budget.take(Instant::min()));
  CHECK_FALSE(budget.take(Instant{1h}));
  CHECK(budget.take(Instant{1h + 1001ms}));
  CHECK_FALSE(budget.take(Instant{1h}));
  VerifyBudget from_the_beginning(1, 1e-9);  // of time, to its end: six hundred years, and none has come back
  CHECK(from_the_beginning.take(Instant::min()));
  CHECK_FALSE(from_the_beginning.take(Instant::max()));
}

TEST_CASE("verify budget: one of nothing gives nothing, one without return gives what it holds") {
  for (const int none : {0, -1}) CHECK_FALSE(VerifyBudget(none, 60).take(Instant{1h}));
  for (const double none : {0.0, -5.0}) {
    VerifyBudget budget(2, none);
    CHECK(budget.take(Instant{}));
    CHECK(budget.take(Instant{}));
    CHECK_FALSE(budget.take(Instant::max()));
    CHECK(budget.left(Instant::max()) == 0);
  }
}

TEST_CASE("verify budget: in no span are more given than the bucket and what came back, whatever is asked when") {
  constexpr unsigned kSeed = 20261123;
  std::mt19937_64 chance(kSeed);
  for (int story = 0; story < 300; ++story) {
    INFO("story ", story, " of seed ", kSeed);
    const int capacity = std::uniform_int_distribution(0, 20)(chance);
    const double per_minute = std::uniform_real_distribution(0.0, 200.0)(chance);
    VerifyBudget budget(capacity, per_minute);
    Instant now{}, latest = Instant::min();
    std::vector<Instant> given;
    for (int i = 0; i < 400; ++i) {
      now += std::chrono::nanoseconds(static_cast<long long>(std::exp(std::uniform_real_distribution(0.0, 25.0)(chance))));
      const bool back = std::bernoulli_distribution(0.1)(chance);  // a clock that goes back now and then
      const Instant asked = back ? now - 10s : now;
      latest = std::max(latest, asked);  // time as the budget was told of it
      if (budget.take(asked)) given.push_back(latest);
    }
    double most = 0;  // beyond what came back meanwhile, of all spans
    for (std::size_t first = 0; first < given.size(); ++first) {
      for (std::size_t last = first; last < given.size(); ++last)
        most = std::max(most, static_cast<double>(last - first + 1) - per_minute * model::seconds(given[last] - given[first]) / 60);
    }
    CHECK(most <= capacity + 1e-6);
  }
}
