#pragma once
// Any request of ours: OPTIONS (message.hpp), INVITE and all that follows from it, REGISTER. Written by libosip2, so that what
// a configuration or a peer put into a field cannot become a header of its own.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/model/endpoint.hpp"
#include "controller/model/error.hpp"
#include "controller/runtime/datagram_socket.hpp"

namespace linekeeper::sip {

struct RequestMessage {
  std::string method;  ///< "INVITE"
  std::string uri;     ///< Request-URI
  std::string transport = "UDP";
  runtime::Peer local;            ///< Via sent-by
  std::string branch;             ///< with its magic cookie
  bool overload_control = false;  ///< offers RFC 7339, algorithm "loss", in the Via
  int max_forwards = 70;
  std::string from, to;  ///< whole values, with their tags: "<sip:a@b>;tag=c"
  std::string call_id;
  std::uint32_t cseq = 1;
  std::string contact{};                                    ///< whole value; empty: none
  std::vector<std::string> routes{};                        ///< whole values, in order (RFC 3261 12.2.1.1)
  std::vector<std::pair<std::string, std::string>> more{};  ///< further header fields, in order
  std::string content_type{};                               ///< empty: no body
  std::string body{};
};

/// @return the bytes to send, the same at each retransmission; an error when a field cannot stand in a SIP message (RFC 3261 25.1)
[[nodiscard]] model::Result<std::string> write_request(const RequestMessage& request);

/// "host" or "[host]" of RFC 3261 25.1.
[[nodiscard]] std::string uri_host(const model::IpAddress& address);

/// "sip:user@host:port", or "sips:"; without the user when it is empty and the port when it is the scheme's own (RFC 3261 19.1.2).
[[nodiscard]] std::string sip_uri(std::string_view user, std::string_view host, std::uint16_t port, bool sips = false);

/// Of the Via: "UDP", "TCP", "TLS".
[[nodiscard]] std::string_view via_transport(model::SipTransport transport);

/// Of a Request-URI and a Contact alone (RFC 3261 19.1.1, table 1): ";transport=tcp". UDP goes without saying, and so does TLS with sips.
[[nodiscard]] std::string transport_parameter(model::SipTransport transport, bool sips = false);

/// 16 digits: random bits as they stand in tags, branches and Call-IDs.
[[nodiscard]] std::string hex(std::uint64_t value);

/// Answers a challenge (401, 407): a header field for the next request, or nothing when there are no credentials or they were refused.
using Authorise =
    std::function<std::optional<std::pair<std::string, std::string>>(std::string_view datagram, std::string_view method, std::string_view uri)>;

}  // namespace linekeeper::sip
