"""The demo: a story in acts, told on the terminal while it happens."""
import time
from dataclasses import dataclass

from api import boot_ns
from stage import Unexpected
from terminal import seconds


@dataclass(frozen=True)
class Act:
    title: str     # a sentence
    short: str     # for the table
    command: str   # what is done; "" = everything is mended
    plane: str     # the plane whose clock is shown
    to: str        # where it must go
    within_s: float
    then: tuple = ()  # (plane, to): what else must have moved before the next act


STORY = (
    Act("The fiber dies inside the provider's network. The cable and the gateway look healthy.", "fiber black hole",
        "break fiber blackhole", "routing", "coax", 15, ("trunk", "north via coax")),
    Act("The fiber works again. It is gone back to once 168 probes have shown that it is well.", "fiber back",
        "", "routing", "fiber", 60, ("trunk", "north via fiber")),
    Act("Carrier north falls silent: no answer to anything, by either circuit.", "north silent",
        "carrier north silent", "trunk", "south", 30),
    Act("North answers again.", "north back", "", "trunk", "north via fiber", 40),
    Act("North still answers, but with 503: it takes no calls.", "north says 503", "carrier north 503", "trunk", "south", 30),
    Act("North takes calls again.", "north back", "", "trunk", "north via fiber", 40),
    Act("The fiber lives, but loses 30 % of what goes over it: calls would sound bad.", "fiber loses 30 %",
        "break fiber loss 30", "routing", "coax", 20, ("trunk", "north via coax")),
    Act("Someone pulls the coax's cable as well: a line that loses 30 % is better than none.", "coax unplugged too",
        "break coax unplug", "routing", "fiber", 15, ("trunk", "north via fiber")),
)
QUICK = STORY[:4]


class Story:
    def __init__(self, stage, terminal):
        self.stage, self.t, self.told = stage, terminal, []

    def opening(self, acts):
        t = self.t
        t.line()
        t.line(" " + t.bold("Linekeeper: a site that fails over"))
        t.line()
        for text in ("callers ─┐        ┌─ fiber ─ isp-a ─┐             ┌─ north",
                     "         ├─ site ─┤                 ├─ internet ──┤",
                     "pbx ─────┘        └─ coax ── isp-b ─┘             └─ south"):
            t.line("     " + t.dim(text))
        t.line()
        t.wrapped("Real kernel routing, a real Kamailio and real calls, all inside network namespaces of this machine. Two internet "
                  f"circuits, two SIP carriers, five calls a second, {len(acts)} acts. Ctrl-C ends it and leaves nothing behind.")
        t.line()

    def steady(self, up_s):
        t, keeper = self.t, self.stage.keeper
        begun = time.monotonic()
        self.stage.steady(fresh=True)  # finding its ways at start has used up some of the moves that the switch allows
        status = keeper.status()
        t.line(f" {t.good('steady')}  site up in {up_s:.1f} s, everything known and proven {time.monotonic() - begun:.1f} s later")
        for service in status["services"]:
            via = self.stage.way(service["plane"], status)
            t.line(f"         {service['name']:<9} by {via:<16} ways left {service['ways_left']}/{service['ways']}   RTO target {service['rto_target_s']:g} s")

    def play(self, acts):
        """All acts. Returns the number of those that did not go as they should."""
        for number, act in enumerate(acts, 1):
            self.one(number, act)
        return sum(1 for _, timeline in self.told if timeline.problem)

    def one(self, number, act):
        t, stage = self.t, self.stage
        t.line()
        t.line(f" {t.bold(f'{number}  {act.title}')}")
        stage.journal.skip()
        stage.begins_counting_calls()
        fault_ns = stage.does(act.command) if act.command else stage.mends()
        t.line(f"      {seconds(0.0):>8}  {'fault' if act.command else 'mended':<9} {t.dim(act.command or 'mend')}")
        told = set()

        def tell(event):
            """Shows an event of the move as it comes; of what is noticed only the first."""
            kind = _kind(event, act.plane)
            if kind and not (kind == "detected" and kind in told) and boot_ns(event) is not None and boot_ns(event) >= fault_ns:
                told.add(kind)
                t.wrapped(f"{seconds((boot_ns(event) - fault_ns) / 1e9):>8}  {kind:<9} {event['text']}", indent=6, after=26)
        timeline = stage.moves(act.plane, act.to, fault_ns, act.within_s, tell)
        if act.then and not timeline.problem:
            other = stage.moves(*act.then, fault_ns, act.within_s, seen=timeline.events)
            timeline.problem = other.problem
            t.line(f"      {seconds(other.verified_s):>8}  {'and calls':<9} outbound by {other.to}, decided after {seconds(other.decided_s)}")
        calls = stage.counted_calls()
        timeline.tried, timeline.failed, timeline.cut, timeline.worst_setup_s = calls.tried, calls.failed, calls.cut, calls.worst_setup_s
        self.told.append((act, timeline))
        self._summary(act, timeline)

    def _summary(self, act, line):
        t = self.t
        if line.problem:
            t.wrapped(t.bad("did not happen: ") + line.problem, indent=6, after=6)
        else:
            parts = []
            if act.command:
                verdict = t.good("met") if line.met else t.bad("missed")
                parts.append(f"RTO {seconds(line.verified_s)} of {line.target_s:g} s: {verdict}")
                if line.traffic_s is not None:
                    parts.append(f"first packet by {line.to} after {seconds(line.traffic_s)}")
            else:
                parts.append(f"home after {seconds(line.verified_s)}")
            t.line("      " + " · ".join(parts))
        failed = f"{line.failed} failed" if line.failed else "none failed"
        cut = f" ({line.cut} were up when the line died)" if line.cut else ""
        t.line(f"      calls: {line.tried} placed, {t.warn(failed) if line.failed else failed}{cut}, longest set-up {seconds(line.worst_setup_s)}")

    def ending(self):
        t = self.t
        t.line()
        t.rule()
        rows, problems = [], []
        for act, line in self.told:
            if line.problem:
                verdict = ("FAILED", t.bad)
                problems.append(f"{act.short}: {line.problem}")
            elif not act.command:
                verdict = ("home", t.dim)
            else:
                verdict = ("met", t.good) if line.met else ("MISSED", t.bad)
            clocks = ["-" if v is None else f"{v:.2f}" for v in (line.detected_s, line.decided_s, line.applied_s, line.verified_s)]
            rows.append([act.short, line.to, *clocks, f"{line.target_s:g}" if act.command else "", verdict, str(line.tried), str(line.failed)])
        t.table(["ACT", "GOES BY", "DETECTED", "DECIDED", "APPLIED", "VERIFIED", "RTO", "", "CALLS", "LOST"], rows, right=(2, 3, 4, 5, 6, 8, 9))
        for problem in problems:
            t.wrapped(t.bad("did not happen: ") + problem)
        t.line()
        cut = sum(line.cut or 0 for _, line in self.told)
        failed = sum(line.failed or 0 for _, line in self.told)
        tried = sum(line.tried or 0 for _, line in self.told)
        t.wrapped("Seconds from the fault itself, on the lab's clock, not from when Linekeeper noticed it. Detected: the verdict; applied: "
                  "written and read back; verified: answers end to end by the new way. "
                  f"Of {tried} calls {failed} were lost" + (f", {cut} of them because they were in progress on the line that died" if cut else "") +
                  "; new calls found their way past a dead one by the PBX's own retry until the order had moved.")
        t.line()
        return 1 if any(line.problem or (act.command and not line.met) for act, line in self.told) else 0


def _kind(event, plane):
    name = event["id"]
    if name == "circuit.suspect":
        return "suspects"
    if name.split(".")[0] in ("circuit", "carrier", "path") and not name.endswith("unknown"):
        return "detected"
    if name == f"{plane}.moved":
        return "decided"
    if name == f"{plane}.verified":
        return "verified"
    return None


def run_story(stage, terminal, quick=False, up_s=0.0):
    """Plays it all. Returns the exit status: 1 when something did not happen as it should."""
    acts = QUICK if quick else STORY
    story = Story(stage, terminal)
    try:
        story.steady(up_s)
    except Unexpected as error:
        terminal.wrapped(terminal.bad("The site did not become steady: ") + str(error))
        return 1
    story.play(acts)
    return story.ending()
