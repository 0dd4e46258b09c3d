// Facts leave through the sink, which may stop or even destroy the prober: after every call of it `running` is asked again, and handlers
// (those of the wires too) hold Impl themselves.
#include "probes/circuit_prober.hpp"

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "controller/model/assert.hpp"
#include "probes/pacing.hpp"
#include "probes/round_trip.hpp"
#include "probes/sequence_window.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using runtime::boot_now;

namespace {

std::unique_ptr<Wire> make_wire(model::ProbeMethod method, const WireSetting& setting) {
  switch (method) {
    case model::ProbeMethod::Icmp: return make_echo_wire(setting);
    case model::ProbeMethod::Stamp: return make_stamp_wire(setting);
    case model::ProbeMethod::Tcp: return make_tcp_wire(setting);
    case model::ProbeMethod::Dns: return make_dns_wire(setting);
  }
  return nullptr;
}

}  // namespace

std::vector<ProbeTarget> targets_of(const model::Site& site, model::CircuitId circuit) {
  std::vector<ProbeTarget> targets;
  for (const model::TargetId id : site[circuit].targets) {
    const model::Target& t = site[id];
    targets.push_back({.id = id, .address = t.address, .method = t.method, .port = t.port, .query = t.query});
  }
  return targets;
}

struct CircuitProber::Impl final : WireListener, std::enable_shared_from_this<CircuitProber::Impl> {
  Impl(const asio::any_io_executor& on, model::CircuitId circuit_id, std::vector<ProbeTarget> probed, model::CircuitProbing settings,
       runtime::SeededRandom random, Sink to)
      : circuit(circuit_id),
        late_after(settings.timeout_max),
        key(random.key()),
        targets(std::move(probed)),
        counters(targets.size()),
        pacing(targets.size(), settings.interval, settings.jitter_ratio, random),
        sink(std::move(to)),
        timer(on),
        extra_timer(on) {
    plan.interval = settings.interval;
  }

  /// Once this is owned by a shared pointer, which the wires hold on to while they call.
  void make_wires(const asio::any_io_executor& on, const std::string& device, const Unbound& unbound) {
    for (const ProbeTarget& t : targets) {
      auto& wire = wires[static_cast<std::size_t>(t.method)];
      if (!wire)
        wire = make_wire(
            t.method,
            {.executor = on, .device = device, .unbound = unbound, .life = weak_from_this(), .key = key, .targets = targets, .listener = this});
    }
  }

  void start() {
    if (running) return;
    running = true;
    pacing.start(boot_now());
    arm();
    if (plan.extra) arm_extra(Duration::zero());
  }

  void stop() {
    running = false;
    timer.cancel();
    extra_timer.cancel();
    for (const auto& wire : wires)
      if (wire) wire->close();
  }

  void arm() {
    timer.expires_after(std::max(pacing.due() - boot_now(), Duration::zero()));
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->running) return;
      const auto now = boot_now();
      if (now >= self->pacing.due()) self->probe(self->pacing.take(now), model::ProbeKind::Scheduled);
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
        self->probe(self->extra_turn, self->plan.kind);
        break;
      }
      if (self->running && self->plan.extra) self->arm_extra(*self->plan.extra);
    });
  }

  void probe(std::size_t target, model::ProbeKind kind) {
    const auto sequence = ++last_sequence;
    const auto at = runtime::clocks_now();
    const int error = wires[static_cast<std::size_t>(targets[target].method)]->send(target, sequence, at);
    if (!running) return;
    if (error != 0) return failed(target, error);
    window.add({.sequence = sequence, .target = target, .sent = at});
    ++counters[target].sent;
    ++left;
    sink(model::ProbeSent{.circuit = circuit, .target = targets[target].id, .sequence = sequence, .sent = at.boot, .kind = kind});
  }

  void rebuild() {
    for (const auto& wire : wires)
      if (wire) wire->rebuild();
  }

  void revive() {
    rebuild();
    if (!running) return;
    pacing.start(boot_now());
    arm();
    if (plan.extra) arm_extra(Duration::zero());
  }

  void replied(const WireReply& reply) override {
    if (!running) return;
    const auto probe = window.answer(reply.sequence);
    if (!probe) return inert(reply.from);
    const auto target = probe->target;  // two targets may share an address: the sequence knows which one was meant
    auto rtt = reply.measured ? *reply.measured : round_trip(probe->sent, reply.read, reply.stamp);
    if (reply.held > Duration::zero() && reply.held <= rtt) rtt -= reply.held;
    ++counters[target].answered;
    if (rtt > late_after) ++counters[target].late;
    sink(model::ProbeReply{.circuit = circuit,
                           .target = targets[target].id,
                           .sequence = probe->sequence,
                           .rtt = rtt,
                           .code = reply.code,
                           .reflection = reply.reflection});
  }

  void rejected(std::size_t target, std::uint64_t sequence, int error) override {
    if (!running) return;
    if (!window.reject(sequence)) return inert(target);
    ++counters[target].rejected;
    sink(model::ProbeRejected{.circuit = circuit, .target = targets[target].id, .sequence = sequence, .error = error});
  }

  void failed(std::size_t target, int error) override {
    if (!running) return;
    ++counters[target].local_errors;
    sink(model::ProbeLocalError{.circuit = circuit, .target = targets[target].id, .error = error});
  }

  void inert(std::size_t target) override { ++counters[target].inert; }
  void elsewhere(std::size_t target) override { ++counters[target].elsewhere; }
  void stray() override { ++strays; }
  [[nodiscard]] std::optional<SentProbe> waiting(std::uint16_t low_bits) const override { return window.waiting(low_bits); }

  const model::CircuitId circuit;
  const Duration late_after;
  const runtime::HashKey key;
  const std::vector<ProbeTarget> targets;
  std::vector<ProberCounters> counters;  // by position
  Pacing pacing;
  SequenceWindow window;
  Sink sink;
  asio::steady_timer timer, extra_timer;
  model::ProbePlan plan;
  std::size_t extra_turn = 0;
  std::array<std::unique_ptr<Wire>, std::size(model::kEveryProbeMethod)> wires;  // by method; nothing: no target is asked so
  std::uint64_t last_sequence = 0, left = 0, strays = 0;
  bool running = false;
};

CircuitProber::CircuitProber(asio::any_io_executor executor, model::CircuitId circuit, std::string device, std::vector<ProbeTarget> targets,
                             model::CircuitProbing pacing, std::uint64_t seed, Sink sink, Unbound unbound)
    : impl_(std::make_shared<Impl>(executor, circuit, std::move(targets), pacing, runtime::SeededRandom(seed), std::move(sink))) {
  impl_->make_wires(executor, device, unbound);
}

CircuitProber::~CircuitProber() { impl_->stop(); }

void CircuitProber::start() { impl_->start(); }
void CircuitProber::stop() { impl_->stop(); }
void CircuitProber::rebuild() { impl_->rebuild(); }
void CircuitProber::revive() { impl_->revive(); }

void CircuitProber::follow(const model::ProbePlan& plan) { impl_->follow(plan); }

std::uint64_t CircuitProber::left() const { return impl_->left; }
Duration CircuitProber::interval() const { return impl_->plan.interval; }

const ProberCounters& CircuitProber::counters(model::TargetId target) const {
  static const ProberCounters kNone;
  for (std::size_t i = 0; i < impl_->targets.size(); ++i)
    if (impl_->targets[i].id == target) return impl_->counters[i];
  return kNone;
}

std::uint64_t CircuitProber::strays() const { return impl_->strays; }

}  // namespace linekeeper::probes
