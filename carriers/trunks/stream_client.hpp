#pragma once
// One request at a time over a TCP connection that is made when it is needed and kept while it holds: connects, lets the
// conversation log in, sends, waits for the answer, or for the timeout that is for all of it together. Never blocks: a peer that hangs
// costs its own timeout and nobody else's time (I22). What is said is the conversation's alone (ami_conversation.hpp and others).
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::trunks {

/// A protocol over a stream, apart from sockets and clocks.
class Conversation {
 public:
  enum class State : std::uint8_t { Opening, Ready, Answered };
  struct Step {
    std::string send{};            ///< what this calls for at once
    State state = State::Opening;  ///< Opening until requests may be sent; Answered: the answer to the last one is whole
  };

  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  virtual ~Conversation() = default;

  /// A new connection stands: forgets all of a former one.
  virtual model::Result<Step> opened() = 0;
  /// @return what follows; an error where the connection is of no use: it is closed, and the request fails with it
  virtual model::Result<Step> heard(std::string_view bytes) = 0;
  /// Whether the connection is closed after each answer.
  [[nodiscard]] virtual bool once() const { return false; }
};

class StreamClient : public std::enable_shared_from_this<StreamClient> {  // shared with its pending handlers
 public:
  using Done = std::function<void(model::Result<void>)>;

  /// @param peer     how it is called in errors: "Asterisk"
  /// @param remedy   what helps where nobody listens
  StreamClient(boost::asio::any_io_executor executor, model::IpAddress address, std::uint16_t port, model::Duration timeout,
               std::unique_ptr<Conversation> conversation, std::string peer, std::string remedy);

  /// Must not be called while busy().
  /// @param request  or why there is none: then `done` hears that, and nothing is sent
  /// @param done  later, never from within; not after stop(). Well: the conversation has the answer. Errors: ECONNREFUSED nobody there,
  ///              ETIMEDOUT no answer, ECONNRESET closed by the peer, what the conversation said, or the errno.
  void call(model::Result<std::string> request, Done done);
  [[nodiscard]] bool busy() const { return static_cast<bool>(done_); }
  void stop();

 private:
  using Tcp = boost::asio::ip::tcp;
  void connect();
  void read();
  void on_bytes(std::string_view bytes);
  void act(model::Result<Conversation::Step> step);
  void send(std::string text);
  void write_out();
  void fail(int code, std::string what, std::string remedy);
  void finish(model::Result<void> result);
  void close();
  [[nodiscard]] std::string there() const;

  Tcp::endpoint endpoint_;
  model::Duration timeout_;
  std::unique_ptr<Conversation> conversation_;
  std::string peer_, remedy_;
  Tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::array<char, 4096> buffer_{};
  std::string request_;             // not sent yet: the conversation is still opening
  std::string outgoing_, writing_;  // what is to be written, and what is under way
  bool connected_ = false, ready_ = false, stopped_ = false;
  unsigned life_ = 0;   // of the connection: handlers of a closed one must not touch the next one's state
  unsigned calls_ = 0;  // a timer of a former call must not end this one
  Done done_;
};

}  // namespace linekeeper::trunks
