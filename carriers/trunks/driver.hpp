#pragma once
// The contract of every trunk driver: it makes one PBX prefer carriers in our order, as a lease that ends in the PBX's own static order when
// we die. An order is the list of ways, best first, by the names that the PBX knows them by; it is never empty.
//
//   desired    apply() says it; the latest for a key wins, an earlier one still under way is answered with ECANCELED
//   applied    written, read back equal and with an end: only then is apply() answered well
//   asserted   looked at every few seconds, renewed long before the lease ends; lost (the PBX was restarted): written again at once;
//              changed by others: put right three times in 10 minutes, then only with each renewal, and said
//   failed     tried again with back-off for as long as it is wanted; a PBX that hangs holds up nobody else (I22)
//   stopped    nothing is called back any more, and the lease is left to run out
//
// tests/unit/trunks_contract_test.cpp holds every driver to it.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::trunks {

/// Ways, best first, as the PBX calls them (model::TrunkMember::called).
using Order = std::vector<std::string>;

inline constexpr std::size_t kMostWays = 64;  ///< of one order; longer ones are refused

/// What the driver tells of its PBX.
struct PbxReport {
  bool connected = false;  ///< the last request was answered
  bool in_sync = false;    ///< what was read back equals what is desired
  bool corrected = false;  ///< this time something foreign (restart, a hand) had to be put right
  std::string detail;      ///< what is wrong and what to do; empty when in sync
};

/// How often a driver looks by itself. The defaults put a restarted PBX right within 10 s.
struct Pace {
  model::Duration look = std::chrono::seconds(3);  ///< between two read-backs; jittered, as the others, by 20 %
  model::Duration retry_first = std::chrono::milliseconds(500);
  model::Duration retry_last = std::chrono::seconds(5);  ///< the back-off doubles up to this
};

class Driver {
 public:
  using OnReport = std::function<void(const PbxReport&)>;
  /// Answer to apply(): done and read back equal, or why not.
  using OnApplied = std::function<void(model::Result<void>)>;
  /// Answer to read(): what stands by our lease; nothing: no order of ours stands.
  using OnRead = std::function<void(model::Result<std::optional<Order>>)>;

  virtual ~Driver() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
  /// @param key     of the trunk: letters, digits, '_', '-', '.', at most 64
  /// @param order   refused, and nothing sent, when it is empty, too long, or names a way twice or one that the PBX cannot have
  /// @param usable  so many of them, from the front, take calls; the others stand last so that the PBX is never without a way
  virtual void apply(const std::string& key, const Order& order, std::size_t usable, OnApplied on_applied) = 0;
  virtual void read(const std::string& key, OnRead on_read) = 0;
};

/// The driver that pbx.driver names.
/// @param client_directory  where a driver may bind sockets of its own (must be reachable by the PBX)
[[nodiscard]] std::unique_ptr<Driver> make_driver(boost::asio::any_io_executor executor, const model::Pbx& pbx, const std::string& client_directory,
                                                  Driver::OnReport on_report, Pace pace = {});

}  // namespace linekeeper::trunks
