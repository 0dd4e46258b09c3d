#include <fmt/format.h>

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
  section.duration("lease", pbx.lease);
  section.duration("refresh", pbx.refresh);
  section.duration("reply_timeout", pbx.reply_timeout);
  check_driver_keys(section, pbx.driver);
  section.finish();
}

}  // namespace linekeeper::config
