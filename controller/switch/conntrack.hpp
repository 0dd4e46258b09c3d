#pragma once
// Connections in progress, by their mark (ctnetlink, linux/netfilter/nfnetlink_conntrack.h): read, and deleted one by one. There is no
// way here to delete without a mark, nor anything but what was read just before: the kernel's own flush is never asked for (a
// filtered one deletes nothing on some kernels, an unfiltered one cuts the LAN and the person at the keyboard).
#include <vector>

#include "controller/switch/netlink.hpp"

namespace linekeeper::route {

struct Connection {
  std::uint32_t mark = 0;
  model::IpAddress source;                  ///< who began it, before translation
  model::IpAddress seen_as;                 ///< the source its far end sees: after translation
  std::vector<std::uint8_t> tuple;          ///< CTA_TUPLE_ORIG as the kernel gave it: what it is deleted by
  std::optional<std::uint16_t> zone;        ///< network byte order, likewise
  std::optional<std::uint32_t> identifier;  ///< likewise: so that one made anew meanwhile is not meant
};

class Conntrack {
 public:
  static model::Result<Conntrack> open();

  struct Found {
    std::vector<Connection> connections;
    std::uint64_t count = 0;  ///< all there are, however many were kept
    [[nodiscard]] bool whole() const { return count == connections.size(); }
  };
  /// Connections of one family whose mark has `value` in the bits of `mask`, filtered by the kernel and once more here.
  /// @param limit how many are kept; 0: they are only counted
  model::Result<Found> find(model::Family family, std::uint32_t value, std::uint32_t mask, std::size_t limit);

  /// One that has ended by itself meanwhile is no error.
  model::Result<void> remove(const Connection& connection);
  /// Writes `value` into the bits of `mask` of its mark and leaves the others.
  model::Result<void> mark(const Connection& connection, std::uint32_t value, std::uint32_t mask);

 private:
  explicit Conntrack(Netlink n) : netlink_(std::move(n)) {}
  Netlink netlink_;
};

}  // namespace linekeeper::route
