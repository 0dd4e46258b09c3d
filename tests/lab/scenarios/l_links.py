"""Links that go and come: another interface of the same name, a cable that is touched, a standby that dies while it is not needed."""
import socket
import struct
import threading
import time
from contextlib import contextmanager

import topology
from kernel import boot_ns
from processes import wait_until
from scenarios import scenario
from scenarios.l_addresses import route_out, up_again
from stage import Unexpected

FIBER, COAX = topology.CIRCUITS["fiber"], topology.CIRCUITS["coax"]
EVERY_S, ANSWER_S = 0.02, 1.0


class Stream:
    """Packets of a host on the LAN, numbered: not one may be lost."""

    def __init__(self, stage):
        with stage.net["callers"]:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((topology.CALLERS, 0))
        self.socket.connect((topology.ECHO, topology.ECHO_PORT))
        self.socket.settimeout(0.1)
        self.answered, self.sent = {}, 0

    @contextmanager
    def going_on(self):
        over, done = threading.Event(), threading.Event()

        def send():
            while not over.wait(EVERY_S):
                self.sent += 1
                self.socket.send(struct.pack("<Q", self.sent))

        def hear():
            while not done.is_set():
                try:
                    packet = self.socket.recv(64)
                    self.answered[struct.unpack("<Q", packet[:8])[0]] = packet[8:12]
                except TimeoutError:
                    pass
        threads = [threading.Thread(target=send), threading.Thread(target=hear)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            threads[0].join()
            time.sleep(ANSWER_S)
            done.set()
            threads[1].join()

    def lost(self):
        return [n for n in range(1, self.sent + 1) if n not in self.answered]

    def circuits(self):
        names = {socket.inet_aton(c.public): c.name for c in topology.CIRCUITS.values()}
        return sorted({names.get(public, "?") for public in self.answered.values()})


def number_of(stage, circuit):
    """The ifindex of its interface."""
    return int(stage.net["site"].run("ip", "-o", "link", "show", circuit.interface).split(":")[0])


def sockets_on_no_device(stage):
    """Sockets of the site that are bound to an interface that is gone: ss(8) names them by its number."""
    text = stage.net["site"].run("ss", "-H", "-n", "-a", "-u", "-t", "-w")
    return [line for line in text.splitlines() if "%if" in line]


@scenario("the fiber's interface is deleted and made anew with another number: left at once, measured and routed by the new one, nothing stays on the old", 20)
def interface_recreated(stage, note):
    stage.spent = True
    before = number_of(stage, FIBER)
    fault = stage.does("break fiber gone")
    moved = stage.must_move("routing", "coax", fault, 5)
    note(moved)
    if moved.decided_s > 0.5:
        raise Unexpected(f"left after {moved.decided_s:.2f} s")
    stage.diagnosed("link", "fiber", 3, moved.events)
    mended = stage.mends()
    after = number_of(stage, FIBER)
    if after == before:
        raise Unexpected(f"the new interface has the old number {before}: nothing is shown")
    up_s = up_again(stage, "fiber", mended, 8)
    for words in (("oif", FIBER.interface), ("from", FIBER.address)):
        if route_out(stage, *words) != (FIBER.interface, FIBER.gateway):
            raise Unexpected(f"{' '.join(words)}: by {route_out(stage, *words)}")
    if left := sockets_on_no_device(stage):
        raise Unexpected(f"sockets are bound to the interface that is gone: {left}")
    if not wait_until(lambda: all(p["state"] == "up" for c in stage.keeper.status()["carriers"] for p in c["paths"]), 10):
        raise Unexpected("10 s later the carriers are not known to be up by both circuits")
    note(numbers=[before, after], up_again_s=up_s)
    fault = stage.does("break fiber blackhole")
    down = stage.sees("circuit.down", 4, "fiber")
    note(dead_again=down["text"])


def fell(stage, circuit, fault, within_s):
    """Seconds from a fault until a circuit was called down."""
    stage.sees("circuit.down", within_s, circuit.name)
    return round((boot_ns() - fault) / 1e9, 2)


@scenario("both cables are touched for 0.1 s, and then the providers die behind their gateways: each is noticed as fast as ever", 25)
def flap_then_upstream_cut(stage, note):
    stage.spent = True
    moved = stage.must_move("routing", "coax", stage.does("break fiber flap 0.1"), 5)
    note(moved, act="flap")
    up_s = up_again(stage, "fiber", stage.mends(), 8)
    stage.journal.skip()
    fault = stage.does("break fiber blackhole")
    fiber_s = fell(stage, FIBER, fault, 5)
    stage.mends()
    note(up_again_s=up_s, dead_s=fiber_s)
    if fiber_s > 1.8:
        raise Unexpected(f"after its flap the fiber's death was noticed only after {fiber_s} s")
    # The standby is asked less often, and now it is the one in use: it flaps in its turn, with the fiber down.
    up_again(stage, "fiber", boot_ns(), 10)
    stage.journal.skip()
    stage.does("break coax flap 0.1")
    stage.must_move("routing", "fiber", stage.faults.active[-1].began_ns, 5)
    up_again(stage, "coax", boot_ns(), 8)
    stage.journal.skip()
    coax_s = fell(stage, COAX, stage.does("break coax blackhole"), 6)
    note(standby_dead_s=coax_s)
    if coax_s > 3.5:
        raise Unexpected(f"after its flap the standby's death was noticed only after {coax_s} s")


def routes_of(stage):
    """What the kernel holds for voice and for the fiber: nothing of it may change for the sake of another circuit."""
    site = stage.net["site"]
    lines = [line for words in (("nexthop", "show"), ("route", "show", "table", "all")) for line in site.run("ip", "-N", *words).splitlines()]
    rules = [line for line in site.run("ip", "-N", "rule", "show").splitlines() if FIBER.interface in line or FIBER.address in line]
    return [line.split() for line in lines if FIBER.interface in line.split()], rules


@scenario("the standby dies in four ways during calls: not one packet is lost on the primary, no call fails, no route of it changes", 25)
def standby_fails_during_calls(stage, note):
    stage.spent = True
    before, begun = routes_of(stage), stage.world.callers.mark()
    stream = Stream(stage)
    with stream.going_on():
        for fault in ("break coax blackhole", "break coax unplug", "break coax lease", "break coax linkdown"):
            stage.does(fault)
            stage.sees("circuit.down", 5, "coax")
            stage.nothing_moves(1)
            stage.mends()
            if routes_of(stage) != before:
                raise Unexpected(f"{fault}: the fiber's routes are others:\n{before}\n---\n{routes_of(stage)}")
            up_again(stage, "coax", boot_ns(), 10)
            stage.journal.skip()
    calls = stage.world.callers.between(begun, stage.world.callers.mark())
    note(sent=stream.sent, lost=len(stream.lost()), tried=calls.tried, failed=calls.failed)
    if stream.lost() or stream.circuits() != ["fiber"]:
        raise Unexpected(f"of {stream.sent} packets {len(stream.lost())} were lost, {stream.lost()[:5]}; they went by {stream.circuits()}")
    if calls.failed or not calls.answered:
        raise Unexpected(f"of {calls.tried} calls {calls.failed} failed")
