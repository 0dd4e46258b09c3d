#include "carriers/registration/registrar_client.hpp"

#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "carriers/sip/flow.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::registration {
namespace asio = boost::asio;
using model::Instant;
using runtime::boot_now;

namespace {

constexpr std::chrono::milliseconds kRoutesAgain{250};

Settings settings_of(const model::Carrier& carrier) {
  const model::RegisterRule& rule = *carrier.registration;
  return {.user = rule.user,
          .domain = carrier.domain,
          .port = carrier.port,
          .contact = {},
          .transport = carrier.transport,
          .sips = carrier.tls.sips,
          .max_forwards = carrier.max_forwards,
          .expires = rule.expires,
          .floor = carrier.floor,
          .deadline = carrier.deadline};
}

}  // namespace

struct RegistrarClient::Impl : std::enable_shared_from_this<RegistrarClient::Impl> {
  Impl(const asio::any_io_executor& executor, model::CarrierId carrier, const model::Carrier& of, model::CircuitId circuit_id,
       const model::Circuit& by, Authorise authorise, runtime::SeededRandom random, OnChange tell)
      : registrar(of),
        circuit(by),
        machine(settings_of(of), random, std::move(authorise)),
        on_change(std::move(tell)),
        timer(executor),
        routes(executor) {
    status.carrier = carrier;
    status.circuit = circuit_id;
    if (!of.named()) make_flow();
  }

  void make_flow() {
    flow = sip::make_flow(timer.get_executor(), registrar, circuit.interface,
                          {.on_message = [this](std::string_view m) { on_message(m); },
                           .on_refused = [this](int error) { failed(error); },
                           .on_ended = [this](const sip::Ended& e) { failed(e.error); }});
  }

  /// A connection is made once: after its end, or where our address is another, a new one. @return 0 or errno
  int open_flow() {
    const int error = flow->open();
    if (registrar.transport == model::SipTransport::Udp || (error != EBADF && error != ESTALE)) return error;
    make_flow();
    return flow->open();
  }

  /// @param at  of the carrier's transport, as all its endpoints are
  void goes_to(const model::Endpoint& at) {
    registrar.address = at.address;
    registrar.port = at.port;
    registrar.transport = at.transport;
    make_flow();
    if (link) on_link(*link);
  }

  /// Where the carrier is to find us: the one address that others see us at, else the circuit's own.
  [[nodiscard]] std::string contact(const model::IpAddress& own) const {
    const bool single = circuit.expect_public && circuit.expect_public->length == circuit.expect_public->address.size() * 8;
    return sip::sip_uri(registrar.registration->user, sip::uri_host(single ? circuit.expect_public->address : own),
                        registrar.registration->contact_port, registrar.tls.sips) +
           sip::transport_parameter(registrar.transport, registrar.tls.sips);
  }

  void on_link(const model::LinkState& now) {
    routes.cancel();
    link = now;
    if (!now.usable() || !flow) return;  // nothing can be sent; what holds, holds
    flow->close();
    move();
  }

  /// The circuit's own routes follow its new address a moment later, and until they do nothing can be sent from it.
  void move() {
    const int error = open_flow();
    const auto local = flow->local();
    if (error != 0 || !local) {
      routes.expires_after(kRoutesAgain);
      routes.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled && self->running) self->move();
      });
      return;
    }
    status.contact = contact(*link->address);
    machine.moved(*local, status.contact, boot_now());
    arm();
  }

  void on_message(std::string_view bytes) {
    const auto self = shared_from_this();
    if (const auto response = sip::parse_response(bytes)) carry_out(machine.on_response(*response, bytes, boot_now()));
    // A carrier that sent its calls over this connection would find nobody: the Contact says where they are taken.
    if (registrar.transport != model::SipTransport::Udp && !machine.waits()) flow->close();
  }

  void failed(int error) { carry_out(machine.on_failure(error, boot_now())); }

  void carry_out(Registration::Step step) {
    if (step.send) {
      int error = open_flow();  // the kernel may have given the device another address: then this is another socket
      if (error == 0) error = flow->send(*step.send);
      if (error != 0) {
        const auto later = machine.on_failure(error, boot_now());
        step.changed = step.changed || later.changed;
      }
    }
    arm();
    told(step);
  }

  void told(const Registration::Step& step) {
    const Standing& s = machine.standing();
    status.state = s.state;
    status.since = s.since;
    status.code = s.code;
    status.error = s.error;
    status.until = s.state == State::Registered ? std::optional(s.until) : std::nullopt;
    status.credentials_refused = s.credentials_refused;
    if (step.changed && running) on_change(status);
  }

  void arm() {
    const Instant at = machine.next_wakeup();
    if (at == model::kNever || !running) return;
    timer.expires_after(std::max(at - boot_now(), model::Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && self->running) self->carry_out(self->machine.on_time(boot_now()));
    });
  }

  model::Carrier registrar;  // where it is now
  const model::Circuit circuit;
  Registration machine;
  OnChange on_change;
  asio::steady_timer timer, routes;
  std::unique_ptr<sip::Flow> flow;  // null: its name has no address yet
  std::optional<model::LinkState> link;
  model::RegistrationStatus status;
  bool running = false;
};

RegistrarClient::RegistrarClient(asio::any_io_executor executor, model::CarrierId carrier, const model::Carrier& settings,
                                 model::CircuitId circuit_id, const model::Circuit& circuit, Authorise authorise, std::uint64_t seed,
                                 OnChange on_change)
    : impl_(std::make_shared<Impl>(executor, carrier, settings, circuit_id, circuit, std::move(authorise), runtime::SeededRandom(seed),
                                   std::move(on_change))) {}

RegistrarClient::~RegistrarClient() { stop(); }

void RegistrarClient::start(model::Duration after) {
  impl_->running = true;
  impl_->machine.begin(boot_now(), after);
  impl_->arm();
}

void RegistrarClient::stop() {
  impl_->running = false;
  impl_->timer.cancel();
  impl_->routes.cancel();
  if (impl_->flow) impl_->flow->close();
}

void RegistrarClient::on_link(const model::LinkState& link) {
  if (impl_->running) impl_->on_link(link);
}

void RegistrarClient::goes_to(const model::Endpoint& registrar) {
  if (impl_->running) impl_->goes_to(registrar);
}

void RegistrarClient::on_passable() {
  if (!impl_->running) return;
  impl_->machine.passable(boot_now());
  impl_->arm();
}

const model::RegistrationStatus& RegistrarClient::status() const { return impl_->status; }

}  // namespace linekeeper::registration
