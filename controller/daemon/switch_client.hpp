#pragma once
// The daemon's end of the conversation with linekeeper-switch (controller/switch/protocol.hpp): a SOCK_SEQPACKET Unix
// socket, one message a packet, connected again with a capped back-off whenever it is gone. Nothing waits on it: what is to be is
// sent again, whole, when the switch is back.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/switch/protocol.hpp"

namespace linekeeper::daemon {

class SwitchClient : public std::enable_shared_from_this<SwitchClient> {  // shared with its pending handlers
 public:
  struct Handlers {
    std::function<void(const route::Reply&)> on_reply;    ///< a StateReply first, after each connect
    std::function<void(const std::string& why)> on_lost;  ///< once each time the connection goes, or cannot be made at first
  };
  SwitchClient(boost::asio::any_io_executor executor, std::string path, Handlers handlers);

  void start();
  void stop();  ///< no handler is called after this returns
  /// @return false when there is no connection, or the switch does not take it (its queue is full): reconnects in that case.
  bool send(const route::Request& request);
  [[nodiscard]] bool connected() const { return socket_.is_open(); }

 private:
  void connect();
  void lost(const std::string& why);
  void wait_readable();
  void receive();

  boost::asio::any_io_executor executor_;
  std::string path_;
  Handlers handlers_;
  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer retry_;
  std::chrono::milliseconds back_off_{50};
  bool told_lost_ = false;
  bool stopped_ = true;
};

}  // namespace linekeeper::daemon
