#include "controller/decision/recovery_test.hpp"

#include <algorithm>
#include <cmath>

namespace linekeeper::decision {

namespace {

constexpr double kLossOfWell = 0.01, kLossOfSick = 0.05;
const double kLost = std::log(kLossOfSick / kLossOfWell);                  // 1.609
const double kAnswered = std::log((1 - kLossOfSick) / (1 - kLossOfWell));  // -.0412

}  // namespace

void RecoveryTest::add(bool lost) {
  // Never above 0: how bad it was is past, and must not be worked off before the proof begins.
  score_ = std::min(0.0, score_ + (lost ? kLost : kAnswered));
}

int RecoveryTest::wanted() const { return passed() ? 0 : std::max(1, static_cast<int>(std::ceil((score_ - kWell) / -kAnswered - 1e-9))); }

}  // namespace linekeeper::decision
