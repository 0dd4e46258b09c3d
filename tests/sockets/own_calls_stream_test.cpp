// Test calls and registrations over TCP and TLS on real sockets: by the carrier's own transport, over one connection, nothing repeated.
#include <doctest/doctest.h>

#include <algorithm>

#include "carriers/registration/registrar_client.hpp"
#include "carriers/trial/trial_client.hpp"
#include "tests/sockets/stream_carrier.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using model::RegistrationState;
using model::SipTransport;
using model::TrialResult;
using tests::kYear;
using tests::reply;
using tests::run_until;
using tests::StreamCarrier;
using tests::Trust;

namespace {

model::Carrier carrier_at(const StreamCarrier& there, SipTransport transport) {
  model::Carrier c;
  c.name = "north";
  c.address = *model::IpAddress::parse("127.0.0.1");
  c.port = there.port();
  c.transport = transport;
  c.domain = "sip.north.example";
  c.floor = 200ms;
  c.deadline = 1500ms;
  c.test_call = model::TestCall{.number = "+15550100", .wait = 3s};
  c.registration = model::RegisterRule{.user = "site", .contact_port = 5061, .expires = 2s};
  return c;
}

/// Rings, and lets itself be cancelled.
std::string rings(const std::string& request) {
  static std::string invite;
  if (request.starts_with("INVITE ")) return reply(invite = request, "180 Ringing");
  if (request.starts_with("CANCEL ")) return reply(request, "200 OK") + reply(invite, "487 Request Terminated");
  return {};
}

struct Call {
  boost::asio::io_context io;
  StreamCarrier north{io};
  std::optional<model::TrialOutcome> outcome;
  std::unique_ptr<trial::TrialClient> client;

  const model::TrialOutcome& made(const model::Carrier& carrier) {
    client = std::make_unique<trial::TrialClient>(io.get_executor(), model::CarrierId{1}, carrier, model::CircuitId{2}, "lo", trial::Authorise{}, 7,
                                                  [this](const model::TrialOutcome& o) { outcome = o; });
    client->start();
    REQUIRE(run_until(io, [&] { return outcome.has_value(); }, 8s));
    return *outcome;
  }
  [[nodiscard]] long heard(const std::string& method) const {
    return std::ranges::count_if(north.heard, [&](const std::string& m) { return m.starts_with(method + " "); });
  }
  ~Call() {
    client.reset();
    io.poll();
  }
};

struct Registering {
  boost::asio::io_context io;
  StreamCarrier north{io};
  std::vector<RegistrationState> states;
  std::unique_ptr<registration::RegistrarClient> client;

  Registering() {
    north.says = [](const std::string& request) {
      const auto at = request.find("\r\nContact: ") + 11;
      return reply(request, "200 OK", "Contact: " + request.substr(at, request.find("\r\n", at) - at) + ";expires=2\r\nContent-Length: 0\r\n");
    };
  }
  void start(const model::Carrier& carrier) {
    client = std::make_unique<registration::RegistrarClient>(io.get_executor(), model::CarrierId{1}, carrier, model::CircuitId{2},
                                                             model::Circuit{.name = "fiber", .interface = "lo"}, sip::Authorise{}, 7,
                                                             [this](const model::RegistrationStatus& s) { states.push_back(s.state); });
    client->start(0s);
    model::LinkState link{.circuit = model::CircuitId{2}, .present = true, .admin_up = true, .carrier = true};
    link.address = *model::IpAddress::parse("127.0.0.1");
    link.direct = true;
    REQUIRE(link.usable());
    client->on_link(link);
  }
  ~Registering() {
    client.reset();
    io.poll();
  }
};

}  // namespace

TEST_CASE("own calls: over TCP a test call goes over one connection, is cancelled over it, and nothing is repeated") {
  Call c;
  c.north.says = rings;
  const auto& outcome = c.made(carrier_at(c.north, SipTransport::Tcp));
  CHECK(outcome.result == TrialResult::Carried);
  CHECK(outcome.code == 180);
  CHECK(run_until(c.io, [&] { return c.heard("ACK") == 1; }, 2s));
  CHECK(c.north.accepted == 1);
  CHECK(c.heard("INVITE") == 1);
  CHECK(c.heard("CANCEL") == 1);
  const std::string& invite = c.north.heard.at(0);
  CHECK(invite.starts_with("INVITE sip:+15550100@sip.north.example:" + std::to_string(c.north.port()) + ";transport=tcp SIP/2.0\r\n"));
  CHECK(invite.contains("Via: SIP/2.0/TCP 127.0.0.1:"));
  CHECK(invite.contains(";transport=tcp>\r\n"));  // its Contact: what follows in the dialog comes the same way
}

TEST_CASE("own calls: over TLS a test call goes to who proves the carrier's name, and to nobody else") {
  const Trust trust;
  Call c;
  trust.show(c.north, "DNS:sip.north.example", kYear);
  c.north.says = rings;
  auto north = carrier_at(c.north, SipTransport::Tls);
  north.tls.ca_file = trust.files.at("ca.pem");
  CHECK(c.made(north).result == TrialResult::Carried);
  CHECK(c.north.heard.at(0).contains("Via: SIP/2.0/TLS 127.0.0.1:"));
  Call other;
  trust.show(other.north, "DNS:somebody.example", kYear);
  other.north.says = rings;
  north.port = other.north.port();
  CHECK(other.made(north).result == TrialResult::Unreachable);
  CHECK(other.north.heard.empty());
}

TEST_CASE("own calls: nobody listens, and a connection that ends before an answer or after a 100") {
  Call refused;
  const auto nobody = carrier_at(refused.north, SipTransport::Tcp);
  refused.north.stop();
  const auto& outcome = refused.made(nobody);
  CHECK(outcome.result == TrialResult::Unreachable);
  CHECK(outcome.error == ECONNREFUSED);
  for (const bool tried : {false, true}) {
    CAPTURE(tried);
    Call c;
    c.north.says = [&](const std::string& request) {
      c.north.hangs_up = true;
      return tried ? reply(request, "100 Trying") : std::string();
    };
    CHECK(c.made(carrier_at(c.north, SipTransport::Tcp)).result == (tried ? TrialResult::Stuck : TrialResult::Unreachable));
    CHECK(run_until(c.io, [&] { return c.client->over(); }, 1s));
  }
}

TEST_CASE("own calls: over TCP and TLS each registration has a connection of its own, which nobody else can use afterwards") {
  const Trust trust;
  for (const SipTransport transport : {SipTransport::Tcp, SipTransport::Tls}) {
    CAPTURE(model::to_string(transport));
    Registering r;
    auto north = carrier_at(r.north, transport);
    if (transport == SipTransport::Tls) {
      trust.show(r.north, "DNS:sip.north.example", kYear);
      north.tls.ca_file = trust.files.at("ca.pem");
    }
    r.start(north);
    REQUIRE(run_until(r.io, [&] { return r.north.heard.size() >= 2; }, 8s));
    CHECK(r.states == std::vector{RegistrationState::Registered});
    CHECK(r.client->status().contact == "sip:site@127.0.0.1:5061;transport=" + std::string(model::to_string(transport)));
    CHECK(r.north.accepted == 2);
    CHECK(r.north.heard[1].contains(transport == SipTransport::Tcp ? "Via: SIP/2.0/TCP" : "Via: SIP/2.0/TLS"));
  }
}

TEST_CASE("own calls: a registrar over TCP that nobody listens for is unanswered, with what the network said, and found when it is there") {
  Registering r;
  const auto north = carrier_at(r.north, SipTransport::Tcp);
  r.north.stop();
  r.start(north);
  REQUIRE(run_until(r.io, [&] { return !r.states.empty(); }, 5s));
  CHECK(r.client->status().state == RegistrationState::Unanswered);
  CHECK(r.client->status().error == ECONNREFUSED);
}
