#pragma once
// A bug of ours, never a reaction to outside input: says where, ends the process; routes stay as they are.
// Kept in release builds.
#include <cstdio>
#include <cstdlib>

// NOLINTNEXTLINE(cppcoreguidelines-macro-usage): file and line of the caller.
#define LK_ASSERT(condition)                                                                                                                    \
  do {                                                                                                                                          \
    if (!(condition)) [[unlikely]] {                                                                                                            \
      std::fprintf(stderr, "<2>linekeeper: bug: %s does not hold at %s:%d; ending, routes stay as they are\n", #condition, __FILE__, __LINE__); \
      std::abort();                                                                                                                             \
    }                                                                                                                                           \
  } while (false)
