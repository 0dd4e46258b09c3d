#include "carriers/calls/hep_listener.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "carriers/calls/rtcp.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::calls {
namespace asio = boost::asio;

using model::CarrierId;
using model::CircuitId;
using model::Instant;

namespace {

constexpr std::size_t kLongestPacket = 65535;
constexpr int kAtOnce = 512;                // packets, before others of the loop have their turn
constexpr int kQueue = 8 << 20;             // bytes asked of the kernel; it gives at most net.core.rmem_max
constexpr double kQualityShare = 1.0 / 16;  // of a report in what is shown, as RFC 3550 6.4.1 smooths jitter

asio::ip::address to_asio(const model::IpAddress& a) {
  if (a.family == model::Family::V4) {
    asio::ip::address_v4::bytes_type bytes;
    std::copy_n(a.bytes.begin(), bytes.size(), bytes.begin());
    return asio::ip::address_v4(bytes);
  }
  return asio::ip::address_v6(a.bytes);
}

model::IpAddress address_of(const sockaddr_storage& from) {
  if (from.ss_family == AF_INET) return model::IpAddress::from_bytes(model::Family::V4, &reinterpret_cast<const sockaddr_in&>(from).sin_addr);
  return model::IpAddress::from_bytes(model::Family::V6, &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr);
}

/// Takes as long for a wrong key as for the right one.
bool same_key(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) differs |= static_cast<unsigned>(a[i] ^ b[i]);
  return differs == 0;
}

}  // namespace

HepListener::HepListener(asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink)
    : site_(std::move(site)), sink_(std::move(sink)), book_(*site_, seed), socket_(executor), timer_(executor), buffer_(kLongestPacket) {}

model::Result<std::unique_ptr<HepListener>> HepListener::open(asio::any_io_executor executor, model::SitePtr site, std::uint64_t seed, Sink sink) {
  std::unique_ptr<HepListener> listener(new HepListener(executor, std::move(site), seed, std::move(sink)));
  if (auto key = listener->read_key(); !key) return std::unexpected(key.error());
  if (auto bound = listener->bind(); !bound) return std::unexpected(bound.error());
  return listener;
}

model::Result<void> HepListener::read_key() {
  const std::string& file = site_->calls.key_file;
  if (file.empty()) return {};
  std::ifstream in(file);
  if (in && std::getline(in, key_) && !key_.empty()) return {};
  return std::unexpected(
      model::Error{fmt::format("no HEP key can be read from {}", file), "[calls] key_file: one line, that linekeeper may read", EINVAL});
}

model::Result<void> HepListener::bind() {
  const model::Calls& calls = site_->calls;
  const asio::ip::udp::endpoint here(to_asio(*calls.listen), calls.port);
  boost::system::error_code error;
  socket_.open(here.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error) socket_.bind(here, error);
  if (error)
    return std::unexpected(
        model::Error{fmt::format("cannot listen for mirrored SIP on {} port {}: {}", calls.listen->to_string(), calls.port, error.message()),
                     "[calls] hep_listen must be an address of this host and a port that nobody else has: ss -ulnp", error.value()});
  const int queue = kQueue, on = 1;
  // Neither is a must: without room packets are dropped sooner, without the count it goes unnoticed.
  setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  return {};
}

void HepListener::start() {
  *alive_ = true;
  wait();
}

void HepListener::stop() {
  *alive_ = false;
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
}

void HepListener::wait() {
  socket_.async_wait(asio::ip::udp::socket::wait_read, [this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    drain();
    if (*alive) wait();
  });
}

/// One packet. @return 0, or errno
int HepListener::receive() {
  sockaddr_storage from{};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint32_t))> control{};
  iovec part{buffer_.data(), buffer_.size()};
  msghdr head{};
  head.msg_name = &from;
  head.msg_namelen = sizeof from;
  head.msg_iov = &part;
  head.msg_iovlen = 1;
  head.msg_control = control.data();
  head.msg_controllen = control.size();
  const auto got = recvmsg(socket_.native_handle(), &head, 0);
  if (got < 0) return errno;
  const Instant now = runtime::boot_now();
  for (cmsghdr* c = CMSG_FIRSTHDR(&head); c != nullptr; c = CMSG_NXTHDR(&head, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
    std::uint32_t overflows = 0;
    std::memcpy(&overflows, CMSG_DATA(c), sizeof overflows);
    if (overflows != overflows_) book_.missed(now);
    counts_.dropped += overflows - overflows_;
    overflows_ = overflows;
  }
  take(address_of(from), std::span(buffer_).first(static_cast<std::size_t>(got)), now);
  return 0;
}

void HepListener::drain() {
  const auto alive = alive_;
  int error = 0;
  for (int i = 0; i < kAtOnce && *alive; ++i) {
    error = receive();
    if (error != 0) break;
  }
  // What was waiting first, then the time: a response that is here already must not be called missing.
  if (*alive && error != 0) tell(book_.look(runtime::boot_now()));
  if (*alive) arm();
}

bool HepListener::allowed(const model::IpAddress& sender) const {
  if (site_->calls.allow.empty()) return sender.is_loopback() || sender == *site_->calls.listen;
  return std::ranges::any_of(site_->calls.allow, [&](const model::Prefix& p) { return p.contains(sender); });
}

void HepListener::take(const model::IpAddress& sender, std::span<const std::uint8_t> bytes, Instant now) {
  if (!allowed(sender)) {
    ++counts_.refused;
    return;
  }
  const auto packet = decode_hep(bytes);
  if (!packet) {
    counts_.malformed += packet.error() == HepFault::NotOurs ? 0 : 1;
    return;
  }
  if (!key_.empty() && !same_key(packet->key, key_)) {
    ++counts_.refused;
    return;
  }
  ++counts_.packets;
  if (packet->kind == HepPayload::Rtcp) return take_rtcp(*packet);
  tell(book_.see(packet->from, packet->to, packet->payload, now));
}

void HepListener::take_rtcp(const HepPacket& packet) {
  const auto way = book_.way_of(packet.correlation);
  if (!way) return;  // of no call that was seen
  for (const ReceiverReport& report : read_rtcp(packet.payload)) {
    model::CallQuality& q = quality_[*way];
    const double share = q.reports == 0 ? 1 : kQualityShare;
    const double loss = q.loss_ratio.value_or(0);
    const model::Duration jitter = q.jitter.value_or(model::Duration::zero());
    q.loss_ratio = loss + share * (report.loss_ratio - loss);
    q.jitter = jitter + std::chrono::duration_cast<model::Duration>(share * (report.jitter - jitter));
    ++q.reports;
  }
}

model::CallQuality HepListener::quality(CarrierId carrier, CircuitId circuit) const {
  const auto found = quality_.find({carrier, circuit});
  return found == quality_.end() ? model::CallQuality{} : found->second;
}

void HepListener::tell(const std::vector<model::CallOutcome>& outcomes) {
  const auto alive = alive_;
  for (const model::CallOutcome& o : outcomes) {
    sink_(o);
    if (!*alive) return;  // whoever was told has ended this
  }
}

void HepListener::arm() {
  const Instant next = book_.next_wakeup();
  if (next == armed_ || next == model::kNever) return;
  armed_ = next;
  timer_.expires_after(std::max<model::Duration>(next - runtime::boot_now(), model::Duration::zero()));
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    armed_ = model::kNever;
    drain();
  });
}

void HepListener::tell_loads(Instant now) {
  const auto alive = alive_;
  for (const model::TrunkLoad& load : book_.loads(now)) {
    model::TrunkLoad& before = loads_.try_emplace(load.trunk, model::TrunkLoad{.trunk = load.trunk, .calls = -1}).first->second;
    if (before.calls == load.calls && before.calls_per_second == load.calls_per_second) continue;
    before = load;
    sink_(load);
    if (!*alive) return;
  }
}

}  // namespace linekeeper::calls
