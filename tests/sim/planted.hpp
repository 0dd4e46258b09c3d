#pragma once
// Bugs put in on purpose, between the world and the real code, so that the simulator can show that it would see them. Product code
// is never touched: each one is done by what the real code is told, or by what is done with its answer.
#include <cstdint>
#include <span>
#include <string_view>

namespace linekeeper::sim {

enum class Planted : std::uint8_t {
  None,
  OneAnswerIsUp,
  ForgetHoldDown,
  ForgetCarrierHoldDown,
  TrustOneTarget,
  LocalErrorsAreLosses,
  RepliesOfOtherCircuits,
  DeadStillAnswer,
  NeverStale,
  ForgetAdoption,
  ForgetTrunkAdoption,
  ForgetGeneration,
  AcceptStaleGeneration,
  DropLastPathGuard,
  DropRateLimit,
  RefusePlanWhole,
  DeleteThenAdd,
  SayDoneDoNothing,
  DropTrunkMember,
  IgnoreHold,
  OverrideNeverEnds,
  DecideOnWallClock,
  IgnoreLinkEvents,
  StallNotTold,
  ForgetLearned,
  ForgetMoves,
  LearnerHearsNothing,
  HoldDownNeverGrows,
  MixTargetsUp,
  SuspicionForEver,
  DropLateReplies,
  MeteredAsOthers,
  GainIgnored,
  LimitsIgnored,
  DropEmergencyMember,
  NoQuickProbes,
  FailbackAtAnyTime,
  ReloadForgets,
  RejectionIsDeath,
  PartsSeeCircuitsAlone,
  ProofIgnored,
  ProofOfOthers,
  AnswerRepeated,
  CallsNotTold,
  CallsForgetHoldDown,
};

struct PlantedBug {
  Planted bug = Planted::None;
  std::string_view name;  ///< as typed after --plant
  std::string_view does;  ///< a clause
  int budget = 0;         ///< runs within which it must be seen
};

[[nodiscard]] std::span<const PlantedBug> planted_bugs();

}  // namespace linekeeper::sim
