#include "probes/reflect.hpp"

#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace linekeeper::probes {
namespace {

constexpr int kLookEvery = 250;  // ms
constexpr int kPacketsATurn = 256;
constexpr std::size_t kLongest = 9216;  // a jumbo frame's; what is longer came in fragments and is no test packet

/// Errors of one answer (a route that is gone, a full buffer, a source that refuses) end nothing.
void answer_all(const Listening& at, StampReflector& reflector, std::span<std::uint8_t> in, std::span<std::uint8_t> out) {
  std::array<std::uint8_t, 512> quoted;
  while (runtime::receive_queued_error(at.socket.get(), quoted)) {
  }
  for (int n = 0; n < kPacketsATurn; ++n) {
    const auto packet = runtime::receive_datagram(at.socket.get(), in);
    if (!packet) return;
    if (packet->truncated) continue;
    const auto now = runtime::clocks_now();
    const Reflected came{.source = packet->source,
                         .port = packet->source_port,
                         .ttl = static_cast<std::uint8_t>(packet->ttl < 0 ? 0 : packet->ttl),
                         .received = ntp_time(packet->stamp.value_or(now.wall)),
                         .bytes = packet->bytes};
    const auto size = reflector.answer(came, ntp_time(runtime::clocks_now().wall), now.boot, out);
    if (!size) continue;
    [[maybe_unused]] const int lost =
        runtime::answer_datagram(at.socket.get(), out.first(*size), {.address = packet->source, .port = packet->source_port}, packet->destination);
  }
}

}  // namespace

model::Result<Listening> open_reflector(const runtime::Peer& listen) {
  auto socket = runtime::open_datagram_socket(listen.address.family, IPPROTO_UDP, "");
  if (!socket) return std::unexpected(socket.error());
  int error = runtime::want_ttl(socket->get(), listen.address.family);
  if (error == 0) error = runtime::bind_datagram(socket->get(), listen);
  if (error != 0) {
    const std::string where = listen.address.to_string() + " port " + std::to_string(listen.port);
    model::Error e{.what = "cannot listen on " + where + ": " + std::strerror(error), .remedy = "", .code = error};
    if (error == EACCES)
      e.remedy = "Ports below 1024 need CAP_NET_BIND_SERVICE: run as root, or take another one, for example: --listen 0.0.0.0:8620";
    if (error == EADDRINUSE) e.remedy = "Somebody listens there already. Who: ss -lunp";
    if (error == EADDRNOTAVAIL) e.remedy = "That address is none of this machine's. Which are: ip -brief address";
    return std::unexpected(e);
  }
  const auto here = runtime::local_peer(socket->get());
  return Listening{.socket = std::move(*socket), .here = here.value_or(listen)};
}

int reflect(const Listening& at, StampReflector& reflector, const std::function<bool()>& stopped) {
  std::array<std::uint8_t, kLongest> in, out;
  pollfd wait{.fd = at.socket.get(), .events = POLLIN, .revents = 0};
  while (!stopped()) {
    const int ready = ::poll(&wait, 1, kLookEvery);
    if (ready < 0 && errno != EINTR) return errno;
    if (ready > 0) answer_all(at, reflector, in, out);
  }
  return 0;
}

}  // namespace linekeeper::probes
