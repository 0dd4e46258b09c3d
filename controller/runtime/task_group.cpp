#include "controller/runtime/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "controller/model/assert.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::runtime {
namespace asio = boost::asio;
namespace {

bool is_cancellation(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

TaskGroup::TaskGroup(asio::any_io_executor executor) : executor_(executor), idle_(executor, asio::steady_timer::time_point::max()) {}

TaskGroup::~TaskGroup() { LK_ASSERT(tasks_.empty()); }

void TaskGroup::start(std::string name, asio::awaitable<void> task) {
  if (stopping_) return;
  const auto place = tasks_.emplace(tasks_.end());
  place->name = std::move(name);
  asio::co_spawn(executor_, std::move(task), asio::bind_cancellation_slot(place->signal.slot(), [this, place](std::exception_ptr error) {
                   if (error && !is_cancellation(error)) {
                     try {
                       std::rethrow_exception(error);
                     } catch (const std::exception& e) {
                       log(Level::Error, "task " + place->name + " ended by an error: " + e.what());
                     }
                     if (!first_error_) first_error_ = error;
                   }
                   tasks_.erase(place);
                   if (first_error_ && !stopping_) stop();
                   if (tasks_.empty()) idle_.cancel();
                 }));
}

void TaskGroup::stop() {
  stopping_ = true;
  for (auto next = tasks_.begin(); next != tasks_.end();) {
    const auto task = next++;  // emit may end the task at once and erase it
    task->signal.emit(asio::cancellation_type::all);
  }
  if (tasks_.empty()) idle_.cancel();
}

asio::awaitable<void> TaskGroup::wait() {
  while (!tasks_.empty()) {
    boost::system::error_code ignored;
    idle_.expires_at(asio::steady_timer::time_point::max());
    co_await idle_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (first_error_) std::rethrow_exception(first_error_);
}

}  // namespace linekeeper::runtime
