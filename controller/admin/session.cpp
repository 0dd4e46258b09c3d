// The one translation unit with Beast in it: its parser reads requests (the part where outside bytes are dangerous); answers are
// ours and are written as plain text, which spares the compile time of Beast's composed operations.
#include "controller/admin/session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <exception>
#include <utility>

#include "controller/admin/query.hpp"
#include "controller/model/assert.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::admin {
namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace {

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kStreamWriteBytes = 64 * 1024;
constexpr std::size_t kDiscardMax = 256 * 1024;
constexpr auto kLinger = std::chrono::seconds(1);

/// Room for a header that is just too long, and one more read behind it.
std::size_t input_max(const Limits& limits) { return limits.header_bytes + 2 * kReadBytes; }

bool is_stream(std::string_view path) { return path == "/events" || path == "/api/v1/events/stream"; }

}  // namespace

Session::Session(Socket socket, std::optional<Peer> peer, Admission admission, SessionOwner& owner)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      heartbeat_(socket_.get_executor()),
      peer_(std::move(peer)),
      admission_(admission),
      owner_(owner),
      input_(input_max(owner.limits())) {}

void Session::start() { next_request(); }

void Session::finish() {
  finishing_ = true;
  switch (state_) {
    case State::Idle:
    case State::Receiving:
    case State::Lingering: close(); break;
    case State::Streaming: pump_stream(); break;
    case State::Answering:
    case State::Writing:
    case State::Closed: break;
  }
}

void Session::close() {
  if (state_ == State::Closed) return;
  const bool streaming = state_ == State::Streaming;
  state_ = State::Closed;
  ErrorCode ignored;
  socket_.close(ignored);
  deadline_.cancel();
  heartbeat_.cancel();
  if (streaming) owner_.api().close_stream(*this);
  owner_.on_closed(*this);
}

void Session::next_request() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(owner_.limits().header_bytes);
  parser_->body_limit(owner_.limits().body_bytes);
  continue_sent_ = false;
  header_taken_ = 0;
  head_only_ = false;
  if (input_.size() > 0) {  // a pipelined request (RFC 9112 9.3.2)
    state_ = State::Receiving;
    arm(owner_.limits().receive);
    advance();
    return;
  }
  state_ = State::Idle;
  arm(owner_.limits().idle);
  read();
}

void Session::read() {
  if (input_.size() + kReadBytes > input_.max_size()) return refuse_unreadable(http::error::buffer_overflow);
  socket_.async_read_some(input_.prepare(kReadBytes),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) { self->on_read(error, bytes); });
}

void Session::on_read(ErrorCode error, std::size_t bytes) {
  if (state_ != State::Idle && state_ != State::Receiving) return;  // answered meanwhile (408) or closed
  if (error) return close();                                        // an end in the middle of a request has nobody left to answer
  input_.commit(bytes);
  if (state_ == State::Idle) {
    state_ = State::Receiving;
    arm(owner_.limits().receive);  // for the whole request: a byte now and then does not extend it
  }
  advance();
}

void Session::advance() {
  while (!parser_->is_done()) {
    ErrorCode error;
    const std::size_t used = input_.size() > 0 ? parser_->put(input_.data(), error) : 0;
    input_.consume(used);
    if (error && error != http::error::need_more) return refuse_unreadable(error);
    if (parser_->is_done()) break;
    // Beast's limit counts what waits in the buffer; fields that it has taken already count too.
    header_taken_ += used;
    if (!parser_->is_header_done() && header_taken_ + input_.size() > owner_.limits().header_bytes)
      return refuse_unreadable(http::error::header_limit);
    if (input_.size() > 0 && used > 0 && !error) continue;
    const bool waits = parser_->is_header_done() && !continue_sent_ && boost::beast::iequals(parser_->get()[http::field::expect], "100-continue");
    return waits ? send_continue() : read();
  }
  dispatch();
}

void Session::refuse_unreadable(ErrorCode why) {
  int status = 400;
  if (why == http::error::body_limit) status = 413;
  if (why == http::error::header_limit || why == http::error::buffer_overflow) status = 431;
  if (why == http::error::bad_version) status = 505;
  answer(error_response(status, "the request cannot be read: " + why.message(), "Send HTTP/1.1; a header has up to 8 kB, a body up to 64 KiB"),
         Connection::Close);
}

void Session::send_continue() {
  continue_sent_ = true;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->state_ != State::Receiving) return;
    if (error) return self->close();
    self->read();
  });
}

std::optional<Response> Session::refusal(std::string_view method) const {
  const auto& message = parser_->get();
  if (admission_ == Admission::Full) return error_response(503, "too many clients are connected", "Close one, or try again in a moment");
  const auto hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) return error_response(400, "a request has one Host header", "Send one (RFC 9112 3.2)");
  if (!peer_ && !host_allowed(message[http::field::host], owner_.hosts())) {
    return error_response(403, "this Host is not served here", "Ask by localhost or by the address, or add the name to allowed_hosts in [http]");
  }
  if (method != "GET" && method != "HEAD" && method != "POST") return error_response(405, "this method is not served", "GET, HEAD and POST are");
  if (method == "POST" && !peer_) {
    return error_response(403, "acts are only possible over the control socket", "Use the command line on the machine itself: linekeeper --help");
  }
  return std::nullopt;
}

void Session::dispatch() {
  state_ = State::Answering;
  ++request_number_;
  auto& message = parser_->get();
  const std::string method(message.method_string());
  head_only_ = method == "HEAD";
  const auto keep = message.keep_alive() && admission_ == Admission::Served ? Connection::KeepAlive : Connection::Close;
  if (const auto refused = refusal(method)) return answer(*refused, keep);
  auto target = parse_target(std::string_view(message.target().data(), message.target().size()));
  if (!target) return answer(error_response(400, "the request target cannot be read", "It begins with / and is percent-encoded (RFC 3986)"), keep);

  Request request{.method = head_only_ ? "GET" : method,
                  .path = std::move(target->path),
                  .query = std::move(target->query),
                  .body = std::move(message.body()),
                  .peer = peer_,
                  .last_event_id = std::nullopt};
  if (const auto id = message.find("Last-Event-ID"); id != message.end()) request.last_event_id = std::string(id->value());
  if (request.method == "GET" && is_stream(request.path)) return open_stream(request);
  ask(request);
}

void Session::ask(const Request& request) {
  arm(owner_.limits().answer);
  const auto keep = parser_->get().keep_alive() ? Connection::KeepAlive : Connection::Close;
  auto respond = [weak = weak_from_this(), number = request_number_, keep](Response response) {
    const auto self = weak.lock();
    if (!self || self->state_ != State::Answering || self->request_number_ != number) return;  // gone, or too late
    if (response.status >= 400 && response.body.empty()) response = error_response(response.status, phrase(response.status), "");
    self->answer(response, keep);
  };
  try {
    owner_.api().handle(request, respond);
  } catch (const std::exception& e) {
    runtime::log(runtime::Level::Error, "answering " + request.method + " " + request.path + " failed: " + e.what());
    respond(error_response(500, "the daemon failed to answer", "See its log: journalctl -u linekeeper"));
  }
}

void Session::answer(const Response& response, Connection connection) {
  close_after_write_ = connection == Connection::Close || finishing_;
  output_ = serialize(response, close_after_write_ ? Connection::Close : Connection::KeepAlive, head_only_);
  state_ = State::Writing;
  arm(owner_.limits().write);
  asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_written(error); });
}

void Session::on_written(ErrorCode error) {
  if (state_ == State::Closed) return;
  output_.clear();
  if (error || finishing_) return close();
  close_after_write_ ? linger() : next_request();
}

/// Closing while bytes of the client wait unread would reset the connection and destroy the answer on its way (RFC 9112 9.6).
void Session::linger() {
  state_ = State::Lingering;
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  discarded_ = 0;
  arm(kLinger);
  watch_reader();
}

/// Reads and forgets, to see the end of the connection.
void Session::watch_reader() {
  input_.clear();
  socket_.async_read_some(input_.prepare(kReadBytes), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
    if (self->state_ == State::Closed) return;
    self->discarded_ += bytes;
    if (error || self->discarded_ > kDiscardMax) return self->close();
    self->watch_reader();
  });
}

void Session::open_stream(const Request& request) {
  output_ = serialize_stream_head();
  if (!head_only_) {
    queue_.emplace(owner_.limits().stream_messages, owner_.limits().stream_bytes);
    state_ = State::Streaming;
    writing_ = true;  // the head goes first, whatever open_stream() sends
    int status = 500;
    try {
      status = owner_.api().open_stream(request, *this);
    } catch (const std::exception& e) {
      runtime::log(runtime::Level::Error, "opening stream " + request.path + " failed: " + std::string(e.what()));
    }
    if (status != 200) {
      queue_.reset();
      writing_ = false;
      state_ = State::Answering;
      return answer(error_response(status, phrase(status), "Try again in a moment"), Connection::Close);
    }
    beat();
    watch_reader();
  } else {
    close_after_write_ = true;
    state_ = State::Writing;
  }
  arm(owner_.limits().stall);
  asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->state_ != State::Streaming) return self->on_written(error);
    self->writing_ = false;
    if (error) return self->close();
    self->pump_stream();
  });
}

void Session::send(std::string_view id, std::string_view event, std::string_view data) {
  if (state_ != State::Streaming || finishing_) return;
  queue_->push(id, event, data);
  pump_stream();
}

void Session::pump_stream() {
  if (writing_) return;
  if (queue_->empty()) {
    deadline_.cancel();
    if (finishing_) close();
    return;
  }
  writing_ = true;
  output_ = queue_->take(kStreamWriteBytes);
  arm(owner_.limits().stall);
  asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](ErrorCode error, std::size_t) {
    self->writing_ = false;
    if (self->state_ == State::Closed) return;
    if (error) return self->close();
    self->pump_stream();
  });
}

void Session::beat() {
  heartbeat_.expires_after(owner_.limits().heartbeat);
  heartbeat_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->state_ != State::Streaming) return;
    self->queue_->push_comment("alive");
    self->pump_stream();
    if (self->state_ == State::Streaming) self->beat();
  });
}

void Session::arm(model::Duration after) {
  deadline_.expires_after(after);
  deadline_.async_wait([self = shared_from_this()](ErrorCode error) {
    // A wait that had already ended when the timer was set anew is still delivered as a success: the expiry tells.
    if (error || self->deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
    self->on_deadline();
  });
}

void Session::on_deadline() {
  ErrorCode ignored;
  switch (state_) {
    case State::Receiving:
      socket_.cancel(ignored);
      answer(error_response(408, "the request took too long to arrive", "Send it at once"), Connection::Close);
      return;
    case State::Answering:
      answer(error_response(504, "the daemon did not answer in time", "See its log: journalctl -u linekeeper"), Connection::Close);
      return;
    case State::Streaming:
      if (!writing_) return;  // set anew by a write that has ended meanwhile
      [[fallthrough]];
    case State::Idle:
    case State::Writing:
    case State::Lingering: close(); return;
    case State::Closed: return;
  }
}

}  // namespace linekeeper::admin
