// What linekeeperd sees of its gateways on the link, against the real kernel and a real far end in a namespace of its own.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include <chrono>

#include "controller/switch/gateways.hpp"
#include "tests/unit/switch_fixture.hpp"
#include "tests/unit/switch_namespace.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;
using model::Neighbour;

model::Instant boot_now() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return model::Instant(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

/// A namespace that lives as long as the sleeping child in it.
class FarSide {
 public:
  FarSide() {
    int ready[2];
    if (pipe(ready) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "x", 1) == 1) pause();
      _exit(1);
    }
    close(ready[1]);
    char word = 0;
    if (read(ready[0], &word, 1) != 1) end();
    close(ready[0]);
  }
  ~FarSide() { end(); }
  FarSide(const FarSide&) = delete;
  FarSide& operator=(const FarSide&) = delete;
  [[nodiscard]] bool lives() const { return pid_ > 0; }
  [[nodiscard]] int takes(const std::string& device) const { return run("ip link set " + device + " netns " + std::to_string(pid_)); }
  [[nodiscard]] int does(const std::string& command) const { return run("nsenter -t " + std::to_string(pid_) + " -n " + command); }

 private:
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid_ = -1;
};

/// What probing does to a neighbour entry: packets that want to go to the gateway.
class Traffic {
 public:
  Traffic() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {}
  ~Traffic() { close(fd_); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;
  void send() const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0A000101);  // 10.0.1.1
    (void)sendto(fd_, "", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

 private:
  int fd_;
};

std::vector<std::optional<model::LinkState>> links_by(int ifindex, int other_ifindex) {
  model::LinkState fiber{.circuit = {0}, .present = true, .admin_up = true, .carrier = true, .ifindex = ifindex, .address = ip("10.0.1.2")};
  fiber.gateway = ip("10.0.1.1");
  model::LinkState coax = fiber;
  coax.circuit = {1};
  coax.ifindex = other_ifindex;
  return {fiber, coax};
}

int ifindex_of(const std::string& device) {
  std::ifstream in("/sys/class/net/" + device + "/ifindex");
  int index = 0;
  if (in >> index) return index;
  // /sys shows the namespace it was mounted in: ask ip.
  std::istringstream(shown("ip -o link show dev " + device)) >> index;
  return index;
}

/// Sends and looks until the gateway of fiber is as wanted. @return how long that took; nothing: not within `most`.
std::optional<std::chrono::milliseconds> until(GatewayWatch& watch, std::span<const std::optional<model::LinkState>> links, const Traffic& traffic,
                                               Neighbour wanted, std::chrono::milliseconds most = 5s) {
  const auto start = boot_now();
  while (boot_now() - start < most) {
    traffic.send();
    const auto states = watch.look(links, boot_now());
    if (!states) return std::nullopt;
    if (states->at(0).neighbour == wanted) return std::chrono::duration_cast<std::chrono::milliseconds>(boot_now() - start);
    pollfd news{.fd = watch.fd(), .events = POLLIN, .revents = 0};
    poll(&news, 1, 20);
    watch.drain();
  }
  return std::nullopt;
}

void tune(const char* key, const char* value) { std::ofstream(std::string("/proc/sys/net/ipv4/neigh/wan0/") + key) << value; }

/// wan0 with a gateway that really answers ARP; the kernel's times shortened so that a test may wait for them.
bool with_far_side(const FarSide& far) {
  if (!far.lives() || far.takes("far0") != 0) return false;
  run("ip neighbour del 10.0.1.1 dev wan0");
  tune("base_reachable_time_ms", "400");
  tune("delay_first_probe_time", "1");
  tune("retrans_time_ms", "100");
  return far.does("ip link set far0 up") == 0 && far.does("ip address add 10.0.1.1/24 dev far0") == 0;
}

}  // namespace

TEST_CASE("switch gateways: one that answers ARP answers, one left alone is unknown, one that died behind a living link is silent") {
  LK_ENTER_SITE();
  FarSide far;
  REQUIRE(with_far_side(far));
  const auto links = links_by(ifindex_of("wan0"), ifindex_of("wan1"));
  auto watch = GatewayWatch::open().value();
  const Traffic traffic;

  auto state = watch.look(links, boot_now()).value().at(0);
  CHECK(state.neighbour == Neighbour::Unknown);  // never used: no entry
  CHECK_FALSE(state.confirmed);
  const auto before = boot_now();
  REQUIRE(until(watch, links, traffic, Neighbour::Answers));
  state = watch.look(links, boot_now()).value().at(0);
  REQUIRE(state.confirmed);
  CHECK(*state.confirmed >= before - 50ms);
  CHECK(*state.confirmed <= boot_now());
  CHECK(watch.look(links, boot_now()).value().at(0) == state);  // the same proof is not told as another

  run("ip neighbour change 10.0.1.1 dev wan0 nud stale");  // what becomes of one that nobody uses
  CHECK(watch.drain());
  CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Unknown);
  REQUIRE(until(watch, links, traffic, Neighbour::Answers));

  REQUIRE(far.does("ip address del 10.0.1.1/24 dev far0") == 0);
  const auto died = boot_now();
  const auto took = until(watch, links, traffic, Neighbour::Silent);
  REQUIRE(took);
  MESSAGE("silent after " << took->count() << " ms");
  // Here: at most 1.5 times 0.4 s reachable, 1 s of delay, 3 times 0.1 s asked; and some for a busy machine.
  CHECK(*took < 3000ms);
  state = watch.look(links, boot_now()).value().at(0);
  CHECK(*state.confirmed <= died + 50ms);

  // The kernel goes on asking while there is traffic (NUD_INCOMPLETE): silent all the while.
  for (const auto start = boot_now(); boot_now() - start < 500ms;) {
    traffic.send();
    CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Silent);
    poll(nullptr, 0, 10);
  }
  REQUIRE(far.does("ip address add 10.0.1.1/24 dev far0") == 0);
  REQUIRE(until(watch, links, traffic, Neighbour::Answers));
  CHECK(*watch.look(links, boot_now()).value().at(0).confirmed > died);
}

TEST_CASE("switch gateways: one that is asked at once is found dead within three questions, and found alive at the first") {
  LK_ENTER_SITE();
  FarSide far;
  REQUIRE(with_far_side(far));
  tune("base_reachable_time_ms", "30000");  // as the kernel has it: left alone, a dead one passes for living for 15 to 45 s
  tune("delay_first_probe_time", "5");
  const int wan0 = ifindex_of("wan0");
  const auto links = links_by(wan0, ifindex_of("wan1"));
  auto watch = GatewayWatch::open().value();
  auto kernel = Netlink::open().value();
  const Traffic traffic;
  const auto gateway = ip("10.0.1.1");

  CHECK_FALSE(have_asked(kernel, wan0, gateway).value());  // no entry: nothing to ask
  REQUIRE(until(watch, links, traffic, Neighbour::Answers));
  const auto before = *watch.look(links, boot_now()).value().at(0).confirmed;
  poll(nullptr, 0, 150);
  const auto asked = boot_now();
  CHECK(have_asked(kernel, wan0, gateway).value());
  REQUIRE(until(watch, links, traffic, Neighbour::Answers));
  const auto state = watch.look(links, boot_now()).value().at(0);
  CHECK(*state.confirmed > before);
  CHECK(*state.confirmed >= asked - 50ms);  // new proof

  REQUIRE(far.does("ip address del 10.0.1.1/24 dev far0") == 0);
  CHECK_FALSE(until(watch, links, traffic, Neighbour::Silent, 1s));  // traffic alone does not make the kernel doubt it
  CHECK(have_asked(kernel, wan0, gateway).value());
  const auto took = until(watch, links, traffic, Neighbour::Silent);
  REQUIRE(took);
  MESSAGE("silent after " << took->count() << " ms");
  CHECK(*took < 1000ms);                                   // three times 0.1 s, and some for a busy machine
  CHECK_FALSE(have_asked(kernel, wan0, gateway).value());  // it is being asked all the while, or given up
}

TEST_CASE("switch gateways: an entry set by hand is not touched, nor one of another interface") {
  LK_ENTER_SITE();
  const int wan0 = ifindex_of("wan0"), wan1 = ifindex_of("wan1");
  auto kernel = Netlink::open().value();
  CHECK_FALSE(have_asked(kernel, wan0, ip("10.0.1.1")).value());
  CHECK(shown("ip neighbour show 10.0.1.1 dev wan0").find("PERMANENT") != std::string::npos);
  run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:07 dev wan1 nud reachable");
  CHECK(have_asked(kernel, wan1, ip("10.0.1.1")).value());
  CHECK(shown("ip neighbour show 10.0.1.1 dev wan1").find("PROBE") != std::string::npos);
  CHECK(shown("ip neighbour show 10.0.1.1 dev wan0").find("PERMANENT") != std::string::npos);
  run("ip neighbour replace 10.0.2.9 lladdr 02:00:00:00:00:09 dev wan1 nud reachable extern_learn");
  CHECK_FALSE(have_asked(kernel, wan1, ip("10.0.2.9")).value());
}

TEST_CASE("switch gateways: two circuits with one gateway address are told apart, and other neighbours wake nobody") {
  LK_ENTER_SITE();
  const int wan0 = ifindex_of("wan0"), wan1 = ifindex_of("wan1");
  auto watch = GatewayWatch::open().value();
  const auto links = links_by(wan0, wan1);
  auto states = watch.look(links, boot_now()).value();
  CHECK(states.at(0).neighbour == Neighbour::Answers);  // permanent, by the fixture
  CHECK_FALSE(states.at(0).confirmed);                  // and no proof of anything
  CHECK(states.at(1).circuit == model::CircuitId{1});
  CHECK(states.at(1).neighbour == Neighbour::Unknown);

  run("ip neighbour replace 10.77.0.9 lladdr 02:00:00:00:00:09 dev lan0 nud reachable");
  run("ip neighbour replace 10.0.2.1 lladdr 02:00:00:00:00:09 dev wan1 nud reachable");
  CHECK_FALSE(watch.drain());
  run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:07 dev wan1 nud reachable");
  CHECK(watch.drain());
  CHECK(watch.look(links, boot_now()).value().at(1).neighbour == Neighbour::Answers);
  run("ip neighbour change 10.0.1.1 dev wan1 nud failed");
  CHECK(watch.drain());
  states = watch.look(links, boot_now()).value();
  CHECK(states.at(0).neighbour == Neighbour::Answers);
  CHECK(states.at(1).neighbour == Neighbour::Silent);
  run("ip neighbour del 10.0.1.1 dev wan0");
  CHECK(watch.drain());
  CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Unknown);
}

TEST_CASE("switch gateways: no link, no gateway or no interface is unknown, and a new gateway starts anew") {
  LK_ENTER_SITE();
  auto watch = GatewayWatch::open().value();
  auto links = links_by(ifindex_of("wan0"), 9999);
  run("ip neighbour replace 10.0.1.1 lladdr 02:00:00:00:00:07 dev wan0 nud failed");
  auto states = watch.look(links, boot_now()).value();
  CHECK(states.at(0).neighbour == Neighbour::Silent);
  CHECK(states.at(1).neighbour == Neighbour::Unknown);
  links[0]->gateway = ip("10.0.1.9");
  CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Unknown);
  links[0]->gateway.reset();
  CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Unknown);
  links[0].reset();
  CHECK(watch.look(links, boot_now()).value().at(0).neighbour == Neighbour::Unknown);
}

}  // namespace linekeeper::route
