#include "probes/checks/echo_series.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/runtime/datagram_socket.hpp"
#include "probes/checks/sized_echo.hpp"
#include "probes/round_trip.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;

namespace {

constexpr std::size_t kLargest = 65'536;

/// Never fragmented, and never held back by what the kernel has learned of the way: IP_PMTUDISC_PROBE (ip(7)).
int forbid_fragments(int fd, model::Family family) {
  const bool v4 = family == model::Family::V4;
  static_assert(IP_PMTUDISC_PROBE == IPV6_PMTUDISC_PROBE);
  const int probe = IP_PMTUDISC_PROBE;
  return ::setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &probe, sizeof probe) == 0 ? 0 : errno;
}

int set_hop_limit(int fd, model::Family family, int limit) {
  const bool v4 = family == model::Family::V4;
  const int value = limit > 0 ? limit : -1;  // -1: the usual
  return ::setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, &value, sizeof value) == 0 ? 0 : errno;
}

/// What an entry of the error queue says (RFC 792, RFC 4443).
EchoError said(const runtime::QueuedError& e, model::Family family) {
  const bool v4 = family == model::Family::V4;
  EchoError out{.from_network = e.from_network, .error = e.error, .from = e.offender};
  if (e.from_network) {
    out.too_big = v4 ? e.type == 3 && e.code == 4 : e.type == 2;
    out.expired = v4 ? e.type == 11 : e.type == 3;
  } else {
    out.too_big = e.error == EMSGSIZE;
  }
  if (out.too_big) out.mtu = e.info;
  return out;
}

}  // namespace

struct EchoSeries::Impl : std::enable_shared_from_this<EchoSeries::Impl> {
  Impl(asio::any_io_executor executor, const model::IpAddress& to, std::vector<EchoWanted> wanted, model::Duration most, std::uint64_t seed, Done d)
      : target(to),
        timeout(most),
        key(runtime::SeededRandom(seed).key()),
        descriptor(executor),
        pace(executor),
        deadline(executor),
        done(std::move(d)) {
    for (const EchoWanted& w : wanted) fates.push_back({.wanted = w});
    sent.resize(fates.size());
  }

  void open(const std::string& device) {
    const bool v4 = target.family == model::Family::V4;
    auto socket = runtime::open_datagram_socket(target.family, v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}, device);
    if (!socket) return fail(socket.error());
    fd = std::move(*socket);
    if (const int error = forbid_fragments(fd.get(), target.family); error != 0)
      return fail({std::string("cannot forbid fragments on a ping socket: ") + std::strerror(error), "", error});
    descriptor.assign(fd.get());
    deadline.expires_after(timeout);
    deadline.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->end();
    });
    wait();
    send_next();
  }

  void fail(const model::Error& error) {
    asio::post(deadline.get_executor(), [self = shared_from_this(), error] {
      if (const auto tell = std::exchange(self->done, nullptr)) tell(std::unexpected(error));
    });
  }

  /// Spread over a quarter of the time, a fifth of a second apart at most: routers limit how often they answer.
  [[nodiscard]] model::Duration gap() const {
    return std::min<model::Duration>(std::chrono::milliseconds(200), timeout / (4 * static_cast<int>(fates.size())));
  }

  void send_next() {
    if (!done || next == fates.size()) return;
    const std::size_t i = next++;
    EchoFate& fate = fates[i];
    const std::size_t bytes = std::clamp(fate.wanted.size - ip_header_size(target.family), kSmallestSizedEcho, kLargestSizedEcho);
    const auto packet = sized_echo(key, target, static_cast<std::uint16_t>(i + 1), bytes);
    int error = set_hop_limit(fd.get(), target.family, fate.wanted.hop_limit);
    // The kernel reports an ICMP error about an earlier packet on the next call: read it first, and send again.
    for (int attempt = 0; error == 0 && attempt < 4; ++attempt) {
      read_errors();
      sent[i] = runtime::clocks_now();
      error = runtime::send_datagram(fd.get(), packet, target);
      if (error == 0 || error == EMSGSIZE || !read_errors()) break;
      if (attempt < 3) error = 0;
    }
    if (error == EMSGSIZE) read_own_size(fate);
    if (error != 0 && !fate.error) fate.error = EchoError{.from_network = false, .error = error, .too_big = error == EMSGSIZE};
    if (all_known()) return end();
    pace.expires_after(gap());
    pace.async_wait([self = shared_from_this()](boost::system::error_code stopped) {
      if (!stopped) self->send_next();
    });
  }

  /// Our own stack says how much fits in an entry of its own that quotes nothing of the packet.
  void read_own_size(EchoFate& fate) {
    while (const auto e = runtime::receive_queued_error(fd.get(), buffer))
      if (!e->from_network && e->error == EMSGSIZE) fate.error = said(*e, target.family);
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      if (error || !self->done) return;
      self->read();
      if (self->done) self->wait();
    });
    // An error alone does not make a ping socket readable everywhere: it is waited for by itself.
    descriptor.async_wait(asio::posix::stream_descriptor::wait_error, [self = shared_from_this()](boost::system::error_code error) {
      if (error || !self->done) return;
      self->read();
    });
  }

  void read() {
    while (const auto in = runtime::receive_datagram(fd.get(), buffer)) {
      if (in->source != target || in->truncated) continue;
      const auto sequence = parse_sized_reply(key, in->source, in->bytes);
      if (!sequence || *sequence == 0 || *sequence > next || fates[*sequence - 1].round_trip) continue;
      fates[*sequence - 1].round_trip = round_trip(sent[*sequence - 1], runtime::clocks_now(), in->stamp);
    }
    read_errors();
    if (next == fates.size() && all_known()) end();
  }

  bool read_errors() {
    bool any = false;
    while (const auto e = runtime::receive_queued_error(fd.get(), buffer)) {
      any = true;
      const auto sequence = parse_sized_quote(key, target, e->bytes);
      if (!sequence || *sequence == 0 || *sequence > next || fates[*sequence - 1].error) continue;
      fates[*sequence - 1].error = said(*e, target.family);
    }
    return any;
  }

  [[nodiscard]] bool all_known() const {
    return next == fates.size() && std::ranges::all_of(fates, [](const EchoFate& f) { return f.round_trip || f.error; });
  }

  void end() {
    if (const auto tell = std::exchange(done, nullptr)) {
      close();
      // Posted: whoever is told may let go of this, and sending may have ended it from within the constructor.
      asio::post(deadline.get_executor(), [self = shared_from_this(), tell] {
        if (!self->stopped) tell(self->fates);
      });
    }
  }

  void close() {
    deadline.cancel();
    pace.cancel();
    if (!descriptor.is_open()) return;
    descriptor.cancel();
    descriptor.release();
    fd.reset();
  }

  model::IpAddress target;
  model::Duration timeout;
  runtime::HashKey key;
  runtime::UniqueFd fd;
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer pace, deadline;
  Done done;
  bool stopped = false;
  std::vector<EchoFate> fates;
  std::vector<runtime::ClockPair> sent;
  std::size_t next = 0;
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(kLargest);
};

EchoSeries::EchoSeries(asio::any_io_executor executor, const std::string& device, const model::IpAddress& target, std::vector<EchoWanted> wanted,
                       model::Duration timeout, std::uint64_t seed, Done done)
    : impl_(std::make_shared<Impl>(executor, target, std::move(wanted), timeout, seed, std::move(done))) {
  impl_->open(device);
}

EchoSeries::~EchoSeries() {
  impl_->done = nullptr;
  impl_->stopped = true;
  impl_->close();
}

}  // namespace linekeeper::probes
