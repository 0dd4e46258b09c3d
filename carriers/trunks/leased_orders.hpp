#pragma once
// What every trunk driver does (driver.hpp), over the wire of one PBX (wire.hpp). Level-triggered: for each key there is what is wanted, and
// a read-back that says whether it stands. One request is under way at most.
#include <memory>

#include "carriers/trunks/driver.hpp"
#include "carriers/trunks/wire.hpp"

namespace linekeeper::trunks {

class LeasedOrders final : public Driver {
 public:
  /// @param pbx  name, lease and refresh are used
  LeasedOrders(boost::asio::any_io_executor executor, const model::Pbx& pbx, std::unique_ptr<Wire> wire, OnReport on_report, Pace pace);
  ~LeasedOrders() override;
  LeasedOrders(const LeasedOrders&) = delete;
  LeasedOrders& operator=(const LeasedOrders&) = delete;

  void start() override;
  void stop() override;
  void apply(const std::string& key, const Order& order, std::size_t usable, OnApplied on_applied) override;
  void read(const std::string& key, OnRead on_read) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::trunks
