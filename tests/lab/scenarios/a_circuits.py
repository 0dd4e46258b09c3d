"""What befalls circuits, and where traffic goes."""
from api import boot_ns
from scenarios import scenario
from stage import Unexpected


def leaves_fiber(stage, note, command, within_s, traffic_within_s):
    """One act from fault to counted calls: routing and trunk both leave the fiber."""
    stage.begins_counting_calls()
    fault = stage.does(command)
    routing = stage.must_move("routing", "coax", fault, within_s)
    trunk = stage.moves("trunk", "north via coax", fault, 20, seen=routing.events)
    calls = stage.counted_calls()
    routing.tried, routing.failed, routing.cut = calls.tried, calls.failed, calls.cut
    note(routing)
    note(trunk)
    if trunk.problem:
        raise Unexpected(trunk.problem)
    stage.accounted(routing)
    stage.accounted(trunk)
    if routing.traffic_s is None or routing.traffic_s > traffic_within_s:
        raise Unexpected(f"the first packet by coax came back after {routing.traffic_s} s, not within {traffic_within_s} s")
    note(caught=stage.answered(calls))
    if not routing.met:
        raise Unexpected(f"verified after {routing.verified_s} s: the RTO of {routing.target_s} s was missed")


@scenario("the fiber is unplugged: traffic and calls go by coax")
def unplugged(stage, note):
    leaves_fiber(stage, note, "break fiber unplug", within_s=6, traffic_within_s=0.5)


@scenario("the fiber's interface is set down, and the kernel takes its routes: traffic and calls go by coax")
def link_down(stage, note):
    leaves_fiber(stage, note, "break fiber linkdown", within_s=6, traffic_within_s=0.5)


@scenario("the fiber is a black hole with its link up: traffic and calls go by coax, and home when it is proven to be well", 50)
def black_hole(stage, note):
    leaves_fiber(stage, note, "break fiber blackhole", within_s=8, traffic_within_s=2.5)
    mended = stage.mends()
    home = stage.must_move("routing", "fiber", mended, 80)
    note(home, act="home")
    # 168 clean probes at five a second (controller/decision/recovery_test.hpp), less the jitter of their pace.
    if home.decided_s < 30:
        raise Unexpected(f"home after {home.decided_s:.2f} s: no 168 probes were answered in that time")


@scenario("the provider's core is dead behind a gateway that lives: left within 1.3 s, and the circuit is named, not the gateway")
def upstream_dead(stage, note):
    fault = stage.does("break fiber blackhole")
    moved = stage.must_move("routing", "coax", fault, 5)
    note(moved)
    named = stage.diagnosed("circuit", "fiber", 3, moved.events)
    if "gateway 100.64.1.1 answers" not in named["text"]:
        # It may be told first as "not heard of since": the kernel had no reason to ask the gateway yet.
        note(first_named=named["text"])
    if moved.decided_s > 1.3:
        raise Unexpected(f"left after {moved.decided_s:.2f} s, not within 1.3 s")
    explained = stage.keeper.command("explain", "fiber", check=True).stdout
    if "fiber" not in explained:
        raise Unexpected(f"linekeeper explain fiber says: {explained}")


@scenario("the provider's gateway is dead with the link up: left within 1.3 s, and named once the kernel has given it up", 40)
def gateway_dead(stage, note):
    fault = stage.does("break fiber gateway")
    moved = stage.must_move("routing", "coax", fault, 5)
    note(moved)
    if moved.decided_s > 1.3:
        raise Unexpected(f"left after {moved.decided_s:.2f} s, not within 1.3 s")
    named = stage.diagnosed("gateway", "fiber", 60, moved.events)
    note(named_s=round((boot_ns(named) - fault) / 1e9, 2), diagnosis=named["text"])


@scenario("one target is dead for a minute: nothing moves, it is set aside and named", 65)
def one_target_dead(stage, note):
    fault = stage.does("target anchor-1 dead")
    events = stage.nothing_moves(60)
    for circuit in stage.keeper.status()["circuits"]:
        if circuit["state"] != "up":
            raise Unexpected(f"one dead target made {circuit['name']} {circuit['state']}: {circuit['reason']}")
    aside = stage.sees("target.set-aside", 0, "anchor-1", events)
    named = stage.diagnosed("target", "anchor-1", 0, events)
    note(set_aside_s=round((boot_ns(aside) - fault) / 1e9, 2), named_s=round((boot_ns(named) - fault) / 1e9, 2), diagnosis=named["text"])


@scenario("both circuits fall silent at once: nothing moves, an alarm says so, and what they share is named")
def all_circuits_dead(stage, note):
    fault = stage.does("break fiber blackhole")
    stage.does("break coax blackhole")
    events = stage.nothing_moves(6)
    alarm = stage.sees("all-bad", 0, seen=events)
    named = stage.diagnosed("shared-upstream", "", 3, events)
    note(alarm_s=round((boot_ns(alarm) - fault) / 1e9, 3), named_s=round((boot_ns(named) - fault) / 1e9, 3), diagnosis=named["text"])
    if stage.way("routing") != "fiber":
        raise Unexpected(f"voice went by {stage.way('routing')}")
