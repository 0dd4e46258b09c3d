// Prints what telemetry makes of a canned site, for the tests that need a real tool to look at it (promtool, Chromium):
//   telemetry_sample page|status|metrics|policy|event [calm|busy|troubled]
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>
#include <string_view>

#include "controller/telemetry/metrics.hpp"
#include "controller/telemetry/page.hpp"
#include "controller/telemetry/status_json.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  const std::string_view which = argc > 2 ? argv[2] : "busy";
  const model::Site site = what == "metrics" ? support::site_with_all() : support::sample_site();
  const model::Status status = which == "calm"       ? support::calm_status(site)
                               : which == "troubled" ? support::troubled_status(site)
                                                     : support::busy_status(site);
  const auto events = support::sample_events();
  if (what == "page")
    std::cout << telemetry::page_html(status, events);
  else if (what == "status")
    std::cout << boost::json::serialize(telemetry::status_json(status)) << "\n";
  else if (what == "event")
    std::cout << boost::json::serialize(telemetry::event_json(events.back())) << "\n";
  else if (what == "policy")
    std::cout << telemetry::content_security_policy() << "\n";
  else if (what == "metrics") {
    telemetry::Metrics metrics(site, telemetry::build_info());
    metrics.config_reload(true, status.wall);
    metrics.loop_tick(status.wall);
    metrics.update(status);
    for (const auto& e : events) metrics.on_event(e);
    for (const auto& i : status.incidents) metrics.on_incident(i);
    metrics.observe(model::SipOutcome{.result = model::SipResult::Final, .code = 486, .rtt = std::chrono::milliseconds(31)});
    std::cout << metrics.serialize();
  } else {
    std::cerr << "usage: telemetry_sample page|status|metrics|policy|event [calm|busy|troubled]\n";
    return 2;
  }
  return 0;
}
