#include <random>

#include "carriers/trunks/command_wire.hpp"
#include "carriers/trunks/driver.hpp"
#include "carriers/trunks/kamailio_wire.hpp"
#include "carriers/trunks/leased_orders.hpp"
#include "carriers/trunks/responder_driver.hpp"
#include "carriers/trunks/stores.hpp"

namespace linekeeper::trunks {

std::unique_ptr<Driver> make_driver(boost::asio::any_io_executor executor, const model::Pbx& pbx, const std::string& client_directory,
                                    Driver::OnReport on_report, Pace pace) {
  if (pbx.driver == model::PbxDriver::Responder) {
    std::random_device device;
    return std::make_unique<ResponderDriver>(executor, pbx, std::move(on_report), std::uint64_t{device()} << 32 | device());
  }
  const auto wire = [&]() -> std::unique_ptr<Wire> {
    switch (pbx.driver) {
      case model::PbxDriver::Kamailio: return make_kamailio_wire(executor, pbx, client_directory);
      case model::PbxDriver::Command: return make_command_wire(executor, pbx);
      case model::PbxDriver::Responder: break;  // has no wire
      case model::PbxDriver::Asterisk: return make_asterisk_wire(executor, pbx);
      case model::PbxDriver::Freeswitch: return make_freeswitch_wire(executor, pbx);
      case model::PbxDriver::Opensips: return make_opensips_wire(executor, pbx, client_directory);
      case model::PbxDriver::Dns: return make_dns_wire(executor, pbx);
    }
    return nullptr;
  };
  return std::make_unique<LeasedOrders>(executor, pbx, wire(), std::move(on_report), pace);
}

}  // namespace linekeeper::trunks
