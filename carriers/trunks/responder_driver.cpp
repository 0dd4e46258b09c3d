#include "carriers/trunks/responder_driver.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "carriers/sip/message.hpp"
#include "carriers/trunks/redirect_answers.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::trunks {
namespace asio = boost::asio;
using model::Error;
using model::Instant;
using model::Result;

namespace {

constexpr int kPacketsATurn = 256;  // then the rest of the house has its turn
constexpr std::chrono::seconds kBindAgain{5};

}  // namespace

struct ResponderDriver::Impl : std::enable_shared_from_this<ResponderDriver::Impl> {
  /// One port: of a way, or the redirecting one.
  struct Port {
    Port(const asio::any_io_executor& executor, std::uint16_t n, std::optional<std::size_t> of, int limit)
        : number(n), way(of), most(limit), descriptor(executor) {}
    std::uint16_t number;
    std::optional<std::size_t> way;
    int most;          // requests a second
    Instant second{};  // that `answered` counts in
    int answered = 0;
    asio::posix::stream_descriptor descriptor;
  };

  Impl(asio::any_io_executor on, const model::Pbx& which, OnReport tell, runtime::SeededRandom random, ResponderLimits limits)
      : executor(std::move(on)), pbx(which), on_report(std::move(tell)), answers(which.ways, random.key()), timer(executor) {
    for (std::size_t i = 0; i < pbx.ways.size(); ++i) ports.push_back(std::make_unique<Port>(executor, pbx.ways[i].port, i, limits.options));
    if (pbx.redirect_port != 0) ports.push_back(std::make_unique<Port>(executor, pbx.redirect_port, std::nullopt, limits.invites));
  }

  void open_all() {
    std::string problem;
    for (const auto& port : ports)
      if (!port->descriptor.is_open())
        if (const int error = open(*port); error != 0 && problem.empty())
          problem = "cannot listen on " + pbx.listen.to_string() + ":" + std::to_string(port->number) + ": " + std::strerror(error) +
                    ". See who has it (ss -lunp), and that the address is this host's";
    report(problem);
    if (problem.empty()) return;
    timer.expires_after(kBindAgain);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && self->running) self->open_all();
    });
  }

  /// @return 0 or errno
  int open(Port& port) {
    auto socket = runtime::open_datagram_socket(pbx.listen.family, IPPROTO_UDP, {});
    if (!socket) return socket.error().code;
    if (const int error = runtime::bind_datagram(socket->get(), {.address = pbx.listen, .port = port.number})) return error;
    boost::system::error_code failed;
    port.descriptor.assign(socket->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = socket->release();
    listen(port);
    return 0;
  }

  void listen(Port& port) {
    port.descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this(), &port](const boost::system::error_code& error) {
      if (error || !self->running) return;
      self->read(port);
      if (self->running) self->listen(port);
    });
  }

  void read(Port& port) {
    std::array<std::uint8_t, 64> quoted;
    while (runtime::receive_queued_error(port.descriptor.native_handle(), quoted)) {
    }  // an asker that is gone: nothing to us
    std::array<std::uint8_t, sip::kLargestDatagram + 1> buffer;
    for (int n = 0; n < kPacketsATurn; ++n) {
      const auto packet = runtime::receive_datagram(port.descriptor.native_handle(), buffer);
      if (!packet) return;
      answer(port, *packet);
    }
  }

  [[nodiscard]] bool allowed(const model::IpAddress& source) const {
    return std::ranges::any_of(pbx.allow, [&](const model::Prefix& p) { return p.contains(source); });
  }

  [[nodiscard]] bool within_limit(Port& port) {
    const Instant now = runtime::boot_now();
    if (now - port.second >= std::chrono::seconds(1)) port.second = now, port.answered = 0;
    return ++port.answered <= port.most;
  }

  void answer(Port& port, const runtime::Datagram& packet) {
    if (!allowed(packet.source)) return void(++seen.foreign);
    const auto in = sip::parse_request({reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size()});
    if (!in) return void(++seen.malformed);
    if (in->request.method != "ACK" && !within_limit(port)) return void(++seen.limited);  // an ACK costs nothing more
    const auto reply = port.way ? answers.at_way(*port.way, *in) : answers.at_redirect(*in);
    ++(in->request.method == "OPTIONS" ? seen.options : reply && reply->status == 302 ? seen.redirected : seen.other);
    if (!reply) return;
    const runtime::Peer from{.address = packet.source, .port = packet.source_port};
    const std::string bytes = sip::write_reply(in->request, *reply, from);
    // An answer that cannot be sent is one that was lost: the asker asks again.
    [[maybe_unused]] const int error =
        runtime::answer_datagram(port.descriptor.native_handle(), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                                 sip::reply_target(in->request, from), packet.destination);
  }

  void report(const std::string& problem) {
    const PbxReport now{.connected = problem.empty(), .in_sync = problem.empty(), .corrected = false, .detail = problem};
    const bool same = told && told->connected == now.connected && told->detail == now.detail;
    told = now;
    if (!same && on_report && running) on_report(now);
  }

  [[nodiscard]] std::optional<Error> refuses(const Order& order) const {
    const auto refuse = [](std::string why) {
      return Error{"the trunk order is refused: " + std::move(why), "The SBC is answered as before", EINVAL};
    };
    if (order.empty()) return refuse("it is empty, and a PBX without a way is never wanted");
    if (order.size() > kMostWays) return refuse("it has " + std::to_string(order.size()) + " ways");
    for (auto way = order.begin(); way != order.end(); ++way) {
      if (std::find(order.begin(), way, *way) != way) return refuse("'" + *way + "' is in it twice");
      if (std::ranges::find(pbx.ways, *way, &model::ResponderWay::name) == pbx.ways.end()) return refuse("'" + *way + "' is no way of " + pbx.name);
    }
    return std::nullopt;
  }

  asio::any_io_executor executor;
  const model::Pbx pbx;
  const OnReport on_report;
  RedirectAnswers answers;
  std::vector<std::unique_ptr<Port>> ports;
  asio::steady_timer timer;
  std::optional<PbxReport> told;
  std::optional<Order> stands;
  ResponderCounters seen;
  bool running = false, stopped = false;
};

ResponderDriver::ResponderDriver(asio::any_io_executor executor, const model::Pbx& pbx, OnReport on_report, std::uint64_t seed,
                                 ResponderLimits limits)
    : impl_(std::make_shared<Impl>(std::move(executor), pbx, std::move(on_report), runtime::SeededRandom(seed), limits)) {}

ResponderDriver::~ResponderDriver() { stop(); }

void ResponderDriver::start() {
  impl_->running = true;
  impl_->open_all();
}

void ResponderDriver::stop() {
  impl_->running = false;
  impl_->stopped = true;
  impl_->timer.cancel();
  boost::system::error_code ignored;
  for (const auto& port : impl_->ports) port->descriptor.close(ignored);
}

void ResponderDriver::apply(const std::string&, const Order& order, std::size_t usable, OnApplied on_applied) {
  if (impl_->stopped) return;
  Result<void> done;
  if (auto wrong = impl_->refuses(order)) {
    done = std::unexpected(*wrong);
  } else {
    impl_->answers.set(order, usable);
    impl_->stands = order;
    if (impl_->told && !impl_->told->connected) done = std::unexpected(Error{impl_->told->detail, "", ENOTCONN});
  }
  asio::post(impl_->executor, [impl = impl_, done = std::move(done), on_applied = std::move(on_applied)] {
    if (!impl->stopped && on_applied) on_applied(done);
  });
}

void ResponderDriver::read(const std::string&, OnRead on_read) {
  if (impl_->stopped) return;
  asio::post(impl_->executor, [impl = impl_, on_read = std::move(on_read)] {
    if (!impl->stopped) on_read(impl->stands);
  });
}

const ResponderCounters& ResponderDriver::counters() const { return impl_->seen; }

}  // namespace linekeeper::trunks
