#pragma once
// One request at a time over a local datagram socket: sends, waits for the answer with the same id from the same socket,
// or for the timeout. What else arrives is dropped and counted. Never blocks: a peer that does not read or answer costs
// its own timeout and nobody else's time (I22).
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "carriers/trunks/jsonrpc.hpp"
#include "controller/model/error.hpp"
#include "controller/model/time.hpp"

namespace linekeeper::trunks {

/// Who answers there, for what is said of it.
struct RpcPeer {
  std::string name = "Kamailio";
  std::string remedy =
      "Is Kamailio running, with jsonrpcs transport 4 and dgram_socket set to this path? See carriers/trunks/kamailio/linekeeper.cfg";
  std::string group = "kamailio";  ///< that its socket usually has
};

/// The path of our own end, for a PBX of that name.
[[nodiscard]] std::string own_socket(const std::string& directory, std::string name);

class RpcClient : public std::enable_shared_from_this<RpcClient> {  // shared with its pending handlers
 public:
  using Done = std::function<void(model::Result<Reply>)>;

  /// @param server   Kamailio's socket (modparam jsonrpcs dgram_socket)
  /// @param own      path our end is bound to: made at the first call, removed by stop(); one a client
  /// @param first_id of the first request; later ones count up. Not guessable: a late answer to a former life must not fit
  RpcClient(boost::asio::any_io_executor executor, std::string server, std::string own, model::Duration timeout, std::uint64_t first_id,
            RpcPeer peer = {});

  /// Must not be called while busy(). @param done later, never from within; not after stop(). Errors: code ENOENT or
  /// ECONNREFUSED nobody there, EACCES not allowed, ETIMEDOUT no answer, EBADMSG an answer that is none, or the errno.
  void call(std::string_view method, const std::vector<Parameter>& parameters, Done done);
  [[nodiscard]] bool busy() const { return static_cast<bool>(done_); }
  void stop();
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }  ///< datagrams that were no answer to what was asked

 private:
  using Protocol = boost::asio::local::datagram_protocol;
  model::Result<void> open();
  model::Error send_failure(int code) const;
  void receive();
  void on_datagram(std::size_t size);
  [[nodiscard]] bool from_server() const;
  void close();
  void on_timeout();
  void finish(model::Result<Reply> result);
  void fail_later(model::Error error);

  std::string server_;
  std::string own_;
  RpcPeer peer_;
  model::Duration timeout_;
  Protocol::socket socket_;
  boost::asio::steady_timer timer_;
  Protocol::endpoint sender_;
  std::vector<char> buffer_;
  std::uint64_t next_id_;
  std::uint64_t waiting_for_ = 0;
  std::uint64_t ignored_ = 0;
  std::string last_ignored_;  // why, for the error text of the timeout that follows
  bool reading_ = false;
  unsigned life_ = 0;  // of the socket: a read of a closed one must not touch the next one's state
  bool stopped_ = false;
  Done done_;
};

}  // namespace linekeeper::trunks
