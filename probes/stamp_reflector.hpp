#pragma once
// The far side of STAMP (RFC 8762 4.3): what a packet is answered with, and whether it is answered at all. An answer is never longer than
// its question and at most as frequent as is allowed, so that nobody gains by sending us questions under another's address. Pure.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "probes/stamp_codec.hpp"

namespace linekeeper::probes {

struct ReflectorRule {
  bool stateful = false;             ///< count what comes, a session at a time, so that the sender can tell the direction of a loss
  std::vector<model::Prefix> from;   ///< who is answered; empty: everybody
  double packets_per_second = 1000;  ///< answered at the most; as many at once
  double each_per_second = 100;      ///< of one source address
};

struct ReflectorCounters {
  std::uint64_t answered = 0;
  std::uint64_t malformed = 0;  ///< too short to be a test packet
  std::uint64_t refused = 0;    ///< from a source that is not to be answered, or from a port on which a reflector answers
  std::uint64_t too_many = 0;   ///< beyond the rates
};

/// One packet as it came.
struct Reflected {
  model::IpAddress source;
  std::uint16_t port = 0;
  std::uint8_t ttl = 0;  ///< 0: not known
  NtpTime received;
  std::span<const std::uint8_t> bytes;
};

class StampReflector {
 public:
  static constexpr std::size_t kMostSessions = 4096, kMostSources = 4096;
  static constexpr model::Duration kForget = std::chrono::seconds(900);  ///< REFWAIT of RFC 5357 4.2

  /// @param port  our own: what comes from a reflector's port is another reflector's answer, and would go to and fro for ever
  StampReflector(ReflectorRule rule, std::uint16_t port);

  /// @param sent  when the answer leaves: as late as can be
  /// @param out   where it is written; at least as long as the packet
  /// @return how long it is; nothing: no answer
  std::optional<std::size_t> answer(const Reflected& packet, NtpTime sent, model::Instant now, std::span<std::uint8_t> out);
  [[nodiscard]] const ReflectorCounters& counters() const { return counters_; }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  struct Bucket {
    double left = 0;
    model::Instant at{};
    bool take(double rate, model::Instant now);
  };
  struct SessionKey {
    model::IpAddress source;
    std::uint16_t port = 0, id = 0;
    friend auto operator<=>(const SessionKey&, const SessionKey&) = default;
  };
  struct Session {
    std::uint32_t next = 0;
    model::Instant heard{};
  };

  [[nodiscard]] bool welcome(const Reflected& packet) const;
  bool within_rates(const model::IpAddress& source, model::Instant now);
  std::uint32_t count(const SessionKey& key, model::Instant now);

  ReflectorRule rule_;
  std::uint16_t port_;
  Bucket all_;
  std::map<model::IpAddress, Bucket> sources_;
  std::map<SessionKey, Session> sessions_;
  ReflectorCounters counters_;
};

}  // namespace linekeeper::probes
