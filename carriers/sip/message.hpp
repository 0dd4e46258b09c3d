#pragma once
// The OPTIONS we send and the responses we read (RFC 3261), over UDP. libosip2 builds the request and reads the Via of a
// response; everything else of a response is checked here first, because the library accepts messages without Call-ID or CSeq,
// statuses beyond 699, other SIP versions and a status line that swallows the header after it, and slows down with the
// square of the number of headers. Header fields we do not use never reach it: an odd Contact cannot make us blind.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "carriers/sip/digest.hpp"
#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/site.hpp"
#include "controller/model/time.hpp"
#include "controller/runtime/datagram_socket.hpp"
#include "controller/runtime/seeded_random.hpp"

namespace linekeeper::sip {

inline constexpr std::size_t kLargestDatagram = 8192;  ///< bytes
inline constexpr std::size_t kMostHeaderLines = 100;

/// What makes a transaction ours: a response must carry all three back (RFC 3261 17.1.3, and the Call-ID besides).
struct TransactionIds {
  std::string branch;   ///< "z9hG4bK" and 128 random bits
  std::string call_id;  ///< 128 random bits
  std::string from_tag;
  std::uint32_t cseq = 1;  ///< 1 to 2^31 - 1
};

/// @param sequence of the path; becomes the CSeq (modulo its range), so that a trace can be read against our counters
[[nodiscard]] TransactionIds make_ids(runtime::SeededRandom& random, std::uint64_t sequence);

struct OptionsFields {
  runtime::Peer local;    ///< our side of the socket: Via, From and Contact
  runtime::Peer carrier;  ///< Request-URI and To when there is no domain
  std::string domain;     ///< host of the Request-URI and To; empty: the carrier's address
  std::string from_user;  ///< user of From and Contact; empty: none
  int max_forwards = 70;  ///< 0 to 255
  model::SipTransport transport = model::SipTransport::Udp;
  bool overload_control = false;    ///< offer RFC 7339 in the Via
  bool sips = false;                ///< the scheme of Request-URI, To and Contact (RFC 3261 8.1.1.8)
  DigestSession* digest = nullptr;  ///< answers the challenge it has taken, if any
};

/// @return the bytes to send, identical for each retransmission; an error when a field cannot stand in a SIP message.
[[nodiscard]] model::Result<std::string> build_options(const OptionsFields& fields, const TransactionIds& ids);

/// Of a response: what the transaction and the observation need.
struct Response {
  int status = 0;      ///< 100 to 699
  std::string branch;  ///< of the only Via
  std::uint32_t cseq = 0;
  std::string cseq_method;
  std::string call_id;
  std::optional<model::IpAddress> received;      ///< Via: our address as the other side saw it
  std::optional<std::uint16_t> rport;            ///< Via: our port as the other side saw it (RFC 3581)
  std::optional<model::Duration> retry_after;    ///< at most a day
  std::optional<model::SipOverload> overload{};  ///< Via: RFC 7339, algorithm "loss"; another is as if there were none
  std::size_t bytes = 0;                         ///< of the whole datagram
  std::optional<Challenge> challenge{};          ///< of a 401 or 407: the topmost that we can answer
};

/// Why a datagram is not a response we read.
enum class Malformed : std::uint8_t {
  TooLarge,        ///< over kLargestDatagram
  KeepAlive,       ///< nothing but CR and LF (RFC 5626 4.4.1)
  Request,         ///< a request
  StatusLine,      ///< not "SIP/2.0 nnn reason", 100 to 699
  Unterminated,    ///< no empty line after the header
  Characters,      ///< NUL, or CR or LF alone
  TooManyHeaders,  ///< over kMostHeaderLines
  HeaderLine,      ///< no field name or no colon
  Missing,         ///< no Via, From, To, Call-ID or CSeq
  Repeated,        ///< one of them, Content-Length or Retry-After twice; several Vias (RFC 3261 8.1.3.3)
  ContentLength,   ///< no number, or more than came (RFC 3261 18.3)
  Field,           ///< a Via, CSeq or Call-ID that cannot be read
};

[[nodiscard]] std::expected<Response, Malformed> parse_response(std::string_view datagram);

}  // namespace linekeeper::sip
