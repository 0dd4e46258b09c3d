#include "config/reading.hpp"

#include <fmt/format.h>

namespace linekeeper::config {

Section open_named(Reading& reading, const toml::table& table, std::string_view kind, std::span<const std::string> taken, std::string& name) {
  Section section(reading.problems, table, std::string(kind), fmt::format("{} no. {}", kind, taken.size() + 1),
                  fmt::format("{}[#{}]", kind, taken.size() + 1));
  if (const auto* typed = table.get_as<std::string>("name")) {
    name = typed->get();
    section.rename(fmt::format("{} {}", kind, quoted(name)), fmt::format("{}[{}]", kind, clean(name)));
  }
  section.text("name", name);
  if (!name.empty() && std::ranges::find(taken, name) != taken.end()) {
    section.complain("name", fmt::format("there are two {}s called {}", kind == "class" ? "classe" : kind, quoted(name)),
                     "each needs a name of its own");
  }
  return section;
}

bool is_ipv4(const Section& section, std::string_view key, Place place, const model::IpAddress& address) {
  if (address.family == model::Family::V4) return true;
  section.complain_at(place, key, fmt::format("{} {}: {} is IPv6, which is not steered yet", section.label(), key, quoted(address.to_string())),
                      "an IPv4 address");
  return false;
}

}  // namespace linekeeper::config
