#include "carriers/trunks/rpc_client.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "controller/model/assert.hpp"

namespace linekeeper::trunks {
namespace {

namespace asio = boost::asio;
using model::Error;

constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;

// jsonrpcs answers from a process that runs as Kamailio's user: it must be able to write to our socket. Where we are in the
// group of its socket, as the snippet advises, ours gets that group too; otherwise this fails quietly and 0660 must do.
void share_with_owner_of(const std::string& server, const std::string& own) {
  ::chmod(own.c_str(), 0660);
  struct stat status{};
  if (::stat(server.c_str(), &status) == 0) [[maybe_unused]]
    const int refused = ::chown(own.c_str(), static_cast<uid_t>(-1), status.st_gid);
}

}  // namespace

std::string own_socket(const std::string& directory, std::string name) {
  std::ranges::replace(name, '/', '_');
  return directory + "/pbx-" + name + ".sock";
}

RpcClient::RpcClient(asio::any_io_executor executor, std::string server, std::string own, model::Duration timeout, std::uint64_t first_id,
                     RpcPeer peer)
    : server_(std::move(server)),
      own_(std::move(own)),
      peer_(std::move(peer)),
      timeout_(timeout),
      socket_(executor),
      timer_(executor),
      buffer_(kLargestReply + 1),
      next_id_(first_id % (kLargestId / 2)) {}

void RpcClient::call(std::string_view method, const std::vector<Parameter>& parameters, Done done) {
  LK_ASSERT(!busy());
  if (stopped_) return;
  done_ = std::move(done);
  last_ignored_.clear();
  waiting_for_ = next_id_++;
  if (auto opened = open(); !opened) return fail_later(opened.error());
  const auto text = request(waiting_for_, method, parameters);
  boost::system::error_code wrong;
  socket_.send_to(asio::buffer(text), Protocol::endpoint(server_), 0, wrong);
  if (wrong) return fail_later(send_failure(wrong.value()));
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(timeout_));
  timer_.async_wait([self = shared_from_this(), id = waiting_for_](const boost::system::error_code& cancelled) {
    if (!cancelled && self->busy() && self->waiting_for_ == id) self->on_timeout();
  });
  receive();
}

model::Result<void> RpcClient::open() {
  if (socket_.is_open()) return {};
  if (server_.size() > kLongestPath || own_.size() > kLongestPath) {
    return std::unexpected(
        Error{"a socket path is longer than " + std::to_string(kLongestPath) + " bytes: " + (server_.size() > kLongestPath ? server_ : own_),
              "Choose a shorter one", ENAMETOOLONG});
  }
  boost::system::error_code wrong;
  ::unlink(own_.c_str());  // left by a former life that was killed
  socket_.open(Protocol(), wrong);
  if (!wrong) socket_.non_blocking(true, wrong);
  if (!wrong) socket_.bind(Protocol::endpoint(own_), wrong);
  if (!wrong) {
    share_with_owner_of(server_, own_);
    return {};
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
  return std::unexpected(Error{"cannot bind our own socket " + own_ + ": " + wrong.message(),
                               "Let linekeeperd write to its directory (systemd/: RuntimeDirectory)", wrong.value()});
}

Error RpcClient::send_failure(int code) const {
  const auto failed = [&](std::string remedy) {
    return Error{"cannot ask " + peer_.name + " at " + server_ + ": " + std::strerror(code), std::move(remedy), code};
  };
  switch (code) {
    case ENOENT:
    case ECONNREFUSED: return failed(peer_.remedy);
    case EACCES:
    case EPERM: return failed("Give linekeeperd's user the group of the socket: usermod -aG " + peer_.group + " linekeeper");
    case EAGAIN: return failed("It takes no more requests: it hangs, or the process that answers has died. Restart " + peer_.name);
    case EPROTOTYPE: return failed("That is no datagram socket: name that one, not a FIFO or another program's socket");
    default: return failed("");
  }
}

void RpcClient::receive() {
  if (reading_) return;
  reading_ = true;
  const auto on_read = [self = shared_from_this(), life = life_](const boost::system::error_code& wrong, std::size_t size) {
    if (self->stopped_ || self->life_ != life) return;
    self->reading_ = false;
    if (wrong) {
      if (self->busy()) self->finish(std::unexpected(Error{"cannot read from our socket " + self->own_ + ": " + wrong.message(), "", wrong.value()}));
      return;
    }
    self->on_datagram(size);
    if (self->busy()) self->receive();  // unasked datagrams wait in the kernel, bounded by it, until there is a question
  };
  socket_.async_receive_from(asio::buffer(buffer_), sender_, on_read);
}

// By the name it is bound to, or by another name of the same socket (/var/run is /run).
bool RpcClient::from_server() const {
  const auto path = sender_.path();
  if (path == server_) return true;
  struct stat theirs{};
  struct stat ours{};
  return ::stat(path.c_str(), &theirs) == 0 && ::stat(server_.c_str(), &ours) == 0 && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

// Strict: only the server itself may answer, and only what was asked last. A wrong datagram is not the end of the wait, or
// anyone who can reach our socket could make every call fail.
void RpcClient::on_datagram(std::size_t size) {
  if (!busy()) return;
  if (!from_server()) {
    ++ignored_;
    last_ignored_ = "a datagram of a stranger (" + sender_.path() + ") was ignored";
    return;
  }
  auto reply = parse_reply({buffer_.data(), size});
  if (!reply) {
    ++ignored_;
    return finish(std::unexpected(
        Error{peer_.name + " at " + server_ + " answered what is no answer: " + reply.error(), "Is that socket " + peer_.name + "'s?", EBADMSG}));
  }
  if (reply->id != waiting_for_) {
    ++ignored_;
    last_ignored_ = "an answer to another question was ignored";
    return;
  }
  finish(std::move(*reply));
}

void RpcClient::on_timeout() {
  close();  // perhaps someone removed our socket's name, or Kamailio came back with another group: the next call binds anew
  finish(std::unexpected(Error{peer_.name + " at " + server_ + " has not answered for " +
                                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(timeout_).count()) + " ms" +
                                   (last_ignored_.empty() ? "" : " (" + last_ignored_ + ")"),
                               "It hangs, or its user may not write to " + own_ + " (it must be in that socket's group)", ETIMEDOUT}));
}

void RpcClient::fail_later(Error error) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), error = std::move(error), id = waiting_for_] {
    if (self->busy() && self->waiting_for_ == id) self->finish(std::unexpected(error));
  });
}

void RpcClient::finish(model::Result<Reply> result) {
  timer_.cancel();
  // `done` may call again at once: what is left of this call must be gone before it.
  const auto done = std::exchange(done_, nullptr);
  done(std::move(result));
}

void RpcClient::close() {
  if (!socket_.is_open()) return;
  ++life_;
  reading_ = false;
  boost::system::error_code ignored;
  socket_.close(ignored);
  ::unlink(own_.c_str());
}

void RpcClient::stop() {
  stopped_ = true;
  done_ = nullptr;
  timer_.cancel();
  close();
}

}  // namespace linekeeper::trunks
