// A sender and receivers of numbered UDP packets, for one question: does a change of routes lose, reorder or refuse a packet?
//
//   gap_probe send FAMILY SOURCE TO PORT RATE SECONDS [MARK]   paced by the clock in small bursts; at the end one JSON line:
//                                                            sent, rate, and refused: each errno with which send(2) refused one
//   gap_probe receive FAMILY LISTEN PORT                     until SIGTERM; one JSON line: received, late (came after a higher one), twice,
//                                                            overflowed (lost in our own buffer, SO_RXQ_OVFL, and by no route), and
//                                                            came: the numbers, as [first, last] of each run of them
//
// The payload is the number alone, in host order: both ends are on one machine.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBuffer = 64 * 1024 * 1024;
constexpr std::uint64_t kMostPackets = 64'000'000;

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address address(int family, const char* text, const char* port) {
  Address a;
  const auto number = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  if (family == AF_INET6) {
    auto* six = reinterpret_cast<sockaddr_in6*>(&a.bytes);
    six->sin6_family = AF_INET6;
    six->sin6_port = number;
    inet_pton(AF_INET6, text, &six->sin6_addr);
    a.size = sizeof *six;
  } else {
    auto* four = reinterpret_cast<sockaddr_in*>(&a.bytes);
    four->sin_family = AF_INET;
    four->sin_port = number;
    inet_pton(AF_INET, text, &four->sin_addr);
    a.size = sizeof *four;
  }
  return a;
}

int opened(int family, const char* local, const char* port) {
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Address here = address(family, local, port);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&here.bytes), here.size) != 0) {
    std::fprintf(stderr, "cannot use %s: %s\n", local, std::strerror(errno));
    std::exit(1);
  }
  return fd;
}

int send_all(int family, char** words, int count) {
  const int fd = opened(family, words[0], "0");
  const Address to = address(family, words[1], words[2]);
  const double rate = std::strtod(words[3], nullptr);
  const auto total = static_cast<std::uint64_t>(rate * std::strtod(words[4], nullptr));
  const int mark = count > 5 ? static_cast<int>(std::strtol(words[5], nullptr, 0)) : 0;
  if (mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) return std::perror("SO_MARK"), 1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to.bytes), to.size) != 0) return std::perror("connect"), 1;
  std::map<int, std::uint64_t> refused;
  const auto begun = Clock::now();
  std::uint64_t n = 0;
  while (n < total) {
    const double due = rate * std::chrono::duration<double>(Clock::now() - begun).count();
    // What is due goes out; what a busy machine kept us from sending is made up for, in bursts that no queue on the way minds.
    for (int burst = 0; burst < 64 && n < total && static_cast<double>(n) < due; ++burst, ++n)
      while (::send(fd, &n, sizeof n, 0) < 0 && errno != EINTR) {
        ++refused[errno];
        if (errno != ENOBUFS && errno != EAGAIN) break;
      }
    if (static_cast<double>(n) >= due) std::this_thread::yield();  // no sleep: a gap of 50 us is to meet two packets
  }
  const double took = std::chrono::duration<double>(Clock::now() - begun).count();
  std::string errors;
  for (const auto& [code, times] : refused)
    errors += (errors.empty() ? "" : ", ") + ("\"" + std::string(strerrorname_np(code)) + "\": " + std::to_string(times));
  std::printf(R"({"sent": %llu, "rate": %.0f, "refused": {%s}})"
              "\n",
              static_cast<unsigned long long>(n), static_cast<double>(n) / took, errors.c_str());
  return 0;
}

struct Counted {
  std::uint64_t received = 0, late = 0, twice = 0, highest = 0;
  std::uint32_t overflowed = 0;
  std::vector<bool> seen;

  void add(std::uint64_t n) {
    ++received;
    if (n >= kMostPackets) return;
    if (n >= seen.size()) seen.resize(n + 1'000'000);
    if (seen[n]) ++twice;
    seen[n] = true;
    if (n < highest) ++late;
    highest = std::max(highest, n);
  }
  [[nodiscard]] std::string runs() const {
    std::string text;
    for (std::uint64_t n = 0; n < seen.size(); ++n) {
      if (!seen[n]) continue;
      const std::uint64_t first = n;
      while (n + 1 < seen.size() && seen[n + 1]) ++n;
      text += (text.empty() ? "[" : ", [") + std::to_string(first) + ", " + std::to_string(n) + "]";
    }
    return text;
  }
};

volatile std::sig_atomic_t g_over = 0;

/// What the kernel says it had no room for (SO_RXQ_OVFL): a running total with each packet.
void note_overflow(msghdr& m, Counted& counted) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) std::memcpy(&counted.overflowed, CMSG_DATA(c), sizeof counted.overflowed);
}

int receive_all(int family, char** words) {
  const int fd = opened(family, words[0], words[1]);
  std::signal(SIGTERM, [](int) { g_over = 1; });
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) != 0) ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer);
  ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  std::printf("ready\n");
  std::fflush(stdout);
  constexpr std::size_t kAtOnce = 256;
  std::array<std::uint64_t, kAtOnce> numbers{};
  std::array<iovec, kAtOnce> parts{};
  std::array<mmsghdr, kAtOnce> messages{};
  std::array<std::array<char, CMSG_SPACE(sizeof(std::uint32_t))>, kAtOnce> controls{};
  Counted counted;
  for (pollfd p{fd, POLLIN, 0}; ::poll(&p, 1, 100) == 1 || g_over == 0;) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      parts[i] = {.iov_base = &numbers[i], .iov_len = sizeof numbers[i]};
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_control = controls[i].data();
      messages[i].msg_hdr.msg_controllen = controls[i].size();
    }
    const int got = ::recvmmsg(fd, messages.data(), kAtOnce, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < got; ++i) {
      counted.add(numbers[static_cast<std::size_t>(i)]);
      note_overflow(messages[static_cast<std::size_t>(i)].msg_hdr, counted);
    }
  }
  std::printf(R"({"received": %llu, "late": %llu, "twice": %llu, "overflowed": %u, "came": [%s]})"
              "\n",
              static_cast<unsigned long long>(counted.received), static_cast<unsigned long long>(counted.late),
              static_cast<unsigned long long>(counted.twice), counted.overflowed, counted.runs().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  const int family = argc > 2 && std::string(argv[2]) == "6" ? AF_INET6 : AF_INET;
  if (what == "send" && argc >= 8) return send_all(family, argv + 3, argc - 3);
  if (what == "receive" && argc == 5) return receive_all(family, argv + 3);
  std::fputs("usage: gap_probe send 4|6 SOURCE TO PORT RATE SECONDS [MARK] | receive 4|6 LISTEN PORT\n", stderr);
  return 2;
}
