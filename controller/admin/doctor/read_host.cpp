#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timex.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string_view>

#include "controller/admin/doctor/judging.hpp"
#include "controller/admin/doctor/read.hpp"
#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::admin::doctor {
namespace {

constexpr timeval kPatience{.tv_sec = 0, .tv_usec = 300'000};

using Address = std::unique_ptr<addrinfo, decltype([](addrinfo* a) { ::freeaddrinfo(a); })>;

Address numeric(const std::string& address, std::uint16_t port) {
  const addrinfo hints{.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return nullptr;
  return Address(found);
}

/// Whoever listens there is asked for his name: our pages say "Server: linekeeper".
bool answers_as_linekeeper(const addrinfo& a) {
  const runtime::UniqueFd fd(::socket(a.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(fd.get(), a.ai_addr, a.ai_addrlen) != 0) return false;
  constexpr std::string_view kQuestion = "HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), kQuestion.data(), kQuestion.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kQuestion.size())) return false;
  std::array<char, 2048> answer{};
  const auto got = ::recv(fd.get(), answer.data(), answer.size(), 0);
  return got > 0 && std::string_view(answer.data(), static_cast<std::size_t>(got)).find("Server: linekeeper") != std::string_view::npos;
}

Fact<Port> read_port(const std::string& address, std::uint16_t port) {
  const Address at = numeric(address, port);
  if (!at) return kNotRead;
  const runtime::UniqueFd fd(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(unread(errno));
  const int on = 1;  // as the daemon does: connections that have ended are not in its way
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), at->ai_addr, at->ai_addrlen) == 0) return Port::Free;
  if (errno == EADDRNOTAVAIL) return Port::NoSuchAddress;
  if (errno != EADDRINUSE) return std::unexpected(unread(errno));
  return answers_as_linekeeper(*at) ? Port::Ours : Port::Foreign;
}

/// Of the file system where the journal is, or will be.
Fact<Disk> read_disk(const std::string& journal) {
  struct statvfs about{};
  std::string folder = directory_of(journal);
  while (::statvfs(folder.c_str(), &about) != 0) {
    if (errno != ENOENT || folder == "/") return std::unexpected(unread(errno));
    folder = directory_of(folder);
  }
  std::error_code none;
  const auto size = std::filesystem::file_size(journal, none);
  return Disk{.free_bytes = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize, .journal_bytes = none ? 0 : size};
}

/// adjtimex(2) with nothing to set: anybody may ask.
Fact<bool> read_clock() {
  timex state{};
  const int answer = ::adjtimex(&state);
  if (answer < 0) return std::unexpected(unread(errno));
  return answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

}  // namespace

void read_host(const model::Site& site, Facts& facts) {
  facts.clock_synchronised = read_clock();
  facts.disk = read_disk(site.endpoints.journal);
  if (site.endpoints.http_port != 0) facts.port = read_port(site.endpoints.http_address, site.endpoints.http_port);
  facts.resolv_conf = text_of_file("/etc/resolv.conf");
  std::error_code ignored;
  facts.resolv_conf_is = std::filesystem::weakly_canonical("/etc/resolv.conf", ignored).string();
}

}  // namespace linekeeper::admin::doctor
