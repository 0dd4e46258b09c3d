// The driver of Kamailio with a real Kamailio that runs the shipped sample configuration, held to the contract of all drivers. What stands is
// looked at by another client of its RPC than ours.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "carriers/trunks/order_codec.hpp"
#include "tests/sockets/namespace.hpp"
#include "tests/sockets/programs.hpp"
#include "tests/support/driver_contract.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using tests::output_of;
using tests::wait_for;
using trunks::Order;

namespace {

class KamailioPeer final : public tests::Peer {
 public:
  KamailioPeer() {
    for (const auto* file : {"kamailio.sample.cfg", "linekeeper.cfg"})
      std::filesystem::copy_file(std::string(LK_KAMAILIO_DIR) + "/" + file, dir / file);
    std::filesystem::copy_file(LK_KAMAILIO_DIR "/dispatcher.list.example", dir / "dispatcher.list");
    start();
  }

  void start() {
    const auto defined = [](const std::string& name, const std::string& value) { return std::vector<std::string>{"-A", name + "=" + value}; };
    std::vector<std::string> argv{"kamailio", "-DD", "-E", "-f", dir / "kamailio.sample.cfg", "-Y", dir.path.string(), "-P", dir / "pid",
                                  "-m",       "32",  "-M", "4"};
    for (const auto& words :
         {defined("LK_SOCKET", "\"" + socket() + "\""), defined("LK_DISPATCHER_LIST", "\"" + (dir / "dispatcher.list") + "\""),
          defined("LK_LISTEN_LAN", "udp:127.0.0.1:5060"), defined("LK_LISTEN_FIBER", "udp:127.0.0.1:5061"),
          defined("LK_LISTEN_COAX", "udp:127.0.0.1:5062"), defined("LK_HEP", "\"sip:127.0.0.1:9060\""), defined("LK_CHILDREN", "1")})
      argv.insert(argv.end(), words.begin(), words.end());
    kamailio_.emplace(argv);
    REQUIRE_MESSAGE(wait_for([&] { return rpc("'core.version'").contains("kamailio"); }), "Kamailio does not start");
  }
  void restart() {
    kamailio_.reset();
    start();
  }
  [[nodiscard]] std::string socket() const { return dir / "rpc.sock"; }
  [[nodiscard]] model::Pbx pbx() const {
    model::Pbx p;
    p.name = "kam";
    p.driver = model::PbxDriver::Kamailio;
    p.rpc_socket = socket();
    p.htable = "lk";
    p.lease = 4s;
    p.refresh = 1s;
    p.reply_timeout = 500ms;
    return p;
  }
  std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                         trunks::Pace pace) override {
    return trunks::make_driver(executor, pbx(), dir.path.string(), std::move(on_report), pace);
  }
  std::optional<Order> holds(const std::string& key) override {
    const std::string said = rpc("'htable.get', 'lk', '" + key + "'");
    const auto at = said.find("'value': '");
    if (at == std::string::npos) return std::nullopt;
    const auto sets = trunks::parse_order(said.substr(at + 10, said.find('\'', at + 10) - at - 10));
    if (!sets) return std::nullopt;
    Order order;
    for (const int set : *sets) order.push_back(std::to_string(set));
    return order;
  }
  void change(const std::string& key, const Order& order) override {
    std::vector<int> sets;
    for (const auto& way : order) sets.push_back(std::stoi(way));
    rpc("'htable.sets', 'lk', '" + key + "', '" + *trunks::encode_order(sets) + "'");
    rpc("'htable.setex', 'lk', '" + key + "', 60");
  }
  void lose_everything() override { rpc("'htable.flush', 'lk'"); }
  /// All its processes: its RPC is answered by one of them.
  void hang(bool hangs) override {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream stat(entry.path() / "stat");
      std::string text{std::istreambuf_iterator<char>(stat), {}};
      const auto state = text.rfind(')');
      if (state == std::string::npos) continue;
      if (std::stoi(text.substr(state + 4)) == kamailio_->pid()) ::kill(std::stoi(entry.path().filename()), hangs ? SIGSTOP : SIGCONT);
    }
    ::kill(kamailio_->pid(), hangs ? SIGSTOP : SIGCONT);
  }
  Order ways() override { return {"11", "21", "12", "22"}; }
  /// Kamailio counts whole seconds, and its RPC shows what has ended until its timer has looked, each 5 s (timer_interval of linekeeper.cfg).
  std::optional<std::chrono::milliseconds> lease() override { return std::chrono::ceil<std::chrono::milliseconds>(pbx().lease + 6s); }

  std::string rpc(const std::string& words) const {
    return output_of("cd " LK_LAB_DIR " && python3 -B -c \"import rpc; print(rpc.call('" + socket() + "', " + words + "))\"");
  }

  tests::TempDir dir;

 private:
  std::optional<tests::Child> kamailio_;
};

}  // namespace

TEST_CASE("contract: Kamailio by its RPC") {
  KamailioPeer peer;
  tests::hold_to_contract(peer);
}

TEST_CASE("kamailio: what a restart or a flush has lost is put back, and told once") {
  KamailioPeer peer;
  tests::DriverBench bench(peer);
  REQUIRE(bench.apply("order", {"21", "11"}));
  CHECK(peer.holds("order") == Order{"21", "11"});
  peer.restart();
  CHECK(bench.until([&] { return peer.holds("order") == Order{"21", "11"}; }));
  peer.rpc("'htable.sets', 'lk', 'order', '11=8;21=8'");  // somebody's hand
  CHECK(bench.until([&] { return peer.holds("order") == Order{"21", "11"}; }));
  peer.rpc("'dispatcher.reload'");  // touches no order
  CHECK_FALSE(bench.until([] { return false; }, 500ms));
  CHECK(peer.holds("order") == Order{"21", "11"});
}

TEST_CASE("kamailio: a table that is not there is told with what to load, and nothing is claimed") {
  KamailioPeer peer;
  boost::asio::io_context io;
  auto pbx = peer.pbx();
  pbx.htable = "nosuch";
  auto driver = trunks::make_driver(io.get_executor(), pbx, peer.dir.path.string(), [](const trunks::PbxReport&) {});
  std::optional<model::Result<void>> answer;
  driver->start();
  driver->apply("order", {"11"}, 1, [&](model::Result<void> r) { answer = std::move(r); });
  REQUIRE(tests::run_until(io, [&] { return answer.has_value(); }));
  driver->stop();
  REQUIRE_FALSE(*answer);
  CAPTURE(answer->error().to_string());
  CHECK(answer->error().remedy.contains("linekeeper.cfg"));
}
