// linekeeper-switch: the only program of the house with a privilege. It takes plans from linekeeperd over a local socket,
// refuses those that break an invariant, writes routes and rules, and reads them back. It never reads the Internet.
// This file is wiring: options -> socket -> fewer privileges -> kernel -> loop.
#include <fmt/format.h>
#include <getopt.h>

#include <csignal>
#include <cstdio>

#include "controller/runtime/log.hpp"
#include "controller/runtime/sd_notify.hpp"
#include "controller/switch/switch_loop.hpp"

#ifndef LINEKEEPER_VERSION
#error "the build gives the version"
#endif

namespace {

namespace route = linekeeper::route;
using linekeeper::runtime::Level;
using linekeeper::runtime::log;

constexpr const char* kHelp =
    R"(linekeeper-switch: writes the routes that linekeeperd decides, within invariants of its own.

usage: linekeeper-switch [options]

  --socket PATH         where linekeeperd connects (default /run/linekeeper-switch/switch.sock);
                        a socket passed by systemd takes its place
  --allow-user USER     name or number of a user who may connect; repeatable (root always may)
  --user USER           become this user, keeping CAP_NET_ADMIN alone
  --state FILE          memory across restarts (default: state beside the socket)
  --verbose             log what changes nothing, too
  --remove-everything   remove every route, rule and nexthop and the nftables table of ours, say which, and end
  --version, --help

Routes stay as they are when it ends. Tables 7000-7999, rules 7000-7999, nexthops 70000-79999,
protocol 178 and nftables' table ip linekeeper are its own; the main table is never written.
)";

struct Options {
  std::string socket = "/run/linekeeper-switch/switch.sock";
  std::string state;
  std::vector<route::Identity> allowed;
  std::optional<route::Identity> user;
  bool verbose = false;
  bool remove_everything = false;
};

int fail(const linekeeper::model::Error& error, int status) {
  log(Level::Error, error.to_string());
  return status;
}

/// @return options, or the exit status when there is nothing more to do.
std::expected<Options, int> read_options(int argc, char** argv) {
  enum { Socket = 1, AllowUser, User, State, Verbose, RemoveEverything, Version, Help };
  const option known[] = {{"socket", required_argument, nullptr, Socket},
                          {"allow-user", required_argument, nullptr, AllowUser},
                          {"user", required_argument, nullptr, User},
                          {"state", required_argument, nullptr, State},
                          {"verbose", no_argument, nullptr, Verbose},
                          {"remove-everything", no_argument, nullptr, RemoveEverything},
                          {"version", no_argument, nullptr, Version},
                          {"help", no_argument, nullptr, Help},
                          {nullptr, 0, nullptr, 0}};
  Options o;
  for (int c = 0; (c = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (c) {
      case Socket: o.socket = optarg; break;
      case State: o.state = optarg; break;
      case Verbose: o.verbose = true; break;
      case RemoveEverything: o.remove_everything = true; break;
      case AllowUser:
      case User: {
        auto who = route::find_user(optarg);
        if (!who) return std::unexpected(fail(who.error(), 2));
        if (c == AllowUser)
          o.allowed.push_back(*who);
        else
          o.user = *who;
        break;
      }
      case Version:
        fmt::print("linekeeper-switch {} ({}), protocol {}\n", LINEKEEPER_VERSION, LINEKEEPER_REVISION, route::kProtocolVersion);
        return std::unexpected(0);
      case Help: std::fputs(kHelp, stdout); return std::unexpected(0);
      default: std::fputs("see linekeeper-switch --help\n", stderr); return std::unexpected(2);
    }
  }
  if (optind < argc) return std::unexpected(fail({.what = fmt::format("'{}' is no option", argv[optind]), .remedy = "see --help"}, 2));
  if (o.state.empty()) {
    const auto slash = o.socket.rfind('/');
    o.state = (slash == std::string::npos ? std::string() : o.socket.substr(0, slash + 1)) + "state";
  }
  return o;
}

int remove_everything(route::RouteSwitch& route_switch) {
  auto removed = route_switch.remove_everything();
  if (!removed) return fail(removed.error(), 1);
  for (const auto& words : *removed) fmt::print("removed {}\n", words);
  fmt::print("{} objects removed; the host routes as it would without Linekeeper\n", removed->size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = read_options(argc, argv);
  if (!options) return options.error();
  if (options->verbose) linekeeper::runtime::set_log_level(Level::Debug);
  std::signal(SIGPIPE, SIG_IGN);

  std::optional<route::SwitchSocket> socket;
  if (options->remove_everything) {
    if (route::is_alive(options->socket))
      return fail({.what = "a linekeeper-switch is running and would repair what is removed", .remedy = "stop it first"}, 1);
  } else {
    auto listening = route::SwitchSocket::listen(options->socket, options->allowed, options->user);  // while we may still make directories
    if (!listening) return fail(listening.error(), 1);
    socket = std::move(*listening);
  }

  auto remarks = route::keep_net_admin_only(options->user);
  if (!remarks) return fail(remarks.error(), 1);
  for (const auto& remark : *remarks) log(Level::Notice, remark);

  auto kernel = route::Kernel::open();
  if (!kernel) return fail(kernel.error(), 1);
  auto route_switch = route::RouteSwitch::adopt(std::move(*kernel), route::MemoryFile(options->state));
  if (!route_switch) return fail(route_switch.error(), 1);
  if (options->remove_everything) return remove_everything(*route_switch);

  auto loop = route::SwitchLoop::open(std::move(*route_switch), std::move(*socket));
  if (!loop) return fail(loop.error(), 1);
  log(Level::Info, fmt::format("linekeeper-switch {} listens on {}", LINEKEEPER_VERSION, options->socket));
  linekeeper::runtime::sd_notify("READY=1");
  const auto ended = loop->run();
  linekeeper::runtime::sd_notify("STOPPING=1");
  if (!ended) return fail(ended.error(), 1);
  log(Level::Info, fmt::format("ended by signal {}; routes stay as they are", *ended));
  return 0;
}
