"""Calls as witnesses: carriers whose OPTIONS are fine and whose calls are not."""
import topology
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

HELD_S = 75        # longer than the minute in which nothing may go back and forth
LEARNS_CALLS = 30  # by which the usual delay is known (20 are wanted)
CALLS = f"""
[calls]
hep_listen = "{topology.SITE_LAN}:{topology.HEP_PORT}"
allow = ["{topology.LAN}"]
slow_min = "1s"
slow_max = "4s"
hold_down = "{HELD_S}s"
"""


def path(stage, carrier="north", circuit="fiber"):
    status = stage.keeper.status()
    carriers = {c["name"]: c for c in status["carriers"]}
    return next(p for p in carriers[carrier]["paths"] if p["circuit"] == circuit)


def calls_by(stage, carrier="north", circuit="fiber"):
    return path(stage, carrier, circuit)["calls"] or {"attempts": 0, "failed": 0, "in_progress": 0, "state": "unknown"}


def listening(stage):
    """The site hears calls, and knows how long they usually take to ring."""
    stage.spent = True
    stage.keeper.write_config(stage.keeper.rendered().replace("\n[[circuit]]", CALLS + "\n[[circuit]]", 1))
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    if not wait_until(lambda: calls_by(stage)["attempts"] >= LEARNS_CALLS, 30):
        raise Unexpected(f"of the calls through the PBX were heard: {calls_by(stage)}")
    told = calls_by(stage)
    if told["asr"] < 0.95 or told["ner"] < 0.95:
        raise Unexpected(f"all calls are answered, and the figures are {told}")
    stage.steady()


def takes_no_calls(stage, note, command):
    """From the fault to the order without north; then a minute in which OPTIONS are fine and nothing moves."""
    listening(stage)
    stage.begins_counting_calls()
    before = calls_by(stage)["attempts"]
    fault = stage.does(command)
    trunk = stage.must_move("trunk", "south", fault, 20)
    tried = calls_by(stage)["attempts"] - before
    failed = next(e for e in trunk.events if e["id"] == "calls.fail")
    stage.diagnosed("carrier", "north", 2, seen=trunk.events)
    if path(stage)["state"] != "up":
        raise Unexpected(f"OPTIONS are answered, and the path is {path(stage)}")
    if not wait_until(lambda: (stage.world.pbx_order() or [0])[0] in (21, 22), 3):
        raise Unexpected(f"the PBX holds the order {stage.world.pbx_order()}")
    calls = stage.counted_calls()
    later = stage.world.callers.mark()
    stage.nothing_moves(60)
    quiet = stage.world.callers.between(later, stage.world.callers.mark())
    if quiet.failed or quiet.worst_setup_s > 1:
        raise Unexpected(f"of {quiet.tried} calls while north was held out {quiet.failed} failed, the slowest rang after {quiet.worst_setup_s:.2f} s")
    note(trunk, text=failed["text"], north_had=tried, failed=calls.failed, worst_setup_s=round(calls.worst_setup_s, 2))
    return calls, failed


@scenario("north answers OPTIONS and refuses calls with 503: held out within a handful of calls, no caller notices, nothing goes back for a minute", 120)
def options_200_invite_503(stage, note):
    calls, failed = takes_no_calls(stage, note, "carrier north calls-503")
    if calls.failed:
        raise Unexpected(f"{calls.failed} of {calls.tried} calls failed, though the PBX tries the next way")
    how_many = int(failed["text"].split(" takes no calls: ")[1].split(" of ")[0])
    if how_many > 5 or "503" not in failed["text"]:
        raise Unexpected(f"no handful of calls: {failed['text']}")
    stage.must_move("trunk", "north via fiber", stage.mends(), HELD_S + 15)
    if not wait_until(lambda: calls_by(stage)["state"] == "well", 10):
        raise Unexpected(f"calls pass by north again, and it is {calls_by(stage)}")


@scenario("north answers OPTIONS at once and rings after 3 s: held out within a handful of calls, later calls ring as ever", 120)
def options_fast_invite_slow(stage, note):
    calls, failed = takes_no_calls(stage, note, "carrier north calls-slow")
    if calls.failed:
        raise Unexpected(f"{calls.failed} of {calls.tried} calls failed; they were only slow")
    if "ring" not in failed["text"]:
        raise Unexpected(f"held out for another reason: {failed['text']}")
