#pragma once
// The last good answer of a carrier's name as one line of text, kept over restarts: a site that starts while no resolver answers asks the
// carrier where it was. The file it comes from may be damaged or another's: one mistake spoils the whole.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/endpoint.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::locate {

struct KeptPlaces {
  std::vector<model::LocatedEndpoint> endpoints;
  model::WallTime answered{};
};

/// "places 1 1700000000000 udp 198.51.100.10 5060 10 50 a.north.example ..."
[[nodiscard]] std::string to_text(const KeptPlaces& places);
/// @return nothing when it is no such text, or holds more than kMostEndpoints
[[nodiscard]] std::optional<KeptPlaces> places_from_text(std::string_view text);
/// Without what the carrier's pinned networks, and the circuit's family, do not allow now.
[[nodiscard]] std::vector<model::LocatedEndpoint> allowed(std::vector<model::LocatedEndpoint> endpoints, const model::Carrier& carrier,
                                                          model::Family family);

}  // namespace linekeeper::locate
