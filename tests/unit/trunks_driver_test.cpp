// The driver against a socket of the test's own that plays Kamailio, well and badly. Its pace is milliseconds, so nothing
// here waits; the real Kamailio is in trunks_kamailio_test.cpp.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/trunks_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::trunks;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Protocol = asio::local::datagram_protocol;

constexpr Pace kQuick{.look = 2ms, .retry_first = 2ms, .retry_last = 8ms};

/// Answers as Kamailio 5.6.3 does, from a table of its own; `twist` may spoil an answer ("" = no answer).
class FakeKamailio {
 public:
  struct Entry {
    std::string value;
    std::string expire;
  };
  FakeKamailio(asio::io_context& io, std::string path) : path_(std::move(path)), socket_(io, Protocol::endpoint(path_)), buffer_(70'000) {
    receive();
  }
  ~FakeKamailio() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    ::unlink(path_.c_str());
  }

  std::vector<std::string> asked;
  std::map<std::string, Entry> table;
  bool autoexpire = true;
  bool obeys = true;
  std::function<std::string(std::string reply, std::int64_t id)> twist;
  Protocol::endpoint sender;

  void send_from(Protocol::socket& socket, const std::string& text) {
    boost::system::error_code ignored;
    socket.send_to(asio::buffer(text), sender, 0, ignored);
  }

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), sender, [this](boost::system::error_code wrong, std::size_t size) {
      if (wrong) return;
      answer({buffer_.data(), size});
      receive();
    });
  }

  void answer(std::string_view text) {
    const auto question = json::parse(json::string_view(text.data(), text.size())).as_object();
    const auto& parameters = question.at("params").as_array();
    const std::string method(question.at("method").as_string());
    asked.push_back(method.substr(method.find('.') + 1) + " " + json::serialize(parameters));
    json::object reply{{"jsonrpc", "2.0"}, {"id", question.at("id")}};
    const std::string key(parameters.at(1).as_string());
    if (parameters.at(0) != "lk") {
      reply["error"] = {{"code", 500}, {"message", "No such htable"}};
    } else if (method == "htable.sets") {
      if (obeys) table[key] = {std::string(parameters.at(2).as_string()), autoexpire ? "2026-11-22 11:13:29" : "NEVER"};
      reply["result"] = "Ok. Key set to new value.";
    } else if (method == "htable.setex") {
      reply["result"] = "Ok";
    } else if (const auto entry = table.find(key); entry != table.end()) {
      reply["result"] = {{"item", {{"name", key}, {"value", entry->second.value}, {"flags", 2}, {"expire", entry->second.expire}}}};
    } else {
      reply["error"] = {{"code", 500}, {"message", "Key name doesn't exist in htable."}};
    }
    auto out = json::serialize(reply);
    if (twist) out = twist(std::move(out), question.at("id").as_int64());
    if (!out.empty()) send_from(socket_, out);
  }

  std::string path_;
  Protocol::socket socket_;
  std::vector<char> buffer_;
};

struct Scene : TrunkBench {
  std::optional<FakeKamailio> fake;
  Scene() {
    pbx.reply_timeout = 20ms;
    pbx.refresh = 1h;
    fake.emplace(io, pbx.rpc_socket);
  }
  void go() { start(kQuick); }
};

}  // namespace

TEST_CASE("driver: an order is set, given its lease, read back, and told once") {
  Scene scene;
  scene.go();
  CHECK(scene.apply("order", {"22", "11", "12"}));
  const auto& asked = scene.fake->asked;
  const auto first = std::ranges::find_if(asked, [](const auto& a) { return a.starts_with("sets"); });
  REQUIRE(asked.end() - first >= 3);
  CHECK(first[0] == R"(sets ["lk","order","22=8;11=8;12=8"])");
  CHECK(first[1] == R"(setex ["lk","order",90])");
  CHECK(first[2] == R"(get ["lk","order"])");
  CHECK(scene.fake->table["order"].value == "22=8;11=8;12=8");
  scene.until([&] { return asked.size() > 10; });  // looks on
  CHECK(scene.last().connected);
  CHECK(scene.last().in_sync);
  CHECK(scene.last().detail.empty());
  CHECK(scene.corrections() == 0);
  CHECK(std::ranges::count_if(asked, [](const auto& a) { return a.starts_with("sets"); }) == 1);
}

TEST_CASE("driver: an empty order and an odd key are refused and nothing is sent") {
  Scene scene;
  scene.go();
  CHECK(scene.apply("order", {}).error().what.find("empty") != std::string::npos);
  CHECK(scene.apply("order", {"-1"}).error().code == EINVAL);
  for (const auto* key : {"", "a b", "a\"b", "s:x", "\xC3\xA4"}) CHECK(scene.apply(key, {"11"}).error().what.find("key") != std::string::npos);
  CHECK(std::ranges::none_of(scene.fake->asked, [](const auto& a) { return a.starts_with("sets"); }));
}

TEST_CASE("driver: a missing socket is an error that says what to look at, and the order stands once Kamailio is there") {
  Scene scene;
  scene.fake.reset();
  scene.go();
  const auto applied = scene.apply("order", {"11"});
  REQUIRE_FALSE(applied);
  CHECK(applied.error().code == ENOENT);
  CHECK(applied.error().remedy.find("jsonrpcs transport 4") != std::string::npos);
  CHECK_FALSE(scene.last().connected);
  CHECK(scene.last().detail.find("Is Kamailio running") != std::string::npos);
  scene.fake.emplace(scene.io, scene.pbx.rpc_socket);
  scene.until([&] { return scene.last().in_sync; });
  CHECK(scene.fake->table["order"].value == "11=8");
  CHECK(scene.corrections() == 0);  // it had never stood
}

TEST_CASE("driver: a socket nobody listens to, and one of another kind, are told apart from a missing one") {
  Scene scene;
  scene.fake.reset();
  {
    const Protocol::socket dead(scene.io, Protocol::endpoint(scene.pbx.rpc_socket));  // leaves its name behind
  }
  scene.go();
  CHECK(scene.apply("order", {"11"}).error().code == ECONNREFUSED);
  ::unlink(scene.pbx.rpc_socket.c_str());
  const asio::local::stream_protocol::acceptor stream(scene.io, asio::local::stream_protocol::endpoint(scene.pbx.rpc_socket));
  CHECK(scene.apply("order", {"11"}).error().code == EPROTOTYPE);
}

TEST_CASE("driver: a PBX that hangs is given up after the timeout, delays nothing else, and is served when it wakes") {
  Scene scene;
  bool hangs = true;
  scene.fake->twist = [&](std::string reply, std::int64_t) { return hangs ? "" : reply; };
  scene.go();
  bool elsewhere = false;
  asio::steady_timer other(scene.io, 1ms);
  other.async_wait([&](boost::system::error_code) { elsewhere = true; });
  const auto applied = scene.apply("order", {"11"});
  CHECK(applied.error().code == ETIMEDOUT);
  CHECK(applied.error().what.find("has not answered for 20 ms") != std::string::npos);
  CHECK(elsewhere);
  CHECK_FALSE(scene.last().connected);
  hangs = false;
  scene.until([&] { return scene.last().in_sync; });
}

TEST_CASE("driver: a PBX that does not even read is an error at once, not a blocked loop") {
  Scene scene;
  scene.fake.reset();
  const Protocol::socket deaf(scene.io, Protocol::endpoint(scene.pbx.rpc_socket));
  scene.pbx.reply_timeout = 1ms;
  scene.go();
  int full = 0;  // the kernel queues max_dgram_qlen datagrams (unix(7)), then says EAGAIN
  for (int i = 0; i < 2000 && full == 0; ++i) full += scene.apply("order", {"11"}).error().code == EAGAIN ? 1 : 0;
  CHECK(full == 1);
}

TEST_CASE("driver: answers that are none are errors, and the next right one is taken") {
  Scene scene;
  std::string expected;
  int code = EBADMSG;
  std::function<std::string(std::string, std::int64_t)> bad;
  SUBCASE("garbage") {
    bad = [](std::string, std::int64_t) { return std::string("garbage"); };
    expected = "no JSON";
  }
  SUBCASE("half an answer") {
    bad = [](std::string reply, std::int64_t) { return reply.substr(0, reply.size() / 2); };
    expected = "no JSON";
  }
  SUBCASE("huge") {
    bad = [](std::string, std::int64_t) { return std::string(66'000, ' '); };
    expected = "longer";
  }
  SUBCASE("of another question") {
    bad = [](std::string, std::int64_t id) { return R"({"jsonrpc":"2.0","result":"Ok","id":)" + std::to_string(id - 1) + "}"; };
    expected = "another question";
    code = ETIMEDOUT;
  }
  scene.fake->twist = bad;
  scene.go();
  const auto applied = scene.apply("order", {"11"});
  REQUIRE_FALSE(applied);
  CAPTURE(applied.error().to_string());
  CHECK(applied.error().code == code);
  CHECK(applied.error().what.find(expected) != std::string::npos);
  scene.fake->twist = nullptr;
  scene.until([&] { return scene.last().in_sync; });
  CHECK(scene.apply("order", {"12"}));
}

TEST_CASE("driver: a stranger's answer counts for nothing, even with the right id, and does not end the wait") {
  Scene scene;
  Protocol::socket stranger(scene.io, Protocol::endpoint(scene.dir / "stranger.sock"));
  bool silent = true;
  scene.fake->twist = [&](std::string reply, std::int64_t) {
    scene.fake->send_from(stranger, reply);
    return silent ? "" : reply;
  };
  scene.go();
  const auto applied = scene.apply("order", {"11"});
  REQUIRE_FALSE(applied);
  CHECK(applied.error().code == ETIMEDOUT);
  CHECK(applied.error().what.find("stranger") != std::string::npos);
  silent = false;
  CHECK(scene.apply("order", {"12"}));
}

TEST_CASE("driver: the latest order wins, the one it overtakes is told so") {
  Scene scene;
  scene.go();
  std::optional<model::Result<void>> first;
  scene.driver->apply("order", {"11"}, 1, [&](model::Result<void> r) { first = r; });
  CHECK(scene.apply("order", {"12"}));
  scene.until([&] { return first.has_value(); });
  CHECK(first->error().code == ECANCELED);
  CHECK(scene.fake->table["order"].value == "12=8");
}

TEST_CASE("driver: a restarted PBX and a hand's change are put right and told as corrections") {
  Scene scene;
  scene.go();
  REQUIRE(scene.apply("order", {"11", "12"}));
  scene.fake->table.clear();
  scene.until([&] { return scene.corrections() == 1; });
  CHECK(scene.fake->table["order"].value == "11=8;12=8");
  scene.fake->table["order"].value = "21=8";
  scene.until([&] { return scene.corrections() == 2; });
  CHECK(scene.fake->table["order"].value == "11=8;12=8");
  scene.fake->table["order"].expire = "NEVER";
  scene.until([&] { return scene.corrections() == 3; });
  CHECK(scene.fake->table["order"].expire != "NEVER");
}

TEST_CASE("driver: who keeps changing the order is corrected three times, then reported; a loss is always put right") {
  Scene scene;
  scene.go();
  REQUIRE(scene.apply("order", {"11"}));
  for (int i = 1; i <= 3; ++i) {
    scene.fake->table["order"].value = "21=8";
    scene.until([&] { return scene.corrections() == i; });
  }
  scene.fake->table["order"].value = "21=8";
  scene.until([&] { return !scene.last().in_sync; });
  CHECK(scene.last().detail.find("changed by someone else more than 3 times") != std::string::npos);
  CHECK(scene.fake->table["order"].value == "21=8");
  scene.fake->table.clear();
  scene.until([&] { return scene.last().in_sync; });
  CHECK(scene.fake->table["order"].value == "11=8");
}

TEST_CASE("driver: the lease is renewed by the clock") {
  Scene scene;
  scene.pbx.refresh = 5ms;
  scene.go();
  REQUIRE(scene.apply("order", {"11"}));
  scene.fake->asked.clear();
  scene.until([&] { return std::ranges::count_if(scene.fake->asked, [](const auto& a) { return a.starts_with("setex"); }) == 3; });
  CHECK(scene.corrections() == 0);
}

TEST_CASE("driver: a silence in which nothing was lost is no correction, but renews the lease") {
  Scene scene;
  scene.go();
  REQUIRE(scene.apply("order", {"11"}));
  scene.fake->twist = [](std::string, std::int64_t) { return ""; };
  scene.until([&] { return !scene.last().connected; });
  scene.fake->asked.clear();
  scene.fake->twist = nullptr;
  scene.until([&] { return scene.last().in_sync; });
  CHECK(scene.corrections() == 0);
  CHECK(std::ranges::any_of(scene.fake->asked, [](const auto& a) { return a.starts_with("setex"); }));
}

TEST_CASE("driver: a PBX that says OK and does nothing is found out by the read-back") {
  Scene scene;
  scene.fake->obeys = false;
  scene.go();
  const auto applied = scene.apply("order", {"11"});
  REQUIRE_FALSE(applied);
  CHECK(applied.error().what.find("holds nothing") != std::string::npos);
  CHECK_FALSE(scene.last().in_sync);
  CHECK(scene.last().connected);
}

TEST_CASE("driver: a table without autoexpire is refused, for the order would outlive us") {
  Scene scene;
  scene.fake->autoexpire = false;
  scene.go();
  const auto applied = scene.apply("order", {"11"});
  REQUIRE_FALSE(applied);
  CHECK(applied.error().what.find("has no end") != std::string::npos);
  CHECK(applied.error().remedy.find("autoexpire=120") != std::string::npos);
}

TEST_CASE("driver: a missing htable says which snippet to load, before any order too") {
  Scene scene;
  scene.pbx.htable = "other";
  scene.go();
  scene.until([&] { return !scene.reports.empty(); });
  CHECK(scene.last().connected);
  CHECK_FALSE(scene.last().in_sync);
  CHECK(scene.last().detail.find("modparam(\"htable\", \"htable\", \"other=>") != std::string::npos);
  CHECK(scene.apply("order", {"11"}).error().code == EPROTO);
}

TEST_CASE("driver: reading tells the sets, nothing, or that the text is not ours") {
  Scene scene;
  scene.go();
  CHECK_FALSE(scene.read("order")->has_value());
  REQUIRE(scene.apply("order", {"22", "11"}));
  CHECK(scene.read("order")->value() == Order{"22", "11"});
  scene.fake->table["mine"] = {"hello", "NEVER"};
  CHECK(scene.read("mine").error().what.find("'hello'") != std::string::npos);
  scene.fake->twist = [](std::string, std::int64_t) { return ""; };
  CHECK(scene.read("order").error().code == ETIMEDOUT);
}

TEST_CASE("driver: destroyed from within its own report, and stopped with a request under way, it is quiet and leaves no socket") {
  Scene scene;
  scene.driver = make_driver(scene.io.get_executor(), scene.pbx, scene.dir.path.string(), [&](const PbxReport&) { scene.driver.reset(); }, kQuick);
  scene.driver->apply("order", {"11"}, 1, [](model::Result<void>) { FAIL("after the end"); });
  scene.driver->start();
  scene.until([&] { return !scene.driver; });
  scene.io.poll();
  CHECK_FALSE(std::filesystem::exists(scene.dir / "pbx-kam.sock"));

  scene.go();
  scene.driver->apply("order", {"11"}, 1, [](model::Result<void>) { FAIL("after the end"); });
  CHECK(std::filesystem::exists(scene.dir / "pbx-kam.sock"));
  scene.driver->stop();
  scene.driver->apply("order", {"12"}, 1, [](model::Result<void>) { FAIL("after the end"); });
  for (int i = 0; i < 20; ++i) scene.io.poll();
  CHECK_FALSE(std::filesystem::exists(scene.dir / "pbx-kam.sock"));
}

TEST_CASE("driver: a directory where it may not bind, and a path too long, are errors of ours") {
  Scene scene;
  scene.directory = scene.dir / "no/such";
  scene.go();
  CHECK(scene.apply("order", {"11"}).error().what.find("cannot bind our own socket") != std::string::npos);
  scene.driver.reset();
  scene.directory = scene.dir.path.string();
  scene.pbx.rpc_socket = "/" + std::string(200, 'x');
  scene.go();
  CHECK(scene.apply("order", {"11"}).error().code == ENAMETOOLONG);
}
