#pragma once
// One call that nobody speaks on, to learn whether a carrier carries calls: INVITE, as far as is asked for (ringing, early media, answer),
// then CANCEL or BYE. The user agent's side of RFC 3261 13, 9 and 15 on injected time; what is sent is handed back, nothing is done here.
//
//            1xx            2xx              talk is over
//  Calling -----> Proceeding -----> Talking ------------> HangingUp --200 to BYE--> Over
//     |               | far enough, or waited too long        ^
//     | 3xx-6xx: ACK  +--------> Cancelling --2xx-------------+
//     v                              | 487 or another final: ACK
//   Over <---------------------------+
//
// A call must never ring on because we have lost interest: who has been sent an INVITE is sent a CANCEL as soon as anything comes back, and
// a BYE if it was answered all the same, however late (RFC 3261 9.1, 13.2.2.4). `Over` still acknowledges what is repeated.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "carriers/sip/dialog_fields.hpp"
#include "carriers/sip/message.hpp"
#include "carriers/sip/request_message.hpp"
#include "controller/model/own_calls.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::trial {

using Expect = model::CallExpect;
struct CallSettings {
  std::string number;         ///< user of the Request-URI
  std::string domain;         ///< its host
  std::uint16_t port = 5060;  ///< its port: 5060 is not written
  std::string from_user;      ///< user of From and Contact
  model::SipTransport transport = model::SipTransport::Udp;
  bool sips = false;  ///< the carrier's URIs say so
  int max_forwards = 70;
  Expect expect = Expect::Ringing;
  model::Duration wait = std::chrono::seconds(20);  ///< so long it may take to come as far as is expected
  model::Duration talk = std::chrono::seconds(1);   ///< between an answer and the BYE
  std::uint16_t media_port = 0;                     ///< of our session description
  /// A stream: nothing is repeated (RFC 3261 17.1.1.2).
  [[nodiscard]] bool reliable() const { return transport != model::SipTransport::Udp; }
};

using Result = model::TrialResult;

struct Verdict {
  Result result = Result::Silent;
  int code = 0;                                    ///< the last response that was no 100
  int error = 0;                                   ///< errno
  std::optional<model::Duration> post_dial_delay;  ///< INVITE to the first response that is no 100 (RFC 6076 4.3.1)
  bool answered = false;                           ///< a 2xx came: the carrier may charge for it
  bool media_described = false;                    ///< a session description came
};

using Authorise = sip::Authorise;

class TrialCall {
 public:
  /// What is to be sent now, in order, and what has become of the call, told once.
  struct Step {
    std::vector<std::string> send{};
    std::optional<Verdict> verdict{};
  };

  /// @param local  our side of the socket
  /// @param random  of branches, tags and the Call-ID
  TrialCall(CallSettings settings, runtime::Peer local, runtime::SeededRandom random, Authorise authorise);

  /// The INVITE. @return its bytes, or why they cannot be written
  [[nodiscard]] model::Result<Step> begin(model::Instant now);
  /// @param datagram  what `response` was read from
  [[nodiscard]] Step on_response(const sip::Response& response, std::string_view datagram, model::Instant now);
  /// The far end has hung up: the shell has answered its BYE.
  [[nodiscard]] Step on_bye(model::Instant now);
  /// @param error errno of an ICMP error or a broken connection
  [[nodiscard]] Step on_unreachable(int error, model::Instant now);
  /// The connection that all of it went over is no more (a stream): what was not told by then is told now. @param error errno
  [[nodiscard]] Step on_connection_lost(int error);
  [[nodiscard]] Step on_local_error(int error, model::Instant now);
  [[nodiscard]] Step on_time(model::Instant now);
  /// Ends it early: as if it had waited long enough.
  [[nodiscard]] Step give_up(model::Instant now);

  [[nodiscard]] model::Instant next_wakeup() const;
  /// Nothing is left to be done, not even to acknowledge.
  [[nodiscard]] bool over() const { return state_ == State::Gone; }
  [[nodiscard]] const std::string& call_id() const { return call_id_; }

 private:
  enum class State : std::uint8_t { Calling, Proceeding, Talking, Cancelling, HangingUp, Over, Gone };

  /// A request that is repeated until it is answered (timers A and E).
  struct Repeated {
    std::string bytes;
    std::string branch;
    model::Instant at = model::kNever;  // of the next repetition
    model::Duration gap = model::Duration::zero();
    bool capped = true;  // the gap grows to T2 only (timer E); an INVITE's grows on (timer A)
  };

  [[nodiscard]] std::string branch();
  [[nodiscard]] model::Result<std::string> invite(const std::optional<std::pair<std::string, std::string>>& credentials);
  [[nodiscard]] sip::RequestMessage in_dialog(const char* method, std::uint32_t cseq) const;
  [[nodiscard]] std::string session_description() const;
  void acknowledge(const sip::DialogFields& fields, int status, Step& step);
  void provisional(int status, const sip::DialogFields& fields, model::Instant now, Step& step);
  void hang_up_fork(const sip::DialogFields& fields, Step& step);
  void answered(const sip::DialogFields& fields, model::Instant now, Step& step);
  void refused(const sip::Response& response, std::string_view datagram, const sip::DialogFields& fields, model::Instant now, Step& step);
  void cancel(model::Instant now, Step& step);
  void hang_up(model::Instant now, Step& step);
  void tell(Result result, Step& step);
  void finish(model::Instant now);
  void arm(Repeated& what, std::string bytes, model::Instant now, bool capped);
  void repeat(Repeated& what, model::Instant now, Step& step) const;
  [[nodiscard]] bool far_enough() const;

  CallSettings settings_;
  runtime::SeededRandom random_;
  Authorise authorise_;
  std::string call_id_, from_, to_, target_;
  std::string remote_, remote_target_;  // of the dialog: To with its tag, and where its requests go
  std::vector<std::string> routes_;
  Repeated invite_, ending_;  // ending_: the CANCEL or the BYE
  std::string ack_;           // of the 2xx, for its repetitions
  model::Instant began_{}, wait_until_ = model::kNever, end_at_ = model::kNever;
  Verdict verdict_;
  runtime::Peer local_;
  std::uint32_t cseq_ = 1, bye_cseq_ = 0;
  State state_ = State::Calling;
  bool credentials_used_ = false;
  bool heard_ = false;  // anything came back: it may be cancelled
  bool told_ = false;
};

}  // namespace linekeeper::trial
