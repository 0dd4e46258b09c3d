#include "tests/sim/planted.hpp"

namespace linekeeper::sim {
namespace {

// A run is a tenth as long as it once was and has two thirds of the troubles: the budgets of then, times five.
constexpr PlantedBug kBugs[] = {
    {Planted::OneAnswerIsUp, "one-answer-is-up", "the judge is given a rise of one", 100},
    {Planted::ForgetHoldDown, "no-hold-down", "the judge is given a hold-down of nothing for circuits", 100},
    {Planted::ForgetCarrierHoldDown, "no-carrier-hold-down", "the judge is given a hold-down of nothing for carriers", 300},
    {Planted::TrustOneTarget, "one-target", "one target is asked, and its answers are told as those of all", 400},
    {Planted::LocalErrorsAreLosses, "local-errors-are-losses", "a probe that we could not send is told as one that was lost", 400},
    {Planted::RepliesOfOtherCircuits, "replies-of-others", "a reply is credited to the newest probe of the next circuit too", 100},
    {Planted::DeadStillAnswer, "dead-still-answer", "for two seconds a dead circuit that is not the first is told as answering", 200},
    {Planted::NeverStale, "never-stale", "evidence is never too old", 600},
    {Planted::ForgetAdoption, "no-adoption", "after a restart the judge is told that nothing stands", 200},
    {Planted::ForgetTrunkAdoption, "no-trunk-adoption", "after a restart the judge is told that no order stands", 600},
    {Planted::ForgetGeneration, "no-generation", "after a restart plans are counted from one again", 100},
    {Planted::AcceptStaleGeneration, "stale-generation", "the switch takes plans of any generation", 600},
    {Planted::DropLastPathGuard, "no-last-path", "the switch does not look whether a class loses its way", 200},
    {Planted::DropRateLimit, "no-rate-limit", "the switch does not count moves", 600},
    {Planted::RefusePlanWhole, "refuse-whole", "the switch refuses a plan whole for one move that it does not let pass", 2000},
    {Planted::DeleteThenAdd, "delete-then-add", "a nexthop is removed and made anew instead of replaced", 15},
    {Planted::SayDoneDoNothing, "says-done", "the kernel says that a nexthop is replaced, and it is not", 25},
    {Planted::DropTrunkMember, "drop-member", "the last of a trunk's order is left away", 15},
    {Planted::IgnoreHold, "ignore-hold", "a person's hold is not told to the judge", 800},
    {Planted::OverrideNeverEnds, "override-for-ever", "the end of an override is not told to the judge", 400},
    {Planted::DecideOnWallClock, "wall-clock", "the judge is given the wall clock for now", 400},
    {Planted::IgnoreLinkEvents, "ignore-links", "a link that loses its carrier is not told", 200},
    {Planted::StallNotTold, "stall-not-told", "the judge is not told that its loop stood still", 200},
    {Planted::ForgetLearned, "forget-learned", "what was learned of a line is not read back at the start", 400},
    {Planted::ForgetMoves, "forget-moves", "hold-downs and moves are not read back at the start", 1000},
    {Planted::LearnerHearsNothing, "learner-deaf", "the judge is allowed a million false failovers a year: its shortest silence is death", 400},
    {Planted::HoldDownNeverGrows, "hold-down-never-grows", "the longest hold-down is the first one", 1000},
    {Planted::MixTargetsUp, "targets-mixed-up", "answers and losses are told of another target than it was, so none can be set aside", 200},
    {Planted::SuspicionForEver, "suspicion-for-ever", "a trunk that was led around a suspicion is not led back", 600},
    {Planted::DropLateReplies, "late-replies", "answers that come later than 150 ms are dropped", 200},
    {Planted::MeteredAsOthers, "metered-as-others", "the judge is not told that a circuit is paid by the byte", 100},
    {Planted::GainIgnored, "no-gain", "for the judge every round trip is beyond the limit, so no gain is asked of a move", 600},
    {Planted::LimitsIgnored, "no-limits", "the judge is told of no class that it has limits", 600},
    {Planted::DropEmergencyMember, "drop-emergency-member", "the last of an emergency trunk's order is left away", 40},
    {Planted::NoQuickProbes, "no-quick-probes", "the probes that the judge asks for are not sent", 50},
    {Planted::FailbackAtAnyTime, "failback-at-any-time", "the judge is told that everything may go back as soon as it can", 200},
    {Planted::ReloadForgets, "reload-forgets", "after a reload the judge is told that nothing stands", 200},
    {Planted::RejectionIsDeath, "rejection-is-death", "an answer to a probe that was rejected is dropped", 200},
    {Planted::PartsSeeCircuitsAlone, "parts-see-circuits-alone", "the judge is not told that a class carries one carrier's traffic", 200},
    {Planted::ProofIgnored, "proof-ignored", "the judge is not told that a class's own probes were not answered", 400},
    {Planted::ProofOfOthers, "proof-of-others", "a class's own probes count as answered only where the next circuit serves too", 400},
    {Planted::AnswerRepeated, "answer-repeated", "a class that was led away once is led on when its own probes fail again", 2000},
    {Planted::CallsNotTold, "calls-not-told", "the judge is not told of calls that failed", 400},
    {Planted::CallsForgetHoldDown, "no-calls-hold-down", "the judge is given a hold-down of nothing for calls", 400},
};

}  // namespace

std::span<const PlantedBug> planted_bugs() { return kBugs; }

}  // namespace linekeeper::sim
