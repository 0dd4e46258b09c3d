#include "controller/switch/flow_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::route {
namespace {

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

std::string chain(const std::string& name, const std::string& rules) { return fmt::format("\tchain {} {{\n{}\t}}\n", name, rules); }
std::string base(const std::string& name, std::string_view type, int priority, const std::string& rules) {
  return chain(name, fmt::format("\t\ttype {} hook {} priority {}; policy accept;\n", type, name, priority) + rules);
}

/// "ct mark set ..." that writes `value` into the bits of `mask` and leaves the others as they are.
std::string set_bits(std::string_view which, std::uint32_t value, std::uint32_t mask) {
  return fmt::format("{0} set {0} & {1:#010x} | {2:#010x}", which, ~mask, value);
}

/// The sources that belong to a circuit whatever class matches: its own address and those pinned to it. Their rules come first, too.
std::vector<std::string> own_sources(const DesiredCircuit& c) {
  std::vector<std::string> all;
  const auto pinned = [&](const model::IpAddress& a) { return std::ranges::any_of(c.pinned_sources, [&](const auto& p) { return p.contains(a); }); };
  if (c.source && !pinned(*c.source)) all.push_back(c.source->to_string());
  for (const auto& p : c.pinned_sources) all.push_back(p.to_string());
  return all;
}

std::string class_rule(const DesiredClass& c, const FlowMarks& marks) {
  std::string rule = "\t\t";
  if (c.mark) rule += fmt::format("meta mark & {:#010x} == {:#010x} ", ~marks.mask(), *c.mark);
  if (c.source) rule += fmt::format("ip saddr {} ", c.source->to_string());
  if (c.incoming_interface) rule += fmt::format("iifname \"{}\" ", *c.incoming_interface);
  return rule + set_bits("ct mark", marks.value(0, c.flow), marks.mask() & ~marks.circuit_mask()) + " return\n";
}

bool takes_everything(const DesiredClass& c) { return !c.mark && !c.source && !c.incoming_interface; }

/// As the kernel's rules: classes with a selector in the order of the plan, then the one that takes the rest.
std::string classes_chain(const Desired& plan, const FlowMarks& marks) {
  std::string rules;
  for (const bool rest : {false, true})
    for (const DesiredClass& c : plan.classes)
      if (takes_everything(c) == rest) rules += class_rule(c, marks);
  return chain("classes", rules);
}

std::string marking(const Desired& plan, const FlowMarks& marks) {
  std::string text;
  std::string coming_in;
  std::vector<std::string> interfaces, keeps, leaves;
  text += classes_chain(plan, marks);
  for (const DesiredCircuit& c : plan.circuits) {
    const std::uint32_t value = marks.value(c.flow);
    const std::string belongs = set_bits("ct mark", value, marks.mask());
    text += chain(fmt::format("keep-{}", c.flow), fmt::format("\t\t{}\n", set_bits("meta mark", value, marks.mask())));
    const auto own = own_sources(c);
    text += chain(
        fmt::format("leave-{}", c.flow),
        fmt::format("\t\t{}\n", belongs) + (own.empty() ? "" : fmt::format("\t\tip saddr {{ {} }} return\n", joined(own))) + "\t\tgoto classes\n");
    coming_in += fmt::format("\t\tiifname \"{}\" ct mark & {:#010x} == 0 ct state new {}\n", c.interface, marks.mask(), belongs);
    interfaces.push_back(fmt::format("\"{}\"", c.interface));
    keeps.push_back(fmt::format("{:#010x} : goto keep-{}", value, c.flow));
    leaves.push_back(fmt::format("\"{}\" : goto leave-{}", c.interface, c.flow));
  }
  const std::string restore = fmt::format("\t\tct mark & {:#010x} vmap {{ {} }}\n", marks.circuit_mask(), joined(keeps));
  // What comes in by a circuit needs no mark: it goes inside, where the main table leads. Others' packets get theirs back.
  text += base("prerouting", "filter", -149, coming_in + fmt::format("\t\tiifname {{ {} }} return\n", joined(interfaces)) + restore);
  text += base("output", "route", -149, restore);
  text += base("postrouting", "filter", -149, fmt::format("\t\tct mark & {:#010x} == 0 oifname vmap {{ {} }}\n", marks.mask(), joined(leaves)));
  return text;
}

std::string translation(const Desired& plan) {
  std::string rules;
  for (const DesiredCircuit& c : plan.circuits) {
    if (c.nat.kind == Nat::Kind::Off) continue;
    // Its own address needs no translation, and probes are to be seen as they were sent.
    const std::string others = c.source ? fmt::format("ip saddr != {} ", c.source->to_string()) : "";
    const std::string to = c.nat.kind == Nat::Kind::Fixed ? "snat to " + c.nat.address.to_string() : "masquerade";
    rules += fmt::format("\t\toifname \"{}\" {}{}\n", c.interface, others, to);
  }
  if (rules.empty()) return {};
  return chain("translation", "\t\ttype nat hook postrouting priority 100; policy accept;\n" + rules);
}

}  // namespace

std::string flow_table(const Desired& plan) {
  const FlowMarks marks(plan.flow_mask);
  std::string chains = marks.on() && !plan.circuits.empty() ? marking(plan, marks) : "";
  chains += translation(plan);
  if (chains.empty()) return {};
  return fmt::format("table ip {} {{\n\tcomment \"{}\"\n{}}}\n", kFlowTable, kFlowTableComment, chains);
}

std::string flow_table_transaction(const std::string& body) {
  // Adding first: removing a table that is not there would fail the whole.
  return fmt::format("table ip {0}\ndelete table ip {0}\n{1}", kFlowTable, body);
}

}  // namespace linekeeper::route
