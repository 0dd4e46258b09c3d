// A carrier's name looked up of a real BIND: what it says, what it refuses to say, and what a resolver that is silent costs.
#include "controller/daemon/locator.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/sockets/namespace.hpp"

using namespace linekeeper;
using namespace std::chrono_literals;
using daemon::Locator;
using tests::Child;
using tests::run;
using tests::run_until;

namespace {

model::IpAddress ip(const std::string& text) { return *model::IpAddress::parse(text); }

const char* const kZone = R"($TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns A 127.0.0.1
north NAPTR 10 10 "S" "SIP+D2U" "" _sip._udp.north
_sip._udp.north SRV 10 60 5060 a
_sip._udp.north SRV 10 40 5070 b
_sip._udp.north SRV 20 0 5060 c
a A 198.51.100.1
b A 198.51.100.2
c CNAME far
far A 198.51.100.3
bare A 198.51.100.9
bare A 203.0.113.66
brief 0 A 198.51.100.4
lame NS ns.lame
ns.lame A 192.0.2.53
)";

/// named, in this process's own namespace, on 127.0.0.1 port 53.
struct Bind {
  std::string folder = (std::filesystem::temp_directory_path() / ("lk-named-" + std::to_string(::getpid()))).string();
  std::unique_ptr<Child> named;

  Bind() {
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::all);  // named may have given up what root may
    std::ofstream zone(folder + "/zone");
    zone << kZone;
    for (int i = 0; i < 50; ++i) zone << "_sip._udp.many SRV 10 " << i << " 5060 t" << i << "\nt" << i << " A 198.51.100." << 100 + i << "\n";
    zone.close();
    std::ofstream(folder + "/broken") << "this is no zone\n";
    std::ofstream(folder + "/named.conf") << "options { directory \"" << folder
                                          << "\"; pid-file none; session-keyfile none; managed-keys-directory \"" << folder
                                          << "\"; listen-on port 53 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; minimal-responses yes; };\n"
                                          << "controls { };\nzone \"example\" { type primary; file \"" << folder << "/zone\"; };\n"
                                          << "zone \"broken\" { type primary; file \"" << folder << "/broken\"; };\n";
    named = std::make_unique<Child>(std::vector<std::string>{"/usr/sbin/named", "-f", "-c", folder + "/named.conf"});
    REQUIRE(run({"ip", "route", "replace", "192.0.2.53/32", "dev", "lo"}) == 0);  // takes packets and says nothing
  }
  ~Bind() {
    named.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
};

struct Looked {
  static Bind& bind() {
    static Bind server;
    return server;
  }
  model::Site site;
  boost::asio::io_context io;
  std::vector<model::CarrierLocated> told;
  std::unique_ptr<Locator> locator;

  explicit Looked(const std::string& host, std::vector<const char*> resolvers = {"127.0.0.1"}, const char* pinned = nullptr) {
    bind();
    model::Carrier carrier{.name = "north", .address = {}};
    carrier.host = host;
    if (pinned != nullptr) carrier.pinned = {*model::Prefix::parse(pinned)};
    site.carriers.push_back(carrier);
    site.circuits.push_back({.name = "fiber", .interface = "lo"});
    for (const char* r : resolvers) site.circuits[0].resolvers.push_back(ip(r));
    locator = std::make_unique<Locator>(io.get_executor(), site, model::CarrierId{}, model::CircuitId{}, 1,
                                        [this](const model::CarrierLocated& l) { told.push_back(l); });
    locator->start();
  }
  /// Until it is as wanted: BIND may not be there yet at first.
  bool comes_to(model::Lookup lookup, std::chrono::seconds most = 20s) {
    return run_until(io, [&] { return !told.empty() && told.back().lookup == lookup; }, most);
  }
  [[nodiscard]] std::vector<std::string> places() const {
    std::vector<std::string> out;
    for (const auto& e : locator->held().endpoints) out.push_back(e.at.to_string());
    std::ranges::sort(out);
    return out;
  }
};
using Places = std::vector<std::string>;

}  // namespace

TEST_CASE("locator: NAPTR, SRV and an alias lead to endpoints with their priorities and weights") {
  Looked l("north.example");
  REQUIRE(l.comes_to(model::Lookup::Found));
  CHECK(l.places() == Places{"198.51.100.1:5060", "198.51.100.2:5070", "198.51.100.3:5060"});
  const auto& last = l.locator->held().endpoints.back();
  CHECK(last.at.address == ip("198.51.100.3"));  // the later priority, whatever chance says
  CHECK(last.priority == 20);
}

TEST_CASE("locator: fifty records come over TCP, and are sixteen endpoints") {
  Looked l("many.example");
  REQUIRE(l.comes_to(model::Lookup::Found));
  CHECK(l.places().size() == model::kMostEndpoints);
}

TEST_CASE("locator: an answer outside the pinned networks is told and left out") {
  Looked l("bare.example", {"127.0.0.1"}, "198.51.100.0/24");
  REQUIRE(l.comes_to(model::Lookup::Found));
  CHECK(l.places() == Places{"198.51.100.9:5060"});
  CHECK(l.told.back().refused == std::vector{ip("203.0.113.66")});
}

TEST_CASE("locator: a TTL of nothing does not make us ask all the time") {
  Looked l("brief.example");
  REQUIRE(l.comes_to(model::Lookup::Found));
  const auto answered = l.locator->held().answered;
  run_until(l.io, [] { return false; }, 2s);
  CHECK(l.locator->held().answered == answered);
}

TEST_CASE("locator: a name that does not exist is told apart from a zone that is broken and from silence") {
  Looked none("nowhere.example");
  CHECK(none.comes_to(model::Lookup::NoSuchName));
  Looked broken("sip.broken");
  REQUIRE(broken.comes_to(model::Lookup::Unanswered));
  CHECK(broken.places().empty());
  Looked silent("north.example", {"192.0.2.53"});
  CHECK(silent.comes_to(model::Lookup::Unanswered));
}

TEST_CASE("locator: the next resolver is asked when the first is silent") {
  Looked l("bare.example", {"192.0.2.53", "127.0.0.1"});
  REQUIRE(l.comes_to(model::Lookup::Found));
  CHECK(l.places().size() == 2);
}

TEST_CASE("locator: what was found stays when the resolver dies") {
  Looked l("brief.example");
  REQUIRE(l.comes_to(model::Lookup::Found));
  Looked::bind().named.reset();
  REQUIRE(l.comes_to(model::Lookup::Unanswered));
  CHECK(l.places() == Places{"198.51.100.4:5060"});
}
