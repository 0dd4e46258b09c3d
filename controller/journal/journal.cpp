// One thread owns the open file. The loop hands it work under a mutex and never waits for it (but at the start and the end);
// it takes everything that waits, writes it in one transaction, and posts the answers in one piece. So the slower the
// disk, the larger the batch: no timer, no batch size to tune.
//
// While the disk fails, events and facts go back to the queue and are tried again after a back-off; what a person waits
// for (an override, a query) is tried at once and answered with the error, because "not durable" must mean "does not act".
#include "controller/journal/journal.hpp"

#include <boost/asio/post.hpp>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "controller/journal/backlog.hpp"
#include "controller/journal/store.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::journal {
namespace {

using model::Error;
using model::Result;

// No jitter: nobody else is in step with this one thread and its own disk.
constexpr auto kRetryFirst = std::chrono::milliseconds(250);
constexpr auto kRetryLast = std::chrono::seconds(30);
constexpr auto kCloseWithin = std::chrono::seconds(1);
constexpr std::size_t kMostJobs = 256;  // overrides and queries waiting; people and pages make these, not packets

// Mistakes in the set-up, to be mended by a person before the daemon is of use; all else may mend itself.
bool needs_a_person(const Error& error) {
  return error.code == kDamaged || error.code == ENOENT || error.code == ENOTDIR || error.code == EISDIR || error.code == EACCES ||
         error.code == EPERM;
}

}  // namespace

struct Journal::Impl : std::enable_shared_from_this<Journal::Impl> {
  // Move-only: a callback has one owner and is called and destroyed on the executor's thread, not on the writer's.
  using Answer = std::move_only_function<void()>;
  /// Work for an open store, or for the error why there is none; what it returns is called on the executor.
  using Job = std::move_only_function<Answer(Result<Store*>)>;

  Impl(std::string file, boost::asio::any_io_executor on, OnFailure tell, Limits limit)
      : path(std::move(file)), executor(std::move(on)), on_failure(std::move(tell)), limits(limit), backlog(limit.waiting_events) {}

  [[nodiscard]] Store::Keep keep() const { return {.events = limits.keep_events, .block_bytes = limits.keep_block_bytes}; }
  void shrink_blocks(std::size_t most_bytes);  // under the mutex

  void run();
  void submit(Job job);
  void deliver(std::deque<Answer> answers);

  const std::string path;
  const boost::asio::any_io_executor executor;
  const OnFailure on_failure;  // called on the executor only
  const Limits limits;
  bool destroyed = false;  // executor's thread only: answers that arrive later are not delivered

  mutable std::mutex mutex;  // guards what follows, up to the writer's own part
  std::condition_variable wake;
  std::condition_variable ended_changed;
  Backlog backlog;
  std::map<std::string, std::string> facts;
  std::deque<Job> jobs;
  std::deque<ObservationBlock> blocks;
  std::size_t block_bytes = 0;  // of them
  std::uint64_t dropped_facts = 0;
  std::uint64_t dropped_blocks = 0;
  bool failing = false;
  bool closing = false;
  bool ended = false;      // the writer has returned
  bool abandoned = false;  // nobody waits for the writer any more: it must not post

  // The writer's own:
  std::optional<Store> store;
  std::chrono::milliseconds retry_after = kRetryFirst;

  std::thread writer;

 private:
  bool wait_for_work(std::unique_lock<std::mutex>& lock);
  Result<Store*> opened();
  Result<void> write(std::deque<Pending>& events, const std::map<std::string, std::string>& new_facts, std::deque<Answer>& answers);
  void put_back(std::deque<Pending> events, std::map<std::string, std::string> old_facts, std::deque<Answer>& answers);
  Result<void> write_blocks(std::deque<ObservationBlock>& taken);
  void put_back_blocks(std::deque<ObservationBlock> taken);
  void note(const Result<void>& outcome, std::deque<Answer>& answers);
};

// false: closing, and nothing is left that could still be written.
bool Journal::Impl::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto urgent = [this] { return closing || !jobs.empty(); };
  if (failing)
    wake.wait_for(lock, retry_after, urgent);
  else
    wake.wait(lock, [&] { return urgent() || !backlog.empty() || !facts.empty() || !blocks.empty(); });
  return !closing || !jobs.empty() || !backlog.empty() || !facts.empty() || !blocks.empty();
}

void Journal::Impl::run() {
  std::unique_lock lock(mutex);
  while (wait_for_work(lock)) {
    const bool last = closing;
    auto events = backlog.take();
    auto new_facts = std::exchange(facts, {});
    auto work = std::exchange(jobs, {});
    auto recorded = std::exchange(blocks, {});
    block_bytes = 0;
    lock.unlock();

    std::deque<Answer> answers;
    auto written = write(events, new_facts, answers);
    if (!written) put_back(std::move(events), std::move(new_facts), answers);
    // After the events, and without them: what is recorded may fail, and wait, and go, before an event does.
    if (written) written = write_blocks(recorded);
    if (!written) put_back_blocks(std::move(recorded));
    note(written, answers);
    for (auto& job : work) answers.push_back(job(opened()));
    deliver(std::move(answers));

    lock.lock();
    if (!written && last) break;  // one try at the end, no waiting for better times
  }
  auto lost = backlog.drop_all();
  dropped_facts += facts.size();
  shrink_blocks(0);
  lock.unlock();
  store.reset();  // checkpoints
  if (!lost.empty()) runtime::log(runtime::Level::Error, "journal: closed with " + std::to_string(lost.size()) + " events that could not be written");
  std::deque<Answer> answers;
  answers.push_back([gone = std::move(lost)] {});
  deliver(std::move(answers));
  lock.lock();
  ended = true;
  ended_changed.notify_all();
}

// The file may have been moved aside while we ran ("mv X X.damaged"): then a new one is made, as the advice promised.
Result<Store*> Journal::Impl::opened() {
  if (store && store->moved()) {
    runtime::log(runtime::Level::Notice, "journal: " + path + " was moved or removed; a new one is made");
    store.reset();
  }
  if (!store) {
    auto fresh = Store::open(path, runtime::boot_id(), keep());
    if (!fresh) return std::unexpected(fresh.error());
    store.emplace(std::move(*fresh));
  }
  return &*store;
}

Result<void> Journal::Impl::write(std::deque<Pending>& events, const std::map<std::string, std::string>& new_facts, std::deque<Answer>& answers) {
  const auto open_store = opened();
  if (!open_store) return std::unexpected(open_store.error());
  // With nothing to write while failing, an empty transaction proves nothing: opening again must do.
  if (events.empty() && new_facts.empty()) return {};
  std::vector<model::Event*> rows;
  rows.reserve(events.size());
  for (auto& pending : events) rows.push_back(&pending.event);
  if (auto written = (*open_store)->write(std::move(rows), new_facts); !written) {
    if (written.error().code == kDamaged) store.reset();  // looked at afresh next time, perhaps it has been moved aside
    return written;
  }
  for (auto& pending : events)
    if (pending.on_written) answers.push_back([event = std::move(pending.event), tell = std::move(pending.on_written)] { tell(event); });
  events.clear();
  return {};
}

void Journal::Impl::put_back(std::deque<Pending> events, std::map<std::string, std::string> old_facts, std::deque<Answer>& answers) {
  const std::lock_guard lock(mutex);
  answers.push_back([gone = backlog.put_back(std::move(events))] {});
  facts.merge(old_facts);  // a value that came since stays
}

Result<void> Journal::Impl::write_blocks(std::deque<ObservationBlock>& taken) {
  if (taken.empty()) return {};
  const auto open_store = opened();
  if (!open_store) return std::unexpected(open_store.error());
  auto written = (*open_store)->write_blocks(taken);
  if (!written && written.error().code == kDamaged) store.reset();
  return written;
}

void Journal::Impl::put_back_blocks(std::deque<ObservationBlock> taken) {
  const std::lock_guard lock(mutex);
  for (; !taken.empty(); taken.pop_back()) {
    block_bytes += taken.back().bytes.size();
    blocks.push_front(std::move(taken.back()));
  }
  shrink_blocks(limits.waiting_block_bytes);
}

void Journal::Impl::shrink_blocks(std::size_t most_bytes) {
  for (; !blocks.empty() && block_bytes > most_bytes; ++dropped_blocks) {
    block_bytes -= blocks.front().bytes.size();
    blocks.pop_front();
  }
}

// The one place where well turns to failing and back.
void Journal::Impl::note(const Result<void>& outcome, std::deque<Answer>& answers) {
  const bool was = [&] {
    const std::lock_guard lock(mutex);
    return std::exchange(failing, !outcome.has_value());
  }();
  if (outcome) {
    retry_after = kRetryFirst;
    if (was) runtime::log(runtime::Level::Notice, "journal: writing works again: " + path);
    return;
  }
  retry_after = was ? std::min<std::chrono::milliseconds>(retry_after * 2, kRetryLast) : kRetryFirst;
  if (was) return;
  runtime::log(runtime::Level::Error, "journal: " + outcome.error().to_string());
  if (on_failure) answers.push_back([tell = on_failure, error = outcome.error()] { tell(error); });
}

void Journal::Impl::deliver(std::deque<Answer> answers) {
  if (answers.empty()) return;
  const std::lock_guard lock(mutex);  // against close() giving up on us between the question and the post
  if (abandoned) return;
  boost::asio::post(executor, [self = shared_from_this(), answers = std::move(answers)]() mutable {
    for (auto& answer : answers)
      if (!self->destroyed) answer();
  });
}

void Journal::Impl::submit(Job job) {
  Error why;
  {
    const std::lock_guard lock(mutex);
    if (!closing && jobs.size() < kMostJobs) {
      jobs.push_back(std::move(job));
      wake.notify_one();
      return;
    }
    why = closing ? Error{"the journal is closed: the daemon is ending", "Try again when it runs", ESHUTDOWN}
                  : Error{"the journal has too much to do: " + std::to_string(kMostJobs) + " requests wait for the disk",
                          "Try again later; look at the disk (dmesg)", EAGAIN};
  }
  boost::asio::post(executor, [self = shared_from_this(), answer = job(std::unexpected(why))]() mutable {
    if (!self->destroyed) answer();
  });
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, boost::asio::any_io_executor executor, OnFailure on_failure, Limits limits) {
  auto impl = std::make_shared<Impl>(path, std::move(executor), std::move(on_failure), limits);
  auto store = Store::open(path, runtime::boot_id(), impl->keep());
  if (store) {
    impl->store.emplace(std::move(*store));
  } else {
    if (needs_a_person(store.error())) return std::unexpected(store.error());
    impl->failing = true;
    runtime::log(runtime::Level::Error, "journal: " + store.error().to_string());
    if (impl->on_failure)
      boost::asio::post(impl->executor, [impl, error = store.error()] {
        if (!impl->destroyed) impl->on_failure(error);
      });
  }
  // The writer takes no signals: they are for the loop.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl->writer = std::thread([impl] { impl->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Journal::Journal(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Journal::~Journal() {
  close();
  impl_->destroyed = true;
}

void Journal::append(model::Event event, std::function<void(const model::Event&)> on_written) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->closing) return;
  const auto gone = impl_->backlog.add({clipped(std::move(event)), std::move(on_written)});
  impl_->wake.notify_one();
}

void Journal::put_fact(Fact fact) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->closing) return;
  if (impl_->facts.size() >= impl_->limits.waiting_facts && !impl_->facts.contains(fact.key)) {
    ++impl_->dropped_facts;
    return;
  }
  impl_->facts.insert_or_assign(std::move(fact.key), std::move(fact.value));
  impl_->wake.notify_one();
}

void Journal::append_block(ObservationBlock block) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->closing) return;
  impl_->block_bytes += block.bytes.size();
  impl_->blocks.push_back(std::move(block));
  impl_->shrink_blocks(impl_->limits.waiting_block_bytes);
  impl_->wake.notify_one();
}

namespace {

/// `act` on the store as a job whose result, or the error why there is no store, goes to `done`.
template <class T, class Act>
auto answering(std::function<void(Result<T>)> done, Act act) {
  return [done = std::move(done), act = std::move(act)](Result<Store*> store) mutable -> std::move_only_function<void()> {
    auto result = store ? act(**store) : Result<T>(std::unexpected(store.error()));
    return [done = std::move(done), result = std::move(result)]() mutable {
      if (done) done(std::move(result));
    };
  };
}

/// The same for a caller who waits.
template <class T, class Act>
auto fulfilling(std::promise<Result<T>> promise, Act act) {
  return [promise = std::move(promise), act = std::move(act)](Result<Store*> store) mutable -> std::move_only_function<void()> {
    promise.set_value(store ? act(**store) : Result<T>(std::unexpected(store.error())));
    return [] {};
  };
}

}  // namespace

void Journal::events(EventQuery query, std::function<void(Result<std::vector<model::Event>>)> done) {
  impl_->submit(answering(std::move(done), [query = std::move(query)](Store& store) { return store.events(query); }));
}

void Journal::put_override(model::Override override, std::function<void(Result<model::Override>)> done) {
  impl_->submit(answering(std::move(done), [override = std::move(override)](Store& store) { return store.put(override); }));
}

void Journal::remove_override(std::int64_t id, std::function<void(Result<void>)> done) {
  impl_->submit(answering(std::move(done), [id](Store& store) { return store.remove_override(id); }));
}

Result<std::vector<model::Override>> Journal::load_overrides() {
  std::promise<Result<std::vector<model::Override>>> promise;
  auto future = promise.get_future();
  impl_->submit(fulfilling(std::move(promise), [](Store& store) { return store.overrides(); }));
  return future.get();
}

Result<std::vector<Fact>> Journal::load_facts() {
  std::promise<Result<std::vector<Fact>>> promise;
  auto future = promise.get_future();
  impl_->submit(fulfilling(std::move(promise), [](Store& store) { return store.facts(); }));
  return future.get();
}

void Journal::close() {
  {
    std::unique_lock lock(impl_->mutex);
    impl_->closing = true;
    impl_->wake.notify_one();
    if (!impl_->ended_changed.wait_for(lock, kCloseWithin, [&] { return impl_->ended; })) impl_->abandoned = true;
  }
  if (!impl_->writer.joinable()) return;
  if (impl_->abandoned) {
    // A hung disk must not hold up the end. The thread keeps what it touches alive and posts nothing any more.
    runtime::log(runtime::Level::Error, "journal: the disk has not answered for 1 s at the end; what waited may be lost: " + impl_->path);
    impl_->writer.detach();
  } else {
    impl_->writer.join();
  }
}

std::uint64_t Journal::dropped() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->backlog.dropped() + impl_->dropped_facts;
}

std::uint64_t Journal::dropped_blocks() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->dropped_blocks;
}

bool Journal::failing() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->failing;
}

}  // namespace linekeeper::journal
