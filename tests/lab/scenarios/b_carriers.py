"""What befalls carriers, and which one is offered first."""
from scenarios import scenario
from stage import Unexpected


def leaves_north(stage, note, command, to="south", within_s=20):
    """One act from fault to counted calls: the trunk's order begins elsewhere, and routing does not stir."""
    stage.begins_counting_calls()
    fault = stage.does(command)
    trunk = stage.must_move("trunk", to, fault, within_s)
    calls = stage.counted_calls()
    trunk.tried, trunk.failed, trunk.cut, trunk.worst_setup_s = calls.tried, calls.failed, calls.cut, calls.worst_setup_s
    note(trunk)
    if stage.way("routing") != "fiber" or any(e["id"] == "routing.moved" for e in trunk.events):
        raise Unexpected("a carrier's failure moved the routing")
    stage.accounted(trunk)
    note(caught=stage.answered(calls, cut_off="503" not in command))
    if not trunk.met:
        raise Unexpected(f"verified after {trunk.verified_s} s: the RTO of {trunk.target_s} s was missed")
    first = stage.world.pbx_order()
    expected = {"south": (21, 22), "north via coax": (12,)}[to]
    if not first or first[0] not in expected:
        raise Unexpected(f"the PBX holds the order {first}, which does not begin with {expected[0]}")


@scenario("carrier north falls silent: calls go to south")
def carrier_silent(stage, note):
    leaves_north(stage, note, "carrier north silent")


@scenario("carrier north answers 503: calls go to south, and home again when it takes calls")
def carrier_503(stage, note):
    leaves_north(stage, note, "carrier north 503")
    home = stage.must_move("trunk", "north via fiber", stage.mends(), 30)
    note(home, act="home")
    if home.decided_s < 5.0:
        raise Unexpected(f"home after {home.decided_s:.2f} s, before the hold-down of 5 s")


@scenario("carrier north's port is unreachable: calls go to south")
def carrier_stopped(stage, note):
    leaves_north(stage, note, "carrier north stopped")


@scenario("carrier north is dead by the fiber only: calls go to the same carrier by coax")
def carrier_dead_by_one_circuit(stage, note):
    leaves_north(stage, note, "carrier north silent via fiber", to="north via coax")
