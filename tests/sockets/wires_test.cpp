// The methods beside echo, over real sockets: against our own reflector, a resolver and a listener of this test's, and the kernel's RST.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <fstream>
#include <functional>
#include <thread>

#include "controller/runtime/datagram_socket.hpp"
#include "probes/circuit_prober.hpp"
#include "probes/dns_codec.hpp"
#include "probes/reflect.hpp"
#include "probes/stamp_codec.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::ProbeMethod;
using probes::CircuitProber;
using tests::run;
using tests::run_until;
namespace asio = boost::asio;

namespace {

const auto kHere = *model::IpAddress::parse("127.0.0.1");

probes::ProbeTarget target(ProbeMethod method, std::uint16_t port, const char* address = "127.0.0.1") {
  return {.id = {0},
          .address = *model::IpAddress::parse(address),
          .method = method,
          .port = port,
          .query = method == ProbeMethod::Dns ? "a.root-servers.net" : ""};
}

/// A prober of one target and what it reported.
struct Bench {
  asio::io_context io;
  std::vector<model::ProbeSent> sent;
  std::vector<model::ProbeReply> replies;
  std::vector<model::ProbeRejected> rejected;
  std::vector<model::ProbeLocalError> local;
  CircuitProber prober;

  explicit Bench(const probes::ProbeTarget& of, const std::string& device = "lo", model::Duration interval = 5ms)
      : prober(io.get_executor(), {0}, device, {of}, {.interval = interval}, 42, [this](const model::Observation& o) {
          if (const auto* s = std::get_if<model::ProbeSent>(&o)) sent.push_back(*s);
          if (const auto* r = std::get_if<model::ProbeReply>(&o)) replies.push_back(*r);
          if (const auto* r = std::get_if<model::ProbeRejected>(&o)) rejected.push_back(*r);
          if (const auto* l = std::get_if<model::ProbeLocalError>(&o)) local.push_back(*l);
        }) {
    prober.start();
  }
  [[nodiscard]] const probes::ProberCounters& counters() const { return prober.counters({0}); }
};

/// A UDP socket of ours that answers each packet with what `reply` makes of it, in a turn of the same loop.
class Far {
 public:
  using Reply = std::function<std::vector<std::vector<std::uint8_t>>(std::span<const std::uint8_t>)>;
  Far(asio::io_context& io, Reply reply) : socket_(io), reply_(std::move(reply)) {
    auto fd = runtime::open_datagram_socket(model::Family::V4, IPPROTO_UDP, "");
    REQUIRE(fd);
    REQUIRE(runtime::bind_datagram(fd->get(), {.address = kHere, .port = 0}) == 0);
    port_ = runtime::local_peer(fd->get())->port;
    socket_.assign(fd->release());
    listen();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void listen() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
      if (error) return;
      std::array<std::uint8_t, 2048> buffer;
      while (const auto packet = runtime::receive_datagram(socket_.native_handle(), buffer))
        for (const auto& bytes : reply_(packet->bytes))
          CHECK(runtime::answer_datagram(socket_.native_handle(), bytes, {packet->source, packet->source_port}, packet->destination) == 0);
      listen();
    });
  }
  asio::posix::stream_descriptor socket_;
  Reply reply_;
  std::uint16_t port_ = 0;
};

/// `linekeeper reflect`, as a thread.
class Reflecting {
 public:
  explicit Reflecting(bool stateful, const char* address = "127.0.0.1")
      : listening_(std::move(*probes::open_reflector({.address = *model::IpAddress::parse(address), .port = 0}))),
        reflector_({.stateful = stateful, .from = {}, .packets_per_second = 1e5, .each_per_second = 1e5}, listening_.here.port),
        thread_([this] { CHECK(probes::reflect(listening_, reflector_, [this] { return stop_.load(); }) == 0); }) {}
  ~Reflecting() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return listening_.here.port; }

 private:
  probes::Listening listening_;
  probes::StampReflector reflector_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

std::vector<std::uint8_t> stamp_answer(std::span<const std::uint8_t> request, std::uint32_t sequence) {
  std::vector<std::uint8_t> out(request.size());
  const auto now = probes::ntp_time(runtime::clocks_now().wall);
  probes::write_stamp_reply({.sequence = sequence, .sent = now, .received = now, .request = *probes::parse_stamp_request(request)}, request, out);
  return out;
}

void check_sound(const Bench& b) {
  for (const auto& r : b.replies) {
    CHECK(r.rtt > 0ns);
    CHECK(r.rtt < 50ms);
  }
  CHECK(b.local.empty());
  CHECK(b.rejected.empty());
  CHECK(b.counters().inert == 0);
}

/// TCP sockets of this namespace in that state, with that port at either end: others may be left by other tests.
int sockets_in(const char* state_hex, std::uint16_t port) {
  std::ifstream table("/proc/net/tcp");
  const std::string wanted = fmt::format(":{:04X} ", port);
  int count = 0;
  for (std::string line; std::getline(table, line);)
    count += line.size() > 36 && line.substr(34, 2) == state_hex && line.substr(0, 34).find(wanted) != std::string::npos ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("stamp wire: our reflector answers, stateless and stateful, IPv4 and IPv6, and a stateful one is known from its first word") {
  for (const bool stateful : {false, true}) {
    for (const char* address : {"127.0.0.1", "::1"}) {
      const Reflecting far(stateful, address);
      Bench b(target(ProbeMethod::Stamp, far.port(), address));
      REQUIRE(run_until(b.io, [&] { return b.replies.size() >= 30; }));
      b.prober.stop();
      check_sound(b);
      for (std::size_t i = 0; i < b.replies.size(); ++i) {
        REQUIRE(b.replies[i].reflection);
        const auto& reflection = *b.replies[i].reflection;
        CHECK(reflection.ours == i + 1);
        CHECK(reflection.theirs.has_value() == stateful);
        if (stateful) CHECK(*reflection.theirs == i);
        CHECK(reflection.outbound + reflection.inbound < 50ms);  // one clock: they add up to the round trip, within the hidden bits
        CHECK(reflection.outbound > -1ms);
        CHECK(reflection.inbound > -1ms);
      }
    }
  }
}

TEST_CASE("stamp wire: a lost way out and a lost way back show in the reflector's count") {
  std::uint32_t seen = 0, counted = 0;
  asio::io_context far_io;
  Far far(far_io, [&](std::span<const std::uint8_t> request) -> std::vector<std::vector<std::uint8_t>> {
    if (++seen % 3 == 0) return {};  // lost on the way out: never counted
    const std::uint32_t number = counted++;
    if (number % 4 == 3) return {};  // counted, and lost on the way back
    return {stamp_answer(request, number)};
  });
  Bench b(target(ProbeMethod::Stamp, far.port()));
  REQUIRE(run_until(b.io, [&] {
    far_io.poll();
    return b.replies.size() >= 30;
  }));
  const auto &first = *b.replies.front().reflection, &last = *b.replies.back().reflection;
  const auto sent = last.ours - first.ours, arrived = *last.theirs - *first.theirs;
  CHECK(sent > arrived);
  CHECK(arrived > b.replies.size() - 1);
}

TEST_CASE("stamp wire: an answer with another timestamp, another number, or given twice is inert") {
  asio::io_context far_io;
  Far far(far_io, [&](std::span<const std::uint8_t> request) -> std::vector<std::vector<std::uint8_t>> {
    auto wrong_time = stamp_answer(request, 0), wrong_number = stamp_answer(request, 0);
    wrong_time[35] ^= 1;
    wrong_number[27] ^= 1;
    return {wrong_time, wrong_number, std::vector<std::uint8_t>(43), stamp_answer(request, 0), stamp_answer(request, 1)};
  });
  Bench b(target(ProbeMethod::Stamp, far.port()));
  REQUIRE(run_until(b.io, [&] {
    far_io.poll();
    return b.replies.size() >= 10 && b.counters().inert >= 40;
  }));
  CHECK(b.counters().answered == b.replies.size());
  CHECK(b.replies.size() <= b.sent.size());
}

TEST_CASE("stamp wire: what the reflector held the packet for is not in the round trip") {
  asio::io_context far_io;
  Far far(far_io, [&](std::span<const std::uint8_t> request) -> std::vector<std::vector<std::uint8_t>> {
    const auto arrived = runtime::clocks_now();
    while (runtime::clocks_now().boot < arrived.boot + 4ms) {
    }
    std::vector<std::uint8_t> out(request.size());
    probes::write_stamp_reply({.sequence = 1,
                               .sent = probes::ntp_time(runtime::clocks_now().wall),
                               .received = probes::ntp_time(arrived.wall),
                               .request = *probes::parse_stamp_request(request)},
                              request, out);
    return {out};
  });
  Bench b(target(ProbeMethod::Stamp, far.port()), "lo", 20ms);
  REQUIRE(run_until(b.io, [&] {
    far_io.poll();
    return b.replies.size() >= 9;
  }));
  std::ranges::nth_element(b.replies, b.replies.begin() + 4, {}, &model::ProbeReply::rtt);
  CHECK(b.replies[4].rtt < 4ms);
}

TEST_CASE("stamp and dns wires: a port nobody listens on is a rejection of that very probe, never our own failure") {
  tests::set_sysctl("net/ipv4/icmp_ratelimit", "0");
  tests::set_sysctl("net/ipv4/icmp_msgs_per_sec", "100000");
  for (const auto method : {ProbeMethod::Stamp, ProbeMethod::Dns}) {
    Bench b(target(method, 9));
    REQUIRE(run_until(b.io, [&] { return b.rejected.size() >= 10; }));
    CHECK(b.local.empty());
    CHECK(b.replies.empty());
    for (std::size_t i = 0; i < b.rejected.size(); ++i) {
      CHECK(b.rejected[i].error == ECONNREFUSED);
      if (i > 0) CHECK(b.rejected[i].sequence > b.rejected[i - 1].sequence);
    }
  }
}

TEST_CASE("dns wire: any answer to the very question counts and its RCODE is kept; another case of letters, another id do not") {
  asio::io_context far_io;
  Far far(far_io, [&](std::span<const std::uint8_t> query) -> std::vector<std::vector<std::uint8_t>> {
    std::vector<std::uint8_t> refused(query.begin(), query.end());
    refused[2] |= 0x80;
    refused[3] = 5;
    auto wrong_case = refused, wrong_id = refused;
    wrong_case[13] ^= 0x20;
    wrong_id[1] ^= 1;
    return {wrong_case, wrong_id, refused};
  });
  Bench b(target(ProbeMethod::Dns, far.port()));
  REQUIRE(run_until(b.io, [&] {
    far_io.poll();
    return b.replies.size() >= 20;
  }));
  for (const auto& r : b.replies) CHECK(r.code == 5);
  CHECK(b.counters().inert >= 2 * 19);
  CHECK(b.local.empty());
}

TEST_CASE("tcp wire: a host that accepts and one that refuses have both answered, and nothing of it lingers") {
  const runtime::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(runtime::bind_datagram(listener.get(), {.address = kHere, .port = 0}) == 0);
  REQUIRE(::listen(listener.get(), 64) == 0);
  for (const bool accepts : {true, false}) {
    Bench b(target(ProbeMethod::Tcp, accepts ? runtime::local_peer(listener.get())->port : std::uint16_t{9}));
    REQUIRE(run_until(b.io, [&] { return b.replies.size() >= 30; }));
    b.prober.stop();
    check_sound(b);
    for (const auto& r : b.replies) CHECK(r.code == (accepts ? 0 : ECONNREFUSED));
  }
  const std::uint16_t port = runtime::local_peer(listener.get())->port;
  CHECK(sockets_in("0A", port) == 1);  // LISTEN: it is looked for in the right place
  CHECK(sockets_in("06", port) == 0);  // TIME_WAIT
  CHECK(sockets_in("01", port) == 0);  // ESTABLISHED
}

TEST_CASE("tcp wire: silence is silence, an ICMP error a rejection, no route our own failure") {
  REQUIRE(run({"nft",
               "add table ip lkt; add chain ip lkt in { type filter hook input priority 0; }; "
               "add rule ip lkt in tcp dport 7 drop; add rule ip lkt in tcp dport 8 reject with icmp type admin-prohibited"}) == 0);
  tests::set_sysctl("net/ipv4/icmp_ratelimit", "0");
  Bench silent(target(ProbeMethod::Tcp, 7), "lo", 10ms);
  run_until(silent.io, [] { return false; }, 300ms);
  CHECK(silent.sent.size() >= 20);
  CHECK(silent.replies.empty());
  CHECK(silent.rejected.empty());
  CHECK(silent.local.empty());
  silent.prober.stop();
  Bench rejected(target(ProbeMethod::Tcp, 8));
  CHECK(run_until(rejected.io, [&] { return rejected.rejected.size() >= 5; }));
  CHECK(rejected.replies.empty());
  CHECK(rejected.local.empty());
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
  Bench unroutable(target(ProbeMethod::Tcp, 7, "198.51.100.1"), "");
  CHECK(run_until(unroutable.io, [&] { return unroutable.local.size() >= 3; }));
  CHECK(unroutable.local.at(0).error == ENETUNREACH);
  CHECK(unroutable.sent.empty());
}

TEST_CASE("tcp wire: an answer to the kernel's repetition of the SYN does not un-lose the probe") {
  const runtime::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(runtime::bind_datagram(listener.get(), {.address = kHere, .port = 0}) == 0);
  REQUIRE(::listen(listener.get(), 64) == 0);
  REQUIRE(
      run({"nft", "add table ip lkt; add chain ip lkt in { type filter hook input priority 0; }; add rule ip lkt in tcp flags syn / syn,ack drop"}) ==
      0);
  Bench b(target(ProbeMethod::Tcp, runtime::local_peer(listener.get())->port), "lo", 100ms);
  run_until(b.io, [] { return false; }, 500ms);
  const auto lost = b.sent.size();
  REQUIRE(lost >= 3);
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
  run_until(b.io, [&] { return b.counters().inert >= lost; }, 2s);
  b.prober.stop();
  CHECK(b.counters().inert >= lost);
  for (const auto& r : b.replies) CHECK(r.sequence > lost);
  CHECK_FALSE(b.replies.empty());
}

TEST_CASE("wires: all methods share one sequence and one turn, and new sockets are made when asked for") {
  const Reflecting far(true);
  asio::io_context io;
  std::vector<model::ProbeSent> sent;
  std::vector<model::ProbeReply> replies;
  std::vector<probes::ProbeTarget> all{target(ProbeMethod::Icmp, 0), target(ProbeMethod::Stamp, far.port()), target(ProbeMethod::Tcp, 9)};
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = model::id_at<model::TargetId>(i);
  CircuitProber prober(io.get_executor(), {0}, "lo", all, {.interval = 5ms}, 7, [&](const model::Observation& o) {
    if (const auto* s = std::get_if<model::ProbeSent>(&o)) sent.push_back(*s);
    if (const auto* r = std::get_if<model::ProbeReply>(&o)) replies.push_back(*r);
  });
  prober.start();
  REQUIRE(run_until(io, [&] { return replies.size() >= 30; }));
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CHECK(sent[i].sequence == i + 1);
    CHECK(sent[i].target.index() == i % 3);
  }
  const auto session_of_last = [&] {
    for (std::size_t i = replies.size(); i-- > 0;)
      if (replies[i].reflection) return replies[i].reflection->session;
    return std::uint32_t{0};
  };
  CHECK(session_of_last() == 1);
  prober.rebuild();
  REQUIRE(run_until(io, [&] { return session_of_last() == 2; }));
  prober.revive();
  REQUIRE(run_until(io, [&] { return session_of_last() == 3; }));
  CHECK(prober.left() == sent.size());
}
