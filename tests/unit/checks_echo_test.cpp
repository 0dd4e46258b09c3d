#include <doctest/doctest.h>

#include <cerrno>
#include <string>

#include "probes/checks/echo_findings.hpp"
#include "probes/checks/sized_echo.hpp"

using namespace linekeeper;
using namespace linekeeper::probes;
using namespace std::chrono_literals;
using model::CheckOutcome;
using model::CheckResult;

namespace {

constexpr runtime::HashKey kKey{1, 2};
model::IpAddress ip(const char* text) { return *model::IpAddress::parse(text); }

std::vector<std::uint8_t> reply(const model::IpAddress& host, std::uint16_t sequence, std::size_t size) {
  auto packet = sized_echo(kKey, host, sequence, size);
  packet[0] = host.family == model::Family::V4 ? 0 : 129;
  return packet;
}

/// A series of mtu_series, with so many small and large ones answered.
std::vector<EchoFate> mtu_fates(int small, int large) {
  std::vector<EchoFate> fates;
  for (const EchoWanted& w : mtu_series(1500)) {
    int& left = w.size == 1500 ? large : small;
    fates.push_back({.wanted = w, .round_trip = left-- > 0 ? std::optional<model::Duration>(12ms) : std::nullopt});
  }
  return fates;
}
CheckOutcome read(const std::vector<EchoFate>& fates) {
  CheckOutcome out;
  read_mtu(fates, 1500, out);
  return out;
}
EchoError from_network(int error, bool too_big = false, std::uint32_t mtu = 0, const char* from = "198.51.100.1") {
  return {.from_network = true, .error = error, .too_big = too_big, .mtu = mtu, .from = ip(from)};
}

}  // namespace

TEST_CASE("sized echo: answers are known whole, by target, sequence and size, and by nothing less") {
  for (const char* host : {"192.0.2.1", "2001:db8::1"}) {
    for (const std::size_t size : {kSmallestSizedEcho, std::size_t{1480}}) {
      const auto good = reply(ip(host), 513, size);
      CHECK(good.size() == size);
      CHECK(parse_sized_reply(kKey, ip(host), good) == 513);
      CHECK_FALSE(parse_sized_reply({1, 3}, ip(host), good));
      CHECK_FALSE(parse_sized_reply(kKey, ip("192.0.2.2"), good));
      auto shorter = good;
      shorter.pop_back();
      CHECK_FALSE(parse_sized_reply(kKey, ip(host), shorter));
      auto longer = good;
      longer.push_back(0);
      CHECK_FALSE(parse_sized_reply(kKey, ip(host), longer));
      for (const std::size_t at : {0U, 1U, 6U, 7U, 8U, 15U, 16U, 17U, 18U, 19U, 24U, 31U}) {
        auto bad = good;
        bad[at] ^= 1;
        CAPTURE(at);
        CHECK_FALSE(parse_sized_reply(kKey, ip(host), bad));
      }
    }
  }
}

TEST_CASE("sized echo: a quote of 8 bytes is enough for an error, a longer one must be ours") {
  const auto request = sized_echo(kKey, ip("192.0.2.1"), 7, 1480);
  const auto first = [&](std::size_t n) { return std::span(request).first(n); };
  CHECK_FALSE(parse_sized_quote(kKey, ip("192.0.2.1"), first(7)));
  CHECK(parse_sized_quote(kKey, ip("192.0.2.1"), first(8)) == 7);
  CHECK(parse_sized_quote(kKey, ip("192.0.2.1"), first(31)) == 7);
  CHECK(parse_sized_quote(kKey, ip("192.0.2.1"), first(32)) == 7);
  CHECK_FALSE(parse_sized_quote(kKey, ip("192.0.2.9"), first(32)));
  CHECK_FALSE(parse_sized_quote(kKey, ip("2001:db8::1"), first(8)));
}

TEST_CASE("mtu: a large one answered is well; two small ones and no large one are a hole; one small one tells nothing") {
  CHECK(read(mtu_fates(3, 3)).result == CheckResult::Well);
  CHECK(read(mtu_fates(0, 1)).result == CheckResult::Well);
  CHECK(read(mtu_fates(3, 0)).result == CheckResult::Hole);
  CHECK(read(mtu_fates(2, 0)).result == CheckResult::Hole);
  CHECK(read(mtu_fates(1, 0)).result == CheckResult::Silent);
  CHECK(read(mtu_fates(0, 0)).result == CheckResult::Silent);
  CHECK(read(mtu_fates(3, 0)).code == 0);
  CHECK(read(mtu_fates(3, 0)).detail == "64 bytes answered 3 of 3 times, 1500 bytes never, and nobody says why");
}

TEST_CASE("mtu: who says that it is too big is told, with what fits; no hole is made of any error") {
  auto fates = mtu_fates(3, 0);
  fates[1].error = from_network(EMSGSIZE, true, 1420);
  auto out = read(fates);
  CHECK(out.result == CheckResult::TooBig);
  CHECK(out.code == 1420);
  CHECK(out.detail == "1500 bytes do not pass, 198.51.100.1 says: 1420 fit");
  fates[1].error->mtu = 0;  // routers from before RFC 1191
  CHECK(read(fates).detail == "1500 bytes do not pass, 198.51.100.1 says: how many would fit is not said");
  fates[1].error = from_network(EHOSTUNREACH);
  CHECK(read(fates).result == CheckResult::Refused);
  fates[1].error = EchoError{.error = ENOBUFS};
  out = read(fates);
  CHECK(out.result == CheckResult::LocalError);
  CHECK(out.code == ENOBUFS);
  fates = mtu_fates(3, 0);
  fates[0].error = from_network(EMSGSIZE, true, 60);  // of a small one: says nothing of the large ones
  CHECK(read(fates).result == CheckResult::Hole);
}

TEST_CASE("hops: in order, silent ones as gaps, nothing behind the target, and never more than asked") {
  const auto target = ip("203.0.113.9");
  std::vector<EchoFate> fates;
  for (const EchoWanted& w : hops_series(6)) fates.push_back({.wanted = w});
  CHECK(fates.size() == 12);
  const auto expired = [](const char* from) {
    EchoError e = from_network(EHOSTUNREACH, false, 0, from);
    e.expired = true;
    return e;
  };
  CheckOutcome none;
  read_hops(fates, target, none);
  CHECK(none.result == CheckResult::Silent);
  CHECK(none.hops.empty());
  fates[0].error = expired("10.0.0.1");
  fates[6 + 2].error = expired("198.51.100.1");  // the second try of the third
  for (const std::size_t i : {3U, 4U, 5U}) fates[i].round_trip = 9ms;
  CheckOutcome out;
  read_hops(fates, target, out);
  CHECK(out.result == CheckResult::Well);
  CHECK(out.hops == std::vector{ip("10.0.0.1"), model::IpAddress{}, ip("198.51.100.1"), target});
  CHECK(out.detail == "by 10.0.0.1, silent, 198.51.100.1, 203.0.113.9");
  fates[1].error = from_network(EHOSTUNREACH);  // unreachable is no hop
  CheckOutcome again;
  read_hops(fates, target, again);
  CHECK(again.hops == out.hops);
}

TEST_CASE("mtu: by halves any size is found that passes a hole, within eleven steps from 64 to 1500 bytes") {
  for (int largest = 64; largest < 1500; ++largest) {
    SizeSearch search(64, 1500);
    int steps = 0;
    for (int most = search.steps_left(); search.steps_left() > 0 && steps < 20; ++steps, --most) {
      CHECK(search.steps_left() <= most);
      search.heard(search.next() <= largest);
    }
    CHECK(steps <= 11);
    CHECK(search.largest() == largest);
  }
  CHECK(SizeSearch(64, 1500).steps_left() == 11);
  CHECK(SizeSearch(64, 66).steps_left() == 1);
  CHECK(SizeSearch(64, 65).steps_left() == 0);
  CheckOutcome out = read(mtu_fates(3, 0));
  read_largest(1420, out);
  CHECK(out.code == 1420);
  CHECK(out.detail == "64 bytes answered 3 of 3 times, 1500 bytes never, and nobody says why; 1420 bytes are the most that pass");
}

TEST_CASE("mtu: a size is searched for only where an answer would come within its step, at twice the longest round trip seen") {
  const SizeSearch search(64, 1500);
  const auto fates = mtu_fates(3, 0);  // 12 ms each
  CHECK(search_step(search, fates, 11 * 24ms) == 24ms);
  CHECK_FALSE(search_step(search, fates, 11 * 24ms - 1ms));
  CHECK_FALSE(search_step(SizeSearch(64, 65), fates, 1s));
}
