// The contract of trunk drivers (tests/support/driver_contract.hpp): what all of them share, over a wire in memory; and the command driver,
// with the example program that ships.
#include <doctest/doctest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "carriers/trunks/command_wire.hpp"
#include "carriers/trunks/leased_orders.hpp"
#include "carriers/trunks/program_run.hpp"
#include "tests/support/driver_contract.hpp"
#include "tests/support/temp_dir.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using trunks::Order;
using trunks::Wire;

namespace {

model::Pbx quick_pbx() {
  model::Pbx pbx;
  pbx.name = "pbx";
  pbx.lease = 2s;
  pbx.refresh = 1h;
  pbx.reply_timeout = 50ms;
  return pbx;
}

/// A PBX in memory that answers later, or not at all.
class MemoryPeer final : public tests::Peer {
 public:
  std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                         trunks::Pace pace) override {
    return std::make_unique<trunks::LeasedOrders>(executor, quick_pbx(), std::make_unique<MemoryWire>(*this, executor), std::move(on_report), pace);
  }
  std::optional<Order> holds(const std::string& key) override {
    const auto found = table.find(key);
    return found == table.end() ? std::nullopt : std::optional(found->second.order);
  }
  void change(const std::string& key, const Order& order) override { table[key].order = order; }
  void lose_everything() override { table.clear(); }
  void hang(bool hangs) override { hanging = hangs; }
  Order ways() override { return {"a", "b", "c", "d"}; }

  std::map<std::string, Wire::Standing> table;
  bool hanging = false;
  bool keeps_leases = true;
  bool obeys = true;

 private:
  class MemoryWire final : public Wire {
   public:
    MemoryWire(MemoryPeer& peer, const boost::asio::any_io_executor& executor) : peer_(peer), executor_(executor), timer_(executor) {}
    [[nodiscard]] std::optional<model::Error> refuses(const Order&) const override { return std::nullopt; }
    void write(const std::string& key, const Order& order, model::Duration, OnWritten on_written) override {
      answer([this, key, order, on_written = std::move(on_written)](const std::optional<model::Error>& error) {
        if (error) return on_written(std::unexpected(*error));
        if (peer_.obeys) peer_.table[key] = {.order = order, .leased = peer_.keeps_leases, .shown = "so"};
        on_written({});
      });
    }
    void read(const std::string& key, OnStanding on_standing) override {
      answer([this, key, on_standing = std::move(on_standing)](const std::optional<model::Error>& error) {
        if (error) return on_standing(std::unexpected(*error));
        const auto found = peer_.table.find(key);
        on_standing(found == peer_.table.end() ? std::nullopt : std::optional(found->second));
      });
    }
    void stop() override {
      *alive_ = false;
      timer_.cancel();
    }
    [[nodiscard]] std::string where(const std::string& key) const override { return "memory of " + key; }
    [[nodiscard]] std::string endless_remedy() const override { return "end it"; }
    [[nodiscard]] std::string rival_remedy() const override { return "look there"; }

   private:
    template <class Then>
    void answer(Then then) {
      if (!peer_.hanging)
        return boost::asio::post(executor_, [alive = alive_, then = std::move(then)] {
          if (*alive) then(std::nullopt);
        });
      timer_.expires_after(5ms);
      timer_.async_wait([alive = alive_, then = std::move(then)](const boost::system::error_code& cancelled) {
        if (!cancelled && *alive) then(model::Error{"no answer", "wait", ETIMEDOUT});
      });
    }
    MemoryPeer& peer_;
    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };
};

/// The example program over files of its own; made to hang by a file that it waits for.
class CommandPeer final : public tests::Peer {
 public:
  CommandPeer() {
    write(dir / "wrapper.sh", "#!/bin/sh\n[ -e \"$1/hangs\" ] && exec sleep 60\nexec \"" LK_COMMAND_EXAMPLE "\" \"$1\"\n");
    std::filesystem::permissions(dir / "wrapper.sh", std::filesystem::perms::owner_all);
  }
  std::unique_ptr<trunks::Driver> driver(const boost::asio::any_io_executor& executor, trunks::Driver::OnReport on_report,
                                         trunks::Pace pace) override {
    model::Pbx pbx = quick_pbx();
    pbx.driver = model::PbxDriver::Command;
    pbx.command = {dir / "wrapper.sh", dir.path.string()};
    pbx.reply_timeout = 3s;  // a Python that starts on a busy machine
    pbx.lease = 4s;
    pbx.refresh = 1s;
    return trunks::make_driver(executor, pbx, dir.path.string(), std::move(on_report), pace);
  }
  std::optional<Order> holds(const std::string& key) override {
    std::ifstream file(dir / (key + ".json"));
    if (!file) return std::nullopt;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    // {"order": ["a", "b"], "ends": 1.5}
    const double ends = std::stod(text.substr(text.find("\"ends\": ") + 8));
    if (ends <= std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()) return std::nullopt;
    Order order;
    const std::string list = text.substr(text.find('[') + 1, text.find(']') - text.find('[') - 1);
    for (std::size_t at = list.find('"'); at != std::string::npos; at = list.find('"', list.find('"', at + 1) + 1))
      order.push_back(list.substr(at + 1, list.find('"', at + 1) - at - 1));
    return order;
  }
  void change(const std::string& key, const Order& order) override {
    std::string list;
    for (const auto& w : order) list += (list.empty() ? "\"" : ", \"") + w + "\"";
    write(dir / (key + ".json"), "{\"order\": [" + list + "], \"ends\": 99999999999.0}");
  }
  void lose_everything() override {
    for (const auto& entry : std::filesystem::directory_iterator(dir.path))
      if (entry.path().extension() == ".json") std::filesystem::remove(entry.path());
  }
  void hang(bool hangs) override {
    if (hangs)
      write(dir / "hangs", "");
    else
      std::filesystem::remove(dir / "hangs");
  }
  Order ways() override { return {"north-w1", "north-w2", "south", "east@sbc:5080"}; }
  std::optional<std::chrono::milliseconds> lease() override { return 4s; }

 private:
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  tests::TempDir dir;
};

model::Result<std::string> ran(const std::vector<std::string>& argv, std::string input, model::Duration timeout) {
  boost::asio::io_context io;
  std::optional<model::Result<std::string>> result;
  const auto run =
      trunks::run_program(io.get_executor(), argv, std::move(input), timeout, [&](model::Result<std::string> r) { result = std::move(r); });
  while (!result && io.run_one() > 0) {
  }
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("contract: what all drivers share") {
  MemoryPeer peer;
  tests::hold_to_contract(peer);
}

TEST_CASE("contract: the command driver, with the example program") {
  CommandPeer peer;
  tests::hold_to_contract(peer);
}

TEST_CASE(
    "contract: a PBX that says it took the order and did not, or that keeps it without an end, is out of sync, and that is told with its remedy") {
  MemoryPeer liar;
  liar.obeys = false;
  tests::DriverBench one(liar);
  const auto lied = one.apply("order", {"a"});
  REQUIRE_FALSE(lied);
  CHECK(lied.error().to_string().find("memory of order holds nothing") != std::string::npos);
  MemoryPeer endless;
  endless.keeps_leases = false;
  tests::DriverBench two(endless);
  const auto kept = two.apply("order", {"a"});
  REQUIRE_FALSE(kept);
  CHECK(kept.error().to_string().find("has no end") != std::string::npos);
  CHECK(kept.error().remedy == "end it");
}

TEST_CASE("program: text goes in, text comes out; a failure is told with the last line that it complained") {
  CHECK(ran({"/bin/cat"}, "a line\n", 5s).value() == "a line\n");
  CHECK(ran({"/bin/cat"}, std::string(60'000, 'x'), 5s).value().size() == 60'000);
  CHECK(ran({"/bin/true"}, std::string(1 << 20, 'x'), 5s).value().empty());  // it does not read what it is told
  const auto failed = ran({"/bin/sh", "-c", "echo one >&2; echo the disk is full >&2; exit 3"}, "", 5s);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().what == "/bin/sh ended with exit status 3 and said: the disk is full");
  CHECK(failed.error().code == EPROTO);
  CHECK(ran({"/bin/sh", "-c", "kill -9 $$"}, "", 5s).error().what == "/bin/sh ended with signal 9");
  CHECK(ran({"/nowhere/such"}, "", 5s).error().code == ENOENT);
}

TEST_CASE("program: one that does not end in time is ended with all that it has started, one that says too much as well") {
  const auto begun = std::chrono::steady_clock::now();
  CHECK(ran({"/bin/sh", "-c", "sleep 60 & sleep 60"}, "", 200ms).error().code == ETIMEDOUT);
  CHECK(ran({"/bin/sh", "-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"}, "", 30s).error().code == EPROTO);
  CHECK(ran({"/bin/sh", "-c", "echo done; sleep 60 &"}, "", 30s).value() == "done\n");  // what it leaves behind is not waited for
  CHECK(std::chrono::steady_clock::now() - begun < 20s);
}

TEST_CASE("command: what a program answers is taken only in the form that is agreed") {
  const auto standing = trunks::parse_command_answer(R"({"order":["a","b"],"lease_s":1.5})");
  REQUIRE(standing);
  CHECK((*standing)->order == Order{"a", "b"});
  CHECK((*standing)->leased);
  CHECK_FALSE((*trunks::parse_command_answer(R"({"order":["a"]})"))->leased);
  CHECK_FALSE((*trunks::parse_command_answer(R"({"order":["a"],"lease_s":0})"))->leased);
  CHECK_FALSE(trunks::parse_command_answer(R"({"order":null})")->has_value());
  for (const char* text :
       {"", "null", "[]", "{}", R"({"order":"a"})", R"({"order":[1]})", R"({"order":["a"]} x)", "{\"order\":[[[[[[[[[[]]]]]]]]]]}"}) {
    CAPTURE(text);
    const auto answer = trunks::parse_command_answer(text);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == EPROTO);
    CHECK_FALSE(answer.error().remedy.empty());
  }
  const auto said = trunks::parse_command_answer(R"({"error":"the SBC refuses the login","remedy":"renew its token"})");
  CHECK(said.error().what == "the program says: the SBC refuses the login");
  CHECK(said.error().remedy == "renew its token");
}
