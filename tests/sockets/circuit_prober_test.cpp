#include "probes/circuit_prober.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <set>

#include "controller/runtime/clock.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using probes::CircuitProber;
using tests::run;
using tests::run_until;
namespace asio = boost::asio;

namespace {

constexpr model::CircuitId kCircuit{3};

std::vector<probes::ProbeTarget> targets(const std::vector<std::string>& addresses) {
  std::vector<probes::ProbeTarget> out;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    out.push_back({.id = model::id_at<model::TargetId>(i), .address = *model::IpAddress::parse(addresses[i])});
  return out;
}

model::CircuitProbing fast() {
  model::CircuitProbing pacing;
  pacing.interval = 5ms;
  return pacing;
}

/// A prober and what it reported.
struct Bench {
  asio::io_context io;
  std::vector<model::ProbeSent> sent;
  std::vector<model::ProbeReply> replies;
  std::vector<model::ProbeRejected> rejected;
  std::vector<model::ProbeLocalError> local;
  CircuitProber prober;

  Bench(const std::string& device, const std::vector<std::string>& addresses)
      : prober(io.get_executor(), kCircuit, device, targets(addresses), fast(), 42, [this](const model::Observation& o) {
          if (const auto* s = std::get_if<model::ProbeSent>(&o)) sent.push_back(*s);
          if (const auto* r = std::get_if<model::ProbeReply>(&o)) replies.push_back(*r);
          if (const auto* r = std::get_if<model::ProbeRejected>(&o)) rejected.push_back(*r);
          if (const auto* l = std::get_if<model::ProbeLocalError>(&o)) local.push_back(*l);
        }) {
    prober.start();
  }
};

/// Two ends of a wire in this namespace; the far end has no address, so nobody answers ARP.
struct Wire {
  Wire() {
    REQUIRE(run({"ip", "link", "add", "lkt0", "type", "veth", "peer", "name", "lkt1"}) == 0);
    REQUIRE(run({"ip", "addr", "add", "10.9.0.1/24", "dev", "lkt0"}) == 0);
    REQUIRE(run({"ip", "link", "set", "lkt0", "up"}) == 0);
    REQUIRE(run({"ip", "link", "set", "lkt1", "up"}) == 0);
    tests::set_sysctl("net/ipv4/neigh/lkt0/retrans_time_ms", "50");
  }
  ~Wire() { run({"ip", "link", "del", "lkt0"}); }
};

}  // namespace

TEST_CASE("prober: through loopback every echo is answered, once, in turn over the targets, with a plausible round trip") {
  for (const auto* device : {"lo", ""}) {
    Bench b(device, {"127.0.0.1", "127.0.0.2", "127.0.0.3"});
    REQUIRE(run_until(b.io, [&] { return b.replies.size() >= 60; }));
    b.prober.stop();
    std::set<std::uint64_t> sequences;
    for (std::size_t i = 0; i < b.sent.size(); ++i) {
      CHECK(b.sent[i].target.index() == i % 3);
      CHECK(b.sent[i].circuit == kCircuit);
      if (i > 0) CHECK(b.sent[i].sequence > b.sent[i - 1].sequence);
    }
    for (const auto& r : b.replies) {
      CHECK(sequences.insert(r.sequence).second);
      CHECK(r.rtt > 0ns);
      CHECK(r.rtt < 50ms);
    }
    CHECK(b.rejected.empty());
    CHECK(b.local.empty());
    const auto& c = b.prober.counters({1});
    CHECK(c.sent >= 20);
    CHECK(c.answered >= 19);
    CHECK(c.inert == 0);
    CHECK(b.prober.strays() == 0);
  }
}

TEST_CASE("prober: IPv6 targets are probed beside IPv4 ones") {
  Bench b("lo", {"127.0.0.1", "::1"});
  REQUIRE(run_until(b.io, [&] { return b.prober.counters({1}).answered >= 5; }));
  CHECK(b.local.empty());
}

TEST_CASE("prober: a loop that is late does not make the circuit look slow (kernel receive stamps)") {
  Bench b("lo", {"127.0.0.1"});
  REQUIRE(run_until(b.io, [&] {
    const auto until = runtime::boot_now() + 10ms;
    while (runtime::boot_now() < until) {
    }
    return b.replies.size() >= 20;
  }));
  std::vector<model::Duration> rtts;
  for (const auto& r : b.replies) rtts.push_back(r.rtt);
  std::ranges::nth_element(rtts, rtts.begin() + 10);
  CHECK(rtts[10] < 2ms);
}

TEST_CASE("prober: where ping sockets are forbidden it says so as a local error, and recovers by itself when they are allowed") {
  REQUIRE(tests::set_sysctl("net/ipv4/ping_group_range", "1 0"));
  Bench b("lo", {"127.0.0.1"});
  CHECK(run_until(b.io, [&] { return b.local.size() >= 5; }));
  REQUIRE(tests::set_sysctl("net/ipv4/ping_group_range", "0 0"));
  CHECK(b.sent.empty());
  CHECK((b.local.at(0).error == EACCES || b.local.at(0).error == EPERM));
  CHECK(run_until(b.io, [&] { return b.replies.size() >= 3; }));
}

TEST_CASE("prober: a device that is not there is a local error") {
  Bench b("lkt9", {"127.0.0.1"});
  CHECK(run_until(b.io, [&] { return b.local.size() >= 3; }));
  CHECK(b.local.at(0).error == ENODEV);
  CHECK(b.sent.empty());
}

TEST_CASE("prober: no route is a local error, never a rejection, and needs no new socket") {
  Bench b("", {"198.51.100.1", "127.0.0.1"});
  REQUIRE(run_until(b.io, [&] { return b.local.size() >= 10; }));
  CHECK(b.local.at(0).error == ENETUNREACH);
  CHECK(b.local.at(0).target == model::TargetId{0});
  CHECK(b.rejected.empty());
  CHECK(b.prober.counters({1}).answered >= 8);
  CHECK(b.prober.counters({0}).sent == 0);
}

TEST_CASE("prober: a firewall of our own is a local error") {
  REQUIRE(run({"nft",
               "add table ip lkt; add chain ip lkt out { type filter hook output priority 0; }; add rule ip lkt out icmp type echo-request drop"}) ==
          0);
  Bench b("lo", {"127.0.0.1"});
  CHECK(run_until(b.io, [&] { return b.local.size() >= 3; }));
  CHECK(b.local.at(0).error == EPERM);
  CHECK(b.rejected.empty());
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
  CHECK(run_until(b.io, [&] { return b.replies.size() >= 3; }));
}

TEST_CASE("prober: an ICMP error from the network is a rejection of that very probe, once, and never a local error") {
  tests::set_sysctl("net/ipv4/icmp_ratelimit", "0");
  tests::set_sysctl("net/ipv4/icmp_msgs_per_sec", "100000");
  REQUIRE(run({"nft",
               "add table ip lkt; add chain ip lkt in { type filter hook input priority 0; }; "
               "add rule ip lkt in ip daddr 127.0.0.2 icmp type echo-request reject with icmp type admin-prohibited"}) == 0);
  Bench b("lo", {"127.0.0.1", "127.0.0.2"});
  CHECK(run_until(b.io, [&] { return b.rejected.size() >= 20; }));
  b.prober.stop();
  std::map<std::uint64_t, model::TargetId> target_of;
  for (const auto& s : b.sent) target_of[s.sequence] = s.target;
  std::set<std::uint64_t> seen;
  for (const auto& r : b.rejected) {
    CHECK(r.error == EHOSTUNREACH);
    CHECK(r.target == model::TargetId{1});
    CHECK(target_of.at(r.sequence) == r.target);
    CHECK(seen.insert(r.sequence).second);
  }
  CHECK(b.local.empty());
  CHECK(b.prober.counters({0}).answered >= 19);
  CHECK(b.prober.counters({1}).answered == 0);
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
}

TEST_CASE("prober: a neighbour that does not answer ARP is the line's silence, not our fault") {
  Wire wire;
  Bench b("lkt0", {"10.9.0.2"});
  CHECK(run_until(b.io, [&] { return b.rejected.size() >= 3; }));
  CHECK(b.rejected.at(0).error == EHOSTUNREACH);
  CHECK(b.local.empty());
}

TEST_CASE("prober: an interface that goes and comes back under the same name is probed again without being told") {
  auto wire = std::make_unique<Wire>();
  Bench b("lkt0", {"10.9.0.1"});  // our own address through the device: answered or not, sending is what counts
  REQUIRE(run_until(b.io, [&] { return b.sent.size() >= 3; }));
  wire.reset();
  REQUIRE(run_until(b.io, [&] { return b.local.size() >= 3; }));
  CHECK(b.local.back().error == ENODEV);
  wire = std::make_unique<Wire>();
  const auto before = b.sent.size();
  CHECK(run_until(b.io, [&] { return b.sent.size() >= before + 3; }));
}

TEST_CASE("prober: a shorter interval takes effect at once") {
  asio::io_context io;
  int sent = 0;
  model::CircuitProbing slow;
  slow.interval = 1h;
  CircuitProber prober(io.get_executor(), kCircuit, "", targets({"127.0.0.1"}), slow, 1,
                       [&](const model::Observation& o) { sent += std::holds_alternative<model::ProbeSent>(o) ? 1 : 0; });
  prober.start();
  prober.follow({.interval = 5ms, .extra = std::nullopt});
  CHECK(run_until(io, [&] { return sent >= 10; }, 2s));
}

TEST_CASE("prober: additional probes leave at once and evenly, to those targets only, and say why; scheduled ones keep their time") {
  asio::io_context io;
  std::vector<model::ProbeSent> sent;
  model::CircuitProbing slow;
  slow.interval = 1h;
  CircuitProber prober(io.get_executor(), kCircuit, "", targets({"127.0.0.1", "127.0.0.2", "127.0.0.3"}), slow, 1, [&](const model::Observation& o) {
    if (const auto* probe = std::get_if<model::ProbeSent>(&o)) sent.push_back(*probe);
  });
  prober.start();
  prober.follow({.interval = 1h, .extra = 10ms, .kind = model::ProbeKind::Verify, .among = 0b101});
  REQUIRE(run_until(io, [&] { return sent.size() >= 20; }, 2s));
  for (const model::ProbeSent& probe : sent) {
    CHECK(probe.kind == model::ProbeKind::Verify);
    CHECK(probe.target != model::TargetId{1});
  }
  CHECK(sent[19].sent - sent[0].sent >= 190ms);
  prober.follow({.interval = 1h, .extra = std::nullopt});
  const auto before = sent.size();
  run_until(io, [] { return false; }, 100ms);
  CHECK(sent.size() == before);
}

TEST_CASE("prober: the sink may stop, restart, rebuild or destroy it, and nothing is reported after a stop") {
  for (const int act : {0, 1, 2, 3}) {
    asio::io_context io;
    std::unique_ptr<CircuitProber> prober;
    int calls = 0, after = 0;
    bool stopped = false;
    prober = std::make_unique<CircuitProber>(io.get_executor(), kCircuit, "lo", targets({"127.0.0.1", "198.51.100.1"}), fast(), 42,
                                             [&](const model::Observation&) {
                                               if (stopped) ++after;
                                               if (++calls % 5 != 0) return;
                                               if (act == 0) {
                                                 prober->stop();
                                                 stopped = true;
                                               } else if (act == 1) {
                                                 prober.reset();
                                                 stopped = true;
                                               } else if (act == 2) {
                                                 prober->rebuild();
                                               } else {
                                                 prober->stop();
                                                 prober->start();
                                               }
                                             });
    prober->start();
    run_until(io, [&] { return stopped || calls >= 40; });
    run_until(io, [] { return false; }, 50ms);
    CHECK(after == 0);
    CHECK(calls >= (act < 2 ? 5 : 40));
    prober.reset();
  }
}
