#pragma once
// Proof that the new way works: probes that are bound to no device, so they go as the steering tables say, until three
// are answered (t4 of the RTO clock) or the time is up. They leave as the class's traffic does: with nothing said of them for the class that takes
// everything else, from an address of this host's own for a class chosen by its source. An answer counts only when it comes in by the circuit's
// interface (of a class that is shared, by any): one by another shows that something before our rules takes the traffic elsewhere.
//
// A class chosen by mark or incoming interface cannot be imitated by an unprivileged process (SO_MARK wants CAP_NET_ADMIN or CAP_NET_RAW,
// and what this host sends has no incoming interface): it is proven by the switch's routing decision and its circuit's own answers.
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
/// A way that was not proven is tried again so much later, and ever later: the targets are other people's machines.
inline constexpr std::chrono::seconds kProofAgain{10}, kProofAgainAtMost{300};

/// An address of this host's, and its interface.
struct OwnAddress {
  model::IpAddress address;
  std::string interface;
};
[[nodiscard]] std::vector<OwnAddress> own_addresses();

/// How probes leave as the class's traffic does.
/// @param own  addresses of this host
/// @return nothing: this host cannot send such
[[nodiscard]] std::optional<probes::Unbound> as_class_goes(const model::TrafficClass& traffic, const model::Site& site, model::CircuitId by,
                                                           const std::vector<OwnAddress>& own);

class Verification {
 public:
  /// @param done  called once: proven, or not within kProofTime
  Verification(boost::asio::any_io_executor executor, const model::Site& site, model::CircuitId circuit, probes::Unbound as, std::uint64_t seed,
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
