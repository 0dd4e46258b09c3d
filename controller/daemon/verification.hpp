#pragma once
// Proof that the new way works: probes that are bound to no device, so they go as the steering tables say, until three
// are answered (t4 of the RTO clock) or the time is up. Only the class that takes everything else is measured so; a class with a
// selector of its own is proven by the switch's routing decision and its circuit's own answers.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "controller/model/site.hpp"
#include "probes/circuit_prober.hpp"

namespace linekeeper::daemon {

inline constexpr int kProofs = 3;
inline constexpr std::chrono::seconds kProofTime{3};

class Verification {
 public:
  /// @param done  called once: proven, or not within kProofTime
  Verification(boost::asio::any_io_executor executor, const model::Site& site, model::CircuitId circuit, std::uint64_t seed,
               std::function<void(bool proven)> done);
  ~Verification();
  Verification(const Verification&) = delete;
  Verification& operator=(const Verification&) = delete;

 private:
  void end(bool proven);
  std::unique_ptr<probes::CircuitProber> prober_;
  boost::asio::steady_timer deadline_;
  boost::asio::any_io_executor executor_;
  std::function<void(bool)> done_;
  int proofs_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with pending handlers
};

}  // namespace linekeeper::daemon
