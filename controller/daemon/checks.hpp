#pragma once
// The slower checks of one Site: each check by each of its circuits is a task of its own that runs now and then, and tells what happened.
// Judges nothing; it only asks sooner again while something does not end well, so that what is wrong is confirmed, and seen to be over, soon.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/runtime/seeded_random.hpp"
#include "probes/checks/check_run.hpp"

namespace linekeeper::daemon {

class Checks {
 public:
  using Sink = std::function<void(const model::Observation&)>;
  /// @param seed of jitter, tags and transactions
  Checks(boost::asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink);
  ~Checks();
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  void start();
  void stop();  ///< no sink call after this returns

 private:
  struct Task {
    Task(const boost::asio::any_io_executor& executor, std::size_t position, probes::CheckWay by)
        : check(position), way(std::move(by)), timer(executor) {}
    std::size_t check;  // position in Site::checks
    probes::CheckWay way;
    boost::asio::steady_timer timer;
    std::unique_ptr<probes::CheckRun> run;
  };
  void wait(Task& task, model::Duration pause);
  void run(Task& task);
  void ended(Task& task, const model::CheckOutcome& outcome);

  boost::asio::any_io_executor executor_;
  model::SitePtr site_;
  runtime::SeededRandom random_;
  Sink sink_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::size_t running_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(false);  // shared with pending handlers: stop() makes them inert
};

}  // namespace linekeeper::daemon
