#pragma once
// A driver in a directory of its own, with what it reported, and a loop that runs until something is so.
#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "carriers/trunks/driver.hpp"
#include "tests/support/temp_dir.hpp"

namespace linekeeper::trunks {

using tests::TempDir;

struct TrunkBench {
  TempDir dir;
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard = boost::asio::make_work_guard(io);
  model::Pbx pbx;
  std::string directory = dir.path.string();
  std::vector<PbxReport> reports;
  std::unique_ptr<Driver> driver;

  TrunkBench() {
    pbx.name = "kam";
    pbx.rpc_socket = dir / "kamailio.sock";
  }

  void start(Pace pace = {}) {
    driver = make_driver(io.get_executor(), pbx, directory, [this](const PbxReport& r) { reports.push_back(r); }, pace);
    driver->start();
  }
  template <class Condition>
  void until(Condition condition) {
    while (!condition()) io.run_one();
  }
  [[nodiscard]] PbxReport last() const { return reports.empty() ? PbxReport{} : reports.back(); }
  [[nodiscard]] long corrections() const {
    return std::count_if(reports.begin(), reports.end(), [](const PbxReport& r) { return r.corrected; });
  }

  model::Result<void> apply(const std::string& key, const Order& order) {
    std::optional<model::Result<void>> answer;
    driver->apply(key, order, order.size(), [&](model::Result<void> r) { answer = std::move(r); });
    until([&] { return answer.has_value(); });
    return *answer;
  }
  model::Result<std::optional<Order>> read(const std::string& key) {
    std::optional<model::Result<std::optional<Order>>> answer;
    driver->read(key, [&](model::Result<std::optional<Order>> r) { answer = std::move(r); });
    until([&] { return answer.has_value(); });
    return *answer;
  }
};

}  // namespace linekeeper::trunks
