#pragma once
// Whether one way out can carry what a trunk carries now beside what other trunks send there: against the carrier's contract and the
// circuit's bandwidth, where declared.
#include <cstdint>
#include <optional>
#include <vector>

#include "controller/model/call_bandwidth.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::decision {

/// What a trunk is to carry.
struct Load {
  int calls = 0;
  double calls_per_second = 0;
  friend bool operator==(const Load&, const Load&) = default;
};

/// What a way lacks. In calls at once, attempts a second, or kbit/s each way.
struct Shortfall {
  enum class Of : std::uint8_t { Channels, CallsPerSecond, Bandwidth };
  Of of = Of::Channels;
  double needed = 0, available = 0;
  double by_others = 0;  ///< of what is needed, what other trunks take already
  friend bool operator==(const Shortfall&, const Shortfall&) = default;
};

/// The measured load where there is one, otherwise the declared busy hour; nothing when neither is known.
[[nodiscard]] std::optional<Load> load_of(const model::Trunk& trunk, const std::optional<model::TrunkLoad>& measured);

/// What other trunks take already: of each carrier's contract, and of each circuit's bandwidth.
///
/// Trunks claim in a fixed order (those for emergency calls first, then as the file lists them), and each is measured with those before it:
/// so the later ones make room, and no two can wait for one another or change places for ever. A trunk's calls are taken to be where its
/// order begins; those that were made before it was re-ordered end where they are.
class Claims {
 public:
  struct Share {
    Load load;        ///< of the carrier's contract
    double kbps = 0;  ///< each way, of the circuit's bandwidth
  };

  void reset(const model::Site& site);  ///< nobody has claimed anything
  void claim(const Load& load, model::CarrierId carrier, std::optional<model::CircuitId> via, model::Codec codec);
  [[nodiscard]] Share taken(model::CarrierId carrier, model::CircuitId via) const { return {carriers_[carrier.index()], circuits_[via.index()]}; }

 private:
  std::vector<Load> carriers_;
  std::vector<double> circuits_;
};

/// @param taken       by other trunks, of this carrier and of this circuit
/// @param via         the circuit below, where it is known
/// @param was_short   it could not carry the load when last asked: then it can again only with a tenth to spare, so that a load that
///                    hovers at the limit does not re-order the trunk call by call
/// @return nothing when it can carry the load, or nothing is declared
[[nodiscard]] std::optional<Shortfall> shortfall_of(const Load& load, const Claims::Share& taken, const model::Carrier& carrier,
                                                    const model::Circuit* via, model::Codec codec, bool was_short);

}  // namespace linekeeper::decision
