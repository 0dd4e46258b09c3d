#pragma once
// A part of a test in a thread with a namespace of its own: the thread ends with it, so nothing of the process is changed.
#include <doctest/doctest.h>

#include <exception>
#include <thread>

namespace linekeeper::tests {

/// @param enter  leaves the common namespace, in the new thread. @return false where the kernel does not allow it
/// @return what `enter` did; `body` was run when that is true, and what it threw (a REQUIRE that does not hold) is thrown here
template <class Enter, class Body>
bool in_own_namespace(Enter enter, Body body) {
  bool allowed = false;
  std::exception_ptr failed;
  std::thread([&] {
    if (!enter()) return;
    allowed = true;
    try {
      body();
    } catch (...) {
      failed = std::current_exception();
    }
  }).join();
  if (failed) std::rethrow_exception(failed);
  if (!allowed) MESSAGE("SKIPPED: no namespace of its own here (needs root, or unshare -Urnm)");
  return allowed;
}

}  // namespace linekeeper::tests
