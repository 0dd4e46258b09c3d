#pragma once
// One run of a program of the site's own, to its end or its time: text in, text out. No shell, no search path, no descriptor of ours but
// its three, a process group of its own that is ended as a whole when time is over. Never blocks the loop.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::trunks {

inline constexpr std::size_t kMostOutput = 64 * 1024;  ///< bytes; a program that says more is ended

class ProgramRun {
 public:
  /// Its standard output, when it ended by itself with exit status 0. Errors: ENOENT, EACCES and the like: it could not be started;
  /// ETIMEDOUT: ended by us; EPROTO: it failed (its last line of standard error is in the text), or said too much.
  using Done = std::function<void(model::Result<std::string>)>;

  ProgramRun() = default;
  ProgramRun(const ProgramRun&) = delete;
  ProgramRun& operator=(const ProgramRun&) = delete;
  virtual ~ProgramRun() = default;  ///< ends it; `done` is not called any more
};

/// @param argv  the program by its absolute path, and its arguments
/// @param done  later, never from within
[[nodiscard]] std::unique_ptr<ProgramRun> run_program(const boost::asio::any_io_executor& executor, const std::vector<std::string>& argv,
                                                      std::string input, model::Duration timeout, ProgramRun::Done done);

}  // namespace linekeeper::trunks
