#pragma once
// The evidence as the diagnosis table sees it: what is a witness, what is no evidence, what happened together. Reads, owns nothing,
// allocates nothing.
#include "controller/decision/diagnosis.hpp"
#include "controller/decision/diagnosis_table.hpp"

namespace linekeeper::decision {

class Matrix {
 public:
  /// Both outlive this. The evidence must be as long as the Site says.
  Matrix(const model::Site& site, const Evidence& evidence);

  [[nodiscard]] LinkSeen link(model::CircuitId c) const;
  [[nodiscard]] GatewaySeen gateway(model::CircuitId c) const;
  [[nodiscard]] Beyond beyond(model::CircuitId c) const;
  [[nodiscard]] Us us() const;
  [[nodiscard]] Others others() const;
  /// What carrier, target or resolver says by this circuit, as far as the circuit is fit to be asked by.
  [[nodiscard]] Answer answer(model::CarrierId k, model::CircuitId c) const;
  [[nodiscard]] Answer answer(model::TargetId t, model::CircuitId c) const;
  [[nodiscard]] Answer resolver(model::CircuitId c) const;
  [[nodiscard]] bool is_gateway(model::TargetId t, model::CircuitId c) const;
  [[nodiscard]] bool probed(model::TargetId t, model::CircuitId c) const;  ///< the circuit is measured against it

  [[nodiscard]] std::size_t circuits() const;
  [[nodiscard]] const model::Site& site() const { return *site_; }
  [[nodiscard]] const Evidence& evidence() const { return *evidence_; }

 private:
  [[nodiscard]] const CircuitEvidence& at(model::CircuitId c) const { return evidence_->circuits[c.index()]; }
  [[nodiscard]] const TargetEvidence* echo_of_gateway(model::CircuitId c) const;
  [[nodiscard]] bool gone_together() const;

  const model::Site* site_;
  const Evidence* evidence_;
};

/// How it looks by the other circuits, given how many say what (`mine` is among them).
struct Tally {
  int well = 0;    ///< circuits by which it is well
  int partly = 0;  ///< of those, where some of its addresses are dead
  int warns = 0;   ///< answers, but not as it should
  int bad = 0;     ///< dead, or answers and carries no calls
  void add(Answer a);
  [[nodiscard]] Elsewhere elsewhere(Answer mine) const;
};

/// The clauses behind one diagnosis.
[[nodiscard]] std::string evidence_words(const Matrix& matrix, const model::Diagnosis& diagnosis, model::Instant now);

}  // namespace linekeeper::decision
