// What our programs need: users, directories, units, sockets.
#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {
namespace {

constexpr std::uint32_t kOthersWrite = 0002, kRead = 4, kWrite = 2, kEnter = 1;

bool may(const Account& who, const Entry& e, std::uint32_t what) {
  const bool member = std::ranges::find(who.groups, e.gid) != who.groups.end() || who.gid == e.gid;
  const std::uint32_t bits = who.uid == e.uid ? e.mode >> 6 : member ? e.mode >> 3 : e.mode;
  return who.uid == 0 || (bits & what) == what;
}

Unit unit_of(const Facts& facts, std::string_view name) {
  const auto found = facts.units.find(std::string(name));
  return found == facts.units.end() ? Unit{} : found->second;
}

void judge_accounts(const Facts& facts, Findings& out) {
  for (const std::string_view name : {kUser, kSwitchUser}) {
    const Check check{out, "user", std::string(name)};
    const auto account = fact_of(facts.accounts, std::string(name));
    if (account)
      check.ok(fmt::format("uid {}", account->uid));
    else if (account.error() == Unread::Absent)
      check.problem("there is none", "its unit cannot start", "systemd-sysusers");
    else
      check.unknown(account.error(), "its unit needs it");
  }
  const Check check{out, "group", std::string(kUser)};
  if (facts.group)
    check.ok(fmt::format("gid {}", *facts.group));
  else
    check.problem("there is none", "the programs share it for their socket; its members may use the control socket", "systemd-sysusers");
}

struct Place {
  std::string check, path;
  std::string_view owner, unit;
  std::uint32_t daemon_needs;
  std::string remedy;
};

void judge_place(const Facts& facts, Findings& out, const Place& place) {
  const Check check{out, place.check, place.path};
  const auto entry = fact_of(facts.entries, place.path);
  if (!entry && entry.error() == Unread::Absent) {
    if (!unit_of(facts, place.unit).running) return check.ok("not there yet; made when " + std::string(place.unit) + " starts");
    return check.problem("is missing while " + std::string(place.unit) + " runs", "nobody can reach it",
                         "systemctl restart " + std::string(place.unit));
  }
  if (!entry) return check.unknown(entry.error(), "it must belong to " + std::string(place.owner));
  const std::string found = fmt::format("mode {:04o}, uid {}, gid {}", entry->mode, entry->uid, entry->gid);
  if ((entry->mode & kOthersWrite) != 0)
    return check.problem(found, "anybody may put a socket or file of his own in its place", fmt::format("chmod o-w {}", place.path));
  const auto owner = fact_of(facts.accounts, std::string(place.owner)), daemon = fact_of(facts.accounts, std::string(kUser));
  if (!owner || !daemon) return check.ok(found + "; there is no user to compare with");
  if (!may(*owner, *entry, kRead | kWrite | kEnter)) return check.problem(found, std::string(place.owner) + " cannot write there", place.remedy);
  if (!may(*daemon, *entry, place.daemon_needs)) return check.problem(found, "linekeeperd cannot get through", place.remedy);
  check.ok(found);
}

void judge_places(const model::Site& site, const Facts& facts, Findings& out) {
  const auto& e = site.endpoints;
  const auto mend = [](std::string_view owner, const std::string& path, std::string_view mode) {
    return fmt::format("chown {}:linekeeper {} && chmod {} {}", owner, path, mode, path);
  };
  const std::string control = directory_of(e.control_socket), journal = directory_of(e.journal), change = directory_of(e.switch_socket);
  judge_place(facts, out, {"control_directory", control, kUser, kUnit, kRead | kWrite | kEnter, mend(kUser, control, "0755")});
  judge_place(facts, out, {"state_directory", journal, kUser, kUnit, kRead | kWrite | kEnter, mend(kUser, journal, "0750")});
  judge_place(facts, out, {"switch_directory", change, kSwitchUser, kSwitchUnit, kEnter, mend(kSwitchUser, change, "0750")});
}

void judge_configuration(const model::Site& site, const Facts& facts, Findings& out) {
  const Check check{out, "configuration", site.file};
  const auto entry = fact_of(facts.entries, site.file);
  if (!entry) return check.unknown(entry.error(), "linekeeperd must be able to read it");
  const std::string found = fmt::format("mode {:04o}, uid {}, gid {}", entry->mode, entry->uid, entry->gid);
  const std::string remedy = fmt::format("chown root:linekeeper {0} && chmod 0640 {0}", site.file);
  if ((entry->mode & kOthersWrite) != 0) return check.problem(found, "anybody may change where calls go", remedy);
  const auto daemon = fact_of(facts.accounts, std::string(kUser));
  if (daemon && !may(*daemon, *entry, kRead)) return check.problem(found, "linekeeperd cannot read it", remedy);
  if (daemon && daemon->uid != 0 && may(*daemon, *entry, kWrite))
    return check.warn(found, "linekeeperd, which reads the internet, may change it", remedy);
  check.ok(found);
}

void judge_units(const Facts& facts, Findings& out) {
  if (!facts.systemd) return Check{out, "unit"}.unknown(Unread::Failed, "whether the programs start with the host");
  if (!*facts.systemd) return Check{out, "unit"}.unknown(Unread::Absent, "systemd does not run here: somebody else must start the programs at boot");
  for (const std::string_view name : {kSwitchUnit, kUnit}) {
    const Check check{out, "unit", std::string(name)};
    const Unit unit = unit_of(facts, name);
    const std::string shown(name.substr(0, name.find('.')));
    if (!unit.installed)
      check.problem("is not installed", "nothing starts it", "cmake --install build/release --prefix /usr, then: systemctl daemon-reload");
    else if (!unit.enabled)
      check.warn(unit.running ? "runs, and is not enabled" : "is not enabled", "it does not start with the host", "systemctl enable --now " + shown);
    else if (!unit.running)
      check.warn("is enabled and does not run", name == kUnit ? "nobody watches the circuits" : "no route can be changed",
                 fmt::format("systemctl start {0}; why it ended: journalctl -u {0}", shown));
    else
      check.ok("enabled, running");
  }
}

void judge_socket(const Facts& facts, Findings& out, const std::string& name, const std::string& path, std::string_view unit) {
  const Check check{out, name, path};
  const auto answers = fact_of(facts.sockets, path);
  if (!answers && answers.error() != Unread::Absent) return check.unknown(answers.error(), "whether somebody listens there");
  if (answers && *answers) return check.ok("somebody listens there");
  check.warn(answers ? "nobody listens there" : "is not there", "the program behind it does not run, or uses another path",
             fmt::format("systemctl status {}", unit.substr(0, unit.find('.'))));
}

void judge_pbx(const model::Pbx& pbx, const Facts& facts, Findings& out) {
  const Check check{out, "pbx", pbx.name};
  const std::string why = "its trunk order cannot be changed: it keeps its own";
  const auto entry = fact_of(facts.entries, pbx.rpc_socket);
  if (!entry && entry.error() == Unread::Absent)
    return check.problem("there is no " + pbx.rpc_socket, why,
                         "start Kamailio with carriers/trunks/kamailio/linekeeper.cfg in its configuration; or mend rpc_socket");
  if (!entry) return check.unknown(entry.error(), why);
  if (!entry->socket) return check.problem(pbx.rpc_socket + " is no socket", why, "mend rpc_socket in the configuration");
  const auto daemon = fact_of(facts.accounts, std::string(kUser));
  const auto folder = fact_of(facts.entries, directory_of(pbx.rpc_socket));
  if (daemon && (!may(*daemon, *entry, kWrite) || (folder && !may(*daemon, *folder, kEnter))))
    return check.problem(fmt::format("{} has mode {:04o}, gid {}: linekeeperd may not write to it", pbx.rpc_socket, entry->mode, entry->gid), why,
                         "systemctl edit linekeeper, with [Service] and SupplementaryGroups=kamailio, then: systemctl restart linekeeper");
  const auto answers = fact_of(facts.sockets, pbx.rpc_socket);
  if (!answers) return check.unknown(answers.error(), why);
  if (!*answers) return check.problem(pbx.rpc_socket + " is left over: nobody reads it", why, "systemctl status kamailio");
  check.ok(pbx.rpc_socket + " is read");
}

}  // namespace

void judge_programs(const model::Site& site, const Facts& facts, Findings& out) {
  judge_accounts(facts, out);
  judge_configuration(site, facts, out);
  judge_places(site, facts, out);
  judge_units(facts, out);
  judge_socket(facts, out, "control_socket", site.endpoints.control_socket, kUnit);
  judge_socket(facts, out, "switch_socket", site.endpoints.switch_socket, kSwitchUnit);
  for (const model::Pbx& pbx : site.pbxs)
    if (pbx.driver == model::PbxDriver::Kamailio) judge_pbx(pbx, facts, out);
}

}  // namespace linekeeper::admin::doctor
