#include "controller/switch/netlink.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "controller/model/assert.hpp"

namespace linekeeper::route {
namespace {

constexpr int kDumpAttempts = 8;
constexpr std::size_t kMaxDump = 500'000;  // messages; a full Internet table is about a million routes, which we never ask for
constexpr std::size_t kMaxHeard = 4096;

model::Error failure(const std::string& what, int code, const std::string& kernel_says = {}) {
  std::string remedy;
  if (code == EPERM || code == EACCES) remedy = "CAP_NET_ADMIN is needed: start it as root or by its systemd unit";
  return {.what = what + ": " + std::strerror(code) + (kernel_says.empty() ? "" : " (" + kernel_says + ")"), .remedy = remedy, .code = code};
}

/// The kernel's own sentence in an extended acknowledgement (NLMSGERR_ATTR_MSG).
std::string kernel_sentence(const nlmsghdr& h) {
  if ((h.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  // NETLINK_CAP_ACK is set: the payload is the nlmsgerr alone, attributes follow at once.
  const NetlinkMessage message(h);
  const nlattr* a = message.attributes(sizeof(nlmsgerr))[NLMSGERR_ATTR_MSG];
  return attribute_text(a);
}

/// mnl_nlmsg_ok, which compares lengths as signed numbers and so takes one of 2 GiB and more for a short one (libmnl 1.0.4).
bool is_whole(const nlmsghdr* h, int left) { return mnl_nlmsg_ok(h, left) && h->nlmsg_len <= static_cast<std::uint32_t>(left); }

}  // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags) {
  mnl_nlmsg_put_header(buffer_.data());
  header()->nlmsg_type = type;
  header()->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

nlattr* NetlinkRequest::begin_nest(std::uint16_t attribute) {
  nlattr* nest = mnl_attr_nest_start_check(header(), buffer_.size(), attribute);
  LK_ASSERT(nest != nullptr);
  return nest;
}

void NetlinkRequest::u8(std::uint16_t attribute, std::uint8_t value) { LK_ASSERT(mnl_attr_put_u8_check(header(), buffer_.size(), attribute, value)); }
void NetlinkRequest::u32(std::uint16_t attribute, std::uint32_t value) {
  LK_ASSERT(mnl_attr_put_u32_check(header(), buffer_.size(), attribute, value));
}
void NetlinkRequest::text(std::uint16_t attribute, const std::string& value) {
  LK_ASSERT(mnl_attr_put_strz_check(header(), buffer_.size(), attribute, value.c_str()));
}
void NetlinkRequest::address(std::uint16_t attribute, const model::IpAddress& value) {
  LK_ASSERT(mnl_attr_put_check(header(), buffer_.size(), attribute, value.size(), value.bytes.data()));
}

void NetlinkRequest::raw(std::uint16_t attribute, std::span<const std::byte> value) {
  LK_ASSERT(mnl_attr_put_check(header(), buffer_.size(), attribute, value.size(), value.data()));
}

NetlinkMessage::NetlinkMessage(const nlmsghdr& header) : words_((header.nlmsg_len + 3) / 4) { std::memcpy(words_.data(), &header, header.nlmsg_len); }

NetlinkMessage::Attributes NetlinkMessage::attributes(std::size_t fixed_size) const {
  Attributes found{};
  const auto* begin = reinterpret_cast<const char*>(words_.data());
  const char* end = begin + header().nlmsg_len;
  // libmnl's own loop macro does not compile as C++.
  const auto* a = reinterpret_cast<const nlattr*>(begin + MNL_NLMSG_HDRLEN + MNL_ALIGN(fixed_size));
  while (reinterpret_cast<const char*>(a) < end && mnl_attr_ok(a, static_cast<int>(end - reinterpret_cast<const char*>(a)))) {
    const std::uint16_t type = mnl_attr_get_type(a);
    if (type < found.size()) found[type] = a;
    a = mnl_attr_next(a);
  }
  return found;
}

std::optional<std::uint32_t> attribute_u32(const nlattr* a) {
  if (a == nullptr || mnl_attr_get_payload_len(a) != 4) return std::nullopt;
  return mnl_attr_get_u32(a);
}

std::optional<std::uint16_t> attribute_u16(const nlattr* a) {
  if (a == nullptr || mnl_attr_get_payload_len(a) != 2) return std::nullopt;
  return mnl_attr_get_u16(a);
}

std::optional<std::uint8_t> attribute_u8(const nlattr* a) {
  if (a == nullptr || mnl_attr_get_payload_len(a) != 1) return std::nullopt;
  return mnl_attr_get_u8(a);
}

const nlattr* nested_attribute(const nlattr* a, std::uint16_t type) {
  if (a == nullptr) return nullptr;
  const auto* begin = static_cast<const char*>(mnl_attr_get_payload(a));
  const char* end = begin + mnl_attr_get_payload_len(a);
  for (const auto* n = reinterpret_cast<const nlattr*>(begin);
       reinterpret_cast<const char*>(n) < end && mnl_attr_ok(n, static_cast<int>(end - reinterpret_cast<const char*>(n))); n = mnl_attr_next(n))
    if (mnl_attr_get_type(n) == type) return n;
  return nullptr;
}

std::string attribute_text(const nlattr* a) {
  if (a == nullptr) return {};
  const char* text = mnl_attr_get_str(a);
  return {text, ::strnlen(text, mnl_attr_get_payload_len(a))};
}

std::optional<model::IpAddress> attribute_address(const nlattr* a) {
  if (a == nullptr) return std::nullopt;
  const auto length = mnl_attr_get_payload_len(a);
  if (length == 4) return model::IpAddress::from_bytes(model::Family::V4, mnl_attr_get_payload(a));
  if (length == 16) return model::IpAddress::from_bytes(model::Family::V6, mnl_attr_get_payload(a));
  return std::nullopt;
}

model::Result<Netlink> Netlink::open(std::initializer_list<unsigned> groups, int bus) {
  mnl_socket* raw = mnl_socket_open2(bus, SOCK_CLOEXEC | (groups.size() > 0 ? SOCK_NONBLOCK : 0));
  if (raw == nullptr) return std::unexpected(failure("cannot open a netlink socket", errno));
  Netlink netlink(raw);
  if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0) return std::unexpected(failure("cannot bind a netlink socket", errno));
  int on = 1;
  // Strict checking makes the kernel filter dumps by table and interface; the others make its errors readable. Each has been
  // there since Linux 4.20; without them answers are only longer and errors shorter, so a refusal is no reason to stop.
  mnl_socket_setsockopt(raw, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  mnl_socket_setsockopt(raw, NETLINK_EXT_ACK, &on, sizeof on);
  mnl_socket_setsockopt(raw, NETLINK_CAP_ACK, &on, sizeof on);
  for (unsigned group : groups)
    if (mnl_socket_setsockopt(raw, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return std::unexpected(failure("cannot listen to netlink group " + std::to_string(group), errno));
  // The kernel answers while we send; an acknowledgement that never comes must not hang us.
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(netlink.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return netlink;
}

model::Result<void> Netlink::send(NetlinkRequest& request) {
  request.header()->nlmsg_seq = ++sequence_;
  for (;;) {
    if (mnl_socket_sendto(socket_.get(), request.header(), request.header()->nlmsg_len) >= 0) return {};
    if (errno != EINTR) return std::unexpected(failure("cannot send to the kernel", errno));
  }
}

model::Result<bool> Netlink::collect(const std::function<void(const nlmsghdr&)>& each) {
  bool whole = true;
  std::size_t seen = 0;
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(failure("no answer from the kernel", errno));
    int left = static_cast<int>(got);
    for (auto* h = reinterpret_cast<nlmsghdr*>(buffer_.data()); is_whole(h, left); h = mnl_nlmsg_next(h, &left)) {
      if (h->nlmsg_seq != sequence_) continue;  // left over from a request that timed out
      if ((h->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
      if (h->nlmsg_type == NLMSG_DONE) return whole;
      if (h->nlmsg_type == NLMSG_ERROR) {
        if (mnl_nlmsg_get_payload_len(h) < sizeof(nlmsgerr)) return std::unexpected(failure("short answer from the kernel", EBADMSG));
        const int code = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(h))->error;
        if (code != 0) return std::unexpected(failure("the kernel refused", code, kernel_sentence(*h)));
        return whole;
      }
      if (++seen > kMaxDump) return std::unexpected(failure("a dump without end", EOVERFLOW));
      each(*h);
      if ((h->nlmsg_flags & NLM_F_MULTI) == 0) return whole;  // the one answer to ask()
    }
  }
}

model::Result<void> Netlink::carry_out(NetlinkRequest& request) {
  request.header()->nlmsg_flags |= NLM_F_ACK;
  if (auto sent = send(request); !sent) return sent;
  auto done = collect([](const nlmsghdr&) {});
  if (!done) return std::unexpected(done.error());
  return {};
}

model::Result<void> Netlink::transact(std::vector<NetlinkRequest>& batch) {
  std::vector<char> bytes;
  const std::uint32_t first = sequence_ + 1;
  for (NetlinkRequest& q : batch) {
    q.header()->nlmsg_seq = ++sequence_;
    // The last but the end of the batch is acknowledged, so that silence is not taken for success.
    if (batch.size() >= 2 && &q == &batch[batch.size() - 2]) q.header()->nlmsg_flags |= NLM_F_ACK;
    const auto* begin = reinterpret_cast<const char*>(q.header());
    bytes.insert(bytes.end(), begin, begin + q.header()->nlmsg_len);
    bytes.resize(MNL_ALIGN(bytes.size()));
  }
  const int room = static_cast<int>(2 * bytes.size());
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  if (mnl_socket_sendto(socket_.get(), bytes.data(), bytes.size()) < 0) return std::unexpected(failure("cannot send to the kernel", errno));
  // A batch is carried out while it is sent: what the kernel has to say of it is waiting now.
  bool acknowledged = false;
  std::optional<model::Error> refused;
  for (;;) {
    const ssize_t got = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    int left = static_cast<int>(got);
    for (auto* h = reinterpret_cast<nlmsghdr*>(buffer_.data()); is_whole(h, left); h = mnl_nlmsg_next(h, &left)) {
      if (h->nlmsg_seq < first || h->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(h) < sizeof(nlmsgerr)) continue;
      const int code = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(h))->error;
      acknowledged = acknowledged || code == 0;
      if (code != 0 && !refused) refused = failure("the kernel refused", code, kernel_sentence(*h));
    }
  }
  if (refused) return std::unexpected(*refused);
  if (!acknowledged) return std::unexpected(failure("no answer from the kernel", ETIMEDOUT));
  return {};
}

model::Result<NetlinkMessage> Netlink::ask(NetlinkRequest& request) {
  if (auto sent = send(request); !sent) return std::unexpected(sent.error());
  std::vector<NetlinkMessage> answer;
  auto done = collect([&](const nlmsghdr& h) { answer.emplace_back(h); });
  if (!done) return std::unexpected(done.error());
  if (answer.empty()) return std::unexpected(failure("an empty answer from the kernel", ENODATA));
  return std::move(answer.front());
}

model::Result<void> Netlink::dump(NetlinkRequest& request, const std::function<void(const nlmsghdr&)>& each, const std::function<void()>& anew) {
  request.header()->nlmsg_flags |= NLM_F_DUMP;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (auto sent = send(request); !sent) return sent;
    anew();
    auto whole = collect(each);
    if (!whole && whole.error().code == ENOENT) return {};
    if (!whole) return std::unexpected(whole.error());
    if (*whole) return {};
  }
  return std::unexpected(failure("the kernel's tables change faster than they can be read", EBUSY));
}

model::Result<std::vector<NetlinkMessage>> Netlink::dump(NetlinkRequest& request) {
  std::vector<NetlinkMessage> all;
  auto done = dump(request, [&](const nlmsghdr& h) { all.emplace_back(h); }, [&] { all.clear(); });
  if (!done) return std::unexpected(done.error());
  return all;
}

Netlink::Heard Netlink::hear() {
  Heard heard;
  while (heard.messages.size() < kMaxHeard) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      heard.lost = true;
      continue;
    }
    if (got < 0) break;  // EAGAIN: all read
    int left = static_cast<int>(got);
    for (auto* h = reinterpret_cast<nlmsghdr*>(buffer_.data()); is_whole(h, left); h = mnl_nlmsg_next(h, &left)) heard.messages.emplace_back(*h);
  }
  return heard;
}

}  // namespace linekeeper::route
