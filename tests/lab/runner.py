"""Runs the lab tests: several sites at the same time, each scenario from a verified steady state, a new site for one that was left
in ruins or on its way home (coming home takes half a minute of clean probes, a new site two seconds)."""
import fcntl
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections import Counter

import cage
import kernel
import scenarios
from netns import CommandFailed
from rpc import RpcError
from stage import Stage, Unexpected
from terminal import Terminal
from world import ARTEFACTS, SetUpFailed


class Notes:
    """Where a scenario leaves its figures: JSON lines on standard output, and in the file of --json."""

    def __init__(self, path):
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644) if path else None
        self.scenario, self.lines = "", []

    def __call__(self, timeline=None, **figures):
        line = json.dumps({"scenario": self.scenario} | (timeline.data() if timeline else {}) | figures, ensure_ascii=False)
        self.lines.append(f"        {line}")
        if self.file is not None:
            os.write(self.file, f"{line}\n".encode())  # one write: the sites share the file


def all_scenarios():
    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"scenarios.{module.name}")
    return scenarios.REGISTRY


def chosen(names):
    everything = all_scenarios()
    if not names:
        return everything
    exact = {s.name for s in everything}
    found = [s for s in everything if s.name in names or any(name in s.name for name in names if name not in exact)]
    unknown = [name for name in names if not any(name in s.name for s in everything)]
    if unknown:
        raise SystemExit(f"lab: no scenario is called {', '.join(unknown)}; lab.py test --list shows them")
    return found


class Site:
    """One site after the other, in a process of its own; takes the next scenario when it is done with one."""

    def __init__(self, run, build, terminal, notes, tell):
        self.run, self.build, self.t, self.notes, self.tell = run, build, terminal, notes, tell
        self.stage, self.sites = None, 0
        self.lines = []

    def up(self):
        """A site in its steady state; a new one when there is none."""
        if self.stage is None:
            self.sites += 1
            place = os.path.join(self.run, f"site-{os.getpid()}-{self.sites}")
            os.mkdir(place, 0o755)
            begun = time.monotonic()
            self.stage = Stage(place, self.build)
            self.stage.up(5)
            self.stage.steady()
            self.notes.scenario = "site-up"
            self.notes(up_to_steady_s=round(time.monotonic() - begun, 3))
        return self.stage

    def clear_away(self):
        if self.stage:
            stage, self.stage = self.stage, None
            stage.down()

    def one(self, scenario):
        begun = time.monotonic()
        self.lines = []
        try:
            stage = self.up()
            stage.steady()
            self.notes.scenario, self.notes.lines = scenario.name, []
            scenario.function(stage, self.notes)
            verdict, text = "ok", ""
        except scenarios.Skip as reason:
            verdict, text = "skip", str(reason)
        except (Unexpected, AssertionError, SetUpFailed, CommandFailed, RpcError) as error:
            verdict, text = "FAIL", str(error)
        except Exception:  # a mistake in the lab: show where, and go on with the others
            verdict, text = "FAIL", traceback.format_exc()
        took = time.monotonic() - begun
        if verdict == "FAIL":
            self._keep_logs(scenario)
        self._tidy()
        mark = {"ok": self.t.good, "skip": self.t.warn, "FAIL": self.t.bad}[verdict](f"{verdict:<4}")
        self.tell(scenario, verdict, [f" {mark}  {scenario.name}: {scenario.sentence}  {self.t.dim(f'{took:.1f} s')}", *self.notes.lines,
                                      *(f"        {line}" for line in text.splitlines()), *self.lines])

    def _keep_logs(self, scenario):
        if not self.stage:
            return
        folder = os.path.join(ARTEFACTS, "lab-logs", scenario.name)
        os.makedirs(folder, exist_ok=True)
        for log in self.stage.world.logs():
            with open(log, "rb") as source, open(os.path.join(folder, os.path.basename(log)), "wb") as target:
                target.write(source.read())
        for what, path, query in (("journal", "/api/v1/events", {"limit": 1000}), ("status", "/api/v1/status", {})):
            try:
                with open(os.path.join(folder, f"{what}.json"), "w") as f:
                    json.dump(self.stage.keeper.api.get(path, **query), f, indent=1, ensure_ascii=False)
            except Exception as error:  # the daemon may be what is broken
                self.lines.append(f"        (no {what}: {error})")
        self.lines.append(f"        logs: {folder}")

    def _tidy(self):
        """Mends everything and looks for programs that are gone. A site that has work to do before it is steady is replaced."""
        if not self.stage:
            return
        try:
            self.stage.faults.mend()
            gone = [p for p in self.stage.world.programs.died()]
            if gone:
                self.lines.append(f"        {', '.join(f'{p.name} has ended' for p in gone)}")
            if not gone and not self.stage.keeper.wait_steady(1):
                return self.stage.keeper.forget_moves()  # a scenario must not meet the limit that others have used up
        except (SetUpFailed, CommandFailed, RpcError, OSError) as error:
            self.lines.append(f"        the site is replaced: {error}")
        self.clear_away()


class Suite:
    """The scenarios, the sites that play them, and what became of each."""

    def __init__(self, run, arguments, terminal, notes):
        self.run, self.build, self.t, self.notes = run, arguments.build, terminal, notes
        self.verdicts = []  # (name, verdict)

    def play(self, selected, sites):
        """The longest first, so that the sites end together."""
        queue = sorted(selected, key=lambda s: -s.seconds)[:256]  # as many as a byte can count
        next_read, next_write = os.pipe()  # a byte is taken by one reader only: that is the whole queue
        os.write(next_write, bytes(range(len(queue))))
        os.close(next_write)
        news_read, news_write = os.pipe()
        workers = [self._site(queue, next_read, news_read, news_write) for _ in range(min(sites, len(queue)))]
        os.close(next_read)
        os.close(news_write)
        with open(news_read) as news:
            for line in news:
                told = json.loads(line)
                self.verdicts.append((told["name"], told["verdict"]))
        for worker in workers:
            os.waitpid(worker, 0)

    def _site(self, queue, next_read, news_read, news_write):
        pid = os.fork()
        if pid:
            return pid
        try:
            kernel.die_with_parent(signal.SIGKILL)
            os.close(news_read)
            lock = open(os.path.join(self.run, "output"), "w")

            def tell(scenario, verdict, lines):
                fcntl.flock(lock, fcntl.LOCK_EX)
                for line in lines:
                    self.t.line(line)
                fcntl.flock(lock, fcntl.LOCK_UN)
                os.write(news_write, (json.dumps({"name": scenario.name, "verdict": verdict}) + "\n").encode())
            site = Site(self.run, self.build, self.t, self.notes, tell)
            try:
                while number := os.read(next_read, 1):
                    site.one(queue[number[0]])
            finally:
                site.clear_away()
            os._exit(0)
        except cage.Stopped:
            os._exit(0)
        except BaseException:  # noqa: a fork never returns into its parent's frames
            traceback.print_exc()
        os._exit(1)


def test(arguments):
    terminal = Terminal()
    if arguments.list:
        for s in all_scenarios():
            terminal.line(f"{s.name:<28} {s.sentence}")
        return 0
    from lab import check_tools, find_or_exit
    selected = chosen(arguments.names) * arguments.repeat
    check_tools()
    find_or_exit(arguments.build)
    notes = Notes(arguments.json)

    def work(run, _kept):
        suite = Suite(run, arguments, terminal, notes)
        begun = time.monotonic()
        try:
            suite.play(selected, arguments.sites)
        except cage.Stopped:
            terminal.line("stopped")
            return 130
        by = {verdict: [name for name, v in suite.verdicts if v == verdict] for verdict in ("ok", "FAIL", "skip")}
        lost = list((Counter(s.name for s in selected) - Counter(name for name, _ in suite.verdicts)).elements())
        terminal.line()
        terminal.line(terminal.dim(f" {time.monotonic() - begun:.0f} s, {arguments.sites} sites at the same time"
                                   + (f"; failed: {', '.join(by['FAIL'])}" if by["FAIL"] else "")
                                   + (f"; not played: {', '.join(lost)}" if lost else "")))
        terminal.line(f"{len(by['ok'])} passed, {len(by['FAIL']) + len(lost)} failed, {len(by['skip'])} skipped")
        return 1 if by["FAIL"] or lost else 0
    sys.stdout.flush()
    return cage.run_inside(work)
