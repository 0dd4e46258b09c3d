// What is sound and yet worth knowing before the night it matters: one sentence each.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/budget.hpp"
#include "config/loader.hpp"
#include "config/values.hpp"
#include "controller/model/call_bandwidth.hpp"

namespace linekeeper::config {
namespace {

using Remarks = std::vector<std::string>;

constexpr double kPublicHostRate = 2;  ///< echo requests a second that hosts of others answer without limiting; more is impolite

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

/// Risk groups that all of these circuits are in.
std::vector<std::string> shared_risks(const model::Site& site, const std::vector<model::CircuitId>& circuits) {
  std::vector<std::string> shared = site[circuits.front()].risk_groups;
  for (const auto id : circuits) {
    const auto& groups = site[id].risk_groups;
    std::erase_if(shared, [&](const std::string& group) { return std::ranges::find(groups, group) == groups.end(); });
  }
  return shared;
}

void remark_ways(const model::Site& site, Remarks& out) {
  for (const auto& steered : site.classes) {
    if (steered.circuits.size() == 1 && !steered.apart)
      out.push_back(fmt::format("class {} has one circuit only: when {} fails there is no other way", steered.name, site[steered.circuits[0]].name));
  }
  for (const auto& trunk : site.trunks) {
    if (trunk.carriers.size() > 1) continue;
    out.push_back(fmt::format("trunk {} has one carrier only: when {} fails there is no other{}", trunk.name, site[trunk.carriers[0]].name,
                              trunk.emergency ? ", and emergency calls fail too" : ""));
  }
}

void remark_risks(const model::Site& site, Remarks& out) {
  std::set<std::string> told;
  if (site.circuits.size() > 1) {
    std::vector<model::CircuitId> all;
    for (std::size_t i = 0; i < site.circuits.size(); ++i) all.push_back(model::id_at<model::CircuitId>(i));
    for (const std::string& group : shared_risks(site, all)) {
      told.insert(group);
      out.push_back(fmt::format("all circuits are in the risk group {}: what fails there takes the site off", group));
    }
  }
  for (const auto& steered : site.classes) {
    if (steered.circuits.size() < 2 || steered.apart) continue;
    for (const std::string& group : shared_risks(site, steered.circuits)) {
      if (!told.contains(group))
        out.push_back(fmt::format("all circuits of class {} are in the risk group {}: they fail together", steered.name, group));
    }
  }
}

void remark_quality(const model::Site& site, Remarks& out) {
  for (const auto& steered : site.classes) {
    if (steered.apart) continue;  // said of the whole
    const auto is_metered = [&](model::CircuitId id) { return site[id].metered; };
    if (steered.avoid_metered && std::ranges::all_of(steered.circuits, is_metered))
      out.push_back(fmt::format("class {} avoids metered circuits, but has no other", steered.name));
    if (steered.avoid_metered && std::ranges::none_of(steered.circuits, is_metered))
      out.push_back(fmt::format("class {} avoids metered circuits, but none of its circuits is metered", steered.name));
  }
  for (const auto& trunk : site.trunks) {
    const model::TrafficClass& steered = site[trunk.traffic_class];
    if (steered.codec != model::Codec::None) continue;
    out.push_back(fmt::format(
        "class {} carries the calls of trunk {} and names no codec: {}", steered.name, trunk.name,
        steered.limits ? "how calls sound is not judged, only loss and round trip" : "calls stay on a lossy or slow circuit until it is dead"));
  }
}

void remark_probing(const model::Site& site, Remarks& out) {
  const model::CircuitProbing& probing = site.probing;
  for (const auto& circuit : site.circuits) {
    const auto in_use = interval_in_use(probing, circuit), standby = interval_on_standby(probing, circuit);
    if (standby < in_use)
      out.push_back(fmt::format("circuit {} is probed more on standby (every {}) than in use (every {})", circuit.name, show(standby), show(in_use)));
    const double rate = 1 / model::seconds(std::min(in_use, standby)) / static_cast<double>(circuit.targets.size());
    if (rate > kPublicHostRate)
      out.push_back(fmt::format("circuit {} asks each of its targets {:.1f} times a second: hosts of others may stop answering above {}",
                                circuit.name, rate, kPublicHostRate));
  }
  if (probing.accelerate && probing.verify_budget == 0) out.emplace_back("probing is to accelerate, but its verify_budget is 0: it never will");
}

/// The load of a busy hour against what carriers take, alone (the others may have failed) and together.
template <class Limit>
void remark_load(const model::Site& site, const model::Trunk& trunk, double load, std::string_view unit, Limit limit, Remarks& out) {
  std::vector<std::string> short_ones;
  double together = 0;
  bool bounded = true;
  for (const auto id : trunk.carriers) {
    const auto takes = limit(site[id]);
    bounded = bounded && takes.has_value();
    together += static_cast<double>(takes.value_or(0));
    if (takes && static_cast<double>(*takes) < load) short_ones.push_back(fmt::format("{} ({})", site[id].name, *takes));
  }
  if (bounded && together < load) {
    out.push_back(
        fmt::format("trunk {} has {} {} in its busy hour, more than all its carriers take together ({})", trunk.name, load, unit, together));
  } else if (!short_ones.empty()) {
    out.push_back(fmt::format("trunk {} has {} {} in its busy hour, more than these take alone when the others fail: {}", trunk.name, load, unit,
                              joined(short_ones)));
  }
}

/// The calls of busy hours against a circuit that they may all have to go by: each trunk alone, and where each fits, all together.
void remark_bandwidth(const model::Site& site, const model::Circuit& circuit, Remarks& out) {
  std::vector<std::string> together;
  double kbps_together = 0;
  bool each_fits = true;
  for (const auto& trunk : site.trunks) {
    const model::TrafficClass& steered = site[trunk.traffic_class];
    const auto goes_by = [&](model::CircuitId id) { return &site[id] == &circuit; };
    if (!trunk.busy_hour_calls || std::ranges::none_of(steered.circuits, goes_by)) continue;
    const double kbps = *trunk.busy_hour_calls * model::kbps_each_way(steered.codec);
    together.push_back(trunk.name);
    kbps_together += kbps;
    if (kbps <= *circuit.bandwidth_kbps) continue;
    each_fits = false;
    out.push_back(fmt::format("circuit {} ({} kbit/s) is too narrow for the {} calls of trunk {} in its busy hour ({:.0f} kbit/s {})", circuit.name,
                              *circuit.bandwidth_kbps, *trunk.busy_hour_calls, trunk.name, kbps,
                              steered.codec == model::Codec::None ? "if they are in g711" : fmt::format("in {}", word_of(steered.codec))));
  }
  if (each_fits && kbps_together > *circuit.bandwidth_kbps)
    out.push_back(fmt::format("circuit {} ({} kbit/s) is too narrow for the calls of trunks {} in their busy hours together ({:.0f} kbit/s)",
                              circuit.name, *circuit.bandwidth_kbps, joined(together), kbps_together));
}

void remark_capacity(const model::Site& site, Remarks& out) {
  for (const auto& trunk : site.trunks) {
    if (trunk.busy_hour_calls)
      remark_load(site, trunk, *trunk.busy_hour_calls, "calls at once", [](const model::Carrier& c) { return c.channels; }, out);
    if (trunk.busy_hour_calls_per_second)
      remark_load(
          site, trunk, *trunk.busy_hour_calls_per_second, "new calls a second", [](const model::Carrier& c) { return c.calls_per_second; }, out);
  }
  for (const auto& circuit : site.circuits)
    if (circuit.bandwidth_kbps) remark_bandwidth(site, circuit, out);
}

/// A call begun after the move has its media on the new circuit, and its signalling, an old connection, still on the old one.
/// By which circuit a call goes is told by the PBX's own address, or by where its carrier's traffic class goes.
void remark_calls(const model::Site& site, Remarks& out) {
  for (std::size_t c = 0; site.calls.on() && c < site.circuits.size(); ++c) {
    const auto circuit = model::id_at<model::CircuitId>(c);
    const auto used = [&](const model::Trunk& t) {
      return std::ranges::any_of(t.members, [&](const model::TrunkMember& m) { return m.circuit == circuit; });
    };
    if (site.circuits[c].sources.empty() && std::ranges::any_of(site.trunks, used))
      out.push_back(fmt::format("calls by circuit {} are no witnesses: it has no sources, the PBX's address for it, by which they are told apart",
                                site.circuits[c].name));
  }
}

void remark_signalling(const model::Site& site, Remarks& out) {
  if (!site.connections.keep) return;
  for (const auto& trunk : site.trunks) {
    const model::TrafficClass& steered = site[trunk.traffic_class];
    if (steered.drain <= model::Duration::zero() || steered.circuits.size() < 2) continue;
    if (std::ranges::all_of(trunk.members, [](const model::TrunkMember& m) { return m.circuit.has_value(); })) continue;
    out.push_back(fmt::format(
        "trunk {} has carriers that follow class {}, whose connections may stay behind for {}: after a planned move calls already up keep "
        "together, but new ones share the PBX's old signalling connection while their media goes the new way; give each carrier a set for "
        "each circuit, or the class drain = \"0s\"",
        trunk.name, steered.name, show(steered.drain)));
  }
}

}  // namespace

std::vector<std::string> remarks(const model::Site& site) {
  Remarks out;
  remark_ways(site, out);
  remark_risks(site, out);
  remark_quality(site, out);
  remark_capacity(site, out);
  remark_probing(site, out);
  remark_signalling(site, out);
  remark_calls(site, out);
  return out;
}

}  // namespace linekeeper::config
