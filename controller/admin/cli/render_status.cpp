#include <fmt/format.h>

#include <algorithm>

#include "controller/admin/cli/fields.hpp"
#include "controller/admin/cli/render.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::admin::cli {
namespace json = boost::json;
namespace {

using Align = Table::Align;

constexpr std::size_t kTimeColumn = 54;
constexpr std::int64_t kSilentTarget = 3;      ///< losses in a row
constexpr std::size_t kCircuitColumnsMax = 6;  ///< more circuits than this do not fit a terminal beside each carrier

std::string or_nothing(std::optional<double> value, std::string (*words)(double)) { return value ? words(*value) : std::string(kNothing); }

std::string percent(std::optional<double> ratio) { return ratio ? fmt::format("{:.1f}%", *ratio * 100) : std::string(kNothing); }

std::string score(std::optional<double> mos) { return mos ? fmt::format("{:.1f}", *mos) : std::string(kNothing); }

std::string starred(const json::value& thing, std::string_view name) {
  return fmt::format("{} {}", flag(thing, "active").value_or(false) ? '*' : ' ', name);
}

std::string headline(const json::value& status, Colour colour) {
  const Cell state = state_cell(text(status, "state"));
  const std::string site = text(status, "site");
  const std::string mode = text(status, "mode");
  const std::string up = "up " + or_nothing(number(status, "uptime_s"), span_words);
  const std::size_t used = width(site) + width(state.text) + width(mode) + width(up) + 6;
  const bool held = mode != "automatic";
  return fmt::format("{}  {}  {}  {}{}{}\n", paint(site, Tone::Strong, colour), paint(state.text, state.tone, colour),
                     paint(held ? state_cell(mode).text : mode, held ? Tone::Warn : Tone::Plain, colour), up,
                     std::string(used < kTimeColumn ? kTimeColumn - used : 2, ' '), moment_words(text(status, "now")));
}

Cell last_recovery(const json::value& service) {
  const auto last = number(service, "last_rto_s");
  if (!last) return {fmt::format("last {}", kNothing), Tone::Plain};
  const bool met = flag(service, "last_rto_met").value_or(true);
  return {fmt::format("last {} {}", clock_words(*last), met ? "ok" : "LATE"), met ? Tone::Plain : Tone::Warn};
}

/// What a person should know beyond the state: why it is not ok, or that the choice is not carried out yet.
Cell service_note(const json::value& service) {
  const auto detail = maybe_text(service, "detail");
  if (flag(service, "applied") == false) return {"NOT APPLIED" + (detail ? ": " + *detail : ""), Tone::Bad};
  if (text(service, "state") != "ok") return {maybe_text(service, "reason").value_or(""), Tone::Plain};
  if (flag(service, "verified") == false) return {"not verified yet" + (detail ? ": " + *detail : ""), Tone::Warn};
  return {};
}

std::string services(const json::value& status, Colour colour) {
  Table table({}, "  ");
  for (const json::value& service : list(status, "services")) {
    const auto since = number(service, "since_s");
    table.row({{text(service, "name"), Tone::Strong},
               state_cell(text(service, "state")),
               {fmt::format("via {}{}", maybe_text(service, "via").value_or("nothing"), since ? " for " + span_words(*since) : ""), Tone::Plain},
               {fmt::format("ways left {}/{}", text(service, "ways_left"), text(service, "ways")), Tone::Plain},
               {fmt::format("RTO {}", or_nothing(number(service, "rto_target_s"), clock_words)), Tone::Plain},
               last_recovery(service),
               service_note(service)});
  }
  return table.print(colour);
}

/// What is wrong, in a line each; the first thing to be read aloud.
std::string diagnoses(const json::value& status, Colour colour) {
  std::string lines;
  for (const json::value& d : list(status, "diagnoses")) {
    const auto since = number(d, "since_s");
    const std::string sentence = maybe_text(d, "sentence").value_or(text(d, "failed"));
    lines += "  " + paint("! " + sentence, Tone::Bad, colour) +
             (since ? paint(fmt::format(" (for {})", span_words(*since)), Tone::Faint, colour) : "") + "\n";
  }
  return lines;
}

/// A circuit that is silent just now is not down yet, but nobody should read "up" of it.
Cell circuit_state(const json::value& circuit) {
  const std::string state = text(circuit, "state");
  const bool living = state == "up" || state == "degraded";
  return living && flag(circuit, "suspect").value_or(false) ? Cell{"SUSPECT", Tone::Warn} : state_cell(state);
}

/// "out 12.0%, in 0.0%": the loss each way, where a reflector tells and anything is lost; or nothing.
std::string direction_words(const json::value& thing) {
  const auto loss = [&](std::string_view way) {
    const auto* direction = thing.is_object() ? thing.get_object().if_contains(way) : nullptr;
    return direction != nullptr && direction->is_object() ? number(*direction, "loss_ratio") : std::nullopt;
  };
  const auto out = loss("outbound"), in = loss("inbound");
  if (!out || !in || (*out <= 0 && *in <= 0)) return "";
  return fmt::format("out {}, in {}", percent(out), percent(in));
}

/// Why it is not well, which targets do not count, what is lost each way, and what a metered one costs.
Cell circuit_note(const json::value& circuit) {
  const bool odd =
      std::ranges::any_of(list(circuit, "targets"), [](const json::value& t) { return maybe_text(t, "set_aside").value_or("no") != "no"; });
  const bool well = text(circuit, "state") == "up" && !flag(circuit, "suspect").value_or(false) && !odd;
  std::string note = well ? "" : maybe_text(circuit, "reason").value_or("");
  if (const std::string directions = direction_words(circuit); !directions.empty())
    note += fmt::format("{}lost {}", note.empty() ? "" : "; ", directions);
  if (const auto bytes = number(circuit, "probe_bytes_month"))
    note += fmt::format("{}metered: probing costs {:.0f} MB a month", note.empty() ? "" : "; ", *bytes / 1e6);
  return {note, Tone::Plain};
}

Cell bad_reason(const json::value& thing) {
  return {text(thing, "state") == "up" ? std::string() : maybe_text(thing, "reason").value_or(""), Tone::Plain};
}

std::string circuits(const json::value& status, Colour colour) {
  Table table({Align::Left, Align::Left, Align::Right, Align::Right, Align::Right, Align::Right, Align::Right, Align::Right});
  table.row({{"CIRCUIT", Tone::Faint},
             {"STATE", Tone::Faint},
             {"SINCE", Tone::Faint},
             {"RTT", Tone::Faint},
             {"JITTER", Tone::Faint},
             {"LOSS", Tone::Faint},
             {"MOS", Tone::Faint},
             {"PRI", Tone::Faint},
             {"PROVIDER", Tone::Faint}});
  for (const json::value& circuit : list(status, "circuits")) {
    table.row({{starred(circuit, text(circuit, "name"))},
               circuit_state(circuit),
               {or_nothing(number(circuit, "since_s"), span_words)},
               {or_nothing(number(circuit, "rtt_ms"), ms_words)},
               {or_nothing(number(circuit, "jitter_ms"), ms_words)},
               {percent(number(circuit, "loss_ratio"))},
               {score(number(circuit, "mos"))},
               {text(circuit, "priority")},
               {text(circuit, "provider")},
               circuit_note(circuit)});
  }
  return table.print(colour);
}

Cell path_cell(const json::value& carrier, std::string_view circuit) {
  for (const json::value& path : list(carrier, "paths")) {
    if (text(path, "circuit") != circuit) continue;
    Cell cell = state_cell(text(path, "state"));
    const auto rtt = number(path, "rtt_ms");
    if (cell.text == "up" && rtt) cell.text += " " + ms_words(*rtt);
    return cell;
  }
  return {std::string(kNothing)};
}

/// "62 up, 2 not": where there is no room for a column each.
Cell path_summary(const json::value& carrier) {
  std::size_t up = 0;
  const auto& paths = list(carrier, "paths");
  for (const json::value& path : paths) up += text(path, "state") == "up" ? 1 : 0;
  const bool all = up == paths.size();
  return {all ? fmt::format("{} up", up) : fmt::format("{} up, {} NOT", up, paths.size() - up), all ? Tone::Plain : Tone::Warn};
}

std::string carriers(const json::value& status, Colour colour) {
  std::vector<std::string> columns;
  for (const json::value& circuit : list(status, "circuits")) columns.push_back(text(circuit, "name"));
  const bool wide = columns.size() > kCircuitColumnsMax;
  Table table({});
  std::vector<Cell> head{{"CARRIER", Tone::Faint}, {"STATE", Tone::Faint}};
  if (wide) head.push_back({"PATHS", Tone::Faint});
  for (const auto& name : columns) {
    if (!wide) head.push_back({name, Tone::Faint});
  }
  head.insert(head.end(), {{"LAST CODE", Tone::Faint}, {"PROVIDER", Tone::Faint}});
  table.row(std::move(head));
  for (const json::value& carrier : list(status, "carriers")) {
    std::vector<Cell> row{{starred(carrier, text(carrier, "name"))}, state_cell(text(carrier, "state"))};
    if (wide) row.push_back(path_summary(carrier));
    for (const auto& name : columns) {
      if (!wide) row.push_back(path_cell(carrier, name));
    }
    row.insert(row.end(), {{text(carrier, "last_code")}, {text(carrier, "provider")}, bad_reason(carrier)});
    table.row(std::move(row));
  }
  return table.print(colour);
}

/// What a target says by one circuit: its round trip, or that it is silent or does not count.
Cell target_cell(const json::value& circuit, std::string_view name) {
  for (const json::value& target : list(circuit, "targets")) {
    if (text(target, "name") != name) continue;
    const std::string aside = maybe_text(target, "set_aside").value_or("no");
    if (aside != "no") return {fmt::format("SET ASIDE ({})", aside), Tone::Warn};
    if (integer(target, "losses_in_a_row").value_or(0) >= kSilentTarget) return {"SILENT", Tone::Bad};
    return {or_nothing(number(target, "rtt_ms"), ms_words)};
  }
  return {std::string(kNothing)};
}

/// Each target by each circuit, where they are asked in more ways than by echo.
std::string targets(const json::value& status, Colour colour) {
  const auto& circuits = list(status, "circuits");
  std::vector<std::pair<std::string, std::string>> known;  // name, and how it is asked
  bool other_ways = false;
  for (const json::value& circuit : circuits)
    for (const json::value& target : list(circuit, "targets")) {
      const std::string name = text(target, "name"), method = maybe_text(target, "method").value_or("icmp");
      other_ways = other_ways || method != "icmp";
      const auto port = integer(target, "port");
      if (std::ranges::find(known, name, &std::pair<std::string, std::string>::first) == known.end())
        known.emplace_back(name, port ? fmt::format("{} {}", method, *port) : method);
    }
  if (!other_ways || circuits.size() > kCircuitColumnsMax) return "";
  Table table({});
  std::vector<Cell> head{{"TARGET", Tone::Faint}, {"ASKED BY", Tone::Faint}};
  for (const json::value& circuit : circuits) head.push_back({text(circuit, "name"), Tone::Faint});
  table.row(std::move(head));
  for (const auto& [name, how] : known) {
    std::vector<Cell> row{{"  " + name}, {how}};
    for (const json::value& circuit : circuits) row.push_back(target_cell(circuit, name));
    table.row(std::move(row));
  }
  return table.print(colour);
}

std::string overrides(const json::value& status, Colour colour) {
  const auto now = runtime::parse_rfc3339(text(status, "now"));
  Table table({Align::Right}, "  ");
  for (const json::value& o : list(status, "overrides")) {
    const auto subject = maybe_text(o, "subject");
    const std::string kind = text(o, "kind");
    std::string what = fmt::format("{}: {}", subject.value_or(std::string(kNothing)), kind);
    if (kind == "force") what = fmt::format("{} forced to {}", subject.value_or(std::string(kNothing)), text(o, "to"));
    if (kind == "failback") what = fmt::format("{} may go back to what it prefers", subject.value_or("everything"));
    if (kind == "hold") what = fmt::format("{} held: no automatic move", subject.value_or("everything"));
    const auto until = runtime::parse_rfc3339(text(o, "until"));
    const std::string left = now && until ? span_words(std::chrono::duration<double>(*until - *now).count()) : std::string(kNothing);
    table.row({{text(o, "id")}, {what, Tone::Warn}, {"by " + text(o, "owner")}, {left + " left"}, {"\"" + text(o, "reason") + "\""}});
  }
  const std::string lines = table.print(colour);
  return lines.empty() ? "" : paint("OVERRIDES", Tone::Faint, colour) + "\n" + lines;
}

/// Connections that stay on a circuit their class has left.
std::string draining(const json::value& status, Colour colour) {
  const json::object* root = status.if_object();
  const json::value* connections = root != nullptr ? root->if_contains("connections") : nullptr;
  if (connections == nullptr) return {};
  Table table({}, "  ");
  for (const json::value& d : list(*connections, "draining"))
    table.row({{text(d, "class")},
               {fmt::format("{} connections stay on {}", text(d, "flows"), text(d, "circuit"))},
               {fmt::format("{} at most", or_nothing(number(d, "left_s"), span_words))}});
  const std::string lines = table.print(colour);
  return lines.empty() ? "" : paint("DRAINING", Tone::Faint, colour) + "\n" + lines;
}

/// Where this host looks up names, when that is ours to say.
std::string resolvers(const json::value& status, Colour colour) {
  const json::value& r = field(status, "resolvers");
  std::string servers;
  for (const json::value& s : list(r, "servers"))
    if (const auto* one = s.if_string()) servers += (servers.empty() ? "" : ", ") + clean({one->data(), one->size()});
  if (servers.empty()) return {};
  const auto answering = flag(r, "answering");
  Table table({}, "  ");
  table.row({{servers},
             {"for " + text(r, "circuit")},
             maybe_text(r, "problem") ? Cell{"NOT WRITTEN", Tone::Bad}
             : !answering             ? Cell{"not asked yet"}
             : *answering             ? Cell{"answers", Tone::Good}
                                      : Cell{"SILENT", Tone::Bad}});
  return paint("RESOLVERS", Tone::Faint, colour) + "\n" + table.print(colour);
}

std::string actuators(const json::value& status, Colour colour) {
  Table table({}, "  ");
  for (const json::value& a : list(status, "actuators")) {
    const bool connected = flag(a, "connected").value_or(false);
    if (connected && flag(a, "in_sync").value_or(false)) continue;
    table.row({{text(a, "name")}, {connected ? "OUT OF SYNC" : "NOT CONNECTED", Tone::Bad}, {maybe_text(a, "detail").value_or("")}});
  }
  const std::string lines = table.print(colour);
  return lines.empty() ? "" : paint("ACTUATORS", Tone::Faint, colour) + "\n" + lines;
}

std::string attention(const json::value& status, Colour colour) {
  std::string lines;
  for (const json::value& sentence : list(status, "attention")) {
    const auto* words = sentence.if_string();
    if (words != nullptr) lines += "  " + paint("! " + clean({words->data(), words->size()}), Tone::Strong, colour) + "\n";
  }
  return lines.empty() ? "" : paint("ATTENTION", Tone::Warn, colour) + "\n" + lines;
}

}  // namespace

std::string render_status(const json::value& status, Colour colour) {
  std::string out = headline(status, colour) + diagnoses(status, colour);
  out += list(status, "services").empty() ? "  no traffic class and no trunk is known yet\n" : services(status, colour);
  if (!list(status, "circuits").empty()) out += circuits(status, colour);
  out += targets(status, colour);
  if (!list(status, "carriers").empty()) out += carriers(status, colour);
  return out + draining(status, colour) + resolvers(status, colour) + overrides(status, colour) + actuators(status, colour) +
         attention(status, colour);
}

int status_exit_code(const json::value& status) {
  const std::string state = text(status, "state");
  if (state == "ok") return 0;
  if (state == "degraded") return 10;
  return state == "down" ? 20 : 30;
}

}  // namespace linekeeper::admin::cli
