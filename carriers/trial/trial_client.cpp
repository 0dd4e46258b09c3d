#include "carriers/trial/trial_client.hpp"

#include <netinet/in.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "carriers/sip/flow.hpp"
#include "carriers/sip/request_reader.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::trial {
namespace asio = boost::asio;
using model::Instant;
using runtime::boot_now;

namespace {

constexpr std::uint8_t kRtpVersion = 2;  // RFC 3550 5.1: the first two bits

CallSettings settings_of(const model::Carrier& carrier) {
  const model::TestCall& test = *carrier.test_call;
  return {.number = test.number,
          .domain = carrier.domain,
          .port = carrier.port,
          .from_user = carrier.from_user,
          .transport = carrier.transport,
          .sips = carrier.tls.sips,
          .max_forwards = carrier.max_forwards,
          .expect = test.expect,
          .wait = test.wait,
          .talk = test.talk};
}

}  // namespace

struct TrialClient::Impl : std::enable_shared_from_this<TrialClient::Impl> {
  Impl(const asio::any_io_executor& on, model::CarrierId of_carrier, const model::Carrier& carrier_settings, model::CircuitId of_circuit,
       std::string device_name, Authorise how, runtime::SeededRandom chance, Done tell)
      : executor(on),
        carrier(of_carrier),
        circuit(of_circuit),
        settings(carrier_settings),
        device(std::move(device_name)),
        authorise(std::move(how)),
        random(chance),
        done(std::move(tell)),
        timer(on),
        media(on) {}

  void start() {
    sent = boot_now();
    flow = sip::make_flow(executor, settings, device,
                          {.on_message = [this](std::string_view m) { on_message(m); },
                           .on_refused = [this](int error) { refused(error); },
                           .on_ended = [this](const sip::Ended& e) { connection_ended(e); }});
    if (const int error = flow->open()) return fail(error);
    const auto local = flow->local();
    if (!local) return fail(EADDRNOTAVAIL);
    CallSettings s = settings_of(settings);
    if (const int error = open_media(*local, s.media_port)) return fail(error);
    call.emplace(std::move(s), *local, random, authorise);
    auto step = call->begin(boot_now());
    if (!step) return fail(EINVAL);
    carry_out(std::move(*step));
  }

  /// @return 0 or errno
  int open_media(const runtime::Peer& local, std::uint16_t& port) {
    auto socket = runtime::open_datagram_socket(local.address.family, IPPROTO_UDP, device);
    if (!socket) return socket.error().code;
    if (const int error = runtime::bind_datagram(socket->get(), {.address = local.address, .port = 0})) return error;
    const auto here = runtime::local_peer(socket->get());
    if (!here) return EADDRNOTAVAIL;
    port = here->port;
    boost::system::error_code failed;
    media.assign(socket->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = socket->release();
    listen();
    return 0;
  }

  void listen() {
    media.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error || self->forgotten) return;
      std::array<std::uint8_t, 2048> buffer;
      while (const auto packet = runtime::receive_datagram(self->media.native_handle(), buffer))
        if (packet->bytes.size() >= 12 && packet->bytes[0] >> 6 == kRtpVersion) ++self->media_packets;
      std::array<std::uint8_t, 64> quoted;
      while (runtime::receive_queued_error(self->media.native_handle(), quoted)) {
      }
      self->listen();
    });
  }

  void on_message(std::string_view bytes) {
    if (!call || forgotten) return;
    const auto self = shared_from_this();  // what is told may let us go
    if (const auto response = sip::parse_response(bytes)) return carry_out(call->on_response(*response, bytes, boot_now()));
    const auto in = sip::parse_request(bytes);
    if (in && in->request.method != "ACK") answer(*in);
  }

  /// The far end speaks: only a BYE of our call is anything to us.
  void answer(const sip::Incoming& in) {
    const bool ours = in.request.call_id == call->call_id();
    const bool bye = ours && in.request.method == "BYE" && in.status == 0;
    const int status = in.status != 0 ? in.status : bye ? 200 : ours ? 501 : 481;
    const std::string bytes = sip::write_reply(in.request, {.status = status, .reason = {}, .to_tag = "lk", .more = in.more},
                                               {.address = settings.address, .port = settings.port});
    if (flow->send(bytes) != 0) return;
    if (bye) carry_out(call->on_bye(boot_now()));
  }

  void refused(int error) {
    if (call && !forgotten) carry_out(call->on_unreachable(error, boot_now()));
  }

  /// Whatever was still to be said cannot be: not even that we have lost interest.
  void connection_ended(const sip::Ended& e) {
    if (!call || forgotten) return;
    const auto self = shared_from_this();
    carry_out(e.how == sip::Ended::How::Ours ? call->on_local_error(e.error, boot_now()) : call->on_connection_lost(e.error));
  }

  void carry_out(TrialCall::Step step) {
    for (const std::string& bytes : step.send)
      if (const int error = flow->send(bytes); error != 0 && !step.verdict) step.verdict = call->on_local_error(error, boot_now()).verdict;
    arm();
    if (step.verdict) tell(*step.verdict);
  }

  /// The last that can be done for whoever is at the other end: one CANCEL or BYE, which nobody will repeat.
  void leave() {
    if (!call || ended) return;
    for (const std::string& bytes : call->give_up(boot_now()).send) static_cast<void>(flow->send(bytes));
  }

  void arm() {
    const Instant at = call->next_wakeup();
    if (at == model::kNever) return close();
    timer.expires_after(std::max(at - boot_now(), model::Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && !self->forgotten) self->carry_out(self->call->on_time(boot_now()));
    });
  }

  void tell(const Verdict& v) {
    const auto tell_now = std::exchange(done, nullptr);
    if (!tell_now) return;
    tell_now({.carrier = carrier,
              .circuit = circuit,
              .result = v.result,
              .code = v.code,
              .error = v.error,
              .pdd = v.post_dial_delay,
              .answered = v.answered,
              .media_described = v.media_described,
              .media_packets = media_packets,
              .sent = sent,
              .ended = boot_now()});
  }

  /// Nothing has left: our own side.
  void fail(int error) {
    asio::post(executor, [self = shared_from_this(), error] {
      self->close();
      if (!self->forgotten) self->tell({.result = Result::OurFault, .code = 0, .error = error, .post_dial_delay = {}});
    });
  }

  void close() {
    ended = true;
    timer.cancel();
    boost::system::error_code ignored;
    media.close(ignored);
    if (flow) flow->close();
  }

  const asio::any_io_executor executor;
  const model::CarrierId carrier;
  const model::CircuitId circuit;
  const model::Carrier settings;
  const std::string device;
  Authorise authorise;
  runtime::SeededRandom random;
  Done done;
  asio::steady_timer timer;
  asio::posix::stream_descriptor media;
  std::unique_ptr<sip::Flow> flow;
  std::optional<TrialCall> call;
  std::uint64_t media_packets = 0;
  Instant sent{};
  bool ended = false, forgotten = false;
};

TrialClient::TrialClient(asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings, model::CircuitId circuit,
                         std::string device, Authorise authorise, std::uint64_t seed, Done done)
    : impl_(std::make_shared<Impl>(executor, carrier, settings, circuit, std::move(device), std::move(authorise), runtime::SeededRandom(seed),
                                   std::move(done))) {}

TrialClient::~TrialClient() {
  impl_->done = nullptr;
  impl_->leave();
  impl_->forgotten = true;
  impl_->close();
}

void TrialClient::start() { impl_->start(); }

void TrialClient::give_up() {
  if (impl_->call && !impl_->ended) impl_->carry_out(impl_->call->give_up(boot_now()));
}

bool TrialClient::over() const { return impl_->ended; }

}  // namespace linekeeper::trial
