"""A data class that is shared by two circuits: by weight, and each connection by its own way."""
import math
import select
import socket
import struct
import threading
import time

import kernel
import topology
from processes import wait_until
from scenarios import scenario
from scenarios.h_connections import PUBLIC
from scenarios.j_steering import via
from stage import Unexpected

HOST = "10.10.0.40"  # of the LAN: its traffic is the class
FLOWS = 200
WEIGHTS = {"fiber": 3, "coax": 1}
BOTH, COAX = "fiber (3) and coax (1)", "coax"
DEVIATIONS = 5       # of the binomial: less than once in a million runs by chance
RECOVERY_S = 10      # the class's objective
EVERY_S = 0.2        # a packet of each flow


class Crowd:
    """Flows of one host of the LAN, each with a port of its own, that go on all the time."""

    def __init__(self, stage):
        self.sockets, self.sent, self.answered = [], [[] for _ in range(FLOWS)], [{} for _ in range(FLOWS)]
        with stage.net["callers"]:
            self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(FLOWS)]
        for s in self.sockets:
            s.bind((HOST, 0))
            s.connect((topology.ECHO, topology.ECHO_PORT))
            s.setblocking(False)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._go_on)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for s in self.sockets:
            s.close()

    def _go_on(self):
        poll = select.poll()
        number = {s.fileno(): i for i, s in enumerate(self.sockets)}
        for fd in number:
            poll.register(fd, select.POLLIN)
        while not self.over.is_set():
            begun = time.monotonic()
            for i, s in enumerate(self.sockets):
                stamp = kernel.boot_ns()
                try:
                    s.send(struct.pack("<Q", stamp))
                    self.sent[i].append(stamp)
                except OSError:
                    pass
                if i % 20 == 0:
                    self._receive(poll, number, 0)
            while (left := begun + EVERY_S - time.monotonic()) > 0:
                self._receive(poll, number, left)
        self._receive(poll, number, 0.3)

    def _receive(self, poll, number, seconds):
        for fd, _ in poll.poll(seconds * 1000):
            try:
                packet = self.sockets[number[fd]].recv(64)
                self.answered[number[fd]][struct.unpack("<Q", packet[:8])[0]] = PUBLIC.get(packet[8:12], "?")
            except OSError:
                pass

    def way(self, i, since_ns=0):
        """The circuit of the newest answered packet."""
        answered = self.answered[i]
        newest = max((sent for sent in list(answered) if sent >= since_ns), default=None)
        return answered[newest] if newest else None

    def ways(self, since_ns=0):
        return [self.way(i, since_ns) for i in range(FLOWS)]

    def lost(self, flows, since_ns, until_ns):
        """Packets of these flows that were sent then and never answered."""
        return sum(1 for i in flows for sent in self.sent[i] if since_ns <= sent < until_ns and sent not in self.answered[i])


def in_proportion(ways, what):
    by_fiber, share = ways.count("fiber"), WEIGHTS["fiber"] / sum(WEIGHTS.values())
    most = DEVIATIONS * math.sqrt(FLOWS * share * (1 - share))
    if ways.count("coax") + by_fiber != FLOWS or abs(by_fiber - FLOWS * share) > most:
        raise Unexpected(f"{what}: of {FLOWS} flows {by_fiber} go by fiber and {ways.count('coax')} by coax, {ways.count(None)} by none; "
                         f"expected {FLOWS * share:.0f} by fiber, give or take {most:.0f}")
    return by_fiber


def with_data(stage):
    """A class for one host of the LAN, shared; the kernel tells flows by their ports, as linekeeper doctor asks for."""
    stage.net["site"].sysctl(net__ipv4__fib_multipath_hash_policy=1)
    stage.net["callers"].ip(f"address add {HOST}/24 dev eth0")
    text = stage.keeper.rendered()
    for circuit, weight in WEIGHTS.items():
        text = text.replace(f'name = "{circuit}"\ninterface', f'name = "{circuit}"\nweight = {weight}\ninterface')
    text = text.replace('[[pbx]]', f'[[class]]\nname = "data"\ncircuits = ["fiber", "coax"]\nrto = "{RECOVERY_S}s"\nshare = true\n'
                                   f'match = {{ source = "{HOST}/32" }}\n\n[[pbx]]', 1)
    stage.keeper.write_config(text)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    if not wait_until(lambda: via(stage, "data") == BOTH, 60, 0.1):
        raise Unexpected(f"data goes by {via(stage, 'data')}: {stage.keeper.command('explain', 'data').stdout}")
    stage.steady()


def settled(crowd, what):
    begun = kernel.boot_ns()
    if not wait_until(lambda: None not in crowd.ways(begun), 5, 0.1):
        raise Unexpected(f"{what}: {crowd.ways(begun).count(None)} of {FLOWS} flows are not answered")
    return crowd.ways(begun)


@scenario("data is shared by fiber and coax, three to one: the fiber dies, its flows go on by coax and coax's lose nothing; "
          "it is back, old flows stay where they are and new ones are shared again", 110)
def shared_circuits(stage, note):
    stage.spent = True
    with_data(stage)
    said = stage.keeper.command("explain", "data").stdout
    if BOTH not in said:
        raise Unexpected(f"explain does not say by whom: {said}")
    with Crowd(stage) as crowd:
        before = settled(crowd, "at first")
        fiber_first = in_proportion(before, "at first")
        time.sleep(2)
        if (now := settled(crowd, "2 s later")) != before:
            raise Unexpected(f"{sum(a != b for a, b in zip(before, now))} flows changed their circuit, and nothing had happened")
        coax_flows = [i for i, by in enumerate(before) if by == "coax"]
        begun = kernel.boot_ns()
        fault = stage.does("break fiber blackhole")
        if not wait_until(lambda: crowd.ways(fault).count("coax") == FLOWS, RECOVERY_S, 0.05):
            raise Unexpected(f"{RECOVERY_S} s after the fault {crowd.ways(fault).count('coax')} of {FLOWS} flows go by coax: "
                             f"{stage.keeper.command('explain', 'data').stdout}")
        back_s = (kernel.boot_ns() - fault) / 1e9
        if not wait_until(lambda: via(stage, "data") == COAX, 5, 0.05):
            raise Unexpected(f"status says that data goes by {via(stage, 'data')}")
        time.sleep(1)
        stage.mends()
        if not wait_until(lambda: via(stage, "data") == BOTH, 80, 0.1):
            raise Unexpected(f"fiber has no part again: {stage.keeper.command('explain', 'data').stdout}")
        old = settled(crowd, "after the way home")
        if old.count("coax") != FLOWS:
            raise Unexpected(f"{FLOWS - old.count('coax')} flows that were up left coax when fiber came back")
        with Crowd(stage) as fresh:
            fiber_again = in_proportion(settled(fresh, "new ones"), "new ones after the way home")
            still = settled(crowd, "beside new ones")
        if still.count("coax") != FLOWS:
            raise Unexpected(f"{FLOWS - still.count('coax')} old flows left coax beside new ones")
        until = kernel.boot_ns() - int(5e8)
    lost = crowd.lost(coax_flows, begun, until)
    note(by_fiber_at_first=fiber_first, all_by_coax_after_s=round(back_s, 2), by_fiber_again=fiber_again,
         coax_flows=len(coax_flows), lost_by_coax_flows=lost, said=said.splitlines()[:2])
    if lost:
        raise Unexpected(f"flows that were on coax all the time lost {lost} packets")
