#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::size_t kMaxCarriers = 256, kMaxPbxs = 16, kMaxTrunks = 64;

}  // namespace

void read_voice(Section& root, Reading& reading) {
  model::Site& site = reading.site;
  read_list(root, reading, "carrier", kMaxCarriers, site.carriers, reading.carriers,
            [](Section& section, model::Carrier& carrier, std::size_t) { read_carrier(section, carrier); });
  read_list(root, reading, "pbx", kMaxPbxs, site.pbxs, reading.pbxs, [](Section& section, model::Pbx& pbx, std::size_t) { read_pbx(section, pbx); });
  read_list(root, reading, "trunk", kMaxTrunks, site.trunks, reading.trunks,
            [&](Section& section, model::Trunk& trunk, std::size_t) { read_trunk(section, reading, trunk); });
  for (std::size_t i = 0; i < site.pbxs.size(); ++i)
    if (site.pbxs[i].driver == model::PbxDriver::Responder) give_ways(reading, i);
}

}  // namespace linekeeper::config
