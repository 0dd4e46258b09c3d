#pragma once
// What every trunk driver is held to (carriers/trunks/driver.hpp), over any PBX that can be looked into, changed and made to hang. Each
// driver's test gives a Peer of its own: a wire in memory, a program, a real PBX.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <optional>
#include <vector>

#include "carriers/trunks/driver.hpp"

namespace linekeeper::tests {

class Peer {
 public:
  Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer() = default;
  /// A driver for it, not started.
  virtual std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                                 trunks::Pace pace) = 0;
  /// What it holds in force now under that key; nothing: no order of ours.
  virtual std::optional<trunks::Order> holds(const std::string& key) = 0;
  virtual void change(const std::string& key, const trunks::Order& order) = 0;  ///< as a hand would
  virtual void lose_everything() = 0;                                           ///< as a restart would
  virtual void hang(bool hangs) = 0;                                            ///< it does not answer any more, and again
  /// Some ways that it knows, four at least.
  virtual trunks::Order ways() = 0;
  /// How long a renewed order may be in force after our end, if that can be waited for here; nothing: it cannot.
  virtual std::optional<std::chrono::milliseconds> lease() { return std::nullopt; }
};

/// One driver under test, in a loop that runs until something is so; a condition that does not come fails the test after `patience`.
class DriverBench {
 public:
  explicit DriverBench(Peer& peer, trunks::Pace pace = {.look = std::chrono::milliseconds(20),
                                                        .retry_first = std::chrono::milliseconds(10),
                                                        .retry_last = std::chrono::milliseconds(40)})
      : driver(peer.driver(io.get_executor(), [this](const trunks::PbxReport& r) { reports.push_back(r); }, pace)) {
    driver->start();
  }

  template <class Condition>
  bool until(Condition condition, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition() && std::chrono::steady_clock::now() < end) io.run_one_for(std::chrono::milliseconds(20));
    return condition();
  }
  model::Result<void> apply(const std::string& key, const trunks::Order& order) {
    std::optional<model::Result<void>> answer;
    driver->apply(key, order, order.size(), [&](model::Result<void> r) { answer = std::move(r); });
    REQUIRE(until([&] { return answer.has_value(); }));
    return *answer;
  }
  model::Result<std::optional<trunks::Order>> read(const std::string& key) {
    std::optional<model::Result<std::optional<trunks::Order>>> answer;
    driver->read(key, [&](model::Result<std::optional<trunks::Order>> r) { answer = std::move(r); });
    REQUIRE(until([&] { return answer.has_value(); }));
    return *answer;
  }
  [[nodiscard]] bool in_sync() const { return !reports.empty() && reports.back().in_sync; }
  [[nodiscard]] long corrections() const { return std::ranges::count_if(reports, &trunks::PbxReport::corrected); }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard = boost::asio::make_work_guard(io);
  std::vector<trunks::PbxReport> reports;
  std::unique_ptr<trunks::Driver> driver;
};

/// The contract. To be called in a TEST_CASE of the driver's, with a fresh peer each time: it is made of subcases.
inline void hold_to_contract(Peer& peer) {
  using trunks::Order;
  const Order w = peer.ways();
  REQUIRE(w.size() >= 4);
  const Order first{w[1], w[0], w[2]}, second{w[2], w[1], w[0], w[3]};

  SUBCASE("an order stands when it is said to stand, is read back, and a shorter and a longer one take its place") {
    DriverBench bench(peer);
    CHECK_FALSE(bench.read("order").value_or(Order{}));
    REQUIRE(bench.apply("order", first));
    CHECK(peer.holds("order") == first);
    CHECK(bench.read("order").value() == first);
    CHECK(bench.in_sync());
    REQUIRE(bench.apply("order", second));
    CHECK(peer.holds("order") == second);
    REQUIRE(bench.apply("order", {w[3]}));
    CHECK(peer.holds("order") == Order{w[3]});
    CHECK(bench.corrections() == 0);
  }
  SUBCASE("two keys stand beside each other") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    REQUIRE(bench.apply("other", second));
    CHECK(peer.holds("order") == first);
    CHECK(peer.holds("other") == second);
  }
  SUBCASE("an order that is empty, too long, or names a way twice, and an odd key, are refused, and nothing changes") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    CHECK_FALSE(bench.apply("order", {}));
    CHECK_FALSE(bench.apply("order", {w[0], w[1], w[0]}));
    CHECK_FALSE(bench.apply("order", Order(trunks::kMostWays + 1, w[0])));
    CHECK_FALSE(bench.apply("a b", first));
    CHECK_FALSE(bench.apply("a\r\nb", first));
    CHECK(peer.holds("order") == first);
    CHECK(bench.in_sync());
  }
  SUBCASE("the latest order wins; the one it overtakes is answered with ECANCELED") {
    DriverBench bench(peer);
    std::vector<int> codes;
    for (const Order& o : {first, second, first, second})
      bench.driver->apply("order", o, o.size(), [&](const model::Result<void>& r) { codes.push_back(r ? 0 : r.error().code); });
    REQUIRE(bench.until([&] { return codes.size() == 4; }));
    CHECK(std::ranges::count(codes, ECANCELED) == 3);
    CHECK(codes.back() == 0);
    CHECK(peer.holds("order") == second);
  }
  SUBCASE("a PBX that has lost everything is given the order again, and that is told as a correction") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    peer.lose_everything();
    CHECK(bench.until([&] { return bench.corrections() == 1; }));
    CHECK(peer.holds("order") == first);
  }
  SUBCASE("a hand's change is put right three times, then left alone and said") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    for (int i = 1; i <= 3; ++i) {
      peer.change("order", second);
      REQUIRE(bench.until([&] { return bench.corrections() == i; }));
      CHECK(peer.holds("order") == first);
    }
    peer.change("order", second);
    CHECK(bench.until([&] { return !bench.in_sync(); }));
    CHECK(peer.holds("order") == second);
    CHECK(bench.reports.back().detail.find("3 times in 10 minutes") != std::string::npos);
  }
  SUBCASE("a PBX that hangs is told as out of sync, and has the order wanted last as soon as it answers again") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    peer.hang(true);
    CHECK_FALSE(bench.apply("order", second));
    CHECK_FALSE(bench.in_sync());
    CHECK_FALSE(bench.reports.back().detail.empty());
    peer.hang(false);
    CHECK(bench.until([&] { return bench.in_sync(); }));
    CHECK(peer.holds("order") == second);
  }
  SUBCASE("stopped, nothing is called back any more") {
    DriverBench bench(peer);
    REQUIRE(bench.apply("order", first));
    int called = 0;
    bench.driver->apply("order", second, second.size(), [&](const model::Result<void>&) { ++called; });
    bench.driver->read("order", [&](const model::Result<std::optional<Order>>&) { ++called; });
    const auto told = bench.reports.size();
    bench.driver->stop();
    CHECK_FALSE(bench.until([&] { return called > 0 || bench.reports.size() > told; }, std::chrono::milliseconds(300)));
  }
  SUBCASE("another life of ours reads what stands, and takes it over") {
    {
      DriverBench bench(peer);
      REQUIRE(bench.apply("order", first));
    }
    DriverBench bench(peer);
    CHECK(bench.read("order").value() == first);
    REQUIRE(bench.apply("order", first));
    CHECK(bench.corrections() == 0);
  }
  if (const auto lease = peer.lease()) {
    SUBCASE("the order ends with its lease when we are gone, and stands longer than that while we live") {
      DriverBench bench(peer);
      REQUIRE(bench.apply("order", first));
      CHECK_FALSE(bench.until([&] { return peer.holds("order") != first; }, *lease + *lease / 2));
      // Looking takes its time, in which nothing is read: a renewal may be half done for that alone, and one that is has another end.
      bench.io.run_for(std::chrono::milliseconds(500));
      bench.driver->stop();
      CHECK(bench.until([&] { return !peer.holds("order"); }, *lease + std::chrono::seconds(3)));
    }
  }
}

}  // namespace linekeeper::tests
