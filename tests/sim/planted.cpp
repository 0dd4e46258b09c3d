#include "tests/sim/planted.hpp"

namespace linekeeper::sim {
namespace {

constexpr PlantedBug kBugs[] = {
    {Planted::SwapRiseAndFall, "swap-rise-fall", "the judge is given rise for fall and fall for rise", 20},
    {Planted::ForgetHoldDown, "no-hold-down", "the judge is given a hold-down of nothing for circuits", 20},
    {Planted::ForgetCarrierHoldDown, "no-carrier-hold-down", "the judge is given a hold-down of nothing for carriers", 60},
    {Planted::TrustOneTarget, "one-target", "one target is asked, and its answers are told as those of all", 80},
    {Planted::LocalErrorsAreLosses, "local-errors-are-losses", "a probe that we could not send is told as one that was lost", 80},
    {Planted::RepliesOfOtherCircuits, "replies-of-others", "a reply is credited to the newest probe of the next circuit too", 20},
    {Planted::ForgetFreshness, "no-freshness", "the margin by which another way must outlive the fault is made negative", 40},
    {Planted::NeverStale, "never-stale", "evidence is never too old", 120},
    {Planted::ForgetAdoption, "no-adoption", "after a restart the judge is told that nothing stands", 40},
    {Planted::ForgetTrunkAdoption, "no-trunk-adoption", "after a restart the judge is told that no order stands", 120},
    {Planted::ForgetGeneration, "no-generation", "after a restart plans are counted from one again", 20},
    {Planted::AcceptStaleGeneration, "stale-generation", "the switch takes plans of any generation", 120},
    {Planted::DropLastPathGuard, "no-last-path", "the switch does not look whether a class loses its way", 40},
    {Planted::DropRateLimit, "no-rate-limit", "the switch does not count moves", 120},
    {Planted::DeleteThenAdd, "delete-then-add", "a nexthop is removed and made anew instead of replaced", 3},
    {Planted::SayDoneDoNothing, "says-done", "the kernel says that a nexthop is replaced, and it is not", 5},
    {Planted::DropTrunkMember, "drop-member", "the last of a trunk's order is left away", 3},
    {Planted::IgnoreHold, "ignore-hold", "a person's hold is not told to the judge", 160},
    {Planted::OverrideNeverEnds, "override-for-ever", "the end of an override is not told to the judge", 80},
    {Planted::DecideOnWallClock, "wall-clock", "the judge is given the wall clock for now", 80},
    {Planted::IgnoreLinkEvents, "ignore-links", "a link that loses its carrier is not told", 40},
};

}  // namespace

std::span<const PlantedBug> planted_bugs() { return kBugs; }

}  // namespace linekeeper::sim
