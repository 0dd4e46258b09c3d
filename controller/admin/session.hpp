#pragma once
// One client: reads requests, asks the Api, writes answers, or feeds an event stream until someone ends it.
// A plain state machine on callbacks with one timer: every state has a deadline, so no client can hold a place for ever.
//
//   Idle --first byte--> Receiving --whole request--> Answering --> Writing --> Idle (or the next pipelined request)
//                            |                            |            `------> Lingering --> Closed
//                            `-- broken, too large, late -'            stream: Streaming --> Closed
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/admin/api.hpp"
#include "controller/admin/http_server.hpp"
#include "controller/admin/stream_queue.hpp"
#include "controller/admin/wire.hpp"

namespace linekeeper::admin {

using Socket = boost::asio::generic::stream_protocol::socket;

class Session;

/// What a session needs of its server.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual Api& api() = 0;
  [[nodiscard]] virtual const Limits& limits() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& hosts() const = 0;
  virtual void on_closed(Session& session) = 0;  ///< last call of a session
};

/// `Full`: beyond the limit of clients; is told so and closed.
enum class Admission : bool { Served, Full };

class Session final : public EventStream, public std::enable_shared_from_this<Session> {
 public:
  /// @param peer nothing on TCP. `owner` outlives the session's open time: it calls abandon() before it goes.
  Session(Socket socket, std::optional<Peer> peer, Admission admission, SessionOwner& owner);
  void start();
  /// Ends it as soon as the answer that is under way is out: at once when there is none.
  void finish();
  void close();  ///< at once; idempotent
  [[nodiscard]] Admission admission() const { return admission_; }

  void send(std::string_view id, std::string_view event, std::string_view data) override;

 private:
  enum class State : std::uint8_t { Idle, Receiving, Answering, Writing, Lingering, Streaming, Closed };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using ErrorCode = boost::beast::error_code;

  void next_request();
  void read();
  void on_read(ErrorCode error, std::size_t bytes);
  void advance();
  void refuse_unreadable(ErrorCode why);
  void send_continue();
  void dispatch();
  [[nodiscard]] std::optional<Response> refusal(std::string_view method) const;
  void open_stream(const Request& request);
  void ask(const Request& request);
  void answer(const Response& response, Connection connection);
  void write(std::string bytes);
  void on_written(ErrorCode error);
  void linger();
  void pump_stream();
  void watch_reader();
  void beat();
  void arm(model::Duration after);
  void on_deadline();

  Socket socket_;
  boost::asio::steady_timer deadline_;
  boost::asio::steady_timer heartbeat_;
  std::optional<Peer> peer_;
  Admission admission_;
  SessionOwner& owner_;
  State state_ = State::Idle;
  boost::beast::flat_buffer input_;
  std::optional<Parser> parser_;
  std::uint64_t request_number_ = 0;  ///< an answer to an earlier request is too late
  std::string output_;
  bool close_after_write_ = false;
  bool continue_sent_ = false;
  bool head_only_ = false;
  bool finishing_ = false;
  bool writing_ = false;
  std::size_t header_taken_ = 0;
  std::size_t discarded_ = 0;
  std::optional<StreamQueue> queue_;
};

}  // namespace linekeeper::admin
