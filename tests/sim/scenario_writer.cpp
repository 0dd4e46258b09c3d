#include "tests/sim/scenario_writer.hpp"

#include <fmt/ranges.h>

#include <sstream>

#include "tests/sim/scenario_fields.hpp"
#include "tests/sim/scenario_text.hpp"

namespace linekeeper::sim {
namespace {

using model::Duration;

/// Prints what differs from the default.
class Writer {
 public:
  explicit Writer(const model::Site& site) : site_(&site) {}
  std::string line;

  void put(std::string_view key, std::string_view value) { line += fmt::format(" {} {}", key, value); }
  void word(std::string_view key, const std::string& value, const std::string& usual) {
    if (value != usual) put(key, value);
  }
  void whole(std::string_view key, int value, int usual) {
    if (value != usual) put(key, std::to_string(value));
  }
  void wholes(std::string_view key, const std::vector<int>& value) {
    if (!value.empty()) put(key, fmt::format("{}", fmt::join(value, ",")));
  }
  void real(std::string_view key, double value, double usual) {
    if (value != usual) put(key, fmt::format("{}", value));
  }
  void ratio(std::string_view key, double value, double usual) { real(key, value, usual); }
  void flag(std::string_view key, bool value, bool usual) {
    if (value != usual) put(key, value ? "yes" : "no");
  }
  void time(std::string_view key, Duration value, Duration usual) {
    if (value != usual) put(key, time_text(value));
  }
  void minutes(std::string_view key, std::chrono::minutes value, std::chrono::minutes usual) { time(key, value, usual); }
  void share(std::string_view key, Measure value, Measure usual) {
    if (value != usual) put(key, share_text(value));
  }
  void maybe_whole(std::string_view key, const std::optional<int>& value) {
    if (value) put(key, std::to_string(*value));
  }
  void maybe_mark(std::string_view key, const std::optional<std::uint32_t>& value) {
    if (value) put(key, std::to_string(*value));
  }
  void maybe_real(std::string_view key, const std::optional<double>& value) {
    if (value) put(key, fmt::format("{}", *value));
  }
  void words(std::string_view key, const std::vector<std::string>& value) {
    if (!value.empty()) put(key, fmt::format("{}", fmt::join(value, ",")));
  }
  void targets(std::string_view key, const std::vector<model::TargetId>& value, const std::vector<model::TargetId>& usual) {
    if (value != usual) put(key, names(value));
  }
  void circuits(std::string_view key, const std::vector<model::CircuitId>& value) { put(key, names(value)); }
  template <class E, std::size_t N>
  void choice(std::string_view key, E value, E usual, const std::string_view (&words)[N]) {
    if (value != usual) put(key, words[static_cast<std::size_t>(value)]);
  }
  template <class T, class Fields>
  void group(std::string_view key, std::optional<T>& value, Fields fields) {
    if (!value) return;
    put(key, "yes");
    fields(*value, T{});
  }
  template <class I>
  [[nodiscard]] std::string names(const std::vector<I>& ids) const {
    std::vector<std::string> all;
    for (const I id : ids) all.push_back((*site_)[id].name);
    return fmt::format("{}", fmt::join(all, ","));
  }

 private:
  const model::Site* site_;
};

void write_circuits(const Script& s, std::string& out) {
  model::Circuit usual;
  for (std::size_t t = 0; t < s.site.targets.size(); ++t) {
    const model::Target& target = s.site.targets[t];
    out += fmt::format("target {} {} network {}\n", target.name, target.address.to_string(), target.network);
    usual.targets.push_back(model::id_at<model::TargetId>(t));
  }
  for (std::size_t c = 0; c < s.site.circuits.size(); ++c) {
    model::Circuit circuit = s.site.circuits[c];
    LineNature nature = s.lines[c];
    usual.interface = circuit.name;
    usual.priority = 10 * static_cast<int>(c + 1);
    Writer w(s.site);
    circuit_fields(w, circuit, usual, nature, LineNature{});
    out += fmt::format("circuit {}{}\n", circuit.name, w.line);
  }
}

void write_voice(const Script& s, std::string& out) {
  for (model::Carrier carrier : s.site.carriers) {
    Writer w(s.site);
    carrier_fields(w, carrier, model::Carrier{});
    out += fmt::format("carrier {} {}{}\n", carrier.name, carrier.address.to_string(), w.line);
  }
  for (model::TrafficClass c : s.site.classes) {
    if (c.apart) continue;  // its trunk says it
    Writer w(s.site);
    class_fields(w, c, model::TrafficClass{});
    out += fmt::format("class {}{}\n", c.name, w.line);
  }
  for (const model::Pbx& p : s.site.pbxs) out += fmt::format("pbx {}\n", p.name);
  for (model::Trunk t : s.site.trunks) {
    Writer w(s.site);
    trunk_fields(w, t, model::Trunk{});
    const bool each = !t.members.empty() && t.members.front().circuit.has_value();
    std::vector<model::CarrierId> apart;
    for (const model::CarrierId k : t.carriers)
      if (s.site[k].steer_apart) apart.push_back(k);
    if (!apart.empty()) w.put("apart", w.names(apart));
    out += fmt::format("trunk {} pbx {} class {} carriers {} by {}{}\n", t.name, s.site[t.pbx].name, s.site[t.traffic_class].name,
                       w.names(t.carriers), each ? "each" : "class", w.line);
  }
}

void write_rules(const Script& s, std::string& out) {
  model::Site site = s.site;
  const auto write = [&](std::string_view what, auto fields, auto& value, const auto& usual) {
    Writer w(s.site);
    fields(w, value, usual);
    if (!w.line.empty()) out += fmt::format("{}{}\n", what, w.line);
  };
  write("probing", [](auto& w, auto& v, const auto& u) { probing_fields(w, v, u); }, site.probing, model::CircuitProbing{});
  write("judge-circuits", [](auto& w, auto& v, const auto& u) { circuit_rule_fields(w, v, u); }, site.circuit_health, model::CircuitRule{});
  if (s.calls_each > model::Duration::zero()) {
    Writer w(s.site);
    model::Duration each = s.calls_each;
    w.time("each", each, model::Duration{});
    call_fields(w, site.calls, model::Calls{});
    out += fmt::format("telephones{}\n", w.line);
  }
  write("judge-carriers", [](auto& w, auto& v, const auto& u) { carrier_rule_fields(w, v, u); }, site.carrier_health, model::HealthRule{});
}

}  // namespace

std::string write_scenario(const Script& s, const std::string& remark) {
  std::string out;
  std::istringstream remarks(remark);
  for (std::string l; std::getline(remarks, l);) out += "# " + l + "\n";
  constexpr std::string_view kKinds[] = {"mixed", "one-target", "blackout", "restarts", "quiet"};
  out += fmt::format("seed {}\nlasts {}\nkind {}\n", s.seed, time_text(s.lasts), kKinds[static_cast<std::size_t>(s.kind)]);
  for (const PlantedBug& bug : planted_bugs())
    if (bug.bug == s.bug) out += fmt::format("plant {}\n", bug.name);
  out += "\n";
  write_circuits(s, out);
  write_voice(s, out);
  write_rules(s, out);
  out += "\n";
  for (const Trouble& t : s.troubles) {
    out += fmt::format("at {} {} for {}", time_text(t.at), trouble_words(t, s.site), time_text(t.lasts));
    if (t.on > Duration::zero()) out += fmt::format(" flapping {}/{}", time_text(t.on), time_text(t.off));
    out += "\n";
  }
  return out;
}

}  // namespace linekeeper::sim
