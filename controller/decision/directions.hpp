#pragma once
// Which way a circuit loses, and how evenly it carries each way: from STAMP reflectors (RFC 8762). A stateful one counts what reaches it.
// Between two of its replies, what we sent beyond what it counted was lost on the way there; what it counted beyond what came back, on the
// way back. A duplicate made on the way there counts as one lost on the way back: rare, and the other way round it would hide a loss.
//
// Fixed size; nothing is allocated by a reply.
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "controller/decision/diagnosis.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// Packets lost each way, among those that are accounted for.
struct DirectedLosses {
  int sent = 0, outbound = 0;    ///< by us, and lost before the reflector
  int arrived = 0, inbound = 0;  ///< at the reflector, and lost after it
  DirectedLosses& operator+=(const DirectedLosses& o);
};

/// So many losses must be known before a direction is named, and so few of them may be of the other one: were both alike, six of a kind
/// would be named once in 32 times.
inline constexpr int kDirectedLosses = 6, kOthersAmong = 8;
[[nodiscard]] LossDirection direction_of(const DirectedLosses& losses);

/// One reflector's word, by one circuit.
class ReflectorWindow {
 public:
  static constexpr std::uint32_t kPackets = 100;  ///< the newest: a minute of a circuit in use with three targets, less while it is suspect

  void add(const model::Reflection& reflection);
  [[nodiscard]] DirectedLosses losses() const;
  [[nodiscard]] model::Direction outbound() const;
  [[nodiscard]] model::Direction inbound() const;

 private:
  struct Returned {
    std::uint32_t ours = 0, theirs = 0;
  };
  /// RFC 3550 6.4.1, of one direction.
  struct Jitter {
    std::optional<model::Duration> last, smoothed;
    void add(model::Duration delay);
  };
  void count(const Returned& returned);

  std::optional<std::uint32_t> session_;
  std::array<Returned, kPackets> returned_{};  // the oldest first, by our number
  std::size_t size_ = 0;
  Jitter outbound_, inbound_;
};

/// All that the answers of a circuit's targets tell beside that they came.
class Directions {
 public:
  Directions(const model::Site& site, model::CircuitId circuit);

  /// @return whether the direction in which the circuit loses is another one now
  bool on(const model::ProbeReply& reply);
  [[nodiscard]] LossDirection lost() const { return lost_; }
  /// Fills what is known into the circuit and its targets.
  void fill(model::CircuitStatus& status) const;

 private:
  struct Target {
    model::TargetId id;
    int last_code = 0;
    std::unique_ptr<ReflectorWindow> window;  ///< of a STAMP target
  };
  std::vector<Target> targets_;  // in Site order
  LossDirection lost_ = LossDirection::Unknown;
};

}  // namespace linekeeper::decision
