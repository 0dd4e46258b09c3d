#pragma once
// The site of switch_namespace.hpp with a world at the end of each circuit: a host 198.51.100.7 that answers UDP packets with the
// address they came from, over wan0 and over wan1 alike, and a host on the LAN that sends them. So a test sees by which circuit a
// flow really goes, whatever the tables say.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/unit/switch_namespace.hpp"

namespace linekeeper::route::fixture {

inline sockaddr_in udp_address(const char* address, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  inet_pton(AF_INET, address, &a.sin_addr);
  return a;
}

/// A namespace beside the site's, entered for as long as it takes to make sockets in it.
class Beside {
 public:
  Beside() : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    made_ = home_ >= 0 && unshare(CLONE_NEWNET) == 0;
    there_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    back();
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    close(home_);
    close(there_);
  }
  void go() const { setns(there_, CLONE_NEWNET); }
  void back() const { setns(home_, CLONE_NEWNET); }
  [[nodiscard]] bool made() const { return made_; }
  /// For `ip link set X netns`.
  [[nodiscard]] std::string path() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(there_); }

 private:
  int home_, there_ = -1;
  bool made_ = false;
};

/// The host behind both circuits: answers until it goes out of scope.
class Echo {
 public:
  explicit Echo(const Beside& world) {
    world.go();
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in a = udp_address("198.51.100.7", 7);
    bind(fd_, reinterpret_cast<const sockaddr*>(&a), sizeof a);
    world.back();
    answers_ = std::thread([this] {
      while (!stop_) {
        pollfd p{fd_, POLLIN, 0};
        if (poll(&p, 1, 20) != 1) continue;
        char text[64];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        if (recvfrom(fd_, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &size) < 0) continue;
        inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
        sendto(fd_, text, std::strlen(text), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
    });
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  ~Echo() {
    stop_ = true;
    answers_.join();
    close(fd_);
  }

 private:
  int fd_;
  std::atomic<bool> stop_ = false;
  std::thread answers_;
};

/// One flow of a host on the LAN: the same ports for all of its life, as a call has.
class Talk {
 public:
  Talk(const Beside& lan, std::uint16_t port, const char* address = "10.77.0.5") {
    lan.go();
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in from = udp_address(address, port);
    const sockaddr_in to = udp_address("198.51.100.7", 7);
    ready_ = fd_ >= 0 && bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0 &&
             connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    lan.back();
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;
  ~Talk() { close(fd_); }

  /// The address that the far end sees of one packet of this flow; "" when no answer comes within 200 ms.
  [[nodiscard]] std::string seen_as() const {
    if (!ready_ || send(fd_, "x", 1, 0) != 1) return "cannot send";
    pollfd p{fd_, POLLIN, 0};
    char text[64];
    if (poll(&p, 1, 200) != 1) return {};
    const ssize_t got = recv(fd_, text, sizeof text, 0);
    return got < 0 ? std::string() : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  int fd_ = -1;
  bool ready_ = false;
};

/// Gives the far ends of wan0 and wan1 to one world that has the gateways and the host, and the far end of lan0 to a host.
/// @return "" or why not.
inline std::string enter_world(const Beside& world, const Beside& lan) {
  if (!world.made() || !lan.made()) return "no namespaces beside this one";
  for (const char* device : {"far0", "far1"})
    if (run(std::string("ip link set ") + device + " netns " + world.path()) != 0) return std::string("cannot move ") + device;
  if (run("ip link set far2 netns " + lan.path()) != 0) return "cannot move far2";
  world.go();
  for (const char* command : {"ip link set lo up", "ip address add 198.51.100.7/32 dev lo", "ip link set far0 up", "ip link set far1 up",
                              "ip address add 10.0.1.1/24 dev far0", "ip address add 10.0.2.1/24 dev far1"})
    run(command);
  world.back();
  lan.go();
  for (const char* command :
       {"ip link set lo up", "ip link set far2 up", "ip address add 10.77.0.5/24 dev far2", "ip route add default via 10.77.0.1"})
    run(command);
  lan.back();
  for (const char* command : {"ip link set wan0 up", "ip link set wan1 up", "ip link set lan0 up", "ip neighbour del 10.0.1.1 dev wan0",
                              "ip neighbour del 10.0.2.1 dev wan1"})
    run(command);
  for (const char* file :
       {"/proc/sys/net/ipv4/conf/all/rp_filter", "/proc/sys/net/ipv4/conf/wan0/rp_filter", "/proc/sys/net/ipv4/conf/wan1/rp_filter"})
    std::ofstream(file) << "0";
  if (run("nft list tables") != 0) return "the kernel has no nftables";
  return {};
}

}  // namespace linekeeper::route::fixture
