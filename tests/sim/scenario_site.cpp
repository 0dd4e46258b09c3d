// Lines of a scenario file that say what the site is.
#include "tests/sim/scenario_attributes.hpp"
#include "tests/sim/scenario_lines.hpp"
#include "tests/sim/site_maker.hpp"

namespace linekeeper::sim {

using model::Duration;

namespace {

void read_circuit(Words words, Script& script) {
  model::Site& site = script.site;
  const auto n = static_cast<int>(site.circuits.size());
  model::Circuit c{
      .name = words[1], .interface = words[1], .provider = {}, .medium = {}, .priority = 10 * (n + 1), .table = static_cast<std::uint32_t>(7101 + n)};
  for (std::size_t t = 0; t < site.targets.size(); ++t) c.targets.push_back(model::id_at<model::TargetId>(t));
  LineNature nature;
  Attributes a(words.subspan(2), site);
  circuit_fields(a, c, c, nature, nature);
  a.done();
  if (c.targets.empty()) throw Mistake{"a circuit needs targets: declare them first"};
  site.circuits.push_back(std::move(c));
  script.lines.push_back(nature);
}

void read_carrier(Words words, Script& script) {
  const auto address = words.size() > 2 ? model::IpAddress::parse(words[2]) : std::nullopt;
  if (!address) throw Mistake{"it should be: carrier NAME ADDRESS interval 15s ..."};
  model::Carrier k;
  k.name = words[1];
  k.address = *address;
  Attributes a(words.subspan(3), script.site);
  carrier_fields(a, k, k);
  a.done();
  script.site.carriers.push_back(std::move(k));
}

void read_traffic_class(Words words, Script& script) {
  model::TrafficClass c{.name = words[1], .circuits = {}, .table = static_cast<std::uint32_t>(7201 + script.site.classes.size()), .match = {}};
  Attributes a(words.subspan(2), script.site);
  class_fields(a, c, c);
  a.done();
  script.site.classes.push_back(std::move(c));
}

void read_trunk(Words words, Script& script) {
  model::Site& site = script.site;
  model::Trunk t{.name = words[1], .pbx = {}, .traffic_class = {}, .carriers = {}, .members = {}};
  Attributes a(words.subspan(2), site);
  if (const auto* pbx = a.find("pbx")) t.pbx = model::id_at<model::PbxId>(position_of(site.pbxs, *pbx, "pbx"));
  t.traffic_class = model::id_at<model::ClassId>(position_of(site.classes, a.need("class"), "class"));
  t.carriers = Attributes::ids<model::CarrierId>(a.need("carriers"), site.carriers, "carrier");
  const auto* by = a.find("by");
  if (by != nullptr && *by != "each" && *by != "class") throw Mistake{fmt::format("by \"{}\" should be each or class", *by)};
  trunk_fields(a, t, t);
  const auto* apart = a.find("apart");
  const auto alone = apart != nullptr ? Attributes::ids<model::CarrierId>(*apart, site.carriers, "carrier") : std::vector<model::CarrierId>();
  a.done();
  if (t.pbx.index() >= site.pbxs.size()) throw Mistake{"a trunk needs a pbx: declare it first"};
  const auto hundred = static_cast<int>(100 * site.trunks.size());
  for (std::size_t k = 0; k < t.carriers.size(); ++k) {
    const int set = hundred + 10 * static_cast<int>(k + 1);
    if (by != nullptr && *by == "class") {
      t.members.push_back({t.carriers[k], std::nullopt, set});
      continue;
    }
    for (std::size_t c = 0; c < site.circuits.size(); ++c)
      t.members.push_back({t.carriers[k], model::id_at<model::CircuitId>(c), set + static_cast<int>(c)});
  }
  site.trunks.push_back(std::move(t));
  for (const model::CarrierId k : alone) steer_apart(site, k);
}

}  // namespace

bool read_site_line(Words words, Script& script) {
  const std::string& what = words[0];
  model::Site& site = script.site;
  const auto rule = [&](auto fields, auto& value) {
    Attributes a(words.subspan(1), site);
    fields(a, value);
    a.done();
  };
  if (what == "target") {
    const auto address = words.size() > 2 ? model::IpAddress::parse(words[2]) : std::nullopt;
    if (!address) throw Mistake{"it should be: target NAME ADDRESS network NAME"};
    Attributes a(words.subspan(3), site);
    site.targets.push_back({words[1], *address, a.need("network")});
    a.done();
  } else if (what == "circuit") {
    read_circuit(words, script);
  } else if (what == "carrier") {
    read_carrier(words, script);
  } else if (what == "class") {
    read_traffic_class(words, script);
  } else if (what == "pbx") {
    site.pbxs.push_back({.name = words[1], .rpc_socket = {}});
  } else if (what == "trunk") {
    read_trunk(words, script);
  } else if (what == "probing") {
    rule([](auto& a, auto& v) { probing_fields(a, v, v); }, site.probing);
  } else if (what == "judge-circuits") {
    rule([](auto& a, auto& v) { circuit_rule_fields(a, v, v); }, site.circuit_health);
  } else if (what == "telephones") {
    Attributes a(words.subspan(1), site);
    a.time("each", script.calls_each, script.calls_each);
    call_fields(a, site.calls, site.calls);
    a.done();
    if (script.calls_each <= Duration::zero()) throw Mistake{"it should be: telephones each 200ms hold-down 30s"};
    site.calls.listen = model::IpAddress::parse("127.0.0.1");
  } else if (what == "judge-carriers") {
    rule([](auto& a, auto& v) { carrier_rule_fields(a, v, v); }, site.carrier_health);
  } else {
    return false;
  }
  return true;
}

}  // namespace linekeeper::sim
