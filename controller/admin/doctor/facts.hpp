#pragma once
// What `linekeeper doctor` has read of a host, as values. What could not be read says why: nothing here is guessed.
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/model/observation.hpp"
#include "controller/switch/kernel_state.hpp"

namespace linekeeper::admin::doctor {

enum class Unread : std::uint8_t {
  Absent,      ///< there is no such file, object or feature
  NotAllowed,  ///< it takes more privilege than the reader has
  Failed,      ///< it was not or could not be read
};
template <class T>
using Fact = std::expected<T, Unread>;
/// What nobody has read yet.
inline constexpr std::unexpected<Unread> kNotRead{Unread::Failed};

/// The switch's nftables table and the dump of connections, tried in a network namespace of the trial's own. Empty: it works.
struct Trial {
  std::string marks, translation, connections;  ///< what the kernel said
};

/// A user, of /etc/passwd and /etc/group.
struct Account {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;  ///< the first one included; of a running daemon, those it really has
};

/// A file or directory (stat(2)).
struct Entry {
  std::uint32_t mode = 0;  ///< permission bits
  std::uint32_t uid = 0, gid = 0;
  bool directory = false, socket = false;
};

struct Unit {
  bool installed = false, enabled = false;
  bool running = false;
};

struct Disk {
  std::uint64_t free_bytes = 0;  ///< for others than root
  std::uint64_t journal_bytes = 0;
};

/// Who listens where the page and /metrics are to be.
enum class Port : std::uint8_t { Free, Ours, Foreign, NoSuchAddress };

// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): there is one, and it is read in this order
struct Facts {
  std::map<std::string, Fact<std::string>> settings;  ///< by path below /proc/sys: "net/ipv4/conf/wan0/rp_filter"

  // The kernel, by netlink.
  Fact<bool> nexthop_objects = kNotRead;
  Fact<bool> policy_rules = kNotRead;
  Fact<Trial> trial = kNotRead;
  Fact<std::vector<route::Rule>> rules = kNotRead;  ///< all there are, of both families
  Fact<route::KernelState> standing = kNotRead;     ///< routes of our tables, nexthops of our range
  Fact<std::vector<model::LinkState>> circuits = kNotRead;

  // Who else writes routes.
  bool networkd_running = false;
  std::vector<std::string> networkd_files;  ///< texts of networkd.conf and its drop-ins, in the order in which they count
  bool network_manager_running = false;
  std::map<std::string, Fact<bool>> nm_managed;  ///< by interface

  // What the programs need.
  std::optional<bool> systemd;                    ///< it is what started this host
  std::map<std::string, Unit> units;              ///< "linekeeper.service"
  std::map<std::string, Fact<Account>> accounts;  ///< "linekeeper"
  std::optional<std::uint32_t> group;             ///< gid of group linekeeper
  std::map<std::string, Fact<Entry>> entries;     ///< by path
  std::map<std::string, Fact<bool>> sockets;      ///< by path: somebody listens there; false: nobody
  Fact<bool> clock_synchronised = kNotRead;
  Fact<Disk> disk = kNotRead;
  Fact<std::uint64_t> open_files = kNotRead;  ///< limit of the running daemon; Absent: none runs
  Fact<Port> port = kNotRead;
  Fact<std::string> resolv_conf = kNotRead;  ///< text of /etc/resolv.conf
  std::string resolv_conf_is;                ///< the file behind it, links followed
};

}  // namespace linekeeper::admin::doctor
