"""People on the LAN who telephone: SIPp at a steady rate, and what became of their calls.

A call has failed when it was not answered (no 2xx to its INVITE) or could not be ended properly (no 2xx to its BYE: the
line died under it). The second kind is named apart: a call that was up when its carrier died cannot be saved by anyone
who does not move media, and is told honestly as "cut".
"""
import csv
import glob
import os
import time
from dataclasses import dataclass

import topology

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Tally:
    """Calls in an interval."""
    tried: int = 0
    answered: int = 0
    failed: int = 0      # of all kinds
    cut: int = 0         # answered, and then the hang-up got no answer
    worst_setup_s: float = 0.0


class Callers:
    COLUMNS = {"tried": "GenericCounter1(C)", "answered": "GenericCounter2(C)", "cut": "GenericCounter3(C)", "failed": "FailedCall(C)"}

    def __init__(self, programs, node, run):
        self.programs, self.node, self.run = programs, node, run
        self.statistics = os.path.join(run, "calls.csv")
        self.times = None

    def start(self, rate):
        for old in glob.glob(os.path.join(self.run, "calls*.csv")):
            os.unlink(old)
        self.programs.start(
            "callers", self.node, "sipp", "-sf", os.path.join(HERE, "sipp", "call.xml"), "-i", topology.CALLERS, "-p", "5060",
            f"{topology.PBX_CALLERS}:5060", "-r", str(rate), "-rp", "1000", "-l", "2000", "-nostdin",
            "-trace_stat", "-fd", "1", "-stf", self.statistics, "-trace_rtt", "-rtt_freq", "1", cwd=self.run)

    def stop(self):
        self.programs.stop("callers")

    def now(self):
        """The last line of the statistics, as numbers, or None before there is one; SIPp writes one a second."""
        try:
            with open(self.statistics, newline="") as f:
                lines = f.read().splitlines()
        except OSError:
            return None
        if len(lines) < 2:
            return None
        header, last = (next(csv.reader([line], delimiter=";")) for line in (lines[0], lines[-1]))
        if len(last) < len(header) - 1:
            return None  # being written
        row = dict(zip(header, last))
        return {name: int(row[column]) for name, column in self.COLUMNS.items()} | {"setups": len(self._setups())}

    def mark(self):
        """Statistics that are not older than this call."""
        before = self._size()
        until = time.monotonic() + 3
        while self._size() == before and time.monotonic() < until:
            time.sleep(0.02)
        return self.now()

    def _size(self):
        try:
            return os.stat(self.statistics).st_size
        except OSError:
            return 0

    def between(self, begin, end):
        """The tally of two marks. Calls still ringing at the second mark are in nobody's figures yet: leave them time."""
        d = {name: end[name] - begin[name] for name in self.COLUMNS}
        return Tally(tried=d["tried"], answered=d["answered"], failed=d["failed"] + d["cut"], cut=d["cut"],
                     worst_setup_s=max(self._setups()[begin["setups"]:end["setups"]], default=0.0))

    def _setups(self):
        """INVITE -> 200 of every answered call, in seconds, in the order of the answers."""
        for name in glob.glob(os.path.join(self.run, "call_*_rtt.csv")):
            with open(name) as f:
                whole = f.read().rpartition("\n")[0]
            return [float(line.split(";")[1]) / 1000 for line in whole.splitlines()[1:]]
        return []
