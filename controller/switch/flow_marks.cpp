#include "controller/switch/flow_marks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace linekeeper::route {
namespace {

std::uint32_t lowest_free(const std::set<std::uint32_t>& used) {
  std::uint32_t n = 1;
  while (used.contains(n)) ++n;
  return n;
}

/// @param most the highest number the marks have room for; `parts` are no more than that
template <class Part>
void number(std::vector<Part>& parts, const std::vector<Part>* before, std::set<std::uint32_t> used, std::uint32_t most) {
  std::set<std::uint32_t> here;
  for (Part& p : parts) {
    p.flow = 0;
    if (before == nullptr) continue;
    const auto same = std::ranges::find(*before, p.name, &Part::name);
    // 0: the plan before was one of a release that did not number it.
    if (same != before->end() && same->flow != 0 && same->flow <= most) here.insert(p.flow = same->flow);
  }
  if (before != nullptr)
    for (const Part& p : *before) used.insert(p.flow);
  for (Part& p : parts) {
    if (p.flow != 0) continue;
    // Upwards first: a number that has just been given up may still be on a connection.
    std::uint32_t n = used.empty() ? 1 : *used.rbegin() + 1;
    if (n > most) n = lowest_free(used);
    if (n > most) n = lowest_free(here);
    here.insert(p.flow = n);
    used.insert(n);
  }
}

/// The numbers of one family's parts, which are in the order of the plan, to the plan.
template <class Part>
void give(const std::vector<Part>& numbered, model::Family family, std::vector<Part>& all) {
  auto next = numbered.begin();
  for (Part& p : all)
    if (p.family == family) p.flow = (next++)->flow;
}

/// nftables reads '*' at the end of a name as "any", and a quote or a backslash could end the word.
bool plain(std::string_view interface) {
  return std::ranges::none_of(interface, [](char c) { return c == '"' || c == '*' || c == '\\' || c < 0x21 || c > 0x7e; });
}

std::string odd_name(const Desired& plan) {
  for (const DesiredCircuit& c : plan.circuits)
    if (!plain(c.interface)) return fmt::format("circuit {}: interface '{}' has a character that nftables reads otherwise", c.name, c.interface);
  for (const DesiredClass& c : plan.classes)
    if (c.incoming_interface && !plain(*c.incoming_interface))
      return fmt::format("class {}: interface '{}' has a character that nftables reads otherwise", c.name, *c.incoming_interface);
  return {};
}

}  // namespace

Desired family_part(const Desired& plan, model::Family family) {
  Desired part = plan;
  std::erase_if(part.circuits, [family](const DesiredCircuit& c) { return c.family != family; });
  std::erase_if(part.classes, [family](const DesiredClass& c) { return c.family != family; });
  return part;
}

void number_flows(Desired& plan, const std::optional<Desired>& before, const std::vector<std::uint32_t>& taken) {
  constexpr std::uint32_t kAnyNumber = 0xFFFF;  // no marks to fit into
  const FlowMarks marks(plan.flow_mask);
  for (const model::Family family : {model::Family::V4, model::Family::V6}) {
    Desired part = family_part(plan, family);
    const auto stood = before ? std::optional(family_part(*before, family)) : std::nullopt;
    number(part.circuits, stood ? &stood->circuits : nullptr, {taken.begin(), taken.end()}, marks.on() ? marks.most_circuits() : kAnyNumber);
    number(part.classes, stood ? &stood->classes : nullptr, {}, marks.on() ? marks.most_classes() : kAnyNumber);
    give(part.circuits, family, plan.circuits);
    give(part.classes, family, plan.classes);
  }
}

std::string flow_mistake(const Desired& plan) {
  for (const DesiredCircuit& c : plan.circuits)
    if (c.nat.kind == Nat::Kind::Fixed && c.nat.address.family != c.family)
      return fmt::format("circuit {}: its sources cannot become {}, which is of the other family", c.name, c.nat.address.to_string());
  const bool translates = std::ranges::any_of(plan.circuits, [](const DesiredCircuit& c) { return c.nat.kind != Nat::Kind::Off; });
  if (plan.flow_mask != 0 || translates)
    if (auto odd = odd_name(plan); !odd.empty()) return odd;
  if (plan.flow_mask == 0) return {};
  if (!FlowMarks::sound(plan.flow_mask)) return fmt::format("flow mask {:#x} is not one run of two bits or more", plan.flow_mask);
  const FlowMarks marks(plan.flow_mask);
  for (const model::Family family : {model::Family::V4, model::Family::V6}) {
    const Desired part = family_part(plan, family);
    if (part.circuits.size() > marks.most_circuits() || part.classes.size() > marks.most_classes())
      return fmt::format("flow mask {:#x} has room for {} circuits and {} classes, and there are {} and {}", plan.flow_mask, marks.most_circuits(),
                         marks.most_classes(), part.circuits.size(), part.classes.size());
  }
  const auto overlaps = [&](const std::optional<std::uint32_t>& mark) { return mark && (*mark & plan.flow_mask) != 0; };
  for (const DesiredCircuit& c : plan.circuits)
    if (overlaps(c.mark)) return fmt::format("circuit {}: mark {:#x} has bits of the flow mask {:#x}", c.name, *c.mark, plan.flow_mask);
  for (const DesiredClass& c : plan.classes)
    if (overlaps(c.mark)) return fmt::format("class {}: mark {:#x} has bits of the flow mask {:#x}", c.name, *c.mark, plan.flow_mask);
  return {};
}

}  // namespace linekeeper::route
