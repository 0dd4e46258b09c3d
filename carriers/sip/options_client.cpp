// The path's shell: a socket, a timer, and the few transactions that may still hear something (one waiting, the others only
// for late replies). All judgement about time is in OptionsTransaction and Etiquette. The sink may stop or destroy the
// client: after every call of it `running` is asked again, and handlers hold Impl themselves.
#include "carriers/sip/options_client.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <deque>
#include <utility>

#include "carriers/sip/etiquette.hpp"
#include "carriers/sip/message.hpp"
#include "carriers/sip/options_transaction.hpp"
#include "carriers/sip/reply_class.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using model::SipOutcome;
using model::SipResult;
using runtime::boot_now;

namespace {

constexpr int kPacketsATurn = 64;              // then other paths have their turn
constexpr std::size_t kMostTransactions = 16;  // 32 s of them at a floor of 2 s; with a lower floor the oldest is forgotten

/// Replies that mean "ask again soon".
bool costs_service(const SipOutcome& o) {
  return o.result != SipResult::Final || o.reply == model::ReplyClass::SoftDown || o.reply == model::ReplyClass::Down;
}

}  // namespace

struct OptionsClient::Impl : std::enable_shared_from_this<OptionsClient::Impl> {
  struct Transaction {
    std::uint64_t sequence;
    std::string bytes;
    OptionsTransaction machine;
  };

  Impl(const asio::any_io_executor& executor, model::CarrierId carrier_id, const model::Carrier& carrier_settings, model::CircuitId circuit_id,
       std::string device_name, Duration first, runtime::SeededRandom chance, Sink to)
      : carrier(carrier_id),
        settings(carrier_settings),
        circuit(circuit_id),
        device(std::move(device_name)),
        first_after(first),
        random(chance),
        etiquette(settings.interval, settings.floor, runtime::SeededRandom(random.next())),
        sink(std::move(to)),
        timer(executor),
        descriptor(executor) {}

  void start() {
    if (running) return;
    running = true;
    etiquette.begin(boot_now(), first_after);
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
    etiquette.changed(boot_now());
    arm();
  }

  void arm() {
    auto at = etiquette.next();
    if (waiting() != nullptr) at = model::kNever;  // one at a time: the next starts when this one has ended
    for (const auto& t : transactions) at = std::min(at, t.machine.next_wakeup());
    if (at == model::kNever) {
      timer.cancel();
      return;
    }
    timer.expires_after(std::max(at - boot_now(), Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running) return;
      self->on_time(boot_now());
      if (self->running) self->arm();
    });
  }

  Transaction* waiting() { return transactions.empty() || !transactions.back().machine.waiting() ? nullptr : &transactions.back(); }

  void on_time(Instant now) {
    // Only the newest can still act; the older ones can only end. So the list is not walked while the sink may change it.
    std::erase_if(transactions, [now](Transaction& t) {
      if (!t.machine.waiting()) t.machine.on_time(now);
      return t.machine.state() == TransactionState::Terminated;
    });
    if (auto* t = waiting()) {
      const auto step = t->machine.on_time(now);
      if (step.outcome) return tell(t->sequence, *step.outcome, now);
      if (step.send) return retransmit(*t, now);
    }
    if (running && waiting() == nullptr && now >= etiquette.next()) begin(now);
  }

  void begin(Instant now) {
    const auto sequence = ++last_sequence;
    if (const int error = ensure_socket()) return local_error(sequence, error, now);
    const auto ids = make_ids(random, sequence);
    const auto bytes = build_options({.local = *runtime::local_peer(descriptor.native_handle()),
                                      .carrier = {.address = settings.address, .port = settings.port},
                                      .domain = settings.domain,
                                      .from_user = settings.from_user,
                                      .max_forwards = settings.max_forwards},
                                     ids);
    if (!bytes) {
      if (!std::exchange(told, true)) runtime::log(runtime::Level::Error, "carrier " + settings.name + ": " + bytes.error().to_string());
      return local_error(sequence, EINVAL, now);
    }
    take_network_error();  // of an earlier packet: says nothing about this one
    int error = send(*bytes);
    if (error != 0 && take_network_error() != 0) error = send(*bytes);  // it came while we built
    if (error != 0) {
      close_if_dead(error);
      return local_error(sequence, error, now);
    }
    etiquette.started(now);
    ++counters.attempts;
    if (transactions.size() == kMostTransactions) transactions.pop_front();
    transactions.push_back({.sequence = sequence, .bytes = *bytes, .machine = OptionsTransaction(ids, settings.deadline, now)});
  }

  void retransmit(Transaction& t, Instant now) {
    if (const int refused = take_network_error()) return end(t, t.machine.on_refused(refused, now), now);
    int error = send(t.bytes);
    if (error == 0) {
      ++counters.retransmissions;
      return;
    }
    if (const int refused = take_network_error()) return end(t, t.machine.on_refused(refused, now), now);
    end(t, t.machine.on_local_error(error, now), now);
    close_if_dead(error);
  }

  int send(const std::string& bytes) {
    return runtime::send_datagram(descriptor.native_handle(), {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }

  void end(const Transaction& t, const OptionsTransaction::Step& step, Instant now) {
    if (step.outcome) tell(t.sequence, *step.outcome, now);
  }

  void tell(std::uint64_t sequence, SipOutcome outcome, Instant now) {
    outcome.carrier = carrier;
    outcome.circuit = circuit;
    outcome.sequence = sequence;
    if (outcome.result == SipResult::Final) outcome.reply = classify(outcome.code, settings.replies);
    if (outcome.late) ++counters.late;
    if (!outcome.late && costs_service(outcome)) etiquette.suspected(now);
    sink(outcome);
  }

  /// Nothing has left.
  void local_error(std::uint64_t sequence, int error, Instant now) {
    etiquette.not_sent(now);
    SipOutcome outcome;
    outcome.carrier = carrier;
    outcome.circuit = circuit;
    outcome.sequence = sequence;
    outcome.result = SipResult::LocalError;
    outcome.error = error;
    outcome.sent = now;
    sink(outcome);
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
    transactions.clear();
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
    if (const int refused = take_network_error())
      if (auto* t = waiting()) end(*t, t->machine.on_refused(refused, boot_now()), boot_now());
    std::array<std::uint8_t, kLargestDatagram + 1> buffer;  // one more: what fills it is too large
    for (int n = 0; n < kPacketsATurn && alive(mine); ++n) {
      const auto packet = runtime::receive_datagram(descriptor.native_handle(), buffer);
      if (!packet) return;
      on_packet({reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()}, boot_now());
    }
  }

  void on_packet(std::string_view bytes, Instant now) {
    const auto response = parse_response(bytes);
    const auto t =
        response ? std::ranges::find_if(transactions, [&](const Transaction& each) { return each.machine.ours(*response); }) : transactions.end();
    if (t == transactions.end()) {
      ++counters.inert;
      return;
    }
    const auto step = t->machine.on_response(*response, now);
    if (step.inert) ++counters.inert;
    if (step.provisional) ++counters.provisional;
    end(*t, step, now);
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

  const model::CarrierId carrier;
  const model::Carrier settings;
  const model::CircuitId circuit;
  const std::string device;
  const Duration first_after;
  runtime::SeededRandom random;
  Etiquette etiquette;
  Sink sink;
  ClientCounters counters;
  asio::steady_timer timer;
  asio::posix::stream_descriptor descriptor;
  std::uint64_t generation = 0;  // of the socket: handlers of an older one do nothing
  std::deque<Transaction> transactions;
  std::uint64_t last_sequence = 0;
  bool told = false;
  bool running = false;
};

OptionsClient::OptionsClient(asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                             std::string device, Duration first_after, std::uint64_t seed, Sink sink)
    : impl_(std::make_shared<Impl>(executor, carrier, settings, circuit, std::move(device), first_after, runtime::SeededRandom(seed),
                                   std::move(sink))) {}

OptionsClient::~OptionsClient() { impl_->stop(); }

void OptionsClient::start() { impl_->start(); }
void OptionsClient::stop() { impl_->stop(); }
void OptionsClient::rebuild() { impl_->rebuild(); }
const ClientCounters& OptionsClient::counters() const { return impl_->counters; }
Instant OptionsClient::floor_until() const { return impl_->etiquette.floor_until(); }

}  // namespace linekeeper::sip
