#pragma once
// An outage that costs service, with its RTO clock.
#include <cstdint>
#include <optional>
#include <string>

#include "controller/model/diagnosis.hpp"
#include "controller/model/ids.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

struct Incident {
  std::int64_t id = 0;
  FailureMode mode = FailureMode::InternetCircuit;
  std::string subject;    ///< class or trunk that was hit
  std::string diagnosis;  ///< what had failed, in a sentence; empty while nothing is named
  std::string failed;     ///< "circuit fiber", "north via fiber"
  std::string moved_to;   ///< circuit or carrier
  std::string trigger;    ///< "automatic", "operator"
  WallTime opened{};
  Instant last_good{};              ///< t0: when the last answered probe left; the fault began no earlier
  Instant detected{};               ///< t1: verdict
  Instant decided{};                ///< t2: plan
  std::optional<Instant> applied;   ///< t3: acknowledged and read back equal
  std::optional<Instant> verified;  ///< t4: three end-to-end successes on the new way
  Duration rto_target{};
  [[nodiscard]] std::optional<Duration> recovery() const {
    if (!verified) return std::nullopt;
    return *verified - last_good;
  }
};

}  // namespace linekeeper::model
