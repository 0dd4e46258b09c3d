// What the kernel must be able to do.
#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {
namespace {

constexpr double kTableWarning = 0.70, kTableProblem = 0.90;  // of nf_conntrack_max: a failover or a scan soon fills the rest

void feature(Check check, const Fact<bool>& there, const std::string& why, const std::string& remedy) {
  if (there) return check.ok("works");
  if (there.error() == Unread::Absent) return check.problem("the kernel has none", why, remedy);
  check.unknown(there.error(), why);
}

void tried(Check check, const std::string& refused, const std::string& why, const std::string& modules) {
  if (refused.empty()) return check.ok("works (tried in a network namespace of its own)");
  check.problem(
      "the kernel refuses: " + refused, why,
      fmt::format("modprobe -a {0}; to keep them: their names in /etc/modules-load.d/linekeeper.conf; not found: the kernel was built without",
                  modules));
}

void judge_trial(const model::Site& site, const Facts& facts, Findings& out) {
  const bool translates = std::ranges::any_of(site.circuits, [](const model::Circuit& c) { return c.nat.kind != model::Nat::Kind::Off; });
  if (!site.connections.keep && !translates) return;
  const std::string why = "connections would not keep to their circuit, nor be cut when it dies";
  if (!facts.trial) return Check{out, "nftables"}.unknown(facts.trial.error(), why);
  if (site.connections.keep) {
    tried({out, "nftables"}, facts.trial->marks, why, "nf_tables nf_conntrack nft_ct");
    tried({out, "conntrack_netlink"}, facts.trial->connections, "connections of a dead circuit could not be deleted", "nf_conntrack_netlink");
  }
  if (translates)
    tried({out, "nat"}, facts.trial->translation, "what is configured as nat would leave with the address of the LAN",
          "nft_chain_nat nft_nat nft_masq");
}

void judge_table(const model::Site& site, const Facts& facts, Findings& out) {
  if (!site.connections.keep) return;
  const Check check{out, "nf_conntrack_max"};
  const auto most = setting(facts, "net/netfilter/nf_conntrack_max"), count = setting(facts, "net/netfilter/nf_conntrack_count");
  if (!most || !count) {
    const Unread why = !most ? most.error() : count.error();
    if (why == Unread::Absent) return check.ok("connection tracking is not loaded yet; linekeeper-switch has it loaded");
    return check.unknown(why, "a full table drops every new connection");
  }
  const double used = *most > 0 ? static_cast<double>(*count) / static_cast<double>(*most) : 0;  // 0: without limit
  const std::string found = fmt::format("{} of {} connections", *count, *most);
  if (used < kTableWarning) return check.ok(found);
  const std::string why = "when the table is full every new connection is dropped, by every circuit";
  const std::string remedy = set_sysctl("net/netfilter/nf_conntrack_max", std::to_string(*most * 4));
  if (used < kTableProblem) return check.warn(found, why, remedy);
  check.problem(found, why, remedy);
}

}  // namespace

void judge_kernel(const model::Site& site, const Facts& facts, Findings& out) {
  feature({out, "nexthop_objects"}, facts.nexthop_objects, "a class moves by one replace of a nexthop object",
          "boot Linux 5.3 or newer (Debian 12 has 6.1)");
  feature({out, "policy_rules"}, facts.policy_rules, "circuits and classes have routing tables of their own, chosen by rules",
          "boot a kernel with CONFIG_IP_MULTIPLE_TABLES (Debian's has it)");
  judge_trial(site, facts, out);
  judge_table(site, facts, out);
}

}  // namespace linekeeper::admin::doctor
