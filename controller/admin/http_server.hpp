#pragma once
// HTTP/1.1 by Boost.Beast over one stream type (generic::stream_protocol::socket takes TCP and Unix). Bounded: clients,
// header and body sizes, idle time. On TCP the Host header must be one that is allowed (DNS rebinding) and only GET and HEAD pass.
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/admin/api.hpp"
#include "controller/model/error.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::admin {

/// What a client may cost. The defaults are for production; tests make them small.
struct Limits {
  std::size_t clients = 64;                                ///< one more is told 503
  std::uint32_t header_bytes = 8 * 1024;                   ///< request line and header: more is 431
  std::uint64_t body_bytes = 64 * 1024;                    ///< more is 413
  std::size_t stream_messages = 256;                       ///< waiting for one reader of an event stream
  std::size_t stream_bytes = 1024 * 1024;                  ///< the same, in bytes
  model::Duration idle = std::chrono::seconds(30);         ///< between two requests
  model::Duration receive = std::chrono::seconds(10);      ///< first to last byte of a request: later is 408
  model::Duration answer = std::chrono::seconds(30);       ///< of the Api: later is 504, and the late answer is dropped
  model::Duration write = std::chrono::seconds(10);        ///< an answer that is not taken by then is cut off
  model::Duration stall = std::chrono::seconds(60);        ///< the same for what is written to a stream at a time (up to 64 KiB)
  model::Duration heartbeat = std::chrono::seconds(15);    ///< comment on a silent stream
  model::Duration drain = std::chrono::milliseconds(500);  ///< for running answers at stop()
};

class HttpServer {
 public:
  /// @param api outlives this server's stop() or destruction, whichever is first
  HttpServer(boost::asio::any_io_executor executor, Api& api, Limits limits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// @param path  Unix socket, created 0660; a stale one is replaced, a living one is an error
  model::Result<void> listen_unix(const std::string& path);
  /// @param hosts  further Host values allowed
  model::Result<void> listen_tcp(const std::string& address, std::uint16_t port, std::vector<std::string> hosts);
  /// Stops accepting, ends streams, gives running answers up to 500 ms, closes; `done` is called once. Removes the Unix socket.
  void stop(std::function<void()> done);
  [[nodiscard]] std::size_t clients() const;
  [[nodiscard]] std::uint16_t tcp_port() const;  ///< the last one listened on (a real one when 0 was asked for), 0 = none

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::admin
