#pragma once
// Probes and SIP responses. This is the probe path: each observation costs a few additions on counters found by position;
// nothing is allocated but the counter of a SIP code when a path answers with it for the first time.
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/telemetry/metric_families.hpp"

namespace linekeeper::telemetry {

/// The code as a label: "200"; "other" when IANA's registry of SIP response codes does not hold it (RFC 3261 27.4).
[[nodiscard]] std::string_view sip_code_label(int code);

class ProbeMetrics {
 public:
  /// (Re)binds to the site's series. Counters of circuits, targets and carriers that stay keep their values.
  void bind(MetricFamilies& families, const model::Site& site);
  void observe(const model::Observation& observation);
  /// Counts probes that stayed unanswered for the longest timeout. Call once a second or more often.
  void expire(model::Instant now);

 private:
  struct Probe {
    Counter* attempts = nullptr;
    Counter* timeouts = nullptr;
    Counter* rejected = nullptr;
    Counter* local_errors = nullptr;
    Counter* late = nullptr;
    Histogram* rtt = nullptr;
    double bytes_sent = 0, bytes_received = 0;  ///< of one probe, and of its answer, on the wire
    std::size_t method = 0;                     ///< of ProbeMethod
  };
  /// What probing costs a circuit.
  struct Cost {
    std::array<Counter*, std::size(model::kEveryProbeKind)> kinds{};
    Counter *sent = nullptr, *received = nullptr;
  };
  struct Load {
    Gauge *calls = nullptr, *rate = nullptr;
  };
  struct Code {
    std::string_view label;
    Counter* count = nullptr;
  };
  struct Path {
    Probe probe;
    std::vector<Code> codes;  ///< the few this path has answered with
    Counter* overdue = nullptr;
    std::size_t carrier = 0, circuit = 0;
  };
  enum class Fate : std::uint8_t { Settled, Waiting, TimedOut };
  struct Echo {
    std::uint64_t sequence = 0;
    model::Instant sent{};
    Probe* probe = nullptr;
    Fate fate = Fate::Settled;
  };
  /// Probes on their way, by sequence. While an answer is overdue they leave every 20 ms for a second and every 50 ms after that,
  /// beside the scheduled ones: 5 s of that are on their way at the usual timeout of 1 s and well beyond. A slot that is needed again
  /// while it still waits is a timeout.
  static constexpr std::size_t kInFlight = 256;
  using Flight = std::array<Echo, kInFlight>;

  void on(const model::ProbeSent& sent);
  void on(const model::ProbeReply& reply);
  void on(const model::ProbeRejected& rejected);
  void on(const model::ProbeLocalError& error);
  void on(const model::SipOutcome& outcome);
  void on(const model::LinkState&) {}      // what is held to be true of these three is read from the Status
  void on(const model::GatewayState&) {}   //
  void on(const model::ResolverState&) {}  //
  void on(const model::LoopStall& stall);
  void on(const model::TrunkLoad& load);
  void on(const model::SipOverdue& overdue);
  void on(const model::CheckOutcome&) {}    // counted by CheckMetrics
  void on(const model::CallOutcome&) {}     // counted by CallMetrics
  void on(const model::SipProvisional&) {}  // its outcome is what is counted
  void on(const model::CarrierLocated&) {}  // read from the Status
  void on(const model::ProberStuck& stuck);

  Probe make(std::string_view circuit, const std::string& name, std::string_view method, std::string_view target, std::string_view carrier);
  void bind_costs(const model::Site& site);
  [[nodiscard]] Path* path(model::CarrierId carrier, model::CircuitId circuit);
  [[nodiscard]] Probe* echo(model::CircuitId circuit, model::TargetId target);
  [[nodiscard]] Echo* flight(model::CircuitId circuit, std::uint64_t sequence);
  void count_code(Path& path, int code);

  MetricFamilies* families_ = nullptr;
  std::size_t targets_ = 0, circuits_ = 0;
  std::vector<Probe> echoes_;                                                 ///< circuit by circuit, target by target
  std::vector<Path> paths_;                                                   ///< carrier by carrier, circuit by circuit
  std::vector<Flight> flights_;                                               ///< by circuit
  std::vector<std::array<Cost, std::size(model::kEveryProbeMethod)>> costs_;  ///< by circuit, by method; of methods that it is measured by
  std::vector<Cost> options_costs_;                                           ///< by circuit
  std::vector<Counter*> stuck_;                                               ///< by circuit
  std::vector<Load> loads_;                                                   ///< by trunk
  Counter *stalls_ = nullptr, *stalled_ = nullptr;
  std::vector<std::string> circuit_names_, carrier_names_;
  model::Duration timeout_{};
};

}  // namespace linekeeper::telemetry
