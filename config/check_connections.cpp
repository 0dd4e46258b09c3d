// Marks and translations: what two parts of the file, or the file and nftables, would read differently.
#include <fmt/format.h>

#include <algorithm>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

void check_mask(const Reading& reading) {
  const std::uint32_t mask = reading.site.connections.mask;
  const Section& section = reading.connections.front();
  if (!model::FlowMarks::sound(mask))
    return section.complain("mask", fmt::format("[connections] mask {:#010x} is not one run of two bits or more", mask), "one run, like 0x00ff0000");
  const model::FlowMarks marks(mask);
  // Either family has numbers of its own, so the one with more of them counts.
  const auto most = [](const auto& parts) {
    const auto six = std::ranges::count_if(parts, [](const auto& part) { return part.family == model::Family::V6; });
    return std::max(static_cast<std::size_t>(six), parts.size() - static_cast<std::size_t>(six));
  };
  const std::size_t circuits = most(reading.site.circuits), classes = most(reading.site.classes);
  if (circuits > marks.most_circuits() || classes > marks.most_classes())
    section.complain("mask",
                     fmt::format("[connections] mask {:#010x} has room for {} circuits and {} classes; here are {} and {}", mask,
                                 marks.most_circuits(), marks.most_classes(), circuits, classes),
                     "a longer run: of 14 bits for 64 of each, like 0x3fff0000");
  const auto own = [&](const Section& at, std::string_view key, const std::optional<std::uint32_t>& mark) {
    if (mark && (*mark & mask) != 0)
      at.complain(key, fmt::format("{} {} {:#x} has bits of the [connections] mask {:#010x}", at.label(), key, *mark, mask),
                  "a mark without them, or another mask: connections carry both");
  };
  for (std::size_t i = 0; i < reading.circuits.size(); ++i) own(reading.circuits[i], "mark", reading.site.circuits[i].mark);
  for (std::size_t i = 0; i < reading.classes.size(); ++i) own(reading.classes[i], "match", reading.site.classes[i].match.mark);
}

/// nftables reads '*' at the end of a name as "any", and a quote or a backslash ends or changes the word.
bool plain(std::string_view interface) {
  return std::ranges::none_of(interface, [](char c) { return c == '"' || c == '*' || c == '\\' || c < 0x21 || c > 0x7e; });
}

void check_names(const Reading& reading) {
  const auto odd = [&](const Section& at, std::string_view key, const std::string& interface) {
    if (!plain(interface))
      at.complain(key, fmt::format("{}: the interface {} has a character that nftables reads otherwise", at.label(), interface),
                  "rename it (ip link set NAME name ...), or set [connections] keep = false and no nat");
  };
  for (std::size_t i = 0; i < reading.circuits.size(); ++i) odd(reading.circuits[i], "interface", reading.site.circuits[i].interface);
  for (std::size_t i = 0; i < reading.classes.size(); ++i)
    odd(reading.classes[i], "match", reading.site.classes[i].match.incoming_interface.value_or(""));
}

}  // namespace

void check_connections(const Reading& reading) {
  const bool translates = std::ranges::any_of(reading.site.circuits, [](const model::Circuit& c) { return c.nat.kind != model::Nat::Kind::Off; });
  if (reading.site.connections.keep || translates) check_names(reading);
  if (reading.site.connections.keep) check_mask(reading);
}

}  // namespace linekeeper::config
