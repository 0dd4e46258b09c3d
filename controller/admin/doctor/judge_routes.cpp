// The circuits' interfaces, and whoever else writes routes and rules.
#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/doctor/judging.hpp"

namespace linekeeper::admin::doctor {
namespace {

using model::Family;

constexpr std::uint32_t kLocalTable = 255;  // RT_TABLE_LOCAL

void judge_circuit(const model::Circuit& c, const model::LinkState& link, const Check& check) {
  const std::string& name = c.interface;
  const std::string why = "nothing can be sent by this circuit";
  if (!link.present)
    return check.problem(
        "there is no interface " + name, why,
        fmt::format("ip link shows what there is; mend interface = \"{}\" of circuit {} in the configuration, or load its driver", name, c.name));
  if (!link.admin_up)
    return check.problem(name + " is set down", why,
                         fmt::format("ip link set {} up; and whoever configures it (networkd, ifupdown) is to do so at boot", name));
  if (!link.carrier) return check.warn(name + " has no carrier", why, "look at the cable, the modem, the SFP");
  if (!link.address)
    return check.problem(fmt::format("{} has no {} address", name, c.family == Family::V4 ? "IPv4" : "global IPv6"), why,
                         "look at its DHCP or PPPoE client: networkctl status " + name + ", journalctl -b");
  if (!link.gateway && !link.direct)
    return check.problem(fmt::format("{} has {} and no gateway", name, link.address->to_string()), why,
                         fmt::format("a default route over {} by its DHCP client, or {} = \"ADDRESS\" of circuit {} in the configuration", name,
                                     c.family == Family::V4 ? "gateway" : "gateway6", c.name));
  check.ok(fmt::format("{} has {}, {}", name, link.address->to_string(), link.gateway ? "gateway " + link.gateway->to_string() : "point to point"));
}

void judge_circuits(const model::Site& site, const Facts& facts, Findings& out) {
  if (!facts.circuits) return Check{out, "circuit"}.unknown(facts.circuits.error(), "interfaces, addresses and gateways");
  for (std::size_t i = 0; i < site.circuits.size() && i < facts.circuits->size(); ++i)
    judge_circuit(site.circuits[i], (*facts.circuits)[i], {out, "circuit", site.circuits[i].name});
}

std::string removing(const route::Rule& r) {
  std::string command = fmt::format("ip {}rule del pref {}", r.family == Family::V6 ? "-6 " : "", r.priority);
  return command + "; and find out who makes it (VPN clients, networkd's [RoutingPolicyRule], ifupdown's up lines)";
}

bool takes_all(const route::Rule& r) { return !r.other && !r.mark && !r.source && r.incoming.empty() && r.outgoing.empty(); }

/// Rules before our band decide first. Those that only look for more than a default route (wg-quick makes one, as we do) let ours speak.
void judge_rules(const Facts& facts, Findings& out) {
  const Check check{out, "rules"};
  if (!facts.rules) return check.unknown(facts.rules.error(), "a rule before ours would decide first");
  bool alone = true;
  for (const route::Rule& r : *facts.rules) {
    if (route::is_ours(r)) continue;
    const Check one{out, "rules", fmt::format("{} {}", r.family == Family::V6 ? "ipv6" : "ipv4", r.priority)};
    const std::string found = fmt::format("a rule of others: {}", route::to_string(r));
    if (r.priority >= route::kRuleFirst && r.priority <= route::kRuleLast) {
      one.problem(found, "priorities 7000 to 7999 are Linekeeper's: linekeeper-switch refuses to change what stands among it (guard foreign)",
                  removing(r));
    } else if (r.priority < route::kRuleFirst && r.table != kLocalTable && r.suppress_prefixlength < 0) {
      if (takes_all(r))
        one.problem(found, "it decides before ours: what finds a route there is not steered at all", removing(r));
      else
        one.warn(found, "what it selects goes its way before ours is asked: it does not move with a failover", removing(r));
    } else {
      continue;
    }
    alone = false;
  }
  if (alone) check.ok("none before ours, none among ours");
}

void judge_tables(const Facts& facts, Findings& out) {
  const Check check{out, "tables"};
  if (!facts.standing) return check.unknown(facts.standing.error(), "routes of others in our tables");
  bool alone = true;
  for (const route::Route& r : facts.standing->routes) {
    if (route::is_ours(r)) continue;
    alone = false;
    Check{out, "tables", std::to_string(r.table)}.problem(
        "a route of others: " + route::to_string(r), "linekeeper-switch refuses to change what stands among it (guard foreign)",
        fmt::format("ip {}route del {} table {}; or give the circuit or class another table", r.destination.address.family == Family::V6 ? "-6 " : "",
                    r.destination.length == 0 ? "default" : r.destination.to_string(), r.table));
  }
  for (const route::Nexthop& n : facts.standing->nexthops) {
    if (n.protocol == route::kRouteProtocol) continue;
    alone = false;
    Check{out, "tables", fmt::format("nexthop {}", n.id)}.problem(
        "a nexthop object of others: " + route::to_string(n), "numbers 70000 to 79999 are Linekeeper's: linekeeper-switch refuses (guard foreign)",
        fmt::format("ip nexthop del id {}", n.id));
  }
  if (alone) check.ok("nothing of others in ours");
}

/// networkd.conf(5): later files overrule earlier ones, key by key. @return its value, "" when nobody gives one
std::string network_key(const std::vector<std::string>& files, std::string_view key) {
  std::string value;
  for (const std::string& text : files) {
    std::string section;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      std::string line = text.substr(begin, end - begin);
      begin = end + 1;
      std::erase_if(line, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
      if (line.starts_with('[')) section = line;
      if (section == "[Network]" && line.starts_with(std::string(key) + "=")) value = line.substr(key.size() + 1);
    }
  }
  return value;
}

/// systemd.syntax(7): 1, yes, true, on; the default of both keys is yes.
bool is_no(std::string value) {
  std::ranges::transform(value, value.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return value == "0" || value == "no" || value == "n" || value == "false" || value == "f" || value == "off";
}

void judge_networkd(const Facts& facts, Findings& out) {
  const Check check{out, "systemd-networkd"};
  std::string kept;
  for (const std::string_view key : {"ManageForeignRoutes", "ManageForeignRoutingPolicyRules"})
    if (!is_no(network_key(facts.networkd_files, key))) kept += (kept.empty() ? "" : " and ") + std::string(key);
  if (!facts.networkd_running) return check.ok(kept.empty() ? "not running; told to leave our routes alone" : "not running");
  if (kept.empty()) return check.ok("told to leave routes and rules of others alone");
  check.problem(
      kept + " not set to no", "whenever it starts or an interface changes it removes routes and rules that it has not made: ours",
      "[Network] with ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no in /etc/systemd/networkd.conf.d/linekeeper.conf, then: systemctl "
      "restart systemd-networkd");
}

void judge_network_manager(const Facts& facts, Findings& out) {
  if (!facts.network_manager_running) return Check{out, "NetworkManager"}.ok("not running");
  for (const auto& [interface, managed] : facts.nm_managed) {
    const Check check{out, "NetworkManager", interface};
    if (!managed && managed.error() != Unread::Absent)
      check.unknown(managed.error(), "it may write routes of this interface");
    else if (!managed || !*managed)
      check.ok("leaves it alone");
    else
      check.warn(
          "manages it",
          "where its profile names a routing table it removes routes of others on this interface in all tables when it is activated anew",
          fmt::format("nmcli connection modify PROFILE ipv4.route-table 0 ipv6.route-table 0; or, where the address is not its doing: [keyfile] with "
                      "unmanaged-devices=interface-name:{} in /etc/NetworkManager/conf.d/linekeeper.conf",
                      interface));
  }
}

}  // namespace

void judge_routes(const model::Site& site, const Facts& facts, Findings& out) {
  judge_circuits(site, facts, out);
  judge_rules(facts, out);
  judge_tables(facts, out);
  judge_networkd(facts, out);
  judge_network_manager(facts, out);
}

}  // namespace linekeeper::admin::doctor
