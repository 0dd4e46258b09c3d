#pragma once
// Ends this process at a counted point of what it does to the outside world: before each message to the kernel, and at each step of
// replacing a file. The linker puts the counting into the calls (--wrap, see CMakeLists.txt), so that the code under test is the code that
// is shipped. The kernel carries a message out while it is being sent: dying before one is dying after the one before it.
// Of questions one after the other only the first is a point: they change nothing, so that dying at the second is dying at the first.
#include <cstddef>

namespace linekeeper::tests {

inline constexpr int kDiedAtPoint = 99;  ///< exit status of a process that met its point

/// Counts from now, and ends the process at point `point` (from 1); 0: never.
void die_at(std::size_t point);

}  // namespace linekeeper::tests
