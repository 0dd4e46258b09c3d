#pragma once
// One address of a carrier, and what is known of all of them by one circuit: that circuit's resolvers may say something else than another's.
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/ids.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// How SIP goes to a carrier (RFC 3261 18, RFC 5922).
enum class SipTransport : std::uint8_t { Udp, Tcp, Tls };
inline constexpr SipTransport kEverySipTransport[] = {SipTransport::Udp, SipTransport::Tcp, SipTransport::Tls};
/// "udp", "tcp", "tls": the word in the configuration and in URIs (RFC 3261 19.1.1).
[[nodiscard]] constexpr std::string_view to_string(SipTransport t) {
  switch (t) {
    case SipTransport::Udp: return "udp";
    case SipTransport::Tcp: return "tcp";
    case SipTransport::Tls: return "tls";
  }
  return "?";
}

/// Where SIP requests are sent.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 5060;
  SipTransport transport = SipTransport::Udp;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  [[nodiscard]] std::string to_string() const;  ///< "198.51.100.10:5060", "[2001:db8::1]:5060"
};

/// An endpoint as DNS, or a list, gives it.
struct LocatedEndpoint {
  Endpoint at;
  std::uint16_t priority = 0;  ///< of its SRV record (RFC 2782): smaller is preferred
  std::uint16_t weight = 0;    ///< likewise: its share among those of one priority
  std::string name{};          ///< that the address was found by; empty: numeric
  friend bool operator==(const LocatedEndpoint&, const LocatedEndpoint&) = default;
};

/// Most endpoints of one carrier by one circuit: each costs a turn in the carrier's etiquette, and a label in the metrics.
inline constexpr std::size_t kMostEndpoints = 16;

/// What the newest lookup came to.
enum class Lookup : std::uint8_t {
  Found,       ///< the endpoints are as DNS has them now
  Unanswered,  ///< SERVFAIL, REFUSED or silence: the endpoints are those of the last good answer
  NoSuchName,  ///< NXDOMAIN, or a name without addresses: likewise, and somebody should look
};
[[nodiscard]] std::string_view to_string(Lookup l);  ///< "found", "unanswered", "no-such-name"

/// A carrier's endpoints by one circuit, complete each time. Told when anything of it is new.
struct CarrierLocated {
  CarrierId carrier;
  CircuitId circuit;
  Lookup lookup = Lookup::Found;
  Instant answered{};  ///< when the endpoints were last confirmed
  std::vector<LocatedEndpoint> endpoints;
  std::vector<IpAddress> refused;  ///< answered by DNS, but outside the carrier's pinned networks: never asked, never steered to
};

}  // namespace linekeeper::model
