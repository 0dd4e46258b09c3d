#include "controller/switch/kernel_state.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::route {
namespace {

bool within(std::uint32_t value, std::uint32_t first, std::uint32_t last) { return value >= first && value <= last; }

struct Words {
  std::string operator()(const Nexthop& n) const {
    if (!n.group.empty()) {
      std::string members;
      for (const GroupMember& m : n.group) members += fmt::format("{}{},{}", members.empty() ? "" : "/", m.id, m.weight);
      return fmt::format("nexthop {}: group {}{}", n.id, members, foreign(n.protocol));
    }
    return fmt::format("nexthop {}:{} dev {}{}{}", n.id, n.gateway ? " via " + n.gateway->to_string() : "", n.ifindex, n.onlink ? " onlink" : "",
                       foreign(n.protocol));
  }
  std::string operator()(const Route& r) const {
    const char* type = r.type == RouteType::Unreachable ? "unreachable " : "";
    const std::string destination = r.destination.length == 0 ? "default" : r.destination.to_string();
    return fmt::format("{}route {}{} table {}{}{}{}{}", six(r.destination.address.family), type, destination, r.table,
                       r.nexthop != 0 ? fmt::format(" nhid {}", r.nexthop) : "", r.metric != 0 ? fmt::format(" metric {}", r.metric) : "",
                       r.source ? " src " + r.source->to_string() : "", foreign(r.protocol));
  }
  std::string operator()(const Rule& r) const {
    return fmt::format("{}rule {}:{}{}{}{}{}{}{} lookup {}{}{}", six(r.family), r.priority, r.source ? " from " + r.source->to_string() : " from all",
                       r.destination ? " to " + r.destination->to_string() : "", r.mark ? fmt::format(" fwmark {:#x}", *r.mark) : "",
                       r.mark && r.mark_mask != kWholeMark ? fmt::format("/{:#x}", r.mark_mask) : "", r.incoming.empty() ? "" : " iif " + r.incoming,
                       r.outgoing.empty() ? "" : " oif " + r.outgoing, r.other ? " (more)" : "",
                       r.table == kMainTable ? std::string("main") : std::to_string(r.table),
                       r.suppress_prefixlength >= 0 ? fmt::format(" suppress_prefixlength {}", r.suppress_prefixlength) : "", foreign(r.protocol));
  }
  static const char* six(model::Family family) { return family == model::Family::V6 ? "IPv6 " : ""; }
  static std::string foreign(std::uint8_t protocol) { return protocol == kRouteProtocol ? "" : fmt::format(" proto {}", protocol); }
};

}  // namespace

const Link* KernelState::link(std::string_view name) const {
  const auto found = std::ranges::find(links, name, &Link::name);
  return found == links.end() ? nullptr : &*found;
}

const Link* KernelState::link(int ifindex) const {
  const auto found = std::ranges::find(links, ifindex, &Link::ifindex);
  return found == links.end() ? nullptr : &*found;
}

const Nexthop* KernelState::nexthop(std::uint32_t id) const {
  const auto found = std::ranges::find_if(nexthops, [id](const Nexthop& n) { return n.id == id && is_ours(n); });
  return found == nexthops.end() ? nullptr : &*found;
}

const Nexthop* KernelState::class_way(std::uint32_t table) const {
  const Nexthop* single = nexthop(class_nexthop(table));
  const Nexthop* group = nexthop(group_nexthop(table));
  if (single == nullptr || group == nullptr) return single != nullptr ? single : group;
  const bool by_group = std::ranges::any_of(routes, [&](const Route& r) { return is_ours(r) && r.table == table && r.nexthop == group->id; });
  return by_group ? group : single;
}

std::vector<int> KernelState::interfaces(const Nexthop& way) const {
  if (way.group.empty()) return {way.ifindex};
  std::vector<int> all;
  for (const GroupMember& m : way.group)
    if (const Nexthop* n = nexthop(m.id)) all.push_back(n->ifindex);
  return all;
}

bool is_ours(const Nexthop& n) { return n.protocol == kRouteProtocol && within(n.id, kNexthopFirst, kNexthopLast); }
bool is_ours(const Route& r) { return r.protocol == kRouteProtocol && within(r.table, kTableFirst, kTableLast); }
bool is_ours(const Rule& r) { return r.protocol == kRouteProtocol && within(r.priority, kRuleFirst, kRuleLast); }

std::string to_string(const Object& object) { return std::visit(Words{}, object); }

}  // namespace linekeeper::route
