#include <doctest/doctest.h>

#include "controller/operations/overrides.hpp"
#include "tests/support/virtual_site.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using operations::mistake;
using operations::OverrideRequest;

namespace {
const model::Site kSite = tests::two_by_two();
const OverrideRequest kGood{.subject = "voice", .to = "coax", .lasting = 30min, .reason = "CHG-1182"};
}  // namespace

TEST_CASE("overrides: a sensible order has no mistake") {
  CHECK_FALSE(mistake(kSite, kGood).has_value());
  CHECK_FALSE(mistake(kSite, {.subject = "outbound", .to = "south", .lasting = 1s, .reason = "drill"}).has_value());
  CHECK_FALSE(mistake(kSite, {.kind = model::OverrideKind::Hold, .lasting = 1h, .reason = "freeze"}).has_value());
}

TEST_CASE("overrides: names that do not exist are answered with those that do") {
  auto r = kGood;
  r.subject = "voce";
  CHECK(mistake(kSite, r)->remedy.find("voice") != std::string::npos);
  r = kGood;
  r.to = "north";
  CHECK(mistake(kSite, r)->remedy.find("fiber, coax") != std::string::npos);
  r = {.subject = "outbound", .to = "coax", .lasting = 1h, .reason = "x"};
  CHECK(mistake(kSite, r)->remedy.find("north, south") != std::string::npos);
  r = {.subject = "", .to = "coax", .lasting = 1h, .reason = "x"};  // a force needs a subject
  CHECK(mistake(kSite, r).has_value());
}

TEST_CASE("overrides: length and reason at their bounds") {
  auto r = kGood;
  for (const auto& [lasting, wrong] :
       std::vector<std::pair<std::chrono::seconds, bool>>{{0s, true}, {1s, false}, {168h, false}, {168h + 1s, true}, {-5s, true}}) {
    r.lasting = lasting;
    CAPTURE(lasting.count());
    CHECK(mistake(kSite, r).has_value() == wrong);
  }
  r = kGood;
  r.reason = " \t ";
  CHECK(mistake(kSite, r).has_value());
  r.reason = std::string(500, 'x');
  CHECK_FALSE(mistake(kSite, r).has_value());
  r.reason += 'x';
  CHECK(mistake(kSite, r).has_value());
}

TEST_CASE("overrides: the newest word on a subject replaces the older, and each ends at its time") {
  operations::Overrides all;
  const model::WallTime now{1000s};
  CHECK(all.add({.id = 1, .subject = "voice", .to = "coax", .until = now + 10s}).empty());
  CHECK(all.add({.id = 2, .kind = model::OverrideKind::Hold, .subject = "voice", .until = now + 20s}).empty());
  CHECK(all.add({.id = 3, .subject = "voice", .to = "fiber", .until = now + 30s}).front().id == 1);
  CHECK(*all.next_expiry() == now + 20s);
  CHECK(all.expire(now + 20s - 1ms).empty());
  CHECK(all.expire(now + 20s).front().id == 2);
  CHECK(all.release(99, "").empty());
  CHECK(all.release(0, "voice").front().id == 3);
  CHECK_FALSE(all.next_expiry().has_value());
}
