// The path's shell: a socket and a timer. All judgement about time is in OptionsPath. The sink may stop or destroy the
// client: after every call of it `running` is asked again, and handlers hold Impl themselves.
#include "carriers/sip/options_client.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "carriers/sip/message.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using runtime::boot_now;

namespace {

constexpr int kPacketsATurn = 64;  // then other paths have their turn
constexpr int kActsATurn = 64;     // more than all transactions can want at once

}  // namespace

struct OptionsClient::Impl : std::enable_shared_from_this<OptionsClient::Impl> {
  Impl(const asio::any_io_executor& executor, model::CarrierId carrier, const model::Carrier& carrier_settings, model::CircuitId circuit,
       std::string device_name, Duration first, const Debt& debt, runtime::SeededRandom chance, Sink to)
      : settings(carrier_settings),
        device(std::move(device_name)),
        first_after(first),
        random(chance),
        path(carrier, settings, circuit, runtime::SeededRandom(random.next()), debt),
        sink(std::move(to)),
        timer(executor),
        descriptor(executor) {}

  void start() {
    if (running) return;
    running = true;
    path.begin(boot_now(), first_after);
    arm();
  }

  void stop() {
    running = false;
    timer.cancel();
    close();
  }

  void rebuild() {
    close();
    if (!running) return;
    path.changed(boot_now());
    arm();
  }

  void doubted() {
    if (!running) return;
    path.doubted(boot_now());
    arm();
  }

  void arm() {
    const Instant at = path.next_wakeup();
    if (at == model::kNever) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::max(at - boot_now(), Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running) return;
      self->on_time();
      if (self->running) self->arm();
    });
  }

  void on_time() {
    // What has come already is heard before anything is called silent: a busy loop may see the timer first.
    if (descriptor.is_open()) read(generation);
    for (int n = 0; n < kActsATurn && running; ++n) {
      auto turn = path.turn(boot_now());
      switch (turn.act) {
        case OptionsPath::Act::Nothing: return;
        case OptionsPath::Act::Start: begin(turn.sequence); break;
        case OptionsPath::Act::Repeat: repeat(turn.sequence, turn.bytes); break;
        case OptionsPath::Act::Tell: tell(turn.told); break;
      }
    }
  }

  void tell(const OptionsPath::Told& told_now) {
    if (told_now) sink(*told_now);
  }

  void begin(std::uint64_t sequence) {
    const auto not_started = [&](int error) { sink(path.not_started(sequence, error, boot_now())); };
    const Instant now = boot_now();
    if (const int error = ensure_socket()) return not_started(error);
    auto ids = path.next_ids(random, sequence);
    auto bytes = build_options({.local = *runtime::local_peer(descriptor.native_handle()),
                                .carrier = {.address = settings.address, .port = settings.port},
                                .domain = settings.domain,
                                .from_user = settings.from_user,
                                .max_forwards = settings.max_forwards,
                                .digest = path.digest(now)},
                               ids);
    if (!bytes) {
      if (!std::exchange(told, true)) runtime::log(runtime::Level::Error, "carrier " + settings.name + ": " + bytes.error().to_string());
      return not_started(EINVAL);
    }
    take_network_error();  // of an earlier packet: says nothing about this one
    int error = send(*bytes);
    if (error != 0 && take_network_error() != 0) error = send(*bytes);  // it came while we built
    if (error != 0) {
      close_if_dead(error);
      return not_started(error);
    }
    path.started(sequence, std::move(ids), std::move(*bytes), now);
  }

  void repeat(std::uint64_t sequence, const std::string& bytes) {
    if (const int refused = take_network_error()) return tell(path.refused(refused, boot_now()));
    const int error = send(bytes);
    if (error == 0) return;
    if (const int refused = take_network_error()) return tell(path.refused(refused, boot_now()));
    const auto failed = path.failed(sequence, error, boot_now());
    close_if_dead(error);
    tell(failed);
  }

  int send(const std::string& bytes) {
    return runtime::send_datagram(descriptor.native_handle(), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }

  /// A connected socket keeps the source address it was connected with, whatever happens to the interface since. So each
  /// OPTIONS makes a fresh one and keeps the old one (and the NAT mapping of its port) only if the address is the same.
  /// @return 0 or errno
  int ensure_socket() {
    auto fresh = runtime::open_datagram_socket(settings.address.family, IPPROTO_UDP, device);
    if (!fresh) return fresh.error().code;
    if (const int error = runtime::connect_datagram(fresh->get(), {.address = settings.address, .port = settings.port})) return error;
    const auto now_from = runtime::local_peer(fresh->get());
    if (!now_from) return EADDRNOTAVAIL;
    if (descriptor.is_open()) {
      const auto was_from = runtime::local_peer(descriptor.native_handle());
      if (was_from && was_from->address == now_from->address) return 0;
      close();
    }
    boost::system::error_code failed;
    descriptor.assign(fresh->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = fresh->release();
    ++generation;
    listen();
    return 0;
  }

  /// With the socket go the transactions that listened on it; a waiting one ends untold: its silence would be our doing.
  void close() {
    ++generation;
    boost::system::error_code ignored;
    descriptor.close(ignored);
    path.forget();
  }

  /// The device was made again: the socket is bound to one that is no more.
  void close_if_dead(int error) {
    if (error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL || error == EINVAL || error == EBADF) close();
  }

  void listen() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this(), mine = generation](const boost::system::error_code& error) {
                            if (error || !self->alive(mine)) return;
                            self->read(mine);
                            if (!self->alive(mine)) return;
                            self->listen();
                            self->arm();
                          });
  }
  [[nodiscard]] bool alive(std::uint64_t of) const { return running && of == generation; }

  void read(std::uint64_t mine) {
    if (const int refused = take_network_error()) tell(path.refused(refused, boot_now()));
    std::array<std::uint8_t, kLargestDatagram + 1> buffer;  // one more: what fills it is too large
    for (int n = 0; n < kPacketsATurn && alive(mine); ++n) {
      const auto packet = runtime::receive_datagram(descriptor.native_handle(), buffer);
      if (!packet) return;
      on_packet({reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()}, boot_now());
    }
  }

  void on_packet(std::string_view bytes, Instant now) {
    const auto response = parse_response(bytes);
    if (!response) return path.inert();
    tell(path.on_response(*response, now));
  }

  /// Empties the error queue. @return the errno of the last network error in it that says "no", or 0. "Too big" is none: the
  /// kernel has learned the size and the next packet goes in fragments.
  int take_network_error() {
    int found = 0;
    std::array<std::uint8_t, 64> buffer;
    for (int n = 0; n < kPacketsATurn; ++n) {
      const auto error = runtime::receive_queued_error(descriptor.native_handle(), buffer);
      if (!error) break;
      if (error->from_network && error->error != EMSGSIZE) found = error->error;
    }
    return found;
  }

  const model::Carrier settings;
  const std::string device;
  const Duration first_after;
  runtime::SeededRandom random;
  OptionsPath path;
  Sink sink;
  asio::steady_timer timer;
  asio::posix::stream_descriptor descriptor;
  std::uint64_t generation = 0;  // of the socket: handlers of an older one do nothing
  bool told = false;
  bool running = false;
};

OptionsClient::OptionsClient(asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                             std::string device, model::Duration first_after, const Debt& debt, std::uint64_t seed, Sink sink)
    : impl_(std::make_shared<Impl>(executor, carrier, settings, circuit, std::move(device), first_after, debt, runtime::SeededRandom(seed),
                                   std::move(sink))) {}

OptionsClient::~OptionsClient() { impl_->stop(); }

void OptionsClient::authenticate(DigestSession session) { impl_->path.authenticate(std::move(session)); }
void OptionsClient::share(std::shared_ptr<CarrierPace> pace) { impl_->path.share(std::move(pace)); }
void OptionsClient::start() { impl_->start(); }
void OptionsClient::stop() { impl_->stop(); }
void OptionsClient::rebuild() { impl_->rebuild(); }
void OptionsClient::doubted() { impl_->doubted(); }
const ClientCounters& OptionsClient::counters() const { return impl_->path.counters(); }
const Debt& OptionsClient::debt() const { return impl_->path.debt(); }

}  // namespace linekeeper::sip
