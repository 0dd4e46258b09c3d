// Users, units, directories and sockets of ours, and the other programs that write routes.
#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include "controller/admin/doctor/judging.hpp"
#include "controller/admin/doctor/read.hpp"
#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::admin::doctor {
namespace fs = std::filesystem;
namespace {

// systemd.unit(5), in the order in which one overrules the other.
constexpr const char* kSystemdFolders[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"};

std::vector<std::string> fields(const std::string& line, char separator) {
  std::vector<std::string> all;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, separator);) all.push_back(field);
  return all;
}

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional(value) : std::nullopt;
}

/// passwd(5) and group(5) themselves: a name service that asks the network could hang in the very outage this is asked for.
void read_accounts(Facts& facts) {
  const auto passwd = text_of_file("/etc/passwd"), group = text_of_file("/etc/group");
  for (const std::string_view name : {kUser, kSwitchUser}) {
    Fact<Account> account = std::unexpected(passwd ? Unread::Absent : passwd.error());
    std::istringstream users(passwd.value_or(""));
    for (std::string line; std::getline(users, line);)
      if (const auto f = fields(line, ':'); f.size() >= 4 && f[0] == name && number(f[2]) && number(f[3]))
        account = Account{.uid = *number(f[2]), .gid = *number(f[3]), .groups = {*number(f[3])}};
    facts.accounts.insert_or_assign(std::string(name), account);
  }
  std::set<std::string> given;  // beyond /etc/group, by the unit
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(fmt::format("/etc/systemd/system/{}.d", kUnit), ignored)) {
    std::istringstream lines(text_of_file(file.path()).value_or(""));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("SupplementaryGroups="))
        for (const std::string& g : fields(line.substr(line.find('=') + 1), ' ')) given.insert(g);
  }
  std::istringstream groups(group.value_or(""));
  auto daemon = facts.accounts.find(std::string(kUser));
  for (std::string line; std::getline(groups, line);) {
    const auto f = fields(line, ':');
    if (f.size() < 3 || !number(f[2])) continue;
    if (f[0] == kUser) facts.group = number(f[2]);
    const auto members = f.size() > 3 ? fields(f[3], ',') : std::vector<std::string>{};
    if (daemon->second && (given.contains(f[0]) || std::ranges::find(members, kUser) != members.end()))
      daemon->second->groups.push_back(*number(f[2]));
  }
}

/// What a running daemon really is (proc(5)): its user and groups may differ from what the files say.
void read_running(int pid, Facts& facts) {
  const auto status = text_of_file(fmt::format("/proc/{}/status", pid)), limits = text_of_file(fmt::format("/proc/{}/limits", pid));
  if (status) {
    Account account;
    std::istringstream lines(*status);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string key;
      std::uint32_t real = 0, effective = 0;
      words >> key;
      if (key == "Uid:" && words >> real >> effective) account.uid = effective;
      if (key == "Gid:" && words >> real >> effective) account.groups.push_back(account.gid = effective);
      if (key == "Groups:")
        for (std::uint32_t g = 0; words >> g;) account.groups.push_back(g);
    }
    facts.accounts.insert_or_assign(std::string(kUser), account);
  }
  constexpr std::string_view kLine = "Max open files";
  const auto at = limits ? limits->find(kLine) : std::string::npos;
  if (at == std::string::npos) {
    facts.open_files = std::unexpected(limits ? Unread::Failed : limits.error());
    return;
  }
  std::istringstream words(limits->substr(at + kLine.size()));
  std::uint64_t soft = 0;
  facts.open_files = words >> soft ? Fact<std::uint64_t>(soft) : Fact<std::uint64_t>(UINT64_MAX);  // "unlimited"
}

void read_entry(const std::string& path, Facts& facts) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    facts.entries.insert_or_assign(path, std::unexpected(unread(errno)));
    return;
  }
  facts.entries.insert_or_assign(path, Entry{.mode = about.st_mode & 07777U,
                                             .uid = about.st_uid,
                                             .gid = about.st_gid,
                                             .directory = S_ISDIR(about.st_mode),
                                             .socket = S_ISSOCK(about.st_mode)});
}

void read_units(Facts& facts) {
  std::error_code ignored;
  facts.systemd = fs::exists("/run/systemd/system", ignored);
  for (const std::string_view name : {kUnit, kSwitchUnit}) {
    Unit unit{.running = unit_runs(std::string(name))};
    for (const char* folder : kSystemdFolders) {
      const fs::path units = fs::path(folder) / "system";
      unit.installed = unit.installed || fs::exists(units / name, ignored);
      for (const auto& entry : fs::directory_iterator(units, ignored))
        if (const auto extension = entry.path().extension(); extension == ".wants" || extension == ".requires")
          unit.enabled = unit.enabled || fs::is_symlink(entry.path() / name, ignored);
    }
    facts.units.insert_or_assign(std::string(name), unit);
  }
}

/// The switch takes one connection at a time: it is not connected to, only looked for among those who listen (proc(5)).
Fact<bool> listens(const std::string& path) {
  const auto sockets = text_of_file("/proc/net/unix");
  if (!sockets) return std::unexpected(sockets.error());
  std::istringstream lines(*sockets);
  for (std::string line; std::getline(lines, line);)
    if (line.ends_with(' ' + path) && line.find(" 00010000 ") != std::string::npos) return true;  // __SO_ACCEPTCON
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return std::unexpected(unread(errno));
  return false;
}

}  // namespace

bool unit_runs(const std::string& unit) {
  for (const char* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"}) {
    const auto processes = text_of_file(fmt::format("{}/system.slice/{}/cgroup.procs", root, unit));
    if (processes && !processes->empty()) return true;
  }
  return false;
}

Fact<bool> somebody_at(const std::string& path, int type, int* pid) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return kNotRead;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const runtime::UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(unread(errno));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ECONNREFUSED) return false;
    if (errno != EAGAIN) return std::unexpected(unread(errno));  // EAGAIN: its queue is full, so there is one
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (pid != nullptr && ::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) *pid = peer.pid;
  return true;
}

void read_networks(const model::Site& site, Facts& facts) {
  facts.networkd_running = unit_runs("systemd-networkd.service");
  facts.network_manager_running = unit_runs("NetworkManager.service");
  facts.networkd_files.push_back(text_of_file("/etc/systemd/networkd.conf").value_or(""));
  std::map<std::string, std::string> drop_ins;  // by name: of one name the first folder's counts
  std::error_code ignored;
  for (const char* folder : kSystemdFolders)
    for (const auto& entry : fs::directory_iterator(fs::path(folder) / "networkd.conf.d", ignored))
      if (entry.path().extension() == ".conf") drop_ins.try_emplace(entry.path().filename(), entry.path());
  for (const auto& [name, path] : drop_ins) facts.networkd_files.push_back(text_of_file(path).value_or(""));
  for (const model::Circuit& c : site.circuits) {
    const auto device = text_of_file(fmt::format("/run/NetworkManager/devices/{}", ::if_nametoindex(c.interface.c_str())));
    facts.nm_managed.insert_or_assign(
        c.interface, device ? Fact<bool>(device->find("\nmanaged=true") != std::string::npos) : Fact<bool>(std::unexpected(device.error())));
  }
}

void read_programs(const model::Site& site, Facts& facts) {
  const auto& e = site.endpoints;
  read_accounts(facts);
  read_units(facts);
  int pid = 0;
  facts.sockets.insert_or_assign(e.control_socket, somebody_at(e.control_socket, SOCK_STREAM, &pid));
  facts.open_files = std::unexpected(Unread::Absent);
  if (pid > 0) read_running(pid, facts);
  facts.sockets.insert_or_assign(e.switch_socket, listens(e.switch_socket));
  for (const std::string& path : {site.file, directory_of(e.control_socket), directory_of(e.switch_socket), directory_of(e.journal)})
    read_entry(path, facts);
  for (const model::Pbx& pbx : site.pbxs) {
    if (pbx.driver != model::PbxDriver::Kamailio) continue;
    read_entry(pbx.rpc_socket, facts);
    read_entry(directory_of(pbx.rpc_socket), facts);
    facts.sockets.insert_or_assign(pbx.rpc_socket, somebody_at(pbx.rpc_socket, SOCK_DGRAM));
  }
}

}  // namespace linekeeper::admin::doctor
