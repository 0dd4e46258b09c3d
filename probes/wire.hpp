#pragma once
// How probes of one method leave and how their fate comes back. The scheduler (circuit_prober) knows when, to whom and which sequence; a
// wire knows packets and sockets. Targets are named by their position in the prober's list.
//
// A wire belongs to its prober and dies with it. What it tells may end the prober: after each call of the listener a wire looks whether
// it is still open before it goes on.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/runtime/clock.hpp"
#include "controller/runtime/seeded_random.hpp"
#include "probes/sequence_window.hpp"

namespace linekeeper::probes {

struct ProbeTarget {
  model::TargetId id;
  model::IpAddress address;
  model::ProbeMethod method = model::ProbeMethod::Icmp;
  std::uint16_t port = 0;
  std::string query = {};
};

struct WireReply {
  std::uint64_t sequence = 0;
  std::size_t from = 0;  ///< whose address or socket it came from
  runtime::ClockPair read{};
  std::optional<runtime::KernelStamp> stamp = std::nullopt;
  std::optional<model::Duration> measured = std::nullopt;  ///< the round trip as the kernel measured it: nothing else is then asked
  model::Duration held{};                                  ///< how long the far side says it held the packet
  int code = 0;                                            ///< model::ProbeReply::code
  std::optional<model::Reflection> reflection = std::nullopt;
};

class WireListener {
 public:
  virtual void replied(const WireReply& reply) = 0;
  virtual void rejected(std::size_t target, std::uint64_t sequence, int error) = 0;  ///< by the network
  virtual void failed(std::size_t target, int error) = 0;                            ///< our own side, found after the send
  virtual void inert(std::size_t target) = 0;                                        ///< it answers nothing that was asked
  virtual void elsewhere(std::size_t target) = 0;                                    ///< it came in by another interface
  virtual void stray() = 0;                                                          ///< from no target at all
  /// The probe still waited for whose sequence ends in these 16 bits.
  [[nodiscard]] virtual std::optional<SentProbe> waiting(std::uint16_t low_bits) const = 0;
  virtual ~WireListener() = default;
};

class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;
  /// @param at  both clocks just before
  /// @return 0, or the errno of our own side
  virtual int send(std::size_t target, std::uint64_t sequence, const runtime::ClockPair& at) = 0;
  virtual void close() = 0;    ///< no call of the listener after this returns
  virtual void rebuild() = 0;  ///< new sockets before the next probe, without waiting for anything
};

/// What is asked of probes that are bound to no device: how a class's traffic leaves, and where its answers are to come in.
struct Unbound {
  std::optional<model::IpAddress> source;  ///< the address of ours that they leave from, where the target's family has it; nothing: as routes say
  std::string arrives_by;                  ///< an answer that comes in by another interface proves nothing; empty: any
};

/// What every wire is made with.
struct WireSetting {
  boost::asio::any_io_executor executor;
  std::string device;  ///< SO_BINDTODEVICE; empty: as routes say
  Unbound unbound = {};
  std::weak_ptr<void> life;  ///< of the prober: held by whoever is called back
  runtime::HashKey key;
  std::span<const ProbeTarget> targets;  ///< all of the prober's; outlives the wire
  WireListener* listener = nullptr;      ///< outlives the wire
};

[[nodiscard]] std::unique_ptr<Wire> make_echo_wire(const WireSetting& setting);
[[nodiscard]] std::unique_ptr<Wire> make_stamp_wire(const WireSetting& setting);
[[nodiscard]] std::unique_ptr<Wire> make_tcp_wire(const WireSetting& setting);
[[nodiscard]] std::unique_ptr<Wire> make_dns_wire(const WireSetting& setting);

}  // namespace linekeeper::probes
