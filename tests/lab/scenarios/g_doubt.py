"""What is not known for certain: silences that may end, a watcher that was asleep, what was learned and must not be lost."""
import itertools
import math
import os
import signal
import sqlite3
import time

from api import boot_ns
from kernel import boot_ns as now_ns
from scenarios import scenario
from scenarios.c_programs import KernelWatch
from stage import Unexpected

# Longer than suspicion takes at the worst (an interval, the shortest timeout, suspect_after: .6 s), shorter than death (.78 s) at the least.
SHORT_S = 0.68
# [circuit_health] of the lab's site: the defaults.
FALSE_FAILOVERS_A_YEAR, DEAD_AFTER_MIN_S, DEAD_AFTER_MAX_S = 12, 0.7, 6.0
ROUNDED_S = 0.0005 + 1e-9  # of what the status says


@scenario("the fiber is silent for a moment: new calls are led around it and back, routes do not move", 20)
def short_silence(stage, note):
    stage.spent = True
    stage.warm()
    watch = KernelWatch(stage)
    fault = stage.does("break fiber blackhole")
    orders = []

    def look():
        order = stage.world.pbx_order()
        if order and (not orders or orders[-1] != order):
            orders.append(order)
    while now_ns() - fault < SHORT_S * 1e9:
        look()
        time.sleep(0.01)
    stage.mends()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        look()
        time.sleep(0.02)
    events = stage.journal.new()
    led, back = (next((e for e in events if e["id"] == name), None) for name in ("circuit.suspect", "circuit.cleared"))
    if not led or not back:
        raise Unexpected(f"no suspicion that came and went; there were: {', '.join(e['id'] for e in events) or 'none'}")
    firsts = [first for first, _ in itertools.groupby(order[0] for order in orders)]  # what stands behind it may change meanwhile
    if firsts != [11, 12, 11]:
        raise Unexpected(f"the PBX's order began with {firsts}, not with 11 (by fiber), 12 (by coax) and 11 again")
    if any(e["id"] in ("routing.moved", "circuit.down", "incident.opened") for e in events):
        raise Unexpected("a moment of silence moved more than new calls: " + "; ".join(e["text"] for e in events))
    watch.unchanged("a moment of silence")
    note(suspect_s=round((boot_ns(led) - fault) / 1e9, 3), cleared_s=round((boot_ns(back) - fault) / 1e9, 3), orders=firsts)


@scenario("linekeeperd stands still for 10 s: nothing moves, and it says that it slept", 20)
def daemon_stands_still(stage, note):
    stage.warm()
    watch = KernelWatch(stage)
    stage.keeper.daemon.signal(signal.SIGSTOP)
    time.sleep(10)
    stage.keeper.daemon.signal(signal.SIGCONT)
    events = stage.nothing_moves(6)
    stalled = stage.sees("loop.stalled", 0, seen=events)
    bad = [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.degraded", "path.down", "carrier.down", "circuit.suspect")]
    if bad:
        raise Unexpected(f"its own sleep was held against others: {'; '.join(bad)}")
    watch.unchanged("the sleep of linekeeperd")
    note(told=stalled["text"])


def dead_after_of(text, passed_s=0.0, watched_s=0.0):
    """The silence that means death, from the text that the daemon has written down of a circuit: controller/decision/silence_learner.hpp,
    worked out once more.

    passed_s: for so long it has faded since, watched or not.  watched_s: for so much of that time the circuit was watched.
    """
    words = text.split("\t")[0].split(" ")
    if words[:2] != ["silences", "2"]:
        raise Unexpected(f"what was learned is written as '{text[:40]}', which this test does not know")
    numbers, longest = [float(word) for word in words[2:]], 0.0
    for horizon, figures in ((3600.0, numbers[:7]), (7 * 24 * 3600.0, numbers[7:])):
        kept = math.exp(-passed_s / horizon)
        watched = figures[0] * kept + watched_s
        for threshold, count, excess in zip((0.4, 0.8, 1.6), figures[1::2], figures[2::2]):
            count, excess = count * kept, excess * kept
            if count < 2.5 or watched <= 0:
                continue
            mean = (excess + 0.05) / (count + 1) * (1 + 0.5 / math.sqrt(count + 1))
            times = count / watched * 365.25 * 24 * 3600 / FALSE_FAILOVERS_A_YEAR
            if times > 1:
                longest = max(longest, threshold + mean * math.log(times))
    return min(max(longest, DEAD_AFTER_MIN_S), DEAD_AFTER_MAX_S)


@scenario("what was learned of a circuit's silences survives a restart", 45)
def learned_survives(stage, note):
    def dead_after():
        """As the daemon says it; with the moment before it was asked, and the one after it has answered."""
        asked = time.monotonic()
        circuits = {c["name"]: c["detectors"]["dead_after_s"] for c in stage.keeper.status()["circuits"]}
        return circuits, asked, time.monotonic()

    def written():
        """What the daemon has written down of the fiber."""
        with sqlite3.connect(f"file:{os.path.join(stage.world.run, 'linekeeper', 'journal.db')}?immutable=1", uri=True) as journal:
            return journal.execute("SELECT value FROM facts WHERE key = 'learned fiber'").fetchone()[0].split(" ", 1)[1]

    def expect(figure, what, text, passed_s, watched_s):
        """Nothing has changed it but the seconds between: for so long it has faded, and at the most so long the circuit was watched."""
        corners = [dead_after_of(text, passed, watched) for passed in passed_s for watched in watched_s]
        least, most = min(corners) - ROUNDED_S, max(corners) + ROUNDED_S
        if not least <= figure <= most:
            raise Unexpected(f"{what} silence meant death after {figure} s; from what was written down it is {least:.4f} to {most:.4f} s")

    def silence(seconds):
        stage.does("break fiber blackhole")
        time.sleep(seconds)
        stage.mends()
        time.sleep(0.8)
    stage.spent = True
    before, *_ = dead_after()
    for _ in range(12):
        silence(0.62)
    learned, asked, _ = dead_after()
    if learned["fiber"] <= before["fiber"] or learned["coax"] != before["coax"]:
        raise Unexpected(f"twelve short silences of the fiber, and death means {learned} where it meant {before}")
    stage.keeper.daemon.stop()  # it writes down what it knows at its very end
    stopped = time.monotonic()
    text = written()
    # Read at a moment between those two, so backwards: what was written had faded for a little longer.
    ago = (-(stopped - asked), 0.0)
    expect(learned["fiber"], "before the restart", text, ago, ago)
    stage.keeper.start_daemon()
    after, _, answered = dead_after()  # at once: there is no time for another silence
    passed = answered - asked
    # The first probe brings three intervals with it.
    expect(after["fiber"], "after the restart", text, (0.0, passed), (0.0, passed + 0.6))
    note(before=before, learned=learned, after=after, written=round(dead_after_of(text), 4))
