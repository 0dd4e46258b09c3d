// The driver, the snippet and the sample configuration with a real Kamailio, on loopback addresses of a network namespace of
// the test's own thread. Carriers are two UDP sockets that answer 503, so that one call shows the whole order.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/udp.hpp>
#include <csignal>
#include <fstream>

#include "carriers/trunks/rpc_client.hpp"
#include "controller/runtime/clock.hpp"
#include "tests/support/own_namespace.hpp"
#include "tests/unit/trunks_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::trunks;
using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using asio::ip::udp;

udp::endpoint at(const char* address) { return {asio::ip::make_address(address), 5060}; }

bool loopback_up() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

/// Runs `body` in a thread with a network of its own, or says why not.
template <class Body>
void with_kamailio(Body body) {
  if (::access("/usr/sbin/kamailio", X_OK) != 0) {
    MESSAGE("SKIPPED: /usr/sbin/kamailio is not installed");
    return;
  }
  tests::in_own_namespace([] { return ::unshare(CLONE_NEWNET) == 0 && loopback_up(); }, body);
}

/// The sample configuration as it is shipped; only addresses and paths are the test's.
class Kamailio {
 public:
  /// @param setting one more LK_ name of the snippet and its value; its own where none is wanted
  explicit Kamailio(const TempDir& dir, const char* setting = "LK_RINGS_FOR=120000") : dir_(dir), setting_(setting) {
    std::ofstream(dir_ / "dispatcher.list") << "11 sip:127.0.1.1:5060 0 0 socket=udp:127.0.0.11:5060\n"
                                               "12 sip:127.0.1.1:5060 0 0 socket=udp:127.0.0.12:5060\n"
                                               "21 sip:127.0.1.2:5060 0 0 socket=udp:127.0.0.11:5060\n"
                                               "22 sip:127.0.1.2:5060 0 0 socket=udp:127.0.0.12:5060\n";
    start();
  }
  ~Kamailio() { stop(); }
  Kamailio(const Kamailio&) = delete;
  Kamailio& operator=(const Kamailio&) = delete;

  void start() {
    const std::string socket = "LK_SOCKET=\"" + (dir_ / "kamailio.sock") + "\"";
    const std::string list = "LK_DISPATCHER_LIST=\"" + (dir_ / "dispatcher.list") + "\"";
    const std::string log = dir_ / "kamailio.log";
    const std::string run = dir_.path.string();
    const std::string pid_file = dir_ / "kamailio.pid";
    const std::vector<const char*> words = {"kamailio",
                                            "-DD",
                                            "-E",
                                            "-f",
                                            LK_KAMAILIO_SAMPLE,
                                            "-m",
                                            "16",
                                            "-M",
                                            "4",
                                            "-Y",
                                            run.c_str(),
                                            "-P",
                                            pid_file.c_str(),
                                            "-A",
                                            socket.c_str(),
                                            "-A",
                                            list.c_str(),
                                            "-A",
                                            "LK_LISTEN_LAN=udp:127.0.0.10:5060",
                                            "-A",
                                            "LK_LISTEN_FIBER=udp:127.0.0.11:5060",
                                            "-A",
                                            "LK_LISTEN_COAX=udp:127.0.0.12:5060",
                                            "-A",
                                            "LK_CHILDREN=1",
                                            "-A",
                                            setting_,
                                            nullptr};
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      if (out < 0) ::_exit(126);
      ::dup2(out, 1);
      ::dup2(out, 2);
      ::execv("/usr/sbin/kamailio", const_cast<char* const*>(words.data()));
      ::_exit(127);
    }
  }
  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  const TempDir& dir_;
  const char* setting_;
  pid_t pid_ = -1;
};

/// A carrier that refuses every call, with 503 unless told otherwise, and notes by which of the PBX's addresses it came.
class Carrier {
 public:
  Carrier(asio::io_context& io, std::string name, const char* address, std::vector<std::string>& seen)
      : name_(std::move(name)), seen_(seen), socket_(io, at(address)) {
    receive();
  }

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(buffer_), from_, [this](boost::system::error_code wrong, std::size_t size) {
      if (wrong) return;
      answer(std::string(buffer_.data(), size));
      receive();
    });
  }
  void answer(const std::string& request) {
    if (!request.starts_with("INVITE ")) return;
    seen_.push_back(name_ + " by " + from_.address().to_string());
    wire_ += request;
    if (refusal_.empty()) return;
    std::string reply = "SIP/2.0 " + refusal_ + "\r\n";
    std::size_t start = 0;
    while (start < request.size()) {
      const auto end = request.find("\r\n", start);
      const auto line = request.substr(start, end - start);
      for (const auto* header : {"Via:", "From:", "Call-ID:", "CSeq:"})
        if (line.starts_with(header)) reply += line + "\r\n";
      if (line.starts_with("To:")) reply += line + ";tag=c\r\n";
      if (line.empty() || end == std::string::npos) break;
      start = end + 2;
    }
    boost::system::error_code ignored;
    socket_.send_to(asio::buffer(reply + "Content-Length: 0\r\n\r\n"), from_, 0, ignored);
  }

  std::string name_;
  std::vector<std::string>& seen_;
  udp::socket socket_;
  udp::endpoint from_;
  std::array<char, 8192> buffer_{};

 public:
  std::string wire_;                                 ///< every INVITE as it came
  std::string refusal_ = "503 Service Unavailable";  ///< or a provisional answer, after which nothing comes; empty: none at all
};

struct Site : TrunkBench {
  std::vector<std::string> seen;
  Carrier north{io, "north", "127.0.1.1", seen};
  Carrier south{io, "south", "127.0.1.2", seen};
  udp::socket caller{io, at("127.0.0.99")};
  int calls = 0;

  /// One call; the ways it was tried by, in order. Ends when `ways` of them were.
  std::vector<std::string> call(std::size_t ways) {
    place_call();
    until([&] { return seen.size() >= ways; });
    return seen;
  }
  /// One call; the ways it was tried by in so much time.
  std::vector<std::string> tried_within(model::Duration time) {
    place_call();
    const auto until = runtime::boot_now() + time;
    while (runtime::boot_now() < until) io.run_one_for(10ms);
    return seen;
  }
  /// One call; the final answer that its caller has got.
  std::string call_to_its_end() {
    std::array<char, 8192> buffer;
    boost::system::error_code none;
    caller.non_blocking(true);
    while (caller.receive(asio::buffer(buffer), 0, none) > 0 && !none) {
    }  // of the calls before
    place_call();
    const std::string id = "call-" + std::to_string(calls) + "\r\n";
    while (true) {
      io.run_one_for(10ms);
      none = {};
      const auto size = caller.receive(asio::buffer(buffer), 0, none);
      const std::string_view answer(buffer.data(), none ? 0 : size);
      if (answer.contains(id) && !answer.starts_with("SIP/2.0 1")) return std::string(answer);
    }
  }
  void place_call() {
    seen.clear();
    const auto n = std::to_string(++calls);
    const std::string invite = "INVITE sip:100@127.0.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.99:5060;branch=z9hG4bK" + n +
                               "\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.99>;tag=f" + n + "\r\nTo: <sip:100@127.0.0.10>\r\nCall-ID: call-" + n +
                               "\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.99>\r\nContent-Length: 0\r\n\r\n";
    caller.send_to(asio::buffer(invite), at("127.0.0.10"));
  }

  /// A hand at Kamailio's RPC. true: it answered without an error.
  bool by_hand(std::string_view method, const std::vector<Parameter>& parameters) {
    const auto client = std::make_shared<RpcClient>(io.get_executor(), pbx.rpc_socket, dir / "hand.sock", 2s, 1);
    std::optional<bool> well;
    client->call(method, parameters, [&](model::Result<Reply> reply) { well = reply && !reply->error; });
    until([&] { return well.has_value(); });
    client->stop();
    return *well;
  }
};

using Ways = std::vector<std::string>;

}  // namespace

TEST_CASE("real kamailio: calls take the order, a hand's change and a restart are put right within 10 s") {
  with_kamailio([] {
    Site site;
    site.start();  // before Kamailio: it is met when it comes
    Kamailio kamailio(site.dir);
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"22", "11", "21", "12"}));
    CHECK(site.read("order")->value() == Order{"22", "11", "21", "12"});
    CHECK(site.call(4) == Ways{"south by 127.0.0.12", "north by 127.0.0.11", "south by 127.0.0.11", "north by 127.0.0.12"});
    for (const auto* word : {"linekeeper", "Linekeeper", "kamailio", "Kamailio", "X-"})
      CHECK((site.north.wire_ + site.south.wire_).find(word) == std::string::npos);

    SUBCASE("a longer order than the one before keeps its end") {
      REQUIRE(site.apply("order", {"11"}));
      REQUIRE(site.apply("order", {"11", "12", "21", "22"}));  // read back with its end, or it would be an error
      CHECK(site.call(2).front() == "north by 127.0.0.11");
    }
    SUBCASE("a hand's change") {
      const auto before = runtime::boot_now();
      REQUIRE(site.by_hand("htable.sets", {"lk", "order", "11=8"}));
      site.until([&] { return site.corrections() == 1; });
      CHECK(runtime::boot_now() - before < 10s);
      CHECK(site.call(1).front() == "south by 127.0.0.12");
    }
    SUBCASE("a hand takes the end away") {
      REQUIRE(site.by_hand("htable.setex", {"lk", "order", std::int64_t{0}}));
      site.until([&] { return site.corrections() == 1; });
    }
    SUBCASE("a restart") {
      kamailio.stop();
      site.until([&] { return !site.last().connected; });
      const auto before = runtime::boot_now();
      kamailio.start();
      site.until([&] { return site.corrections() == 1; });
      CHECK(runtime::boot_now() - before < 10s);
      CHECK(site.last().in_sync);
      CHECK(site.call(1).front() == "south by 127.0.0.12");
    }
  });
}

TEST_CASE(
    "real kamailio: a carrier that does not know our address (403), or has no answer but an error, is passed over; the callee's own answer is not") {
  with_kamailio([] {
    Site site;
    site.start();
    const Kamailio kamailio(site.dir);
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"11", "21"}));
    for (const char* not_me : {"403 Forbidden", "500 Server Internal Error", "408 Request Timeout", "599 No"}) {
      CAPTURE(not_me);
      site.north.refusal_ = not_me;
      CHECK(site.call(2) == Ways{"north by 127.0.0.11", "south by 127.0.0.11"});
    }
    for (const char* callee : {"486 Busy Here", "404 Not Found", "603 Decline"}) {
      CAPTURE(callee);
      site.north.refusal_ = callee;
      CHECK(site.call_to_its_end().starts_with("SIP/2.0 " + std::string(callee).substr(0, 3)));
      CHECK(site.seen == Ways{"north by 127.0.0.11"});
    }
  });
}

TEST_CASE("real kamailio: a carrier that says nothing at all is passed over within 2 s, one that only says 100 is waited for") {
  with_kamailio([] {
    Site site;
    site.start();
    const Kamailio kamailio(site.dir);
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"11", "22"}));
    site.north.refusal_ = "";
    const auto placed = runtime::boot_now();
    site.place_call();
    site.until([&] { return !site.seen.empty() && site.seen.back() == "south by 127.0.0.12"; });
    CHECK(runtime::boot_now() - placed > 1s);
    CHECK(runtime::boot_now() - placed < 2s);
    site.north.refusal_ = "100 Trying";
    CHECK(site.tried_within(2500ms) == Ways{"north by 127.0.0.11"});
  });
}

TEST_CASE("real kamailio: where ringing within a time is asked for, a carrier that only says 100 is passed over, and one that rings is waited for") {
  with_kamailio([] {
    Site site;
    site.start();
    const Kamailio kamailio(site.dir, "LK_RINGS_WITHIN=700");
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"11", "22"}));
    for (const char* rings : {"180 Ringing", "183 Session Progress"}) {
      CAPTURE(rings);
      site.north.refusal_ = rings;
      CHECK(site.tried_within(2500ms) == Ways{"north by 127.0.0.11"});
    }
    site.north.refusal_ = "100 Trying";
    CHECK(site.tried_within(1500ms) == Ways{"north by 127.0.0.11", "south by 127.0.0.12"});
    site.north.refusal_ = "486 Busy Here";
    CHECK(site.call_to_its_end().starts_with("SIP/2.0 486"));
  });
}

TEST_CASE("real kamailio: when we are gone the lease ends and the static order is used") {
  with_kamailio([] {
    Site site;
    site.pbx.lease = 3s;
    site.start();
    const Kamailio kamailio(site.dir);
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"22", "21"}));
    CHECK(site.call(2) == Ways{"south by 127.0.0.12", "south by 127.0.0.11"});
    site.driver.reset();
    while (site.by_hand("htable.get", {"lk", "order"})) {
    }
    CHECK(site.call(4) == Ways{"north by 127.0.0.11", "south by 127.0.0.12", "north by 127.0.0.12", "south by 127.0.0.11"});
  });
}

TEST_CASE("real kamailio: an order of sets it does not have is passed over for the static one") {
  with_kamailio([] {
    Site site;
    site.start();
    const Kamailio kamailio(site.dir);
    site.until([&] { return site.last().connected; });
    REQUIRE(site.apply("order", {"77"}));
    CHECK(site.call(1).front() == "north by 127.0.0.11");
    site.pbx.htable = "none";
    site.start();
    const auto applied = site.apply("order", {"11"});
    REQUIRE_FALSE(applied);
    CHECK(applied.error().remedy.find("Load the snippet") != std::string::npos);
  });
}
