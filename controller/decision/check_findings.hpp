#pragma once
// What the slower checks of all circuits come to: each check of a circuit has a standing result, and some results of several checks and
// circuits together say something of a circuit.
//
// A good result stands at once; a bad one once it has come twice in a row, by a circuit that was well all the while: what is asked by a
// dead line is answered by nobody, and that is known already. Local errors are nothing at all.
//
// Whether a wrong answer is the circuit's doing or the server's own affair is told by the other circuits, as with targets and carriers: wrong
// by this one and right by another is the circuit; wrong by all is the server, and no circuit is blamed.
//
// Rejected: to call a circuit down by its checks. They are asked a thousand times more seldom than targets, and most of them are a single
// server somewhere: a page that was redesigned must not take a line from a call center.
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/decision/diagnosis.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"
#include "controller/model/status.hpp"

namespace linekeeper::decision {

/// What the checks say of data by a circuit.
enum class DataWay : std::uint8_t {
  Well,      ///< nothing is known against it
  Impaired,  ///< a captive portal or an MTU hole: data goes by another circuit where a choice is made
  Lost,      ///< several independent checks agree: data leaves it
};

class CheckFindings {
 public:
  explicit CheckFindings(const model::Site& site);

  /// The standing result has changed.
  struct Change {
    std::size_t check = 0;  ///< position in Site::checks
    std::optional<model::CheckResult> before;
    model::CheckResult after = model::CheckResult::Well;
  };
  /// @param fit  the circuit was well since before the check began: bad results count
  std::optional<Change> on(const model::CheckOutcome& outcome, bool fit, model::Instant now);

  /// Puts what is known of a circuit where the diagnosis table reads it. @param resolver set when the circuit's resolvers are checked
  void show(model::CircuitId circuit, CircuitEvidence& evidence) const;
  [[nodiscard]] DataWay data_way(model::CircuitId circuit) const;
  [[nodiscard]] std::string data_words(model::CircuitId circuit) const;  ///< "portal answers 302 to ..., page ..."
  /// When data by it was last found to be well again; nothing: never otherwise.
  [[nodiscard]] std::optional<model::Instant> well_since(model::CircuitId circuit) const { return well_since_.at(circuit.index()); }

  [[nodiscard]] std::vector<model::CheckStatus> status(model::CircuitId circuit) const;
  /// Routers that two circuits go through, by their latest traces; made anew with each.
  [[nodiscard]] const std::vector<model::SharedHop>& shared_hops() const { return shared_; }

 private:
  struct Slot {
    std::optional<model::CheckStatus> standing;
    std::optional<model::CheckResult> once;  ///< a bad result that has come once
  };
  [[nodiscard]] const Slot& slot(std::size_t check, model::CircuitId circuit) const { return slots_[check * circuits_ + circuit.index()]; }
  [[nodiscard]] bool says(std::size_t check, model::CircuitId circuit, model::CheckResult result) const;
  [[nodiscard]] Elsewhere elsewhere(std::size_t check, model::CircuitId circuit, model::CheckResult bad) const;
  [[nodiscard]] std::optional<CheckEvidence> evidence(model::CircuitId circuit, model::CheckKind kind, model::CheckResult bad) const;
  void compare_hops();

  const model::Site* site_;
  std::size_t circuits_;
  std::vector<Slot> slots_;  // check by check, circuit by circuit
  std::vector<std::optional<model::Instant>> well_since_;
  std::vector<model::SharedHop> shared_;
};

/// Is it an address that only one router in the world has? Private and shared address space (RFC 1918, 6598, 3927, 4193, 4291) is used by
/// every provider anew, so the same one twice proves nothing.
[[nodiscard]] bool one_of_its_kind(const model::IpAddress& address);

}  // namespace linekeeper::decision
