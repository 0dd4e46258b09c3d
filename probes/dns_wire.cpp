// One small query at a time to a resolver: a connected UDP socket for each target, an id and letters by chance for each query.
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <vector>

#include "probes/device_port.hpp"
#include "probes/dns_codec.hpp"

namespace linekeeper::probes {
namespace {

class Questions final : DevicePort::Owner {
 public:
  Questions(const WireSetting& setting, std::size_t target)
      : target_(target),
        name_(setting.targets[target].query),
        listener_(*setting.listener),
        key_(setting.key),
        port_(setting, setting.targets[target].address.family, IPPROTO_UDP,
              runtime::Peer{.address = setting.targets[target].address, .port = setting.targets[target].port}, *this) {}

  int send(std::uint64_t sequence) {
    const Asked asked{.sequence = sequence, .id = static_cast<std::uint16_t>(chance(sequence, 0)), .letters = chance(sequence, 1)};
    if (const int error = port_.send(dns_query(name_, asked.id, asked.letters)); error != 0) return error;
    asked_[next_++ % asked_.size()] = asked;
    return 0;
  }
  void close() { port_.close(); }
  void rebuild() { port_.rebuild(); }

 private:
  struct Asked {
    std::uint64_t sequence = 0;  // 0: none
    std::uint16_t id = 0;
    std::uint64_t letters = 0;
  };

  [[nodiscard]] std::uint64_t chance(std::uint64_t sequence, std::uint8_t what) const {
    std::array<std::uint8_t, 10> input{what, static_cast<std::uint8_t>(target_)};
    for (std::size_t i = 0; i < 8; ++i) input[2 + i] = static_cast<std::uint8_t>(sequence >> (8 * i));
    return runtime::keyed_hash(key_, input);
  }

  void on_datagram(const runtime::Datagram& packet, const runtime::ClockPair& read) override {
    if (port_.elsewhere(packet)) return listener_.elsewhere(target_);
    const auto id = dns_id(packet.bytes);
    for (const Asked& a : asked_) {  // few, and two may share an id
      if (a.sequence == 0 || !id || a.id != *id) continue;
      const auto rcode = dns_answer(packet.bytes, dns_query(name_, a.id, a.letters));
      if (rcode) return listener_.replied({.sequence = a.sequence, .from = target_, .read = read, .stamp = packet.stamp, .code = *rcode});
    }
    listener_.inert(target_);
  }

  void on_error(const runtime::QueuedError& error) override {
    if (!error.from_network) return listener_.failed(target_, error.error);
    // Routers need quote no more than the UDP header (RFC 792): then it is about the newest.
    const auto id = dns_id(error.bytes);
    const auto about = id ? std::ranges::find(asked_, *id, &Asked::id) : asked_.begin() + static_cast<std::ptrdiff_t>((next_ + kMost - 1) % kMost);
    if (about == asked_.end() || about->sequence == 0) return listener_.inert(target_);
    listener_.rejected(target_, about->sequence, error.error);
  }

  static constexpr std::size_t kMost = 128;  // more than leave in the longest timeout while an answer is overdue
  std::size_t target_;
  std::string name_;
  WireListener& listener_;
  runtime::HashKey key_;
  DevicePort port_;
  std::array<Asked, kMost> asked_{};
  std::size_t next_ = 0;
};

class DnsWire final : public Wire {
 public:
  explicit DnsWire(const WireSetting& setting) : questions_(setting.targets.size()) {
    for (std::size_t i = 0; i < setting.targets.size(); ++i)
      if (setting.targets[i].method == model::ProbeMethod::Dns) questions_[i] = std::make_unique<Questions>(setting, i);
  }
  int send(std::size_t target, std::uint64_t sequence, const runtime::ClockPair& /*at*/) override { return questions_[target]->send(sequence); }
  void close() override {
    for (const auto& q : questions_)
      if (q) q->close();
  }
  void rebuild() override {
    for (const auto& q : questions_)
      if (q) q->rebuild();
  }

 private:
  std::vector<std::unique_ptr<Questions>> questions_;  // by position; nothing: asked by another method
};

}  // namespace

std::unique_ptr<Wire> make_dns_wire(const WireSetting& setting) { return std::make_unique<DnsWire>(setting); }

}  // namespace linekeeper::probes
