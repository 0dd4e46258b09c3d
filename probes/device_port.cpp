#include "probes/device_port.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "controller/runtime/log.hpp"

namespace linekeeper::probes {
namespace asio = boost::asio;
using model::Duration;
using model::Instant;
using runtime::boot_now;

namespace {

constexpr int kPacketsATurn = 64;  // then others have their turn
constexpr std::size_t kLongestPacket = 1500;
constexpr Duration kFirstRetry = std::chrono::milliseconds(250);
constexpr Duration kLongestRetry = std::chrono::seconds(30);
constexpr Duration kLongestWithoutRoute = std::chrono::seconds(1);  // a route may come at any moment, and nobody tells us of each

/// Does a new socket help? A device that was made again does have another index; routes, buffers and firewalls do not care
/// which socket asks, and replies still on their way to the old one would be lost.
bool cured_by_new_socket(int error) {
  return error == ENODEV || error == ENXIO || error == EADDRNOTAVAIL || error == EINVAL || error == EBADF || error == ENOTSOCK || error == EPIPE;
}

}  // namespace

DevicePort::DevicePort(const WireSetting& setting, model::Family family, int protocol, std::optional<runtime::Peer> peer, Owner& owner)
    : descriptor_(setting.executor),
      device_(setting.device),
      unbound_(setting.unbound),
      life_(setting.life),
      family_(family),
      protocol_(protocol),
      peer_(peer),
      owner_(owner),
      backoff_(kFirstRetry) {}

int DevicePort::send(std::span<const std::uint8_t> bytes, const std::optional<model::IpAddress>& to) {
  if (const int error = open(); error != 0) return error;
  const auto generation = generation_;
  int error = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    error = runtime::send_datagram(descriptor_.native_handle(), bytes, to);
    if (error == 0) {
      backoff_ = kFirstRetry;
      return 0;
    }
    if (read_errors() == 0) break;
    if (generation != generation_) return error;  // whoever was told of them has closed us
  }
  return cured_by_new_socket(error) ? give_up(error, boot_now(), kLongestRetry) : error;
}

int DevicePort::open() {
  if (descriptor_.is_open()) return 0;
  const auto now = boot_now();
  if (now < retry_) return error_;
  auto fd = runtime::open_datagram_socket(family_, protocol_, device_);
  if (!fd) {
    if (!told_)
      runtime::log(runtime::Level::Error, (device_.empty() ? std::string("probing") : "probing through " + device_) + ": " + fd.error().to_string());
    told_ = true;
    return give_up(fd.error().code, now, kLongestRetry);
  }
  if (const auto& from = unbound_.source; from && from->family == family_) {
    if (const int error = runtime::bind_datagram(fd->get(), {.address = *from}); error != 0) return give_up(error, now, kLongestRetry);
  }
  if (peer_) {
    if (const int error = runtime::connect_datagram(fd->get(), *peer_); error != 0) return give_up(error, now, kLongestWithoutRoute);
  }
  boost::system::error_code failed;
  descriptor_.assign(fd->get(), failed);
  if (failed) return give_up(failed.value(), now, kLongestRetry);
  [[maybe_unused]] const int owned_by_descriptor = fd->release();
  const std::string& ours = device_.empty() ? unbound_.arrives_by : device_;
  ifindex_ = ours.empty() ? 0 : static_cast<int>(::if_nametoindex(ours.c_str()));
  told_ = false;
  ++generation_;
  owner_.on_opened();
  listen();
  return 0;
}

void DevicePort::close() {
  ++generation_;
  boost::system::error_code ignored;
  descriptor_.close(ignored);
}

int DevicePort::give_up(int error, Instant now, Duration longest) {
  close();
  error_ = error;
  backoff_ = std::min(backoff_, longest);
  retry_ = now + backoff_;
  backoff_ = std::min(2 * backoff_, longest);
  return error;
}

void DevicePort::rebuild() {
  close();
  retry_ = {};
  backoff_ = kFirstRetry;
}

void DevicePort::listen() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this, life = life_, generation = generation_](const boost::system::error_code& error) {
                           const auto alive = life.lock();  // whoever is told may let go of the prober: it stays until we are out of it
                           if (error || !alive || generation != generation_) return;
                           read();
                           if (generation == generation_) listen();
                         });
}

void DevicePort::read() {
  const auto generation = generation_;
  read_errors();
  std::array<std::uint8_t, kLongestPacket> buffer;
  for (int n = 0; n < kPacketsATurn && generation == generation_; ++n) {
    const auto packet = runtime::receive_datagram(descriptor_.native_handle(), buffer);
    if (!packet) return;
    owner_.on_datagram(*packet, runtime::clocks_now());
  }
}

/// @return how many entries of the error queue were read.
int DevicePort::read_errors() {
  const auto generation = generation_;
  std::array<std::uint8_t, kLongestPacket> buffer;
  int count = 0;
  while (count < kPacketsATurn && generation == generation_) {
    const auto error = runtime::receive_queued_error(descriptor_.native_handle(), buffer);
    if (!error) break;
    ++count;
    owner_.on_error(*error);
  }
  return count;
}

}  // namespace linekeeper::probes
