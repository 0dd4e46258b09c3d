// OPTIONS over TCP and TLS on real sockets, against a carrier in this process that answers, freezes, resets or shows bad certificates.
#include <doctest/doctest.h>

#include <cerrno>

#include "carriers/sip/options_client.hpp"
#include "controller/runtime/clock.hpp"
#include "tests/sockets/stream_carrier.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using model::SipFault;
using model::SipOutcome;
using model::SipResult;
using model::SipTransport;
using tests::Certificate;
using tests::Does;
using tests::kYear;
using tests::run_until;
using tests::StreamCarrier;
using tests::Trust;

namespace {

struct Bench {
  asio::io_context io;
  std::vector<SipOutcome> outcomes;
  std::unique_ptr<sip::OptionsClient> client;

  static model::Carrier to(const StreamCarrier& carrier, SipTransport transport) {
    model::Carrier c;
    c.name = "north";
    c.address = *model::IpAddress::parse("127.0.0.1");
    c.port = carrier.port();
    c.transport = transport;
    c.domain = "sip.north.example";
    c.interval = 300ms;
    c.floor = 200ms;
    c.deadline = 1500ms;
    return c;
  }
  void start(const model::Carrier& carrier) {
    client = std::make_unique<sip::OptionsClient>(io.get_executor(), model::CarrierId{1}, carrier, model::CircuitId{2}, "lo", 0s, sip::Debt{}, 7,
                                                  [this](const model::Observation& o) {
                                                    if (const auto* outcome = std::get_if<SipOutcome>(&o)) outcomes.push_back(*outcome);
                                                  });
    client->start();
  }
  bool wait_for(std::size_t count) {
    return run_until(io, [&] { return outcomes.size() >= count; }, 10s);
  }
  ~Bench() {
    client.reset();
    io.poll();
  }
};

}  // namespace

TEST_CASE("stream client: over TCP one connection carries seven OPTIONS, and the eighth makes a fresh one") {
  Bench b;
  StreamCarrier north(b.io);
  b.start(Bench::to(north, SipTransport::Tcp));
  REQUIRE(b.wait_for(7));
  CHECK(north.accepted == 1);
  REQUIRE(b.wait_for(8));
  CHECK(north.accepted == 2);
  for (const auto& o : b.outcomes) {
    CHECK(o.code == 200);
    CHECK(o.fault == SipFault::None);
  }
  CHECK_FALSE(b.outcomes[0].rtt);  // it had to connect first
  CHECK(b.outcomes[1].rtt);
  CHECK(b.client->counters().retransmissions == 0);
  CHECK(north.heard.at(0).contains("Via: SIP/2.0/TCP 127.0.0.1:"));
}

TEST_CASE("stream client: by IPv6, over TCP and over UDP a carrier is reached or refused") {
  Bench b;
  StreamCarrier north(b.io, "::1");
  auto carrier = Bench::to(north, SipTransport::Tcp);
  carrier.address = *model::IpAddress::parse("::1");
  b.start(carrier);
  REQUIRE(b.wait_for(2));
  CHECK(b.outcomes[1].code == 200);
  CHECK(north.heard.at(0).contains("Via: SIP/2.0/TCP [::1]:"));
  carrier.transport = SipTransport::Udp;
  b.outcomes.clear();
  b.start(carrier);
  REQUIRE(b.wait_for(1));
  CHECK(b.outcomes[0].result == SipResult::Refused);
  CHECK(b.outcomes[0].error == ECONNREFUSED);
}

TEST_CASE("stream client: a carrier that freezes is flow dead on the old connection, peer dead on a fresh one, and found again") {
  Bench b;
  StreamCarrier north(b.io);
  b.start(Bench::to(north, SipTransport::Tcp));
  REQUIRE(b.wait_for(2));
  north.does = Does::Freeze;
  b.outcomes.clear();
  REQUIRE(run_until(b.io, [&] { return b.outcomes.size() >= 2; }, 10s));
  for (const auto& o : b.outcomes) {
    CHECK(o.result == SipResult::Timeout);
    CHECK(o.fault == SipFault::PeerDead);
  }
  north.does = Does::Answer;
  REQUIRE(run_until(b.io, [&] { return b.outcomes.back().result == SipResult::Final && !b.outcomes.back().late; }, 10s));
}

TEST_CASE("stream client: only the old connection is frozen: its OPTIONS is told as flow dead, and a fresh one is answered before") {
  Bench b;
  StreamCarrier north(b.io);
  auto carrier = Bench::to(north, SipTransport::Tcp);
  carrier.deadline = 3s;
  b.start(carrier);
  REQUIRE(b.wait_for(2));
  b.outcomes.clear();
  north.does = Does::Freeze;  // those it has; asked at the next request
  const auto heard = north.heard.size();
  REQUIRE(run_until(b.io, [&] { return north.heard.size() > heard; }));
  north.does = Does::Answer;
  REQUIRE(run_until(b.io, [&] { return std::ranges::any_of(b.outcomes, [](const auto& o) { return o.result == SipResult::Timeout; }); }, 10s));
  CHECK(b.outcomes.front().result == SipResult::Final);
  for (const auto& o : b.outcomes)
    if (o.result == SipResult::Timeout) CHECK(o.fault == SipFault::FlowDead);
}

TEST_CASE("stream client: nobody listens, a reset in the middle and an answer without Content-Length are refusals") {
  Bench b;
  StreamCarrier north(b.io);
  north.does = Does::ResetOnRequest;
  const auto carrier = Bench::to(north, SipTransport::Tcp);
  b.start(carrier);
  REQUIRE(b.wait_for(2));
  CHECK(b.outcomes[0].result == SipResult::Refused);
  CHECK(b.outcomes[0].error == ECONNRESET);
  north.does = Does::NoLength;
  b.outcomes.clear();
  REQUIRE(b.wait_for(2));
  CHECK(b.outcomes[1].result == SipResult::Refused);
  CHECK(b.outcomes[1].error == EPROTO);
  north.stop();
  b.outcomes.clear();
  REQUIRE(b.wait_for(2));
  CHECK(b.outcomes[1].result == SipResult::Refused);
  CHECK(b.outcomes[1].error == ECONNREFUSED);
}

TEST_CASE("stream client: a carrier that takes no new connections is found out although the old one works") {
  Bench b;
  StreamCarrier north(b.io);
  b.start(Bench::to(north, SipTransport::Tcp));
  REQUIRE(b.wait_for(1));
  north.hold_no_more();
  REQUIRE(b.wait_for(8));
  CHECK(b.outcomes[6].code == 200);
  CHECK(b.outcomes[7].result == SipResult::Refused);
  REQUIRE(b.wait_for(9));
  CHECK(b.outcomes[8].result == SipResult::Refused);  // and not the old one again
}

TEST_CASE("stream client: over TLS a certificate of the domain is taken, and when it ends is told") {
  for (const auto* names : {"DNS:sip.north.example", "URI:sip:sip.north.example"}) {
    Bench b;
    Trust trust;
    StreamCarrier north(b.io);
    trust.show(north, names, 30 * 86400L);
    auto carrier = Bench::to(north, SipTransport::Tls);
    carrier.tls.ca_file = trust.files.at("ca.pem");
    b.start(carrier);
    REQUIRE(b.wait_for(2));
    CHECK(b.outcomes[1].code == 200);
    REQUIRE(b.outcomes[1].certificate_ends);
    const auto left = *b.outcomes[1].certificate_ends - runtime::wall_now();
    CHECK(left > 30 * 24h - 1min);
    CHECK(left <= 30 * 24h + 1min);
    CHECK(north.heard.at(0).contains("Via: SIP/2.0/TLS "));
  }
}

TEST_CASE("stream client: an expired certificate, another name and an issuer we do not know are refusals that say so") {
  struct Case {
    const char* names;
    long valid;
    bool trusted;
    SipFault fault;
  };
  for (const Case& c :
       {Case{"DNS:sip.north.example", -60, true, SipFault::CertificateExpired}, Case{"DNS:other.example", kYear, true, SipFault::CertificateName},
        Case{"DNS:*.north.example", kYear, true, SipFault::CertificateName},
        Case{"DNS:sip.north.example", kYear, false, SipFault::CertificateIssuer}}) {
    CAPTURE(c.names);
    Bench b;
    Trust trust;
    StreamCarrier north(b.io);
    trust.show(north, c.names, c.valid);
    auto carrier = Bench::to(north, SipTransport::Tls);
    const Certificate stranger("Stranger", "", kYear);
    stranger.write(trust.files.at("stranger.pem"));
    carrier.tls.ca_file = trust.files.at(c.trusted ? "ca.pem" : "stranger.pem");
    b.start(carrier);
    REQUIRE(b.wait_for(1));
    CHECK(b.outcomes[0].result == SipResult::Refused);
    CHECK(b.outcomes[0].fault == c.fault);
    CHECK(b.outcomes[0].certificate_ends.has_value());
    CHECK(north.heard.empty());
  }
}

TEST_CASE("stream client: a TLS peer that accepts and never answers is silent, not refused") {
  Bench b;
  Trust trust;
  StreamCarrier north(b.io);
  trust.show(north, "DNS:sip.north.example", kYear);
  north.does = Does::Freeze;
  auto carrier = Bench::to(north, SipTransport::Tls);
  carrier.tls.ca_file = trust.files.at("ca.pem");
  b.start(carrier);
  REQUIRE(b.wait_for(1));
  CHECK(b.outcomes[0].result == SipResult::Timeout);
  CHECK(b.outcomes[0].fault == SipFault::PeerDead);
}

TEST_CASE("stream client: our certificate is shown where it is wanted; without it the carrier refuses us and that is said") {
  for (const bool ours : {true, false}) {
    CAPTURE(ours);
    Bench b;
    Trust trust;
    StreamCarrier north(b.io);
    const Certificate mine("site42", "DNS:site42.example", kYear, &trust.authority);
    mine.write(trust.files.at("mine.pem"), trust.files.at("mine.key"));
    trust.authority.write(trust.files.at("ca.pem"));
    trust.show(north, "DNS:sip.north.example", kYear, trust.files.at("ca.pem"));
    auto carrier = Bench::to(north, SipTransport::Tls);
    carrier.tls.ca_file = trust.files.at("ca.pem");
    if (ours) {
      carrier.tls.certificate = trust.files.at("mine.pem");
      carrier.tls.key = trust.files.at("mine.key");
    }
    b.start(carrier);
    REQUIRE(b.wait_for(1));
    CHECK((b.outcomes[0].result == SipResult::Final) == ours);
    CHECK(b.outcomes[0].fault == (ours ? SipFault::None : SipFault::OurCertificate));
  }
}

TEST_CASE("stream client: a file of ours that is not there is a local error that says so, and is looked at again") {
  Bench b;
  Trust trust;
  StreamCarrier north(b.io);
  trust.show(north, "DNS:sip.north.example", kYear);
  auto carrier = Bench::to(north, SipTransport::Tls);
  carrier.tls.ca_file = trust.files.at("later.pem");
  b.start(carrier);
  REQUIRE(b.wait_for(1));
  CHECK(b.outcomes[0].result == SipResult::LocalError);
  CHECK(b.outcomes[0].fault == SipFault::OurTlsFiles);
  trust.authority.write(trust.files.at("later.pem"));
  CHECK(run_until(b.io, [&] { return b.outcomes.back().code == 200; }, 10s));
}

TEST_CASE("stream client: a rebuild ends the connection, and the next OPTIONS makes one") {
  Bench b;
  StreamCarrier north(b.io);
  b.start(Bench::to(north, SipTransport::Tcp));
  REQUIRE(b.wait_for(2));
  CHECK(north.accepted == 1);
  b.client->rebuild();
  REQUIRE(b.wait_for(3));
  CHECK(north.accepted == 2);
  CHECK(b.outcomes[2].code == 200);
}
