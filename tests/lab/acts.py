"""The bench's acts, and how one of them is played: by Linekeeper in a whole site, by a peer in a site without telephony. Each play
returns a result, a dict as figures.py reads it."""
import contextlib
import fcntl
import os
import random
import time
from dataclasses import dataclass

import kernel
from netns import CommandFailed
from peers import PEERS
from processes import wait_until
from rpc import RpcError
from stage import Stage, Unexpected
from world import SetUpFailed, World

OURS = "linekeeper"
AWAY_S = 5  # how long the traffic has been away when the line is mended


@dataclass(frozen=True)
class Act:
    key: str
    title: str       # in the tables
    command: str     # "" : mending what the act before has broken
    wait_s: float    # who has not moved by then is said not to move
    warm: bool = False
    plane: str = "routing"
    to: str = "coax"


# The waits are above what the slowest peer that moves at all needs; a peer that never moved is not asked for ever (contest.py).
ROUTING = (
    Act("unplugged", "cable unplugged", "break fiber unplug", 45),
    Act("link-down", "interface set down", "break fiber linkdown", 45),
    Act("black-hole", "black hole, link up", "break fiber access", 45),
    Act("gateway", "gateway dead", "break fiber gateway", 45),
    Act("upstream", "upstream dead", "break fiber blackhole", 45),
    Act("loss", "30 % loss", "break fiber loss 30", 60, warm=True),
    Act("delay", "+200 ms", "break fiber delay 200", 45, warm=True),
)
FAILBACK = Act("failback", "failback", "", 120, to="fiber")
FAILBACK_AFTER = "black-hole"
CARRIERS = (
    Act("carrier-silent", "carrier silent", "carrier north silent", 30, plane="trunk", to="south"),
    Act("carrier-503", "carrier answers 503", "carrier north 503", 30, plane="trunk", to="south"),
    Act("carrier-stopped", "carrier stopped (port unreachable)", "carrier north stopped", 30, plane="trunk", to="south"),
    Act("carrier-one-circuit", "carrier dead by one circuit", "carrier north silent via fiber", 30, plane="trunk", to="north via coax"),
)
ACTS = {act.key: act for act in (*ROUTING, FAILBACK, *CARRIERS)}
COMPARED = (*ROUTING, FAILBACK)


@contextlib.contextmanager
def one_at_a_time(run):
    """Building a site takes a core for a second: two at the same time would show in the figures of the others."""
    with open(os.path.join(run, "building"), "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # of this process alone: the site's forked helpers do not keep it
        yield


def at_any_moment(period_s):
    """Nobody's clock is to meet the fault always at the same place."""
    time.sleep(random.uniform(0, period_s))


class OwnSites:
    """Linekeeper's: a new site for each play, for coming home takes longer, and each act is to meet the same state."""

    def __init__(self, run, build):
        self.run, self.build, self.count = run, build, 0

    def play(self, key, run, failback):
        """The results of an act, and of the failback after it."""
        act, results = ACTS[key], []
        self.count += 1
        place = os.path.join(self.run, f"own-{os.getpid()}-{self.count}")
        os.mkdir(place, 0o755)
        stage = Stage(place, self.build)
        try:
            with one_at_a_time(self.run):
                stage.up(5)
            stage.steady(30)
            if act.warm:
                stage.warm()
            at_any_moment(1)
            moved_at = self._plays(stage, act, run, lambda: stage.does(act.command), results)
            if failback and not results[0].get("problem"):
                time.sleep(max(0.0, moved_at + AWAY_S - time.monotonic()))
                self._plays(stage, FAILBACK, run, stage.mends, results)
        finally:
            stage.down()
        return results

    @staticmethod
    def _plays(stage, act, run, begin, results):
        """Adds the result of one act; returns when it had moved, on the monotonic clock."""
        stage.begins_counting_calls()
        line = stage.moves(act.plane, act.to, begin(), act.wait_s)
        if act.plane == "routing" and not line.problem and line.traffic_s is None:
            OwnSites._witness_differs(stage, act, line)
        seconds = line.traffic_s if act.plane == "routing" else None if line.problem else line.verified_s
        own = {}
        if act.plane == "routing" and act.command and not line.problem:
            # Calls may have been led around before routes moved: on suspicion, or because their trunk is told at once.
            calls_moved = stage.moves("trunk", "north via coax", line.fault_ns, act.wait_s, seen=line.events)
            line.problem = calls_moved.problem
            own = {} if calls_moved.applied_s is None else {"led_around_s": round(calls_moved.applied_s, 4)}
        moved_at = time.monotonic()
        calls = stage.counted_calls()
        line.tried, line.worst_setup_s = calls.tried, calls.worst_setup_s
        results.append({"contestant": OURS, "act": act.key, "run": run, "waited_s": act.wait_s, "seconds": seconds and round(seconds, 4)}
                       | line.data() | own | {"failed": calls.failed, "cut": calls.cut + OwnSites._met_by_the_fault(stage, calls)})
        return moved_at

    @staticmethod
    def _met_by_the_fault(stage, calls):
        """How many were placed while the fault was still being put in place: it cut them off, as it did those that were up."""
        over = max((fault.began_ns + fault.took_ns for fault in stage.faults.active), default=0)
        return sum(at <= over for at in calls.unanswered)


    @staticmethod
    def _witness_differs(stage, act, line):
        """The journal says verified, and the witness has seen nothing: the witness is right, and what it saw is told."""
        flow = stage.world.flow
        wait_until(lambda: flow.first_by(act.to, line.fault_ns) is not None, act.wait_s - (kernel.boot_ns() - line.fault_ns) / 1e9)
        line.traffic_s = flow.first_by(act.to, line.fault_ns)
        seen = flow.records(line.fault_ns)
        by = ", ".join(f"{sum(c == circuit for _, c in seen)} by {circuit}" for circuit in sorted({c for _, c in seen})) or "none"
        last = f"; the last was sent {(seen[-1][0] - line.fault_ns) / 1e9:.2f} s after the fault" if seen else ""
        line.problem = (f"verified by {act.to} after {line.verified_s:.2f} s, but the first packet by it "
                        + (f"was sent after {line.traffic_s:.2f} s" if line.traffic_s is not None else "never came back")
                        + f" (answered packets since the fault: {by}{last})")


class PeerSites:
    """The peers': one site without telephony, in which they come and go."""

    def __init__(self, run, build):
        self.run, self.build, self.world, self.count = run, build, None, 0

    def _up(self):
        if self.world is None:
            self.count += 1
            place = os.path.join(self.run, f"peers-{os.getpid()}-{self.count}")
            os.mkdir(place, 0o755)
            self.world = World(place, self.build)
            with one_at_a_time(self.run):
                self.world.up(telephony=False)
        return self.world

    def clear_away(self):
        world, self.world = self.world, None
        if world:
            world.down()

    def play(self, contestant, key, run, failback):
        world, peer, act = self._up(), PEERS[contestant], ACTS[key]
        results = []
        self._home()
        try:
            peer.begin(world)
            if not wait_until(lambda: peer.ready(world), 20, 0.1):
                raise SetUpFailed(f"{peer.title} does not steer within 20 s:\n" + "\n".join(f"{p.name}: {p.tail()}" for p in world.programs.all()))
            time.sleep(1)  # what is ready for us may still be settling
            at_any_moment(peer.period_s)
            if world.flow.circuit_now() != "fiber":
                raise SetUpFailed(f"{peer.title} is ready, but packets go by {world.flow.circuit_now()}")
            world.faults.command(act.command.split())
            results.append(self._result(contestant, act, run, world.faults.active[-1].began_ns))
            if failback and results[0]["seconds"] is not None:
                time.sleep(AWAY_S)
                world.faults.mend()
                results.append(self._result(contestant, FAILBACK, run, world.faults.mended_ns))
            gone = [p.name for p in world.programs.died()]
            if gone:
                raise SetUpFailed(f"{', '.join(gone)} ended during '{act.title}'")
        finally:
            peer.end(world)
            world.faults.mend()
        return results

    def _result(self, contestant, act, run, since_ns):
        flow = self.world.flow
        wait_until(lambda: flow.first_by(act.to, since_ns) is not None, act.wait_s - (kernel.boot_ns() - since_ns) / 1e9)
        seconds = flow.first_by(act.to, since_ns)
        return {"contestant": contestant, "act": act.key, "run": run, "waited_s": act.wait_s, "seconds": None if seconds is None else round(seconds, 4)}

    def _home(self):
        if not wait_until(lambda: self.world.flow.circuit_now() == "fiber", 10):
            raise SetUpFailed(f"a peers' site without a fault sends its packets by {self.world.flow.circuit_now()}")


class Sites:
    """What one worker has: it plays whatever is asked for."""

    def __init__(self, run, build):
        self.own, self.peers = OwnSites(run, build), PeerSites(run, build)

    def play(self, job):
        failback = job["failback"]
        try:
            if job["contestant"] == OURS:
                return {"results": self.own.play(job["act"], job["run"], failback)}
            return {"results": self.peers.play(job["contestant"], job["act"], job["run"], failback)}
        except (SetUpFailed, Unexpected, CommandFailed, RpcError) as error:
            self.peers.clear_away()  # whatever it was, the next one does not meet it
            return {"results": [], "error": str(error)}
