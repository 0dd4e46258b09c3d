"""Somebody who asks us in SIP, again and again, and writes down what he is answered: SIPp (sipp/asker.xml, sipp/redirected.xml)."""
import os
import time

import kernel
from world import HERE

RATE = 3  # a second


class _Sipp:
    def __init__(self, stage, name, node, own, to, scenario):
        self.log = os.path.join(stage.world.run, f"{name}.answers")
        stage.world.programs.start(
            name, stage.net[node], "sipp", "-sf", os.path.join(HERE, "sipp", scenario), "-i", own[0], "-p", str(own[1]), f"{to[0]}:{to[1]}",
            "-r", str(RATE), "-rp", "1000", "-l", "100", "-nostdin", "-trace_logs", "-log_file", self.log, cwd=stage.world.run)

    def _lines(self):
        """(boot clock in ns, what was logged), oldest first. SIPp writes the wall clock."""
        boot_less_wall = kernel.boot_ns() - time.time_ns()
        try:
            with open(self.log) as f:
                lines = f.read().split("\n")[:-1]  # the last one may be being written
        except OSError:
            return []
        words = [line.rpartition("\t")[2].partition(" ") for line in lines if line]
        return [(int(at.replace(".", "")) * 1000 + boot_less_wall, " ".join(word.split())) for at, _, word in words]


class Asker(_Sipp):
    """Asks by OPTIONS. An answer is "200", "503", "503 Retry-After 60", or "silent" when there was none within a second."""

    def __init__(self, stage, name, node, own, to):
        super().__init__(stage, name, node, own, to, "asker.xml")

    def answers(self):
        return [(at, word.removesuffix(" Retry-After")) for at, word in self._lines()]  # the field was not there

    def last(self):
        answers = self.answers()
        return answers[-1][1] if answers else None


class Redirected(_Sipp):
    """Calls, and is sent on: its answers are the hosts and ports of the Contacts, in their order."""

    def __init__(self, stage, name, node, own, to):
        super().__init__(stage, name, node, own, to, "redirected.xml")

    def last(self):
        lines = [line for _, line in self._lines() if line != "silent"]
        return lines[-1].split() if lines else None

    def unanswered(self):
        return sum(line == "silent" for _, line in self._lines())
