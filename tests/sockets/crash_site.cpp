#include "tests/sockets/crash_site.hpp"

#include <fstream>

#include "controller/switch/conntrack.hpp"

namespace linekeeper::route::crash {
namespace {

using namespace fixture;
using model::Family;

constexpr std::uint64_t kChanged = 1;  // the change's generation is so much above that of the plan that stands
constexpr const char* kSenders[] = {"10.77.0.5", "10.77.0.6"};

struct Named {
  std::string name;
  Question question;
};

/// Packets of each kind: of both classes from the LAN and from the site, of either circuit's own address, pinned, marked, and home to the LAN.
std::vector<Named> questions() {
  const int lan = static_cast<int>(if_nametoindex("lan0"));
  std::vector<Named> all;
  const auto ask = [&](std::string name, const char* to, const char* from, std::optional<std::uint32_t> mark, int incoming) {
    all.push_back({std::move(name),
                   {.destination = ip(to), .source = from == nullptr ? std::nullopt : std::optional(ip(from)), .mark = mark, .incoming = incoming}});
  };
  ask("LAN, everything", "198.51.100.7", "10.77.0.5", {}, lan);
  ask("LAN, voice", "198.51.100.7", "10.77.0.6", {}, lan);
  ask("LAN, voice by mark", "198.51.100.7", "10.77.0.5", 0x10, lan);
  ask("LAN, pinned to coax", "198.51.100.7", "10.9.9.9", {}, lan);
  ask("LAN, on fiber by its connection", "198.51.100.7", "10.77.0.5", 0x10000, lan);
  ask("LAN, on coax by its connection", "198.51.100.7", "10.77.0.5", 0x20000, lan);
  ask("site, everything", "198.51.100.7", nullptr, {}, 0);
  ask("site, voice by mark", "198.51.100.7", nullptr, 0x10, 0);
  ask("site, coax by mark", "198.51.100.7", nullptr, 0x102, 0);
  ask("site, coax's address", "198.51.100.7", "10.0.2.2", {}, 0);
  ask("home to the LAN", "10.77.0.5", nullptr, 0x10, 0);
  ask("IPv6, LAN, everything", "2001:db8:5::7", "2001:db8:77::5", {}, lan);
  ask("IPv6, LAN, voice by mark", "2001:db8:5::7", "2001:db8:77::5", 0x10, lan);
  ask("IPv6, site, everything", "2001:db8:5::7", nullptr, {}, 0);
  ask("IPv6, site, fiber's address", "2001:db8:5::7", "2001:db8:1::2", {}, 0);
  ask("IPv6, home to the LAN", "2001:db8:77::5", nullptr, 0x10, 0);
  return all;
}

std::string way_words(Kernel& kernel, const Question& question) {
  const auto way = kernel.ask(question);
  if (!way) return fmt::format("none ({})", way.error().code);
  char device[IF_NAMESIZE] = "?";
  if_indextoname(static_cast<unsigned>(way->ifindex), device);
  return device;
}

/// A file's content; nothing: there is no such file.
std::optional<std::string> content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void put_content(const std::string& path, const std::optional<std::string>& text) {
  std::filesystem::remove(path + ".new");
  std::filesystem::remove(path);
  if (text) std::ofstream(path, std::ios::binary) << *text;
}

/// Connections begin anew, as they were when the plan before stood.
void forget_connections() {
  auto conntrack = Conntrack::open().value();
  for (const Connection& c : conntrack.find(model::Family::V4, 0, 0, 10'000).value().connections) REQUIRE(conntrack.remove(c));
}

}  // namespace

Site::Site() : why_not_(enter_world(world_, lan_)) {
  if (!why_not_.empty()) return;
  lan_.go();
  run("ip address add 10.77.0.6/24 dev far2");
  lan_.back();
  for (const char* command : {"sysctl -qw net.ipv6.conf.all.forwarding=1", "ip address add 2001:db8:1::2/64 dev wan0 nodad",
                              "ip address add 2001:db8:2::2/64 dev wan1 nodad", "ip address add 2001:db8:77::1/64 dev lan0 nodad",
                              "ip neighbour replace 2001:db8:1::1 lladdr 02:00:00:00:00:01 dev wan0 nud permanent",
                              "ip neighbour replace 2001:db8:2::1 lladdr 02:00:00:00:00:02 dev wan1 nud permanent",
                              "ip -6 route add default via 2001:db8:1::1 dev wan0 metric 100",
                              "ip route add 192.0.2.0/24 dev lan0 table 100 proto static", "ip rule add priority 8500 to 192.0.2.0/24 lookup 100",
                              "ip nexthop add id 5 dev lan0", "nft add table ip foreign", "nft add chain ip foreign hers"})
    if (run(command) != 0) why_not_ = std::string("not here: ") + command;
  // The way back before we translate anything: to the LAN's own addresses, by the fiber, which is what the host itself uses.
  world_.go();
  run("ip route add 10.77.0.0/24 via 10.0.1.2 dev far0");
  world_.back();
  echo_.emplace(world_);
}

std::string Site::foreign() {
  return shown("ip route show table 100") + shown("ip rule show priority 8500") + shown("ip nexthop show id 5") + shown("nft list table ip foreign") +
         shown("ip route show table main") + shown("ip -6 route show table main");
}

Apply Site::sent(const Change& change, std::uint64_t generation) {
  return {.generation = generation, .desired = change.after, .retired_classes = change.retired};
}

View Site::look() {
  auto kernel = Kernel::open().value();
  View view;
  for (const Named& q : questions()) view.ways[q.name] = way_words(kernel, q.question);
  const KernelState state = kernel.read({7101, 7102, 7201, 7202, 7203, 7301, 7302, 7401, 7402}).value();
  std::set<std::string> lines;
  const auto add = [&](const auto& all) {
    for (const auto& o : all)
      if (is_ours(o)) lines.insert(to_string(Object(o)));
  };
  add(state.nexthops);
  add(state.routes);
  add(state.rules);
  for (const std::string& line : lines) view.objects += line + "\n";
  view.objects += NftTable::open().value().show(Family::V4).value() + NftTable::open().value().show(Family::V6).value();
  return view;
}

/// The plan before the change stands, with connections in progress.
void Site::stand(const Change& change) {
  if (!change.foreign_rule.empty()) run("ip rule del " + std::string(change.foreign_rule));
  RouteSwitch route_switch = started();
  now_ += 2h;
  if (change.before) {
    const std::uint64_t last = MemoryFile(memory_path()).load().value().accepted;
    generation_ = last + 1;
    std::vector<std::string> retired;
    for (const DesiredClass& c : change.after.classes)
      if (!holds(change.before->classes, c.name, &DesiredClass::name)) retired.push_back(c.name);
    const Reply r = route_switch.apply({.generation = generation_, .desired = *change.before, .retired_classes = retired}, now_);
    INFO(encode(r));
    REQUIRE(std::holds_alternative<Applied>(r));
  } else {
    REQUIRE(route_switch.remove_everything());
    generation_ = 0;
  }
  if (!change.foreign_rule.empty()) REQUIRE(run("ip rule add " + std::string(change.foreign_rule)) == 0);
}

/// @return kDiedAtPoint; 0: there were not so many points, and it did it
int Site::die_in(const Change& change, std::size_t point) {
  const pid_t child = fork();
  if (child == 0) {
    tests::die_at(point);
    RouteSwitch route_switch = started();
    const Reply r = route_switch.apply(sent(change, generation_ + kChanged), now_ + 1h);
    // What becomes of connections, to the end of it: at once, the two later looks for strays, and the end of the drain time.
    for (const auto later : {0s, 1s, 5s, 3600s}) (void)route_switch.tend(now_ + 1h + later);
    _exit(std::holds_alternative<Failed>(r) == change.refused_by_the_kernel && !std::holds_alternative<Refused>(r) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A call of each class that is up when the switch dies.
void Site::begin_calls(std::set<std::string>& seen) {
  forget_connections();
  for (const char* sender : kSenders) seen.insert(Talk(lan_, 5060, sender).seen_as());
}

/// A new flow of each class reaches the far end, by a circuit by which it did before the change or does after it.
void Site::check_packets(const std::string& when) {
  for (const char* sender : kSenders) {
    std::string seen;
    for (int attempt = 0; attempt < 3 && (attempt == 0 || !seen_.contains(seen)); ++attempt) seen = Talk(lan_, fresh_port(), sender).seen_as();
    CHECK_MESSAGE(seen_.contains(seen), when, ": ", sender, " is seen as '", seen, "'");
  }
}

void Site::check_memory(const Change& change, bool touched) {
  const auto memory = MemoryFile(memory_path()).load();
  REQUIRE_MESSAGE(memory, memory.error().what);
  // Before the kernel is touched the generation is written down (I21): what is half done can never be done again by an older plan.
  CHECK((memory->accepted == generation_ + kChanged || (!touched && memory->accepted == generation_)));
  const bool old = memory->desired.has_value() == change.before.has_value() && memory->applied == generation_;
  const bool fresh = memory->applied == generation_ + kChanged && !change.refused_by_the_kernel;
  CHECK((old || fresh));
}

/// A switch that starts now leads to one of the two plans by itself, and finds nothing to do when it looks again.
void Site::check_restart(const Change& change) {
  RouteSwitch route_switch = started();
  for (const Drift& d : route_switch.look({}, now_ + 1h)) CHECK_FALSE(d.gave_up);
  (void)route_switch.tend(now_ + 1h);
  CHECK(route_switch.look({}, now_ + 1h).empty());
  const View now = look();
  if (change.before) CHECK((now.objects == stood_.objects || now.objects == done_.objects));
  for (const auto& [question, way] : now.ways)
    CHECK_MESSAGE((way == stood_.ways[question] || way == done_.ways[question]), question, " after the restart: ", way);
}

/// The daemon tells it again what it wants: older plans are refused, a newer one leads to the same end as if nobody had died.
void Site::check_again(const Change& change) {
  RouteSwitch route_switch = started();
  const std::uint64_t last = MemoryFile(memory_path()).load().value().accepted;
  if (last > 0) {
    const Reply stale = route_switch.apply(sent(change, last), now_ + 1h);
    REQUIRE(std::holds_alternative<Refused>(stale));
    CHECK(std::get<Refused>(stale).guard == "stale_generation");
  }
  const Reply r = route_switch.apply(sent(change, last + 1), now_ + 1h);
  INFO(encode(r));
  CHECK(std::holds_alternative<Failed>(r) == change.refused_by_the_kernel);
  CHECK_FALSE(std::holds_alternative<Refused>(r));
  const View end = look();
  CHECK(end.objects == done_.objects);
  CHECK(end.ways == done_.ways);
}

std::size_t Site::survives(const Change& change) {
  stand(change);
  const auto memory = content(memory_path());
  seen_.clear();
  foreign_ = foreign();
  stood_ = look();
  begin_calls(seen_);
  CHECK_FALSE(seen_.contains(""));
  REQUIRE(die_in(change, 0) == 0);
  done_ = look();
  std::set<std::string> later;
  begin_calls(later);
  CHECK_FALSE(later.contains(""));
  seen_.merge(later);
  for (std::size_t point = 1;; ++point) {
    stand(change);
    put_content(memory_path(), memory);
    if (change.before) generation_ = MemoryFile(memory_path()).load().value().accepted;
    REQUIRE(look() == stood_);
    begin_calls(later);
    const int ended = die_in(change, point);
    REQUIRE((ended == tests::kDiedAtPoint || ended == 0));
    const std::string when = fmt::format("killed at point {}", point);
    CAPTURE(when);
    const View now = look();
    for (const auto& [question, way] : now.ways)
      CHECK_MESSAGE((way == stood_.ways[question] || way == done_.ways[question]), when, ": ", question, ": ", way,
                    ", before: ", stood_.ways[question], ", after: ", done_.ways[question]);
    check_packets(when);
    check_memory(change, now.objects != stood_.objects);
    check_restart(change);
    check_packets(when + " and started again");
    check_again(change);
    CHECK(foreign() == foreign_);
    if (ended == 0) return point - 1;
  }
}

}  // namespace linekeeper::route::crash
