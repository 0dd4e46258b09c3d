// One timer and at most two ping sockets (one a family in use) make a prober. Facts leave through the sink, which may stop
// or even destroy the prober: after every call of it `running` is asked again, and handlers hold Impl themselves.
#include "probes/icmp_prober.hpp"

#include <net/if.h>
#include <netinet/in.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <optional>
#include <utility>

#include "controller/model/assert.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "controller/runtime/log.hpp"
#include "probes/icmp_codec.hpp"
#include "probes/pacing.hpp"
#include "probes/round_trip.hpp"
#include "probes/sequence_window.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using runtime::boot_now;

namespace {

constexpr int kPacketsATurn = 64;  // then other circuits have their turn
constexpr Duration kFirstRetry = std::chrono::milliseconds(250);
constexpr Duration kLongestRetry = std::chrono::seconds(30);

/// Does a new socket help? A device that was made again does have another index; routes, buffers and firewalls do not care
/// which socket asks, and replies still on their way to the old one would be lost.
bool cured_by_new_socket(int error) {
  return error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL || error == EINVAL || error == EBADF || error == ENOTSOCK || error == EPIPE;
}

}  // namespace

struct IcmpProber::Impl : std::enable_shared_from_this<IcmpProber::Impl> {
  struct Target {
    model::TargetId id;
    model::IpAddress address;
    ProberCounters counters{};
  };
  /// The ping socket of one address family.
  struct Port {
    Port(const asio::any_io_executor& executor, model::Family f) : family(f), descriptor(executor) {}
    model::Family family;
    asio::posix::stream_descriptor descriptor;
    std::uint64_t generation = 0;  // of the socket: handlers of an older one do nothing
    int ifindex = 0;               // of the device when the socket was bound
    int error = 0;                 // why there is no socket
    bool told = false;             // the log has the reason
    Instant retry{};
    Duration backoff = kFirstRetry;
  };

  Impl(asio::any_io_executor executor, model::CircuitId circuit_id, std::string device_name,
       std::vector<std::pair<model::TargetId, model::IpAddress>> probed, model::CircuitProbing settings, runtime::SeededRandom random, Sink to)
      : circuit(circuit_id),
        device(std::move(device_name)),
        late_after(settings.timeout_max),
        key(random.key()),
        pacing(probed.size(), settings.interval, settings.jitter_ratio, random),
        sink(std::move(to)),
        timer(executor),
        extra_timer(executor),
        v4(executor, model::Family::V4),
        v6(executor, model::Family::V6) {
    plan.interval = settings.interval;
    for (const auto& [id, address] : probed) targets.push_back({.id = id, .address = address});
  }

  Port& port_of(const model::IpAddress& address) { return address.family == model::Family::V4 ? v4 : v6; }
  Target* target_at(const model::IpAddress& address) {
    for (auto& t : targets)
      if (t.address == address) return &t;
    return nullptr;
  }

  void start() {
    if (running) return;
    running = true;
    pacing.start(boot_now());
    arm();
  }

  void stop() {
    running = false;
    timer.cancel();
    extra_timer.cancel();
    close(v4);
    close(v6);
  }

  void arm() {
    timer.expires_after(std::max(pacing.due() - boot_now(), Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running) return;
      const auto now = boot_now();
      if (now >= self->pacing.due()) self->probe(self->targets[self->pacing.take(now)], model::ProbeKind::Scheduled, now);
      if (self->running) self->arm();
    });
  }

  void follow(const model::ProbePlan& wanted) {
    const bool begins = wanted.extra && !plan.extra;
    if (wanted.interval != plan.interval) {
      pacing.set_interval(wanted.interval, boot_now());
      if (running) arm();
    }
    plan = wanted;
    if (!plan.extra) extra_timer.cancel();
    if (running && begins) arm_extra(Duration::zero());
  }

  /// Evenly spaced: they end within seconds, so nobody falls into step with them.
  void arm_extra(Duration after) {
    extra_timer.expires_after(after);
    extra_timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running || !self->plan.extra) return;
      for (std::size_t tried = 0; tried < self->targets.size(); ++tried) {
        self->extra_turn = (self->extra_turn + 1) % self->targets.size();
        if ((self->plan.among >> self->extra_turn & 1) == 0) continue;
        self->probe(self->targets[self->extra_turn], self->plan.kind, boot_now());
        break;
      }
      if (self->running && self->plan.extra) self->arm_extra(*self->plan.extra);
    });
  }

  void probe(Target& target, model::ProbeKind kind, Instant now) {
    auto& port = port_of(target.address);
    if (!ensure_open(port, now)) return local_error(target, port.error);
    const auto sequence = ++last_sequence;
    const auto packet = echo_request(key, target.address, sequence);
    const auto at = runtime::clocks_now();
    const int error = send(port, packet, target.address);
    if (!running) return;
    if (error != 0) {
      if (cured_by_new_socket(error)) give_up(port, error, now);
      return local_error(target, error);
    }
    port.backoff = kFirstRetry;
    window.add({.sequence = sequence, .target = static_cast<std::size_t>(&target - targets.data()), .sent = at});
    ++target.counters.sent;
    sink(model::ProbeSent{.circuit = circuit, .target = target.id, .sequence = sequence, .sent = at.boot, .kind = kind});
  }

  /// A pending error of an earlier probe is reported by the next call on the socket, whatever that is: it is taken from
  /// the queue, told as what it is, and the send repeated.
  int send(Port& port, const EchoPacket& packet, const model::IpAddress& to) {
    int error = 0;
    for (int attempt = 0; attempt < 3; ++attempt) {
      error = runtime::send_datagram(port.descriptor.native_handle(), packet, to);
      if (error == 0 || read_errors(port) == 0 || !running || !port.descriptor.is_open()) return error;
    }
    return error;
  }

  bool ensure_open(Port& port, Instant now) {
    if (port.descriptor.is_open()) return true;
    if (now < port.retry) return false;
    auto fd = runtime::open_datagram_socket(port.family, port.family == model::Family::V4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}, device);
    if (!fd) {
      if (!port.told)
        runtime::log(runtime::Level::Error, (device.empty() ? std::string("probing") : "probing through " + device) + ": " + fd.error().to_string());
      port.told = true;
      give_up(port, fd.error().code, now);
      return false;
    }
    boost::system::error_code failed;
    port.descriptor.assign(fd->get(), failed);
    if (failed) {
      give_up(port, failed.value(), now);
      return false;
    }
    [[maybe_unused]] const int owned_by_descriptor = fd->release();
    port.ifindex = device.empty() ? 0 : static_cast<int>(::if_nametoindex(device.c_str()));
    port.told = false;
    ++port.generation;
    listen(port);
    return true;
  }

  void close(Port& port) {
    ++port.generation;
    boost::system::error_code ignored;
    port.descriptor.close(ignored);
  }

  void give_up(Port& port, int error, Instant now) {
    close(port);
    port.error = error;
    port.retry = now + port.backoff;
    port.backoff = std::min(2 * port.backoff, kLongestRetry);
  }

  void rebuild() {
    for (auto* port : {&v4, &v6}) {
      close(*port);
      port->retry = {};
      port->backoff = kFirstRetry;
    }
  }

  void listen(Port& port) {
    port.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                               [self = shared_from_this(), &port, generation = port.generation](const boost::system::error_code& error) {
                                 if (error || !self->running || generation != port.generation) return;
                                 self->read(port);
                                 if (self->running && generation == port.generation) self->listen(port);
                               });
  }

  void read(Port& port) {
    const auto generation = port.generation;
    const auto alive = [&] { return running && generation == port.generation; };
    read_errors(port);
    std::array<std::uint8_t, 512> buffer;  // more than an echo of ours ever is
    for (int n = 0; n < kPacketsATurn && alive(); ++n) {
      const auto packet = runtime::receive_datagram(port.descriptor.native_handle(), buffer);
      if (!packet) return;
      on_packet(port, *packet, runtime::clocks_now());
    }
  }

  void on_packet(const Port& port, const runtime::Datagram& packet, const runtime::ClockPair& now) {
    auto* from = target_at(packet.source);
    if (from == nullptr) {
      ++stray;
      return;
    }
    const bool elsewhere = port.ifindex != 0 && packet.ifindex != 0 && packet.ifindex != port.ifindex;
    const auto sequence = elsewhere || packet.truncated ? std::nullopt : parse_echo_reply(key, packet.source, packet.bytes);
    const auto probe = sequence ? window.answer(*sequence) : std::nullopt;
    if (!probe) {
      ++from->counters.inert;
      return;
    }
    auto& target = targets[probe->target];  // two targets may share an address: the sequence knows which one was meant
    const auto rtt = round_trip(probe->sent, now, packet.stamp);
    ++target.counters.answered;
    if (rtt > late_after) ++target.counters.late;
    sink(model::ProbeReply{.circuit = circuit, .target = target.id, .sequence = probe->sequence, .rtt = rtt});
  }

  /// @return how many entries of the error queue were read.
  int read_errors(Port& port) {
    const auto generation = port.generation;
    std::array<std::uint8_t, 512> buffer;
    int count = 0;
    while (count < kPacketsATurn && running && generation == port.generation) {
      const auto error = runtime::receive_queued_error(port.descriptor.native_handle(), buffer);
      if (!error) break;
      ++count;
      on_error(*error);
    }
    return count;
  }

  void on_error(const runtime::QueuedError& error) {
    auto* to = target_at(error.destination);
    if (to == nullptr) {
      ++stray;
      return;
    }
    if (!error.from_network) return local_error(*to, error.error);
    const auto quoted = parse_quoted_request(key, error.destination, error.bytes);
    const auto waiting = quoted ? window.waiting(quoted->low_bits) : std::nullopt;
    const bool ours =
        waiting && targets[waiting->target].address == error.destination && (!quoted->sequence || *quoted->sequence == waiting->sequence);
    if (!ours || !window.reject(waiting->sequence)) {
      ++to->counters.inert;
      return;
    }
    auto& target = targets[waiting->target];
    ++target.counters.rejected;
    sink(model::ProbeRejected{.circuit = circuit, .target = target.id, .sequence = waiting->sequence, .error = error.error});
  }

  void local_error(Target& target, int error) {
    ++target.counters.local_errors;
    sink(model::ProbeLocalError{.circuit = circuit, .target = target.id, .error = error});
  }

  const model::CircuitId circuit;
  const std::string device;
  const Duration late_after;
  const runtime::HashKey key;
  std::vector<Target> targets;
  Pacing pacing;
  SequenceWindow window;
  Sink sink;
  asio::steady_timer timer, extra_timer;
  model::ProbePlan plan;
  std::size_t extra_turn = 0;
  Port v4, v6;
  std::uint64_t last_sequence = 0;
  std::uint64_t stray = 0;
  bool running = false;
};

IcmpProber::IcmpProber(asio::any_io_executor executor, model::CircuitId circuit, std::string device,
                       std::vector<std::pair<model::TargetId, model::IpAddress>> targets, model::CircuitProbing pacing, std::uint64_t seed, Sink sink)
    : impl_(std::make_shared<Impl>(std::move(executor), circuit, std::move(device), std::move(targets), pacing, runtime::SeededRandom(seed),
                                   std::move(sink))) {}

IcmpProber::~IcmpProber() { impl_->stop(); }

void IcmpProber::start() { impl_->start(); }
void IcmpProber::stop() { impl_->stop(); }
void IcmpProber::rebuild() { impl_->rebuild(); }

void IcmpProber::follow(const model::ProbePlan& plan) { impl_->follow(plan); }

const ProberCounters& IcmpProber::counters(model::TargetId target) const {
  static const ProberCounters kNone;
  for (const auto& t : impl_->targets)
    if (t.id == target) return t.counters;
  return kNone;
}

std::uint64_t IcmpProber::strays() const { return impl_->stray; }

}  // namespace linekeeper::probes
