#include "tests/sockets/namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "controller/runtime/unique_fd.hpp"

extern char** environ;

namespace linekeeper::tests {
namespace {

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return static_cast<bool>(file);
}

bool loopback_up() {
  const runtime::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

bool set_sysctl(const std::string& path, const std::string& value) { return write_file("/proc/sys/" + path, value); }

std::string enter_namespace() {
  const auto uid = std::to_string(::getuid()), gid = std::to_string(::getgid());
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return std::string("this kernel allows no network namespace here: ") + std::strerror(errno);
  if (!root && (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", "0 " + uid + " 1") ||
                !write_file("/proc/self/gid_map", "0 " + gid + " 1")))
    return "cannot become root of a user namespace";
  if (!loopback_up()) return "cannot set loopback up in a network namespace";
  if (!set_sysctl("net/ipv4/ping_group_range", "0 0")) return "cannot allow ping sockets (net.ipv4.ping_group_range)";
  return {};
}

Child::Child(const std::vector<std::string>& argv) {
  std::vector<char*> raw;
  for (const auto& a : argv) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  if (::posix_spawnp(&pid_, raw[0], &files, nullptr, raw.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&files);
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  [[maybe_unused]] const int status = wait();
}

int Child::wait() {
  if (pid_ <= 0) return 127;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int run(const std::vector<std::string>& argv) { return Child(argv).wait(); }

}  // namespace linekeeper::tests
