#pragma once
// What we do at carriers ourselves, beside asking by OPTIONS: calls that nobody speaks on, and registrations.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/ids.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// How far a test call must come to count as carried.
enum class CallExpect : std::uint8_t {
  Ringing,     ///< any 18x, or an answer
  EarlyMedia,  ///< a 18x with a session description, or an answer
  Answer,      ///< a 2xx
};
[[nodiscard]] std::string_view to_string(CallExpect e);  ///< "ringing", "early-media", "answer"
[[nodiscard]] std::optional<CallExpect> call_expect_named(std::string_view name);

/// A carrier's [carrier.test_call]: without it no call is ever made.
struct TestCall {
  std::string number;  ///< user of the Request-URI; never one of emergency calls
  CallExpect expect = CallExpect::Ringing;
  Duration every{};                          ///< by each circuit; 0: only when somebody asks, or the judge does
  Duration wait = std::chrono::seconds(20);  ///< so long it may take to come as far as is expected
  Duration talk = std::chrono::seconds(1);   ///< from an answer to our hanging up
};

enum class TrialResult : std::uint8_t {
  Carried,      ///< it came as far as was expected
  Refused,      ///< a final response from 300 to 699: `code`
  Silent,       ///< nothing came back at all
  Stuck,        ///< a provisional response, but not as far as expected in time
  Unreachable,  ///< the network said no, or the connection failed: `error`
  OurFault,     ///< our own side could not send: `error`
};
[[nodiscard]] std::string_view to_string(TrialResult r);  ///< "carried", "refused", "silent", "stuck", "unreachable", "our-fault"

/// What became of one test call.
struct TrialOutcome {
  CarrierId carrier;
  CircuitId circuit;
  TrialResult result = TrialResult::Silent;
  int code = 0;                     ///< the last response that was no 100
  int error = 0;                    ///< errno
  std::optional<Duration> pdd;      ///< INVITE to the first response that is no 100 (RFC 6076 4.3.1)
  bool answered = false;            ///< a 2xx came: the carrier may charge for it
  bool media_described = false;     ///< a session description came
  std::uint64_t media_packets = 0;  ///< RTP that came to us
  Instant sent{};
  Instant ended{};
};

/// "rang after 0.8 s", "was refused with 503 after 0.1 s": how it went, a clause.
[[nodiscard]] std::string words(const TrialOutcome& outcome);

/// A carrier's [carrier.register]: one binding through each circuit.
struct RegisterRule {
  std::string user;                          ///< of the address of record, at the carrier's domain
  std::uint16_t contact_port = 5060;         ///< where the PBX is reached at the circuit's address
  Duration expires = std::chrono::hours(1);  ///< asked for
};

enum class RegistrationState : std::uint8_t {
  Trying,      ///< asked for the first time, or anew after a change of address
  Registered,  ///< the carrier has granted it, until `until`
  Refused,     ///< the carrier said no: `code`
  Unanswered,  ///< no final response in time, or the network said no: `error`
};
[[nodiscard]] std::string_view to_string(RegistrationState s);  ///< "trying", "registered", "refused", "unanswered"

struct RegistrationStatus {
  CarrierId carrier;
  CircuitId circuit;
  RegistrationState state = RegistrationState::Trying;
  Instant since{};
  int code = 0;                      ///< of the last final response
  int error = 0;                     ///< errno, where the network or our own side said no
  std::optional<Instant> until;      ///< of Registered
  std::string contact;               ///< as it was registered, or is to be
  bool credentials_refused = false;  ///< ours are wrong: a mistake of the configuration, not the carrier's
};

/// Whether a number may be one of emergency calls: three digits or fewer behind any prefix, or one of `known`. A test call is never made to it.
[[nodiscard]] bool may_be_emergency(std::string_view number, const std::vector<std::string>& known);

}  // namespace linekeeper::model
