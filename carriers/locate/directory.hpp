#pragma once
// What is held of one carrier's endpoints by one circuit, from lookup to lookup. The last good answer stays for as long as there is no better
// one (as RFC 8767 has it, without its limit: whether the addresses live is seen by asking them, not by the age of their record). A name that
// is said not to exist is told apart and costs nothing either: one wrong edit of a zone must not take away a carrier that answers.
#include "carriers/locate/location.hpp"

namespace linekeeper::locate {

inline constexpr model::Duration kLeastTtl = std::chrono::seconds(5), kMostTtl = std::chrono::seconds(300);
inline constexpr model::Duration kFirstRetry = std::chrono::seconds(5), kMostRetry = std::chrono::seconds(60);

class Directory {
 public:
  Directory(model::CarrierId carrier, model::CircuitId circuit);

  /// What was held before a reload or restart; it counts as unanswered for until a lookup says better.
  void recall(std::vector<model::LocatedEndpoint> endpoints, model::Instant answered);
  /// A lookup has ended. @return whether what is held is to be told: it, or how fresh it is, is new
  bool on(const Found& found, model::Instant now);
  [[nodiscard]] const model::CarrierLocated& held() const { return held_; }
  /// When to look again: its TTL from the lookup, within the two limits; after a failure 5 s, 10 s, ... up to a minute.
  [[nodiscard]] model::Instant next() const { return next_; }
  /// The way is another now (a new address, a new interface): look again soon, but not at once each time.
  void changed(model::Instant now) { next_ = std::min(next_, now + std::chrono::milliseconds(500)); }

 private:
  bool keep(const Found& found, model::Instant now);

  model::CarrierLocated held_;
  bool told_ = false;
  model::Instant next_ = model::Instant::min();
  model::Duration retry_ = kFirstRetry;
};

}  // namespace linekeeper::locate
