#pragma once
// The HTTP surface of the daemon, as values: Beast stays behind http_server.hpp. Handlers run on the loop and answer at once
// or later through `respond` (a journal query), exactly once. Paths are listed in controller/admin/README.md.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace linekeeper::admin {

/// Who asks: from SO_PEERCRED (unix(7)) on the control socket; nothing on TCP, where acts are refused.
struct Peer {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
  std::string name;  ///< "uid 1000 (mira)"
};

struct Request {
  std::string method;                        ///< "GET", "POST"
  std::string path;                          ///< "/api/v1/status", without the query
  std::map<std::string, std::string> query;  ///< decoded
  std::string body;                          ///< at most 64 KiB
  std::optional<Peer> peer;                  ///< absent on TCP
  std::optional<std::string> last_event_id;  ///< of a resumed event stream
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  ///< further header fields (Content-Security-Policy of the page); none of Content-*-Length or -Type
};

/// A client of a server-sent event stream (WHATWG HTML 9.2). Bounded: a slow reader loses the oldest messages.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// @param id  resumption id, may be empty  @param event  type  @param data  one line (JSON)
  virtual void send(std::string_view id, std::string_view event, std::string_view data) = 0;
};

class Api {
 public:
  virtual ~Api() = default;
  /// @param respond  call exactly once, now or later, on the loop
  virtual void handle(const Request& request, std::function<void(Response)> respond) = 0;
  /// A stream was asked for (GET /events, GET /api/v1/events/stream). @return 200 to accept, otherwise the status to answer.
  /// The stream is alive until on_close(stream).
  virtual int open_stream(const Request& request, EventStream& stream) = 0;
  virtual void close_stream(EventStream& stream) = 0;
};

}  // namespace linekeeper::admin
