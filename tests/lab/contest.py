"""Who plays which act when: several sites at the same time, all contestants in the same rounds.

The first process hands out jobs and hears what became of them; each worker is a process of its own with sites of its own. A worker that
ends without a word is a failure of the bench, never a figure.
"""
import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback

import kernel
from acts import ACTS, FAILBACK, FAILBACK_AFTER, OURS, Sites
from cage import Stopped

# A peer that has not moved in so many runs, and never did, is not asked again: its cell says how often it was asked.
NEVER_AFTER = 5


class Rounds:
    """The jobs in their order: run by run, act by act, contestant by contestant. Pure."""

    def __init__(self, contestants, acts, runs):
        self.failback = FAILBACK.key in acts
        played = [a for a in ACTS if ACTS[a].command and (a in acts or self.failback and a == FAILBACK_AFTER)]
        self.waiting = [{"contestant": c, "act": a, "run": run, "failback": self.failback and a == FAILBACK_AFTER}
                        for run in range(1, runs + 1) for a in played for c in contestants if c == OURS or ACTS[a].plane == "routing"]
        self.asked_in_vain = {}
        self.given = 0

    def closed(self, job):
        return self.asked_in_vain.get((job["contestant"], job["act"]), 0) >= NEVER_AFTER

    def next(self, ours):
        """The next job for a worker of ours or of the peers, or None when there is none."""
        self.waiting = [job for job in self.waiting if not self.closed(job)]
        job = next((job for job in self.waiting if (job["contestant"] == OURS) == ours), None)
        if job:
            self.waiting.remove(job)
            self.given += 1
        return job

    def heard(self, job, results):
        moved = any(r["act"] == job["act"] and r["seconds"] is not None for r in results)
        key = (job["contestant"], job["act"])
        if job["contestant"] == OURS:
            return
        # One that has moved once is asked to the end.
        self.asked_in_vain[key] = -sys.maxsize if moved else self.asked_in_vain.get(key, 0) + 1

    @property
    def left(self):
        return sum(not self.closed(job) for job in self.waiting)


class Worker:
    def __init__(self, ours, run, build, make_sites):
        self.ours, self.job = ours, None
        here, there = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            here.close()
            _work(there, run, build, make_sites)
        there.close()
        self.channel, self.lines = here, here.makefile("rw")

    def give(self, job):
        self.job = job
        self.lines.write(json.dumps(job) + "\n")
        self.lines.flush()

    def hears(self):
        line = self.lines.readline()
        return json.loads(line) if line else {"results": [], "ended": True, "error": "a site of the bench ended without a word; its output is above"}

    def end(self):
        with contextlib.suppress(OSError):
            self.lines.close()
            self.channel.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _work(channel, run, build, make_sites):
    """A worker's life: it ends with its parent."""
    try:
        kernel.die_with_parent(signal.SIGKILL)
        lines, sites = channel.makefile("rw"), make_sites(run, build)
        while line := lines.readline():
            lines.write(json.dumps(sites.play(json.loads(line))) + "\n")
            lines.flush()
    except Stopped:
        pass
    except BaseException:  # noqa: a fork never returns into its parent's frames
        traceback.print_exc()
    os._exit(1)


def play(run, build, rounds, own_sites, peer_sites, told, make_sites=Sites):
    """Plays all jobs; told(job, answer) hears of each. A job that fails is played once more, in another round."""
    workers = [Worker(ours, run, build, make_sites) for ours, count in ((True, own_sites), (False, peer_sites)) for _ in range(count)]
    again = set()
    with selectors.DefaultSelector() as selector:
        def give(worker):
            job = rounds.next(worker.ours)
            if job:
                worker.give(job)
                selector.register(worker.channel, selectors.EVENT_READ, worker)
            else:
                worker.job = None
        for worker in workers:
            give(worker)
        while any(worker.job for worker in workers):
            for key, _ in selector.select():
                worker, job = key.data, key.data.job
                selector.unregister(worker.channel)
                answer = worker.hears()
                name = (job["contestant"], job["act"], job["run"])
                if answer.get("error") and name not in again:
                    again.add(name)
                    rounds.waiting.append(job)
                    answer["again"] = True
                else:
                    rounds.heard(job, answer["results"])
                told(job, answer)
                if answer.get("ended"):
                    workers.remove(worker)
                    worker.end()
                    worker = Worker(worker.ours, run, build, make_sites)
                    workers.append(worker)
                give(worker)
    for worker in workers:
        worker.end()
