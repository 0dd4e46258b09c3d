#pragma once
// A network namespace for this process alone, and programs run inside it.
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
#include <vector>

namespace linekeeper::tests {

/// Moves this process into a network namespace of its own with loopback up and ping sockets allowed. Call before any thread.
/// @return why that is not possible here; empty when it worked
[[nodiscard]] std::string enter_namespace();

/// Writes a file below /proc/sys. @return whether it worked
bool set_sysctl(const std::string& path, const std::string& value);

/// A child process that is ended and waited for, at the latest, with this object.
class Child {
 public:
  /// @param argv program (looked up in PATH) and arguments; its output goes to /dev/null
  explicit Child(const std::vector<std::string>& argv);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] int wait();  ///< its exit status; 127 when it could not be started
  [[nodiscard]] bool started() const { return pid_ > 0; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

/// @return its exit status
int run(const std::vector<std::string>& argv);

/// Runs the loop until `done` or `most` has passed. @return done()
template <class Predicate>
bool run_until(boost::asio::io_context& io, Predicate done, std::chrono::milliseconds most = std::chrono::seconds(5)) {
  const auto end = std::chrono::steady_clock::now() + most;
  io.restart();
  while (!done() && std::chrono::steady_clock::now() < end) io.run_one_for(std::chrono::milliseconds(20));
  return done();
}

}  // namespace linekeeper::tests
