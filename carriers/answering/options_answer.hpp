#pragma once
// What a carrier's own OPTIONS are answered with (RFC 3261 11.2): 200 while calls may come by the circuit that they came by, 503 with
// Retry-After while people have led the calls away from it. Only carriers of the configuration are answered, and not without measure. Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "carriers/sip/request_reader.hpp"
#include "controller/model/site.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::answering {

inline constexpr int kMostPerSecond = 20;  ///< of one carrier: a dozen servers that ask each second

struct Counters {
  std::uint64_t answered = 0, refused = 0;  ///< by 200, and by 503 or another
  std::uint64_t foreign = 0;                ///< from nobody we know: not answered
  std::uint64_t malformed = 0, limited = 0;
};

class OptionsAnswer {
 public:
  /// @param key  of the tags
  OptionsAnswer(model::SitePtr site, runtime::HashKey key);

  struct Answer {
    std::string bytes;
    runtime::Peer to;
  };
  /// @param circuit  that it came by
  /// @param drained  the calls have been led away from that
  /// @return nothing: not to be answered
  [[nodiscard]] std::optional<Answer> on_datagram(std::string_view datagram, const runtime::Peer& from, model::CircuitId circuit, bool drained,
                                                  model::Instant now);
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// When the carrier last asked by that circuit; nothing: never.
  [[nodiscard]] std::optional<model::Instant> last_asked(model::CarrierId carrier, model::CircuitId circuit) const {
    return seen_.at(carrier.index()).last.at(circuit.index());
  }

 private:
  struct Asker {
    model::Instant second{};
    int asked = 0;
    std::vector<std::optional<model::Instant>> last{};  // by circuit
  };
  [[nodiscard]] std::optional<std::size_t> carrier_of(const model::IpAddress& address) const;

  model::SitePtr site_;
  runtime::HashKey key_;
  std::vector<Asker> seen_;  // by carrier
  Counters counters_;
};

}  // namespace linekeeper::answering
