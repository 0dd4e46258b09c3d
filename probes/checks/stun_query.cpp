#include "probes/checks/stun_query.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/runtime/clock.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;

namespace {
constexpr std::chrono::milliseconds kFirstWait{500};  // RTO of RFC 8489 6.2.1, doubled each time
}

struct StunQuery::Impl : std::enable_shared_from_this<StunQuery::Impl> {
  Impl(asio::any_io_executor executor, std::uint64_t seed, Done d)
      : descriptor(executor), again(executor), deadline(executor), begun(runtime::boot_now()), done(std::move(d)) {
    runtime::SeededRandom random(seed);
    for (std::size_t i = 0; i < transaction.size(); i += 4) {
      const std::uint64_t bits = random.next();
      for (std::size_t b = 0; b < 4; ++b) transaction[i + b] = static_cast<std::uint8_t>(bits >> (8 * b));
    }
  }

  void open(const std::string& device, const runtime::Peer& server, model::Duration timeout) {
    auto socket = runtime::open_datagram_socket(server.address.family, IPPROTO_UDP, device);
    if (!socket) return end(StunLocal{socket.error().code, socket.error().to_string()});
    fd = std::move(*socket);
    if (const int error = runtime::connect_datagram(fd.get(), server); error != 0) return end(StunLocal{error, std::strerror(error)});
    descriptor.assign(fd.get());
    deadline.expires_after(timeout);
    deadline.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->end(StunSilent{});
    });
    wait();
    send(kFirstWait);
  }

  void send(model::Duration pause) {
    if (!done) return;
    if (read_errors()) return;
    if (const int error = runtime::send_datagram(fd.get(), stun_request(transaction)); error != 0 && !read_errors())
      return end(StunLocal{error, std::strerror(error)});
    if (!done) return;
    again.expires_after(pause);
    again.async_wait([self = shared_from_this(), pause](boost::system::error_code error) {
      if (!error) self->send(2 * pause);
    });
  }

  void wait() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      if (error || !self->done) return;
      self->read();
      if (self->done) self->wait();
    });
  }

  void read() {
    std::array<std::uint8_t, 1500> buffer{};
    while (const auto in = runtime::receive_datagram(fd.get(), buffer)) {
      if (in->truncated) continue;
      const auto answer = parse_stun_answer(transaction, in->bytes);
      if (answer) return std::visit([this](const auto& a) { end(a); }, *answer);
    }
    read_errors();
  }

  /// @return whether an ICMP error ended it
  bool read_errors() {
    std::array<std::uint8_t, 256> buffer{};
    while (const auto e = runtime::receive_queued_error(fd.get(), buffer)) {
      if (!e->from_network) continue;
      end(StunRefused{e->error});
      return true;
    }
    return false;
  }

  void end(Answer answer) {
    if (!done) return;
    close();
    // Posted: whoever is told may let go of this, and it may have ended from within the constructor.
    asio::post(deadline.get_executor(), [self = shared_from_this(), tell = std::exchange(done, nullptr), answer, took = runtime::boot_now() - begun] {
      if (!self->stopped) tell(answer, took);
    });
  }

  void close() {
    again.cancel();
    deadline.cancel();
    if (!descriptor.is_open()) return;
    descriptor.cancel();
    descriptor.release();
    fd.reset();
  }

  StunTransaction transaction{};
  runtime::UniqueFd fd;
  asio::posix::stream_descriptor descriptor;
  asio::steady_timer again, deadline;
  model::Instant begun;
  Done done;
  bool stopped = false;
};

StunQuery::StunQuery(asio::any_io_executor executor, const std::string& device, const runtime::Peer& server, model::Duration timeout,
                     std::uint64_t seed, Done done)
    : impl_(std::make_shared<Impl>(executor, seed, std::move(done))) {
  impl_->open(device, server, timeout);
}

StunQuery::~StunQuery() {
  impl_->stopped = true;
  impl_->done = nullptr;
  impl_->close();
}

}  // namespace linekeeper::probes
