#pragma once
// Requests that others send us (RFC 3261 8.2, 18.2.1): carriers' OPTIONS, a PBX's OPTIONS and INVITE, the BYE of a call of ours. What cannot
// be answered is dropped; what can, but is wrong, comes with the status that says so; RFC 4475 and RFC 5118 have the examples.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "carriers/sip/message.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::sip {

struct Request {
  std::string method;              ///< as it came: methods are case-sensitive (RFC 3261 7.1)
  std::string uri;                 ///< Request-URI
  std::vector<std::string> vias;   ///< one each, the topmost first
  std::string branch;              ///< of the topmost; may lack the magic cookie, or be empty (RFC 2543)
  std::string sent_by;             ///< host of the topmost Via, as it came
  std::uint16_t sent_by_port = 0;  ///< 0: not given
  bool rport = false;              ///< the topmost asks for an answer to where it came from (RFC 3581)
  std::string transport;           ///< of the topmost Via: "UDP", in upper case
  std::string from, to, call_id;   ///< whole values
  std::string to_tag;              ///< empty: outside of a dialog
  std::string cseq_value;          ///< of CSeq, as it came
  std::uint32_t cseq = 0;
  std::string cseq_method;
  std::vector<std::string> record_routes;
  std::string_view body;  ///< within the bytes that were read
};

struct Incoming {
  Request request;
  int status = 0;  ///< 0: nothing is wrong with its form; else to be answered with this, and no more (not to an ACK)
  std::vector<std::pair<std::string, std::string>> more{};  ///< header fields that the status wants: Unsupported of a 420
};

/// @return what can be answered; why not, otherwise. A response is Malformed::StatusLine.
[[nodiscard]] std::expected<Incoming, Malformed> parse_request(std::string_view datagram);

/// What tells one transaction from another (RFC 3261 17.2.3), also of clients that know no magic cookie.
[[nodiscard]] std::string transaction_key(const Request& request);

struct Reply {
  int status = 200;
  std::string reason;                                       ///< phrase; empty: the usual one
  std::string to_tag;                                       ///< put behind To where it has none; empty: none (only of a 100)
  std::vector<std::pair<std::string, std::string>> more{};  ///< Contact, Retry-After, Allow, ...
};

/// The bytes of a response (RFC 3261 8.2.6): Via, From, To, Call-ID, CSeq and Record-Route of the request, with `received` and `rport` of the
/// topmost Via filled in from where it came (18.2.1, RFC 3581 4).
[[nodiscard]] std::string write_reply(const Request& request, const Reply& reply, const runtime::Peer& from);

/// Where a response over UDP goes: back to where the request came from with rport, else to the port of the topmost Via (18.2.2). The address
/// is always the packet's own: what a `maddr` or sent-by names is never sent to.
[[nodiscard]] runtime::Peer reply_target(const Request& request, const runtime::Peer& from);

/// The usual phrase of a status: "Service Unavailable".
[[nodiscard]] std::string_view usual_reason(int status);

}  // namespace linekeeper::sip
