// [resolvers] writes a file: it must have somebody to name whatever circuit the class without a match goes by.
#include <fmt/format.h>

#include <algorithm>

#include "config/reading.hpp"

namespace linekeeper::config {

void check_resolvers(const Reading& reading) {
  if (reading.resolvers.empty()) return;
  const Section& section = reading.resolvers.front();
  const model::Site& site = reading.site;
  const auto everything_of = [&](model::Family family) {
    return std::ranges::find_if(site.classes, [&](const model::TrafficClass& c) { return c.family == family && c.match.everything(); });
  };
  auto followed = everything_of(model::Family::V4);
  if (followed == site.classes.end()) followed = everything_of(model::Family::V6);
  if (followed == site.classes.end())
    return section.complain("", "[resolvers] follows the class without a match, and there is none", "a [[class]] without match, or no [resolvers]");
  if (!site.resolvers.fallback.empty()) return;
  for (const model::CircuitId id : followed->circuits)
    if (const model::Circuit& c = site[id]; c.resolvers.empty())
      section.complain(
          "", fmt::format("[resolvers] has no fallback, and circuit {} of class {} has no resolvers", quoted(c.name), quoted(followed->name)),
          fmt::format(R"(give circuit {} resolvers = ["{}"], or [resolvers] a fallback)", quoted(c.name),
                      c.family == model::Family::V4 ? "192.0.2.53" : "2001:db8::53"));
}

}  // namespace linekeeper::config
