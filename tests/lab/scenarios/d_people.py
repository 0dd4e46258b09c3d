"""What people do: overrides with an end, refusals with a name."""
import json
import time

from processes import wait_until
from scenarios import scenario
from stage import Journal, Unexpected

FOR_S = 14


@scenario("an operator's failover holds for its time, survives a restart of the daemon, and ends by itself")
def operator_failover(stage, note):
    keeper = stage.keeper
    begun = time.monotonic()
    done = keeper.command("failover", "voice", "--to", "coax", "--for", f"{FOR_S}s", "--reason", "lab drill", "--yes")
    if done.returncode != 0:
        raise Unexpected(f"failover ended with {done.returncode}: {done.stdout}{done.stderr}")
    if not wait_until(lambda: stage.there("routing", "coax"), 5):
        raise Unexpected(f"voice goes by {stage.way('routing')}")
    moved_s = time.monotonic() - begun
    keeper.daemon.stop()
    keeper.start_daemon()
    stage.journal = Journal(keeper.api)
    status = keeper.status()
    if not any(o["subject"] == "voice" and o["to"] == "coax" and o["reason"] == "lab drill" for o in status["overrides"]):
        raise Unexpected(f"the override did not survive the restart: {json.dumps(status['overrides'])}")
    if time.monotonic() - begun < FOR_S - 2 and stage.way("routing", status) not in ("coax", None):
        raise Unexpected(f"after the restart voice goes by {stage.way('routing', status)}")
    stage.sees("override.expired", FOR_S + 3)
    expired_s = time.monotonic() - begun
    if not wait_until(lambda: stage.there("routing", "fiber"), 15):
        raise Unexpected(f"after the override voice stays on {stage.way('routing')}")
    note(moved_s=round(moved_s, 3), expired_s=round(expired_s, 2), home_s=round(time.monotonic() - begun, 2))


@scenario("a failover onto a dead circuit is refused by a guard that is named, and done when that guard is overridden by name")
def refused_by_a_guard(stage, _note):
    keeper = stage.keeper
    stage.does("break coax blackhole")
    stage.sees("circuit.down", 8, "coax")
    words = ("failover", "voice", "--to", "coax", "--for", "10s", "--reason", "lab", "--yes")
    refused = keeper.command(*words)
    if refused.returncode != 4 or "target_healthy" not in refused.stdout + refused.stderr:
        raise Unexpected(f"ended with {refused.returncode}: {refused.stdout}{refused.stderr}")
    if stage.way("routing") != "fiber":
        raise Unexpected("moved although refused")
    forced = keeper.command(*words, "--override-guard", "target_healthy")
    if forced.returncode not in (0, 5) or stage.way("routing") != "coax":
        raise Unexpected(f"with the guard overridden it ended with {forced.returncode}, voice by {stage.way('routing')}: {forced.stdout}{forced.stderr}")
    keeper.command("release", "voice", "--reason", "lab", "--yes", check=True)
    if not wait_until(lambda: stage.way("routing") == "fiber", 3):
        raise Unexpected("released, and voice still goes by the dead coax")
    without_reason = keeper.command("failover", "voice", "--to", "coax", "--for", "10s", "--yes")
    if without_reason.returncode != 2:
        raise Unexpected(f"without --reason it ended with {without_reason.returncode}, not 2")


@scenario("a hold keeps everything where it is while the fiber dies, and release lets it go")
def hold_and_release(stage, note):
    keeper = stage.keeper
    keeper.command("hold", "--for", "60s", "--reason", "lab", "--yes", check=True)
    fault = stage.does("break fiber blackhole")
    stage.nothing_moves(4)
    keeper.command("release", "--reason", "lab", "--yes", check=True)
    moved = stage.must_move("routing", "coax", fault, 12)
    note(moved)


@scenario("the command line tells what stands, and why, in words and in JSON")
def command_line(stage, _note):
    keeper = stage.keeper
    for words, expected in ((("status",), "fiber"), (("explain", "voice"), "fiber"), (("paths",), "north"), (("events",), "")):
        done = keeper.command(*words, check=True)
        if expected not in done.stdout or not done.stdout.strip():
            raise Unexpected(f"linekeeper {' '.join(words)} says: {done.stdout}")
    widest = max(map(len, keeper.command("status", check=True).stdout.splitlines()))
    if widest > 100:
        raise Unexpected(f"linekeeper status is {widest} columns wide")
    status = json.loads(keeper.command("status", "--json", check=True).stdout)
    if status["state"] != "ok" or status["schema"] != 1:
        raise Unexpected(f"status --json: state {status.get('state')}, schema {status.get('schema')}")
