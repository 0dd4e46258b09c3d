// STAMP test packets (RFC 8762): one connected UDP socket, and so one test session, for each target. A new socket is a new session.
//
// Our numbers begin at 1 and not at 0: to a reflector that is a session whose first packet was lost. A stateful one counts what reached it
// from 0, so its count and ours never agree, and a reflector whose count is ours is known to copy it.
#include <netinet/in.h>

#include <array>
#include <vector>

#include "probes/device_port.hpp"
#include "probes/stamp_codec.hpp"

namespace linekeeper::probes {
namespace {

/// The test session with one reflector.
class Session final : DevicePort::Owner {
 public:
  Session(const WireSetting& setting, std::size_t target)
      : target_(target),
        address_(setting.targets[target].address),
        listener_(*setting.listener),
        key_(setting.key),
        port_(setting, address_.family, IPPROTO_UDP, runtime::Peer{.address = address_, .port = setting.targets[target].port}, *this) {}

  int send(std::uint64_t sequence, const runtime::ClockPair& at) {
    if (const int error = port_.open(); error != 0) return error;
    if (last_ == 0) origin_ = at;
    const std::uint32_t number = last_ + 1;
    const NtpTime sent = ours(at.boot);
    const NtpTime shown = marked(sent, key_, address_, sequence);
    const int error = port_.send(stamp_request({.sequence = number, .sent = shown}));
    if (error != 0) return error;
    last_ = number;
    flight_[number % flight_.size()] = {.number = number, .sequence = sequence, .sent = sent, .shown = shown, .at = at.boot};
    return 0;
  }
  void close() { port_.close(); }
  void rebuild() { port_.rebuild(); }

 private:
  struct Flight {
    std::uint32_t number = 0;  // 0: none
    std::uint64_t sequence = 0;
    NtpTime sent, shown;
    model::Instant at{};
  };

  /// Our clock as the reflector is shown it: the wall clock of the session's begin, carried on by the boot clock, which nobody sets.
  [[nodiscard]] NtpTime ours(model::Instant at) const { return ntp_time(origin_.wall + (at - origin_.boot)); }

  void on_opened() override {
    ++session_;
    last_ = 0;
    flight_ = {};
  }

  [[nodiscard]] const Flight* flight(std::uint32_t number) const {
    const Flight& f = flight_[number % flight_.size()];
    return number != 0 && f.number == number ? &f : nullptr;
  }

  void on_datagram(const runtime::Datagram& packet, const runtime::ClockPair& read) override {
    if (port_.elsewhere(packet)) return listener_.elsewhere(target_);
    const auto reply = parse_stamp_reply(packet.bytes);
    const Flight* asked = reply ? flight(reply->request.sequence) : nullptr;
    if (asked == nullptr || reply->request.sent != asked->shown) return listener_.inert(target_);
    const auto held = between(reply->received, reply->sent);
    // When it came in, by the boot clock: read, less what it waited for us in the kernel (round_trip() does the same for the whole).
    const auto waited = packet.stamp ? read.wall - *packet.stamp : runtime::KernelStamp::duration{};
    const bool plausible = waited >= model::Duration::zero() && waited <= read.boot - asked->at;
    const auto came = read.boot - (plausible ? waited : model::Duration::zero());
    const bool copied = reply->sequence == asked->number;
    listener_.replied({.sequence = asked->sequence,
                       .from = target_,
                       .read = read,
                       .stamp = packet.stamp,
                       .held = held,
                       .reflection = model::Reflection{.session = session_,
                                                       .ours = asked->number,
                                                       .theirs = copied ? std::nullopt : std::optional(reply->sequence),
                                                       .outbound = between(asked->sent, reply->received),
                                                       .inbound = between(reply->sent, ours(came))}});
  }

  void on_error(const runtime::QueuedError& error) override {
    if (!error.from_network) return listener_.failed(target_, error.error);
    // Routers need quote no more than the UDP header (RFC 792): then it is about the newest.
    const auto quoted = parse_stamp_request(error.bytes);
    const Flight* about = flight(quoted ? quoted->sequence : last_);
    if (about == nullptr || (quoted && quoted->sent != about->shown)) return listener_.inert(target_);
    listener_.rejected(target_, about->sequence, error.error);
  }

  std::size_t target_;
  model::IpAddress address_;
  WireListener& listener_;
  runtime::HashKey key_;
  DevicePort port_;
  runtime::ClockPair origin_{};
  std::uint32_t session_ = 0, last_ = 0;
  std::array<Flight, SequenceWindow::kSize> flight_{};
};

class StampWire final : public Wire {
 public:
  explicit StampWire(const WireSetting& setting) : sessions_(setting.targets.size()) {
    for (std::size_t i = 0; i < setting.targets.size(); ++i)
      if (setting.targets[i].method == model::ProbeMethod::Stamp) sessions_[i] = std::make_unique<Session>(setting, i);
  }
  int send(std::size_t target, std::uint64_t sequence, const runtime::ClockPair& at) override { return sessions_[target]->send(sequence, at); }
  void close() override {
    for (const auto& s : sessions_)
      if (s) s->close();
  }
  void rebuild() override {
    for (const auto& s : sessions_)
      if (s) s->rebuild();
  }

 private:
  std::vector<std::unique_ptr<Session>> sessions_;  // by position; nothing: asked by another method
};

}  // namespace

std::unique_ptr<Wire> make_stamp_wire(const WireSetting& setting) { return std::make_unique<StampWire>(setting); }

}  // namespace linekeeper::probes
