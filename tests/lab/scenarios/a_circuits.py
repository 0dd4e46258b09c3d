"""What befalls circuits, and where traffic goes."""
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
    if calls.failed > calls.cut:
        raise Unexpected(f"{calls.failed - calls.cut} of {calls.tried} new calls failed")
    if not routing.met:
        raise Unexpected(f"verified after {routing.verified_s} s: the RTO of {routing.target_s} s was missed")


@scenario("the fiber is unplugged: traffic and calls go by coax")
def unplugged(stage, note):
    leaves_fiber(stage, note, "break fiber unplug", within_s=6, traffic_within_s=0.5)


@scenario("the fiber's interface is set down, and the kernel takes its routes: traffic and calls go by coax")
def link_down(stage, note):
    leaves_fiber(stage, note, "break fiber linkdown", within_s=6, traffic_within_s=0.5)


@scenario("the fiber is a black hole with its link up: traffic and calls go by coax, and home after the hold-down")
def black_hole(stage, note):
    leaves_fiber(stage, note, "break fiber blackhole", within_s=8, traffic_within_s=2.5)
    mended = stage.mends()
    home = stage.must_move("routing", "fiber", mended, 30)
    note(home, act="home")
    if home.decided_s < 5.0:
        raise Unexpected(f"home after {home.decided_s:.2f} s, before the hold-down of 5 s")


@scenario("one target dies: nothing moves")
def one_target_dead(stage, _note):
    stage.does("target anchor-1 dead")
    stage.nothing_moves(7)
    fiber = next(c for c in stage.keeper.status()["circuits"] if c["name"] == "fiber")
    if fiber["state"] == "down":
        raise Unexpected("one dead target took the fiber down")


@scenario("3 % of the fiber's packets are lost for a while: nothing moves")
def light_loss(stage, _note):
    stage.does("break fiber loss 3")
    stage.nothing_moves(10)


@scenario("the fiber becomes 200 ms slower: its round trip is measured, and nothing is called dead for it")
def slow_circuit(stage, note):
    stage.does("break fiber delay 200")

    def measured():
        return next(c for c in stage.keeper.status()["circuits"] if c["name"] == "fiber")["rtt_ms"] or 0
    stage.nothing_moves(8)
    if not 150 <= measured() <= 240:  # smoothed (RFC 6298): it comes near in eight seconds
        raise Unexpected(f"200 ms were added, {measured():.0f} ms are told")
    note(rtt_ms=measured())


@scenario("all circuits die at once: nothing moves, and an alarm says so")
def all_circuits_dead(stage, note):
    fault = stage.does("break fiber blackhole")
    stage.does("break coax blackhole")
    events = stage.nothing_moves(6)
    alarm = next((e for e in events if e["id"] == "all-bad"), None)
    if not alarm:
        raise Unexpected(f"no all-bad event; there were: {', '.join(e['id'] for e in events)}")
    note(alarm_s=round((int(alarm["fields"]["boot_ns"]) - fault) / 1e9, 3))
    if stage.way("routing") != "fiber":
        raise Unexpected(f"voice went by {stage.way('routing')}")
