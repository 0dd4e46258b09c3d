#pragma once
// The whole command line against a real server with a scripted Api, on a thread of its own since the client blocks.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "admin_server_fixture.hpp"
#include "controller/admin/cli/run.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli::testing {

struct ScriptedApi : Api {
  struct Sent {
    std::string id, event, data;
  };
  // Set before the first request, read on the server's thread after it.
  std::map<std::string, std::vector<Response>> answers;  ///< "POST /api/v1/hold" -> its answers in order, the last one again and again
  std::vector<Sent> streamed;                            ///< to each stream at its opening

  void handle(const Request& request, std::function<void(Response)> respond) override {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
    auto& script = answers[request.method + " " + request.path];
    if (script.empty()) return respond(Response{.status = 404, .body = R"({"error":{"exit":2,"message":"no such path","remedy":""}})"});
    const Response response = script.front();
    if (script.size() > 1) script.erase(script.begin());
    respond(response);
  }
  int open_stream(const Request& request, EventStream& stream) override {
    const std::lock_guard lock(mutex_);
    seen_.push_back(request);
    for (const Sent& s : streamed) stream.send(s.id, s.event, s.data);
    return 200;
  }
  void close_stream(EventStream&) override {}
  std::vector<Request> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::vector<Request> seen_;
};

/// What one run of the program said.
struct Said {
  int code = -1;
  std::string out;
  std::string err;
};

class Daemon {
 public:
  explicit Daemon(ScriptedApi& api) : server_(context_.get_executor(), api) {
    REQUIRE(server_.listen_unix(socket()));
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Daemon() {
    std::promise<void> stopped;
    boost::asio::post(context_, [&] { server_.stop([&] { stopped.set_value(); }); });
    stopped.get_future().wait();
    work_.reset();
    thread_.join();
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  [[nodiscard]] std::string socket() const { return folder_ / "control.sock"; }

 private:
  tests::TempDir folder_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  HttpServer server_;
  std::thread thread_;
};

struct Setting {
  bool terminal = false;
  std::string typed;
  std::map<std::string, std::string> environment;
  std::function<bool(const std::string& out)> enough = [](const std::string&) { return false; };  ///< Ctrl-C, once this is printed
};

inline Said program(std::vector<std::string> args, const Setting& setting = {}) {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in(setting.typed);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  World world{.out = out,
              .err = err,
              .in = in,
              .out_is_terminal = false,
              .err_is_terminal = setting.terminal,
              .in_is_terminal = setting.terminal,
              .variable =
                  [&](const char* name) {
                    const auto found = setting.environment.find(name);
                    return found == setting.environment.end() ? std::nullopt : std::optional(found->second);
                  },
              .now = [] { return *runtime::parse_rfc3339("2026-11-22T02:26:21Z"); },
              .stopped = [&] { return setting.enough(out.str()) || std::chrono::steady_clock::now() > limit; }};
  const int code = run(args, world);
  return {.code = code, .out = out.str(), .err = err.str()};
}

}  // namespace linekeeper::admin::cli::testing
