// OPTIONS over TCP and TLS on real sockets, against a carrier in this process that answers, freezes, resets or shows bad certificates.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <list>

#include "carriers/sip/options_client.hpp"
#include "carriers/sip/stream_framer.hpp"
#include "controller/runtime/clock.hpp"
#include "tests/sockets/carrier_certificate.hpp"
#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using model::SipFault;
using model::SipOutcome;
using model::SipResult;
using model::SipTransport;
using tests::Certificate;
using tests::run_until;

namespace {

constexpr long kYear = 365L * 86400;

/// A folder of PEM files that goes with the test.
struct Files {
  std::string folder = "/tmp/lkt-tls-" + std::to_string(::getpid());
  Files() { REQUIRE(tests::run({"mkdir", "-p", folder}) == 0); }
  ~Files() { tests::run({"rm", "-rf", folder}); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  [[nodiscard]] std::string at(const std::string& name) const { return folder + "/" + name; }
};

/// What the carrier does with a connection.
enum class Does : std::uint8_t { Answer, Freeze, ResetOnRequest, NoLength };

class StreamCarrier {
 public:
  Does does = Does::Answer;
  bool want_certificate = false;
  std::vector<std::string> heard;
  std::size_t accepted = 0;

  explicit StreamCarrier(asio::io_context& io, const char* address = "127.0.0.1") : io_(io), acceptor_(io) {
    const tcp::endpoint here(asio::ip::make_address(address), 0);
    acceptor_.open(here.protocol());
    acceptor_.bind(here);
    acceptor_.listen();
    accept();
  }
  ~StreamCarrier() {
    stop();
    io_.poll();
  }
  StreamCarrier(const StreamCarrier&) = delete;
  StreamCarrier& operator=(const StreamCarrier&) = delete;
  void stop() {
    error_code ignored;
    acceptor_.close(ignored);
    for (auto& s : sessions_) s->stream.next_layer().close(ignored);
  }
  void hold_no_more() {  // connections stay, new ones are refused
    error_code ignored;
    acceptor_.close(ignored);
  }
  void use(const std::string& certificate, const std::string& key, const std::string& clients_ca = {}) {
    tls_ = true;
    context_.use_certificate_chain_file(certificate);
    context_.use_private_key_file(key, asio::ssl::context::pem);
    if (clients_ca.empty()) return;
    context_.load_verify_file(clients_ca);
    context_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  struct Session {
    asio::ssl::stream<tcp::socket> stream;
    sip::StreamFramer framer;
    std::array<char, 4096> in{};
    Does does = Does::Answer;
  };

  void accept() {
    acceptor_.async_accept([this](error_code e, tcp::socket socket) {
      if (e) return;
      auto s = std::make_shared<Session>(Session{.stream = {std::move(socket), context_}, .framer = {}});
      ++accepted;
      s->does = does;
      sessions_.push_back(s);
      accept();
      if (s->does == Does::Freeze) return;
      if (!tls_) return read(s);
      s->stream.async_handshake(asio::ssl::stream_base::server, [this, s](error_code failed) {
        if (!failed)
          read(s);
        else
          s->stream.next_layer().close();
      });
    });
  }
  void read(const std::shared_ptr<Session>& s) {
    const auto more = [this, s](error_code e, std::size_t size) {
      if (e) return;
      s->framer.add({s->in.data(), size});
      for (auto frame = s->framer.next(); frame && *frame; frame = s->framer.next())
        if (!(*frame)->pong) answer(*s, (*frame)->message);
      if (s->stream.next_layer().is_open()) read(s);
    };
    if (tls_)
      s->stream.async_read_some(asio::buffer(s->in), more);
    else
      s->stream.next_layer().async_read_some(asio::buffer(s->in), more);
  }
  void answer(Session& s, const std::string& request) {
    heard.push_back(request);
    if (does == Does::Freeze) return;
    if (does == Does::ResetOnRequest) {
      const linger reset{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(s.stream.next_layer().native_handle(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
      s.stream.next_layer().close();
      return;
    }
    std::string out = "SIP/2.0 200 OK\r\n";
    for (const auto* name : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"}) {
      const auto line = request.find(std::string("\r\n") + name) + 2;
      out += request.substr(line, request.find("\r\n", line) + 2 - line);
    }
    out += does == Does::NoLength ? "\r\n" : "Content-Length: 0\r\n\r\n";
    if (tls_)
      asio::write(s.stream, asio::buffer(out));
    else
      asio::write(s.stream.next_layer(), asio::buffer(out));
  }

  asio::io_context& io_;
  asio::ssl::context context_{asio::ssl::context::tls_server};
  tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Session>> sessions_;
  bool tls_ = false;
};

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

/// An authority, and a carrier that shows a certificate of it.
struct Trust {
  Files files;
  Certificate authority{"Test Authority", "", kYear};
  void show(StreamCarrier& carrier, const std::string& alternatives, long valid_seconds, const std::string& clients_ca = {}) const {
    const Certificate shown("north", alternatives, valid_seconds, &authority);
    authority.write(files.at("ca.pem"));
    shown.write(files.at("north.pem"), files.at("north.key"));
    carrier.use(files.at("north.pem"), files.at("north.key"), clients_ca);
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
