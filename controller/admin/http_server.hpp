#pragma once
// HTTP/1.1 by Boost.Beast over one stream type (generic::stream_protocol::socket takes TCP and Unix). Bounded: clients,
// header and body sizes, idle time. On TCP the Host header must be one that is allowed (DNS rebinding) and only GET and HEAD pass.
#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "controller/admin/api.hpp"
#include "controller/model/error.hpp"

namespace linekeeper::admin {

class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, Api& api);
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

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with its pending handlers
};

}  // namespace linekeeper::admin
