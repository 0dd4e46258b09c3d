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

std::vector<model::Prefix> read_destinations(Section& section, std::string_view key) {
  const auto items = section.texts(key);
  if (!items) return {};
  std::vector<model::Prefix> all;
  for (const Section::Item& item : *items) {
    const model::Prefix prefix = *model::Prefix::parse(item.text);
    const auto other = std::ranges::find_if(all, [&](const model::Prefix& p) { return p.overlaps(prefix); });
    if (prefix.length == 0)
      section.complain_at(item.place, key, fmt::format("{} {}: {} is everything", section.label(), key, prefix.to_string()),
                          "the networks that are meant; what takes the rest names none");
    else if (other != all.end())
      section.complain_at(item.place, key, fmt::format("{} {}: {} overlaps {}", section.label(), key, prefix.to_string(), other->to_string()),
                          "the larger one alone");
    else
      all.push_back(prefix);
  }
  if (all.size() > kMaxDestinations)
    section.complain(key, fmt::format("{} {}: there are {}, and {} are the most", section.label(), key, all.size(), kMaxDestinations),
                     "larger networks that hold several of them");
  return all;
}

}  // namespace linekeeper::config
