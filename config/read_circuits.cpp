#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::size_t kMaxTargets = 256;

std::string default_network(const model::IpAddress& address) {
  model::Prefix prefix{address, static_cast<std::uint8_t>(address.family == model::Family::V4 ? 16 : 32)};
  std::fill(prefix.address.bytes.begin() + prefix.length / 8, prefix.address.bytes.end(), std::uint8_t{0});
  return prefix.to_string();
}

/// Why an address can not be probed from outside, or nothing.
const char* unprobeable(const model::IpAddress& a) {
  if (a.family == model::Family::V6) {
    if (a == *model::IpAddress::parse("::")) return "means \"no address\"";
    if (a == *model::IpAddress::parse("::1")) return "is this machine itself";
    if (a.bytes[0] == 0xFF) return "is a multicast address";
    if (a.bytes[0] == 0xFE && (a.bytes[1] & 0xC0) == 0x80) return "is of one link only";
    return nullptr;
  }
  if (a.bytes[0] == 0) return "means \"this network\"";
  if (a.bytes[0] == 127) return "is this machine itself";
  if (a.bytes[0] >= 224) return "is a multicast or broadcast address";
  return nullptr;
}

constexpr std::uint16_t kStampPort = 862, kDnsPort = 53;        // RFC 8762 4.1, RFC 1035 4.2.1
constexpr std::string_view kUsualQuery = "a.root-servers.net";  // short, carrier-neutral, kept by every resolver for weeks

void read_method(Section& section, model::Target& target) {
  using enum model::ProbeMethod;
  if (const auto word = section.text("method")) target.method = *method_named(*word);
  const auto port = section.integer("port");
  if (port) target.port = static_cast<std::uint16_t>(*port);
  const auto query = section.text("query");
  if (target.method == Icmp && port)
    section.complain("port", fmt::format("{} has a port, but echo requests have none", section.label()),
                     R"(take it out, or say how it is asked: method = "tcp", "stamp" or "dns")");
  if (target.method == Tcp && !section.has("port"))
    section.complain("port", fmt::format("{} is asked by tcp and has no port", section.label()), "port = 443, or another one it answers on");
  if (target.method != Dns && query)
    section.complain("query", fmt::format("{} has a query, but is asked by {}", section.label(), model::to_string(target.method)),
                     R"(take it out, or method = "dns")");
  if (!port && target.method == Stamp) target.port = kStampPort;
  if (!port && target.method == Dns) target.port = kDnsPort;
  if (target.method == Icmp) target.port = 0;
  if (target.method == Dns) target.query = query.value_or(std::string(kUsualQuery));
}

void read_target(Section& section, model::Target& target) {
  const auto address = section.text("address");
  if (address) {
    target.address = *model::IpAddress::parse(*address);
    if (const char* why = unprobeable(target.address)) {
      section.complain("address", fmt::format("{} address {} {}", section.label(), *address, why), "a host out in the internet that answers probes");
    }
    target.network = default_network(target.address);
  }
  section.text("network", target.network);
  read_method(section, target);
  section.finish();
}

void read_prefixes(Section& section, std::string_view key, std::vector<model::Prefix>& out) {
  const auto items = section.texts(key);
  for (const auto& item : items.value_or(std::vector<Section::Item>{})) out.push_back(*model::Prefix::parse(item.text));
}

/// `key` is of one family, and its value of the other: the key of that one is called the same, with or without a 6.
void complain_of_family(const Section& section, std::string_view key, const std::string& value, model::Family wanted, std::string_view what) {
  const model::Family other = wanted == model::Family::V4 ? model::Family::V6 : model::Family::V4;
  const std::string sibling = wanted == model::Family::V4 ? std::string(key) + "6" : std::string(key.substr(0, key.size() - 1));
  section.complain(key, fmt::format("{} {}: {} is {}", section.label(), key, quoted(value), name_of(other)),
                   fmt::format("an {} {}; the one for {} is {}", name_of(wanted), what, name_of(other), sibling));
}

/// A next hop that is typed in; nothing: followed from the kernel.
std::optional<model::IpAddress> read_gateway(Section& section, std::string_view key, model::Family family) {
  const auto gateway = section.text(key);
  if (!gateway || *gateway == "kernel") return std::nullopt;
  const auto address = *model::IpAddress::parse(*gateway);
  if (address.family == family) return address;
  complain_of_family(section, key, *gateway, family, "address");
  return std::nullopt;
}

/// What becomes of the sources of one family.
model::Nat read_nat(Section& section, std::string_view key, model::Family family) {
  const auto nat = section.text(key);
  if (!nat || *nat == "off") return {};
  if (*nat == "masquerade") return {.kind = model::Nat::Kind::Masquerade, .address = {}};
  const auto address = *model::IpAddress::parse(*nat);
  if (address.family != family)
    complain_of_family(section, key, *nat, family, "address");
  else if (const char* why = unprobeable(address))
    section.complain(key, fmt::format("{} {}: {} {}", section.label(), key, *nat, why), "an address that leads back here, `masquerade` or `off`");
  return {.kind = model::Nat::Kind::Fixed, .address = address};
}

/// Where our address of one family must lie.
std::optional<model::Prefix> read_expected(Section& section, std::string_view key, model::Family family) {
  const auto expected = section.text(key);
  if (!expected) return std::nullopt;
  auto prefix = *model::Prefix::parse(*expected);
  if (prefix.address.family == family) return prefix;
  complain_of_family(section, key, *expected, family, "address or prefix");
  return std::nullopt;
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
  if (const auto weight = section.integer("weight")) circuit.weight = static_cast<int>(*weight);
  circuit.gateway = read_gateway(section, "gateway", model::Family::V4);
  FamilyWish wish{.families = {model::Family::V4}, .gateway6 = read_gateway(section, "gateway6", model::Family::V6)};
  wish.read(section, static_cast<std::uint32_t>(7300 + position));
  wish.nat6 = read_nat(section, "nat6", model::Family::V6);
  wish.expect_public6 = read_expected(section, "expect_public6", model::Family::V6);
  reading.circuit_families.push_back(std::move(wish));
  read_prefixes(section, "sources", circuit.sources);
  std::vector<model::TargetId> all;
  for (std::size_t i = 0; i < reading.site.targets.size(); ++i) all.push_back(model::id_at<model::TargetId>(i));
  circuit.targets = references(section, "targets", "target", names_of(reading.site.targets), std::move(all));
  std::ranges::sort(circuit.targets);  // a set: probed in Site order
  circuit.table = static_cast<std::uint32_t>(section.integer("table").value_or(static_cast<std::int64_t>(7100 + position)));
  if (const auto mark = section.integer("mark")) circuit.mark = static_cast<std::uint32_t>(*mark);
  circuit.nat = read_nat(section, "nat", model::Family::V4);
  for (const auto& group : section.texts("risk_groups").value_or(std::vector<Section::Item>{})) circuit.risk_groups.push_back(group.text);
  for (const auto& item : section.texts("resolvers").value_or(std::vector<Section::Item>{}))
    if (const auto address = *model::IpAddress::parse(item.text); const char* why = unprobeable(address))
      section.complain_at(item.place, "resolvers", fmt::format("{} resolvers: {} {}", section.label(), item.text, why),
                          "the provider's resolver by an address that can be asked by this circuit alone");
    else
      circuit.resolvers.push_back(address);
  circuit.expect_public = read_expected(section, "expect_public", model::Family::V4);
  section.finish();
}

}  // namespace

void read_circuits(Section& root, Reading& reading) {
  model::Site& site = reading.site;
  read_list(root, reading, "target", kMaxTargets, site.targets, reading.targets,
            [](Section& section, model::Target& target, std::size_t) { read_target(section, target); });
  read_list(root, reading, "circuit", kMaxCircuits, site.circuits, reading.circuits,
            [&](Section& section, model::Circuit& circuit, std::size_t position) { read_circuit(section, reading, circuit, position); });
}

}  // namespace linekeeper::config
