#include "controller/daemon/switch_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::daemon {
namespace {

constexpr std::chrono::milliseconds kFirstBackOff{50}, kLongestBackOff{2000};
constexpr int kMessagesATurn = 32;

model::Result<runtime::UniqueFd> connect_seqpacket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return std::unexpected(model::Error{fmt::format("the switch's socket path {} is too long", path), "", ENAMETOOLONG});
  path.copy(address.sun_path, path.size());
  runtime::UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(model::Error{fmt::format("cannot make a socket: {}", std::strerror(errno)), "", errno});
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    std::string remedy = "Is linekeeper-switch running? systemctl status linekeeper-switch";
    if (error == EACCES) remedy = "Start linekeeper-switch with --allow-user naming the daemon's user";
    return std::unexpected(model::Error{fmt::format("cannot reach linekeeper-switch at {}: {}", path, std::strerror(error)), remedy, error});
  }
  return fd;
}

}  // namespace

SwitchClient::SwitchClient(boost::asio::any_io_executor executor, std::string path, Handlers handlers)
    : executor_(executor), path_(std::move(path)), handlers_(std::move(handlers)), socket_(executor), retry_(executor) {}

void SwitchClient::start() {
  stopped_ = false;
  connect();
}

void SwitchClient::stop() {
  stopped_ = true;
  retry_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void SwitchClient::connect() {
  auto fd = connect_seqpacket(path_);
  if (!fd) return lost(fd.error().to_string());
  socket_.assign(fd->release());
  if (!send(route::Hello{})) return;
  wait_readable();
}

void SwitchClient::lost(const std::string& why) {
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (stopped_) return;
  if (!told_lost_) {
    told_lost_ = true;
    handlers_.on_lost(why);
  }
  retry_.expires_after(back_off_);
  back_off_ = std::min(back_off_ * 2, kLongestBackOff);
  retry_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && !self->stopped_) self->connect();
  });
}

bool SwitchClient::send(const route::Request& request) {
  if (!socket_.is_open()) return false;
  const std::string message = route::encode(request);
  if (::send(socket_.native_handle(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
  lost(fmt::format("linekeeper-switch does not take messages: {}", std::strerror(errno)));
  return false;
}

void SwitchClient::wait_readable() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code error) {
    if (error || self->stopped_) return;
    self->receive();
  });
}

void SwitchClient::receive() {
  std::string buffer(route::kMaxMessage, '\0');
  for (int i = 0; i < kMessagesATurn && socket_.is_open() && !stopped_; ++i) {
    const auto n = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) return lost(n == 0 ? "linekeeper-switch closed the connection" : fmt::format("linekeeper-switch: {}", std::strerror(errno)));
    const auto reply = route::parse_reply(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    if (!reply) return lost("linekeeper-switch said something that is not understood: " + reply.error().what);
    told_lost_ = false;
    back_off_ = kFirstBackOff;
    handlers_.on_reply(*reply);
  }
  if (socket_.is_open() && !stopped_) wait_readable();
}

}  // namespace linekeeper::daemon
