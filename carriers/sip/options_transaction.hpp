#pragma once
// One OPTIONS, from its first packet to the last reply that could still come: the non-INVITE client transaction over UDP of
// RFC 3261 17.1.2 on injected time, with one difference. The RFC gives up at timer F (32 s), far beyond any use, so our own
// deadline ends the wait earlier and stops the retransmissions; the machine then lives on until F, and a final response
// that comes by then is reported once more, as late: it un-loses the attempt.
//
//             start            1xx                   2xx-6xx (outcome)
//   Trying ----------> Trying -----> Proceeding ----------------------> Completed --K, 5 s--> Terminated
//                         |  deadline: timeout; ICMP: refused (outcome)    ^
//                         +-----------> Expired --- 2xx-6xx (late) --------+
//                                          +------- F, 32 s ------------------------------> Terminated
//
// The library's own transaction machine was not taken: it has one clock for the process and no deadline of ours.
#include <cstdint>
#include <optional>

#include "carriers/sip/message.hpp"
#include "controller/model/observation.hpp"

namespace linekeeper::sip {

inline constexpr model::Duration kT1 = std::chrono::milliseconds(500);
inline constexpr model::Duration kT2 = std::chrono::seconds(4);
inline constexpr model::Duration kT4 = std::chrono::seconds(5);
inline constexpr model::Duration kTimerF = 64 * kT1;

enum class TransactionState : std::uint8_t { Trying, Proceeding, Expired, Completed, Terminated };

class OptionsTransaction {
 public:
  /// What is to be done now, and told.
  struct Step {
    bool send = false;                         ///< the request's bytes, the same each time
    bool inert = false;                        ///< the event was not for this transaction, or came too late to matter
    bool provisional = false;                  ///< a 1xx: somebody is there, nothing is decided
    std::optional<model::SipOutcome> outcome;  ///< its result, code, error, late, sent, rtt, retry_after, received_address
  };

  /// Starts at once: the caller sends the request now.
  /// @param deadline no final response by then: Timeout; beyond kTimerF it is kTimerF
  /// @param reliable  over a connection: no timer E, and K is 0 (17.1.2.2)
  OptionsTransaction(TransactionIds ids, model::Duration deadline, model::Instant now, bool reliable = false);

  Step on_response(const Response& response, model::Instant now);
  /// @param error errno of an ICMP error for a packet of this transaction
  Step on_refused(int error, model::Instant now);
  /// @param error errno of a send that failed on our own side
  Step on_local_error(int error, model::Instant now);
  Step on_time(model::Instant now);

  [[nodiscard]] model::Instant next_wakeup() const;  ///< kNever when terminated
  [[nodiscard]] TransactionState state() const { return state_; }
  [[nodiscard]] bool waiting() const { return state_ == TransactionState::Trying || state_ == TransactionState::Proceeding; }
  [[nodiscard]] bool ours(const Response& response) const;

 private:
  Step expire(model::SipResult result, int error);
  [[nodiscard]] model::SipOutcome outcome(model::SipResult result) const;

  TransactionIds ids_;
  TransactionState state_ = TransactionState::Trying;
  model::Instant sent_;  ///< first packet
  bool reliable_;
  int transmissions_ = 1;
  model::Duration e_ = kT1;       ///< timer E's length
  model::Instant retransmit_at_;  ///< timer E
  model::Instant deadline_at_;
  model::Instant end_at_;  ///< timer F, then timer K
};

}  // namespace linekeeper::sip
