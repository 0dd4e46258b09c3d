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
    if (before == nullptr || p.family != model::Family::V4) continue;
    const auto same = std::ranges::find(*before, p.name, &Part::name);
    if (same != before->end() && same->flow <= most) here.insert(p.flow = same->flow);
  }
  if (before != nullptr)
    for (const Part& p : *before) used.insert(p.flow);
  for (Part& p : parts) {
    if (p.flow != 0 || p.family != model::Family::V4) continue;
    // Upwards first: a number that has just been given up may still be on a connection.
    std::uint32_t n = used.empty() ? 1 : *used.rbegin() + 1;
    if (n > most) n = lowest_free(used);
    if (n > most) n = lowest_free(here);
    here.insert(p.flow = n);
    used.insert(n);
  }
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

Desired ipv4_part(const Desired& plan) {
  Desired four = plan;
  std::erase_if(four.circuits, [](const DesiredCircuit& c) { return c.family != model::Family::V4; });
  std::erase_if(four.classes, [](const DesiredClass& c) { return c.family != model::Family::V4; });
  return four;
}

void number_flows(Desired& plan, const std::optional<Desired>& before, const std::vector<std::uint32_t>& taken) {
  constexpr std::uint32_t kAnyNumber = 0xFFFF;  // no marks to fit into
  const FlowMarks marks(plan.flow_mask);
  number(plan.circuits, before ? &before->circuits : nullptr, {taken.begin(), taken.end()}, marks.on() ? marks.most_circuits() : kAnyNumber);
  number(plan.classes, before ? &before->classes : nullptr, {}, marks.on() ? marks.most_classes() : kAnyNumber);
}

std::string flow_mistake(const Desired& plan) {
  for (const DesiredCircuit& c : plan.circuits)
    if (c.nat.kind == Nat::Kind::Fixed && c.nat.address.family != model::Family::V4) return fmt::format("circuit {}: IPv6 is not translated", c.name);
  const bool translates = std::ranges::any_of(plan.circuits, [](const DesiredCircuit& c) { return c.nat.kind != Nat::Kind::Off; });
  if (plan.flow_mask != 0 || translates)
    if (auto odd = odd_name(plan); !odd.empty()) return odd;
  if (plan.flow_mask == 0) return {};
  if (!FlowMarks::sound(plan.flow_mask)) return fmt::format("flow mask {:#x} is not one run of two bits or more", plan.flow_mask);
  const FlowMarks marks(plan.flow_mask);
  const Desired four = ipv4_part(plan);
  if (four.circuits.size() > marks.most_circuits() || four.classes.size() > marks.most_classes())
    return fmt::format("flow mask {:#x} has room for {} circuits and {} classes, and there are {} and {}", plan.flow_mask, marks.most_circuits(),
                       marks.most_classes(), four.circuits.size(), four.classes.size());
  const auto overlaps = [&](const std::optional<std::uint32_t>& mark) { return mark && (*mark & plan.flow_mask) != 0; };
  for (const DesiredCircuit& c : plan.circuits)
    if (overlaps(c.mark)) return fmt::format("circuit {}: mark {:#x} has bits of the flow mask {:#x}", c.name, *c.mark, plan.flow_mask);
  for (const DesiredClass& c : plan.classes)
    if (overlaps(c.mark)) return fmt::format("class {}: mark {:#x} has bits of the flow mask {:#x}", c.name, *c.mark, plan.flow_mask);
  return {};
}

}  // namespace linekeeper::route
