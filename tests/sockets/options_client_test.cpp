#include "carriers/sip/options_client.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/udp.hpp>
#include <cerrno>
#include <memory>
#include <set>

#include "controller/decision/path_health.hpp"
#include "controller/runtime/clock.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::SipOutcome;
using model::SipResult;
using sip::OptionsClient;
using tests::run;
using tests::run_until;
using udp = boost::asio::ip::udp;

namespace {

model::Carrier settings(std::uint16_t port) {
  model::Carrier c;
  c.name = "north";
  c.address = *model::IpAddress::parse("127.0.0.1");
  c.port = port;
  c.domain = "sip.north.example";
  c.from_user = "site42";
  c.interval = 400ms;
  c.floor = 300ms;
  c.deadline = 3s;
  return c;
}

struct Bench {
  boost::asio::io_context io;
  std::vector<SipOutcome> outcomes;
  std::vector<model::SipOverdue> overdue;
  std::unique_ptr<OptionsClient> client;

  void start(const model::Carrier& carrier, const std::string& device = "lo") {
    client = std::make_unique<OptionsClient>(io.get_executor(), model::CarrierId{1}, carrier, model::CircuitId{2}, device, 0s, sip::Debt{}, 7,
                                             [this](const model::Observation& o) {
                                               if (const auto* outcome = std::get_if<SipOutcome>(&o)) outcomes.push_back(*outcome);
                                               if (const auto* late = std::get_if<model::SipOverdue>(&o)) overdue.push_back(*late);
                                             });
    client->start();
  }
};

/// A carrier under the test's hand: it hears everything and says what it is told to.
struct Carrier {
  udp::socket socket;
  udp::endpoint from;
  std::array<char, 4096> buffer{};
  std::vector<std::string> heard;
  std::vector<model::Instant> at;

  explicit Carrier(boost::asio::io_context& io) : socket(io, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) { listen(); }
  [[nodiscard]] std::uint16_t port() const { return socket.local_endpoint().port(); }

  void listen() {
    socket.async_receive_from(boost::asio::buffer(buffer), from, [this](const boost::system::error_code& error, std::size_t size) {
      if (error) return;
      heard.emplace_back(buffer.data(), size);
      at.push_back(runtime::boot_now());
      listen();
    });
  }
  /// @param request what was heard; its Via, From, To, Call-ID and CSeq are given back
  static std::string reply(const std::string& request, const std::string& status) {
    std::string out = "SIP/2.0 " + status + "\r\n";
    for (const auto* name : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"}) {
      const auto line = request.find(std::string("\r\n") + name) + 2;
      out += request.substr(line, request.find("\r\n", line) + 2 - line);
    }
    return out + "Content-Length: 0\r\n\r\n";
  }
  void say(const std::string& text) { socket.send_to(boost::asio::buffer(text), from); }
};

/// What the carriers of the internet allow: one OPTIONS in 15 s, and a few sooner when one is overdue.
model::Carrier etiquette_of_15_s(std::uint16_t port) {
  auto c = settings(port);
  c.interval = 15s;
  c.floor = 10s;
  return c;
}

/// A client, and the verdict of the path that it reports to.
struct Judged {
  model::Site site;
  decision::PathHealth health;
  std::optional<model::Instant> down;
  std::unique_ptr<OptionsClient> client;

  Judged(boost::asio::io_context& io, const model::Carrier& carrier, const sip::Debt& debt = {}, std::uint64_t seed = 7)
      : site{.circuits = {{.name = "lo"}}, .carriers = {carrier}}, health(site, model::CarrierId{0}, model::CircuitId{0}, runtime::boot_now()) {
    client = std::make_unique<OptionsClient>(io.get_executor(), model::CarrierId{0}, carrier, model::CircuitId{0}, "lo", 0s, debt, seed,
                                             [this](const model::Observation& o) {
                                               std::visit(
                                                   [this](const auto& each) {
                                                     if constexpr (requires { health.on(each, runtime::boot_now()); })
                                                       health.on(each, runtime::boot_now());
                                                   },
                                                   o);
                                             });
    client->start();
  }
  bool judge() {
    health.judge(model::Health::Up, runtime::boot_now());
    if (!down && health.down_by_carrier()) down = runtime::boot_now();
    return down.has_value();
  }
};

/// The value of a header field of each request heard.
std::vector<std::string> fields(const Carrier& carrier, const std::string& name) {
  std::vector<std::string> found;
  for (const auto& request : carrier.heard) {
    const auto line = request.find("\r\n" + name) + 2;
    found.push_back(request.substr(line, request.find("\r\n", line) - line));
  }
  return found;
}

std::uint16_t free_port() {
  boost::asio::io_context io;
  return udp::socket(io, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)).local_endpoint().port();
}

}  // namespace

TEST_CASE("options client: a real SIPp answers 200, with a round trip and the address it saw us from") {
  const auto port = free_port();
  const tests::Child sipp({"sipp", "-sf", SIPP_SCENARIO, "-i", "127.0.0.1", "-p", std::to_string(port), "-nostdin"});
  REQUIRE(sipp.started());
  Bench b;
  b.start(settings(port));
  REQUIRE(run_until(b.io, [&] { return b.outcomes.size() >= 4 && b.outcomes.back().result == SipResult::Final; }, 15s));
  const auto& last = b.outcomes.back();  // the first ones may come before SIPp listens
  CHECK(last.carrier == model::CarrierId{1});
  CHECK(last.circuit == model::CircuitId{2});
  CHECK(last.code == 200);
  CHECK(last.reply == model::ReplyClass::Up);
  CHECK_FALSE(last.late);
  REQUIRE(last.rtt);
  CHECK(*last.rtt < 200ms);
  CHECK(last.received_address == model::IpAddress::parse("203.0.113.9"));
  CHECK(b.client->counters().inert == 0);
}

TEST_CASE("options client: a closed port is refused at once, again and again, and never a local error") {
  Bench b;
  b.start(settings(free_port()));
  REQUIRE(run_until(b.io, [&] { return b.outcomes.size() >= 4; }));
  for (const auto& o : b.outcomes) {
    CHECK(o.result == SipResult::Refused);
    CHECK(o.error == ECONNREFUSED);
  }
  CHECK(b.client->counters().retransmissions == 0);
}

TEST_CASE("options client: into silence it repeats the same bytes, times out, and a late answer un-loses it") {
  Bench b;
  Carrier north(b.io);
  auto carrier = settings(north.port());
  carrier.interval = carrier.floor = 1h;
  carrier.deadline = 700ms;
  b.start(carrier);
  REQUIRE(run_until(b.io, [&] { return !b.outcomes.empty(); }));
  CHECK(b.outcomes[0].result == SipResult::Timeout);
  REQUIRE(north.heard.size() == 2);
  CHECK(north.heard[0] == north.heard[1]);
  CHECK(north.heard[0].starts_with("OPTIONS sip:sip.north.example:" + std::to_string(north.port()) + " SIP/2.0\r\n"));
  north.say(Carrier::reply(north.heard[0], "200 OK"));
  REQUIRE(run_until(b.io, [&] { return b.outcomes.size() == 2; }));
  CHECK(b.outcomes[1].result == SipResult::Final);
  CHECK(b.outcomes[1].late);
  CHECK(b.outcomes[1].sequence == b.outcomes[0].sequence);
  CHECK_FALSE(b.outcomes[1].rtt);
  CHECK(b.client->counters().late == 1);
}

TEST_CASE("options client: junk, a stranger's answer and a wrong branch are inert; 100 decides nothing; then 503 is read") {
  Bench b;
  Carrier north(b.io), stranger(b.io);
  auto carrier = settings(north.port());
  carrier.interval = carrier.floor = 1h;
  b.start(carrier);
  REQUIRE(run_until(b.io, [&] { return !north.heard.empty(); }));
  const auto good = Carrier::reply(north.heard[0], "200 OK");
  auto bent = good;
  bent.replace(bent.find("z9hG4bK") + 7, 1, "x");
  stranger.from = north.from;
  stranger.say(good);
  north.say("junk");
  north.say("\r\n\r\n");
  north.say(bent);
  north.say(Carrier::reply(north.heard[0], "100 Trying"));
  REQUIRE(run_until(b.io, [&] { return b.client->counters().provisional == 1; }));
  CHECK(b.client->counters().inert == 3);  // the kernel dropped the stranger's
  CHECK(b.outcomes.empty());
  auto busy = Carrier::reply(north.heard[0], "503 Service Unavailable");
  busy.insert(busy.find("Content-Length"), "Retry-After: 90\r\n");
  north.say(busy);
  north.say(busy);
  REQUIRE(run_until(b.io, [&] { return b.client->counters().inert == 4; }));
  REQUIRE(b.outcomes.size() == 1);
  CHECK(b.outcomes[0].code == 503);
  CHECK(b.outcomes[0].reply == model::ReplyClass::Down);
  CHECK(b.outcomes[0].retry_after == model::Duration(90s));
}

TEST_CASE("options client: whatever is done to it, the carrier never hears two starts closer than the floor") {
  Bench b;
  Carrier north(b.io);
  auto carrier = settings(north.port());
  carrier.interval = 310ms;
  carrier.deadline = 50ms;  // every one is a timeout: suspicion all the time
  b.start(carrier);
  int turn = 0;
  REQUIRE(run_until(
      b.io,
      [&] {
        if (++turn % 3 == 0) b.client->rebuild();
        if (turn % 7 == 0) {
          b.client->stop();
          b.client->start();
        }
        return north.heard.size() >= 6;
      },
      10s));
  for (std::size_t i = 1; i < north.at.size(); ++i) CHECK(north.at[i] - north.at[i - 1] > 295ms);  // the test's own clock is late, not ours
  CHECK(b.client->debt().floor_until > runtime::boot_now() - 1s);
}

TEST_CASE("options client: no route and no device are local errors, tried again after one second, then two") {
  for (const auto* device : {"", "lkt9"}) {
    Bench b;
    auto carrier = settings(5060);
    carrier.address = *model::IpAddress::parse("198.51.100.1");
    carrier.interval = 10s;
    b.start(carrier, device);
    REQUIRE(run_until(b.io, [&] { return b.outcomes.size() == 2; }));
    for (const auto& o : b.outcomes) {
      CHECK(o.result == SipResult::LocalError);
      CHECK(o.error == (*device == '\0' ? ENETUNREACH : ENODEV));
    }
    CHECK(b.outcomes[1].sent - b.outcomes[0].sent >= 1s);
    CHECK(b.client->counters().attempts == 0);
  }
}

TEST_CASE("options client: a firewall of our own is a local error, one of theirs a refusal") {
  tests::set_sysctl("net/ipv4/icmp_ratelimit", "0");
  Bench b;
  Carrier north(b.io);
  const auto port = std::to_string(north.port());
  REQUIRE(run({"nft", "add table ip lkt; add chain ip lkt out { type filter hook output priority 0; }; add rule ip lkt out udp dport " + port +
                          " drop"}) == 0);
  b.start(settings(north.port()));
  CHECK(run_until(b.io, [&] { return !b.outcomes.empty(); }));
  CHECK(b.outcomes.at(0).result == SipResult::LocalError);
  CHECK(b.outcomes.at(0).error == EPERM);
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
  REQUIRE(run({"nft", "add table ip lkt; add chain ip lkt in { type filter hook input priority 0; }; add rule ip lkt in udp dport " + port +
                          " reject with icmp type admin-prohibited"}) == 0);
  b.outcomes.clear();
  CHECK(run_until(b.io, [&] { return !b.outcomes.empty(); }));
  CHECK(b.outcomes.at(0).result == SipResult::Refused);
  CHECK(b.outcomes.at(0).error == EHOSTUNREACH);
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
}

TEST_CASE("options client: when our address changes the next OPTIONS leaves from the new one, without being told") {
  REQUIRE(run({"ip", "addr", "add", "10.8.0.1/32", "dev", "lo"}) == 0);
  REQUIRE(run({"ip", "route", "add", "10.8.8.8/32", "dev", "lo", "src", "10.8.0.1", "table", "local", "scope", "host"}) == 0);
  Bench b;
  auto carrier = settings(5060);
  carrier.address = *model::IpAddress::parse("10.8.8.8");
  boost::asio::io_context& io = b.io;
  udp::socket far(io);
  far.open(udp::v4());
  far.bind(udp::endpoint(udp::v4(), 0));
  carrier.port = far.local_endpoint().port();
  carrier.deadline = 100ms;
  b.start(carrier);
  udp::endpoint from;
  std::array<char, 4096> buffer{};
  const auto hear = [&] {
    bool done = false;
    far.async_receive_from(boost::asio::buffer(buffer), from, [&](const boost::system::error_code&, std::size_t) { done = true; });
    return run_until(io, [&] { return done; });
  };
  REQUIRE(hear());
  CHECK(from.address().to_string() == "10.8.0.1");
  REQUIRE(run({"ip", "addr", "add", "10.8.0.2/32", "dev", "lo"}) == 0);
  REQUIRE(run({"ip", "route", "replace", "10.8.8.8/32", "dev", "lo", "src", "10.8.0.2", "table", "local", "scope", "host"}) == 0);
  REQUIRE(hear());
  CHECK(from.address().to_string() == "10.8.0.2");
}

TEST_CASE("options client: the sink may stop, rebuild or destroy it, and nothing is told after a stop") {
  for (const int act : {0, 1, 2}) {
    boost::asio::io_context io;
    std::unique_ptr<OptionsClient> client;
    int calls = 0, after = 0;
    bool stopped = false;
    auto carrier = settings(free_port());
    carrier.interval = 20ms;
    carrier.floor = 10ms;
    client = std::make_unique<OptionsClient>(io.get_executor(), model::CarrierId{}, carrier, model::CircuitId{}, "lo", 0s, sip::Debt{}, 7,
                                             [&](const model::Observation&) {
                                               if (stopped) ++after;
                                               ++calls;
                                               if (act == 0) {
                                                 client->stop();
                                                 stopped = true;
                                               } else if (act == 1) {
                                                 client.reset();
                                                 stopped = true;
                                               } else {
                                                 client->rebuild();
                                               }
                                             });
    client->start();
    run_until(io, [&] { return stopped || calls >= 5; });
    run_until(io, [] { return false; }, 100ms);
    CHECK(after == 0);
    CHECK(calls >= (act < 2 ? 1 : 5));
    client.reset();
  }
}

TEST_CASE("options client: a carrier that is silent, asked each 15 s, is down after 4 s, and hears five OPTIONS and no more") {
  Bench b;
  Carrier north(b.io);
  const auto carrier = etiquette_of_15_s(north.port());
  sip::Debt debt;
  {
    Judged path(b.io, carrier);
    REQUIRE(run_until(b.io, [&] { return path.judge(); }, 8s));
    CHECK(*path.down - north.at.at(0) >= 4s - 50ms);  // the test's own clock is late, not ours
    CHECK(*path.down - north.at.at(0) < 4300ms);
    run_until(b.io, [] { return false; }, 3500ms);  // the last of them has been given up
    debt = path.client->debt();
    CHECK(path.client->counters().verify == 4);
  }
  const auto calls = fields(north, "Call-ID:"), vias = fields(north, "Via:");
  CHECK(std::set(calls.begin(), calls.end()).size() == 5);
  CHECK(std::set(vias.begin(), vias.end()).size() == 5);
  CHECK(north.heard.size() <= 15);  // at 0, 0.5 and 1.5 s each
  // A restart inherits what is owed: nothing starts before the floor is over.
  Judged next(b.io, carrier, debt, 8);
  const auto heard = north.heard.size();
  run_until(b.io, [&] { return north.heard.size() > heard; }, 8s);
  REQUIRE(north.heard.size() > heard);
  CHECK(north.at[heard] - debt.floor_until > -50ms);
  run_until(b.io, [] { return false; }, 1500ms);
  const auto later = fields(north, "Call-ID:");
  CHECK(std::set(later.begin(), later.end()).size() == 6);  // overdue again, but every token is spent
}

TEST_CASE("options client: a real SIPp behind a line that is back after 2 s is suspected, asked again and found well") {
  const auto port = free_port();
  const auto text = std::to_string(port);
  REQUIRE(run({"nft",
               "add table ip lkt; add chain ip lkt in { type filter hook input priority 0; }; add rule ip lkt in udp dport " + text + " drop"}) == 0);
  const tests::Child sipp({"sipp", "-sf", SIPP_SCENARIO, "-i", "127.0.0.1", "-p", text, "-nostdin"});
  REQUIRE(sipp.started());
  boost::asio::io_context io;
  Judged path(io, etiquette_of_15_s(port));
  CHECK(run_until(io, [&] { return path.judge() || path.health.overdue(); }, 3s));
  CHECK(path.health.overdue());
  run_until(io, [&] { return path.judge(); }, 900ms);
  REQUIRE(run({"nft", "delete table ip lkt"}) == 0);
  CHECK(run_until(io, [&] { return path.judge() || path.health.verdict().health == model::Health::Up; }, 1500ms));
  CHECK_FALSE(path.health.overdue());
  run_until(io, [&] { return path.judge(); }, 3s);
  CHECK_FALSE(path.down);
  CHECK(path.health.verdict().health == model::Health::Up);
}

TEST_CASE("options client: 503 is confirmed a second later") {
  Bench b;
  Carrier north(b.io);
  Judged path(b.io, etiquette_of_15_s(north.port()));
  std::size_t answered = 0;
  REQUIRE(run_until(b.io, [&] {
    for (; answered < north.heard.size(); ++answered) north.say(Carrier::reply(north.heard[answered], "503 Service Unavailable"));
    return path.judge();
  }));
  CHECK(north.heard.size() == 2);
  CHECK(*path.down - north.at.at(0) < 1300ms);
  CHECK(path.health.last_code() == 503);
}
