#pragma once
// The socket the daemon speaks over: who may connect, one peer at a time (the newest), whole messages, no waiting.
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/switch/privileges.hpp"
#include "controller/switch/protocol.hpp"

namespace linekeeper::route {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

class SwitchSocket {
 public:
  /// Takes the socket systemd passed (LISTEN_FDS, sd_listen_fds(3)), or makes one at `path` with mode 0660, its directory where
  /// that is missing, and the group of the first allowed user. A stale socket is replaced, a living one is an error.
  static model::Result<SwitchSocket> listen(const std::string& path, std::vector<Identity> allowed, const std::optional<Identity>& owner);
  SwitchSocket(SwitchSocket&&) noexcept = default;
  SwitchSocket& operator=(SwitchSocket&&) noexcept = default;

  [[nodiscard]] int listening() const { return listening_.get(); }
  [[nodiscard]] int peer() const { return peer_.get(); }  ///< -1: nobody
  [[nodiscard]] int newcomer() const { return newcomer_.get(); }

  /// Takes one waiting connection: refused with a message when its user may not, else it is the newcomer (one at a time).
  void accept();
  /// The newcomer takes the peer's place with its first message, not by merely connecting: somebody who only looks whether we
  /// live must not cut off the daemon. Call when `newcomer` is readable.
  void promote();
  /// One message from the peer. Nothing: none waiting, or the peer has gone. Longer than kMaxMessage: one byte more than that.
  std::optional<std::string> receive();
  /// Never waits: a peer that does not read is dropped.
  void send(const Reply& reply);
  void close();  ///< and removes the path, when we made it

 private:
  SwitchSocket(Descriptor listening, std::string path, std::vector<Identity> allowed);
  Descriptor listening_;
  Descriptor peer_;
  Descriptor newcomer_;
  std::string path_;  // empty: systemd's
  std::vector<Identity> allowed_;
};

/// True when somebody listens there.
[[nodiscard]] bool is_alive(const std::string& path);

}  // namespace linekeeper::route
