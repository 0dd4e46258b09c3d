#include "controller/daemon/checks.hpp"

#include <algorithm>
#include <utility>

namespace linekeeper::daemon {
namespace asio = boost::asio;
using model::Duration;

namespace {

constexpr std::chrono::seconds kFirstWithin{10};  // after the start, spread: circuits get their verdicts first
constexpr std::chrono::seconds kFirstAfter{3};
constexpr std::chrono::seconds kSoonest{5};  // between two of one task, while it does not end well
constexpr std::chrono::seconds kCrowded{1};  // looked at again when too many are under way
constexpr std::size_t kMostAtOnce = 16;      // sockets and TLS contexts: a hub has hundreds of tasks
constexpr double kJitter = 0.1;

Duration scaled(Duration d, double by) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(d) * by); }

}  // namespace

Checks::Checks(asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink)
    : executor_(std::move(executor)), site_(std::move(site)), random_(seed), sink_(std::move(sink)) {
  for (std::size_t i = 0; i < site_->checks.size(); ++i)
    for (const model::CircuitId circuit : site_->checks[i].circuits)
      tasks_.push_back(std::make_unique<Task>(executor_, i, probes::way_of(*site_, circuit)));
}

Checks::~Checks() { stop(); }

void Checks::start() {
  *alive_ = true;
  for (const auto& task : tasks_) {
    const Duration within = std::min<Duration>(site_->checks[task->check].interval, kFirstWithin);
    wait(*task, kFirstAfter + scaled(within, random_.unit()));
  }
}

void Checks::stop() {
  *alive_ = false;
  for (const auto& task : tasks_) {
    task->timer.cancel();
    task->run.reset();
  }
  running_ = 0;
}

void Checks::wait(Task& task, Duration pause) {
  task.timer.expires_after(pause);
  task.timer.async_wait([this, &task, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) run(task);
  });
}

void Checks::run(Task& task) {
  if (running_ >= kMostAtOnce) return wait(task, kCrowded);
  ++running_;
  task.run = probes::start_check(executor_, site_->checks[task.check], task.way, random_.next(),
                                 [this, &task](const model::CheckOutcome& outcome) { ended(task, outcome); });
}

void Checks::ended(Task& task, const model::CheckOutcome& outcome) {
  --running_;
  const Duration interval = site_->checks[task.check].interval;
  const bool well = outcome.result == model::CheckResult::Well;
  const Duration pause = well ? interval : std::clamp<Duration>(interval / 5, kSoonest, std::max<Duration>(interval, kSoonest));
  wait(task, scaled(pause, 1 + kJitter * (2 * random_.unit() - 1)));
  const model::Observation told = outcome;
  task.run.reset();  // it was told from a handler of its own, which does not touch it any more
  sink_(told);       // may stop us, or end us: last
}

}  // namespace linekeeper::daemon
