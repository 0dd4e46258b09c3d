#pragma once
// What we hold to be true about a circuit, a path or a carrier.
#include <cstdint>
#include <string>
#include <string_view>

#include "controller/model/time.hpp"

namespace linekeeper::model {

enum class Health : std::uint8_t { Unknown, Up, Degraded, Down };
inline constexpr Health kEveryHealth[] = {Health::Unknown, Health::Up, Health::Degraded, Health::Down};

/// "unknown", "up", "degraded", "down": the word in metrics, status and configuration.
[[nodiscard]] constexpr std::string_view to_string(Health h) {
  switch (h) {
    case Health::Unknown: return "unknown";
    case Health::Up: return "up";
    case Health::Degraded: return "degraded";
    case Health::Down: return "down";
  }
  return "?";
}

/// Why a verdict is what it is; one word each, the sentence is made from it and the figures (decision/explain).
enum class Cause : std::uint8_t {
  NoEvidence,       ///< not yet enough answered or lost probes
  Stale,            ///< evidence older than allowed (I6)
  LocalErrors,      ///< our own sends fail: we cannot tell
  Answering,        ///< probes are answered
  Recovering,       ///< answered again, fewer than `rise` in a row so far
  LinkDown,         ///< interface missing, set down, or without carrier
  NoAddress,        ///< interface up, no address
  NoGateway,        ///< interface and address there, no gateway known
  Silent,           ///< no answer from two or more targets for longer than this circuit is ever silent
  Lossy,            ///< a share of the probes is lost
  Bursty,           ///< losses come in bursts, more than they used to
  Delayed,          ///< the shortest round trip has grown
  CircuitDown,      ///< (paths) the circuit below is down: the carrier is not to blame
  SipTimeout,       ///< OPTIONS unanswered
  SipRefused,       ///< ICMP unreachable or the stream refused
  SipRejected,      ///< a final response that means "takes no calls" (503, 500, ...)
  SipUnauthorised,  ///< 403 or failed credentials
  BackupAddresses,  ///< (paths) only addresses of a later priority answer
};
[[nodiscard]] std::string_view to_string(Cause c);  ///< "silent", "link-down", ...

struct Verdict {
  Health health = Health::Unknown;
  Cause cause = Cause::NoEvidence;
  int detail = 0;   ///< SIP code, errno or count of losses, as the cause has it
  Instant since{};  ///< when `health` became what it is
};

}  // namespace linekeeper::model
