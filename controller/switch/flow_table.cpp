#include "controller/switch/flow_table.hpp"

#include <fmt/format.h>
#include <linux/netfilter.h>

#include <algorithm>

namespace linekeeper::route {
namespace {

// After connection tracking (-200) and the site's own mangling (-150), before translation (100).
constexpr int kMarking = -149;
constexpr int kTranslation = 100;

SetMark belongs_to(MarkOf of, std::uint32_t value, const FlowMarks& marks) { return {.of = of, .mask = marks.mask(), .value = value}; }

/// The sources that belong to a circuit whatever class matches: its own address and those pinned to it. Their routing rules come first, too.
std::vector<model::Prefix> own_sources(const DesiredCircuit& c) {
  std::vector<model::Prefix> all = c.pinned_sources;
  if (c.source) all.insert(all.begin(), {*c.source, static_cast<std::uint8_t>(c.source->size() * 8)});
  return all;
}

/// @param destination one of the class's; nullptr: it takes any
std::vector<FlowStep> class_rule(const DesiredClass& c, const model::Prefix* destination, const FlowMarks& marks) {
  std::vector<FlowStep> rule;
  if (c.mark) rule.emplace_back(MatchMark{.of = MarkOf::Packet, .mask = ~marks.mask(), .value = *c.mark});
  if (c.source) rule.emplace_back(MatchSource{.source = *c.source});
  if (c.incoming_interface) rule.emplace_back(MatchInterface{.incoming = true, .name = *c.incoming_interface});
  if (destination != nullptr) rule.emplace_back(MatchDestination{.destination = *destination});
  rule.emplace_back(SetMark{.of = MarkOf::Connection, .mask = marks.mask() & ~marks.circuit_mask(), .value = marks.value(0, c.flow)});
  rule.emplace_back(Return{});
  return rule;
}

/// As the kernel's rules: classes with a selector in the order of the plan, then the one that takes the rest.
FlowChain classes_chain(const Desired& plan, const FlowMarks& marks) {
  FlowChain chain{.name = "classes"};
  for (const bool rest : {false, true})
    for (const DesiredClass& c : plan.classes) {
      if (c.everything() != rest) continue;
      if (c.destinations.empty()) chain.rules.push_back(class_rule(c, nullptr, marks));
      for (const model::Prefix& p : c.destinations) chain.rules.push_back(class_rule(c, &p, marks));
    }
  return chain;
}

FlowChain leave_chain(const DesiredCircuit& c, const FlowMarks& marks) {
  FlowChain chain{.name = fmt::format("leave-{}", c.flow)};
  chain.rules.push_back({belongs_to(MarkOf::Connection, marks.value(c.flow), marks)});
  for (const model::Prefix& p : own_sources(c)) chain.rules.push_back({MatchSource{.source = p}, Return{}});
  chain.rules.push_back({Goto{"classes"}});
  return chain;
}

void marking(const Desired& plan, const FlowMarks& marks, Arrivals arrivals, FlowTable& table) {
  FlowChain in{.name = "prerouting", .type = "filter", .hook = NF_INET_PRE_ROUTING, .priority = kMarking};
  FlowChain local{.name = "output", .type = "route", .hook = NF_INET_LOCAL_OUT, .priority = kMarking};
  FlowChain out{.name = "postrouting", .type = "filter", .hook = NF_INET_POST_ROUTING, .priority = kMarking};
  const MatchMark unmarked{.of = MarkOf::Connection, .mask = marks.mask(), .value = 0};
  MatchMark marked = unmarked;
  marked.inverted = true;
  out.rules.push_back({marked, Return{}});
  table.chains.push_back(classes_chain(plan, marks));
  for (const DesiredCircuit& c : plan.circuits) {
    const std::uint32_t value = marks.value(c.flow);
    table.chains.push_back(leave_chain(c, marks));
    // What comes in by a circuit needs no mark: it goes inside, where the main table leads. Others' packets get theirs back.
    if (arrivals == Arrivals::Kept)
      in.rules.push_back({MatchInterface{.incoming = true, .name = c.interface}, unmarked, MatchNew{}, belongs_to(MarkOf::Connection, value, marks)});
    in.rules.push_back({MatchInterface{.incoming = true, .name = c.interface}, Return{}});
    out.rules.push_back({MatchInterface{.incoming = false, .name = c.interface}, Goto{fmt::format("leave-{}", c.flow)}});
  }
  for (const DesiredCircuit& c : plan.circuits) {
    const std::uint32_t value = marks.value(c.flow);
    const MatchMark its{.of = MarkOf::Connection, .mask = marks.circuit_mask(), .value = value};
    for (FlowChain* chain : {&in, &local}) chain->rules.push_back({its, belongs_to(MarkOf::Packet, value, marks), Return{}});
  }
  table.chains.insert(table.chains.end(), {std::move(in), std::move(local), std::move(out)});
}

void translation(const Desired& plan, FlowTable& table) {
  FlowChain chain{.name = "translation", .type = "nat", .hook = NF_INET_POST_ROUTING, .priority = kTranslation};
  for (const DesiredCircuit& c : plan.circuits) {
    if (c.nat.kind == Nat::Kind::Off) continue;
    std::vector<FlowStep> rule{MatchInterface{.incoming = false, .name = c.interface}};
    // Its own address needs no translation, and probes are to be seen as they were sent.
    if (c.source) rule.emplace_back(MatchSource{.source = {*c.source, static_cast<std::uint8_t>(c.source->size() * 8)}, .inverted = true});
    if (c.nat.kind == Nat::Kind::Fixed)
      rule.emplace_back(TranslateTo{c.nat.address});
    else
      rule.emplace_back(Masquerade{});
    chain.rules.push_back(std::move(rule));
  }
  if (!chain.rules.empty()) table.chains.push_back(std::move(chain));
}

struct StepWords {
  static std::string_view of_family(const model::Prefix& p) { return p.address.family == model::Family::V4 ? "ip" : "ip6"; }
  static std::string_view name(MarkOf of) { return of == MarkOf::Packet ? "meta mark" : "ct mark"; }
  std::string operator()(const MatchMark& m) const {
    return fmt::format("{} & {:#010x} {} {:#010x}", name(m.of), m.mask, m.inverted ? "!=" : "==", m.value);
  }
  std::string operator()(const SetMark& m) const { return fmt::format("{0} set {0} & {1:#010x} | {2:#010x}", name(m.of), ~m.mask, m.value); }
  std::string operator()(const MatchInterface& m) const { return fmt::format("{} \"{}\"", m.incoming ? "iifname" : "oifname", m.name); }
  std::string operator()(const MatchSource& m) const {
    return fmt::format("{} saddr {}{}", of_family(m.source), m.inverted ? "!= " : "", m.source.to_string());
  }
  std::string operator()(const MatchDestination& m) const { return fmt::format("{} daddr {}", of_family(m.destination), m.destination.to_string()); }
  std::string operator()(const MatchNew&) const { return "ct state new"; }
  std::string operator()(const Return&) const { return "return"; }
  std::string operator()(const Goto& g) const { return "goto " + g.chain; }
  std::string operator()(const Masquerade&) const { return "masquerade"; }
  std::string operator()(const TranslateTo& t) const { return "snat to " + t.address.to_string(); }
};

}  // namespace

std::string flow_table_name(model::Family family) { return fmt::format("{} {}", family == model::Family::V4 ? "ip" : "ip6", kFlowTable); }

FlowTable flow_table(const Desired& given, model::Family family, Arrivals arrivals) {
  FlowTable table{.family = family, .chains = {}};
  const Desired plan = family_part(given, family);
  const FlowMarks marks(plan.flow_mask);
  if (marks.on() && !plan.circuits.empty()) marking(plan, marks, arrivals, table);
  translation(plan, table);
  return table;
}

std::string to_string(const FlowTable& table) {
  if (table.chains.empty()) return {};
  std::string text = fmt::format("table {} {{\n\tcomment \"{}\"\n", flow_table_name(table.family), kFlowTableComment);
  for (const FlowChain& chain : table.chains) {
    text += fmt::format("\tchain {} {{\n", chain.name);
    if (!chain.type.empty())
      text += fmt::format("\t\ttype {} hook {} priority {}; policy accept;\n", chain.type,
                          chain.hook == NF_INET_PRE_ROUTING ? "prerouting"
                          : chain.hook == NF_INET_LOCAL_OUT ? "output"
                                                            : "postrouting",
                          chain.priority);
    for (const auto& rule : chain.rules) {
      std::string line;
      for (const FlowStep& step : rule) line += (line.empty() ? "" : " ") + std::visit(StepWords{}, step);
      text += "\t\t" + line + "\n";
    }
    text += "\t}\n";
  }
  return text + "}\n";
}

}  // namespace linekeeper::route
