#pragma once
// What goes on the wire around a Response, and who may ask over TCP. Pure.
#include <span>
#include <string>
#include <string_view>

#include "controller/admin/api.hpp"

namespace linekeeper::admin {

enum class Connection : bool { Close, KeepAlive };

/// "Not Found"; "Unknown" for a code that has no phrase here.
[[nodiscard]] std::string_view phrase(int status);

/// {"error":{"exit":N,"message":..,"remedy":..}}: the shape every refusal has (README). `exit` is what the command line ends with.
[[nodiscard]] Response error_response(int status, std::string_view message, std::string_view remedy);

/// Head and body of a whole answer, with the strict headers each one has (nothing runs, nothing is kept); a field in
/// `response.headers` takes the place of the one of the same name, those that frame the message are ignored there. @param head_only for HEAD:
/// Content-Length says what GET would send, the body stays away
[[nodiscard]] std::string serialize(const Response& response, Connection connection, bool head_only);
/// Head of an event stream: no length, ends with the connection (RFC 9112 6.3, last case).
[[nodiscard]] std::string serialize_stream_head();

/// May this Host header be served on TCP (protection from DNS rebinding)? Any port; letters of any case.
/// @param allowed names and addresses without port, IPv6 without brackets
[[nodiscard]] bool host_allowed(std::string_view host, std::span<const std::string> allowed);

/// One server-sent event (WHATWG HTML 9.2.6). Line breaks in `data` become further data lines; in `id` and `event` they are dropped.
[[nodiscard]] std::string serialize_event(std::string_view id, std::string_view event, std::string_view data);

}  // namespace linekeeper::admin
