#include "controller/decision/move_budget.hpp"

namespace linekeeper::decision {

void MoveBudget::moved(model::Motive motive, bool from_dead, model::Instant now) {
  if (from_dead) return escapes_.add(now);
  few_.add(now);
  many_.add(now);
  if (motive == model::Motive::Failback) failbacks_.add(now);
  if (motive == model::Motive::Quality) quality_moves_.add(now);
}

}  // namespace linekeeper::decision
