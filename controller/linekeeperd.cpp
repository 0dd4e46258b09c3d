// linekeeperd: reads the internet and decides, holding no privilege. Wiring only: arguments, configuration, loop.
#include <fmt/format.h>
#include <getopt.h>
#include <sys/prctl.h>

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <string>

#include "config/loader.hpp"
#include "controller/daemon/daemon.hpp"
#include "controller/runtime/log.hpp"
#include "controller/telemetry/build_info.hpp"

namespace {

using linekeeper::runtime::Level;
using linekeeper::runtime::log;

constexpr const char* kDefaultConfig = "/etc/linekeeper/linekeeper.toml";

constexpr const char* kHelp =
    "linekeeperd - probes internet circuits and SIP carriers and decides where traffic goes\n"
    "\n"
    "usage: linekeeperd [--config FILE] [--check] [--verbose]\n"
    "\n"
    "  -c, --config FILE   configuration (default /etc/linekeeper/linekeeper.toml)\n"
    "      --check         check the configuration, say what it means, and end: 0 good, 2 not\n"
    "  -v, --verbose       log everything, debug lines included\n"
    "  -h, --help          this text\n"
    "  -V, --version       version\n"
    "\n"
    "Runs in the foreground, as any user, without capabilities; linekeeper-switch changes the routes for it.\n"
    "SIGHUP reloads the configuration (a broken one is refused and the old one stays); SIGTERM ends it: routes stay.\n"
    "Talk to it with: linekeeper status\n";

struct Options {
  std::string config = kDefaultConfig;
  bool check = false;
};

/// @return an exit code when there is nothing more to do.
std::optional<int> read_arguments(int argc, char** argv, Options& out) {
  const option known[] = {{"config", required_argument, nullptr, 'c'}, {"check", no_argument, nullptr, 'k'},   {"verbose", no_argument, nullptr, 'v'},
                          {"help", no_argument, nullptr, 'h'},         {"version", no_argument, nullptr, 'V'}, {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = getopt_long(argc, argv, "c:vhV", known, nullptr)) != -1;) {
    switch (c) {
      case 'c': out.config = optarg; break;
      case 'k': out.check = true; break;
      case 'v': linekeeper::runtime::set_log_level(Level::Debug); break;
      case 'h': std::fputs(kHelp, stdout); return 0;
      case 'V': {
        const auto& b = linekeeper::telemetry::build_info();
        fmt::print("linekeeperd {} ({}, {})\n", b.version, b.revision, b.compiler);
        return 0;
      }
      default: std::fputs("Try: linekeeperd --help\n", stderr); return 2;
    }
  }
  if (optind == argc) return std::nullopt;
  fmt::print(stderr, "linekeeperd: '{}' is not an argument it takes. Try: linekeeperd --help\n", argv[optind]);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto exit = read_arguments(argc, argv, options)) return *exit;
  auto loaded = linekeeper::config::load(options.config);
  if (!loaded.site) {
    for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", linekeeper::config::describe(problem, options.config));
    fmt::print(stderr, "linekeeperd: {} has {} mistake{}; not started.\n", options.config, loaded.problems.size(),
               loaded.problems.size() == 1 ? "" : "s");
    return 2;
  }
  if (options.check) {
    fmt::print("{}", linekeeper::config::summary(*loaded.site));
    return 0;
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  try {
    boost::asio::io_context io(1);
    linekeeper::daemon::Daemon daemon(io, std::move(*loaded.site));
    if (const auto started = daemon.start(); !started) {
      log(Level::Error, "linekeeperd cannot start: " + started.error().to_string());
      return 1;
    }
    io.run();
  } catch (const std::exception& e) {
    log(Level::Error, fmt::format("linekeeperd ends by an error it does not know: {}. Routes stay as they are.", e.what()));
    return 1;
  }
  return 0;
}
