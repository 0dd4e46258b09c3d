// [calls]: where the PBX's mirrored SIP is listened to, and how it is judged. Without the section it is not.
#include <fmt/format.h>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::uint16_t kHepPort = 9060;

}  // namespace

void read_calls(Section& root, Reading& reading) {
  const toml::table* table = root.table("calls");
  if (table == nullptr) return;
  Section section(reading.problems, *table, "calls", "[calls]", "calls");
  model::Calls& calls = reading.site.calls;
  if (const auto listen = section.text("hep_listen")) {
    const auto at = *parse_endpoint(*listen, kHepPort);
    calls.listen = at.address;
    calls.port = at.port;
    if (at.port == 0) section.complain("hep_listen", "[calls] hep_listen has port 0", "a port from 1 to 65535; 9060 when left out");
  }
  for (const auto& item : section.texts("allow").value_or(std::vector<Section::Item>{}))
    if (const auto prefix = model::Prefix::parse(item.text)) calls.allow.push_back(*prefix);
  section.text("key_file", calls.key_file);
  section.number("false_demotions_per_year", calls.false_demotions_per_year);
  section.duration("unanswered_after", calls.unanswered_after);
  section.duration("slow_min", calls.slow_min);
  section.duration("slow_max", calls.slow_max);
  section.duration("hold_down", calls.hold_down);
  section.duration("hold_down_max", calls.hold_down_max);
  section.integer("trial_calls", calls.trial_calls);
  section.finish();
  if (calls.listen && !calls.listen->is_loopback() && calls.allow.empty())
    section.complain("hep_listen", fmt::format("[calls] listens on {}, beyond this machine, without allow", calls.listen->to_string()),
                     R"(name who may send: allow = ["10.0.0.11"], or listen on 127.0.0.1)");
  if (calls.slow_max < calls.slow_min) section.complain("slow_max", "[calls] slow_max is below slow_min", "slow_max at least as long as slow_min");
  if (calls.hold_down_max < calls.hold_down)
    section.complain("hold_down_max", "[calls] hold_down_max is below hold_down", "hold_down_max at least as long as hold_down");
}

}  // namespace linekeeper::config
