#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::size_t kMaxTargets = 256, kMaxCircuits = 64;

std::string default_network(const model::IpAddress& address) {
  model::Prefix prefix{address, static_cast<std::uint8_t>(address.family == model::Family::V4 ? 16 : 32)};
  std::fill(prefix.address.bytes.begin() + prefix.length / 8, prefix.address.bytes.end(), std::uint8_t{0});
  return prefix.to_string();
}

/// Why an address can not be probed from outside, or nothing.
const char* unprobeable(const model::IpAddress& a) {
  if (a.family != model::Family::V4) return nullptr;  // told apart before
  if (a.bytes[0] == 0) return "means \"this network\"";
  if (a.bytes[0] == 127) return "is this machine itself";
  if (a.bytes[0] >= 224) return "is a multicast or broadcast address";
  return nullptr;
}

void read_target(Section& section, model::Target& target) {
  const auto address = section.text("address");
  if (address) {
    target.address = *model::IpAddress::parse(*address);
    const auto source = section.place("address");
    if (is_ipv4(section, "address", source, target.address)) {
      if (const char* why = unprobeable(target.address)) {
        section.complain("address", fmt::format("{} address {} {}", section.label(), *address, why),
                         "a host out in the internet that answers echo requests");
      }
    }
    target.network = default_network(target.address);
  }
  section.text("network", target.network);
  section.finish();
}

void read_prefixes(Section& section, std::string_view key, std::vector<model::Prefix>& out) {
  const auto items = section.texts(key);
  for (const auto& item : items.value_or(std::vector<Section::Item>{})) {
    const auto prefix = *model::Prefix::parse(item.text);
    if (is_ipv4(section, key, item.place, prefix.address)) out.push_back(prefix);
  }
}

void read_circuit(Section& section, Reading& reading, model::Circuit& circuit, std::size_t position) {
  section.text("interface", circuit.interface);
  circuit.provider = circuit.name;
  circuit.medium = "unknown";
  section.text("provider", circuit.provider);
  section.text("medium", circuit.medium);
  section.integer("priority", circuit.priority);
  section.flag("metered", circuit.metered);
  section.number("cost", circuit.cost);
  circuit.bandwidth_kbps = section.number("bandwidth_kbps");
  if (const auto gateway = section.text("gateway"); gateway && *gateway != "kernel") {
    const auto address = *model::IpAddress::parse(*gateway);
    if (is_ipv4(section, "gateway", section.place("gateway"), address)) circuit.gateway = address;
  }
  read_prefixes(section, "sources", circuit.sources);
  std::vector<model::TargetId> all;
  for (std::size_t i = 0; i < reading.site.targets.size(); ++i) all.push_back(model::id_at<model::TargetId>(i));
  circuit.targets = references(section, "targets", "target", names_of(reading.site.targets), std::move(all));
  std::ranges::sort(circuit.targets);  // a set: probed in Site order
  circuit.table = static_cast<std::uint32_t>(section.integer("table").value_or(static_cast<std::int64_t>(7100 + position)));
  if (const auto mark = section.integer("mark")) circuit.mark = static_cast<std::uint32_t>(*mark);
  if (const auto nat = section.text("nat"); nat && *nat == "masquerade") {
    circuit.nat.kind = model::Nat::Kind::Masquerade;
  } else if (nat && *nat != "off") {
    const auto address = *model::IpAddress::parse(*nat);
    if (is_ipv4(section, "nat", section.place("nat"), address)) circuit.nat = {.kind = model::Nat::Kind::Fixed, .address = address};
    if (const char* why = unprobeable(address))
      section.complain("nat", fmt::format("{} nat: {} {}", section.label(), *nat, why), "an address that leads back here, `masquerade` or `off`");
  }
  for (const auto& group : section.texts("risk_groups").value_or(std::vector<Section::Item>{})) circuit.risk_groups.push_back(group.text);
  section.finish();
}

}  // namespace

void read_circuits(Section& root, Reading& reading) {
  model::Site& site = reading.site;
  for (const toml::table* table : root.tables("target", kMaxTargets)) {
    model::Target target;
    Section section = open_named(reading, *table, "target", names_of(site.targets), target.name);
    read_target(section, target);
    site.targets.push_back(std::move(target));
    reading.targets.push_back(std::move(section));
  }
  for (const toml::table* table : root.tables("circuit", kMaxCircuits)) {
    model::Circuit circuit;
    Section section = open_named(reading, *table, "circuit", names_of(site.circuits), circuit.name);
    read_circuit(section, reading, circuit, site.circuits.size());
    site.circuits.push_back(std::move(circuit));
    reading.circuits.push_back(std::move(section));
  }
}

}  // namespace linekeeper::config
