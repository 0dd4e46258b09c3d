#include "tests/sockets/crash_points.hpp"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct mnl_socket;

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): the linker's names, ld(1) --wrap
extern "C" {
ssize_t __real_mnl_socket_sendto(const mnl_socket* socket, const void* bytes, std::size_t size);
ssize_t __real_write(int fd, const void* bytes, std::size_t size);
int __real_rename(const char* from, const char* to);
}

namespace linekeeper::tests {
namespace {

std::size_t g_deadly = 0, g_passed = 0;
bool g_only_asked = false;  // since the last point nothing has changed outside

bool is_deadly_point() {
  g_only_asked = false;
  return ++g_passed == g_deadly;
}

/// A dump or a route question: changes want an acknowledgement, or are the batches of nftables.
bool is_question(const void* bytes) {
  const auto& h = *static_cast<const nlmsghdr*>(bytes);
  return (h.nlmsg_flags & NLM_F_ACK) == 0 && h.nlmsg_type != NFNL_MSG_BATCH_BEGIN;
}

bool is_file(int fd) {
  struct stat what{};
  return fd > STDERR_FILENO && ::fstat(fd, &what) == 0 && S_ISREG(what.st_mode);
}

}  // namespace

void die_at(std::size_t point) {
  g_deadly = point;
  g_passed = 0;
  g_only_asked = false;
}

}  // namespace linekeeper::tests

using linekeeper::tests::is_deadly_point;
using linekeeper::tests::kDiedAtPoint;

extern "C" ssize_t __wrap_mnl_socket_sendto(const mnl_socket* socket, const void* bytes, std::size_t size) {
  const bool question = linekeeper::tests::is_question(bytes);
  if (!(question && linekeeper::tests::g_only_asked) && is_deadly_point()) ::_exit(kDiedAtPoint);
  linekeeper::tests::g_only_asked = question;
  return __real_mnl_socket_sendto(socket, bytes, size);
}

/// Three points: nothing written, half of it, all of it.
extern "C" ssize_t __wrap_write(int fd, const void* bytes, std::size_t size) {
  if (!linekeeper::tests::is_file(fd)) return __real_write(fd, bytes, size);
  if (is_deadly_point()) ::_exit(kDiedAtPoint);
  if (is_deadly_point()) {
    const bool half = __real_write(fd, bytes, size / 2) >= 0;
    ::_exit(half ? kDiedAtPoint : 1);
  }
  const ssize_t wrote = __real_write(fd, bytes, size);
  if (is_deadly_point()) ::_exit(kDiedAtPoint);
  return wrote;
}

/// After it; before it is after the write.
extern "C" int __wrap_rename(const char* from, const char* to) {
  const int done = __real_rename(from, to);
  if (is_deadly_point()) ::_exit(kDiedAtPoint);
  return done;
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
