// Any bytes as a message to linekeeper-switch, and as one to linekeeperd. Beside not crashing: what is read survives being sent again, and
// no plan, however mad, gets past the guards with an operation on something that is not ours (I11), or makes the table of connections wrong.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controller/switch/flow_table.hpp"
#include "controller/switch/route_diff.hpp"
#include "controller/switch/switch_guards.hpp"
#include "tests/unit/switch_fixture.hpp"

using namespace linekeeper;
using namespace linekeeper::route;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

template <class Message, class Parse>
void sent_again(const Message& message, Parse parse) {
  const std::string text = encode(message);
  if (text.size() > kMaxMessage) return;  // what was left out is written out: a message that just fitted may not
  const auto again = parse(text);
  must(again.has_value());
  must(encode(*again) == text);
}

bool ours(const Object& object) {
  return std::visit([](const auto& o) { return is_ours(o); }, object);
}

/// As RouteSwitch::apply would, up to the kernel.
void judged(const Apply& given, const Memory& memory, const KernelState& before) {
  Apply plan = given;
  if (stale_generation(plan, memory) || foreign_ranges(plan)) return;
  number_flows(plan.desired, memory.desired, {});
  if (judge(plan, memory, before)) return;
  if (!hold_moves(plan, memory, before, model::Instant(std::chrono::hours(1)))) return;
  const auto operations = reach(wanted(plan.desired, before), before);
  if (last_path_operations(plan, operations) || foreign_objects(plan, operations, before)) return;
  for (const Operation& op : operations) must(ours(op.object));
  const KernelState after = fixture::carried_out(before, operations);
  must(reach(wanted(plan.desired, after), after).empty());
  (void)way_back(plan, before, after);
  for (const auto family : {model::Family::V4, model::Family::V6}) (void)to_string(flow_table(plan.desired, family));
  Memory left = memory;
  leave_behind(left.flows, memory.desired, plan.desired, model::Instant(std::chrono::hours(1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const KernelState kClean = fixture::clean();
  static const KernelState kStanding = fixture::standing_site("fiber", "coax");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = parse_request(text)) {
    sent_again(*request, parse_request);
    if (const auto* plan = std::get_if<Apply>(&*request)) {
      judged(*plan, Memory{}, kClean);
      judged(*plan, fixture::told("fiber", "coax"), kStanding);
    }
  }
  if (const auto reply = parse_reply(text)) sent_again(*reply, parse_reply);
  return 0;
}
