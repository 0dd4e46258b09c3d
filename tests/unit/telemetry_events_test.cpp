#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "controller/telemetry/event_catalogue.hpp"
#include "controller/telemetry/metric_catalogue.hpp"

using namespace linekeeper;

namespace {
std::string readme() {
  std::ifstream in(LINEKEEPER_TELEMETRY_README);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
}  // namespace

TEST_CASE("events: each has a meaning and an act, in whole sentences") {
  for (int i = 0; i < model::kEventCount; ++i) {
    const auto id = static_cast<model::EventId>(i);
    const auto advice = telemetry::advice(id);
    CAPTURE(model::to_string(id));
    CHECK(advice.meaning.ends_with('.'));
    CHECK(advice.act.ends_with('.'));
    CHECK(advice.meaning.find('|') == std::string_view::npos);
    CHECK(advice.act.find('|') == std::string_view::npos);
  }
}

TEST_CASE("events: the README's table is the catalogue") {
  const bool same = readme().find(telemetry::catalogue_markdown()) != std::string::npos;
  CHECK_MESSAGE(same, "controller/telemetry/README.md lacks this table:\n" << telemetry::catalogue_markdown());
}

TEST_CASE("metrics: the README's table is the catalogue") {
  std::string table = "| metric | type | labels | what it says |\n|---|---|---|---|\n";
  for (const auto& row : telemetry::kMetricCatalogue)
    table += "| `" + std::string(row.name) + "` | " + std::string(telemetry::to_string(row.type)) + " | " + std::string(row.labels) + " | " +
             std::string(row.help) + " |\n";
  const bool same = readme().find(table) != std::string::npos;
  CHECK_MESSAGE(same, "controller/telemetry/README.md lacks this table:\n" << table);
}
