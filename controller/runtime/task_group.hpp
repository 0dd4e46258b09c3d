#pragma once
// Coroutines with a name and an owner. Nothing is ever detached: what escapes from a task ends the group and is
// rethrown by wait(); stop() cancels all and wait() returns when the last one has ended.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <list>
#include <string>

namespace linekeeper::runtime {

class TaskGroup {
 public:
  explicit TaskGroup(boost::asio::any_io_executor executor);
  ~TaskGroup();  ///< asserts that nothing runs any more
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// @param name for logs. `task`'s parameters are values, or references that outlive this group.
  void start(std::string name, boost::asio::awaitable<void> task);
  void stop();                          ///< cancels every task; idempotent
  boost::asio::awaitable<void> wait();  ///< until none is left; rethrows the first exception that is not a cancellation
  [[nodiscard]] std::size_t running() const { return tasks_.size(); }

 private:
  struct Task {
    std::string name;
    boost::asio::cancellation_signal signal;
  };
  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer idle_;  // expires never; cancelled when the last task ends
  std::list<Task> tasks_;
  std::exception_ptr first_error_;
  bool stopping_ = false;
};

}  // namespace linekeeper::runtime
