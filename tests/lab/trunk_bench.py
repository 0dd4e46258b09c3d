"""./dev bench trunks: carriers that misbehave, and what becomes of ten calls a second through a real Kamailio: with Linekeeper, and with Kamailio's own
dispatcher at its best, in the same run. Failed calls, post-dial delay, how long until the order was another one and how often it changed, against a
budget; a table for the README.

  lab.py bench-trunks                                 all acts, 5 runs: about a quarter of an hour
  lab.py bench-trunks --acts silent,calls-503         only these
  lab.py bench-trunks --quick                         one run of the most telling ones: two minutes
  lab.py bench-trunks --write .                       renews the table in README.md (only after a whole bench)
"""
import argparse
import json
import os
import shutil
import sys
import time

import cage
import contest
import figures
import trunk_figures
from acts import OURS
from bench import machine, named
from terminal import Terminal
from trunk_acts import ACTS, AFTER_S, CALLS_PER_S, DISPATCHER, RINGS_WITHIN_MS, TrunkSites
from world import TOP

CONTESTANTS = ((OURS, "**Linekeeper**"), (DISPATCHER, "dispatcher alone"))
BUDGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trunk_budget.toml")
TLS_MODULE = "/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so"
QUICK = ("silent", "503", "calls-503", "calls-slow", "flapping", "one-circuit")


def add_arguments(parser):
    parser.description, parser.formatter_class = __doc__, argparse.RawDescriptionHelpFormatter
    parser.add_argument("acts_named", nargs="*", metavar="ACT", help=f"the same as --acts; acts: {', '.join(ACTS)}")
    parser.add_argument("--acts", metavar="A,B", help="only these")
    parser.add_argument("--runs", type=int, help="of each act by each contestant (5)")
    parser.add_argument("--quick", action="store_true", help=f"one run of {', '.join(QUICK)}")
    parser.add_argument("--sites", type=int, default=6, help="so many sites of each contestant at the same time (6)")
    parser.add_argument("--alone", action="store_true", help="Linekeeper without the dispatcher beside it")
    parser.add_argument("--budget", metavar="FILE", default=BUDGET)
    parser.add_argument("--json", metavar="FILE", help="each result as a line")
    parser.add_argument("--table", metavar="FILE", help="the Markdown table; default: standard output")
    parser.add_argument("--write", metavar="DIR", help="renews the table of DIR/README.md, when everything was run")


class Rounds:
    """The jobs in their order: run by run, act by act, contestant by contestant. Pure."""

    def __init__(self, contestants, acts, runs):
        self.waiting = [{"contestant": c, "act": act, "run": run} for run in range(1, runs + 1) for act in acts for c in contestants]

    def next(self, ours):
        job = next((job for job in self.waiting if (job["contestant"] == OURS) == ours), None)
        if job:
            self.waiting.remove(job)
        return job

    def heard(self, job, results):
        """Everybody is asked to the end."""

    @property
    def left(self):
        return len(self.waiting)


class TrunkBench:
    """One bench: what was asked for, what has come in, and what is said of it."""

    def __init__(self, arguments):
        self.a, self.t = arguments, Terminal(sys.stderr)
        acts = named(arguments.acts, ACTS, "act") + named(",".join(arguments.acts_named), ACTS, "act")
        self.acts = [ACTS[key] for key in ACTS if key in (acts or (QUICK if arguments.quick else ACTS))]
        self.runs = arguments.runs if arguments.runs is not None else 1 if arguments.quick else 5
        self.contestants = CONTESTANTS[:1] if arguments.alone else CONTESTANTS
        if min(self.runs, arguments.sites) < 1:
            raise SystemExit("lab: --runs and --sites are 1 at the least")
        if arguments.write and (len(self.acts) < len(ACTS) or arguments.alone):
            raise SystemExit("lab: --write needs all acts and both contestants: the table of the README is one comparison, made at one time")
        if any(act.tls for act in self.acts) and not (os.path.exists(TLS_MODULE) and shutil.which("openssl")):
            raise SystemExit("lab: missing packages: kamailio-tls-modules openssl (apt-get install them, run ./dev bench trunks, which does, or leave the acts of "
                             f"TLS out: --acts {','.join(act.key for act in self.acts if not act.tls)})")
        self.results, self.errors, self.done = [], [], 0
        self.out = open(arguments.json, "w") if arguments.json else None
        try:
            with open(arguments.budget) as f:
                self.budget = trunk_figures.read_budget(f.read(), arguments.budget, list(ACTS))
            if arguments.write:
                self._written("")  # before a quarter of an hour has gone by
        except (OSError, figures.BadBudget, figures.BadMarkers) as error:
            raise SystemExit(f"lab: {error}") from error

    def play(self, run):
        rounds = Rounds([key for key, _ in self.contestants], [act.key for act in self.acts], self.runs)
        begun = time.monotonic()

        def told(job, answer):
            self.done += 1
            for result in answer["results"]:
                self.results.append(result)
                if self.out:
                    print(json.dumps(result), file=self.out, flush=True)
            self._progress(job, answer, rounds.left, time.monotonic() - begun)
        contest.play(run, self.a.build, rounds, self.a.sites, 0 if self.a.alone else self.a.sites, told, TrunkSites)

    def _progress(self, job, answer, left, seconds):
        said = "; ".join(f"failed {trunk_figures.failed_cell([r])}, delay {trunk_figures.delay_cell([r])} s, led away after "
                         f"{trunk_figures.left_cell([r], ACTS[r['act']].changes)} s, {r['changes']} change{'' if r['changes'] == 1 else 's'}" for r in answer["results"])
        if answer.get("error"):
            said += self.t.bad("once more: " if answer.get("again") else "not as expected: ") + answer["error"]
            if not answer.get("again"):
                self.errors.append(f"{job['contestant']}, {ACTS[job['act']].title}, run {job['run']}: {answer['error']}")
        self.t.line(f" {int(seconds // 60):3}:{int(seconds % 60):02}  {self.done:4} done, {left:4} to do  run {job['run']:<2} "
                    f"{job['contestant']:<11}{job['act']:<15}{said}")

    def block(self):
        """What stands between the markers."""
        parts = [f"Measured on {machine()}, everything in one run of `./dev bench trunks`.", trunk_figures.table(self.results, self.acts, self.contestants), WORDS]
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _written(self, block):
        path = os.path.join(self.a.write, "README.md")
        with open(path) as f:
            text = figures.written_between(f.read(), block, path, trunk_figures.MARKERS)
        if block:
            with open(path, "w") as f:
                f.write(text)

    def close(self):
        """Table and verdict; returns the exit status."""
        t, block = self.t, self.block()
        if self.a.table:
            with open(self.a.table, "w") as f:
                f.write(block)
        print("\n" + block, flush=True)
        exceeded = trunk_figures.over_budget([r for r in self.results if r["contestant"] == OURS], self.budget, self.acts)
        limits = os.path.relpath(self.a.budget, TOP)
        for text in self.errors:
            t.wrapped(t.bad("not as expected: ") + text)
        for text in exceeded:
            t.wrapped(t.bad("over budget: ") + text + f". Limits: {limits}")
        if self.a.write and not self.errors:
            self._written(block)
            t.line(f" renewed: {os.path.join(self.a.write, 'README.md')}")
        elif self.a.write:
            t.line(" README.md stays as it was: not everything was measured")
        if not exceeded and not self.errors:
            t.line(t.good(" within the budget") + f" ({limits})")
        return 1 if exceeded or self.errors else 0


WORDS = f"""\
{CALLS_PER_S} calls a second by two carriers through two circuits; north, which is preferred, begins to misbehave as the line says and does not stop for {AFTER_S} s (15 s where
nothing is to move). *Failed* is a call placed in that time that was not answered; in brackets: calls that were up, or were being set up at that very moment, when their line died
with them. *Post-dial delay*: from the INVITE to the first 180, 183 or 200, over all calls of all runs; one that never rang is endless. *Led away*: until the PBX put a way first by
which calls pass; *order changes*: how often another way stood first, in the least and the worst run. Both have the same PBX (`kamailio.sample.cfg`), the same order to begin with, fail over on 5xx, 408 and 403, after 1.5 s
without any answer and after {RINGS_WITHIN_MS / 1000:g} s without ringing (`LK_RINGS_WITHIN`, which you would set far higher), and ask north each second. Linekeeper: `carriers/trunks/kamailio/linekeeper.cfg`
with calls as witnesses. The dispatcher alone: all destinations asked each second, out after one miss, back after five answers, what fails in a call is marked at once,
any sign of life counts as life, each circuit's address routed by its circuit (`tests/lab/pbx/dispatcher_alone.cfg`). Kamailio does not compare the name in a carrier's certificate
with whom it calls: to it the certificate of somebody else is as good as any. Not in the table: several SRV targets, dead resolvers and forged answers."""


def bench(arguments):
    from lab import check_tools, find_or_exit
    this = TrunkBench(arguments)
    check_tools()
    find_or_exit(arguments.build)

    def work(run, _kept):
        try:
            this.play(run)
        except cage.Stopped:
            this.t.line("\n" + this.t.dim(f" stopped after {this.done} plays; nothing is left behind, and no table is written"))
            return 130
        return this.close()
    return cage.run_inside(work)
