#pragma once
// The name of what has failed, with the evidence for it and the failure mode whose recovery time counts.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/model/ids.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// The failure modes a contact-center site plans for; each has a recovery time set by the business. This product acts on the first two.
enum class FailureMode : std::uint8_t { None = 0, InternetCircuit = 1, SipTrunk = 2, Server = 3, Application = 4, Integration = 5, SiteLoss = 6 };

[[nodiscard]] std::string_view to_string(FailureMode m);  ///< "none", "internet-circuit", "sip-trunk", "server", ...

/// What failed. One word each in status, metrics and events.
enum class Failed : std::uint8_t {
  Ourselves,        ///< our loop stood still, or our own sending fails: nothing is concluded
  Site,             ///< every link, or every gateway, within a second: our own LAN or power
  SharedUpstream,   ///< every circuit's link and gateway are well, and nothing answers through any
  Link,             ///< interface, cable, modem: the kernel says so
  Address,          ///< the link is there, its address or gateway is not
  Gateway,          ///< the link is up, and the provider's first hop does not answer on it
  Circuit,          ///< link and gateway are well, nothing beyond answers
  CircuitOutbound,  ///< part of what we send by it is lost
  CircuitInbound,   ///< part of what comes back by it is lost
  Brownout,         ///< it lives, but loses or delays; the direction cannot be told
  Target,           ///< one target is silent by every circuit: its own affair
  TargetPath,       ///< one target is silent by one circuit only: part of the transit
  Carrier,          ///< one carrier, by every circuit that is well
  Endpoint,         ///< one address of a carrier, by every circuit, while its others answer
  Peering,          ///< one carrier by one circuit only: transit, allow-list or NAT
  Resolver,         ///< names are not resolved through one circuit that otherwise works
  CaptivePortal,    ///< by one circuit somebody else answers in place of who was asked
  MtuHole,          ///< by one circuit large packets vanish, and nobody says why
  PublicAddress,    ///< by one circuit we are seen under another address than is expected
  Unknown,          ///< something is wrong and no line of the table fits
};
inline constexpr int kFailedCount = static_cast<int>(Failed::Unknown) + 1;
[[nodiscard]] std::string_view to_string(Failed f);  ///< "ourselves", "shared-upstream", ...

struct Diagnosis {
  Failed failed = Failed::Unknown;
  std::optional<CircuitId> circuit;  ///< as far as it is about one
  std::optional<CarrierId> carrier;
  std::optional<TargetId> target;
  FailureMode mode = FailureMode::None;  ///< whose recovery time counts; None: nothing is lost by it
  std::string evidence;                  ///< clauses: "link up, gateway answers, 3 of 3 targets silent, coax is well"
  std::string sentence;                  ///< the whole of it for people: what failed, the evidence, whom to call; filled for a Status
  std::string call;                      ///< "call ISP One"; empty: nobody
  Instant since{};
  std::uint8_t line = 0;  ///< of the table (controller/decision/diagnosis_table.cpp) that it was read from, counted from 1
  /// The same thing is wrong; evidence and since may differ.
  [[nodiscard]] bool same(const Diagnosis& o) const {
    return failed == o.failed && circuit == o.circuit && carrier == o.carrier && target == o.target;
  }
};

}  // namespace linekeeper::model
