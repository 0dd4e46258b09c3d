// What answers say beyond life and death: the usual code, whether the carrier knows us, and its own word on how long it takes no calls.
#include <doctest/doctest.h>

#include "controller/decision/path_answers.hpp"
#include "controller/decision/path_health.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using decision::Authorisation;
using decision::PathAnswers;
using decision::PathHealth;
using decision::ReplyBaseline;
using model::Health;
using model::Instant;
using model::Layer;
using model::ReplyClass;
using model::SipAuthorisation;
using model::SipOutcome;
using model::SipResult;
using News = Authorisation::News;

namespace {

constexpr Instant kStart{1000s};
const auto kOld = *model::IpAddress::parse("192.0.2.7");
const auto kNew = *model::IpAddress::parse("198.51.100.9");

SipOutcome answered(int code, ReplyClass reply = ReplyClass::Up, std::optional<model::IpAddress> seen = std::nullopt) {
  return {.result = SipResult::Final, .code = code, .reply = reply, .sent = kStart, .received_address = seen};
}

/// A path that was up at kStart.
struct Path {
  Path() : health(site, model::CarrierId{0}, model::CircuitId{0}, kStart - 1min) { say(200, ReplyClass::Up, kStart - 1s); }
  Health say(int code, ReplyClass reply, Instant at, std::optional<model::Duration> retry_after = std::nullopt,
             SipAuthorisation authorisation = SipAuthorisation::Unknown) {
    auto o = answered(code, reply);
    o.sent = at - 20ms;
    o.retry_after = retry_after;
    o.authorisation = authorisation;
    health.on(o, at);
    return judge(at);
  }
  Health judge(Instant at) {
    health.judge(Health::Up, at);
    return health.verdict().health;
  }
  model::Site site{.name = {}, .circuits = {{.name = "fiber"}}, .carriers = {{.name = "north", .retry_after_max = 2min}}};
  PathHealth health;
};

}  // namespace

TEST_CASE("baseline: the first code is the usual one, another is an alarm once, and becomes usual itself when it has come ten times") {
  ReplyBaseline b;
  CHECK_FALSE(b.on(404, ReplyClass::Up));
  CHECK(b.usual() == 404);
  CHECK(b.on(405, ReplyClass::Up));
  for (int n = 2; n < ReplyBaseline::kUsualAfter; ++n) CHECK_FALSE(b.on(405, ReplyClass::Up));
  CHECK_FALSE(b.usual(405));
  CHECK_FALSE(b.on(405, ReplyClass::Up));
  CHECK(b.usual(405));
}

TEST_CASE("baseline: a code that means no service never becomes usual, and is told each time after a usual one came between") {
  ReplyBaseline b;
  b.on(200, ReplyClass::Up);
  int told = 0;
  for (int n = 0; n < 100; ++n) told += b.on(503, ReplyClass::Down) ? 1 : 0;
  CHECK(told == 1);
  CHECK_FALSE(b.usual(503));
  CHECK_FALSE(b.on(200, ReplyClass::Up));
  CHECK(b.on(503, ReplyClass::Down));
  CHECK(b.on(500, ReplyClass::SoftDown));
}

TEST_CASE("baseline: two nodes that answer differently are both usual, and what never comes any more is forgotten") {
  ReplyBaseline b;
  for (int n = 0; n < 40; ++n) b.on(n % 2 == 0 ? 200 : 404, ReplyClass::Up);
  CHECK(b.usual(200));
  CHECK(b.usual(404));
  for (int n = 0; n < 400; ++n) b.on(200, ReplyClass::Up);
  CHECK_FALSE(b.usual(404));
  CHECK(b.on(404, ReplyClass::Up));
}

TEST_CASE("baseline: what was learned is read back, and what nobody wrote is refused and changes nothing") {
  ReplyBaseline b;
  for (int n = 0; n < 30; ++n) b.on(n % 3 == 0 ? 200 : 404, ReplyClass::Up);
  ReplyBaseline again;
  CHECK(again.recall(b.to_text()));
  CHECK(again.to_text() == b.to_text());
  CHECK(again.on(486, ReplyClass::Busy));
  for (const char* bad : {"199:5", "700:5", "200:0", "200:21", "200", "200:", "x", "200:5,,", "200:5;", "200:1,201:1,202:1,203:1,204:1"}) {
    CHECK_MESSAGE(!again.recall(bad), bad);
    CHECK(again.usual() == 404);
  }
}

TEST_CASE("authorisation: 403 from the address that was served leaves the path degraded; since our address is another it is down") {
  Authorisation a;
  auto ok = answered(200, ReplyClass::Up, kOld);
  CHECK(a.on(ok, kOld) == News::None);
  CHECK(a.layer() == Layer::Yes);
  auto no = answered(403, ReplyClass::Degraded, kOld);
  CHECK(a.on(no, kOld) == News::None);
  CHECK(no.reply == ReplyClass::Degraded);
  CHECK(a.layer() == Layer::Unknown);
  no = answered(403, ReplyClass::Degraded, kNew);
  CHECK(a.on(no, kOld) == News::ForbiddenSinceChange);
  CHECK(no.reply == ReplyClass::Down);
  CHECK(a.layer() == Layer::No);
  no = answered(403, ReplyClass::Degraded, kNew);
  CHECK(a.on(no, kOld) == News::None);
  CHECK(no.reply == ReplyClass::Down);
  ok = answered(200, ReplyClass::Up, kNew);
  CHECK(a.on(ok, kOld) == News::Authorised);
  no = answered(403, ReplyClass::Degraded, kNew);
  a.on(no, kOld);
  CHECK(no.reply == ReplyClass::Degraded);  // the new address has been served by now
}

TEST_CASE("authorisation: our own address tells a change too, where the carrier does not say what it sees; one that never served us tells none") {
  Authorisation a;
  auto no = answered(403, ReplyClass::Degraded);
  CHECK(a.on(no, kNew) == News::None);
  CHECK(no.reply == ReplyClass::Degraded);
  auto ok = answered(200);
  a.on(ok, kOld);
  no = answered(403, ReplyClass::Degraded);
  a.on(no, std::nullopt);
  CHECK(no.reply == ReplyClass::Degraded);
  no = answered(403, ReplyClass::Degraded);
  CHECK(a.on(no, kNew) == News::ForbiddenSinceChange);
}

TEST_CASE("authorisation: refused credentials are our mistake: degraded, not down; a challenge that is being answered is no answer") {
  Authorisation a;
  auto o = answered(401);
  o.authorisation = SipAuthorisation::Challenged;
  CHECK(a.on(o, kOld) == News::None);
  CHECK(a.layer() == Layer::Unknown);
  o.authorisation = SipAuthorisation::Refused;
  CHECK(a.on(o, kOld) == News::CredentialsRefused);
  CHECK(o.reply == ReplyClass::Degraded);
  CHECK(a.layer() == Layer::No);
  o = answered(404);
  o.authorisation = SipAuthorisation::Accepted;
  CHECK(a.on(o, kOld) == News::Authorised);
  CHECK(o.reply == ReplyClass::Up);
}

TEST_CASE("authorisation: an address outside the expected one is told once for each such address, and never without an expectation") {
  Authorisation a;
  const auto expected = model::Prefix::parse("192.0.2.0/24");
  CHECK_FALSE(a.sees(answered(200), expected));
  CHECK_FALSE(a.sees(answered(200, ReplyClass::Up, kOld), expected));
  CHECK(a.sees(answered(200, ReplyClass::Up, kNew), expected));
  CHECK_FALSE(a.sees(answered(200, ReplyClass::Up, kNew), expected));
  CHECK(a.from_elsewhere());
  CHECK_FALSE(a.sees(answered(200, ReplyClass::Up, kOld), expected));
  CHECK_FALSE(a.from_elsewhere());
  CHECK_FALSE(a.sees(answered(200, ReplyClass::Up, kNew), std::nullopt));
}

TEST_CASE("answers: the address that was served is remembered, so that a change during a restart is noticed") {
  PathAnswers before;
  auto ok = answered(200, ReplyClass::Up, kOld);
  before.authorisation.on(ok, kOld);
  before.baseline.on(200, ReplyClass::Up);
  PathAnswers after;
  REQUIRE(after.recall(before.to_text()));
  auto no = answered(403, ReplyClass::Degraded, kNew);
  CHECK(after.authorisation.on(no, kOld) == News::ForbiddenSinceChange);
  CHECK_FALSE(after.recall("200:20"));
  CHECK_FALSE(after.recall("200:20;192.0.2.7"));
  CHECK_FALSE(after.recall("200:20;x/-"));
}

TEST_CASE("layers: who answers is reachable, 2xx and busy take calls, 404 alone does not tell, and who does not know us takes none") {
  const auto layers = [](Health h, model::Cause cause, int code, bool refused = false) {
    PathAnswers answers;
    if (refused) {
      auto o = answered(401);
      o.authorisation = SipAuthorisation::Refused;
      answers.authorisation.on(o, kOld);
    }
    model::PathStatus p{.carrier = {}, .circuit = {}, .verdict = {h, cause, 0, kStart}, .reason = {}, .last_code = code, .rtt = {}, .last_good = {}};
    answers.fill(p);
    return std::pair(p.reachable, p.takes_calls);
  };
  using model::Cause;
  CHECK(layers(Health::Up, Cause::Answering, 200) == std::pair(Layer::Yes, Layer::Yes));
  CHECK(layers(Health::Up, Cause::Answering, 486) == std::pair(Layer::Yes, Layer::Yes));
  CHECK(layers(Health::Up, Cause::Answering, 404) == std::pair(Layer::Yes, Layer::Unknown));
  CHECK(layers(Health::Down, Cause::SipRejected, 503) == std::pair(Layer::Yes, Layer::No));
  CHECK(layers(Health::Down, Cause::SipTimeout, 200) == std::pair(Layer::No, Layer::No));
  CHECK(layers(Health::Down, Cause::CircuitDown, 200) == std::pair(Layer::Unknown, Layer::Unknown));
  CHECK(layers(Health::Degraded, Cause::SipUnauthorised, 401, true) == std::pair(Layer::Yes, Layer::No));
}

TEST_CASE("path: 503 with Retry-After means down at once, without it a second one is wanted") {
  Path with, without;
  CHECK(with.say(503, ReplyClass::Down, kStart, 30s) == Health::Down);
  CHECK(with.health.verdict().cause == model::Cause::SipRejected);
  CHECK(without.say(503, ReplyClass::Down, kStart) == Health::Up);
  Path nothing;
  CHECK(nothing.say(503, ReplyClass::Down, kStart, 0s) == Health::Up);
}

TEST_CASE("path: a busy carrier that says for how long is down, other codes with Retry-After are read as ever") {
  Path busy, other;
  CHECK(busy.say(480, ReplyClass::Busy, kStart, 30s) == Health::Down);
  CHECK(other.say(486, ReplyClass::Busy, kStart, 30s) == Health::Up);
}

TEST_CASE("path: Retry-After ends with good answers, as many as any recovery wants, long before its time") {
  Path p;
  p.say(503, ReplyClass::Down, kStart, 1h);
  CHECK(p.say(200, ReplyClass::Up, kStart + 10s) == Health::Down);
  CHECK(p.say(200, ReplyClass::Up, kStart + 20s) == Health::Up);
}

TEST_CASE("path: a challenge that is being answered is a sign of life, and neither good nor bad") {
  Path p;
  p.say(503, ReplyClass::Down, kStart, 30s);
  for (int n = 1; n < 5; ++n) CHECK(p.say(401, ReplyClass::Up, kStart + n * 10s, std::nullopt, SipAuthorisation::Challenged) == Health::Down);
  CHECK(p.health.last_code() == 503);
}
