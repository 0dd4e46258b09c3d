"""Circuits that live and are no good: part of the packets is lost, or all of them come late. And those that are good enough."""
import time

from api import boot_ns
from scenarios import scenario
from stage import Unexpected


def sounds_bad(stage, note, command, within_s, cause, watched_s, diagnosed=("brownout",)):
    """Voice leaves the fiber once, within a time, and stays away while it lasts."""
    stage.warm()
    stage.begins_counting_calls()
    fault = stage.does(command)
    moved = stage.must_move("routing", "coax", fault, within_s)
    note(moved)
    degraded = next((e for e in moved.events if e["id"] == "circuit.degraded"), None)
    if not degraded or degraded["fields"]["cause"] not in cause:
        raise Unexpected(f"the fiber was left without being called degraded for {' or '.join(cause)}: {degraded and degraded['text']}; {moved.moved}")
    seen = moved.events + stage.nothing_moves(watched_s, planes=("routing",))
    named = [e for e in seen if e["id"] == "diagnosis.made" and "fiber" in e["subject"]] or [stage.diagnosed(diagnosed[0], "fiber", 3, seen)]
    if named[-1]["fields"]["failed"] not in diagnosed:
        raise Unexpected(f"named {named[-1]['fields']['failed']}, not {' or '.join(diagnosed)}: {named[-1]['text']}")
    calls = stage.counted_calls(0)
    note(degraded=degraded["text"], diagnosis=named[-1]["text"], tried=calls.tried, failed=calls.failed)
    explained = stage.keeper.command("explain", "voice", check=True).stdout
    if "coax" not in explained or "fiber" not in explained:
        raise Unexpected(f"linekeeper explain voice says: {explained}")


@scenario("30 % of the fiber's round trips are lost: voice leaves it once, within 12 s, and does not flap back", 55)
def loss_30_percent(stage, note):
    sounds_bad(stage, note, "break fiber loss 30", 12, ("lossy", "bursty"), watched_s=20)


@scenario("30 % of what comes in by the fiber is lost: voice leaves it once", 45)
def loss_inbound(stage, note):
    sounds_bad(stage, note, "break fiber loss-in 30", 12, ("lossy", "bursty"), watched_s=10, diagnosed=("circuit-inbound", "brownout"))


@scenario("30 % of what goes out by the fiber is lost: voice leaves it once", 45)
def loss_outbound(stage, note):
    sounds_bad(stage, note, "break fiber loss-out 30", 12, ("lossy", "bursty"), watched_s=10, diagnosed=("circuit-outbound", "brownout"))


@scenario("the fiber becomes 200 ms slower: voice leaves it once, within 25 s, and nothing is called dead for it", 65)
def delay_200_ms(stage, note):
    sounds_bad(stage, note, "break fiber delay 200", 25, ("delayed",), watched_s=12)
    rtt = stage.keeper.circuit("fiber")["rtt_ms"]
    note(rtt_ms=rtt)
    if not 195 <= rtt <= 240:
        raise Unexpected(f"200 ms were added, {rtt:.0f} ms are told")


def good_enough(stage, note, circuit, percent):
    """Two minutes of a loss that is not worth a move. What is called degraded meanwhile is told, and costs nothing."""
    stage.warm(circuit)
    stage.begins_counting_calls()
    stage.does(f"break {circuit} loss {percent}")
    worst = 0.0

    def meanwhile():
        nonlocal worst
        worst = max(worst, stage.keeper.circuit(circuit)["loss_ratio"] or 0)
    events = stage.nothing_moves(120, meanwhile=meanwhile)
    calls = stage.counted_calls()
    told = [f"{e['id']}: {e['text']}" for e in events if e["id"].startswith(("circuit.", "path.", "diagnosis."))]
    note(worst_window_of_loss=worst, tried=calls.tried, failed=calls.failed, told=told)


@scenario("2 % of the fiber's round trips are lost for two minutes, while it is in use: nothing moves", 140)
def loss_2_percent_in_use(stage, note):
    good_enough(stage, note, "fiber", 2)


@scenario("2 % of the coax's round trips are lost for two minutes, while it stands by: nothing moves", 140)
def loss_2_percent_standby(stage, note):
    good_enough(stage, note, "coax", 2)


@scenario("5 % of the fiber's round trips are lost for two minutes, while it is in use: nothing moves", 140)
def loss_5_percent_in_use(stage, note):
    good_enough(stage, note, "fiber", 5)


@scenario("5 % of the coax's round trips are lost for two minutes, while it stands by: nothing moves", 140)
def loss_5_percent_standby(stage, note):
    good_enough(stage, note, "coax", 5)


@scenario("the fiber is dead 2 s, well 2 s, for a minute: it is left once at the most, and gone back to only when it is proven to be well", 120)
def flapping(stage, note):
    stage.warm()
    events, until = [], time.monotonic() + 60
    while time.monotonic() < until:
        stage.does("break fiber blackhole")
        time.sleep(2)
        stage.mends()
        time.sleep(2)
        events += stage.journal.new()
    moves = [e for e in events if e["id"] == "routing.moved"]
    if len(moves) > 1:
        raise Unexpected(f"{len(moves)} moves: " + "; ".join(e["text"] for e in moves))
    trunk = [e for e in events if e["id"] == "trunk.moved"]
    note(moves=len(moves), trunk_moves=len(trunk), told=[e["text"] for e in moves])
    calm = stage.faults.mended_ns
    home = stage.must_move("routing", "fiber", calm, 80)
    note(home, act="home")
    if home.decided_s < 30:
        raise Unexpected(f"home {home.decided_s:.2f} s after the last flap: no 168 probes were answered in that time")
    if [e for e in home.events if e["id"] == "routing.moved" and boot_ns(e) < calm]:
        raise Unexpected("it was gone back to while it flapped")
