#pragma once
// A lease that is renewed with another address: DHCP clients and PPP daemons take the old address away before they set the new one, and the
// route after that. For some milliseconds the circuit then has no address, or no gateway, and that is no fault of the line. Told at once it
// would be left as dead, and come home only after half a minute of proof. So such a state is told when it has lasted; a link that is down,
// or gone, is told at once. Pure.
//
// Rejected: to keep the judge waiting instead. It would have to be told of the address twice, and the switch would be told to forget a
// gateway that is there again a moment later.
#include <optional>

#include "controller/model/observation.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::daemon {

/// Longer than any client takes between the two (10 to 100 ms), short beside what a lost lease costs anyway.
inline constexpr model::Duration kLinkSettles = std::chrono::milliseconds(300);

class LinkSettling {
 public:
  /// @param told  what was told last of this circuit's link; nothing: never
  /// @param seen  what the kernel shows now
  /// @return until when `seen` is not to be told yet; nothing: tell it
  std::optional<model::Instant> hold(const std::optional<model::LinkState>& told, const model::LinkState& seen, model::Instant now) {
    const bool linked = seen.present && seen.admin_up && seen.carrier;
    const bool between = linked && !seen.usable() && told && told->usable() && told->ifindex == seen.ifindex;
    if (!between) {
      since_.reset();
      return std::nullopt;
    }
    if (!since_) since_ = now;
    if (now - *since_ >= kLinkSettles) return std::nullopt;
    return *since_ + kLinkSettles;
  }

 private:
  std::optional<model::Instant> since_;
};

}  // namespace linekeeper::daemon
