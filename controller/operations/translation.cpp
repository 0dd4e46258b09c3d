#include "controller/operations/translation.hpp"

#include <algorithm>

namespace linekeeper::operations {

using journal::Input;
using model::Observation;

namespace {

/// Where each recorded name stands in the site's list.
template <class I, class Part>
std::vector<std::optional<I>> positions(const std::vector<std::string>& names, const std::vector<Part>& parts, std::string_view kind,
                                        std::set<std::string>& left_out, std::set<std::string>& unheard_of) {
  std::vector<std::optional<I>> found;
  for (const std::string& name : names) {
    const auto part = std::ranges::find(parts, name, &Part::name);
    if (part == parts.end()) left_out.insert(std::string(kind) + " " + name);
    found.push_back(part == parts.end() ? std::nullopt : std::optional(model::id_at<I>(static_cast<std::size_t>(part - parts.begin()))));
  }
  for (const Part& part : parts)
    if (std::ranges::find(names, part.name) == names.end()) unheard_of.insert(std::string(kind) + " " + part.name);
  return found;
}

}  // namespace

/// One input of each kind; false: it is about what is not there.
struct Translator {
  const Translation& t;

  template <class I>
  static bool to(I& id, const std::vector<std::optional<I>>& where) {
    const auto& there = where.at(id.index());
    if (there) id = *there;
    return there.has_value();
  }
  bool circuit(model::CircuitId& id) const { return to(id, t.circuits_); }
  template <class Probe>
  bool probe(Probe& o) const {
    return circuit(o.circuit) && to(o.target, t.targets_) && t.measured_[o.circuit.index()][o.target.index()];
  }

  bool operator()(model::ProbeSent& o) const { return probe(o); }
  bool operator()(model::ProbeReply& o) const { return probe(o); }
  bool operator()(model::ProbeRejected& o) const { return probe(o); }
  bool operator()(model::ProbeLocalError& o) const { return probe(o); }
  bool operator()(model::SipOutcome& o) const { return circuit(o.circuit) && to(o.carrier, t.carriers_); }
  bool operator()(model::LinkState& o) const { return circuit(o.circuit); }
  bool operator()(model::GatewayState& o) const { return circuit(o.circuit); }
  bool operator()(model::ResolverState& o) const { return circuit(o.circuit); }
  bool operator()(model::SipOverdue& o) const { return circuit(o.circuit) && to(o.carrier, t.carriers_); }
  bool operator()(model::SipProvisional& o) const { return circuit(o.circuit) && to(o.carrier, t.carriers_); }
  bool operator()(model::CarrierLocated& o) const { return circuit(o.circuit) && to(o.carrier, t.carriers_); }
  bool operator()(model::CheckOutcome& o) const { return circuit(o.circuit); }
  bool operator()(model::ProberStuck& o) const { return circuit(o.circuit); }
  bool operator()(model::CallOutcome& o) const { return circuit(o.circuit) && to(o.carrier, t.carriers_); }
  bool operator()(model::LoopStall&) const { return true; }
  bool operator()(model::TrunkLoad& o) const { return to(o.trunk, t.trunks_); }

  bool operator()(Observation& o) const { return std::visit(*this, o); }
  bool operator()(journal::DeciderStarted&) const { return true; }
  bool operator()(journal::Recalled& i) const { return circuit(i.circuit); }
  bool operator()(journal::MovesRecalled& i) const { return to(i.traffic_class, t.classes_); }
  bool operator()(journal::MovesHeld& i) const {
    std::erase_if(i.moves, [this](auto& m) { return !to(m.traffic_class, t.classes_) || (m.stands && !circuit(*m.stands)); });
    return !i.moves.empty();
  }
  bool operator()(journal::WayProbed& i) const { return to(i.traffic_class, t.classes_) && circuit(i.by); }
  bool operator()(journal::ShareFound& i) const {
    std::erase_if(i.circuits, [this](model::CircuitId& c) { return !circuit(c); });
    return to(i.traffic_class, t.classes_);
  }
  bool operator()(journal::RoutesAdopted& i) const {
    std::vector<std::optional<model::CircuitId>> standing(t.site_->classes.size());
    for (std::size_t c = 0; c < i.classes.size() && c < t.classes_.size(); ++c)
      if (t.classes_[c] && i.classes[c] && circuit(*i.classes[c])) standing[t.classes_[c]->index()] = i.classes[c];
    i.classes = std::move(standing);
    return true;
  }
  bool operator()(journal::TrunkAdopted& i) const { return to(i.trunk, t.trunks_); }
  bool operator()(journal::OrdersGiven&) const { return true; }  // of names, which the judge looks up itself
  bool operator()(journal::Reissued&) const { return true; }
  bool operator()(journal::Woken&) const { return true; }
  bool operator()(journal::Standing& i) const {
    const auto without = [this](auto& all) { std::erase_if(all, [this](auto& one) { return !(*this)(one); }); };
    without(i.trunks);
    without(i.links);
    without(i.gateways);
    without(i.resolvers);
    without(i.learned);
    return (*this)(i.routes);
  }
};

Translation::Translation(const journal::BlockNames& names, const model::Site& site)
    : site_(&site),
      circuits_(positions<model::CircuitId>(names.circuits, site.circuits, "circuit", left_out_, unheard_of_)),
      targets_(positions<model::TargetId>(names.targets, site.targets, "target", left_out_, unheard_of_)),
      carriers_(positions<model::CarrierId>(names.carriers, site.carriers, "carrier", left_out_, unheard_of_)),
      classes_(positions<model::ClassId>(names.classes, site.classes, "class", left_out_, unheard_of_)),
      trunks_(positions<model::TrunkId>(names.trunks, site.trunks, "trunk", left_out_, unheard_of_)) {
  for (const model::Circuit& c : site.circuits) {
    auto& row = measured_.emplace_back(site.targets.size(), false);
    for (const model::TargetId target : c.targets) row[target.index()] = true;
  }
  for (std::size_t i = 0; i < site.trunks.size(); ++i)
    if (std::ranges::find(names.trunks, site.trunks[i].name) == names.trunks.end()) new_trunks_.push_back(model::id_at<model::TrunkId>(i));
}

std::optional<Input> Translation::of(const Input& input) const {
  Input copy = input;
  if (!std::visit(Translator{*this}, copy)) return std::nullopt;
  return copy;
}

}  // namespace linekeeper::operations
