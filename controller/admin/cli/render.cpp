#include "controller/admin/cli/render.hpp"

#include <fmt/format.h>

#include <vector>

#include "controller/admin/cli/fields.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;

namespace {

/// The first of the three layers that the carrier's answers say no to; the last when they say no to none.
Cell answers_cell(const json::value& path) {
  if (text(path, "reachable") == "no") return {"not reached", Tone::Bad};
  if (text(path, "authorised") == "no") return {"does not know us", Tone::Bad};
  if (text(path, "takes_calls") == "no") return {"refuses calls", Tone::Bad};
  if (text(path, "takes_calls") == "yes") return {"takes calls"};
  return {text(path, "reachable") == "yes" ? "reached" : std::string(kNothing)};
}

/// How the PBX's own calls fare: "12 now, NER 99 %, rings in 0.8 s".
Cell calls_cell(const json::value& path) {
  const json::value& calls = field(path, "calls");
  const auto now = integer(calls, "in_progress");
  if (!now) return {std::string(kNothing)};
  std::string out = fmt::format("{} now", *now);
  if (const auto ner = number(calls, "ner")) out += fmt::format(", NER {:.0f} %", *ner * 100);
  if (const auto pdd = number(calls, "pdd_median_ms")) out += ", rings in " + ms_words(*pdd);
  const std::string state = text(calls, "state");
  if (state == "failing") return {"FAIL: " + out, Tone::Bad};
  if (state == "trial") return {"tried again: " + out, Tone::Warn};
  return {out};
}

/// Below a path: its addresses, where there are several.
void endpoint_rows(Table& table, const json::value& path, bool with_calls) {
  const auto& endpoints = list(path, "endpoints");
  if (endpoints.size() < 2) return;
  for (const json::value& e : endpoints) {
    const auto since = number(e, "since_s");
    const auto rtt = number(e, "rtt_ms");
    const bool listed = flag(e, "listed").value_or(true);
    std::vector<Cell> row{{"    " + text(e, "address")},
                          {""},
                          state_cell(text(e, "state")),
                          {since ? span_words(*since) : std::string(kNothing)},
                          {rtt ? ms_words(*rtt) : std::string(kNothing)},
                          {text(e, "last_code")},
                          {""}};
    if (with_calls) row.push_back({""});
    row.push_back({!listed ? "no longer named by DNS" : maybe_text(e, "name").value_or("")});
    table.row(std::move(row));
  }
}

bool any_calls(const json::value& status) {
  for (const json::value& carrier : list(status, "carriers"))
    for (const json::value& path : list(carrier, "paths"))
      if (integer(field(path, "calls"), "in_progress")) return true;
  return false;
}

}  // namespace

std::string render_paths(const json::value& status, Colour colour) {
  const bool with_calls = any_calls(status);
  using enum Table::Align;
  Table table({Left, Left, Left, Right, Right, Right, Left, Left, Left});
  std::vector<Cell> head;
  for (const char* name : {"CARRIER", "CIRCUIT", "STATE", "SINCE", "RTT", "LAST CODE", "ANSWERS"}) head.push_back({name, Tone::Faint});
  if (with_calls) head.push_back({"CALLS", Tone::Faint});
  head.push_back({"WHY", Tone::Faint});
  table.row(std::move(head));
  bool any = false;
  for (const json::value& carrier : list(status, "carriers")) {
    for (const json::value& path : list(carrier, "paths")) {
      any = true;
      const auto since = number(path, "since_s");
      const auto rtt = number(path, "rtt_ms");
      const char mark = flag(path, "selected").value_or(false) ? '*' : ' ';
      std::vector<Cell> row{{fmt::format("{} {}", mark, text(carrier, "name"))},
                            {text(path, "circuit")},
                            state_cell(text(path, "state")),
                            {since ? span_words(*since) : std::string(kNothing)},
                            {rtt ? ms_words(*rtt) : std::string(kNothing)},
                            {text(path, "last_code")},
                            answers_cell(path)};
      if (with_calls) row.push_back(calls_cell(path));
      row.push_back({text(path, "reason")});
      table.row(std::move(row));
      endpoint_rows(table, path, with_calls);
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
