#include "carriers/registration/registration.hpp"

#include <doctest/doctest.h>

using namespace linekeeper;
using namespace std::chrono_literals;
using registration::State;

namespace {

const runtime::Peer kHere{.address = *model::IpAddress::parse("192.0.2.7"), .port = 40000};
constexpr auto kContact = "sip:4420@192.0.2.7:5080";

std::string field(const std::string& message, const std::string& name) {
  const auto at = message.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return message.substr(begin, message.find("\r\n", begin) - begin);
}

/// A registrar that answers when it is told to.
struct Registrar {
  registration::Registration ours;
  model::Instant now{1h};
  std::vector<std::string> sent;
  std::vector<model::Instant> sent_at;
  int changes = 0;

  explicit Registrar(registration::Authorise authorise = {}, bool reliable = false)
      : ours({.user = "4420",
              .domain = "sip.north.example",
              .contact = kContact,
              .transport = reliable ? model::SipTransport::Tcp : model::SipTransport::Udp,
              .expires = 600s,
              .floor = 10s,
              .deadline = 5s},
             runtime::SeededRandom(3), std::move(authorise)) {
    ours.begin(now, 0s);
    ours.moved(kHere, kContact, now);
  }
  void take(registration::Registration::Step step) {
    if (step.send) {
      sent.push_back(*step.send);
      sent_at.push_back(now);
    }
    changes += step.changed ? 1 : 0;
  }
  void after(model::Duration d) {
    const auto until = now + d;
    while (ours.next_wakeup() <= until) {
      now = std::max(now, ours.next_wakeup());
      take(ours.on_time(now));
    }
    now = until;
  }
  /// Until the next REGISTER of its own CSeq has left, for at most `most`.
  void until_another(model::Duration most = 1h) {
    const auto before = sent.empty() ? std::string() : field(sent.back(), "CSeq");
    for (const auto until = now + most; ours.next_wakeup() <= until && (sent.empty() || field(sent.back(), "CSeq") == before);) {
      now = std::max(now, ours.next_wakeup());
      take(ours.on_time(now));
    }
  }
  void answer(int status, const std::string& more = {}) {
    const std::string& request = sent.back();
    const std::string bytes = "SIP/2.0 " + std::to_string(status) + " So\r\nVia: " + field(request, "Via") + "\r\nFrom: " + field(request, "From") +
                              "\r\nTo: " + field(request, "To") + ";tag=r\r\nCall-ID: " + field(request, "Call-ID") +
                              "\r\nCSeq: " + field(request, "CSeq") + "\r\n" + more + "Content-Length: 0\r\n\r\n";
    const auto response = sip::parse_response(bytes);
    REQUIRE(response);
    take(ours.on_response(*response, bytes, now));
  }
};

}  // namespace

TEST_CASE("registration: the REGISTER names the address of record, the contact of this circuit and the time that is asked for") {
  Registrar r;
  r.after(0s);
  REQUIRE(r.sent.size() == 1);
  CHECK(r.sent[0].starts_with("REGISTER sip:sip.north.example SIP/2.0\r\n"));
  CHECK(field(r.sent[0], "To") == "<sip:4420@sip.north.example>");
  CHECK(field(r.sent[0], "Contact") == "<sip:4420@192.0.2.7:5080>");
  CHECK(field(r.sent[0], "Expires") == "600");
}

TEST_CASE("registration: what is granted is refreshed at about half its life, under the same Call-ID and the next CSeq") {
  Registrar r;
  r.after(0s);
  r.answer(200, "Contact: <sip:other@203.0.113.9>;expires=20, <sip:4420@192.0.2.7:5080>;expires=300\r\nExpires: 900\r\n");
  CHECK(r.ours.standing().state == State::Registered);
  CHECK(r.ours.standing().until == r.sent_at[0] + 300s);
  r.until_another();
  REQUIRE(r.sent.size() == 2);
  CHECK(r.sent_at[1] - r.sent_at[0] >= 135s);
  CHECK(r.sent_at[1] - r.sent_at[0] <= 165s);
  CHECK(field(r.sent[1], "CSeq") == "2 REGISTER");
  CHECK(field(r.sent[1], "Call-ID") == field(r.sent[0], "Call-ID"));
}

TEST_CASE("registration: a refresh that nobody answers leaves it registered until it ends, is tried again, and then it is unanswered") {
  Registrar r;
  r.after(0s);
  r.answer(200);
  const auto until = r.ours.standing().until;
  CHECK(until == r.now + 600s);
  r.after(until - r.now - 1ms);
  CHECK(r.ours.standing().state == State::Registered);
  CHECK(r.sent.size() > 3);
  r.after(1ms);
  CHECK(r.ours.standing().state == State::Unanswered);
  r.until_another(5min + 1min);
  r.answer(200);
  CHECK(r.ours.standing().state == State::Registered);
}

TEST_CASE("registration: repeated at 0.5, 1.5 and 3.5 s over UDP until the deadline, not at all over a stream") {
  Registrar r;
  r.after(4999ms);
  CHECK(r.sent.size() == 4);
  CHECK(r.ours.standing().state == State::Trying);
  r.after(1ms);
  CHECK(r.ours.standing().state == State::Unanswered);
  Registrar stream({}, true);
  stream.after(4999ms);
  CHECK(stream.sent.size() == 1);
}

TEST_CASE("registration: two REGISTERs are never closer than the floor, whatever happens to the circuit") {
  Registrar r;
  r.after(0s);
  r.answer(200);
  for (int i = 0; i < 50; ++i) {
    r.ours.moved({.address = *model::IpAddress::parse(i % 2 == 0 ? "192.0.2.8" : "192.0.2.9"), .port = 40000}, "sip:4420@192.0.2.8:5080", r.now);
    r.after(700ms);
    if (!r.sent.empty()) r.answer(200);
  }
  auto last = r.sent_at[0];
  int rounds = 1;
  for (std::size_t i = 1; i < r.sent.size(); ++i) {
    if (field(r.sent[i], "CSeq") == field(r.sent[i - 1], "CSeq")) continue;  // a repetition
    CHECK(r.sent_at[i] - last >= 10s);
    last = r.sent_at[i];
    ++rounds;
  }
  CHECK(rounds >= 3);
}

TEST_CASE("registration: another address is registered anew, and not called registered before it is granted") {
  Registrar r;
  r.after(0s);
  r.answer(200);
  r.after(60s);
  r.ours.moved({.address = *model::IpAddress::parse("192.0.2.8"), .port = 40001}, "sip:4420@192.0.2.8:5080", r.now);
  CHECK(r.ours.standing().state == State::Trying);
  r.after(0s);
  REQUIRE(r.sent.size() == 2);
  CHECK(field(r.sent[1], "Contact") == "<sip:4420@192.0.2.8:5080>");
}

TEST_CASE("registration: a challenge is answered once and at once; a second one says that our credentials are wrong") {
  Registrar r([](std::string_view, std::string_view verb, std::string_view uri) {
    CHECK(verb == "REGISTER");
    CHECK(uri == "sip:sip.north.example");
    return std::optional(std::pair<std::string, std::string>("Authorization", "Digest a=\"b\""));
  });
  r.after(0s);
  r.answer(401);
  REQUIRE(r.sent.size() == 2);
  CHECK(r.sent_at[1] == r.sent_at[0]);
  CHECK(field(r.sent[1], "Authorization") == "Digest a=\"b\"");
  r.answer(401);
  CHECK(r.sent.size() == 2);
  CHECK(r.ours.standing().state == State::Refused);
  CHECK(r.ours.standing().credentials_refused);
  r.after(9s);
  CHECK(r.sent.size() == 2);
  r.after(5s);
  CHECK(r.sent.size() > 2);
}

TEST_CASE("registration: 423 is answered with the time that the registrar wants; a 403 waits longer each time, a Retry-After as long as it says") {
  Registrar r;
  r.after(0s);
  r.answer(423, "Min-Expires: 1800\r\n");
  REQUIRE(r.sent.size() == 2);
  CHECK(field(r.sent[1], "Expires") == "1800");
  const auto gap_after = [&](int status, const std::string& more = {}) {
    r.answer(status, more);
    const auto asked = r.now;
    r.until_another();
    return r.now - asked;
  };
  const auto first = gap_after(403);
  CHECK(r.ours.standing().state == State::Refused);
  CHECK(r.ours.standing().code == 403);
  CHECK_FALSE(r.ours.standing().credentials_refused);
  CHECK(first >= 10s);
  CHECK(first <= 12s);
  const auto second = gap_after(403);
  CHECK(second >= 20s);
  CHECK(second <= 24s);
  const auto told = gap_after(503, "Retry-After: 120\r\n");
  CHECK(told >= 120s);
  CHECK(told <= 144s);
}

TEST_CASE("registration: a grant of no time is no grant") {
  Registrar r;
  r.after(0s);
  r.answer(200, "Expires: 0\r\n");
  CHECK(r.ours.standing().state == State::Refused);
}

TEST_CASE("registration: when the circuit passes again what went unanswered is tried at once, and not sooner than the floor") {
  Registrar r;
  r.after(30min);  // nobody answers: the pauses have grown to five minutes
  r.until_another();
  r.after(11s);  // it has been given up, and the floor of 10 s is over
  CHECK(r.ours.next_wakeup() > r.now + 4min);
  r.ours.passable(r.now);
  CHECK(r.ours.next_wakeup() == r.now);
  r.until_another();
  const auto begun = r.now;
  r.after(6s);
  r.ours.passable(r.now);
  CHECK(r.ours.next_wakeup() == begun + 10s);  // the floor
}

TEST_CASE("registration: a circuit that passes again hurries nothing that was refused, nor what is well") {
  Registrar refused;
  refused.until_another();
  refused.answer(403);
  const auto later = refused.ours.next_wakeup();
  refused.ours.passable(refused.now);
  CHECK(refused.ours.next_wakeup() == later);
  Registrar well;
  well.until_another();
  well.answer(200, "Expires: 600\r\n");
  const auto refresh = well.ours.next_wakeup();
  well.ours.passable(well.now);
  CHECK(well.ours.next_wakeup() == refresh);
}

TEST_CASE("registration: after a start the whole time is waited, though the circuit is there at once") {
  const auto now = model::Instant{1h};
  registration::Registration ours({.user = "4420", .domain = "sip.north.example", .contact = kContact}, runtime::SeededRandom(3), {});
  ours.begin(now, 10s);
  ours.moved(kHere, kContact, now + 1ms);
  CHECK(ours.next_wakeup() == now + 10s);
  ours.moved(kHere, kContact, now + 11s);
  CHECK(ours.next_wakeup() == now + 11s);
}
