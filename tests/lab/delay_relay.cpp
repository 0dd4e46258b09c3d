// A wire that is longer than it looks: carries Ethernet frames between two interfaces and holds each for a while.
// For kernels without netem. AF_PACKET (packet(7)) at both ends; order is kept, nothing is dropped but what overflows.
//
//   delay_relay LEFT RIGHT MILLISECONDS        the same delay each way
//
// The interfaces must not be in a bridge and must have no address: then we are the only one who hears the frames.
// Single-threaded: poll on both sockets, two queues, one timer that is the poll's timeout.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxFrame = 65536;
constexpr std::size_t kMaxHeld = 100000;  // frames a direction; beyond it the oldest way of networks applies: drop

struct Held {
  Clock::time_point due;
  std::vector<char> frame;
};

struct Side {
  int fd = -1;
  std::deque<Held> incoming;  ///< heard here, to be sent on the other side
};

int open_interface(const char* name) {
  const unsigned index = if_nametoindex(name);
  if (index == 0) return -1;
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  if (fd < 0) return -1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = static_cast<int>(index);
  promiscuous.mr_type = PACKET_MR_PROMISC;
  const int size = 4 << 20, yes = 1;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) != 0) {
    close(fd);
    return -1;
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);  // best effort: the default only holds fewer frames
  return fd;
}

void hear(Side& side, Clock::duration delay) {
  static std::array<char, kMaxFrame> buffer;
  for (;;) {
    const ssize_t n = recv(side.fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return;
    if (side.incoming.size() < kMaxHeld) side.incoming.push_back({Clock::now() + delay, {buffer.data(), buffer.data() + n}});
  }
}

void send_due(Side& from, const Side& to, Clock::time_point now) {
  while (!from.incoming.empty() && from.incoming.front().due <= now) {
    const auto& frame = from.incoming.front().frame;
    // A frame that does not go out (interface down, full queue) is a lost frame, as on any wire.
    (void)!send(to.fd, frame.data(), frame.size(), 0);
    from.incoming.pop_front();
  }
}

timespec until_next(const Side& a, const Side& b, Clock::time_point now) {
  auto wait = Clock::duration(std::chrono::seconds(1));
  for (const Side* s : {&a, &b})
    if (!s->incoming.empty()) wait = std::min(wait, std::max(s->incoming.front().due - now, Clock::duration::zero()));
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count();
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

}  // namespace

int main(int argc, char** argv) {
  double milliseconds = -1;
  if (argc == 4) std::from_chars(argv[3], argv[3] + std::strlen(argv[3]), milliseconds);
  if (milliseconds < 0 || milliseconds > 60'000) {
    std::fprintf(stderr, "usage: delay_relay LEFT RIGHT MILLISECONDS (0 to 60000, each way)\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Side left{open_interface(argv[1]), {}}, right{open_interface(argv[2]), {}};
  if (left.fd < 0 || right.fd < 0) {
    std::fprintf(stderr, "delay_relay: cannot listen on %s and %s: %s\n", argv[1], argv[2], std::strerror(errno));
    return 1;
  }
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(milliseconds));
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    pollfd ready[] = {{left.fd, POLLIN, 0}, {right.fd, POLLIN, 0}};
    const timespec wait = until_next(left, right, Clock::now());
    if (ppoll(ready, 2, &wait, nullptr) < 0 && errno != EINTR) return 1;
    if (ready[0].revents != 0) hear(left, delay);
    if (ready[1].revents != 0) hear(right, delay);
    const auto now = Clock::now();
    send_due(left, right, now);
    send_due(right, left, now);
  }
}
