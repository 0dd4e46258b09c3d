#include "carriers/answering/answering_socket.hpp"

#include <netinet/in.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>

#include "carriers/sip/message.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::answering {
namespace asio = boost::asio;

namespace {

constexpr int kPacketsATurn = 64;  // then the rest of the house has its turn
constexpr std::chrono::seconds kOpenAgain{5};

}  // namespace

struct AnsweringSockets::Impl : std::enable_shared_from_this<AnsweringSockets::Impl> {
  struct Ear {
    Ear(const asio::any_io_executor& executor, model::CircuitId of) : circuit(of), descriptor(executor) {}
    model::CircuitId circuit;
    asio::posix::stream_descriptor descriptor;
    int error = 0;
  };

  Impl(const asio::any_io_executor& executor, model::SitePtr of, runtime::SeededRandom random, std::function<bool(model::CircuitId)> when)
      : site(std::move(of)), answers(site, random.key()), drained(std::move(when)), timer(executor) {
    for (std::size_t c = 0; c < site->circuits.size(); ++c) ears.push_back(std::make_unique<Ear>(executor, model::id_at<model::CircuitId>(c)));
  }

  /// The device may be made anew at any time: a socket bound to the old one hears nothing, so all are looked at again now and then.
  void open_all() {
    for (const auto& ear : ears)
      if (!ear->descriptor.is_open()) ear->error = open(*ear);
    timer.expires_after(kOpenAgain);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      if (!cancelled && self->running) self->open_all();
    });
  }

  /// @return 0 or errno
  int open(Ear& ear) {
    const model::Circuit& circuit = (*site)[ear.circuit];
    auto socket = runtime::open_datagram_socket(circuit.family, IPPROTO_UDP, circuit.interface);
    if (!socket) return socket.error().code;
    const model::IpAddress any{.family = circuit.family};
    if (const int error = runtime::bind_datagram(socket->get(), {.address = any, .port = site->answering.port})) return error;
    boost::system::error_code failed;
    ear.descriptor.assign(socket->get(), failed);
    if (failed) return failed.value();
    [[maybe_unused]] const int owned_by_descriptor = socket->release();
    listen(ear);
    return 0;
  }

  void listen(Ear& ear) {
    ear.descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this(), &ear](const boost::system::error_code& error) {
      if (error || !self->running) return;
      self->read(ear);
      if (self->running && ear.descriptor.is_open()) self->listen(ear);
    });
  }

  void read(Ear& ear) {
    std::array<std::uint8_t, 64> quoted;
    while (runtime::receive_queued_error(ear.descriptor.native_handle(), quoted)) {
    }  // an asker that is gone: nothing to us
    std::array<std::uint8_t, sip::kLargestDatagram + 1> buffer;
    for (int n = 0; n < kPacketsATurn; ++n) {
      const auto packet = runtime::receive_datagram(ear.descriptor.native_handle(), buffer);
      if (!packet) return;
      const runtime::Peer from{.address = packet->source, .port = packet->source_port};
      const auto answer = answers.on_datagram({reinterpret_cast<const char*>(packet->bytes.data()), packet->bytes.size()}, from, ear.circuit,
                                              drained(ear.circuit), runtime::boot_now());
      if (!answer) continue;
      // An answer that cannot be sent is one that was lost: the carrier asks again.
      [[maybe_unused]] const int error = runtime::answer_datagram(ear.descriptor.native_handle(),
                                                                  {reinterpret_cast<const std::uint8_t*>(answer->bytes.data()), answer->bytes.size()},
                                                                  answer->to, packet->destination);
    }
  }

  model::SitePtr site;
  OptionsAnswer answers;
  std::function<bool(model::CircuitId)> drained;
  std::vector<std::unique_ptr<Ear>> ears;
  asio::steady_timer timer;
  bool running = false;
};

AnsweringSockets::AnsweringSockets(asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed,
                                   std::function<bool(model::CircuitId)> drained)
    : impl_(std::make_shared<Impl>(executor, std::move(site), runtime::SeededRandom(seed), std::move(drained))) {}

AnsweringSockets::~AnsweringSockets() { stop(); }

void AnsweringSockets::start() {
  impl_->running = true;
  impl_->open_all();
}

void AnsweringSockets::stop() {
  impl_->running = false;
  impl_->timer.cancel();
  boost::system::error_code ignored;
  for (const auto& ear : impl_->ears) ear->descriptor.close(ignored);
}

void AnsweringSockets::rebuild(model::CircuitId circuit) {
  if (!impl_->running) return;
  auto& ear = *impl_->ears.at(circuit.index());
  boost::system::error_code ignored;
  ear.descriptor.close(ignored);
  ear.error = impl_->open(ear);
}

const OptionsAnswer& AnsweringSockets::answers() const { return impl_->answers; }

std::string AnsweringSockets::problem() const {
  for (const auto& ear : impl_->ears)
    if (ear->error != 0)
      return "port " + std::to_string(impl_->site->answering.port) + " of " + (*impl_->site)[ear->circuit].name + " cannot be listened at (" +
             std::strerror(ear->error) + "): see who has it (ss -lunp)";
  return {};
}

}  // namespace linekeeper::answering
