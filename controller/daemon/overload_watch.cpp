#include "controller/daemon/overload_watch.hpp"

#include <fmt/format.h>

namespace linekeeper::daemon {

std::optional<std::string> OverloadWatch::on(const model::SipOverload& overload, const std::string& carrier, model::Instant now) {
  if (overload.percent == 0) return std::nullopt;
  const auto [known, fresh] = asked_.try_emplace(carrier, now);
  const bool again = !fresh && now - known->second < kOverloadOver;
  known->second = now;
  if (again) return std::nullopt;
  return fmt::format("{} is overloaded and asks for {} % less (RFC 7339): it is asked nothing out of turn.", carrier, overload.percent);
}

}  // namespace linekeeper::daemon
