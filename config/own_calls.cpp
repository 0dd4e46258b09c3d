// What we do at carriers ourselves: [answering], and the test calls and registrations of [[carrier]] held to the rest of the file.
#include <fmt/format.h>

#include <algorithm>

#include "config/reading.hpp"

namespace linekeeper::config {

void read_answering(Section& root, Reading& reading) {
  const toml::table* table = root.table("answering");
  if (table == nullptr) return;
  Section section(reading.problems, *table, "answering", "[answering]", "answering");
  model::Answering& answering = reading.site.answering;
  if (const auto port = section.integer("port")) answering.port = static_cast<std::uint16_t>(*port);
  section.duration("retry_after", answering.retry_after);
  section.finish();
  if (answering.retry_after % std::chrono::seconds(1) != model::Duration::zero())
    section.complain("retry_after", fmt::format("[answering] retry_after is {}, no whole seconds", show(answering.retry_after)),
                     "Retry-After has seconds (RFC 3261 20.33)");
}

void check_own_calls(const Reading& reading) {
  const model::Site& site = reading.site;
  for (std::size_t i = 0; i < reading.carriers.size(); ++i) {
    const model::Carrier& carrier = site.carriers[i];
    const Section& section = reading.carriers[i];
    if (!carrier.test_call || carrier.test_call->number.empty()) continue;
    if (model::may_be_emergency(carrier.test_call->number, site.emergency_numbers))
      section.complain("test_call",
                       fmt::format("{} test_call: {} may be a number of emergency calls", section.label(), quoted(carrier.test_call->number)),
                       "a test number of the carrier's, of more than five digits; we never call any other");
    if (std::ranges::none_of(carrier.test_call->number, [](char c) { return c >= '0' && c <= '9'; }))
      section.complain("test_call", fmt::format("{} test_call: {} has no digit", section.label(), quoted(carrier.test_call->number)),
                       "a telephone number");
  }
}

}  // namespace linekeeper::config
