#pragma once
// How one kind of PBX is told an order and asked for it. A new driver is a Wire and nothing else: when to write, look, renew, try again and
// report is LeasedOrders' (leased_orders.hpp), the same for all.
#include <functional>
#include <optional>
#include <string>

#include "carriers/trunks/driver.hpp"

namespace linekeeper::trunks {

class Wire {
 public:
  /// What stands under a key.
  struct Standing {
    Order order;          ///< empty: what stands there is no order of ours
    bool leased = false;  ///< it ends by itself
    std::string shown;    ///< as it stands, for messages
  };
  using OnWritten = std::function<void(model::Result<void>)>;
  using OnStanding = std::function<void(model::Result<std::optional<Standing>>)>;

  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  /// Why this PBX cannot be given such an order; an empty one, one too long or with a way twice is refused before.
  [[nodiscard]] virtual std::optional<model::Error> refuses(const Order& order) const = 0;
  /// Writes it, in force at once, to end after `lease`. One call at a time: none while another has not been answered.
  /// Errors: code EPROTO: the PBX answers, and says no or nonsense (with a remedy); any other: it cannot be reached, or does not answer in time.
  /// @param on_written  later, never from within, and not after stop()
  virtual void write(const std::string& key, const Order& order, model::Duration lease, OnWritten on_written) = 0;
  /// Nothing: no order, or one whose lease has ended. The rest as for write().
  virtual void read(const std::string& key, OnStanding on_standing) = 0;
  virtual void stop() = 0;
  /// Where an order of that key stands, for messages: "$sht(lk=>order) of PBX kamailio".
  [[nodiscard]] virtual std::string where(const std::string& key) const = 0;
  /// What to do about an order that has no end.
  [[nodiscard]] virtual std::string endless_remedy() const = 0;
  /// Where to look for somebody else who writes there.
  [[nodiscard]] virtual std::string rival_remedy() const = 0;
};

}  // namespace linekeeper::trunks
