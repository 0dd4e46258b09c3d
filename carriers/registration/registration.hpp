#pragma once
// One binding at a carrier's registrar through one circuit (RFC 3261 10), on injected time: so that the carrier finds the site by each of
// its circuits, also by the one that is not in use now. Refreshed long before it ends; a refresh that fails leaves half its life to try again.
//
//               2xx                   it has ended, and no refresh was granted
//   Trying ----------> Registered ------------------------------------> Unanswered / Refused
//     ^  ^                  | the circuit has another address               |
//     |  +------------------+                                              | tried again with back-off
//     +-------------------------------------------------------------------+
//
// Two REGISTERs are never closer than `floor`, but for the answer to a challenge (401, 407) or to a demand for more time (423), each of which
// is given once. Nothing is unregistered at a stop: the daemon's restart must not take calls away. The binding ends by itself.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "carriers/sip/dialog_fields.hpp"
#include "carriers/sip/message.hpp"
#include "carriers/sip/request_message.hpp"
#include "controller/model/own_calls.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::registration {

struct Settings {
  std::string user;           ///< of the address of record
  std::string domain;         ///< of the registrar and of the address of record
  std::uint16_t port = 5060;  ///< of the registrar; 5060 is not written
  std::string contact;        ///< URI under which the carrier is to reach the site by this circuit: "sip:4420@192.0.2.7:5060"
  model::SipTransport transport = model::SipTransport::Udp;
  bool sips = false;  ///< the carrier's URIs say so
  int max_forwards = 70;
  model::Duration expires = std::chrono::hours(1);     ///< asked for
  model::Duration floor = std::chrono::seconds(10);    ///< between two REGISTERs
  model::Duration deadline = std::chrono::seconds(5);  ///< for a final response
  /// A stream: nothing is repeated (RFC 3261 17.1.2.2).
  [[nodiscard]] bool reliable() const { return transport != model::SipTransport::Udp; }
};

using State = model::RegistrationState;

struct Standing {
  State state = State::Trying;
  model::Instant since{};
  int code = 0;                      ///< of the last final response
  int error = 0;                     ///< errno, where the network or our own side said no
  model::Instant until{};            ///< of Registered
  bool credentials_refused = false;  ///< ours are wrong: a mistake of the configuration, not the carrier's
  friend bool operator==(const Standing&, const Standing&) = default;
};

using Authorise = sip::Authorise;

class Registration {
 public:
  struct Step {
    std::optional<std::string> send{};  ///< bytes of a REGISTER
    bool changed = false;               ///< standing() is another
  };

  /// @param random  of the Call-ID, branches, tags and of when it is refreshed
  Registration(Settings settings, runtime::SeededRandom random, Authorise authorise);

  /// The first REGISTER goes out `after` from now, or when the circuit is there after that.
  void begin(model::Instant now, model::Duration after);
  /// The circuit is there with this address (again): registers anew, as soon as the floor allows.
  void moved(const runtime::Peer& local, std::string contact, model::Instant now);
  /// The circuit passes packets again: what went unanswered is tried at once, within the floor. What was refused waits as before.
  void passable(model::Instant now);

  [[nodiscard]] Step on_time(model::Instant now);
  [[nodiscard]] Step on_response(const sip::Response& response, std::string_view datagram, model::Instant now);
  /// @param error  errno of an ICMP error, of a broken connection, or of our own side
  [[nodiscard]] Step on_failure(int error, model::Instant now);

  [[nodiscard]] model::Instant next_wakeup() const;
  [[nodiscard]] const Standing& standing() const { return standing_; }
  /// A REGISTER is on its way.
  [[nodiscard]] bool waits() const { return waiting_.has_value(); }
  /// When the last REGISTER left that was not the answer to a challenge: what the floor counts from.
  [[nodiscard]] model::Instant last_sent() const { return floor_from_; }

 private:
  struct Waiting {
    std::string branch, bytes;
    model::Instant sent{}, deadline_at{}, repeat_at = model::kNever;
    model::Duration gap{};
  };
  [[nodiscard]] Step send(const std::optional<std::pair<std::string, std::string>>& credentials, model::Instant now);
  [[nodiscard]] Step granted(const sip::DialogFields& fields, model::Instant now);
  [[nodiscard]] Step refused(int code, const std::optional<model::Duration>& retry_after, model::Instant now);
  [[nodiscard]] Step failed(Standing how, model::Duration pause, model::Instant now);
  [[nodiscard]] bool stand(Standing next, model::Instant now);
  [[nodiscard]] model::Duration granted_for(const sip::DialogFields& fields) const;
  void due(model::Instant at);

  Settings settings_;
  runtime::SeededRandom random_;
  Authorise authorise_;
  std::optional<runtime::Peer> local_;
  std::string call_id_, from_tag_;
  std::uint32_t cseq_ = 0;
  Standing standing_;
  std::optional<Waiting> waiting_;
  model::Instant next_ = model::kNever;
  model::Instant floor_from_ = model::Instant::min(), earliest_ = model::Instant::min();
  int failures_ = 0;
  bool challenged_ = false, stretched_ = false;  // in this round: each is answered once
};

}  // namespace linekeeper::registration
