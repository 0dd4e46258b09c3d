#include "controller/runtime/datagram_socket.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>

#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using runtime::receive_datagram;
using runtime::receive_queued_error;
using runtime::send_datagram;

namespace {
const auto kLoopback = *model::IpAddress::parse("127.0.0.1");
constexpr std::array<std::uint8_t, 4> kBytes{1, 2, 3, 4};

runtime::UniqueFd opened(const std::string& device = "") {
  auto fd = runtime::open_datagram_socket(model::Family::V4, IPPROTO_UDP, device);
  REQUIRE(fd);
  return std::move(*fd);
}
/// A socket connected to `to`, or to a port nobody listens on.
runtime::UniqueFd connected(std::uint16_t to) {
  auto fd = opened();
  REQUIRE(runtime::connect_datagram(fd.get(), {.address = kLoopback, .port = to}) == 0);
  return fd;
}
}  // namespace

TEST_CASE("datagram socket: a network error comes back from the next send, stands in the queue as such, and the send after that works") {
  const auto fd = connected(1);
  std::array<std::uint8_t, 64> buffer{};
  CHECK_FALSE(receive_queued_error(fd.get(), buffer));
  CHECK(send_datagram(fd.get(), kBytes) == 0);
  CHECK(send_datagram(fd.get(), kBytes) == ECONNREFUSED);  // not our own side, though it looks like it
  const auto error = receive_queued_error(fd.get(), buffer);
  REQUIRE(error);
  CHECK(error->from_network);
  CHECK(error->error == ECONNREFUSED);
  CHECK(error->destination == kLoopback);
  CHECK(send_datagram(fd.get(), kBytes) == 0);
}

TEST_CASE("datagram socket: packets come with their source, interface and kernel stamp, and say when the buffer was too small") {
  const auto here = connected(1);
  const auto from = runtime::local_peer(here.get());
  REQUIRE(from);
  CHECK(from->address == kLoopback);
  auto there = opened("lo");
  REQUIRE(runtime::connect_datagram(there.get(), *from) == 0);
  const auto port = runtime::local_peer(there.get());
  REQUIRE(port);
  REQUIRE(runtime::connect_datagram(here.get(), *port) == 0);
  std::array<std::uint8_t, 4> exact{};
  std::array<std::uint8_t, 3> small{};
  CHECK_FALSE(receive_datagram(there.get(), exact));
  REQUIRE(send_datagram(here.get(), kBytes) == 0);
  REQUIRE(send_datagram(here.get(), kBytes) == 0);
  const auto whole = receive_datagram(there.get(), exact);
  REQUIRE(whole);
  CHECK(whole->bytes.size() == 4);
  CHECK_FALSE(whole->truncated);
  CHECK(whole->source == kLoopback);
  CHECK(whole->ifindex == 1);
  REQUIRE(whole->stamp);
  CHECK(runtime::clocks_now().wall - *whole->stamp < std::chrono::seconds(1));
  CHECK(receive_datagram(there.get(), small)->truncated);
}

TEST_CASE("datagram socket: no route and no device are told at once, with their errno") {
  const auto fd = opened();
  CHECK(runtime::connect_datagram(fd.get(), {.address = *model::IpAddress::parse("198.51.100.1"), .port = 5060}) == ENETUNREACH);
  const auto none = runtime::open_datagram_socket(model::Family::V4, IPPROTO_UDP, "lkt9");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ENODEV);
}
