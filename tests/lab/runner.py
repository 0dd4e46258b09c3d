"""Runs the lab tests: one site for all of them, each scenario from a verified steady state, a new site when one left ruins."""
import importlib
import json
import os
import pkgutil
import sys
import time
import traceback

import cage
import scenarios
from netns import CommandFailed
from rpc import RpcError
from stage import Stage, Unexpected
from terminal import Terminal
from world import ARTEFACTS, SetUpFailed


class Notes:
    """Where a scenario leaves its figures: JSON lines on standard output, and in the file of --json."""

    def __init__(self, path):
        self.file = open(path, "w") if path else None
        self.scenario = ""

    def __call__(self, timeline=None, **figures):
        line = json.dumps({"scenario": self.scenario} | (timeline.data() if timeline else {}) | figures, ensure_ascii=False)
        print(f"        {line}", flush=True)
        if self.file:
            print(line, file=self.file, flush=True)


def all_scenarios():
    for module in pkgutil.iter_modules(scenarios.__path__):
        importlib.import_module(f"scenarios.{module.name}")
    return scenarios.REGISTRY


def chosen(names):
    everything = all_scenarios()
    if not names:
        return everything
    found = [s for s in everything if any(name in s.name for name in names)]
    unknown = [name for name in names if not any(name in s.name for s in everything)]
    if unknown:
        raise SystemExit(f"lab: no scenario is called {', '.join(unknown)}; lab.py test --list shows them")
    return found


class Run:
    def __init__(self, run, build, terminal, notes):
        self.run, self.build, self.t, self.notes = run, build, terminal, notes
        self.stage, self.sites = None, 0
        self.passed, self.failed, self.skipped = [], [], []

    def site(self):
        """A site in its steady state; a new one when there is none."""
        if self.stage is None:
            self.sites += 1
            place = os.path.join(self.run, f"site-{self.sites}")
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
        try:
            stage = self.site()
            stage.steady()
            self.notes.scenario = scenario.name
            scenario.function(stage, self.notes)
            verdict, text = "ok", ""
        except scenarios.Skip as reason:
            verdict, text = "skip", str(reason)
        except (Unexpected, AssertionError, SetUpFailed, CommandFailed, RpcError) as error:
            verdict, text = "FAIL", str(error)
        except Exception:  # a mistake in the lab: show where, and go on with the others
            verdict, text = "FAIL", traceback.format_exc()
        self._tell(scenario, verdict, text, time.monotonic() - begun)
        if verdict == "FAIL":
            self._keep_logs(scenario)
        self._tidy()

    def _tell(self, scenario, verdict, text, seconds):
        t = self.t
        mark = {"ok": t.good, "skip": t.warn, "FAIL": t.bad}[verdict](f"{verdict:<4}")
        t.line(f" {mark}  {scenario.name}: {scenario.sentence}  {t.dim(f'{seconds:.1f} s')}")
        for line in text.splitlines():
            t.line(f"        {line}")
        {"ok": self.passed, "skip": self.skipped, "FAIL": self.failed}[verdict].append(scenario.name)

    def _keep_logs(self, scenario):
        if not self.stage:
            return
        folder = os.path.join(ARTEFACTS, "lab-logs", scenario.name)
        os.makedirs(folder, exist_ok=True)
        for log in self.stage.world.logs():
            with open(log, "rb") as source, open(os.path.join(folder, os.path.basename(log)), "wb") as target:
                target.write(source.read())
        try:
            with open(os.path.join(folder, "journal.json"), "w") as f:
                json.dump(self.stage.keeper.api.get("/api/v1/events", limit=1000), f, indent=1, ensure_ascii=False)
        except Exception as error:  # the daemon may be what is broken
            self.t.line(f"        (no journal: {error})")
        self.t.line(f"        logs: {folder}")

    def _tidy(self):
        """Mends everything and looks for programs that are gone; a site that does not come back is replaced."""
        if not self.stage:
            return
        try:
            self.stage.faults.mend()
            if self.stage.world.programs["linekeeper-switch"].alive():
                self.stage.keeper.forget_moves()  # or the way home might be one move too many
            gone = self.stage.world.programs.died()
            trouble = ", ".join(f"{p.name} has ended" for p in gone) or self.stage.keeper.wait_steady(40)
        except (SetUpFailed, CommandFailed, RpcError, OSError) as error:
            trouble = str(error)
        if trouble:
            self.t.line(f"        the site is replaced: {trouble}")
            self.clear_away()


def test(arguments):
    terminal = Terminal()
    if arguments.list:
        for s in all_scenarios():
            terminal.line(f"{s.name:<28} {s.sentence}")
        return 0
    from lab import check_tools, find_or_exit
    selected = chosen(arguments.names)
    check_tools()
    find_or_exit(arguments.build)
    notes = Notes(arguments.json)

    def work(run, _kept):
        suite = Run(run, arguments.build, terminal, notes)
        begun = time.monotonic()
        try:
            for scenario in selected:
                suite.one(scenario)
        except cage.Stopped:
            terminal.line("stopped")
            return 130
        finally:
            suite.clear_away()
        terminal.line()
        terminal.line(terminal.dim(f" {time.monotonic() - begun:.0f} s, {suite.sites} site{'s' if suite.sites != 1 else ''}"
                                   + (f"; failed: {', '.join(suite.failed)}" if suite.failed else "")))
        terminal.line(f"{len(suite.passed)} passed, {len(suite.failed)} failed, {len(suite.skipped)} skipped")
        return 1 if suite.failed else 0
    sys.stdout.flush()
    return cage.run_inside(work)
