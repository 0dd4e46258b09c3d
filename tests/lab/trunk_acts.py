"""The acts of `bench trunks`, and how one of them is played: a carrier misbehaves under ten calls a second, and what becomes of the calls is
counted. By two contestants on the same site: Linekeeper steering the PBX, and the PBX with its own dispatcher alone. Each play returns a result, a
dict as trunk_figures.py reads it.
"""
import os
import threading
import time
from dataclasses import dataclass

import kernel
import topology
from acts import OURS, at_any_moment, one_at_a_time
from api import boot_ns
from certificates import Tls
from keeper import Keeper
from netns import CommandFailed
from processes import wait_until
from rpc import RpcError
from stage import IN_SET_UP_S, SETTLE_S, SUBJECT, Stage, Unexpected
from world import HERE, SetUpFailed, World

DISPATCHER = "dispatcher"
SNIPPET = os.path.join(HERE, "pbx", "dispatcher_alone.cfg")
STATIC_ORDER = (11, 22, 12, 21)  # of both, while nobody says otherwise
CALLS_PER_S = 10
AFTER_S = 30        # of calls from the fault on
BEFORE_S = 2
LEARNT_CALLS = 30   # by which Linekeeper knows how long a call usually takes to ring (20 are wanted)
EVERY_S = 0.05      # the PBX is looked at
# A call that has not rung by then is tried elsewhere: the same for both.
RINGS_WITHIN_MS = 1500
CALLS = f"""
[calls]
hep_listen = "{topology.SITE_LAN}:{topology.HEP_PORT}"
allow = ["{topology.LAN}"]
slow_min = "1s"
slow_max = "4s"
hold_down = "75s"
"""
SOUTH, NOT_BY_FIBER, ALL = (21, 22), (12, 21, 22), STATIC_ORDER


@dataclass(frozen=True)
class Act:
    key: str
    title: str
    command: str       # faults.py
    good: tuple        # dispatcher sets by which calls pass while it lasts
    changes: int = 1   # of the order that it calls for
    tls: bool = False  # north is called by TLS
    seconds: int = AFTER_S


ACTS = {act.key: act for act in (
    Act("silent", "silent", "carrier north silent", SOUTH),
    Act("stopped", "stopped (port unreachable)", "carrier north stopped", SOUTH),
    Act("slow", "answers everything 3 s late", "carrier north slow", SOUTH),
    Act("503", "503 to all", "carrier north 503", SOUTH),
    Act("retry-after", "503 with Retry-After: 30", "carrier north retry-after 30", SOUTH),
    Act("500", "500 to all", "carrier north answers 500", SOUTH),
    Act("504", "504 to all", "carrier north answers 504", SOUTH),
    Act("403", "403 to all", "carrier north answers 403", SOUTH),
    Act("calls-503", "OPTIONS 200, INVITE 503", "carrier north calls-503", SOUTH),
    Act("calls-slow", "OPTIONS 200, INVITE rings after 3 s", "carrier north calls-slow", SOUTH),
    Act("flapping", "flapping, 2 s silent, 2 s well", "carrier north flapping 2", SOUTH),
    Act("one-circuit", "dead by one circuit only", "carrier north silent via fiber", NOT_BY_FIBER),
    Act("address", "403 after the circuit's address changed", "carrier north forbids via fiber", NOT_BY_FIBER),
    Act("options-401", "OPTIONS 401, takes calls", "carrier north options 401", ALL, changes=0, seconds=15),
    Act("options-404", "OPTIONS 404, takes calls", "carrier north options 404", ALL, changes=0, seconds=15),
    Act("options-480", "OPTIONS 480, takes calls", "carrier north options 480", ALL, changes=0, seconds=15),
    Act("options-302", "OPTIONS 302, takes calls", "carrier north options 302", ALL, changes=0, seconds=15),
    Act("tls-expired", "TLS: certificate expired", "carrier north certificate expired", SOUTH, tls=True),
    Act("tls-wrong-name", "TLS: certificate of somebody else", "carrier north certificate wrong-name", SOUTH, tls=True),
    Act("tls-frozen", "TLS: connections stand, nothing is answered", "carrier north frozen", SOUTH, tls=True),
)}


class CallsKeeper(Keeper):
    """Linekeeper that hears the PBX's calls, and asks by TLS where they go by it."""

    def rendered(self):
        text = super().rendered().replace("\n[[circuit]]", CALLS + "\n[[circuit]]", 1)
        return self.world.tls.site(text) if self.world.tls else text


class OurSite:
    def __init__(self, place, build, tls):
        self.world = World(place, build, pbx_sets={"LK_RINGS_WITHIN": str(RINGS_WITHIN_MS)}, tls=tls)
        self.stage = Stage(place, build, self.world, CallsKeeper)

    def begin(self):
        self.stage.up(CALLS_PER_S)

    def settle(self):
        """Steady, and it has heard enough calls to know what is usual."""
        def heard():
            path = next(p for c in self.stage.keeper.status()["carriers"] if c["name"] == "north" for p in c["paths"] if p["circuit"] == "fiber")
            return (path["calls"] or {"attempts": 0})["attempts"] >= LEARNT_CALLS
        self.stage.steady(30)
        if not wait_until(heard, 30):
            raise SetUpFailed("Linekeeper hears no calls")
        self.stage.steady(30)

    def first_way(self):
        order = self.world.pbx_order()
        return order[0] if order else None

    def changes(self, fault_ns):
        """How often the first way was another one, as the journal has it."""
        return sum(e["id"] == "trunk.moved" and SUBJECT["trunk"] in e["subject"] + e["text"] and (boot_ns(e) or 0) >= fault_ns
                   for e in self.stage.journal.new())


class DispatcherSite:
    """The same site. Which circuit an address leaves by is said once and for all, as it would be without anybody who steers."""

    def __init__(self, place, build, tls):
        self.world = World(place, build, snippet=SNIPPET, pbx_sets={"LK_RINGS_WITHIN": str(RINGS_WITHIN_MS)}, tls=tls)

    def begin(self):
        self.world.up(CALLS_PER_S)
        for number, (c, source) in enumerate(zip(topology.CIRCUITS.values(), (topology.PBX_FIBER, topology.PBX_COAX)), 101):
            self.world.net["site"].ip(f"route add default via {c.gateway} dev {c.interface} table {number}",
                                      f"rule add from {source} lookup {number} priority {number}")

    def settle(self):
        if not wait_until(lambda: self._states() and all(flags == "AP" for flags in self._states().values()), 30, 0.2):
            raise SetUpFailed(f"the dispatcher does not hold every destination to be active: {self._states()}")
        time.sleep(BEFORE_S)

    def _states(self):
        return self.world.pbx_states()

    def first_way(self):
        """The first of its order that it would take; 0: none is left."""
        states = self._states()
        return states and next((way for way in STATIC_ORDER if states[way][0] in "AT"), 0)

    def changes(self, _fault_ns):
        return 0  # it has no journal: what is seen is all there is


SITES = {OURS: OurSite, DISPATCHER: DispatcherSite}


class Watch:
    """Looks at the PBX again and again, in a thread; what stood first, and since when."""

    def __init__(self, first_way):
        self._first_way, self._over = first_way, threading.Event()
        self.seen = []  # (boot clock in ns, way)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        while not self._over.wait(EVERY_S):
            way = self._first_way()
            if way is not None and (not self.seen or self.seen[-1][1] != way):
                self.seen.append((kernel.boot_ns(), way))

    def end(self):
        self._over.set()
        self._thread.join()
        return self.seen


def result(contestant, act, run, fault, calls, seen, told_changes):
    """What became of one play. Pure. fault: (boot clock in ns, how long doing it took).  calls: as Callers.each_between gives them.
    seen: as Watch has it.  told_changes: what the contestant's own journal says."""
    begun, took = fault
    placed_since = [call for call in calls if call[0] >= begun]
    # Being set up while it was being done: the carrier has taken it, and its answer is lost on the way. Nobody can tell that from a callee who waits.
    caught = [call for call in placed_since if not call[2] and call[0] <= begun + took + IN_SET_UP_S * 1e9]
    mine = [call for call in placed_since if call not in caught]
    later = [(at, way) for at, way in seen if at >= begun]
    left = next((at for at, way in later if way in act.good), None) if act.changes else None
    return {"contestant": contestant, "act": act.key, "run": run, "waited_s": act.seconds, "tried": len(mine),
            "failed": sum(not answered for _, _, answered, _ in mine), "caught": len(caught), "took_s": round(took / 1e9, 3),
            "failed_after_s": [round((at - begun) / 1e9, 3) for at, _, answered, _ in mine if not answered],
            "cut": sum(cut for _, _, _, cut in calls), "pdd": [None if pdd is None else round(pdd, 4) for _, pdd, _, _ in mine],
            "seconds": None if left is None else round((left - begun) / 1e9, 3),
            "changes": max(len(later), told_changes), "ways": [[round((at - begun) / 1e9, 2), way] for at, way in later]}


def play(site, contestant, act, run, one_at_a_time_in):
    with one_at_a_time(one_at_a_time_in):
        site.begin()
    site.settle()
    at_any_moment(1)
    world, watch = site.world, Watch(site.first_way)
    try:
        before = world.callers.mark()
        time.sleep(BEFORE_S)
        quiet = world.callers.between(before, world.callers.mark() - int(0.5e9))
        if not quiet.tried or quiet.failed or quiet.worst_setup_s > 0.5 or [way for _, way in watch.seen] != [STATIC_ORDER[0]]:
            raise SetUpFailed(f"calls or order are not as they should be before anything is broken: {quiet}, {watch.seen}")
        world.faults.command(act.command.split())
        fault = world.faults.active[-1]
        time.sleep(max(0.0, act.seconds - (kernel.boot_ns() - fault.began_ns) / 1e9))
        end = world.callers.mark()
        seen = [entry for entry in watch.end() if entry[0] < end]
        changes = site.changes(fault.began_ns)
    finally:
        watch.end()
    time.sleep(SETTLE_S)  # the last ones are hung up
    calls = world.callers.each_between(fault.began_ns - int(2e9), end)
    gone = world.programs.died()
    if gone:
        raise SetUpFailed(f"ended during '{act.title}': " + "; ".join(f"{p.name} with {p.process.returncode}:\n{p.tail(30)}" for p in gone))
    return result(contestant, act, run, (fault.began_ns, fault.took_ns), calls, seen, changes)


class TrunkSites:
    """What one worker has: a new site for each play."""

    def __init__(self, run, build):
        self.run, self.build, self.count = run, build, 0

    def play(self, job):
        act = ACTS[job["act"]]
        self.count += 1
        place = os.path.join(self.run, f"trunks-{os.getpid()}-{self.count}")
        os.mkdir(place, 0o755)
        site = None
        try:
            site = SITES[job["contestant"]](place, self.build, Tls(os.path.join(place, "tls")) if act.tls else None)
            return {"results": [play(site, job["contestant"], act, job["run"], self.run)]}
        except (SetUpFailed, Unexpected, CommandFailed, RpcError) as error:
            return {"results": [], "error": str(error)}
        finally:
            if site:
                site.world.faults.mend()  # what stands still could not be ended
                site.world.down()
