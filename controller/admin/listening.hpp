#pragma once
// Listening sockets and who is at the other end, by plain system calls: errors keep their errno and get a remedy.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "controller/admin/api.hpp"
#include "controller/model/error.hpp"

namespace linekeeper::admin {

/// A Unix socket we made: removed again only while it is still the one we made (a successor may have replaced it).
struct UnixSocketFile {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  void remove() const;
};

struct UnixListener {
  int fd = -1;
  UnixSocketFile file;
};

/// A listening, non-blocking Unix stream socket (unix(7)), mode 0660. A stale socket file is replaced. Errors: someone
/// answers there already; something else stands there; the folder is missing or not ours; the path exceeds 107 bytes.
model::Result<UnixListener> open_unix_listener(const std::string& path);

struct TcpListener {
  int fd = -1;
  std::uint16_t port = 0;  ///< the real one, when 0 was asked for
};

/// @param address numeric IPv4 or IPv6
model::Result<TcpListener> open_tcp_listener(const std::string& address, std::uint16_t port);

/// SO_PEERCRED of a connected Unix socket, as they were at connect(2). Nothing for other sockets.
std::optional<Peer> peer_of(int fd);

/// "uid 1000 (mira)", or "uid 1000" when the file does not know the number.
/// @param passwd_file read directly: getpwuid(3) may ask LDAP across the very network that has just failed, and would hang the loop
std::string owner_name(std::uint32_t uid, const char* passwd_file = "/etc/passwd");

}  // namespace linekeeper::admin
