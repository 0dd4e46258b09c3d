#pragma once
// What one probe and its answer are on the wire, with their IP headers (RFC 791 3.1: 20, RFC 8200 3: 40): what a provider counts. What the
// link adds is not known here. Of DNS the answer is taken to hold one address; of TCP all that is exchanged counts.
#include "controller/model/site.hpp"

namespace linekeeper::model {

struct ProbeBytes {
  int sent = 0, received = 0;
  [[nodiscard]] constexpr int both() const { return sent + received; }
};

[[nodiscard]] inline ProbeBytes probe_bytes(const Target& target) {
  constexpr int kEcho = 32;                         // ICMP with our tag (probes/icmp_codec.hpp)
  constexpr int kStamp = 8 + 44;                    // UDP, RFC 8762 4.2.1
  constexpr int kSyn = 40, kAck = 32, kReset = 20;  // TCP with the options that Linux sends: of a SYN, and timestamps
  constexpr int kQuery = 8 + 12 + 6, kAnswer = 16;  // UDP, header, and the ends of a question; one address record (RFC 1035 4.1)
  const int ip = target.address.family == Family::V6 ? 40 : 20;
  switch (target.method) {
    case ProbeMethod::Icmp: return {.sent = ip + kEcho, .received = ip + kEcho};
    case ProbeMethod::Stamp: return {.sent = ip + kStamp, .received = ip + kStamp};
    case ProbeMethod::Tcp: return {.sent = 3 * ip + kSyn + kAck + kReset, .received = ip + kSyn};
    case ProbeMethod::Dns: {
      const int question = ip + kQuery + static_cast<int>(target.query.size());
      return {.sent = question, .received = question + kAnswer};
    }
  }
  return {};
}

}  // namespace linekeeper::model
