// The path's shell: flows and a timer. All judgement about time is in OptionsPath. The sink may stop or destroy the
// client: after every call of it `running` is asked again, and handlers hold Impl themselves.
#include "carriers/sip/options_client.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <utility>

#include "carriers/sip/connections.hpp"
#include "carriers/sip/flow.hpp"
#include "carriers/sip/message.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::sip {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using model::SipFault;
using runtime::boot_now;

namespace {

constexpr int kActsATurn = 64;          // more than all transactions can want at once
constexpr ConnectionId kDatagrams = 0;  // the only flow over UDP

}  // namespace

struct OptionsClient::Impl : std::enable_shared_from_this<OptionsClient::Impl> {
  Impl(const asio::any_io_executor& to_executor, model::CarrierId carrier, const model::Carrier& carrier_settings, model::CircuitId circuit,
       std::string device_name, Duration first, const Debt& debt, runtime::SeededRandom chance, Sink to)
      : executor(to_executor),
        settings(carrier_settings),
        device(std::move(device_name)),
        first_after(first),
        random(chance),
        path(carrier, settings, circuit, runtime::SeededRandom(random.next()), debt),
        sink(std::move(to)),
        timer(executor) {}

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
    hear();
    for (int n = 0; n < kActsATurn && running; ++n) {
      auto turn = path.turn(boot_now());
      switch (turn.act) {
        case OptionsPath::Act::Nothing: return sweep();
        case OptionsPath::Act::Start: begin(turn.sequence); break;
        case OptionsPath::Act::Repeat: repeat(turn.sequence, turn.bytes); break;
        case OptionsPath::Act::Tell: tell(std::move(turn.told)); break;
      }
    }
    sweep();
  }

  void hear() {
    if (const auto at = flows.find(kDatagrams); at != flows.end()) at->second->hear();
  }

  /// What the connections know of it is added.
  void tell(OptionsPath::Told told_now, SipFault fault = SipFault::None, std::optional<model::WallTime> certificate_ends = {}) {
    if (!told_now) return;
    if (streams()) {
      if (auto* outcome = std::get_if<model::SipOutcome>(&*told_now)) complete(*outcome, fault, certificate_ends);
      if (const auto* overdue = std::get_if<model::SipOverdue>(&*told_now)) connections.silent(overdue->sequence);
      if (const auto* provisional = std::get_if<model::SipProvisional>(&*told_now)) connections.answered(provisional->sequence);
    }
    sink(*told_now);
  }

  void complete(model::SipOutcome& outcome, SipFault fault, std::optional<model::WallTime> certificate_ends) {
    const auto flow = flows.find(connections.of(outcome.sequence));
    outcome.certificate_ends = flow == flows.end() ? certificate_ends : flow->second->certificate_ends();
    outcome.fault = fault;
    switch (outcome.result) {
      case model::SipResult::Final:
        // The round trip of one that had to connect first is not the carrier's.
        if (connections.opened_by(outcome.sequence)) outcome.rtt.reset();
        connections.answered(outcome.sequence);
        break;
      case model::SipResult::Timeout:
        connections.silent(outcome.sequence);
        outcome.fault = connections.fault(outcome.sequence);
        break;
      case model::SipResult::Refused:
      case model::SipResult::LocalError: break;
    }
    connections.ended(outcome.sequence);
  }

  void begin(std::uint64_t sequence) {
    const Instant now = boot_now();
    const ConnectionId id = choose(sequence);
    Flow& flow = *flows.at(id);
    const auto not_started = [&](int error) {
      auto outcome = path.not_started(sequence, error, boot_now());
      if (streams()) {
        const auto why = flow.why();
        if (why && why->fault == SipFault::OurTlsFiles && !std::exchange(told_files, true)) log_error(why->words);
        (void)connections.gone(id);
        flows.erase(id);
        tell(std::move(outcome), why ? why->fault : SipFault::None);
      } else {
        sink(outcome);
      }
    };
    if (const int error = flow.open()) return not_started(error);
    const auto local = flow.local();
    if (!local) return not_started(EADDRNOTAVAIL);
    auto ids = path.next_ids(random, sequence);
    auto bytes = build_options({.local = *local,
                                .carrier = {.address = settings.address, .port = settings.port},
                                .domain = settings.domain,
                                .from_user = settings.from_user,
                                .max_forwards = settings.max_forwards,
                                .transport = settings.transport,
                                .overload_control = settings.overload_control,
                                .sips = settings.tls.sips,
                                .digest = path.digest(now)},
                               ids);
    if (!bytes) {
      if (!std::exchange(told, true)) log_error(bytes.error().to_string());
      return not_started(EINVAL);
    }
    if (const int error = flow.send(*bytes)) {
      close_if_dead(error);
      return not_started(error);
    }
    told_files = false;
    path.started(sequence, std::move(ids), std::move(*bytes), now);
  }

  void repeat(std::uint64_t sequence, const std::string& bytes) {
    const auto flow = flows.find(kDatagrams);
    const int error = flow == flows.end() ? EBADF : flow->second->send(bytes);
    if (error == 0) return;
    auto failed = path.failed(sequence, error, boot_now());
    close_if_dead(error);
    tell(std::move(failed));
  }

  [[nodiscard]] bool streams() const { return settings.transport != model::SipTransport::Udp; }

  /// The flow for this OPTIONS; made when it is not there.
  ConnectionId choose(std::uint64_t sequence) {
    if (!streams()) {
      if (!flows.contains(kDatagrams)) flows.emplace(kDatagrams, make_datagram_flow(executor, peer(), device, handlers(kDatagrams)));
      return kDatagrams;
    }
    auto choice = connections.choose(sequence);
    const auto known = flows.find(choice.id);
    if (!choice.fresh && known != flows.end() && known->second->open() == 0) return choice.id;
    if (!choice.fresh) {  // our address is another now, or there is none
      (void)connections.gone(choice.id);
      flows.erase(choice.id);
      choice = connections.choose(sequence);
    }
    flows.insert_or_assign(choice.id, make_stream_flow(executor, settings, device, settings.deadline, handlers(choice.id)));
    return choice.id;
  }

  [[nodiscard]] runtime::Peer peer() const { return {.address = settings.address, .port = settings.port}; }

  Flow::Handlers handlers(ConnectionId id) {
    const auto with = [weak = weak_from_this(), id](auto act) {
      const auto self = weak.lock();
      if (!self || !self->running || !self->flows.contains(id)) return;
      act(*self);
      if (self->running) self->arm();
    };
    return {.on_message = [with](std::string_view bytes) { with([&](Impl& me) { me.on_message(bytes); }); },
            .on_refused = [with](int error) { with([&](Impl& me) { me.tell(me.path.refused(error, boot_now())); }); },
            .on_ended = [with, id](const Ended& ended) { with([&](Impl& me) { me.on_ended(id, ended); }); }};
  }

  void on_message(std::string_view bytes) {
    const auto response = parse_response(bytes);
    if (!response) return path.inert();
    tell(path.on_response(*response, boot_now()));
    sweep();
  }

  void on_ended(ConnectionId id, const Ended& ended) {
    const auto flow = flows.extract(id);  // it is told by its own handler
    const auto ends = flow.mapped()->certificate_ends();
    for (const std::uint64_t sequence : connections.gone(id)) {
      if (!running) return;
      if (ended.how == Ended::How::Silent) {
        connections.silent(sequence);  // its transaction tells
        continue;
      }
      auto out = ended.how == Ended::How::Refused ? path.refused(sequence, ended.error, boot_now()) : path.failed(sequence, ended.error, boot_now());
      if (!out) continue;
      // One that was used before and is closed now: the connection is at its end, not the carrier.
      const bool old = !connections.opened_by(sequence) && ended.fault == SipFault::None && ended.how == Ended::How::Refused;
      tell(std::move(out), old ? SipFault::FlowDead : ended.fault, ends);
    }
  }

  /// Connections that are of no use any more.
  void sweep() {
    for (const ConnectionId id : connections.surplus()) flows.erase(id);
  }

  /// With the flows go the transactions that listened on them; a waiting one ends untold: its silence would be our doing.
  void close() {
    flows.clear();
    connections.clear();
    path.forget();
  }

  /// The device was made again: the socket is bound to one that is no more.
  void close_if_dead(int error) {
    if (streams()) return;  // a connection is made anew anyway
    if (error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL || error == EINVAL || error == EBADF) close();
  }

  void log_error(const std::string& what) const { runtime::log(runtime::Level::Error, "carrier " + settings.name + ": " + what); }

  const asio::any_io_executor executor;
  const model::Carrier settings;
  const std::string device;
  const Duration first_after;
  runtime::SeededRandom random;
  OptionsPath path;
  Sink sink;
  asio::steady_timer timer;
  Connections connections;                              // not asked over datagrams
  std::map<ConnectionId, std::unique_ptr<Flow>> flows;  // over datagrams: one
  bool told = false, told_files = false;
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
void OptionsClient::take_turns(std::shared_ptr<Debt> common, int in_turn) { impl_->path.take_turns(std::move(common), in_turn); }
const ClientCounters& OptionsClient::counters() const { return impl_->path.counters(); }
const Debt& OptionsClient::debt() const { return impl_->path.debt(); }

}  // namespace linekeeper::sip
