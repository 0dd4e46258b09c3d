#pragma once
// Carriers that ask for less (RFC 7339): told once, and again after they have not asked for a while.
#include <map>
#include <optional>
#include <string>

#include "controller/model/observation.hpp"

namespace linekeeper::daemon {

inline constexpr std::chrono::minutes kOverloadOver{10};  ///< so long without being asked, and it is another time

class OverloadWatch {
 public:
  /// @param carrier its name @return what is to be told now
  std::optional<std::string> on(const model::SipOverload& overload, const std::string& carrier, model::Instant now);

 private:
  std::map<std::string, model::Instant> asked_;  // lately
};

}  // namespace linekeeper::daemon
