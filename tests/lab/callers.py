"""People on the LAN who telephone: SIPp at a steady rate, and what became of their calls, one by one.

A call has failed when it was not answered (no 2xx to its INVITE) or could not be ended properly (no 2xx to its BYE: the
line died under it). The second kind is named apart: a call that was up when its carrier died cannot be saved by anyone
who does not move media, and is told honestly as "cut".

SIPp's own counters are not asked: they are written once a second, and count a call that is never answered 15 s later, against
whoever is then looking.
"""
import os
import time
from dataclasses import dataclass, field

import kernel
import topology
from processes import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
UNANSWERED_S = 15  # SIPp gives up (sipp/call.xml)
MOST_BYTES = 4 << 20  # of what is read: hours of calls; a kept site may run for days


@dataclass
class Tally:
    """Calls in an interval."""
    tried: int = 0
    answered: int = 0
    failed: int = 0      # of all kinds
    cut: int = 0         # answered, and then the hang-up got no answer
    worst_setup_s: float = 0.0
    unanswered: list = field(default_factory=list)  # when each of them was placed, on the boot clock in ns


class Callers:
    def __init__(self, programs, node, run, name="callers", port=5060, pbx=f"{topology.PBX_CALLERS}:5060"):
        self.programs, self.node, self.run, self.name, self.port, self.pbx = programs, node, run, name, port, pbx
        self.log = os.path.join(run, "calls.log" if name == "callers" else f"{name}-calls.log")

    def start(self, rate):
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.programs.start(
            self.name, self.node, "sipp", "-sf", os.path.join(HERE, "sipp", "call.xml"), "-i", topology.CALLERS, "-p", str(self.port),
            self.pbx, "-r", str(rate), "-rp", "1000", "-l", "2000", "-nostdin", "-trace_logs", "-log_file", self.log,
            "-trace_err", "-error_file", os.path.join(self.programs.logs, f"failed-{os.path.basename(self.log)}"), cwd=self.run)

    def stop(self):
        self.programs.stop(self.name)

    @staticmethod
    def mark():
        """Now, as the beginning or the end of an interval."""
        return kernel.boot_ns()

    def between(self, begin, end):
        """The tally of the calls placed between two marks, and of those cut between them. Waits until the fate of each is known."""
        wait_until(lambda: not self._tally(begin, end).unanswered, max(0.0, UNANSWERED_S - (kernel.boot_ns() - end) / 1e9))
        return self._tally(begin, end)

    def each_between(self, begin, end):
        """The calls placed between two marks, each as (placed, seconds until it rang or was answered, answered, cut); None: it never did.
        Waits until the fate of each is known."""
        self.between(begin, end)
        fates = self._read()
        firsts = {call: min(at[call] for at in (fates["rang"], fates["answered"]) if call in at) for call in fates["rang"] | fates["answered"]}
        return [(at, (firsts[call] - at) / 1e9 if call in firsts else None, call in fates["answered"], call in fates["cut"])
                for call, at in sorted(fates["placed"].items(), key=lambda item: item[1]) if begin <= at < end]

    def _tally(self, begin, end):
        fates = self._read()
        placed, answered, cut = fates["placed"], fates["answered"], fates["cut"]
        mine = {call for call, at in placed.items() if begin <= at < end}
        unanswered = sorted(placed[call] for call in mine if call not in answered)
        cuts = sum(begin <= at < end for at in cut.values())
        return Tally(tried=len(mine), answered=len(mine) - len(unanswered), failed=len(unanswered) + cuts, cut=cuts, unanswered=unanswered,
                     worst_setup_s=max(((answered[call] - placed[call]) / 1e9 for call in mine if call in answered), default=0.0))

    def _read(self):
        """When each call was placed, rang first, was answered and cut, by its number, on the boot clock in ns. SIPp writes the wall clock."""
        fates = {"placed": {}, "rang": {}, "answered": {}, "cut": {}}
        boot_less_wall = kernel.boot_ns() - time.time_ns()
        try:
            with open(self.log, "rb") as f:
                f.seek(max(0, os.fstat(f.fileno()).st_size - MOST_BYTES))
                lines = f.read().decode().split("\n")[:-1]  # the last one may be being written
        except OSError:
            lines = []
        for line in lines:
            words = line.rpartition("\t")[2].split(" ")  # "1795367704.653527 placed 1"
            if len(words) == 3:
                fates[words[1]].setdefault(words[2], int(words[0].replace(".", "")) * 1000 + boot_less_wall)
        return fates
