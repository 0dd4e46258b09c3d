#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/sockets/namespace.hpp"

int main(int argc, char** argv) {
  const auto why_not = linekeeper::tests::enter_namespace();
  if (!why_not.empty()) {
    std::printf("SKIPPED: %s\n", why_not.c_str());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
