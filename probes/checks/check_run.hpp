#pragma once
// One run of one check by one circuit: from what is configured to what happened, in facts and in words.
#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/check.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::probes {

/// The circuit that a check is run by.
struct CheckWay {
  model::CircuitId circuit;
  std::string device;  ///< SO_BINDTODEVICE; empty: as the routes say
  std::vector<model::IpAddress> resolvers;
  std::optional<model::Prefix> expect_public;
  model::Family family = model::Family::V4;  ///< of the circuit: by which hosts are looked up
  std::uint16_t resolver_port = 53;          ///< another one in tests only
};
[[nodiscard]] CheckWay way_of(const model::Site& site, model::CircuitId circuit);

/// A run under way. Destroyed, it ends without a word.
class CheckRun {
 public:
  using Done = std::function<void(const model::CheckOutcome& outcome)>;
  CheckRun() = default;
  virtual ~CheckRun() = default;
  CheckRun(const CheckRun&) = delete;
  CheckRun& operator=(const CheckRun&) = delete;
};

/// @param seed  of what nobody else may guess: echo tags, STUN transactions
/// @param done  called once, from the loop, not from within this
[[nodiscard]] std::unique_ptr<CheckRun> start_check(boost::asio::any_io_executor executor, const model::Check& check, const CheckWay& way,
                                                    std::uint64_t seed, CheckRun::Done done);

/// A few echoes to `target` by hand, in the words of a check; its kind is Hops for want of one of its own and says nothing.
[[nodiscard]] std::unique_ptr<CheckRun> start_echoes(boost::asio::any_io_executor executor, const model::IpAddress& target, const CheckWay& way,
                                                     model::Duration timeout, std::uint64_t seed, CheckRun::Done done);

}  // namespace linekeeper::probes
