#include <fmt/format.h>

#include <charconv>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using model::PbxDriver;

/// A key that is of one driver only.
struct DriverKey {
  std::string_view key;
  PbxDriver driver;
  bool needed;
  std::string_view example;
};

constexpr DriverKey kDriverKeys[] = {
    {"rpc_socket", PbxDriver::Kamailio, true, R"("/run/kamailio/linekeeper.sock")"},
    {"htable", PbxDriver::Kamailio, false, R"("lk")"},
    {"command", PbxDriver::Command, true, R"(["/usr/local/bin/trunk-order"])"},
    {"listen", PbxDriver::Responder, true, R"("10.10.0.1")"},
    {"allow", PbxDriver::Responder, true, R"(["10.10.0.0/24"])"},
    {"redirect_port", PbxDriver::Responder, false, "5070"},
};

void check_driver_keys(const Section& section, PbxDriver driver) {
  for (const DriverKey& k : kDriverKeys) {
    if (k.driver == driver && k.needed && !section.has(k.key))
      section.complain(k.key, fmt::format("{} has no {}", section.label(), k.key), fmt::format("for example: {} = {}", k.key, k.example));
    if (k.driver != driver && section.has(k.key))
      section.complain(k.key, fmt::format("{} {}: that is a key of driver {}", section.label(), k.key, quoted(to_string(k.driver))),
                       fmt::format("leave it out; this one's driver is {}", quoted(to_string(driver))));
  }
}

}  // namespace

void read_pbx(Section& section, model::Pbx& pbx) {
  if (const auto driver = section.text("driver")) pbx.driver = *model::pbx_driver_named(*driver);
  section.text("rpc_socket", pbx.rpc_socket);
  section.text("htable", pbx.htable);
  if (const auto command = section.texts("command")) {
    for (const auto& word : *command) pbx.command.push_back(word.text);
    if (!pbx.command.empty() && !pbx.command.front().starts_with('/'))
      section.complain("command", fmt::format("{} command: {} is no absolute path", section.label(), quoted(pbx.command.front())),
                       "the program is started without a shell and without a search path");
  }
  if (const auto address = section.text("listen")) pbx.listen = *parse_address(*address);
  if (const auto port = section.integer("redirect_port")) pbx.redirect_port = static_cast<std::uint16_t>(*port);
  if (const auto allowed = section.texts("allow"))
    for (const auto& prefix : *allowed) pbx.allow.push_back(*model::Prefix::parse(prefix.text));
  section.duration("lease", pbx.lease);
  section.duration("refresh", pbx.refresh);
  section.duration("reply_timeout", pbx.reply_timeout);
  check_driver_keys(section, pbx.driver);
  section.finish();
}

void give_ways(Reading& reading, std::size_t position) {
  model::Pbx& pbx = reading.site.pbxs[position];
  const Section& section = reading.pbxs[position];
  const Section* trunk_section = nullptr;
  for (std::size_t t = 0; t < reading.site.trunks.size(); ++t) {
    const model::Trunk& trunk = reading.site.trunks[t];
    if (trunk.pbx.index() != position) continue;
    if (trunk_section != nullptr) {
      reading.trunks[t].complain("pbx", fmt::format("{} is a second trunk of {}", reading.trunks[t].label(), section.label()),
                                 "an SBC that asks us is told one order: give each trunk a [[pbx]] of its own, with other ports");
      return;
    }
    trunk_section = &reading.trunks[t];
    for (const model::TrunkMember& m : trunk.members) {
      int port = 0;
      const auto [end, error] = std::from_chars(m.called.data(), m.called.data() + m.called.size(), port);
      const bool plain = error == std::errc{} && end == m.called.data() + m.called.size() && !m.called.starts_with('0');
      if (!plain || port < 1 || port > 65535 || port == pbx.redirect_port) {
        trunk_section->complain("ways", fmt::format("{} ways: {} is no port of its own", trunk_section->label(), quoted(m.called)),
                                R"(a UDP port for each way, in quotes: "5071"; not that of redirect_port)");
        return;
      }
      const model::Carrier& carrier = reading.site[m.carrier];
      const bool v6 = carrier.address.family == model::Family::V6;
      pbx.ways.push_back({.name = m.called,
                          .port = static_cast<std::uint16_t>(port),
                          .contact = fmt::format("{}{}{}:{}", v6 ? "[" : "", carrier.address.to_string(), v6 ? "]" : "", carrier.port)});
    }
  }
}

}  // namespace linekeeper::config
