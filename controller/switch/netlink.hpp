#pragma once
// rtnetlink(7) and netfilter conversations over libmnl: one request, one acknowledgement; one dump, read to its end. RAII around the
// socket; EINTR and interrupted dumps (NLM_F_DUMP_INTR) are retried here so that nobody above has to know them.
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/ip_address.hpp"

namespace linekeeper::route {

/// A request being written: header, fixed part, attributes. Bounded: attributes that do not fit are a bug.
class NetlinkRequest {
 public:
  NetlinkRequest(std::uint16_t type, std::uint16_t flags);
  /// The fixed part that follows the header, zeroed.
  template <class Fixed>
  Fixed& fixed() {
    return *static_cast<Fixed*>(mnl_nlmsg_put_extra_header(header(), sizeof(Fixed)));
  }
  void u8(std::uint16_t attribute, std::uint8_t value);
  void u32(std::uint16_t attribute, std::uint32_t value);
  void text(std::uint16_t attribute, const std::string& value);
  void address(std::uint16_t attribute, const model::IpAddress& value);
  void raw(std::uint16_t attribute, std::span<const std::byte> value);  ///< as it came from the kernel
  /// An attribute that holds those which `body` writes.
  template <class Body>
  void nested(std::uint16_t attribute, Body body) {
    nlattr* nest = begin_nest(attribute);
    body();
    mnl_attr_nest_end(header(), nest);
  }
  [[nodiscard]] nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }

 private:
  nlattr* begin_nest(std::uint16_t attribute);
  alignas(8) std::array<char, 2048> buffer_{};
};

/// One message as it came, and its attributes by number.
class NetlinkMessage {
 public:
  explicit NetlinkMessage(const nlmsghdr& header);
  [[nodiscard]] const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(words_.data()); }
  [[nodiscard]] std::uint16_t type() const { return header().nlmsg_type; }
  /// The fixed part, or nullptr when the message is too short for it.
  template <class Fixed>
  const Fixed* fixed() const {
    if (mnl_nlmsg_get_payload_len(&header()) < sizeof(Fixed)) return nullptr;
    return static_cast<const Fixed*>(mnl_nlmsg_get_payload(&header()));
  }
  /// Attributes after a fixed part of `fixed_size` bytes; those numbered above the array are skipped.
  using Attributes = std::array<const nlattr*, 64>;
  [[nodiscard]] Attributes attributes(std::size_t fixed_size) const;

 private:
  std::vector<std::uint32_t> words_;  // aligned copy
};

[[nodiscard]] std::optional<std::uint32_t> attribute_u32(const nlattr* a);  ///< nothing: absent or of another size
[[nodiscard]] std::optional<std::uint16_t> attribute_u16(const nlattr* a);
[[nodiscard]] std::optional<std::uint8_t> attribute_u8(const nlattr* a);
[[nodiscard]] const nlattr* nested_attribute(const nlattr* a, std::uint16_t type);  ///< nullptr: absent, or `a` is nullptr
[[nodiscard]] std::string attribute_text(const nlattr* a);
[[nodiscard]] std::optional<model::IpAddress> attribute_address(const nlattr* a);  ///< 4 or 16 bytes

class Netlink {
 public:
  /// @param groups RTNLGRP_* or NFNLGRP_* to hear from; none for a socket that only asks. Listening sockets are non-blocking.
  /// @param bus NETLINK_ROUTE or NETLINK_NETFILTER
  static model::Result<Netlink> open(std::initializer_list<unsigned> groups = {}, int bus = NETLINK_ROUTE);
  Netlink(Netlink&&) noexcept = default;
  Netlink& operator=(Netlink&&) noexcept = default;

  [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }

  /// Sends and waits for the acknowledgement. Errors carry the kernel's errno and, where it gives one, its own sentence.
  model::Result<void> carry_out(NetlinkRequest& request);
  /// Sends and returns the one answer.
  model::Result<NetlinkMessage> ask(NetlinkRequest& request);
  /// A complete dump; ENOENT (no such table) is an empty one.
  model::Result<std::vector<NetlinkMessage>> dump(NetlinkRequest& request);
  /// The same without keeping it: `each` sees every message, `anew` is called when the kernel broke off and begins again.
  model::Result<void> dump(NetlinkRequest& request, const std::function<void(const nlmsghdr&)>& each, const std::function<void()>& anew);

  /// Messages that the kernel carries out together or not at all (nfnetlink batches). The first refusal is returned.
  model::Result<void> transact(std::vector<NetlinkRequest>& batch);

  struct Heard {
    std::vector<NetlinkMessage> messages;
    bool lost = false;  ///< ENOBUFS: the kernel had more to say than we had room for; look at everything again
  };
  /// Everything waiting on a listening socket, at most some thousands at a time.
  Heard hear();

 private:
  struct Close {
    void operator()(mnl_socket* s) const { mnl_socket_close(s); }
  };
  explicit Netlink(mnl_socket* s) : socket_(s), buffer_(kBuffer) {}
  model::Result<void> send(NetlinkRequest& request);
  model::Result<bool> collect(const std::function<void(const nlmsghdr&)>& each);  // false: the dump was interrupted

  static constexpr std::size_t kBuffer = 65536;  // the kernel fills up to 32 KiB a read
  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<char> buffer_;
  std::uint32_t sequence_ = 0;
};

}  // namespace linekeeper::route
