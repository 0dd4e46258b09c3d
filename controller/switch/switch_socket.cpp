#include "controller/switch/switch_socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "controller/runtime/log.hpp"

namespace linekeeper::route {
namespace {

using runtime::Level;

model::Error failure(const std::string& what, const std::string& remedy) {
  return {.what = what + ": " + std::strerror(errno), .remedy = remedy, .code = errno};
}

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof a.sun_path) return std::nullopt;
  std::memcpy(a.sun_path, path.data(), path.size());
  return a;
}

/// sd_listen_fds(3): descriptor 3 is ours when LISTEN_PID is us.
std::optional<int> passed_socket() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || std::to_string(getpid()) != pid || std::string_view(count) != "1") return std::nullopt;
  constexpr int kFirst = 3;
  fcntl(kFirst, F_SETFD, FD_CLOEXEC);
  fcntl(kFirst, F_SETFL, O_NONBLOCK);
  return kFirst;
}

/// The directory of the socket: made when missing, and then given to the user we are about to become.
void make_directory(const std::string& path, const std::optional<Identity>& owner) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return;
  const std::string directory = path.substr(0, slash);
  if (mkdir(directory.c_str(), 0755) == 0 && owner && chown(directory.c_str(), owner->uid, owner->gid) < 0)
    runtime::log(Level::Notice, "cannot give " + directory + " to " + owner->name + ": " + std::strerror(errno));
}

void send_to(int fd, const Reply& reply) {
  const std::string text = encode(reply);
  [[maybe_unused]] const auto sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

SwitchSocket::SwitchSocket(Descriptor listening, std::string path, std::vector<Identity> allowed)
    : listening_(std::move(listening)), path_(std::move(path)), allowed_(std::move(allowed)) {}

bool is_alive(const std::string& path) {
  const auto address = address_of(path);
  const Descriptor probe(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!address || !probe.open()) return false;
  // EAGAIN: its queue is full, so it lives.
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 || errno == EAGAIN;
}

model::Result<SwitchSocket> SwitchSocket::listen(const std::string& path, std::vector<Identity> allowed, const std::optional<Identity>& owner) {
  if (const auto fd = passed_socket()) return SwitchSocket(Descriptor(*fd), {}, std::move(allowed));
  const auto address = address_of(path);
  if (!address) return std::unexpected(model::Error{.what = "'" + path + "' is no path for a socket", .remedy = "it must have 1 to 107 characters"});
  if (is_alive(path))
    return std::unexpected(model::Error{
        .what = "another linekeeper-switch listens on " + path, .remedy = "stop that one first, or give another --socket", .code = EADDRINUSE});
  make_directory(path, owner);
  struct stat there{};
  if (lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode))
      return std::unexpected(
          model::Error{.what = path + " exists and is no socket", .remedy = "move it away, or give another --socket", .code = EEXIST});
    ::unlink(path.c_str());  // stale: nobody answered
  }
  Descriptor fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.open()) return std::unexpected(failure("cannot make a socket", "see the limit on open files"));
  const mode_t old = umask(0117);  // 0660 from its first instant
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int why = errno;
  umask(old);
  errno = why;
  if (bound < 0 || ::listen(fd.get(), 8) < 0) return std::unexpected(failure("cannot listen on " + path, "its directory must exist and be writable"));
  // Under systemd the process has the right group already, and may not chown.
  if (!allowed.empty() && allowed.front().gid != getegid() && ::chown(path.c_str(), static_cast<uid_t>(-1), allowed.front().gid) < 0)
    runtime::log(Level::Notice, fmt::format("cannot give {} to the group of {}: {}", path, allowed.front().name, std::strerror(errno)));
  return SwitchSocket(std::move(fd), path, std::move(allowed));
}

void SwitchSocket::accept() {
  Descriptor fresh(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fresh.open()) return;
  ucred who{};
  socklen_t size = sizeof who;
  const bool known = getsockopt(fresh.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
  if (!known || (who.uid != 0 && !std::ranges::any_of(allowed_, [&](const Identity& i) { return i.uid == who.uid; }))) {
    runtime::log(Level::Warning, fmt::format("refused a connection of uid {} (pid {}): not an --allow-user", who.uid, who.pid));
    send_to(fresh.get(), Refused{.generation = 0,
                                 .guard = "peer",
                                 .why = fmt::format("uid {} may not give orders to linekeeper-switch", who.uid),
                                 .remedy = "start linekeeper-switch with --allow-user for that user",
                                 .classes = {}});
    return;
  }
  newcomer_ = std::move(fresh);
}

void SwitchSocket::promote() {
  char first = 0;
  const ssize_t got = ::recv(newcomer_.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Descriptor next = std::exchange(newcomer_, Descriptor());
  if (got <= 0) return;  // only looked
  if (peer_.open()) {
    runtime::log(Level::Notice, "a newer connection takes the place of the one before");
    send_to(peer_.get(), Refused{.generation = 0,
                                 .guard = "connection",
                                 .why = "a newer connection has taken over",
                                 .remedy = "only one linekeeperd may run on a site",
                                 .classes = {}});
  } else {
    runtime::log(Level::Info, "connected");
  }
  peer_ = std::move(next);
}

std::optional<std::string> SwitchSocket::receive() {
  std::string text(kMaxMessage + 1, '\0');
  const ssize_t got = ::recv(peer_.get(), text.data(), text.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got <= 0) {  // SOCK_SEQPACKET: an empty message cannot be told from the end, and is as useless
    runtime::log(Level::Notice, "the daemon has gone; routes stay as they are");
    peer_ = Descriptor();
    return std::nullopt;
  }
  text.resize(static_cast<std::size_t>(got));
  return text;
}

void SwitchSocket::send(const Reply& reply) {
  if (!peer_.open()) return;
  const std::string text = encode(reply);
  if (::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return;
  runtime::log(Level::Warning, fmt::format("the daemon does not take its answer ({}): connection closed", std::strerror(errno)));
  peer_ = Descriptor();
}

void SwitchSocket::close() {
  peer_ = Descriptor();
  newcomer_ = Descriptor();
  listening_ = Descriptor();
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace linekeeper::route
