#include "config/schema.hpp"

#include <fmt/format.h>

#include <array>

#include "controller/model/assert.hpp"

namespace linekeeper::config {
namespace {

constexpr double kMs = 1e-3, kS = 1, kH = 3600;
constexpr double kMark = 4294967295.0;

// clang-format off
constexpr auto kSchema = std::to_array<Key>({
  {.section = "", .name = "site", .form = Form::Section, .fallback = "required", .example = "[site]", .meaning = "What this site is called."},
  {.section = "", .name = "daemon", .form = Form::Section, .fallback = "", .example = "[daemon]", .meaning = "Sockets and files of the programs."},
  {.section = "", .name = "http", .form = Form::Section, .fallback = "", .example = "[http]", .meaning = "Page, metrics and read-only API."},
  {.section = "", .name = "probing", .form = Form::Section, .fallback = "", .example = "[probing]", .meaning = "Pace of the probes through each circuit."},
  {.section = "", .name = "circuit_health", .form = Form::Section, .fallback = "", .example = "[circuit_health]", .meaning = "When a circuit is up or down."},
  {.section = "", .name = "carrier_health", .form = Form::Section, .fallback = "", .example = "[carrier_health]", .meaning = "When a carrier is up or down through a circuit."},
  {.section = "", .name = "target", .form = Form::Sections, .fallback = "required", .example = "[[target]]", .meaning = "What circuits are measured against, at least three in two networks, at most 256."},
  {.section = "", .name = "circuit", .form = Form::Sections, .fallback = "required", .example = "[[circuit]]", .meaning = "An internet access, at least one, at most 64."},
  {.section = "", .name = "carrier", .form = Form::Sections, .fallback = "", .example = "[[carrier]]", .meaning = "A SIP provider, at most 256."},
  {.section = "", .name = "class", .form = Form::Sections, .fallback = "required", .example = "[[class]]", .meaning = "A traffic class: what is steered together, at least one, at most 64."},
  {.section = "", .name = "pbx", .form = Form::Sections, .fallback = "", .example = "[[pbx]]", .meaning = "A PBX that is told which carrier to prefer, at most 16."},
  {.section = "", .name = "trunk", .form = Form::Sections, .fallback = "", .example = "[[trunk]]", .meaning = "A trunk group: carriers offered to a PBX in order, at most 64."},

  {.section = "site", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("bangkok")", .meaning = "Shown on the page, in `status` and in every notification."},

  {.section = "daemon", .name = "control_socket", .form = Form::SocketPath, .fallback = R"("/run/linekeeper/control.sock")", .example = R"("/run/linekeeper/control.sock")", .meaning = "Where the command line reaches linekeeperd."},
  {.section = "daemon", .name = "switch_socket", .form = Form::SocketPath, .fallback = R"("/run/linekeeper-switch/switch.sock")", .example = R"("/run/linekeeper-switch/switch.sock")", .meaning = "Where linekeeperd reaches linekeeper-switch."},
  {.section = "daemon", .name = "journal", .form = Form::FilePath, .fallback = R"("/var/lib/linekeeper/journal.db")", .example = R"("/var/lib/linekeeper/journal.db")", .meaning = "Events, incidents and overrides, an SQLite file."},

  {.section = "http", .name = "listen", .form = Form::Prose, .fallback = R"("127.0.0.1:9851")", .example = R"("127.0.0.1:9851")", .meaning = "Numeric address and port, or `off` (port 0 means the same)."},
  {.section = "http", .name = "allowed_hosts", .form = Form::Host, .list = true, .fallback = "[]", .example = R"(["bangkok.example.net"])", .meaning = "Host headers accepted beside localhost and the address itself; required when listening beyond loopback (it stops DNS rebinding)."},

  {.section = "probing", .name = "interval", .form = Form::Duration, .low = 20 * kMs, .high = 10 * kS, .fallback = R"("200ms")", .example = R"("200ms")", .meaning = "Between two probes of one circuit, which take its targets in turn."},
  {.section = "probing", .name = "jitter", .form = Form::Ratio, .low = 0, .high = 0.5, .fallback = "0.1", .example = "0.1", .meaning = "Each gap is the interval times 1 plus or minus this, so that probes never beat in step with something else."},
  {.section = "probing", .name = "timeout_min", .form = Form::Duration, .low = 5 * kMs, .high = 10 * kS, .fallback = R"("80ms")", .example = R"("80ms")", .meaning = "A probe is never called lost earlier; in between, the measured round trip decides."},
  {.section = "probing", .name = "timeout_max", .form = Form::Duration, .low = 10 * kMs, .high = 30 * kS, .fallback = R"("1s")", .example = R"("1s")", .meaning = "A probe is called lost at the latest then."},

  {.section = "circuit_health", .name = "fall", .form = Form::Integer, .low = 2, .high = 100, .fallback = "5", .example = "5", .meaning = "Losses in a row, over two targets in two networks or more, that mean down."},
  {.section = "circuit_health", .name = "rise", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "10", .example = "10", .meaning = "Answers in a row that mean up again."},
  {.section = "circuit_health", .name = "min_samples", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "3", .example = "3", .meaning = "Probes answered or lost before the first verdict."},
  {.section = "circuit_health", .name = "hold_down", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Up for so long before anything moves back to it."},
  {.section = "circuit_health", .name = "stale_after", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = R"("5s")", .example = R"("5s")", .meaning = "Evidence older than this is unknown, and unknown moves nothing."},

  {.section = "carrier_health", .name = "fall", .form = Form::Integer, .low = 1, .high = 100, .fallback = "2", .example = "2", .meaning = "Failed OPTIONS in a row that mean down."},
  {.section = "carrier_health", .name = "rise", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "2", .example = "2", .meaning = "Good answers in a row that mean up again."},
  {.section = "carrier_health", .name = "min_samples", .form = Form::Integer, .low = 1, .high = 1000, .fallback = "1", .example = "1", .meaning = "OPTIONS answered or failed before the first verdict."},
  {.section = "carrier_health", .name = "hold_down", .form = Form::Duration, .low = 0, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Up for so long before calls move back to it."},
  {.section = "carrier_health", .name = "stale_after", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Evidence older than this is unknown; must outlast one interval and deadline of every carrier."},

  {.section = "target", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("quad9")", .meaning = "Unique among targets."},
  {.section = "target", .name = "address", .form = Form::Address, .fallback = "required", .example = R"("9.9.9.9")", .meaning = "Numeric; must answer echo requests and belong to nobody's circuit."},
  {.section = "target", .name = "network", .form = Form::Prose, .fallback = "(its /16, or /32 for IPv6)", .example = R"("quad9")", .meaning = "Whose network it is in: targets that fail together share a word here."},

  {.section = "circuit", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("fiber")", .meaning = "Unique among circuits; metrics carry it as a label."},
  {.section = "circuit", .name = "interface", .form = Form::Interface, .fallback = "required", .example = R"("wan0")", .meaning = "Linux device; one circuit each."},
  {.section = "circuit", .name = "provider", .form = Form::Prose, .fallback = "(the name)", .example = R"("ISP One")", .meaning = "Who to call."},
  {.section = "circuit", .name = "medium", .form = Form::Prose, .fallback = R"("unknown")", .example = R"("fiber")", .meaning = "fiber, coax, lte, ...: shown."},
  {.section = "circuit", .name = "priority", .form = Form::Integer, .low = 0, .high = 10000, .fallback = "100", .example = "10", .meaning = "Smaller is preferred, where a class does not order its circuits."},
  {.section = "circuit", .name = "metered", .form = Form::Flag, .fallback = "false", .example = "true", .meaning = "Paid by volume: shown."},
  {.section = "circuit", .name = "gateway", .form = Form::Gateway, .fallback = R"("kernel")", .example = R"("192.0.2.1")", .meaning = "IPv4 address of the next hop, or `kernel`: followed from DHCP, PPPoE or whoever sets routes."},
  {.section = "circuit", .name = "sources", .form = Form::Prefix, .list = true, .fallback = "[]", .example = R"(["10.0.0.11"])", .meaning = "LAN addresses that always leave by this circuit (a PBX's socket for it)."},
  {.section = "circuit", .name = "targets", .form = Form::Name, .list = true, .fallback = "(all)", .example = R"(["quad9", "cloudflare", "google"])", .meaning = "What it is measured against: at least three, in two networks."},
  {.section = "circuit", .name = "table", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7100 + position)", .example = "7100", .meaning = "Its own routing table."},
  {.section = "circuit", .name = "mark", .form = Form::Integer, .low = 1, .high = kMark, .fallback = "(none)", .example = "0x11", .meaning = "Packet mark that selects it."},
  {.section = "circuit", .name = "risk_groups", .form = Form::Name, .list = true, .fallback = "[]", .example = R"(["street-duct"])", .meaning = "What it shares with other circuits: shown."},

  {.section = "carrier", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("north")", .meaning = "Unique among carriers; metrics carry it as a label."},
  {.section = "carrier", .name = "provider", .form = Form::Prose, .fallback = "(the name)", .example = R"("North Telecom")", .meaning = "Who to call."},
  {.section = "carrier", .name = "address", .form = Form::Endpoint, .fallback = "required", .example = R"("198.51.100.10:5060")", .meaning = "Numeric address, port 5060 when not given; host names are not resolved yet."},
  {.section = "carrier", .name = "domain", .form = Form::Host, .fallback = "(the address)", .example = R"("sip.north.example")", .meaning = "Host part of Request-URI and To; many carriers answer only their own."},
  {.section = "carrier", .name = "from_user", .form = Form::SipUser, .fallback = R"("linekeeper")", .example = R"("4420000000")", .meaning = "User part of From and Contact; some carriers ban what they do not know."},
  {.section = "carrier", .name = "priority", .form = Form::Integer, .low = 0, .high = 10000, .fallback = "100", .example = "10", .meaning = "Smaller is preferred, where a trunk does not order its carriers."},
  {.section = "carrier", .name = "interval", .form = Form::Duration, .low = 200 * kMs, .high = 1 * kH, .fallback = R"("15s")", .example = R"("15s")", .meaning = "Between two OPTIONS of one path, give or take 20 %."},
  {.section = "carrier", .name = "floor", .form = Form::Duration, .low = 100 * kMs, .high = 1 * kH, .fallback = R"("10s")", .example = R"("10s")", .meaning = "Etiquette: never two OPTIONS on one path closer than this, whatever happens. Ask the carrier before lowering it."},
  {.section = "carrier", .name = "deadline", .form = Form::Duration, .low = 100 * kMs, .high = 31 * kS, .fallback = R"("3s")", .example = R"("3s")", .meaning = "No final response by then: failed. Below the interval."},
  {.section = "carrier", .name = "max_forwards", .form = Form::Integer, .low = 1, .high = 255, .fallback = "70", .example = "70", .meaning = "Max-Forwards of the OPTIONS (RFC 3261 20.22)."},
  {.section = "carrier", .name = "replies", .form = Form::Table, .fallback = "{}", .example = R"({ 404 = "up" })", .meaning = "How final responses 200 to 699 are read, where the usual reading is wrong for this carrier: `up`, `busy`, `degraded`, `soft-down` or `down`."},

  {.section = "class", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("voice")", .meaning = "Unique among classes and trunks: people type it."},
  {.section = "class", .name = "circuits", .form = Form::Name, .list = true, .fallback = "(all, by priority)", .example = R"(["fiber", "coax"])", .meaning = "In order of preference."},
  {.section = "class", .name = "table", .form = Form::Integer, .low = kTableFirst, .high = kTableLast, .fallback = "(7200 + position)", .example = "7200", .meaning = "Its steering table."},
  {.section = "class", .name = "rto", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("60s")", .example = R"("60s")", .meaning = "Recovery time objective when a circuit fails: what the business decided."},
  {.section = "class", .name = "match", .form = Form::Table, .fallback = "(everything else)", .example = R"({ source = "10.0.0.0/24" })", .meaning = "What belongs to the class; several conditions must all hold. One class may have none: it takes the rest."},

  {.section = "match", .name = "mark", .form = Form::Integer, .low = 1, .high = kMark, .fallback = "(any)", .example = "0x20", .meaning = "Packet mark."},
  {.section = "match", .name = "source", .form = Form::Prefix, .fallback = "(any)", .example = R"("10.0.0.0/24")", .meaning = "Where it comes from."},
  {.section = "match", .name = "incoming_interface", .form = Form::Interface, .fallback = "(any)", .example = R"("lan0")", .meaning = "The device it comes in by."},

  {.section = "pbx", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("kamailio")", .meaning = "Unique among PBXs."},
  {.section = "pbx", .name = "driver", .form = Form::Driver, .fallback = R"("kamailio")", .example = R"("kamailio")", .meaning = "How it is spoken to; `kamailio` is the one there is."},
  {.section = "pbx", .name = "rpc_socket", .form = Form::SocketPath, .fallback = "required", .example = R"("/run/kamailio/linekeeper.sock")", .meaning = "Datagram socket of Kamailio's jsonrpcs module."},
  {.section = "pbx", .name = "htable", .form = Form::Name, .fallback = R"("lk")", .example = R"("lk")", .meaning = "Hash table that holds the orders."},
  {.section = "pbx", .name = "lease", .form = Form::Duration, .low = 2 * kS, .high = 1 * kH, .fallback = R"("90s")", .example = R"("90s")", .meaning = "The order holds this long after our last word, then Kamailio uses its static one. Whole seconds."},
  {.section = "pbx", .name = "refresh", .form = Form::Duration, .low = 500 * kMs, .high = 30 * 60 * kS, .fallback = R"("30s")", .example = R"("30s")", .meaning = "How often the lease is renewed; with one reply timeout it must fit into the lease."},
  {.section = "pbx", .name = "reply_timeout", .form = Form::Duration, .low = 50 * kMs, .high = 30 * kS, .fallback = R"("2s")", .example = R"("2s")", .meaning = "How long one answer of the PBX may take."},

  {.section = "trunk", .name = "name", .form = Form::Name, .fallback = "required", .example = R"("outbound")", .meaning = "Unique among trunks and classes: people type it."},
  {.section = "trunk", .name = "pbx", .form = Form::Name, .fallback = "(the only one)", .example = R"("kamailio")", .meaning = "Which PBX is told."},
  {.section = "trunk", .name = "class", .form = Form::Name, .fallback = "(the only one)", .example = R"("voice")", .meaning = "The class its members follow, whose circuit order ranks equal carriers."},
  {.section = "trunk", .name = "carriers", .form = Form::Name, .list = true, .fallback = "(all, by priority)", .example = R"(["north", "south"])", .meaning = "In order of preference."},
  {.section = "trunk", .name = "key", .form = Form::Name, .fallback = R"("order")", .example = R"("order")", .meaning = "Key in the hash table; unique in its PBX."},
  {.section = "trunk", .name = "rto", .form = Form::Duration, .low = 100 * kMs, .high = 24 * kH, .fallback = R"("120s")", .example = R"("120s")", .meaning = "Recovery time objective when a carrier fails: what the business decided."},
  {.section = "trunk", .name = "sets", .form = Form::Table, .fallback = "required", .example = "{ north = { fiber = 11, coax = 12 }, south = 21 }", .meaning = "Kamailio's dispatcher set (1 to 65535) of each carrier: one number, and the carrier follows the class; or one for each circuit."},
});
// clang-format on

std::string_view form_word(Form form) {
  switch (form) {
    case Form::Section: return "section";
    case Form::Sections: return "sections";
    case Form::Table: return "table";
    case Form::Flag: return "true or false";
    case Form::Integer: return "whole number";
    case Form::Ratio: return "number";
    case Form::Duration: return "duration";
    case Form::Name: return "name";
    case Form::Prose: return "text";
    case Form::Interface: return "interface name";
    case Form::SocketPath:
    case Form::FilePath: return "absolute path";
    case Form::Host: return "host";
    case Form::SipUser: return "SIP user";
    case Form::Address: return "address";
    case Form::Endpoint: return "address and port";
    case Form::Prefix: return "network or address";
    case Form::Gateway: return "address or `kernel`";
    case Form::Driver: return "word";
  }
  return "?";
}

}  // namespace

std::span<const Key> schema() { return kSchema; }

std::vector<const Key*> keys_of(std::string_view section) {
  std::vector<const Key*> keys;
  for (const Key& key : kSchema) {
    if (key.section == section) keys.push_back(&key);
  }
  return keys;
}

const Key& key_named(std::string_view section, std::string_view name) {
  const Key* found = nullptr;
  for (const Key& key : kSchema) {
    if (key.section == section && key.name == name) found = &key;
  }
  LK_ASSERT(found != nullptr);
  return *found;
}

std::string form_words(const Key& key) {
  if (key.list) return fmt::format("list of {}s", key.form == Form::Prefix ? "networks or addresse" : form_word(key.form));
  switch (key.form) {
    case Form::Duration: {
      const auto bound = [](double s) { return show(std::chrono::round<model::Duration>(std::chrono::duration<double>(s))); };
      return fmt::format("duration, {} to {}", bound(key.low), bound(key.high));
    }
    case Form::Integer: return fmt::format("whole number, {:.0f} to {:.0f}", key.low, key.high);
    case Form::Ratio: return fmt::format("number, {} to {}", key.low, key.high);
    default: return std::string(form_word(key.form));
  }
}

std::string reference() {
  std::string out;
  for (const Key& section : kSchema) {
    if (!section.section.empty() && section.name != "match") continue;
    const bool nested = section.name == "match";
    out += fmt::format("### {}\n\n{}\n\n", nested ? "match, inside [[class]]" : section.example, section.meaning);
    out += "| key | form | default | meaning |\n|---|---|---|---|\n";
    for (const Key* key : keys_of(section.name)) {
      const bool literal = !key->required() && !key->fallback.starts_with('(');
      out += fmt::format("| `{}` | {} | {} | {} |\n", key->name, form_words(*key),
                         literal ? fmt::format("`{}`", key->fallback) : std::string(key->fallback), key->meaning);
    }
    out += '\n';
  }
  return out;
}

}  // namespace linekeeper::config
