#pragma once
// What the judge_*.cpp share. Inside this room only.
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/admin/doctor/finding.hpp"

namespace linekeeper::admin::doctor {

using Findings = std::vector<Finding>;

inline constexpr std::string_view kUser = "linekeeper", kSwitchUser = "linekeeper-switch";
inline constexpr std::string_view kUnit = "linekeeper.service", kSwitchUnit = "linekeeper-switch.service";

void judge_kernel(const model::Site& site, const Facts& facts, Findings& out);
void judge_settings(const model::Site& site, const Facts& facts, Findings& out);
void judge_routes(const model::Site& site, const Facts& facts, Findings& out);
void judge_programs(const model::Site& site, const Facts& facts, Findings& out);
void judge_host(const model::Site& site, const Facts& facts, Findings& out);

/// One check and what it is about: says its one finding.
struct Check {
  Findings& out;
  std::string name, about = {};
  void ok(std::string found) const { out.push_back({Grade::Ok, name, about, std::move(found), {}, {}}); }
  void warn(std::string found, std::string why, std::string remedy) const {
    out.push_back({Grade::Warning, name, about, std::move(found), std::move(why), std::move(remedy)});
  }
  void problem(std::string found, std::string why, std::string remedy) const {
    out.push_back({Grade::Problem, name, about, std::move(found), std::move(why), std::move(remedy)});
  }
  void unknown(Unread why, std::string what) const {
    out.push_back({Grade::Unknown, name, about, "cannot be read" + std::string(why == Unread::NotAllowed ? " without privilege" : ""),
                   std::move(what), why == Unread::NotAllowed ? "ask as root: sudo linekeeper doctor" : ""});
  }
};

/// "net/ipv4/conf/all/rp_filter" as sysctl(8) takes it. A name with a dot in it (a VLAN) keeps the slashes.
[[nodiscard]] std::string sysctl_name(std::string_view path);
/// The command that sets it now, and what keeps it set.
[[nodiscard]] std::string set_sysctl(std::string_view path, std::string_view value);
/// A whole number below /proc/sys.
[[nodiscard]] Fact<long> setting(const Facts& facts, const std::string& path);
[[nodiscard]] std::string in_conf(std::string_view family, std::string_view interface, std::string_view name);  ///< "net/ipv4/conf/wan0/rp_filter"
/// The kernel's rule for rp_filter, arp_ignore and arp_announce: the larger of `all` and the interface's own counts.
[[nodiscard]] Fact<long> larger(const Facts& facts, std::string_view interface, std::string_view name);
[[nodiscard]] std::string directory_of(const std::string& path);

template <class T>
[[nodiscard]] Fact<T> fact_of(const std::map<std::string, Fact<T>>& facts, const std::string& key) {
  const auto found = facts.find(key);
  return found == facts.end() ? Fact<T>(kNotRead) : found->second;
}

}  // namespace linekeeper::admin::doctor
