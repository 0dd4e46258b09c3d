// Echo requests (ICMP, ICMPv6) through unprivileged ping sockets (icmp(7)), one for each address family in use.
#include <netinet/in.h>

#include <array>

#include "probes/device_port.hpp"
#include "probes/icmp_codec.hpp"

namespace linekeeper::probes {
namespace {

class EchoWire final : public Wire, DevicePort::Owner {
 public:
  explicit EchoWire(const WireSetting& setting)
      : targets_(setting.targets),
        listener_(*setting.listener),
        key_(setting.key),
        v4_(setting, model::Family::V4, IPPROTO_ICMP, std::nullopt, *this),
        v6_(setting, model::Family::V6, IPPROTO_ICMPV6, std::nullopt, *this) {}

  int send(std::size_t target, std::uint64_t sequence, const runtime::ClockPair& /*at*/) override {
    const model::IpAddress& to = targets_[target].address;
    return port_of(to).send(echo_request(key_, to, sequence), to);
  }
  void close() override {
    v4_.close();
    v6_.close();
  }
  void rebuild() override {
    v4_.rebuild();
    v6_.rebuild();
  }

 private:
  DevicePort& port_of(const model::IpAddress& address) { return address.family == model::Family::V4 ? v4_ : v6_; }

  [[nodiscard]] std::optional<std::size_t> target_at(const model::IpAddress& address) const {
    for (std::size_t i = 0; i < targets_.size(); ++i)
      if (targets_[i].method == model::ProbeMethod::Icmp && targets_[i].address == address) return i;
    return std::nullopt;
  }

  void on_datagram(const runtime::Datagram& packet, const runtime::ClockPair& read) override {
    const auto from = target_at(packet.source);
    if (!from) return listener_.stray();
    if (port_of(packet.source).elsewhere(packet)) return listener_.elsewhere(*from);
    const auto sequence = packet.truncated ? std::nullopt : parse_echo_reply(key_, packet.source, packet.bytes);
    if (!sequence) return listener_.inert(*from);
    listener_.replied({.sequence = *sequence, .from = *from, .read = read, .stamp = packet.stamp});
  }

  void on_error(const runtime::QueuedError& error) override {
    const auto to = target_at(error.destination);
    if (!to) return listener_.stray();
    if (!error.from_network) return listener_.failed(*to, error.error);
    const auto quoted = parse_quoted_request(key_, error.destination, error.bytes);
    const auto waiting = quoted ? listener_.waiting(quoted->low_bits) : std::nullopt;
    const bool ours =
        waiting && targets_[waiting->target].address == error.destination && (!quoted->sequence || *quoted->sequence == waiting->sequence);
    if (!ours) return listener_.inert(*to);
    listener_.rejected(waiting->target, waiting->sequence, error.error);
  }

  std::span<const ProbeTarget> targets_;
  WireListener& listener_;
  runtime::HashKey key_;
  DevicePort v4_, v6_;
};

}  // namespace

std::unique_ptr<Wire> make_echo_wire(const WireSetting& setting) { return std::make_unique<EchoWire>(setting); }

}  // namespace linekeeper::probes
