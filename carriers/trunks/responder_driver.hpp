#pragma once
// The sockets of redirect_answers.hpp: a driver whose PBX is an SBC that asks us. There is nothing to write and nothing to read back: what is
// desired is answered from this moment on. When we die nobody answers, and the SBC falls back to what it does then: it needs a last resort
// that it does not monitor by us (README.md).
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>

#include "carriers/trunks/driver.hpp"

namespace linekeeper::trunks {

/// What came to the sockets; for metrics and tests.
struct ResponderCounters {
  std::uint64_t options = 0, redirected = 0, other = 0;
  std::uint64_t foreign = 0;    ///< from an address that is not allowed: not answered
  std::uint64_t malformed = 0;  ///< cannot be answered
  std::uint64_t limited = 0;    ///< more than ResponderLimits: not answered
};

/// Requests a second that are answered; what is more gets nothing, and comes again if it was meant (RFC 3261 17.1).
struct ResponderLimits {
  int options = 200;     ///< to one way's port
  int invites = 10'000;  ///< to the redirecting port
};

class ResponderDriver final : public Driver {
 public:
  ResponderDriver(boost::asio::any_io_executor executor, const model::Pbx& pbx, OnReport on_report, std::uint64_t seed, ResponderLimits limits = {});
  ~ResponderDriver() override;
  ResponderDriver(const ResponderDriver&) = delete;
  ResponderDriver& operator=(const ResponderDriver&) = delete;

  void start() override;
  void stop() override;
  void apply(const std::string& key, const Order& order, std::size_t usable, OnApplied on_applied) override;
  void read(const std::string& key, OnRead on_read) override;
  [[nodiscard]] const ResponderCounters& counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::trunks
