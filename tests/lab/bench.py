"""./dev bench: how long a failover takes, from the fault to the first packet by the other circuit, on the lab's clock: Linekeeper's, and
others' beside it in the same run. Median and p99 against a budget; tables for the README.

  lab.py bench                                  all acts, all contestants, 30 runs: about 40 minutes
  lab.py bench --acts gateway,loss --peers bfd  only these; --peers none: Linekeeper alone
  lab.py bench --write .                        renews the tables in README.md (only after a whole bench)
"""
import json
import os
import sys
import time

import cage
import contest
import figures
from acts import ACTS, AWAY_S, CARRIERS, COMPARED, OURS
from flow import EVERY_S
from peers import PEERS
from processes import one_user_only
from terminal import Terminal
from world import TOP

TITLES = {key: act.title for key, act in ACTS.items()}
CONTESTANTS = ((OURS, "**Linekeeper**"), *((key, peer.title) for key, peer in PEERS.items()))
BUDGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "budget.toml")


def add_arguments(parser):
    parser.add_argument("acts_named", nargs="*", metavar="ACT", help=f"the same as --acts; acts: {', '.join(ACTS)}")
    parser.add_argument("--acts", metavar="A,B", help="only these")
    parser.add_argument("--peers", metavar="P,Q", help=f"only these beside Linekeeper, or 'none': {', '.join(PEERS)}")
    parser.add_argument("--runs", type=int, default=30, help="of each act by each contestant (30)")
    parser.add_argument("--sites", type=int, default=4, help="so many sites with Linekeeper at the same time (4)")
    parser.add_argument("--peer-sites", type=int, default=12, help="so many sites of peers beside them (12)")
    parser.add_argument("--budget", metavar="FILE", default=BUDGET)
    parser.add_argument("--json", metavar="FILE", help="each result as a line")
    parser.add_argument("--table", metavar="FILE", help="the Markdown tables; default: standard output")
    parser.add_argument("--write", metavar="DIR", help="renews the tables of DIR/README.md, when everything was run")


def named(text, known, what):
    """Names separated by commas; SystemExit for one that is not known."""
    names = [name for name in (text or "").split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"lab: no {what} is called {', '.join(unknown)}; there are: {', '.join(known)}")
    return names


def machine():
    """Its kind, which is what the figures depend on; not which one, and not when."""
    model = ""
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), os.uname().machine)
    return f"{os.cpu_count()} cores ({model}), Linux {'.'.join(os.uname().release.split('.')[:2])}"


class Bench:
    """One bench: what was asked for, what has come in, and what is said of it."""

    def __init__(self, arguments):
        self.a, self.t = arguments, Terminal(sys.stderr)
        acts = named(arguments.acts, ACTS, "act") + named(",".join(arguments.acts_named), ACTS, "act")
        self.acts = acts or list(ACTS)
        self.peers = [] if arguments.peers == "none" else named(arguments.peers, PEERS, "peer") or list(PEERS)
        self.whole = set(self.acts) == set(ACTS) and set(self.peers) == set(PEERS)
        if min(arguments.runs, arguments.sites, arguments.peer_sites) < 1:
            raise SystemExit("lab: --runs, --sites and --peer-sites are 1 at the least")
        if arguments.write and not self.whole:
            raise SystemExit("lab: --write needs all acts and all peers: a table of the README is one comparison, made at one time")
        self.results, self.errors, self.done = [], [], 0
        self.out = open(arguments.json, "w") if arguments.json else None
        try:
            with open(arguments.budget) as f:
                self.budget = figures.read_budget(f.read(), arguments.budget, list(ACTS))
            if arguments.write:
                self._written("")  # before an hour has gone by
        except (OSError, figures.BadBudget, figures.BadMarkers) as error:
            raise SystemExit(f"lab: {error}") from error

    def check_peers(self):
        missing = set().union(*(PEERS[key].missing() for key in self.peers)) if self.peers else set()
        if missing:
            raise SystemExit(f"lab: missing packages: {' '.join(sorted(missing))} (apt-get install them, run ./dev bench, which does, or say --peers none)")

        rootless = os.geteuid() != 0 or one_user_only()
        if needy := [key for key in self.peers if PEERS[key].needs_root and rootless]:
            raise SystemExit(f"lab: {', '.join(needy)} needs root; run it as root, or leave it out: "
                             f"--peers {','.join(key for key in self.peers if key not in needy) or 'none'}")

    def play(self, run):
        rounds = contest.Rounds([OURS, *self.peers], self.acts, self.a.runs)
        begun = time.monotonic()

        def told(job, answer):
            self.done += 1
            for result in answer["results"]:
                if result["act"] in self.acts:
                    self.results.append(result)
                    if self.out:
                        print(json.dumps(result), file=self.out, flush=True)
            self._progress(job, answer, rounds.left, time.monotonic() - begun)
        contest.play(run, self.a.build, rounds, self.a.sites, self.a.peer_sites if self.peers else 0, told)

    def _progress(self, job, answer, left, seconds):
        who, t = job["contestant"], self.t
        said = "; ".join(f"{TITLES[r['act']]} {figures.in_seconds(r['seconds'])} s" if r["seconds"] is not None
                         else f"{TITLES[r['act']]}: not moved within {r['waited_s']:g} s" for r in answer["results"])
        for problem in [answer.get("error")] + [r.get("problem") for r in answer["results"]]:
            if problem and not answer.get("again"):
                self.errors.append(f"{who}, {TITLES[job['act']]}, run {job['run']}: {problem}")
            if problem:
                said += f" {t.bad('once more: ' if answer.get('again') else 'not as expected: ')}{problem}"
        t.line(f" {int(seconds // 60):3}:{int(seconds % 60):02}  {self.done:4} done, {left:4} to do  run {job['run']:<3}{who:<13} {said}")

    def block(self):
        """What stands between the markers."""
        shown = [(key, title) for key, title in CONTESTANTS if key == OURS or key in self.peers]
        parts = [f"Measured on {machine()}, everything in one run of `./dev bench`. Up to 100 runs p99 is the worst of them."]
        ours = [r for r in self.results if r["contestant"] == OURS]
        asked = [(act.key, act.title) for act in (*COMPARED, *CARRIERS) if act.key in self.acts]
        if ours:
            parts += ["**Linekeeper**, from the fault to each step:", figures.own_clocks(ours, asked), OWN_WORDS]
        compared = [(act.key, act.title) for act in COMPARED if act.key in self.acts]
        if compared:
            parts += ["**Compared**: from the fault to the first packet that came back by the other circuit, each product in a site of its own on the "
                      "same machine at the same time:", figures.comparison(self.results, compared, shown), COMPARED_WORDS]
            parts.append("\n".join(f"- {PEERS[key].title}: {PEERS[key].how}." for key in self.peers))
        return "\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _written(self, block):
        path = os.path.join(self.a.write, "README.md")
        with open(path) as f:
            text = figures.written_between(f.read(), block, path)
        if block:
            with open(path, "w") as f:
                f.write(text)

    def close(self):
        """Tables and verdict; returns the exit status."""
        t, block = self.t, self.block()
        if self.a.table:
            with open(self.a.table, "w") as f:
                f.write(block)
        print("\n" + block, flush=True)
        exceeded = figures.over_budget([r for r in self.results if r["contestant"] == OURS], self.budget, TITLES)
        for text in self.errors:
            t.wrapped(t.bad("not as expected: ") + text)
        for text in exceeded:
            t.wrapped(t.bad("over budget: ") + text + f". Limits: {os.path.relpath(self.a.budget, TOP)}")
        if self.a.write and not self.errors:
            self._written(block)
            t.line(f" renewed: {os.path.join(self.a.write, 'README.md')}")
        elif self.a.write:
            t.line(" README.md stays as it was: not everything was measured")
        if not exceeded and not self.errors:
            t.line(t.good(" within the budget") + f" ({os.path.relpath(self.a.budget, TOP)})")
        return 1 if exceeded or self.errors else 0


OWN_WORDS = """\
Probing and health as shipped: 5 probes a second, silence means death after 0.65 s on a circuit that has no other trouble; voice as G.711 with the default limits;
carriers are asked each second with two misses (your carrier will allow less: `config check` computes what that means). "New calls led around" is when the PBX had the
order that avoids the circuit: for silence before the verdict, on suspicion. Calls in progress on a line that dies are lost with it; "new calls lost" are those placed
after. Routing is verified by three probes answered through the steering tables; a carrier by reading the PBX's order back and its newest OPTIONS answer through that
circuit, because its etiquette forbids asking at will. Delay is told by the shortest round trip of 20 s, so that full queues are not taken for it."""
COMPARED_WORDS = f"""\
*Black hole*: the line swallows every IP packet, link and ARP are fine. *Gateway dead*: the provider's first router hears nothing, ARP included. *Upstream dead*, *30 % loss*
and *+200 ms* are in the provider's network behind a first router that is well, which is where BFD cannot look. *Failback*: the black hole is mended {AWAY_S} s after the traffic
has left; seconds until it is back, which for us is by intent: 168 clean probes. The witness sends a packet each {EVERY_S * 1000:.0f} ms and sees nothing finer. Faults begin at random
moments of everyone's clocks. *never (5 x 45 s)*: asked so often, waited so long; who never moved in {contest.NEVER_AFTER} runs is not asked again. A run without a move counts as endless.
Who is fast here may be so by moving too easily: what each rule costs in false alarms a year stands in the table of detection rules below. How each is set:"""


def bench(arguments):
    from lab import check_tools, find_or_exit
    this = Bench(arguments)
    check_tools()
    this.check_peers()
    find_or_exit(arguments.build)

    def work(run, _kept):
        try:
            this.play(run)
        except cage.Stopped:
            this.t.line("\n" + this.t.dim(f" stopped after {this.done} acts; nothing is left behind, and no table is written"))
            return 130
        return this.close()
    return cage.run_inside(work)
