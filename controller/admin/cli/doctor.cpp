// `linekeeper doctor`: reads what the host is, has it judged, prints one line for each check. Needs no daemon.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/run.hpp"
#include "controller/admin/doctor/finding.hpp"
#include "controller/admin/doctor/read.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using doctor::Finding;
using doctor::Grade;

constexpr const char* kConfiguration = "/etc/linekeeper/linekeeper.toml";
// As `status --exit-code`: what is worst decides.
constexpr int kWarnings = 10, kProblems = 20, kUnknown = 30;

int exit_of(const std::vector<Finding>& findings) {
  switch (doctor::worst(findings)) {
    case Grade::Ok: return kDone;
    case Grade::Unknown: return kUnknown;
    case Grade::Warning: return kWarnings;
    case Grade::Problem: return kProblems;
  }
  return kError;
}

std::size_t count(const std::vector<Finding>& findings, Grade grade) {
  return static_cast<std::size_t>(std::ranges::count(findings, grade, &Finding::grade));
}

std::string counted(const std::vector<Finding>& findings) {
  return fmt::format("{} checks: {} ok, {} unknown, {} warnings, {} problems", findings.size(), count(findings, Grade::Ok),
                     count(findings, Grade::Unknown), count(findings, Grade::Warning), count(findings, Grade::Problem));
}

Cell grade_cell(Grade grade) {
  switch (grade) {
    case Grade::Ok: return {"ok", Tone::Good};
    case Grade::Unknown: return {"UNKNOWN", Tone::Warn};
    case Grade::Warning: return {"WARNING", Tone::Warn};
    case Grade::Problem: return {"PROBLEM", Tone::Bad};
  }
  return {};
}

std::string sentence(const Finding& f) {
  std::string text = f.found;
  if (!f.why.empty()) text += ": " + f.why;
  if (!f.remedy.empty()) text += "  -> " + f.remedy;
  return clean(text);
}

json::object in_json(const Finding& f) {
  return {{"check", f.check}, {"about", f.about}, {"result", doctor::to_string(f.grade)}, {"found", f.found}, {"why", f.why}, {"remedy", f.remedy}};
}

}  // namespace

int examine(const Job& job) {
  const std::string file = job.parsed.has("--config") ? job.parsed.value("--config") : kConfiguration;
  const config::Loaded loaded = config::load(file);
  if (!loaded.site) return mistakes(job, loaded, file);
  const std::vector<Finding> findings = doctor::judge(*loaded.site, doctor::read_facts(*loaded.site));
  if (job.parsed.has("--json")) {
    json::array all;
    for (const Finding& f : findings) all.push_back(in_json(f));
    job.world.out << json::serialize(
                         json::object{{"schema", 1}, {"result", doctor::to_string(doctor::worst(findings))}, {"findings", std::move(all)}})
                  << "\n";
    return exit_of(findings);
  }
  Table table({Table::Align::Left, Table::Align::Left, Table::Align::Left});
  for (const Finding& f : findings) table.row({grade_cell(f.grade), {clean(f.check + (f.about.empty() ? "" : " " + f.about))}, {sentence(f)}});
  job.world.out << table.print(job.world.colour(job.world.out_is_terminal));
  job.world.err << counted(findings) << "\n";
  return exit_of(findings);
}

}  // namespace linekeeper::admin::cli
