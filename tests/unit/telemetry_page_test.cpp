#include <doctest/doctest.h>

#include "controller/telemetry/page.hpp"
#include "controller/telemetry/page_text.hpp"
#include "tests/support/sample_status.hpp"

using namespace linekeeper;

namespace {
std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}
}  // namespace

TEST_CASE("page: nothing from outside becomes markup") {
  const std::string page = telemetry::page_html(support::busy_status(support::sample_site()), support::sample_events());
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(page.find("ISP &quot;Two&quot; &amp; Sons") != std::string::npos);
  CHECK(page.find("{{") == std::string::npos);
  CHECK(count(page, "<script>") == 1);
  CHECK(count(page, "<style>") == 1);
}

TEST_CASE("page: marks of the template in a text are text") {
  auto status = support::busy_status(support::sample_site());
  status.overrides[0].reason = "{{script}} {{style}}";
  const std::string page = telemetry::page_html(status, {});
  CHECK(page.find("{{script}} {{style}}") != std::string::npos);
}

TEST_CASE("page: it loads nothing from anywhere") {
  const std::string page = telemetry::page_html(support::busy_status(support::sample_site()), support::sample_events());
  CHECK(page.find("http:") == std::string::npos);
  CHECK(page.find("https:") == std::string::npos);
  CHECK(page.find(" src=") == std::string::npos);
  CHECK(page.find("url(") == std::string::npos);
  CHECK(page.find("@import") == std::string::npos);
  CHECK(page.find(" style=") == std::string::npos);  // the policy would refuse it
}

TEST_CASE("page: every column and row header has its scope, the headline is announced") {
  const std::string page = telemetry::page_html(support::busy_status(support::sample_site()), support::sample_events());
  CHECK(count(page, "<th ") == count(page, "<th scope="));
  CHECK(count(page, "<th>") == 0);
  CHECK(page.find("<h1 aria-live=\"polite\">") != std::string::npos);
  for (const char* landmark : {"<header", "<main", "<footer", "<noscript"}) CHECK(page.find(landmark) != std::string::npos);
}

TEST_CASE("page: events are drawn newest first and no more than thirty") {
  std::vector<model::Event> events(telemetry::kPageEvents + 1);
  for (std::size_t i = 0; i < events.size(); ++i) events[i].text = "happening-" + std::to_string(i) + ".";
  const std::string page = telemetry::page_html(support::calm_status(support::sample_site()), events);
  CHECK(count(page, "happening-") == telemetry::kPageEvents);
  CHECK(page.find("happening-0.") == std::string::npos);
  CHECK(page.find("happening-30.") < page.find("happening-1."));
}

TEST_CASE("page: a status from before the first decision, and one without a site, draw") {
  model::Status status;
  CHECK(telemetry::page_html(status, {}).find("not yet known") != std::string::npos);
  status.site = std::make_shared<const model::Site>(support::sample_site());
  CHECK(telemetry::page_html(status, {}).find("not steered yet") != std::string::npos);
}

TEST_CASE("page: voice quality has one decimal, and a dash when it is not known") {
  CHECK(telemetry::page::mos({.rtt = {}, .jitter = {}, .mos = 4.409}) == "4.4");
  CHECK(telemetry::page::mos({}) == "–");
  const std::string page = telemetry::page_html(support::calm_status(support::sample_site()), {});
  CHECK(page.find("<th scope=\"col\" class=\"num\">MOS</th>") != std::string::npos);
  CHECK(page.find(">4.4</td>") != std::string::npos);
}

TEST_CASE("page: what is wrong comes before what is to be done, and the judge's figures are drawn") {
  auto status = support::troubled_status(support::sample_site());
  status.diagnoses[0].sentence += " <b>";
  const std::string page = telemetry::page_html(status, {});
  CHECK(page.find("<h2>What is wrong</h2>") < page.find("id=\"services\""));
  CHECK(page.find("31 % of the probes lost in bursts; coax is silent just now): call ISP One. &lt;b&gt;") != std::string::npos);
  CHECK(page.find("<span class=\"state suspect\">▲ SUSPECT</span>") != std::string::npos);
  CHECK(page.find("<span class=\"state degraded\">▲ degraded</span>") != std::string::npos);
  CHECK(page.find("beta (dead)") != std::string::npos);
  CHECK(page.find("16.2 of 12.5 <span class=\"sub\">▲ alarm</span>") != std::string::npos);
  CHECK(page.find("learned from 5h 0m") != std::string::npos);
  CHECK(page.find("metered: 400 MB a month") != std::string::npos);
  CHECK(page.find("… being asked") != std::string::npos);
  CHECK(telemetry::page_html(support::calm_status(support::sample_site()), {}).find("What is wrong") == std::string::npos);
}

TEST_CASE("page: base64 of a hash is as RFC 4648 has it") {
  using telemetry::page::base64_of_hex;
  CHECK(base64_of_hex("") == "");
  CHECK(base64_of_hex("66") == "Zg==");
  CHECK(base64_of_hex("666f") == "Zm8=");
  CHECK(base64_of_hex("666f6f") == "Zm9v");
  CHECK(base64_of_hex("666f6f62") == "Zm9vYg==");
  CHECK(base64_of_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST_CASE("page: the policy allows our script and style by hash and nothing inline") {
  const std::string& policy = telemetry::content_security_policy();
  CHECK(policy.starts_with("default-src 'none'; script-src 'sha256-"));
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
}

TEST_CASE("page: control characters cannot reach the document") {
  CHECK(telemetry::page::escape("a\x01\x1b[2Jb\x7f") == "a\xEF\xBF\xBD\xEF\xBF\xBD[2Jb\xEF\xBF\xBD");
}
