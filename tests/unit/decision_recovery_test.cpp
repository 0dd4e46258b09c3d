#include <doctest/doctest.h>

#include <random>

#include "controller/decision/recovery_test.hpp"

using linekeeper::decision::RecoveryTest;

TEST_CASE("recovery: 167 answered probes in a row do not pass, 168 do") {
  RecoveryTest test;
  CHECK(test.wanted() == 168);
  for (int i = 0; i < 167; ++i) test.add(false);
  CHECK_FALSE(test.passed());
  CHECK(test.wanted() == 1);
  test.add(false);
  CHECK(test.passed());
  CHECK(test.wanted() == 0);
}

TEST_CASE("recovery: a loss asks for 39 more, but never for more than all") {
  RecoveryTest test;
  for (int i = 0; i < 100; ++i) test.add(false);
  CHECK(test.wanted() == 68);
  test.add(true);
  CHECK((test.wanted() == 68 + 39 || test.wanted() == 68 + 40));
  for (int i = 0; i < 1000; ++i) test.add(true);
  CHECK(test.wanted() == 168);
  for (int i = 0; i < 168; ++i) test.add(false);
  CHECK(test.passed());
  test.reset();
  CHECK(test.wanted() == 168);
  CHECK_FALSE(test.passed());
}

TEST_CASE("recovery: what is wanted is what it takes, whatever came before") {
  std::mt19937 chance(20261123);
  for (int story = 0; story < 2000; ++story) {
    RecoveryTest test;
    const double loss = std::uniform_real_distribution(0.0, 0.3)(chance);
    const int probes = std::uniform_int_distribution(0, 300)(chance);
    for (int i = 0; i < probes; ++i) test.add(std::bernoulli_distribution(loss)(chance));
    const int wanted = test.wanted();
    CHECK((wanted >= 0 && wanted <= 168));
    for (int i = 0; i < wanted; ++i) {
      CHECK_FALSE(test.passed());
      test.add(false);
    }
    CHECK(test.passed());
  }
}

TEST_CASE("recovery: of 1 % of loss nearly all pass within two minutes of five a second, of 5 % one in fifty at most, of 10 % none") {
  std::mt19937 chance(20261123);
  const auto passed_of_a_thousand = [&](double loss) {
    int passed = 0;
    for (int run = 0; run < 1000; ++run) {
      RecoveryTest test;
      for (int i = 0; i < 600 && !test.passed(); ++i) test.add(std::bernoulli_distribution(loss)(chance));
      passed += test.passed() ? 1 : 0;
    }
    return passed;
  };
  CHECK(passed_of_a_thousand(0.001) >= 999);
  CHECK(passed_of_a_thousand(0.01) >= 900);
  CHECK(passed_of_a_thousand(0.05) <= 20);
  CHECK(passed_of_a_thousand(0.10) == 0);
}
