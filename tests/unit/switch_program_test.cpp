// The program as a whole: its socket, its messages, its end.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <csignal>
#include <fstream>

#include "controller/switch/protocol.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/switch_fixture.hpp"
#include "tests/unit/switch_namespace.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;

struct Peer {
  int fd = -1;
  explicit Peer(const std::string& path) : fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    path.copy(a.sun_path, sizeof a.sun_path - 1);
    connected = connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(fd); }
  bool connected = false;

  /// The next message within two seconds; "" when the other side has closed or says nothing.
  std::string hear() const {
    pollfd p{fd, POLLIN, 0};
    if (poll(&p, 1, 2000) != 1) return {};
    std::string text(kMaxMessage, '\0');
    const ssize_t got = recv(fd, text.data(), text.size(), 0);
    return got <= 0 ? std::string() : text.substr(0, static_cast<std::size_t>(got));
  }
  std::string ask(const std::string& message) const {
    send(fd, message.data(), message.size(), MSG_NOSIGNAL);
    return hear();
  }
  template <class T>
  T ask(const Request& r) const {
    const std::string text = ask(encode(r));
    INFO(text);
    auto reply = parse_reply(text);
    REQUIRE(reply);
    REQUIRE(std::holds_alternative<T>(*reply));
    return std::get<T>(*reply);
  }
};

struct Program {
  tests::TempDir folder;
  pid_t pid = -1;
  Program() { start(); }
  ~Program() {
    if (pid > 0) stop(SIGKILL);
  }
  void start() {
    const std::string path = folder / "s";
    const std::string log = folder / "log";
    const char* argv[] = {LK_SWITCH_PROGRAM, "--socket", path.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    REQUIRE(posix_spawn(&pid, LK_SWITCH_PROGRAM, &actions, nullptr, const_cast<char**>(argv), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    // Ready once it answers; each refused connect costs a turn of the scheduler, no clock is slept on.
    for (int i = 0; i < 200'000 && !Peer(path).connected; ++i) sched_yield();
  }
  /// @return how it ended (waitpid(2)) and in how many milliseconds.
  std::pair<int, long> stop(int signal) {
    const auto from = std::chrono::steady_clock::now();
    kill(pid, signal);
    int status = 0;
    waitpid(pid, &status, 0);
    pid = -1;
    return {status, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - from).count()};
  }
  [[nodiscard]] std::string path() const { return folder / "s"; }
};

std::string status_line(pid_t pid, const std::string& key) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return line.substr(key.size());
  return {};
}

}  // namespace

TEST_CASE("switch program: greets, applies, survives rubbish, reports drift, and ends at once leaving its routes (I14)") {
  LK_ENTER_SITE();
  Program program;
  const Peer daemon(program.path());
  CHECK(daemon.ask<StateReply>(Hello{}).classes.empty());
  const auto applied = daemon.ask<Applied>(plan(1, site("fiber", "coax")));
  const auto moved = daemon.ask<Applied>(plan(2, site("coax", "coax")));
  CHECK(moved.changes == std::vector<std::string>{"class voice: fiber -> coax"});
  std::cout << "{\"first_plan_us\":" << applied.took_us << ",\"move_us\":" << moved.took_us << "}\n";

  for (const char* rubbish : {"x", "{}", "{\"v\":9,\"type\":\"hello\"}", "[[[[[[[[[[[["})
    CHECK(daemon.ask(rubbish).find("\"guard\":\"protocol\"") != std::string::npos);
  CHECK(daemon.ask(std::string(kMaxMessage + 1, 'x')).find("longer than") != std::string::npos);
  CHECK(daemon.ask<Refused>(plan(2, site("coax", "coax"))).guard == "stale_generation");

  REQUIRE(run("ip rule del priority 7000") == 0);
  CHECK(daemon.hear().find("missing or changed: rule 7000") != std::string::npos);
  CHECK(shown("ip rule show priority 7000").find("suppress_prefixlength 0") != std::string::npos);
  REQUIRE(run("ip link set wan0 down") == 0);
  REQUIRE(run("ip link set wan0 up") == 0);
  const Apply with_new_gateway = [] {
    Apply p = plan(3, site("coax", "coax"));
    p.desired.circuits[0].gateway = ip("10.0.1.254");
    return p;
  }();
  CHECK_FALSE(daemon.ask<Applied>(with_new_gateway).changes.empty());

  const std::string stood = shown("ip rule") + shown("ip nexthop") + shown("ip route show table all protocol 178");
  const auto [status, milliseconds] = program.stop(SIGTERM);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(milliseconds < 1000);
  CHECK(access(program.path().c_str(), F_OK) != 0);
  CHECK(shown("ip rule") + shown("ip nexthop") + shown("ip route show table all protocol 178") == stood);

  program.start();
  const Peer again(program.path());
  const auto state = again.ask<StateReply>(Hello{});
  CHECK(state.generation == 3);
  CHECK(state.classes.at(0).circuit == "coax");
}

TEST_CASE("switch program: killed at any instant it leaves a plan that stands, and takes its socket again (I12)") {
  LK_ENTER_SITE();
  Program program;
  std::uint64_t generation = 0;
  for (int i = 0; i < 5; ++i) {
    const Peer daemon(program.path());
    generation = daemon.ask<StateReply>(Hello{}).generation;
    Desired d = site("fiber", "coax");
    d.circuits[0].gateway = ip(i % 2 == 0 ? "10.0.1.1" : "10.0.1.254");
    const std::string message = encode(Request(plan(generation + 1, d)));
    send(daemon.fd, message.data(), message.size(), MSG_NOSIGNAL);  // and do not wait for its end
    if (i % 2 == 0) (void)daemon.hear();
    program.stop(SIGKILL);
    program.start();
    const Peer next(program.path());
    CHECK(next.ask<StateReply>(Hello{}).classes.at(0).circuit == "fiber");
  }
}

TEST_CASE("switch program: the newest connection wins, the older is told; it keeps CAP_NET_ADMIN alone") {
  LK_ENTER_SITE();
  Program program;
  const Peer first(program.path());
  (void)first.ask<StateReply>(Hello{});
  {
    const Peer looks(program.path());
  }
  CHECK(run(std::string(LK_SWITCH_PROGRAM) + " --socket " + program.path()) == 1);  // finds it alive, and does not disturb it
  (void)first.ask<StateReply>(Hello{});
  const Peer second(program.path());
  (void)second.ask<StateReply>(Hello{});
  CHECK(first.hear().find("a newer connection has taken over") != std::string::npos);
  CHECK(first.hear().empty());
  CHECK(second.ask<StateReply>(Hello{}).generation == 0);
  CHECK(status_line(program.pid, "CapEff:\t") == "0000000000001000");
  CHECK(status_line(program.pid, "CapPrm:\t") == "0000000000001000");
  CHECK(status_line(program.pid, "CapInh:\t") == "0000000000000000");
  CHECK(status_line(program.pid, "NoNewPrivs:\t") == "1");
}

TEST_CASE("switch program: says what is wrong and what to do") {
  const std::string program = LK_SWITCH_PROGRAM;
  CHECK(shown(program + " --version").find("linekeeper-switch ") == 0);
  CHECK(shown(program + " --help").find("usage:") != std::string::npos);
  CHECK(run(program + " --nonsense") == 2);
  CHECK(run(program + " stray") == 2);
  CHECK(run(program + " --allow-user no-such-user-here") == 2);
  CHECK(run(program + " --socket /nonexistent/deep/down/s") == 1);
}

}  // namespace linekeeper::route
