"""What is not known for certain: silences that may end, a watcher that was asleep, what was learned and must not be lost."""
import signal
import time

from api import boot_ns
from kernel import boot_ns as now_ns
from processes import wait_until
from scenarios import scenario
from scenarios.c_programs import KernelWatch
from stage import Journal, Unexpected

# Longer than suspicion takes at the worst (an interval, the shortest timeout, suspect_after: .6 s), shorter than death (.78 s) at the least.
SHORT_S = 0.68


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
    firsts = [order[0] for order in orders]
    if firsts != [11, 12, 11]:
        raise Unexpected(f"the PBX's order began with {firsts}, not with 11 (by fiber), 12 (by coax) and 11 again")
    if any(e["id"] in ("routing.moved", "circuit.down", "incident.opened") for e in events):
        raise Unexpected("a moment of silence moved more than new calls: " + "; ".join(e["text"] for e in events))
    watch.unchanged("a moment of silence")
    note(suspect_s=round((boot_ns(led) - fault) / 1e9, 3), cleared_s=round((boot_ns(back) - fault) / 1e9, 3), orders=firsts)


@scenario("linekeeperd stands still for 5 s: nothing moves, and it says that it slept", 15)
def daemon_stands_still(stage, note):
    stage.warm()
    watch = KernelWatch(stage)
    stage.keeper.daemon.signal(signal.SIGSTOP)
    time.sleep(5)
    stage.keeper.daemon.signal(signal.SIGCONT)
    events = stage.nothing_moves(6)
    stalled = stage.sees("loop.stalled", 0, seen=events)
    bad = [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.degraded", "path.down", "carrier.down", "circuit.suspect")]
    if bad:
        raise Unexpected(f"its own sleep was held against others: {'; '.join(bad)}")
    watch.unchanged("the sleep of linekeeperd")
    note(told=stalled["text"])


@scenario("what was learned of a circuit's silences survives a restart", 45)
def learned_survives(stage, note):
    def dead_after():
        return {c["name"]: c["detectors"]["dead_after_s"] for c in stage.keeper.status()["circuits"]}

    def silence(seconds):
        stage.does("break fiber blackhole")
        time.sleep(seconds)
        stage.mends()
        time.sleep(0.8)
    stage.spent = True
    before = dead_after()
    for _ in range(12):
        silence(0.62)
    learned = dead_after()
    if learned["fiber"] <= before["fiber"] or learned["coax"] != before["coax"]:
        raise Unexpected(f"twelve short silences of the fiber, and death means {learned} where it meant {before}")
    stage.keeper.daemon.stop()
    stage.keeper.start_daemon()
    stage.journal = Journal(stage.keeper.api)
    if not wait_until(lambda: stage.keeper.steady()[0], 15):
        raise Unexpected(f"not steady after the restart: {stage.keeper.steady()[1]}")
    after = dead_after()
    note(before=before, learned=learned, after=after)
    # Seconds without a silence that it has seen meanwhile make it a little less patient.
    if not 0.9 * learned["fiber"] <= after["fiber"] <= 1.01 * learned["fiber"]:
        raise Unexpected(f"before the restart silence meant death after {learned['fiber']} s, after it {after['fiber']} s")
