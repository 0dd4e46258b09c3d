#pragma once
// Matrices by hand: a site with two or three circuits, three targets in two networks and two carriers, where all is well, and the ways
// in which it can be spoiled.
#include <string>
#include <vector>

#include "controller/decision/diagnosis.hpp"
#include "tests/support/virtual_site.hpp"

namespace linekeeper::tests {

using decision::CircuitEvidence;
using decision::Evidence;
using decision::PathEvidence;
using decision::TargetEvidence;
using model::CarrierId;
using model::Cause;
using model::CircuitId;
using model::Diagnosis;
using model::Failed;
using model::Health;
using model::Neighbour;
using model::SetAside;
using model::TargetId;
using Says = TargetEvidence::Says;

inline constexpr CircuitId kFiber{0}, kCoax{1}, kLte{2};
inline constexpr CarrierId kNorth{0}, kSouth{1};
inline constexpr TargetId kAlpha{0}, kBeta{1}, kGamma{2};
inline constexpr Instant kNow{1000s};

inline model::Site three_circuits() {
  model::Site s = two_by_two();
  s.circuits.push_back(s.circuits[1]);
  s.circuits[2].name = "lte";
  s.circuits[2].interface = "wan-c";
  s.circuits[2].provider = "Mobile Three";
  s.circuits[2].metered = true;
  return s;
}

struct WellSite {
  model::Site site;
  Evidence e;

  explicit WellSite(model::Site s = two_by_two()) : site(std::move(s)), e(Evidence::sized(site)) {
    for (std::size_t i = 0; i < site.circuits.size(); ++i) {
      const auto octet = std::to_string(i + 1);
      model::LinkState link{
          .circuit = model::id_at<CircuitId>(i), .present = true, .admin_up = true, .carrier = true, .ifindex = static_cast<int>(i) + 2};
      link.address = model::IpAddress::parse("10.0." + octet + ".2");
      link.gateway = model::IpAddress::parse("10.0." + octet + ".1");
      e.circuits[i] = {.link = link,
                       .neighbour = Neighbour::Answers,
                       .gateway_confirmed = kNow - 20s,
                       .health = Health::Up,
                       .cause = Cause::Answering,
                       .last_good = kNow - 200ms};
    }
    for (PathEvidence& p : e.paths) p = {.health = Health::Up, .cause = Cause::Answering, .detail = 200};
    for (TargetEvidence& t : e.targets) t.says = Says::Answers;
  }

  CircuitEvidence& at(CircuitId c) { return e.circuits[c.index()]; }

  /// Nothing beyond answers since `ago`; its carriers' paths are down because of it. `gateway` is what the kernel says of it since.
  void kill(CircuitId c, Duration ago = 1200ms, Neighbour gateway = Neighbour::Answers, bool confirmed_since = true) {
    CircuitEvidence& x = at(c);
    x.health = Health::Down;
    x.cause = Cause::Silent;
    x.first_bad = kNow - ago;
    x.last_good = kNow - ago - 200ms;
    x.neighbour = gateway;
    x.gateway_confirmed = confirmed_since ? kNow - ago / 2 : kNow - ago - 10s;
    for (const TargetId t : site[c].targets) e.target(t, c).says = Says::Silent;
    bury_paths(c);
  }
  void unplug(CircuitId c, Duration ago = 1200ms) {
    CircuitEvidence& x = at(c);
    x.link->carrier = false;
    x.health = Health::Down;
    x.cause = Cause::LinkDown;
    x.first_bad = kNow - ago;
    x.last_good = kNow - ago - 200ms;
    x.neighbour = Neighbour::Unknown;
    bury_paths(c);
  }
  void lossy(CircuitId c, Cause cause = Cause::Lossy, decision::LossDirection direction = decision::LossDirection::Unknown) {
    at(c).health = Health::Degraded;
    at(c).cause = cause;
    at(c).loss = direction;
    at(c).loss_ratio = 0.31;
  }
  void silence(CarrierId k, CircuitId c) { e.path(k, c) = {.health = Health::Down, .cause = Cause::SipTimeout, .detail = 3}; }
  void silence(TargetId t, CircuitId c) { e.target(t, c) = {.says = Says::Silent, .set_aside = SetAside::Dead}; }

  [[nodiscard]] std::vector<Diagnosis> diagnoses() const { return decision::diagnose(site, e, kNow); }
  /// "circuit fiber", "peering fiber north", "target alpha", ...; joined by "; " in the order they are told.
  [[nodiscard]] std::string named() const { return named(diagnoses()); }
  [[nodiscard]] std::string named(const std::vector<Diagnosis>& all) const {
    std::string out;
    for (const Diagnosis& d : all) {
      out += (out.empty() ? "" : "; ") + std::string(to_string(d.failed));
      if (d.circuit) out += " " + site[*d.circuit].name;
      if (d.carrier) out += " " + site[*d.carrier].name;
      if (d.target) out += " " + site[*d.target].name;
    }
    return out;
  }
  [[nodiscard]] std::string sentence() const {
    const auto all = diagnoses();
    return all.empty() ? "" : decision::diagnosis_sentence(site, all.front());
  }

 private:
  void bury_paths(CircuitId c) {
    for (std::size_t k = 0; k < site.carriers.size(); ++k)
      e.path(model::id_at<CarrierId>(k), c) = {.health = Health::Down, .cause = Cause::CircuitDown};
  }
};

}  // namespace linekeeper::tests
