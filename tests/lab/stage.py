"""What a scenario can say: the site, what is done to it, and what is then expected of it. Used by demo, tests and bench."""
import time
from dataclasses import asdict, dataclass, field

from api import ApiError, Journal, boot_ns
from kernel import boot_ns as now_ns
from keeper import Keeper
from processes import wait_until
from world import World

SUBJECT = {"routing": "voice", "trunk": "outbound"}
# An act is only over when the calls that it hit have been counted: Kamailio gives up on a dead hop after 2.5 s.
SETTLE_S = 3.2
# Longer than a call takes to be set up here. One that is being set up when its line dies is the line's: the carrier has taken it, and its
# answer is lost on the way. No product can tell that from a callee who has not answered yet.
IN_SET_UP_S = 0.05
WINDOW = 50  # decided probes that a circuit's figures are made of


class Unexpected(AssertionError):
    """Something that was to happen did not, or the other way round. The text is a sentence."""


@dataclass
class Timeline:
    """One move, in seconds from the fault on the lab's own clock; None: not seen."""
    plane: str = "routing"
    to: str = ""
    fault_ns: int = 0
    detected_s: float | None = None
    decided_s: float | None = None
    applied_s: float | None = None
    verified_s: float | None = None
    target_s: float | None = None
    traffic_s: float | None = None   # routing: until the first packet that came back by the new circuit, by the lab's own flow
    tried: int | None = None
    failed: int | None = None
    cut: int | None = None
    worst_setup_s: float | None = None
    why: str = ""                    # what the journal said at detection
    moved: str = ""                  # ... and at the decision
    problem: str = ""                # what did not happen
    events: list = field(default_factory=list)

    @property
    def met(self):
        return self.verified_s is not None and self.target_s is not None and self.verified_s <= self.target_s

    def data(self):
        """For a JSON line."""
        d = {k: (round(v, 4) if isinstance(v, float) else v) for k, v in asdict(self).items() if k not in ("events", "fault_ns")}
        return {k: v for k, v in d.items() if v not in (None, "")} | {"met": self.met}


class Stage:
    def __init__(self, run, build, world=None, keeper=Keeper):
        self.world = world or World(run, build)
        self.keeper = keeper(self.world)
        self.faults, self.net = self.world.faults, self.world.net
        self.journal = None
        self.spent = False  # a scenario has taught its circuits something that the next one must not meet: the site is replaced
        self._calls = None

    # Coming and going --------------------------------------------------------------------------------------------------------

    def up(self, calls_per_second=5, linekeeper=True):
        self.world.up(calls_per_second)
        if linekeeper:
            self.keeper.install()
            self.keeper.start_switch()
            self.keeper.start_daemon()
            self.journal = Journal(self.keeper.api)

    def down(self):
        self.world.down()

    def steady(self, within_s=30, fresh=False):
        """The state in which each act begins. Unexpected when it does not come. fresh: and the switch has all its moves left."""
        if fresh:
            self.keeper.forget_moves()
        missing = self.keeper.wait_steady(within_s)
        if missing:
            raise Unexpected(f"no steady state within {within_s} s: {missing}")
        if not wait_until(lambda: self.world.flow.circuit_now() == "fiber", 3):
            raise Unexpected(f"status says steady, but packets go by {self.world.flow.circuit_now()}")
        self.journal.skip()

    # Faults ------------------------------------------------------------------------------------------------------------------

    def does(self, command):
        """A fault by its command; returns when it began on the boot clock."""
        self.faults.command(command.split())
        return self.faults.active[-1].began_ns

    def mends(self, thing=None):
        self.faults.mend(thing)
        return self.faults.mended_ns

    def begins_counting_calls(self):
        self._calls = self.world.callers.mark()

    def counted_calls(self, settle_s=SETTLE_S):
        time.sleep(settle_s)
        return self.world.callers.between(self._calls, self.world.callers.mark())

    def answered(self, calls, cut_off=True):
        """All new calls were answered, but for those that were being set up at the very fault. Returns how many those were.

        cut_off: the fault cuts off what is under way; False: it only refuses what is new, so there is no such excuse.
        """
        fault = self.faults.active[-1]
        begun, done = fault.began_ns - int(IN_SET_UP_S * 1e9), fault.began_ns + fault.took_ns
        caught = [at for at in calls.unanswered if cut_off and begun <= at <= done]
        lost = [at for at in calls.unanswered if at not in caught]
        if lost:
            raise Unexpected(f"{len(lost)} of {calls.tried} new calls were not answered; placed so many seconds after the fault: "
                             + ", ".join(f"{(at - fault.began_ns) / 1e9:.3f}" for at in lost))
        return len(caught)

    # Expectations ------------------------------------------------------------------------------------------------------------

    def way(self, plane, status=None):
        """How a plane goes now: a circuit, or "carrier via circuit"."""
        if plane == "routing":
            return self.keeper.service("voice", status)["via"]
        return " via ".join(map(str, self.keeper.first_way(status)))

    def there(self, plane, to):
        try:
            status = self.keeper.status()
        except ApiError:
            return False
        service = self.keeper.service(SUBJECT[plane], status)
        way = self.way(plane, status)
        return (way == to or plane == "trunk" and way.split(" ")[0] == to) and service["applied"] and service["verified"]

    def moves(self, plane, to, fault_ns, within_s, told=lambda event: None, seen=()):
        """Waits until a plane goes by `to`, applied and verified. Returns its Timeline; what did not happen is in `problem`.

        told: hears each event as it comes.  seen: events of the same fault that were read before, by another plane's move.
        """
        t = Timeline(plane=plane, to=to, fault_ns=fault_ns, target_s=self.keeper.service(SUBJECT[plane])["rto_target_s"], events=list(seen))

        def look():
            for event in self.journal.new():
                t.events.append(event)
                told(event)
            return self.there(plane, to)
        arrived = wait_until(look, max(0.0, within_s - (now_ns() - fault_ns) / 1e9), 0.05)
        for event in self.journal.new():
            t.events.append(event)
            told(event)
        _read_events(t)
        if plane == "routing":
            # An operator hears the gap end when the first packet comes back by the new way.
            wait_until(lambda: self.world.flow.first_by(to, fault_ns) is not None, 1 if arrived else 0)
            t.traffic_s = self.world.flow.first_by(to, fault_ns)
        if not arrived:
            t.problem = self._what_is_instead(plane, to, within_s, t.events)
        elif t.verified_s is None:
            t.problem = f"{SUBJECT[plane]} goes by {to}, but the journal has no {plane}.verified"
        return t

    def _what_is_instead(self, plane, to, within_s, events):
        """A sentence about a move that did not come."""
        try:
            status = self.keeper.status()
        except ApiError as error:
            return f"{within_s:g} s after the fault {error}"
        service, way = self.keeper.service(SUBJECT[plane], status), self.way(plane, status)
        if way != to and not str(way).startswith(f"{to} via"):
            return f"{SUBJECT[plane]} goes by {way}, not {to}, {within_s:g} s after the fault: {service['reason']}"
        refused = next((e["text"] for e in reversed(events) if e["id"] in ("plan.refused", "plan.failed", "verify.failed")), "")
        missing = "not carried out" if not service["applied"] else "not verified"
        return f"{SUBJECT[plane]} is to go by {way}, and that is {missing} {within_s:g} s after the fault: {refused or service.get('detail', '')}"

    def must_move(self, plane, to, fault_ns, within_s):
        t = self.moves(plane, to, fault_ns, within_s)
        if t.problem:
            raise Unexpected(t.problem)
        return t

    def accounted(self, t):
        """The move is in the books: an incident whose RTO clock agrees with the lab's. It counts from the last good probe, so it
        may say more than the lab by a probe's interval, and never less."""
        incident = next((i for i in self.keeper.status()["incidents"] if i["subject"] == SUBJECT[t.plane] and i["rto_s"] is not None), None)
        if not incident or not any(e["id"] == "incident.opened" and SUBJECT[t.plane] in e["text"] for e in t.events):
            raise Unexpected(f"{SUBJECT[t.plane]} was hit and moved, and no incident was opened and closed: its outage is not accounted. "
                             f"The journal says of the move: {t.moved}")
        if not t.verified_s - 0.05 <= incident["rto_s"] <= t.verified_s + 1.5:
            raise Unexpected(f"the incident says {incident['rto_s']:.2f} s, the lab's clock {t.verified_s:.2f} s")
        return incident

    def nothing_moves(self, seconds, planes=("routing", "trunk"), meanwhile=lambda: None):
        """Watches for a while; Unexpected when the journal tells of a move. Returns the events."""
        begun, seen = time.monotonic(), []
        while time.monotonic() < begun + seconds:
            meanwhile()
            seen += self.journal.new()
            for event in seen:
                if event["id"] in [f"{plane}.moved" for plane in planes]:
                    raise Unexpected(f"moved although nothing should, after {time.monotonic() - begun:.0f} s: {event['text']}")
            time.sleep(0.1)
        return seen

    def warm(self, circuit="fiber", within_s=40):
        """Until the windows of its detectors are full: an empty one flatters, for in it a few losses are many."""
        if not wait_until(lambda: self.keeper.circuit(circuit)["samples"] >= WINDOW, within_s):
            raise Unexpected(f"no {WINDOW} samples of {circuit} within {within_s} s")
        self.journal.skip()

    def diagnosed(self, failed, about, within_s, seen=(), **status):
        """Waits for the name of what has failed, as the journal and the status tell it. Returns the event."""
        events = list(seen)

        def look():
            events.extend(self.journal.new())
            return next((e for e in events if e["id"] == "diagnosis.made" and e["fields"]["failed"] == failed and about in e["subject"]), None)
        event = wait_until(look, within_s)
        if not event:
            made = [f"{e['fields']['failed']} ({e['text']})" for e in events if e["id"] == "diagnosis.made"]
            raise Unexpected(f"{about or 'this'} was not diagnosed as {failed} within {within_s} s; the diagnoses were: {'; '.join(made) or 'none'}")
        return event

    def sees(self, event_id, within_s, containing="", seen=()):
        """Waits for an event; returns it."""
        events = list(seen)

        def look():
            events.extend(self.journal.new())
            return next((e for e in events if e["id"] == event_id and containing in e["text"] + e["subject"]), None)
        event = wait_until(look, within_s, 0.05)
        if not event:
            raise Unexpected(f"no event {event_id}{' about ' + containing if containing else ''} within {within_s} s; "
                             f"there were: {', '.join(e['id'] for e in events) or 'none'}")
        return event


def _read_events(t):
    """The clocks of an act, from the journal's own boot-clock stamps."""
    subject = SUBJECT[t.plane]

    def at(event):
        return (boot_ns(event) - t.fault_ns) / 1e9

    timed = sorted((e for e in t.events if boot_ns(e) is not None and boot_ns(e) >= t.fault_ns), key=boot_ns)
    # Suspicion leads new calls elsewhere; routes go by the verdict alone.
    silent = ("unknown",) if t.plane == "trunk" else ("unknown", "suspect", "cleared")
    noticed = next((e for e in timed if e["id"].split(".")[0] in ("circuit", "path", "carrier") and not e["id"].endswith(silent)), None)
    # The last move is the one that counts: a carrier that falls silent is first left by one circuit, then by the other.
    decided = next((e for e in reversed(timed) if e["id"] == f"{t.plane}.moved" and subject in e["subject"] + e["text"]), None)
    if noticed:
        t.detected_s, t.why = at(noticed), noticed["text"]
    if not decided:
        return
    t.decided_s, t.moved = at(decided), decided["text"]
    later = [e for e in timed if boot_ns(e) >= boot_ns(decided)]
    applied = [e for e in later if e["id"] == "plan.applied"]
    own = [e for e in applied if subject in e["subject"] + e["text"]] or applied
    verified = next((e for e in later if e["id"] == f"{t.plane}.verified" and subject in e["subject"] + e["text"]), None)
    if own:
        t.applied_s = at(own[0])
    if verified:
        t.verified_s = at(verified)
