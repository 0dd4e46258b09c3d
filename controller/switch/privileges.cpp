#include "controller/switch/privileges.hpp"

#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace linekeeper::route {
namespace {

struct FreeCap {
  void operator()(void* c) const { cap_free(c); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCap>;

bool effective(cap_value_t which) {
  const Capabilities now(cap_get_proc());
  cap_flag_value_t set = CAP_CLEAR;
  return now && cap_get_flag(now.get(), which, CAP_EFFECTIVE, &set) == 0 && set == CAP_SET;
}

/// Becomes the user; the permitted set survives by PR_SET_KEEPCAPS. @return why not, or nothing.
std::optional<std::string> become(const Identity& user) {
  if (prctl(PR_SET_KEEPCAPS, 1) < 0) return std::strerror(errno);
  // In this order: once the user id has gone, groups can no longer be changed.
  if (setgroups(0, nullptr) < 0 || setresgid(user.gid, user.gid, user.gid) < 0 || setresuid(user.uid, user.uid, user.uid) < 0)
    return std::strerror(errno);
  return std::nullopt;
}

}  // namespace

model::Result<Identity> find_user(const std::string& text) {
  uid_t uid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
  const bool number = error == std::errc{} && end == text.data() + text.size();
  const passwd* entry = number ? getpwuid(uid) : getpwnam(text.c_str());
  if (entry != nullptr) return Identity{.name = entry->pw_name, .uid = entry->pw_uid, .gid = entry->pw_gid};
  if (number) return Identity{.name = text, .uid = uid, .gid = uid};
  return std::unexpected(model::Error{.what = "there is no user '" + text + "'", .remedy = "create it (systemd-sysusers), or give a number"});
}

model::Result<std::vector<std::string>> keep_net_admin_only(const std::optional<Identity>& user) {
  std::vector<std::string> remarks;
  if (!effective(CAP_NET_ADMIN))
    return std::unexpected(model::Error{.what = "no CAP_NET_ADMIN, so routes cannot be written",
                                        .remedy = "start it as root, or by its systemd unit, or inside `unshare -Urn`",
                                        .code = EPERM});
  // Bounding set and securebits need CAP_SETPCAP, which is about to go.
  if (effective(CAP_SETPCAP)) {
    for (cap_value_t c = 0; c <= cap_max_bits(); ++c)
      if (c != CAP_NET_ADMIN) cap_drop_bound(c);
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED);
  }
  if (user && (user->uid != geteuid() || user->gid != getegid())) {
    if (auto why = become(*user))
      remarks.push_back("cannot become user " + user->name + " here (" + *why + "): going on as uid " + std::to_string(geteuid()) +
                        " with CAP_NET_ADMIN alone");
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  const Capabilities only(cap_init());
  const cap_value_t net_admin = CAP_NET_ADMIN;
  if (!only || cap_set_flag(only.get(), CAP_PERMITTED, 1, &net_admin, CAP_SET) < 0 ||
      cap_set_flag(only.get(), CAP_EFFECTIVE, 1, &net_admin, CAP_SET) < 0 || cap_set_proc(only.get()) < 0)
    return std::unexpected(
        model::Error{.what = std::string("cannot reduce the capability set: ") + std::strerror(errno), .remedy = "report it", .code = errno});
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) remarks.push_back(std::string("cannot set no_new_privs: ") + std::strerror(errno));
  return remarks;
}

}  // namespace linekeeper::route
