#pragma once
// What well-known carriers have published about how often they may be asked. A preset is a start: explicit keys win, but never below what
// the carrier bans for (`hard_floor`).
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "controller/model/site.hpp"

namespace linekeeper::config {

struct EtiquettePreset {
  std::string_view name;
  model::Duration interval, floor;
  int verify_burst;
  model::Duration carrier_floor;  ///< over all circuits; 0: the carrier counts each address by itself
  model::Duration hard_floor;     ///< no key may ask faster; 0: no such rule is published
  bool domain;                    ///< the Request-URI must have the carrier's own domain
  std::string_view rule;          ///< what the carrier says, and where
};

[[nodiscard]] std::span<const EtiquettePreset> etiquette_presets();
[[nodiscard]] const EtiquettePreset* etiquette_preset(std::string_view name);
[[nodiscard]] std::string etiquette_names();  ///< "`teams`, `twilio`"
void apply(const EtiquettePreset& preset, model::Carrier& carrier);

}  // namespace linekeeper::config
