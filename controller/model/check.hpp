#pragma once
// The slower checks of a circuit: each asks one question by it, seldom, that echo probes cannot answer. They report what happened;
// what it means is decided elsewhere (controller/decision/check_findings.hpp).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/ids.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

enum class CheckKind : std::uint8_t {
  Resolver,       ///< a name asked of the circuit's own resolvers
  Http,           ///< a page whose answer is known
  Mtu,            ///< a packet of a stated size that may not be fragmented
  PublicAddress,  ///< our address as seen from outside
  Hops,           ///< the first routers on the way
};
inline constexpr CheckKind kEveryCheckKind[] = {CheckKind::Resolver, CheckKind::Http, CheckKind::Mtu, CheckKind::PublicAddress, CheckKind::Hops};
[[nodiscard]] std::string_view to_string(CheckKind k);  ///< "resolver", "http", "mtu", "public-address", "hops"
[[nodiscard]] std::optional<CheckKind> check_kind_named(std::string_view word);

/// What became of one run. Facts, no verdict.
enum class CheckResult : std::uint8_t {
  Well,        ///< as it is expected
  Wrong,       ///< answered, and not as is expected: another page or certificate, another address, an error of the resolver
  TooBig,      ///< mtu: the network says so, and how much fits (`code`)
  Hole,        ///< mtu: small packets are answered, large ones are not, and nobody says why
  Silent,      ///< no answer within the time
  Refused,     ///< the other host or the network said no (RST, ICMP unreachable): `code` is the errno
  LocalError,  ///< our own side could not ask (`code` is the errno): evidence of nothing
};
inline constexpr CheckResult kEveryCheckResult[] = {CheckResult::Well,   CheckResult::Wrong,   CheckResult::TooBig,    CheckResult::Hole,
                                                    CheckResult::Silent, CheckResult::Refused, CheckResult::LocalError};
[[nodiscard]] std::string_view to_string(CheckResult r);  ///< "well", "wrong", "too-big", "hole", "silent", "refused", "local-error"

inline constexpr std::size_t kLongestCheckDetail = 240;  ///< bytes
inline constexpr std::size_t kMostHops = 16;

/// One check of one circuit has ended.
struct CheckOutcome {
  CircuitId circuit;
  CheckKind kind = CheckKind::Resolver;
  std::string check;  ///< its name in the configuration
  CheckResult result = CheckResult::LocalError;
  Instant at{};                              ///< when it began
  std::optional<Duration> took;              ///< until its answer
  int code = 0;                              ///< DNS RCODE, HTTP status, bytes that fit, or errno, as the result has it
  std::optional<Duration> certificate_left;  ///< http: from `at` until the certificate of the server ends
  std::optional<IpAddress> address;          ///< the resolver that answered, or our address as seen from outside
  std::vector<IpAddress> hops;               ///< the first first; 0.0.0.0 for one that is silent
  std::string detail;                        ///< a clause for people, printable: "answers 302 to http://portal.example/ instead of 204"
  friend bool operator==(const CheckOutcome&, const CheckOutcome&) = default;
};

/// A check as configured.
struct Check {
  std::string name;
  CheckKind kind = CheckKind::Resolver;
  std::vector<CircuitId> circuits;  ///< never empty
  Duration interval = std::chrono::seconds(60);
  Duration timeout = std::chrono::seconds(5);
  std::string query;                ///< resolver: the name that is asked for
  std::string url;                  ///< http; public address by an HTTP body
  std::optional<IpAddress> pinned;  ///< http: the server's address, where it is not asked of the resolvers
  int status = 200;                 ///< http: expected
  std::string body;                 ///< http: text that must stand in the answer; empty: none
  std::string ca_file;              ///< http: certificates that are trusted, PEM; empty: those of the system
  std::optional<IpAddress> target;  ///< mtu, hops
  int size = 1500;                  ///< mtu: bytes of the whole IP packet
  std::optional<IpAddress> server;  ///< public address by STUN
  std::uint16_t port = 3478;        ///< of it
  int depth = 4;                    ///< hops: how many
  friend bool operator==(const Check&, const Check&) = default;
};

}  // namespace linekeeper::model
