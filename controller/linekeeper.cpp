// The command line: wiring only. What it does stands in controller/admin/cli/.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "controller/admin/cli/run.hpp"

namespace {

volatile std::sig_atomic_t stop_asked = 0;

/// For the commands that stay: Ctrl-C ends them between two pictures. Asked twice, or anywhere else, it ends the program as ever.
void on_signal(int) {
  if (stop_asked != 0) std::_Exit(130);
  stop_asked = 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace linekeeper::admin::cli;
  const std::vector<std::string> args(argv + 1, argv + argc);
  World world{.out = std::cout,
              .err = std::cerr,
              .in = std::cin,
              .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
              .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
              .in_is_terminal = ::isatty(STDIN_FILENO) == 1,
              .variable =
                  [](const char* name) {
                    const char* value = std::getenv(name);
                    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
                  },
              .now = [] { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); },
              .stopped = [] { return stop_asked != 0; }};
  for (const auto& arg : args) {
    if (arg != "--watch" && arg != "--follow" && arg != "reflect") continue;
    struct sigaction action{};
    action.sa_handler = on_signal;  // without SA_RESTART: a wait that is under way ends
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
  }
  return run(args, world);
}
