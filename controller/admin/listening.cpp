#include "controller/admin/listening.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace linekeeper::admin {
namespace {

constexpr int kBacklog = 64;

model::Error failed(std::string what, std::string remedy, int code) {
  return {.what = fmt::format("{}: {}", what, std::strerror(code)), .remedy = std::move(remedy), .code = code};
}

/// Closes the descriptor unless it is released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

const sockaddr* generic(const auto& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Makes room at `path` when what stands there is a socket that nobody listens on.
model::Result<void> clear_stale(const std::string& path, const sockaddr_un& address) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(
        failed("cannot look at " + path, "Let the daemon's user enter the folder, or set control_socket in [daemon] elsewhere", errno));
  }
  if (!S_ISSOCK(seen.st_mode)) {
    return std::unexpected(model::Error{
        .what = path + " exists and is not a socket", .remedy = "Move it away, or set control_socket in [daemon] to another path", .code = EEXIST});
  }
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return std::unexpected(failed("cannot make a socket", "", errno));
  if (::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return std::unexpected(failed("cannot remove the stale socket " + path, "Remove it by hand, or give the daemon's user its folder", errno));
  }
  return std::unexpected(model::Error{.what = "another process listens on " + path,
                                      .remedy =
                                          "Is a second linekeeperd running? See: systemctl status linekeeper; or set control_socket in [daemon] "
                                          "to another path",
                                      .code = EADDRINUSE});
}

}  // namespace

void UnixSocketFile::remove() const {
  struct stat seen{};
  if (path.empty() || ::lstat(path.c_str(), &seen) != 0) return;
  if (seen.st_dev == device && seen.st_ino == inode) ::unlink(path.c_str());
}

model::Result<UnixListener> open_unix_listener(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return std::unexpected(
        model::Error{.what = fmt::format("the socket path '{}' has {} bytes", path, path.size()),
                     .remedy = fmt::format("A Unix socket path has 1 to {} bytes (unix(7)): shorten it", sizeof address.sun_path - 1),
                     .code = ENAMETOOLONG});
  }
  path.copy(&address.sun_path[0], path.size());
  if (auto cleared = clear_stale(path, address); !cleared) return std::unexpected(cleared.error());

  Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return std::unexpected(failed("cannot make a socket", "", errno));
  if (::bind(listener.get(), generic(address), sizeof address) != 0) {
    return std::unexpected(
        failed("cannot bind " + path, "Its folder must exist and belong to the daemon's user (systemd: RuntimeDirectory=linekeeper)", errno));
  }
  UnixSocketFile file{.path = path};
  struct stat made{};
  if (::lstat(path.c_str(), &made) == 0) {
    file.device = made.st_dev;
    file.inode = made.st_ino;
  }
  // Nobody can connect before listen(2), so the mode is right from the first client on.
  if (::chmod(path.c_str(), 0660) != 0 || ::listen(listener.get(), kBacklog) != 0) {
    const int code = errno;
    file.remove();
    return std::unexpected(failed("cannot listen on " + path, "", code));
  }
  return UnixListener{.fd = listener.release(), .file = std::move(file)};
}

model::Result<TcpListener> open_tcp_listener(const std::string& address, std::uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  const bool is_v4 = ::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) {
    return std::unexpected(model::Error{.what = fmt::format("'{}' is not an IP address", address),
                                        .remedy = "Set listen in [http] to a numeric address such as 127.0.0.1",
                                        .code = EINVAL});
  }
  const std::string where = is_v4 ? fmt::format("{}:{}", address, port) : fmt::format("[{}]:{}", address, port);
  Descriptor listener(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return std::unexpected(failed("cannot make a socket for " + where, "", errno));
  const int yes = 1;
  // A restart must not wait for the last run's TIME_WAIT connections; a living listener still refuses us (socket(7)).
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const int bound = is_v4 ? ::bind(listener.get(), generic(v4), sizeof v4) : ::bind(listener.get(), generic(v6), sizeof v6);
  if (bound != 0 || ::listen(listener.get(), kBacklog) != 0) {
    const int code = errno;
    const char* remedy = code == EADDRINUSE      ? "Something listens there already (see: ss -ltnp); choose another port"
                         : code == EADDRNOTAVAIL ? "No interface has this address; 127.0.0.1 always exists"
                                                 : "Choose another address or port";
    return std::unexpected(failed("cannot listen on " + where, remedy, code));
  }
  socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
  sockaddr* out = is_v4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  if (::getsockname(listener.get(), out, &size) != 0) return std::unexpected(failed("cannot read the port of " + where, "", errno));
  return TcpListener{.fd = listener.release(), .port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port)};
}

std::optional<Peer> peer_of(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX) return std::nullopt;
  ucred credentials{};
  size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return Peer{.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid, .name = owner_name(credentials.uid)};
}

std::string owner_name(std::uint32_t uid, const char* passwd_file) {
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(passwd_file, "re"));
  if (file) {
    std::array<char, 4096> text{};
    passwd entry{};
    passwd* found = nullptr;
    while (::fgetpwent_r(file.get(), &entry, text.data(), text.size(), &found) == 0 && found != nullptr) {
      if (found->pw_uid == uid) return fmt::format("uid {} ({})", uid, found->pw_name);
    }
  }
  return fmt::format("uid {}", uid);
}

}  // namespace linekeeper::admin
