#include "config/etiquette_presets.hpp"

#include <algorithm>
#include <array>

namespace linekeeper::config {
namespace {

using namespace std::chrono_literals;

// Only carriers that have published a rule. Others are asked for theirs, and then the keys themselves say it.
constexpr std::array kPresets{
    EtiquettePreset{.name = "teams",
                    .interval = 45s,
                    .floor = 30s,
                    .verify_burst = 1,
                    .carrier_floor = 0s,
                    .hard_floor = 0s,
                    .domain = true,
                    .rule = "Microsoft Teams Direct Routing: the SBC must begin with OPTIONS, and three minutes without demote the trunk; no rate is "
                            "published as too much (Microsoft Learn, Direct Routing, SIP options)"},
    EtiquettePreset{.name = "twilio",
                    .interval = 15s,
                    .floor = 15s,
                    .verify_burst = 0,
                    .carrier_floor = 15s,
                    .hard_floor = 10s,
                    .domain = true,
                    .rule = "Twilio Elastic SIP Trunking: no more than one OPTIONS in 10 to 15 s or the source is banned; Request-URI with the "
                            "termination domain (Twilio Docs, Elastic SIP Trunking, OPTIONS)"},
};

}  // namespace

std::span<const EtiquettePreset> etiquette_presets() { return kPresets; }

const EtiquettePreset* etiquette_preset(std::string_view name) {
  const auto found = std::ranges::find(kPresets, name, &EtiquettePreset::name);
  return found == kPresets.end() ? nullptr : &*found;
}

std::string etiquette_names() {
  std::string out;
  for (const EtiquettePreset& p : kPresets) out += (out.empty() ? "`" : ", `") + std::string(p.name) + "`";
  return out;
}

void apply(const EtiquettePreset& preset, model::Carrier& carrier) {
  carrier.etiquette = preset.name;
  carrier.interval = preset.interval;
  carrier.floor = preset.floor;
  carrier.verify_burst = preset.verify_burst;
  carrier.carrier_floor = preset.carrier_floor;
}

}  // namespace linekeeper::config
