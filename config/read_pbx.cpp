#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

using model::PbxDriver;

/// A key that is of this driver, and of those only that have a line here.
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
    {"address", PbxDriver::Asterisk, true, R"("127.0.0.1:5038")"},
    {"user", PbxDriver::Asterisk, true, R"("linekeeper")"},
    {"secret_file", PbxDriver::Asterisk, true, R"("/etc/linekeeper/asterisk.secret")"},
    {"family", PbxDriver::Asterisk, false, R"("linekeeper")"},
    {"address", PbxDriver::Freeswitch, true, R"("127.0.0.1:8021")"},
    {"secret_file", PbxDriver::Freeswitch, true, R"("/etc/linekeeper/freeswitch.secret")"},
    {"mi_socket", PbxDriver::Opensips, true, R"("/run/opensips/linekeeper.sock")"},
    {"cache", PbxDriver::Opensips, false, R"("local")"},
    {"address", PbxDriver::Dns, true, R"("192.0.2.53")"},
    {"secret_file", PbxDriver::Dns, true, R"("/etc/linekeeper/dns.secret")"},
    {"zone", PbxDriver::Dns, true, R"("sip.example.com")"},
    {"tsig_key", PbxDriver::Dns, true, R"("linekeeper")"},
    {"ttl", PbxDriver::Dns, false, R"("5s")"},
};

void check_driver_keys(const Section& section, PbxDriver driver) {
  std::vector<std::string_view> told;
  for (const DriverKey& k : kDriverKeys) {
    const bool of_it = std::ranges::any_of(kDriverKeys, [&](const DriverKey& other) { return other.key == k.key && other.driver == driver; });
    if (k.driver == driver && k.needed && !section.has(k.key))
      section.complain(k.key, fmt::format("{} has no {}", section.label(), k.key), fmt::format("for example: {} = {}", k.key, k.example));
    if (of_it || !section.has(k.key) || std::ranges::find(told, k.key) != told.end()) continue;
    told.push_back(k.key);
    section.complain(k.key, fmt::format("{} {}: that is a key of driver {}", section.label(), k.key, quoted(to_string(k.driver))),
                     fmt::format("leave it out; this one's driver is {}", quoted(to_string(driver))));
  }
}

std::uint16_t usual_port(PbxDriver driver) {
  switch (driver) {
    case PbxDriver::Asterisk: return 5038;
    case PbxDriver::Freeswitch: return 8021;
    case PbxDriver::Dns: return 53;
    case PbxDriver::Kamailio:
    case PbxDriver::Command:
    case PbxDriver::Responder:
    case PbxDriver::Opensips: return 0;
  }
  return 0;
}

/// Where and under which names the drivers keep orders that are not Kamailio's or a program's.
void read_far_side(Section& section, model::Pbx& pbx) {
  if (const auto text = section.text("address")) {
    const auto at = *parse_endpoint(*text, usual_port(pbx.driver));
    pbx.address = at.address;
    pbx.port = at.port;
    if (at.port == 0 && usual_port(pbx.driver) != 0)
      section.complain("address", fmt::format("{} address has port 0", section.label()), fmt::format("usually {}", usual_port(pbx.driver)));
  }
  section.text("user", pbx.user);
  section.text("tsig_key", pbx.user);
  section.text("secret_file", pbx.secret_file);
  std::string family = "linekeeper", cache = "local";
  section.text("family", family);
  section.text("cache", cache);
  pbx.store = pbx.driver == PbxDriver::Asterisk ? family : pbx.driver == PbxDriver::Opensips ? cache : "lk_";
  section.text("mi_socket", pbx.rpc_socket);
  section.text("zone", pbx.zone);
  section.duration("ttl", pbx.ttl);
  if (pbx.ttl % std::chrono::seconds(1) != model::Duration::zero())
    section.complain("ttl", fmt::format("{} ttl {} is not whole seconds", section.label(), show(pbx.ttl)), "DNS knows whole seconds only");
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
  read_far_side(section, pbx);
  section.duration("lease", pbx.lease);
  section.duration("refresh", pbx.refresh);
  section.duration("reply_timeout", pbx.reply_timeout);
  check_driver_keys(section, pbx.driver);
  section.finish();
}

namespace {

/// As a Contact has it; of several addresses the first, and a name is left to whoever is redirected.
std::string contact_of(const model::Carrier& carrier) {
  if (!carrier.named()) return model::Endpoint{.address = carrier.address, .port = carrier.port}.to_string();
  return carrier.host + (carrier.host_port ? fmt::format(":{}", *carrier.host_port) : "");
}

}  // namespace

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
      pbx.ways.push_back({.name = m.called, .port = static_cast<std::uint16_t>(port), .contact = contact_of(carrier)});
    }
  }
}

}  // namespace linekeeper::config
