// Clock, disk, limits, the page's port, name resolution.
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kDiskProblem = 16 * kMiB;  // SQLite's own log beside the file takes some
constexpr std::uint64_t kDiskMargin = 64 * kMiB;   // beside what the recording may still grow by

void judge_clock(const Facts& facts, Findings& out) {
  const Check check{out, "clock"};
  if (!facts.clock_synchronised) return check.unknown(facts.clock_synchronised.error(), "whether the clock is set by the network");
  if (*facts.clock_synchronised) return check.ok("synchronised");
  check.warn("not synchronised", "times in the journal and in reports, and windows of failback, are by this clock (decisions are not)",
             "timedatectl set-ntp true; with chrony: chronyc tracking");
}

void judge_disk(const model::Site& site, const Facts& facts, Findings& out) {
  const Check check{out, "disk", directory_of(site.endpoints.journal)};
  if (!facts.disk) return check.unknown(facts.disk.error(), "the journal needs room");
  const std::uint64_t recording = static_cast<std::uint64_t>(site.endpoints.recording_mib) * kMiB;
  const std::uint64_t growth = recording > facts.disk->journal_bytes ? recording - facts.disk->journal_bytes : 0;
  const std::string found = fmt::format("{} MiB free, the journal may grow by {} MiB", facts.disk->free_bytes / kMiB, growth / kMiB);
  const std::string remedy = "make room, or lower recording_mib below [daemon]; journalctl --vacuum-size=200M often helps";
  if (facts.disk->free_bytes < kDiskProblem)
    check.problem(found, "events and orders cannot be written down: an order is refused, and does not survive a restart", remedy);
  else if (facts.disk->free_bytes < growth + kDiskMargin)
    check.warn(found, "the disk will be full before the journal stops growing", remedy);
  else
    check.ok(found);
}

/// Sockets: each target by each circuit, each carrier by each circuit, slower checks, clients, and what every program has.
std::uint64_t files_needed(const model::Site& site) {
  std::uint64_t n = 64 + 64;
  for (const model::Circuit& c : site.circuits) n += c.targets.size() + site.carriers.size() + 2;
  for (const model::Check& c : site.checks) n += c.circuits.size();
  return n;
}

void judge_files(const model::Site& site, const Facts& facts, Findings& out) {
  const Check check{out, "open_files"};
  const std::uint64_t need = files_needed(site);
  if (!facts.open_files && facts.open_files.error() == Unread::Absent)
    return check.ok(fmt::format("linekeeperd does not run; it needs about {}, its unit gives 32768", need));
  if (!facts.open_files) return check.unknown(facts.open_files.error(), "each path is a socket");
  const std::string found = fmt::format("{} allowed, about {} needed", *facts.open_files, need);
  if (*facts.open_files >= need) return check.ok(found);
  check.problem(found, "some paths would have no socket: not measured",
                "systemctl edit linekeeper, with [Service] and LimitNOFILE=32768, then: systemctl restart linekeeper");
}

void judge_port(const model::Site& site, const Facts& facts, Findings& out) {
  const auto& e = site.endpoints;
  const Check check{out, "page", fmt::format("{}:{}", e.http_address, e.http_port)};
  if (e.http_port == 0) return Check{out, "page"}.ok("off");
  const std::string why = "no page, no metrics; linekeeperd does not start",
                    remedy = "listen = \"127.0.0.1:9851\" or another below [http] in the configuration";
  if (!facts.port) return check.unknown(facts.port.error(), why);
  switch (*facts.port) {
    case Port::Free: return check.ok("free");
    case Port::Ours: return check.ok("linekeeperd answers");
    case Port::Foreign: return check.problem("another program listens there (ss -tlnp says which)", why, remedy);
    case Port::NoSuchAddress: return check.problem("no interface has this address", why, remedy);
  }
}

std::vector<std::string> nameservers(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key, value;
    if (words >> key >> value && key == "nameserver") all.push_back(value);
  }
  return all;
}

/// With a file of ours: it has to be what is read.
void judge_followed(const model::Site& site, const Facts& facts, const Check& check, const std::vector<std::string>& servers) {
  const std::string& file = site.resolvers.file;
  if (facts.resolv_conf_is == file) return check.ok("is " + file);
  if (std::ranges::all_of(servers, [](const std::string& s) { return s.starts_with("127.") || s == "::1"; }))
    return check.ok("asks a resolver of this host, which has to read " + file);
  check.warn("is " + facts.resolv_conf_is, fmt::format("nobody reads {}, which follows the circuit in use", file),
             fmt::format("ln -sfn {} /etc/resolv.conf", file));
}

/// resolv.conf(5). A provider's resolvers mostly refuse whoever comes by another line.
void judge_resolvers(const model::Site& site, const Facts& facts, Findings& out) {
  const Check check{out, "resolvers", "/etc/resolv.conf"};
  const std::string why = "this host cannot look up names";
  if (!facts.resolv_conf && facts.resolv_conf.error() == Unread::Absent)
    return check.warn("there is none", why, "nameserver ADDRESS in /etc/resolv.conf");
  if (!facts.resolv_conf) return check.unknown(facts.resolv_conf.error(), why);
  const auto servers = nameservers(*facts.resolv_conf);
  if (!site.resolvers.file.empty()) return judge_followed(site, facts, check, servers);
  if (servers.empty()) return check.warn("names no nameserver", why, "nameserver ADDRESS in /etc/resolv.conf");
  std::string found, owner;
  bool all_of_one = site.circuits.size() > 1;
  for (const std::string& server : servers) {
    found += (found.empty() ? "" : ", ") + server;
    const auto of = std::ranges::find_if(site.circuits, [&](const model::Circuit& c) {
      return std::ranges::any_of(c.resolvers, [&](const model::IpAddress& r) { return r.to_string() == server; });
    });
    const std::string name = of == site.circuits.end() ? "" : of->twin ? site[*of->twin].name : of->name;
    all_of_one = all_of_one && !name.empty() && (owner.empty() || owner == name);
    owner = name;
  }
  if (!all_of_one) return check.ok(found);
  check.warn(fmt::format("{}: all of circuit {}", found, owner),
             "names are not found any more when this circuit is left: its provider mostly refuses others",
             "a resolver that belongs to no circuit beside it in /etc/resolv.conf");
}

}  // namespace

void judge_host(const model::Site& site, const Facts& facts, Findings& out) {
  judge_clock(facts, out);
  judge_disk(site, facts, out);
  judge_files(site, facts, out);
  judge_port(site, facts, out);
  judge_resolvers(site, facts, out);
}

}  // namespace linekeeper::admin::doctor
