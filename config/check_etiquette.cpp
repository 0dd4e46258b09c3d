// What a carrier's preset and its count over all circuits make of the pace of each path, and what may not be set against them.
#include <fmt/format.h>

#include <algorithm>

#include "config/etiquette_presets.hpp"
#include "config/reading.hpp"

namespace linekeeper::config {

void pace_carriers(Reading& reading) {
  for (std::size_t i = 0; i < reading.carriers.size(); ++i) {
    model::Carrier& carrier = reading.site.carriers[i];
    if (carrier.carrier_floor <= model::Duration::zero()) continue;
    const auto ways = std::ranges::count_if(reading.site.circuits, [&](const model::Circuit& c) { return carrier.of_family(c.family); });
    // What is allowed is shared out, so that every path has its turn and nothing that is computed from `floor` is too hopeful.
    carrier.floor = std::max<model::Duration>(carrier.floor, std::max<std::ptrdiff_t>(ways, 1) * carrier.carrier_floor);
    if (!reading.carriers[i].has("interval")) carrier.interval = std::max(carrier.interval, carrier.floor);
  }
}

void check_presets(const Reading& reading) {
  for (std::size_t i = 0; i < reading.carriers.size(); ++i) {
    const Section& section = reading.carriers[i];
    const model::Carrier& carrier = reading.site.carriers[i];
    const EtiquettePreset* const preset = etiquette_preset(carrier.etiquette);
    if (preset == nullptr) continue;
    const auto below = [&](std::string_view key, model::Duration value) {
      if (value < preset->hard_floor)
        section.complain(key, fmt::format("{} {} {} breaks the rule of etiquette {}", section.label(), key, show(value), preset->name),
                         fmt::format("at least {}: {}", show(preset->hard_floor), preset->rule));
    };
    below("floor", carrier.floor);
    if (preset->carrier_floor > model::Duration::zero()) below("carrier_floor", carrier.carrier_floor);
    if (preset->hard_floor > model::Duration::zero() && carrier.verify_burst > preset->verify_burst)
      section.complain("verify_burst",
                       fmt::format("{} verify_burst {} breaks the rule of etiquette {}", section.label(), carrier.verify_burst, preset->name),
                       fmt::format("at most {}: {}", preset->verify_burst, preset->rule));
    if (preset->domain && !section.has("domain"))
      section.complain("domain", fmt::format("{} has no domain, and etiquette {} wants one", section.label(), preset->name),
                       std::string(preset->rule));
  }
}

}  // namespace linekeeper::config
