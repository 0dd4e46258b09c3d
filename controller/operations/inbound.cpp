#include "controller/operations/inbound.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace linekeeper::operations {
namespace {

constexpr std::chrono::minutes kAskedLately{5};
constexpr int kForbidden = 403;

std::string ago(model::Duration d) {
  const double s = model::seconds(d);
  if (s < 120) return fmt::format("{:.0f} s", s);
  if (s < 7200) return fmt::format("{:.0f} min", s / 60);
  return fmt::format("{:.0f} h", s / 3600);
}

const model::RegistrationStatus* registration_of(const model::Status& status, const model::PathStatus& path) {
  const auto found =
      std::ranges::find_if(status.registrations, [&](const auto& r) { return r.carrier == path.carrier && r.circuit == path.circuit; });
  return found == status.registrations.end() ? nullptr : &*found;
}

InboundWay by_registration(InboundWay way, const model::RegistrationStatus& r, model::Instant now) {
  switch (r.state) {
    case model::RegistrationState::Registered:
      way.found = Found::Yes;
      way.why = fmt::format("registered there as {} for {} more", r.contact, ago(r.until ? *r.until - now : model::Duration{}));
      return way;
    case model::RegistrationState::Refused:
      way.found = Found::No;
      way.why =
          r.credentials_refused ? fmt::format("our credentials are refused ({})", r.code) : fmt::format("it refuses to register us: {}", r.code);
      way.remedy = r.credentials_refused ? "See user and password_file of its auth." : "Ask the carrier whether this circuit's address may register.";
      return way;
    case model::RegistrationState::Unanswered:
      way.found = Found::No;
      way.why = "its registrar does not answer there";
      way.remedy = "See the circuit and the carrier first: linekeeper explain.";
      return way;
    case model::RegistrationState::Trying: way.why = "not registered yet"; return way;
  }
  return way;
}

/// A record of ours that names this circuit's own address, or will when the one it names now is dead.
struct Led {
  std::string name;
  bool now = false;
};

std::optional<Led> led_by_dns(const model::Status& status, const model::PathStatus& path) {
  const model::Site& site = *status.site;
  const auto own = [&](const model::TrunkMember& m) {
    const auto address = model::IpAddress::parse(m.called);
    if (!address || m.carrier != path.carrier || m.circuit != path.circuit) return false;
    const auto& expected = site[path.circuit].expect_public;
    return (expected && expected->contains(*address)) || status.circuits.at(path.circuit.index()).link.address == address;
  };
  for (std::size_t t = 0; t < site.trunks.size() && t < status.plan.trunks.size(); ++t) {
    const model::Trunk& trunk = site.trunks[t];
    if (site[trunk.pbx].driver != model::PbxDriver::Dns) continue;
    const auto member = std::ranges::find_if(trunk.members, own);
    if (member == trunk.members.end()) continue;
    const auto& order = status.plan.trunks[t].order;
    const auto at = static_cast<std::size_t>(member - trunk.members.begin());
    return Led{.name = trunk.key + "." + site[trunk.pbx].zone, .now = !order.empty() && order.front().member == at};
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Found f) {
  switch (f) {
    case Found::Yes: return "yes";
    case Found::Likely: return "likely";
    case Found::No: return "no";
    case Found::Unknown: return "unknown";
  }
  return "?";
}

std::vector<InboundWay> inbound_ways(const model::Status& status) {
  std::vector<InboundWay> ways;
  for (const model::PathStatus& p : status.paths) {
    if (!status.site->reaches(p.circuit, p.carrier)) continue;
    InboundWay way{.carrier = p.carrier, .circuit = p.circuit, .found = Found::Unknown, .why = {}, .remedy = {}};
    const model::CircuitStatus& circuit = status.circuits.at(p.circuit.index());
    if (circuit.verdict.health == model::Health::Down) {
      way.found = Found::No;
      way.why = "the circuit is down";
      way.remedy = "See: linekeeper explain " + (*status.site)[p.circuit].name + ".";
    } else if (const auto* r = registration_of(status, p)) {
      way = by_registration(way, *r, status.now);
    } else if (p.asked_us && status.now - *p.asked_us <= kAskedLately) {
      way.found = Found::Yes;
      way.why = fmt::format("it asked us there {} ago", ago(status.now - *p.asked_us));
    } else if (const auto led = led_by_dns(status, p)) {
      way.found = led->now ? Found::Yes : Found::Likely;
      way.why = led->now ? fmt::format("DNS leads it there: {}", led->name) : fmt::format("DNS will lead it there when it is needed: {}", led->name);
    } else if (p.last_code == kForbidden) {
      way.found = Found::No;
      way.why = "it forbids our address there (403)";
      way.remedy = "Have this circuit's public address put on the carrier's allow-list, for calls to us as well.";
    } else if (p.verdict.health == model::Health::Up || p.verdict.health == model::Health::Degraded) {
      way.found = Found::Likely;
      way.why = "it answers us there, but has not asked or registered us";
      way.remedy = "Ask the carrier to send calls to this circuit's address when the other fails, and prove it in a drill.";
    } else {
      way.why = p.reason.empty() ? "nothing was heard of it there" : p.reason;
    }
    ways.push_back(std::move(way));
  }
  return ways;
}

}  // namespace linekeeper::operations
