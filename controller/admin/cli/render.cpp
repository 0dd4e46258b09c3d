#include "controller/admin/cli/render.hpp"

#include <fmt/format.h>

#include <vector>

#include "controller/admin/cli/fields.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;

std::string render_paths(const json::value& status, Colour colour) {
  Table table({Table::Align::Left, Table::Align::Left, Table::Align::Left, Table::Align::Right, Table::Align::Right, Table::Align::Right});
  table.row({{"CARRIER", Tone::Faint},
             {"CIRCUIT", Tone::Faint},
             {"STATE", Tone::Faint},
             {"SINCE", Tone::Faint},
             {"RTT", Tone::Faint},
             {"LAST CODE", Tone::Faint},
             {"WHY", Tone::Faint}});
  bool any = false;
  for (const json::value& carrier : list(status, "carriers")) {
    for (const json::value& path : list(carrier, "paths")) {
      any = true;
      const auto since = number(path, "since_s");
      const auto rtt = number(path, "rtt_ms");
      const char mark = flag(path, "selected").value_or(false) ? '*' : ' ';
      table.row({{fmt::format("{} {}", mark, text(carrier, "name"))},
                 {text(path, "circuit")},
                 state_cell(text(path, "state")),
                 {since ? span_words(*since) : std::string(kNothing)},
                 {rtt ? ms_words(*rtt) : std::string(kNothing)},
                 {text(path, "last_code")},
                 {text(path, "reason")}});
    }
  }
  return any ? table.print(colour) : "no path is known yet\n";
}

std::string render_explain(const json::value& explained) {
  std::string out;
  for (const json::value& line : list(explained, "lines")) {
    if (const auto* words = line.if_string()) out += clean({words->data(), words->size()}) + "\n";
  }
  return out.empty() ? "nothing to explain yet\n" : out;
}

std::string render_event(const json::value& event, Colour colour) {
  const std::string severity = text(event, "severity");
  const Tone tone = severity == "alert" ? Tone::Bad : severity == "warning" ? Tone::Warn : Tone::Plain;
  // Padded by width, not by fmt, which would count bytes; ids are at most as long as "carrier.code-changed".
  const auto padded = [](const std::string& s, std::size_t to) { return std::string(width(s) < to ? to - width(s) : 0, ' '); };
  const std::string id = text(event, "id");
  return fmt::format("{}  {}{}  {}{}  {}\n", moment_words(text(event, "time")), paint(severity, tone, colour), padded(severity, 7), id,
                     padded(id, 20), text(event, "text"));
}

namespace {

std::string change_lines(const json::value& act) {
  std::string out;
  for (const json::value& change : list(act, "changes")) {
    if (const auto* words = change.if_string()) out += "  " + clean({words->data(), words->size()}) + "\n";
  }
  return out.empty() ? "  = nothing\n" : out;
}

}  // namespace

std::string render_plan(const json::value& act, Colour colour) {
  std::string out = paint("Plan", Tone::Strong, colour) + " (nothing is changed by this)\n" + change_lines(act);
  if (const auto until = maybe_text(field(act, "override"), "until")) out += fmt::format("  Reverts by itself at {}.\n", moment_words(*until));
  if (const auto message = maybe_text(act, "message")) out += *message + "\n";
  return out;
}

std::string render_done(const json::value& act, Colour colour) {
  std::string out = maybe_text(act, "message").value_or("Done.") + "\n";
  if (!list(act, "changes").empty()) out += change_lines(act);
  const json::value& made = field(act, "override");
  if (made.is_object()) {
    out += fmt::format("Override {} holds until {}. To end it sooner: {}\n", text(made, "id"), moment_words(text(made, "until")),
                       paint("linekeeper release " + text(made, "id"), Tone::Strong, colour));
  }
  return out;
}

std::string render_error(const json::value& answer, int exit, Colour colour) {
  const json::value& error = field(answer, "error");
  const auto guard = maybe_text(error, "guard");
  const std::string message = maybe_text(error, "message").value_or("the daemon's answer cannot be read");
  std::string out;
  switch (exit) {
    case 4: out = paint("REFUSED", Tone::Bad, colour) + (guard ? " by guard " + *guard : "") + ": " + message + "\n"; break;
    case 5: out = paint("APPLIED, NOT VERIFIED", Tone::Bad, colour) + ": " + message + "\n"; break;
    case 6: out = paint("STALE PLAN", Tone::Warn, colour) + ": " + message + "\n"; break;
    default: out = "linekeeper: " + message + "\n"; break;
  }
  const auto remedy = maybe_text(error, "remedy");
  if (remedy) out += "  " + *remedy + "\n";
  const bool told = remedy && remedy->find("--override-guard") != std::string::npos;
  if (exit == 4 && guard && !told && flag(error, "overridable").value_or(true))
    out += fmt::format("  To go ahead anyway: --override-guard {}\n", *guard);
  return out;
}

std::string render_nagios(const json::value& status, int& exit) {
  const std::string state = text(status, "state");
  exit = state == "ok" ? 0 : state == "degraded" ? 1 : state == "down" ? 2 : 3;
  constexpr std::string_view kWords[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  // A '|' starts the performance data and quotes delimit its labels: names from the configuration must not pretend to be either.
  const auto plain = [](std::string s) {
    for (char& c : s) {
      if (c == '|' || c == '\'' || c == '=') c = '_';
    }
    return s;
  };
  std::string said;
  for (const json::value& service : list(status, "services")) {
    said += fmt::format("{}{} {} via {}", said.empty() ? "" : ", ", plain(text(service, "name")), state_cell(plain(text(service, "state"))).text,
                        plain(maybe_text(service, "via").value_or("nothing")));
  }
  std::string figures;
  for (const json::value& circuit : list(status, "circuits")) {
    const std::string name = plain(text(circuit, "name"));
    if (const auto rtt = number(circuit, "rtt_ms")) figures += fmt::format(" '{}_rtt'={:.1f}ms", name, *rtt);
    if (const auto loss = number(circuit, "loss_ratio")) figures += fmt::format(" '{}_loss'={:.1f}%", name, *loss * 100);
  }
  return fmt::format("LINEKEEPER {} - {}: {}{}{}\n", kWords[exit], plain(text(status, "site")), said.empty() ? "no service is known yet" : said,
                     figures.empty() ? "" : " |", figures);
}

std::string render_inbound(const json::value& inbound) {
  Table table({});
  table.row({{"CARRIER"}, {"CIRCUIT"}, {"FINDS US"}, {"BECAUSE"}});
  std::string remedies;
  for (const json::value& way : list(inbound, "ways")) {
    const std::string found = text(way, "found");
    table.row({{text(way, "carrier")}, {text(way, "circuit")}, {found == "no" ? "NO" : found}, {clean(text(way, "why"))}});
    if (const std::string remedy = clean(text(way, "remedy")); !remedy.empty() && found != "yes")
      remedies += fmt::format("{} via {}: {}\n", text(way, "carrier"), text(way, "circuit"), remedy);
  }
  std::string out = table.print(Colour::Off);
  if (!remedies.empty()) out += "\n" + remedies;
  for (const json::value& one : list(inbound, "test_calls"))
    out += fmt::format("{}The last test call by {} via {} {}, {} ago.\n", &one == &list(inbound, "test_calls").front() ? "\n" : "",
                       text(one, "carrier"), text(one, "circuit"), clean(text(one, "words")), span_words(number(one, "ago_s").value_or(0)));
  if (const std::string problem = clean(text(inbound, "answering_problem")); !problem.empty() && problem != "-")
    out += fmt::format("\nCarriers' OPTIONS are not answered everywhere: {}\n", problem);
  return out;
}

}  // namespace linekeeper::admin::cli
