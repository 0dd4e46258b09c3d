// What is told of carriers beside their health: certificates, fourteen days before they end, once a day, and again for another one; and that they ask
// for less.
#include <doctest/doctest.h>

#include "controller/daemon/certificate_watch.hpp"
#include "controller/daemon/overload_watch.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using daemon::CertificateWatch;
using model::EventId;
using model::SipFault;
using model::SipResult;
using model::WallTime;

namespace {

constexpr WallTime kToday{std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)};
constexpr auto kDay = std::chrono::hours(24);

struct Watch {
  CertificateWatch watch;
  WallTime now = kToday;

  std::string told(WallTime ends, const std::string& carrier = "north") {
    const auto t = watch.on({.result = SipResult::Final, .certificate_ends = ends}, carrier, now);
    if (!t) return {};
    CHECK(t->id == EventId::CarrierCertificate);
    return t->text;
  }
  std::optional<CertificateWatch::Told> on(SipResult result, SipFault fault) { return watch.on({.result = result, .fault = fault}, "north", now); }
};

}  // namespace

TEST_CASE("certificate watch: nothing is told while it lasts fourteen days, and from a moment less on it is, in days") {
  Watch w;
  CHECK(w.told(kToday + 14 * kDay).empty());
  CHECK(w.told(kToday + 14 * kDay - 1ms) == "A certificate that north shows ends in 13 days: after that TLS with it fails.");
  CHECK(Watch{}.told(kToday + 2 * kDay) == "A certificate that north shows ends in 2 days: after that TLS with it fails.");
  CHECK(Watch{}.told(kToday + 2 * kDay - 1ms) == "A certificate that north shows ends in one day: after that TLS with it fails.");
  CHECK(Watch{}.told(kToday + kDay - 1ms) == "A certificate that north shows ends in less than a day: after that TLS with it fails.");
  CHECK(Watch{}.told(kToday + 1ms) == "A certificate that north shows ends in less than a day: after that TLS with it fails.");
  CHECK(Watch{}.told(kToday) == "A certificate that north shows has ended: TLS with it fails.");
}

TEST_CASE("certificate watch: the same one is told once a day, another at once, each carrier for itself") {
  Watch w;
  const WallTime ends = kToday + 10 * kDay;
  CHECK_FALSE(w.told(ends).empty());
  w.now += kDay - 1ms;
  CHECK(w.told(ends).empty());
  CHECK_FALSE(w.told(ends + 1ms).empty());
  CHECK_FALSE(w.told(ends, "south").empty());
  w.now += 1ms;
  CHECK(w.told(ends + 1ms).empty());  // told a moment ago
  CHECK_FALSE(w.told(ends).empty());
  CHECK(w.told(kToday + 90 * kDay).empty());  // renewed
  CHECK_FALSE(w.told(ends).empty());          // and one of its servers still shows the old
}

TEST_CASE("certificate watch: files of ours that cannot be used are told once, and again after TLS has worked in between") {
  Watch w;
  const auto first = w.on(SipResult::LocalError, SipFault::OurTlsFiles);
  REQUIRE(first);
  CHECK(first->id == EventId::CarrierTlsFiles);
  CHECK(first->text.starts_with("north cannot be asked over TLS: "));
  CHECK_FALSE(w.on(SipResult::LocalError, SipFault::OurTlsFiles));
  CHECK_FALSE(w.on(SipResult::LocalError, SipFault::None));  // another trouble of ours says nothing of the files
  CHECK_FALSE(w.on(SipResult::LocalError, SipFault::OurTlsFiles));
  CHECK_FALSE(w.on(SipResult::Timeout, SipFault::None));
  CHECK(w.on(SipResult::LocalError, SipFault::OurTlsFiles));
}

TEST_CASE("overload watch: who asks for less is told once, and again after ten minutes without it; nothing less is nothing") {
  daemon::OverloadWatch watch;
  model::Instant now(1h);
  CHECK_FALSE(watch.on({.percent = 0, .valid = 1s}, "north", now));
  CHECK(watch.on({.percent = 20, .valid = 1s}, "north", now) ==
        "north is overloaded and asks for 20 % less (RFC 7339): it is asked nothing out of turn.");
  CHECK(watch.on({.percent = 20, .valid = 1s}, "south", now));
  now += 10min - 1ns;
  CHECK_FALSE(watch.on({.percent = 60, .valid = 1s}, "north", now));
  now += 10min - 1ns;
  CHECK_FALSE(watch.on({.percent = 60, .valid = 1s}, "north", now));
  now += 10min;
  CHECK(watch.on({.percent = 60, .valid = 1s}, "north", now));
}
