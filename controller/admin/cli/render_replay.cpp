#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using Align = Table::Align;

constexpr std::size_t kLinesMost = 200;  ///< what a person can read; --json has all

/// "14:03:12.412" of an RFC 3339 text.
std::string clock_part(const std::string& rfc3339) {
  const auto moment = runtime::parse_rfc3339(rfc3339);
  if (!moment) return rfc3339;
  const std::chrono::hh_mm_ss time(*moment - std::chrono::floor<std::chrono::days>(*moment));
  return fmt::format("{:02}:{:02}:{:02}.{:03}", time.hours().count(), time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string headline(const json::value& report, Colour colour) {
  const std::string config = maybe_text(report, "config").value_or("the configuration of then");
  return paint(fmt::format("{} to {}, decided again with {}", moment_words(text(report, "since")), moment_words(text(report, "until")), config),
               Tone::Strong, colour) +
         "\n";
}

/// The newest `kLinesMost` of lines, with a word on how many are left out.
std::string newest(const std::vector<std::string>& lines) {
  const std::size_t skip = lines.size() > kLinesMost ? lines.size() - kLinesMost : 0;
  std::string out = skip > 0 ? fmt::format("  ... {} earlier ones are left out; --json has them\n", skip) : "";
  for (std::size_t i = skip; i < lines.size(); ++i) out += lines[i];
  return out;
}

std::string decided(const json::value& report, Colour colour) {
  std::vector<std::string> lines;
  for (const json::value& event : list(report, "events")) {
    if (!flag(event, "main").value_or(false)) continue;
    const std::string severity = text(event, "severity");
    const Tone tone = severity == "alert" ? Tone::Bad : severity == "warning" ? Tone::Warn : Tone::Plain;
    const std::string id = text(event, "id");
    const std::string subject = text(event, "subject");
    lines.push_back(fmt::format("  {}  {}{}  {}: {}\n", clock_part(text(event, "time")), paint(id, tone, colour),
                                std::string(width(id) < 16 ? 16 - width(id) : 0, ' '), subject, text(event, "text")));
  }
  return lines.empty() ? "  nothing changed\n" : newest(lines);
}

void service_row(Table& table, const json::value& service, std::string_view with, const json::value& figures) {
  if (!figures.is_object()) return;
  const auto silent = number(figures, "silent_s");
  table.row({{text(service, "name")},
             {std::string(with)},
             {text(figures, "moves")},
             {text(figures, "needless")},
             {silent ? fmt::format("{:.1f} s", *silent) : std::string(kNothing)}});
}

std::string services(const json::value& report, Colour colour) {
  const auto other = maybe_text(report, "config");
  Table table({Align::Left, Align::Left, Align::Right, Align::Right, Align::Right});
  table.row(
      {{"SERVICE", Tone::Faint}, {"DECIDED", Tone::Faint}, {"MOVES", Tone::Faint}, {"NEEDLESS", Tone::Faint}, {"ON A SILENT WAY", Tone::Faint}});
  for (const json::value& service : list(report, "services")) {
    service_row(table, service, "then", field(service, "then"));
    if (other) service_row(table, service, "with " + other->substr(other->find_last_of('/') + 1), field(service, "other"));
  }
  return list(report, "services").empty() ? "" : table.print(colour);
}

}  // namespace

std::string render_replay(const json::value& report, Colour colour) {
  const bool other = maybe_text(report, "config").has_value();
  const auto starts = integer(report, "starts").value_or(0);
  const auto& differences = list(report, "differences");
  std::string out = headline(report, colour);
  out += fmt::format("{} observations{}\n", text(report, "observations"),
                     starts > 0 ? fmt::format(", {} start{} of the daemon", starts, starts == 1 ? "" : "s") : "");
  for (const json::value& remark : list(report, "remarks"))
    if (const auto* words = remark.if_string()) out += paint("note: ", Tone::Warn, colour) + clean({words->data(), words->size()}) + "\n";
  out += "\n";
  if (!other) out += decided(report, colour) + "\n";
  if (differences.empty()) {
    out += fmt::format("{} {} as recorded{}.\n",
                       integer(report, "compared") == 1 ? "The one decision is" : fmt::format("All {} decisions are", text(report, "compared")),
                       other ? "the same" : "exactly", other ? " with it too" : "");
  } else {
    out += paint(other ? "What would have been different:" : "Decided otherwise than recorded (another version of the program?):", Tone::Strong,
                 colour) +
           "\n";
    std::vector<std::string> lines;
    for (const json::value& d : differences) lines.push_back(fmt::format("  {}\n", text(d, "text")));
    out += newest(lines) + fmt::format("{} of {} recorded decisions are the same.\n", text(report, "equal"), text(report, "compared"));
  }
  const std::string table = services(report, colour);
  return out + (table.empty() ? "" : "\n" + table);
}

}  // namespace linekeeper::admin::cli
