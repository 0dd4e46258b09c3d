#include "tests/sim/planted.hpp"

namespace linekeeper::sim {
namespace {

constexpr PlantedBug kBugs[] = {
    {Planted::SwapRiseAndFall, "swap-rise-fall", "the judge is given rise for fall and fall for rise", 10},
    {Planted::ForgetHoldDown, "no-hold-down", "the judge is given a hold-down of nothing for circuits", 10},
    {Planted::ForgetCarrierHoldDown, "no-carrier-hold-down", "the judge is given a hold-down of nothing for carriers", 20},
    {Planted::TrustOneTarget, "one-target", "one target is asked, and its answers are told as those of all", 40},
    {Planted::LocalErrorsAreLosses, "local-errors-are-losses", "a probe that we could not send is told as one that was lost", 20},
    {Planted::RepliesOfOtherCircuits, "replies-of-others", "a reply is credited to the newest probe of the next circuit too", 10},
    {Planted::ForgetFreshness, "no-freshness", "the margin by which another way must outlive the fault is made negative", 40},
    {Planted::NeverStale, "never-stale", "evidence is never too old", 40},
    {Planted::ForgetAdoption, "no-adoption", "after a restart the judge is told that nothing stands", 20},
    {Planted::ForgetTrunkAdoption, "no-trunk-adoption", "after a restart the judge is told that no order stands", 30},
    {Planted::ForgetGeneration, "no-generation", "after a restart plans are counted from one again", 10},
    {Planted::AcceptStaleGeneration, "stale-generation", "the switch takes plans of any generation", 40},
    {Planted::DropLastPathGuard, "no-last-path", "the switch does not look whether a class loses its way", 20},
    {Planted::DropRateLimit, "no-rate-limit", "the switch does not count moves", 80},
    {Planted::DeleteThenAdd, "delete-then-add", "a nexthop is removed and made anew instead of replaced", 3},
    {Planted::SayDoneDoNothing, "says-done", "the kernel says that a nexthop is replaced, and it is not", 5},
    {Planted::DropTrunkMember, "drop-member", "the last of a trunk's order is left away", 3},
    {Planted::IgnoreHold, "ignore-hold", "a person's hold is not told to the judge", 80},
    {Planted::OverrideNeverEnds, "override-for-ever", "the end of an override is not told to the judge", 20},
    {Planted::DecideOnWallClock, "wall-clock", "the judge is given the wall clock for now", 10},
    {Planted::IgnoreLinkEvents, "ignore-links", "a link that loses its carrier is not told", 20},
};

}  // namespace

std::span<const PlantedBug> planted_bugs() { return kBugs; }

}  // namespace linekeeper::sim
