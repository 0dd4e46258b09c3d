#include "carriers/trunks/program_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::trunks {
namespace {

namespace asio = boost::asio;
using model::Error;
using runtime::UniqueFd;

constexpr std::size_t kMostComplaint = 4096;

struct Pipe {
  UniqueFd read, write;
  bool open() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
    return true;
  }
};

std::string last_line(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  if (text.size() > 200) text.resize(200);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return text;
}

class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(const asio::any_io_executor& executor, std::string input, ProgramRun::Done done)
      : input_(std::move(input)), done_(std::move(done)), in_(executor), out_(executor), complaints_(executor), end_(executor), timer_(executor) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() { kill_it(); }

  void start(const std::vector<std::string>& argv, model::Duration timeout) {
    program_ = argv.front();
    if (const int error = spawn(argv))
      return fail_later({"cannot start " + program_ + ": " + std::strerror(error), "See that linekeeperd's user may execute it", error});
    feed();
    listen(out_, said_, kMostOutput);
    listen(complaints_, complained_, kMostComplaint);
    end_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->ended();
    });
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error)
        self->finish(
            std::unexpected(Error{self->program_ + " has not ended in time, and was ended", "Run it by hand: it may wait for something", ETIMEDOUT}));
    });
  }

  void forget() {
    done_ = nullptr;
    close();
  }

 private:
  /// @return 0 or errno
  int spawn(const std::vector<std::string>& argv) {
    // Its input is a socket: a write to one that nobody reads any more is an error, to a pipe a signal.
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    UniqueFd in(ends[0]), its_input(ends[1]);
    Pipe out, complaints;
    if (!out.open() || !complaints.open()) return errno;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, its_input.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out.write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, complaints.write.get(), STDERR_FILENO);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    std::vector<char*> words;
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    std::array<char*, 2> environment{const_cast<char*>("PATH=/usr/bin:/bin"), nullptr};
    const int error = ::posix_spawn(&pid_, argv.front().c_str(), &files, &attributes, words.data(), environment.data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      pid_ = -1;
      return error;
    }
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (pidfd.get() < 0) return errno;
    boost::system::error_code ignored;
    in_.assign(asio::local::stream_protocol(), in.release(), ignored);
    out_.assign(out.read.release(), ignored);
    complaints_.assign(complaints.read.release(), ignored);
    end_.assign(pidfd.release(), ignored);
    for (auto* d : {&out_, &complaints_}) d->non_blocking(true, ignored);
    return 0;
  }

  void feed() {
    asio::async_write(in_, asio::buffer(input_), [self = shared_from_this()](const boost::system::error_code&, std::size_t) {
      boost::system::error_code ignored;
      self->in_.close(ignored);  // a program that does not read all of it may still know what to do
    });
  }

  // Waited for and then read here, at once: bytes that a read of the loop's had taken already, and that were still on their way to us, would be
  // missing when the program's end is told first.
  void listen(asio::posix::stream_descriptor& from, std::string& into, std::size_t most) {
    from.async_wait(
        asio::posix::stream_descriptor::wait_read, [self = shared_from_this(), &from, &into, most](const boost::system::error_code& error) {
          if (error || !self->done_) return;
          const auto state = take(from, into, most);
          if (&into == &self->said_ && into.size() > most)
            self->finish(std::unexpected(Error{self->program_ + " said more than " + std::to_string(kMostOutput) + " bytes, and was ended",
                                               "Its answer is one line of JSON", EPROTO}));
          else if (!state || state == asio::error::would_block)
            self->listen(from, into, most);
        });
  }

  /// One read. What is beyond measure is dropped: the program must not hang for a full pipe.
  static boost::system::error_code take(asio::posix::stream_descriptor& from, std::string& into, std::size_t most) {
    std::array<char, 4096> some;
    boost::system::error_code error;
    const auto size = from.read_some(asio::buffer(some), error);
    into.append(some.data(), std::min(size, most + 1 - std::min(into.size(), most + 1)));
    return error;
  }

  /// What it has written before it ended is in the pipe; others that it has left behind may hold the pipe open, and are not waited for.
  static void drain(asio::posix::stream_descriptor& from, std::string& into, std::size_t most) {
    while (into.size() <= most && !take(from, into, most)) {
    }
  }

  void ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return;
    const pid_t group = std::exchange(pid_, -1);
    drain(out_, said_, kMostOutput);
    drain(complaints_, complained_, kMostComplaint);
    ::kill(-group, SIGKILL);  // what it has left behind
    const std::string complaint = last_line(complained_);
    const std::string words = complaint.empty() ? "" : " and said: " + complaint;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && said_.size() <= kMostOutput) return finish(std::move(said_));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
      return finish(
          std::unexpected(Error{program_ + " said more than " + std::to_string(kMostOutput) + " bytes", "Its answer is one line of JSON", EPROTO}));
    const std::string how = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status)) : "signal " + std::to_string(WTERMSIG(status));
    finish(std::unexpected(Error{program_ + " ended with " + how + words, "Run it by hand with the same input", EPROTO}));
  }

  void finish(model::Result<std::string> result) {
    const auto done = std::exchange(done_, nullptr);
    close();
    if (done) done(std::move(result));
  }

  void fail_later(Error error) {
    asio::post(timer_.get_executor(), [self = shared_from_this(), error = std::move(error)] { self->finish(std::unexpected(error)); });
  }

  void close() {
    kill_it();
    boost::system::error_code ignored;
    in_.close(ignored);
    for (auto* d : {&out_, &complaints_, &end_}) d->close(ignored);
    timer_.cancel();
  }

  void kill_it() {
    if (pid_ < 0) return;
    const pid_t pid = std::exchange(pid_, -1);
    ::kill(-pid, SIGKILL);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);  // at once: nothing survives SIGKILL but a kernel that hangs
  }

  const std::string input_;
  ProgramRun::Done done_;
  std::string program_;
  asio::local::stream_protocol::socket in_;
  asio::posix::stream_descriptor out_, complaints_, end_;
  asio::steady_timer timer_;
  std::string said_, complained_;
  pid_t pid_ = -1;
};

class OwnedRun final : public ProgramRun {
 public:
  explicit OwnedRun(std::shared_ptr<Run> run) : run_(std::move(run)) {}
  OwnedRun(const OwnedRun&) = delete;
  OwnedRun& operator=(const OwnedRun&) = delete;
  ~OwnedRun() override { run_->forget(); }

 private:
  std::shared_ptr<Run> run_;  // shared with its pending handlers
};

}  // namespace

std::unique_ptr<ProgramRun> run_program(const asio::any_io_executor& executor, const std::vector<std::string>& argv, std::string input,
                                        model::Duration timeout, ProgramRun::Done done) {
  auto run = std::make_shared<Run>(executor, std::move(input), std::move(done));
  run->start(argv, timeout);
  return std::make_unique<OwnedRun>(std::move(run));
}

}  // namespace linekeeper::trunks
