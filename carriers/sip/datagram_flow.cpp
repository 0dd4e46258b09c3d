#include <netinet/in.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "carriers/sip/flow.hpp"
#include "carriers/sip/message.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
namespace {

constexpr int kPacketsATurn = 64;  // then others have their turn

/// The socket and its handlers; shared with pending ones, which do nothing once `generation` has moved on.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(const asio::any_io_executor& executor, const runtime::Peer& carrier, std::string device, Flow::Handlers handlers)
      : carrier_(carrier), device_(std::move(device)), handlers_(std::move(handlers)), descriptor_(executor) {}

  /// A connected socket keeps the source address it was connected with, whatever happens to the interface since: a fresh one tells ours.
  int open() {
    auto fresh = runtime::open_datagram_socket(carrier_.address.family, IPPROTO_UDP, device_);
    if (!fresh) return fresh.error().code;
    if (const int error = runtime::connect_datagram(fresh->get(), carrier_)) return error;
    const auto now_from = runtime::local_peer(fresh->get());
    if (!now_from) return EADDRNOTAVAIL;
    if (const auto was_from = local(); was_from && was_from->address == now_from->address) return 0;
    close();
    boost::system::error_code failed;
    descriptor_.assign(fresh->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = fresh->release();
    ++generation_;
    listen();
    return 0;
  }

  int send(const std::string& message) {
    if (!descriptor_.is_open()) return EBADF;
    const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(message.data()), message.size());
    const int before = take_network_error();  // of an earlier packet
    int error = runtime::send_datagram(descriptor_.native_handle(), bytes);
    const int refused = error != 0 ? take_network_error() : 0;  // a pending one is reported by the next call
    if (refused != 0) error = runtime::send_datagram(descriptor_.native_handle(), bytes);
    tell_later(refused != 0 ? refused : before);
    return error;
  }

  void hear() {
    if (descriptor_.is_open()) read(generation_);
  }

  void close() {
    ++generation_;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }

  [[nodiscard]] std::optional<runtime::Peer> local() const {
    if (!descriptor_.is_open()) return std::nullopt;
    return runtime::local_peer(descriptor_.native_handle());
  }

 private:
  void listen() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this(), mine = generation_](const boost::system::error_code& error) {
                             if (error || mine != self->generation_) return;
                             self->read(mine);
                             if (mine == self->generation_) self->listen();
                           });
  }

  void read(std::uint64_t mine) {
    const auto self = shared_from_this();  // whoever is told may destroy the flow
    if (const int refused = take_network_error()) handlers_.on_refused(refused);
    std::array<std::uint8_t, kLargestDatagram + 1> buffer;  // one more: what fills it is too large
    for (int n = 0; n < kPacketsATurn && mine == generation_; ++n) {
      const auto packet = runtime::receive_datagram(descriptor_.native_handle(), buffer);
      if (!packet) return;
      handlers_.on_message({reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()});
    }
  }

  /// Not from within send(): its caller is in the middle of something.
  void tell_later(int refused) {
    if (refused == 0) return;
    asio::post(descriptor_.get_executor(), [self = shared_from_this(), mine = generation_, refused] {
      if (mine == self->generation_) self->handlers_.on_refused(refused);
    });
  }

  /// Empties the error queue. @return the errno of the last network error that says "no", or 0; "too big" is none
  int take_network_error() {
    int found = 0;
    std::array<std::uint8_t, 64> buffer;
    for (int n = 0; n < kPacketsATurn; ++n) {
      const auto error = runtime::receive_queued_error(descriptor_.native_handle(), buffer);
      if (!error) break;
      if (error->from_network && error->error != EMSGSIZE) found = error->error;
    }
    return found;
  }

  const runtime::Peer carrier_;
  const std::string device_;
  const Flow::Handlers handlers_;
  mutable asio::posix::stream_descriptor descriptor_;  // its native_handle() is not const
  std::uint64_t generation_ = 0;
};

class DatagramFlow final : public Flow {
 public:
  explicit DatagramFlow(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
  ~DatagramFlow() override { socket_->close(); }
  DatagramFlow(const DatagramFlow&) = delete;
  DatagramFlow& operator=(const DatagramFlow&) = delete;
  int open() override { return socket_->open(); }
  int send(const std::string& message) override { return socket_->send(message); }
  void close() override { socket_->close(); }
  void hear() override { socket_->hear(); }
  [[nodiscard]] std::optional<runtime::Peer> local() const override { return socket_->local(); }

 private:
  std::shared_ptr<Socket> socket_;
};

}  // namespace

std::unique_ptr<Flow> make_datagram_flow(const asio::any_io_executor& executor, const runtime::Peer& carrier, std::string device,
                                         Flow::Handlers handlers) {
  return std::make_unique<DatagramFlow>(std::make_shared<Socket>(executor, carrier, std::move(device), std::move(handlers)));
}

}  // namespace linekeeper::sip
