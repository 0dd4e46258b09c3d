#pragma once
// A network namespace of the test's own with two circuits and a LAN, for tests that write real routes.
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace linekeeper::route::fixture {

/// Runs a program with arguments separated by blanks; what it prints goes to `output`. @return its exit status, or -1.
inline int run(const std::string& command, std::string* output = nullptr) {
  std::istringstream words(command);
  std::vector<std::string> parts{std::istream_iterator<std::string>(words), {}};
  std::vector<char*> argv;
  for (auto& p : parts) argv.push_back(p.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe(ends) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  if (output == nullptr) posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  pid_t pid = -1;
  const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  if (failed != 0) return -1;
  int status = 0;
  waitpid(pid, &status, 0);
  if (output != nullptr) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

inline std::string shown(const std::string& command) {
  std::string text;
  run(command, &text);
  return text;
}

/// @return why there can be no namespace here, or "" once this thread is in a fresh one with the site built.
inline std::string enter_site() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWNET) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return std::string("no namespace: ") + std::strerror(errno);
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  }
  // The far ends have no address: what matters is that our ends have carrier and know their gateways' link addresses.
  for (const char* command :
       {"ip link set lo up", "ip link add wan0 type veth peer name far0", "ip link add wan1 type veth peer name far1",
        "ip link add lan0 type veth peer name far2", "ip link set far0 up", "ip link set far1 up", "ip link set far2 up", "ip link set wan0 up",
        "ip link set wan1 up", "ip link set lan0 up", "ip address add 10.0.1.2/24 dev wan0", "ip address add 10.0.2.2/24 dev wan1",
        "ip address add 10.77.0.1/24 dev lan0", "ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:01 dev wan0 nud permanent",
        "ip neighbour replace 10.0.2.1 lladdr 02:00:00:00:00:02 dev wan1 nud permanent", "ip route add default via 10.0.1.1 dev wan0 metric 100"})
    if (run(command) != 0) return std::string("not here: ") + command;
  if (std::ofstream("/proc/sys/net/ipv4/ip_forward") << "1"; run("ip nexthop show") != 0) return "the kernel has no nexthop objects";
  return {};
}

}  // namespace linekeeper::route::fixture

// Leaves the test case, saying why, where the machine allows no namespace.
#define LK_ENTER_SITE()                                                      \
  if (const std::string why_not = fixture::enter_site(); !why_not.empty()) { \
    std::cout << "SKIPPED: " << why_not << "\n";                             \
    return;                                                                  \
  }
