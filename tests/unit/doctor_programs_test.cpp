#include "doctor_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::admin::doctor;
using fixture::Host;

TEST_CASE("doctor: users, group and units") {
  Host host;
  host.facts.accounts.insert_or_assign("linekeeper-switch", std::unexpected(Unread::Absent));
  CHECK(host("user", "linekeeper") == Grade::Ok);
  CHECK(host("user", "linekeeper-switch") == Grade::Problem);
  host.facts.group.reset();
  CHECK(host("group") == Grade::Problem);
  const auto unit = [&](Unit u) {
    host.facts.units["linekeeper.service"] = u;
    return host("unit", "linekeeper.service");
  };
  CHECK(unit({false, false, false}) == Grade::Problem);
  CHECK(unit({true, false, true}) == Grade::Warning);
  CHECK(unit({true, true, false}) == Grade::Warning);
  CHECK(unit({true, true, true}) == Grade::Ok);
  host.facts.systemd = false;
  CHECK(host("unit") == Grade::Unknown);
}

TEST_CASE("doctor: modes of files and directories, by owner, group and others") {
  const auto with = [](const char* path, std::uint32_t mode, std::uint32_t uid, std::uint32_t gid) {
    Host host;
    auto& e = *host.facts.entries.at(path);
    e.mode = mode;
    e.uid = uid;
    e.gid = gid;
    return std::max({host("control_directory"), host("state_directory"), host("switch_directory"), host("configuration"), host("pbx")});
  };
  CHECK(with("/run/linekeeper", 0755, 990, 990) == Grade::Ok);
  CHECK(with("/run/linekeeper", 0755, 0, 0) == Grade::Problem);
  CHECK(with("/run/linekeeper", 0757, 990, 990) == Grade::Problem);
  CHECK(with("/var/lib/linekeeper", 0550, 990, 990) == Grade::Problem);
  CHECK(with("/run/linekeeper-switch", 0700, 991, 990) == Grade::Problem);  // the daemon cannot get through
  CHECK(with("/run/linekeeper-switch", 0710, 991, 990) == Grade::Ok);
  CHECK(with("/etc/linekeeper/linekeeper.toml", 0600, 0, 0) == Grade::Problem);
  CHECK(with("/etc/linekeeper/linekeeper.toml", 0640, 0, 0) == Grade::Problem);
  CHECK(with("/etc/linekeeper/linekeeper.toml", 0644, 0, 0) == Grade::Ok);
  CHECK(with("/etc/linekeeper/linekeeper.toml", 0646, 0, 0) == Grade::Problem);
  CHECK(with("/etc/linekeeper/linekeeper.toml", 0660, 0, 990) == Grade::Warning);
  CHECK(with("/run/kamailio/lk.sock", 0660, 1, 1) == Grade::Problem);
  CHECK(with("/run/kamailio/lk.sock", 0660, 1, 990) == Grade::Ok);
  CHECK(with("/run/kamailio", 0750, 1, 1) == Grade::Problem);
}

TEST_CASE("doctor: directories that the units make are missing only while the unit runs") {
  Host host;
  host.facts.entries.insert_or_assign("/run/linekeeper", std::unexpected(Unread::Absent));
  CHECK(host("control_directory") == Grade::Problem);
  host.facts.units["linekeeper.service"].running = false;
  CHECK(host("control_directory") == Grade::Ok);
}

TEST_CASE("doctor: sockets that nobody reads") {
  Host host;
  host.facts.sockets.insert_or_assign("/run/linekeeper-switch/switch.sock", false);
  CHECK(host("switch_socket") == Grade::Warning);
  CHECK(host("control_socket") == Grade::Ok);
  host.facts.sockets.insert_or_assign("/run/kamailio/lk.sock", false);
  CHECK(host("pbx", "kamailio") == Grade::Problem);
  host.facts.entries.insert_or_assign("/run/kamailio/lk.sock", std::unexpected(Unread::Absent));
  CHECK(host("pbx", "kamailio") == Grade::Problem);
  host.facts.entries.insert_or_assign("/run/kamailio/lk.sock", std::unexpected(Unread::NotAllowed));
  CHECK(host("pbx", "kamailio") == Grade::Unknown);
}

TEST_CASE("doctor: room for the journal: below 16 MiB a problem, below its growth and 64 MiB a warning") {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  const auto with = [](std::uint64_t free, std::uint64_t journal) {
    Host host;  // recording_mib is 64
    host.facts.disk = Disk{.free_bytes = free, .journal_bytes = journal};
    return host("disk");
  };
  CHECK(with(128 * kMiB, 0) == Grade::Ok);
  CHECK(with(128 * kMiB - 1, 0) == Grade::Warning);
  CHECK(with(64 * kMiB, 64 * kMiB) == Grade::Ok);
  CHECK(with(64 * kMiB, 70 * kMiB) == Grade::Ok);
  CHECK(with(16 * kMiB, 0) == Grade::Warning);
  CHECK(with(16 * kMiB - 1, 70 * kMiB) == Grade::Problem);
}

TEST_CASE("doctor: open files: one below, at, and one above what is needed") {
  // Two circuits with three targets and two carriers and two more each; two checks of none; 128 for all else.
  const auto with = [](std::uint64_t limit) {
    Host host;
    host.facts.open_files = limit;
    return host("open_files");
  };
  CHECK(with(141) == Grade::Problem);
  CHECK(with(142) == Grade::Ok);
  CHECK(with(143) == Grade::Ok);
}

TEST_CASE("doctor: clock, page and resolvers") {
  Host host;
  host.facts.clock_synchronised = false;
  CHECK(host("clock") == Grade::Warning);
  const auto port = [&](Fact<Port> p) {
    host.facts.port = p;
    return host("page");
  };
  CHECK(port(Port::Free) == Grade::Ok);
  CHECK(port(Port::Ours) == Grade::Ok);
  CHECK(port(Port::Foreign) == Grade::Problem);
  CHECK(port(Port::NoSuchAddress) == Grade::Problem);
  CHECK(port(std::unexpected(Unread::NotAllowed)) == Grade::Unknown);
  host.site.circuits[0].resolvers = {*model::IpAddress::parse("192.0.2.10"), *model::IpAddress::parse("192.0.2.11")};
  host.site.circuits[1].resolvers = {*model::IpAddress::parse("203.0.113.10")};
  const auto resolv = [&](Fact<std::string> text) {
    host.facts.resolv_conf = std::move(text);
    return host("resolvers");
  };
  CHECK(resolv("# none\nsearch example.net\n") == Grade::Warning);
  CHECK(resolv("nameserver 192.0.2.10\nnameserver 192.0.2.11\n") == Grade::Warning);
  CHECK(resolv("nameserver 192.0.2.10\nnameserver 203.0.113.10\n") == Grade::Ok);
  CHECK(resolv("nameserver 192.0.2.10\nnameserver 127.0.0.1\n") == Grade::Ok);
  CHECK(resolv(std::unexpected(Unread::Absent)) == Grade::Warning);
  host.site.resolvers.file = "/run/linekeeper/resolv.conf";
  host.facts.resolv_conf_is = "/etc/resolv.conf";
  CHECK(resolv("nameserver 192.0.2.10\nnameserver 127.0.0.1\n") == Grade::Warning);
  CHECK(resolv("nameserver 127.0.0.53\n") == Grade::Ok);  // it reads the file
  host.facts.resolv_conf_is = "/run/linekeeper/resolv.conf";
  CHECK(resolv("nameserver 192.0.2.10\n") == Grade::Ok);
}
