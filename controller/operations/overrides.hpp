#pragma once
// What people ordered: which orders are in force, when the next one ends, and whether a new one makes sense. Values only; the
// journal makes an order durable before it is listed here (I19).
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/override.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::operations {

inline constexpr std::chrono::seconds kLongestOverride = std::chrono::hours(24 * 7);  ///< nobody remembers a longer one

/// What a person asks for, as it came in.
struct OverrideRequest {
  model::OverrideKind kind = model::OverrideKind::Force;
  std::string subject;  ///< class, trunk, "routing" (every class), "trunks" (every trunk); "" = everything, for a hold only
  std::string to;       ///< circuit or carrier, for a force
  std::chrono::seconds lasting{};
  std::string reason;
};

/// @return what is wrong with it and what would be right, or nothing. Does not look at health: that is a guard's.
[[nodiscard]] std::optional<model::Error> mistake(const model::Site& site, const OverrideRequest& request);

class Overrides {
 public:
  void load(std::vector<model::Override> all) { all_ = std::move(all); }
  /// The newest word on a subject replaces an older one of the same kind. @return those replaced (to be removed from the journal).
  std::vector<model::Override> add(model::Override override);
  /// @param id 0: by subject; subject "" too: all. @return those removed.
  std::vector<model::Override> release(std::int64_t id, std::string_view subject);
  /// Removes what has ended. @return those.
  std::vector<model::Override> expire(model::WallTime now);

  [[nodiscard]] const std::vector<model::Override>& in_force() const { return all_; }
  [[nodiscard]] std::optional<model::WallTime> next_expiry() const;

 private:
  std::vector<model::Override> all_;
};

}  // namespace linekeeper::operations
