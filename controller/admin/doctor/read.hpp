#pragma once
// Reads a host's facts: /proc, netlink, files. Changes nothing; as any user, and what that user may not see says so.
#include "controller/admin/doctor/facts.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::admin::doctor {

[[nodiscard]] Facts read_facts(const model::Site& site);

// Its parts, each into `facts`.
void read_kernel(const model::Site& site, Facts& facts);
void read_networks(const model::Site& site, Facts& facts);  ///< systemd-networkd, NetworkManager
void read_programs(const model::Site& site, Facts& facts);
void read_host(const model::Site& site, Facts& facts);

/// A small file, whole. Bounded: at most 4 MiB of it.
[[nodiscard]] Fact<std::string> text_of_file(const std::string& path);
/// Of an errno.
[[nodiscard]] Unread unread(int error);
/// A unit of systemd has a process (its control group has one).
[[nodiscard]] bool unit_runs(const std::string& unit);
/// Sends a socket's address nothing and learns whether somebody is behind it. @param type SOCK_STREAM or SOCK_DGRAM
/// @param pid set to whoever listens, where the kernel tells
[[nodiscard]] Fact<bool> somebody_at(const std::string& path, int type, int* pid = nullptr);

}  // namespace linekeeper::admin::doctor
