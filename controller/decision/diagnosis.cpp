#include "controller/decision/diagnosis.hpp"

#include <algorithm>
#include <tuple>

#include "controller/decision/diagnosis_matrix.hpp"
#include "controller/decision/diagnosis_table.hpp"

namespace linekeeper::decision {

using model::CarrierId;
using model::CircuitId;
using model::Diagnosis;
using model::FailureMode;
using model::TargetId;

namespace {

/// What is named so far.
class Findings {
 public:
  Findings(const Matrix& matrix, model::Instant now) : matrix_(matrix), now_(now) {}

  void add(std::size_t row, std::optional<CircuitId> circuit, std::optional<CarrierId> carrier, std::optional<TargetId> target) {
    const Row& r = diagnosis_table()[row];
    if (!r.failed) return;
    Diagnosis d{.failed = *r.failed,
                .circuit = circuit,
                .carrier = carrier,
                .target = target,
                .mode = r.mode,
                .evidence = {},
                .since = now_,
                .line = static_cast<std::uint8_t>(row + 1)};
    d.evidence = evidence_words(matrix_, d, now_);
    found_.push_back(std::move(d));
  }

  std::vector<Diagnosis> in_order() && {
    const auto rank = [](const Diagnosis& d) { return std::tie(d.line, d.circuit, d.carrier, d.target); };
    std::ranges::sort(found_, {}, rank);
    return std::move(found_);
  }

 private:
  const Matrix& matrix_;
  model::Instant now_;
  std::vector<Diagnosis> found_;
};

/// One row of the matrix: a carrier or a target by every circuit. What is so everywhere is said once, without a circuit, by the
/// gravest line that any of its cells fits.
template <class Id>
void name_row(const Matrix& m, Us us, Scope scope, Id id, Findings& out) {
  constexpr bool of_target = std::is_same_v<Id, TargetId>;
  Tally tally;
  for (std::size_t i = 0; i < m.circuits(); ++i) {
    const Answer a = m.answer(id, model::id_at<CircuitId>(i));
    tally.add(of_target && a == Answer::Warns ? Answer::Dead : a);  // a target that lies is no witness for itself elsewhere
  }
  if (tally.warns + tally.bad + tally.partly == 0) return;
  std::optional<std::size_t> everywhere;
  for (std::size_t i = 0; i < m.circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    Seen seen{.us = us, .link = m.link(c), .gateway = m.gateway(c), .beyond = m.beyond(c), .answer = m.answer(id, c)};
    seen.elsewhere = tally.elsewhere(seen.answer);
    if constexpr (of_target) seen.filters = m.is_gateway(id, c) ? Filters::Yes : Filters::No;
    const auto row = first_match(scope, seen);
    if (!row) continue;
    std::optional<CarrierId> carrier;
    std::optional<TargetId> target;
    if constexpr (of_target)
      target = id;
    else
      carrier = id;
    if (diagnosis_table()[*row].one_cell)
      out.add(*row, c, carrier, target);
    else if (diagnosis_table()[*row].failed)
      everywhere = std::min(everywhere.value_or(*row), *row);
  }
  if (!everywhere) return;
  if constexpr (of_target)
    out.add(*everywhere, std::nullopt, std::nullopt, id);
  else
    out.add(*everywhere, std::nullopt, id, std::nullopt);
}

}  // namespace

std::vector<Diagnosis> diagnose(const model::Site& site, const Evidence& evidence, model::Instant now) {
  const Matrix m(site, evidence);
  const Us us = m.us();
  const Others others = m.others();
  Findings out(m, now);
  if (const auto row = first_match(Scope::Everything, {.us = us, .others = others})) out.add(*row, {}, {}, {});
  for (std::size_t i = 0; i < m.circuits(); ++i) {
    const auto c = model::id_at<CircuitId>(i);
    Seen seen{.us = us, .others = others, .link = m.link(c), .gateway = m.gateway(c), .beyond = m.beyond(c)};
    seen.loss = static_cast<Loss>(evidence.circuits[i].loss);
    if (const auto row = first_match(Scope::Circuit, seen)) out.add(*row, c, {}, {});
    seen.answer = m.resolver(c);
    if (const auto row = first_match(Scope::Resolver, seen)) out.add(*row, c, {}, {});
    const auto look = [&](Finding finding, const std::optional<CheckEvidence>& found) {
      if (!found) return;
      seen.finding = finding;
      seen.elsewhere = found->elsewhere;
      if (const auto row = first_match(Scope::Check, seen)) out.add(*row, c, {}, {});
    };
    look(Finding::Portal, evidence.circuits[i].portal);
    look(Finding::Hole, evidence.circuits[i].hole);
    look(Finding::OtherAddress, evidence.circuits[i].other_address);
  }
  for (std::size_t k = 0; k < site.carriers.size(); ++k) name_row(m, us, Scope::Carrier, model::id_at<CarrierId>(k), out);
  for (std::size_t t = 0; t < site.targets.size(); ++t) name_row(m, us, Scope::Target, model::id_at<TargetId>(t), out);
  return std::move(out).in_order();
}

namespace {

std::optional<model::Duration> circuit_rto(const model::Site& site, std::optional<CircuitId> circuit) {
  std::optional<model::Duration> least;
  for (const model::TrafficClass& c : site.classes)
    if (!circuit || std::ranges::find(c.circuits, *circuit) != c.circuits.end()) least = std::min(least.value_or(c.rto), c.rto);
  return least;
}

std::optional<model::Duration> trunk_rto(const model::Site& site, std::optional<CarrierId> carrier, std::optional<CircuitId> circuit) {
  std::optional<model::Duration> least;
  for (const model::Trunk& t : site.trunks) {
    const bool concerned = std::ranges::any_of(t.members, [&](const model::TrunkMember& m) {
      const auto& way = site[t.traffic_class].circuits;
      const bool by_it = !circuit || (m.circuit ? *m.circuit == *circuit : std::ranges::find(way, *circuit) != way.end());
      return by_it && (!carrier || m.carrier == *carrier);
    });
    if (concerned) least = std::min(least.value_or(t.rto), t.rto);
  }
  return least;
}

}  // namespace

std::optional<model::Duration> rto_of(const model::Site& site, const Diagnosis& d) {
  switch (d.mode) {
    case FailureMode::InternetCircuit: return circuit_rto(site, d.circuit);
    case FailureMode::SipTrunk: return trunk_rto(site, d.carrier, d.circuit);
    case FailureMode::None:
    case FailureMode::Server:
    case FailureMode::Application:
    case FailureMode::Integration:
    case FailureMode::SiteLoss: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace linekeeper::decision
