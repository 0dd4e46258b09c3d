// A carrier that is steered apart becomes a class of its own beside each traffic class that its trunks use: the same circuits, limits and
// times, and of the traffic what goes to the carrier. So a carrier that is dead by one circuit takes only its own traffic to another one.
// Such a class has no section: it is called after its class and its carrier.
#include <fmt/format.h>

#include <map>

#include "config/reading.hpp"

namespace linekeeper::config {
namespace {

constexpr std::uint32_t kFirstTable = 7600;  ///< of the steering tables of carriers: above those of circuits and classes (7100 to 7463)

/// The longest name that people may give (Form::Name): what we call by two of theirs is not to be longer.
constexpr std::size_t kLongestName = 40;

/// The carrier's address and its networks, each once.
std::vector<model::Prefix> destinations_of(const model::Carrier& carrier, model::Family family) {
  std::vector<model::Prefix> all = carrier.prefixes;
  all.insert(all.end(), carrier.pinned.begin(), carrier.pinned.end());
  if (carrier.named()) {
    std::erase_if(all, [&](const model::Prefix& p) { return p.address.family != family; });
    return all;
  }
  const auto within = [&](const model::Prefix& p) { return p.contains(carrier.address); };
  if (std::ranges::none_of(all, within)) all.insert(all.begin(), {carrier.address, static_cast<std::uint8_t>(carrier.address.size() * 8)});
  for (const model::Endpoint& e : carrier.addresses) {
    const model::Prefix host{e.address, static_cast<std::uint8_t>(e.address.size() * 8)};
    if (std::ranges::none_of(all, [&](const model::Prefix& p) { return p.contains(e.address); })) all.push_back(host);
  }
  return all;
}

bool covers(const model::Prefix& wide, const model::Prefix& narrow) { return wide.length <= narrow.length && wide.contains(narrow.address); }

/// Makes the carrier's part of a class, or says why it cannot be.
class Part {
 public:
  Part(Reading& reading, model::CarrierId carrier, model::ClassId of) : reading_(reading), carrier_(carrier), of_(of) {}

  void make(model::Duration rto) {
    const model::TrafficClass& whole = reading_.site[of_];
    model::TrafficClass part = whole;
    part.name = fmt::format("{}-{}", whole.name, reading_.site[carrier_].name);
    part.table = next_table();
    part.apart = {.of = of_, .carrier = carrier_, .rto = rto};
    part.match.destinations = destinations_of(reading_.site[carrier_], whole.family);
    check_name(part.name);
    check_destinations(whole, part);
    reading_.class_owners.push_back(of_.index());
    reading_.site.classes.push_back(std::move(part));
  }

 private:
  [[nodiscard]] std::uint32_t next_table() const {
    const auto apart = std::ranges::count_if(reading_.site.classes, [](const model::TrafficClass& c) { return c.apart.has_value(); });
    return kFirstTable + static_cast<std::uint32_t>(apart);
  }
  void complain(std::string_view key, std::string what, std::string remedy) const {
    const Section& section = reading_.carriers[carrier_.index()];
    section.complain(key, section.label() + " " + std::move(what), std::move(remedy));
  }
  void check_name(const std::string& name) const {
    if (name.size() > kLongestName)
      complain("steer_apart", fmt::format("is steered apart as class {}, which is {} characters long", quoted(name), name.size()),
               fmt::format("shorter names: {} together with the '-'", kLongestName));
    const auto taken = [&](const auto& list) { return std::ranges::any_of(list, [&](const auto& one) { return one.name == name; }); };
    if (taken(reading_.site.classes) || taken(reading_.site.trunks))
      complain("steer_apart", fmt::format("is steered apart as class {}, and another class or trunk is called so", quoted(name)),
               "another name for that one");
  }
  void check_destinations(const model::TrafficClass& whole, const model::TrafficClass& part) const {
    if (part.match.destinations.size() > kMaxDestinations)
      complain("prefixes", fmt::format("has {} networks with its address, and {} are the most", part.match.destinations.size(), kMaxDestinations),
               "larger networks that hold several of them");
    for (const model::Prefix& p : part.match.destinations) {
      const auto& taken = whole.match.destinations;
      if (!taken.empty() && std::ranges::none_of(taken, [&](const model::Prefix& wide) { return covers(wide, p); }))
        return complain("steer_apart", fmt::format("goes to {}, which is no destination of class {}", p.to_string(), quoted(whole.name)),
                        "destinations of that class that hold it");
      for (const model::TrafficClass& other : reading_.site.classes) {
        if (!other.apart || other.apart->of != of_) continue;
        const auto same = std::ranges::find_if(other.match.destinations, [&](const model::Prefix& o) { return o.overlaps(p); });
        if (same == other.match.destinations.end()) continue;
        return complain("prefixes",
                        fmt::format("goes to {}, which overlaps {} of carrier {}", p.to_string(), same->to_string(),
                                    quoted(reading_.site[other.apart->carrier].name)),
                        "networks that are one carrier's alone: what goes there is steered with one of them");
      }
    }
  }

  Reading& reading_;
  model::CarrierId carrier_;
  model::ClassId of_;
};

void check_together(const Reading& reading) {
  std::size_t together = 0;
  for (const model::TrafficClass& c : reading.site.classes) together += c.match.destinations.size();
  if (together > kMaxDestinationsTogether && !reading.classes.empty())
    reading.classes.back().complain(
        "match",
        fmt::format("classes and carriers steered apart go to {} networks together, and {} are the most", together, kMaxDestinationsTogether),
        "larger networks that hold several of them");
  if (reading.site.classes.size() <= kMaxClasses) return;
  for (std::size_t k = reading.carriers.size(); k-- > 0;)
    if (reading.site.carriers[k].steer_apart)
      return reading.carriers[k].complain(
          "steer_apart",
          fmt::format("there are {} classes with those of carriers steered apart, and {} are the most", reading.site.classes.size(), kMaxClasses),
          "fewer carriers steered apart");
}

}  // namespace

void steer_carriers_apart(Reading& reading) {
  model::Site& site = reading.site;
  // By class, then carrier: what is added behind moves no other's table. The shortest recovery time of the trunks counts.
  std::map<std::pair<model::ClassId, model::CarrierId>, model::Duration> parts;
  for (const model::Trunk& trunk : site.trunks) {
    if (site.classes.empty()) return;  // told already
    for (const model::CarrierId k : trunk.carriers) {
      if (!site[k].steer_apart || !site[k].of_family(site[trunk.traffic_class].family)) continue;
      const auto [at, fresh] = parts.try_emplace({trunk.traffic_class, k}, trunk.rto);
      at->second = std::min(at->second, trunk.rto);
    }
  }
  for (const auto& [of, rto] : parts) Part(reading, of.second, of.first).make(rto);
  for (model::Trunk& trunk : site.trunks)
    for (model::TrunkMember& member : trunk.members)
      for (std::size_t i = 0; i < site.classes.size(); ++i)
        if (const auto& apart = site.classes[i].apart; apart && apart->of == trunk.traffic_class && apart->carrier == member.carrier)
          member.apart = model::id_at<model::ClassId>(i);
  for (std::size_t k = 0; k < reading.carriers.size(); ++k) {
    const Section& section = reading.carriers[k];
    if (site.carriers[k].steer_apart && site.carriers[k].named() && site.carriers[k].pinned.empty() && site.carriers[k].prefixes.empty())
      section.complain("steer_apart", section.label() + " is steered apart, but its addresses come from DNS, and any may be answered",
                       "pinned: the networks that its addresses lie in; or numeric addresses; or steer_apart = false");
    const bool used = std::ranges::any_of(parts, [&](const auto& part) { return part.first.second.index() == k; });
    if (site.carriers[k].steer_apart && !used && !reading.problems.mention("trunk"))
      section.complain("steer_apart", section.label() + " is steered apart, but no trunk offers it", "a trunk that does, or steer_apart = false");
    if (!site.carriers[k].steer_apart && !site.carriers[k].prefixes.empty())
      section.complain("prefixes", section.label() + " has prefixes, but is not steered apart: they would be of no use",
                       "steer_apart = true, or leave them out");
  }
  check_together(reading);
}

}  // namespace linekeeper::config
