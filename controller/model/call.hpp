#pragma once
// Calls as witnesses: what became of one call by one carrier through one circuit, as the PBX was seen to make it. A PBX mirrors its
// SIP (HEP); nothing is sent for it. Whose doing a failure was is read here once, so that the judge weighs facts.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/ids.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::model {

/// How one attempt ended, read by whose doing it was. Only CarrierFailed and Slow are ever held against a carrier.
enum class CallFate : std::uint8_t {
  Answered,       ///< 2xx
  Busy,           ///< 486, 600, 603, or a cause that says so (Q.850 17, 21)
  NoAnswer,       ///< it rang and nobody came: 480, 408 after ringing, Q.850 18, 19
  CarrierFailed,  ///< 5xx, 408 before ringing, Q.850 34 38 41 42 44 47, or no response of any kind: `code`, 0 for silence
  Slow,           ///< nothing but 100 for longer than calls by this way usually take until they ring
  OurFault,       ///< any other 4xx or 6xx: number, format, account
  Cancelled,      ///< the caller gave up first
};
inline constexpr CallFate kEveryCallFate[] = {CallFate::Answered, CallFate::Busy,     CallFate::NoAnswer, CallFate::CarrierFailed,
                                              CallFate::Slow,     CallFate::OurFault, CallFate::Cancelled};
inline constexpr std::size_t kCallFateCount = std::size(kEveryCallFate);
[[nodiscard]] std::string_view to_string(CallFate f);  ///< "answered", "busy", "no-answer", "carrier-failed", "slow", "our-fault", "cancelled"

/// One attempt has ended, or is known to be slow or unheard. One that was told as Slow or unheard (CarrierFailed, code 0) is told once more
/// when it ends after all, with `again`: a figure, and no second witness.
struct CallOutcome {
  CarrierId carrier;
  CircuitId circuit;
  std::uint8_t endpoint = 0;  ///< which of the carrier's addresses
  CallFate fate = CallFate::Answered;
  int code = 0;                 ///< SIP status; 0: none yet
  std::optional<Duration> pdd;  ///< from INVITE to the first 18x or final response (RFC 6076 4.3 session request delay); of Slow: so far
  bool again = false;
  bool trial = false;  ///< made by ourselves, to see whether calls pass
  Instant sent{};
};

/// What receivers said of the voice of calls by one way (RTCP, RFC 3550 6.4).
struct CallQuality {
  std::optional<double> loss_ratio;  ///< of the last reports, smoothed
  std::optional<Duration> jitter;
  int reports = 0;
};

/// How calls are listened to and judged.
struct Calls {
  std::optional<IpAddress> listen;  ///< nothing: not listened to
  std::uint16_t port = 9060;
  std::vector<Prefix> allow;  ///< who may send; empty: this host
  std::string key_file;       ///< holds the HEP authentication key that must be in each packet (chunk 14); empty: none
  double false_demotions_per_year = 1;
  Duration unanswered_after = std::chrono::milliseconds(1500);  ///< an INVITE without a response of any kind has failed by then
  Duration slow_min = std::chrono::seconds(2);                  ///< never slow sooner
  Duration slow_max = std::chrono::seconds(8);                  ///< always slow then, and while the usual is not known
  Duration hold_down = std::chrono::seconds(120);               ///< no calls for so long, the first time
  Duration hold_down_max = std::chrono::hours(1);               ///< trebled each time a trial fails soon, up to this
  int trial_calls = 3;                                          ///< good ones in a row that end a trial
  [[nodiscard]] bool on() const { return listen.has_value(); }
};

/// How calls fare by one path, for people.
enum class CallsStanding : std::uint8_t { Unknown, Well, Failing, Trial };
inline constexpr CallsStanding kEveryCallsStanding[] = {CallsStanding::Unknown, CallsStanding::Well, CallsStanding::Failing, CallsStanding::Trial};
[[nodiscard]] std::string_view to_string(CallsStanding s);  ///< "unknown", "well", "failing", "trial"

struct CallFigures {
  CallsStanding standing = CallsStanding::Unknown;
  Instant since{};
  int attempts = 0;                ///< the figures are of the newest so many, 200 to 400 once there were that many
  int answered = 0, failed = 0;    ///< of them; failed by the carrier's doing
  std::optional<double> asr, ner;  ///< ratios: answered (RFC 6076 4.6), and established or rightly refused (4.7)
  std::optional<Duration> pdd_median, pdd_p95;
  std::optional<Duration> slow_after;  ///< a call without ringing is slow then
  std::optional<Instant> held_until;   ///< of Failing
  std::string why;                     ///< of Failing and Trial, a clause: "5 of 5 calls failed with 503"
  int in_progress = 0;                 ///< answered and not ended, both directions
  CallQuality quality{};
};

}  // namespace linekeeper::model
