"""A change of ours costs a fast sender not one packet: none refused at a local socket, none lost, late or doubled on the way."""
import json
import os
import time

import topology
from processes import wait_until
from scenarios import scenario
from scenarios.i_families import via, with_ipv6
from stage import Unexpected

RATE = 50_000  # packets/s asked for; what a machine reached is in the notes
ROUND_TRIPS = 3  # moves to coax and back, of each sender
PORT = 9999
FAR = {4: "192.0.2.200", 6: "2001:db8:fff::200"}  # at the far end of each circuit, at the provider's: who receives says by which it came
INSIDE = {4: (topology.CALLERS, topology.SITE_LAN), 6: ("2001:db8:77::20", "2001:db8:77::1")}


class Receivers:
    """One for each circuit."""

    def __init__(self, stage, family):
        self.stage, self.programs = stage, []
        self.binary = os.path.join(stage.world.build, "tests", "lab", "gap_probe")
        for circuit in topology.CIRCUITS.values():
            name = f"gap-{circuit.name}-{family}"
            program = stage.world.programs.start(name, stage.net[circuit.isp], "taskset", "-c", "0", self.binary, "receive", str(family),
                                                 FAR[family], str(PORT))
            if not wait_until(lambda p=program: "ready" in p.tail(), 3):
                raise Unexpected(f"{name} does not listen: {program.tail()}")
            self.programs.append((circuit.name, name, program))

    def counted(self):
        """What each has received, when no more can be on its way."""
        time.sleep(0.3)
        found = {}
        for circuit, name, program in self.programs:
            self.stage.world.programs.stop(name)
            found[circuit] = json.loads(program.tail(1))
        return found


def dropped_before_the_route():
    """Packets for which a processor's queue had no room, machine-wide (second column of /proc/net/softnet_stat): no route has seen them."""
    with open("/proc/net/softnet_stat") as f:
        return sum(int(line.split()[1], 16) for line in f)


def move(stage, name, to, goes):
    done = stage.keeper.command("failover", name, "--to", to, "--for", "60s", "--reason", "lab", "--yes")
    if done.returncode not in (0, 5) or not wait_until(lambda: goes() == to, 5, 0.02):
        raise Unexpected(f"{name} goes by {goes()} and not by {to}; failover ended with {done.returncode}: {done.stdout}{done.stderr}")


def judged(sent, found, dropped, moves):
    """What was lost to whom. Unexpected when a packet was lost, and no queue has said that it was its doing."""
    runs = sorted(tuple(run) for circuit in found.values() for run in circuit["came"])
    came = sum(last - first + 1 for first, last in runs)
    doubled = sum(circuit["twice"] for circuit in found.values()) + sum(max(0, a[1] - b[0] + 1) for a, b in zip(runs, runs[1:]))
    lost = sent["sent"] - came + doubled
    overflowed = dropped + sum(circuit["overflowed"] for circuit in found.values())
    late = sum(circuit["late"] for circuit in found.values())
    used = [name for name, circuit in found.items() if circuit["received"]]
    words = (f"{sent['sent']} packets at {sent['rate']} a second, {moves} moves: refused {sent['refused'] or 0}, lost {lost} "
             f"(queues overflowed by {overflowed}), late {late}, twice {doubled}")
    if len(used) != len(found):
        raise Unexpected(f"packets came by {used} only, and it was to move: {words}")
    # A queue that was full (ENOBUFS at the sender) refuses for want of room; a missing route says ENETUNREACH or EHOSTUNREACH.
    refused = {error: times for error, times in sent["refused"].items() if error not in ("ENOBUFS", "EAGAIN")}
    if refused or lost > overflowed or late or doubled:
        raise Unexpected(words)
    return words


def a_sender_while_it_moves(stage, family, node, source, name, ways, goes):
    """@return what became of its packets, in words"""
    receivers = Receivers(stage, family)
    seconds = 2.2 * ROUND_TRIPS + 1
    before = dropped_before_the_route()
    # On one processor: two of them would put packets out of order by themselves.
    sender = stage.world.programs.start(f"gap-sender-{node}-{family}", stage.net[node], "taskset", "-c", "1" if os.cpu_count() > 1 else "0",
                                        receivers.binary, "send", str(family), source, FAR[family], str(PORT), str(RATE), str(seconds))
    moves = 0
    begun = time.monotonic()
    for _ in range(ROUND_TRIPS):
        for to in ways:
            move(stage, name, to, goes)
            moves += 1
        if sender.alive():
            stage.keeper.forget_moves()  # else its limit on moves were what is tested
    if time.monotonic() - begun > seconds and not sender.alive():
        moves = f"{moves} (the last ones after it had ended)"
    sender.process.wait(60)
    found = receivers.counted()
    return judged(json.loads(sender.tail(1)), found, dropped_before_the_route() - before, moves)


def both_senders(stage, note, family, name, ways, goes):
    forwarded, own = INSIDE[family]
    note(through_the_site=a_sender_while_it_moves(stage, family, "callers", forwarded, name, ways, goes))
    note(of_the_site_itself=a_sender_while_it_moves(stage, family, "site", own, name, ways, goes))


def far_ends(stage, family):
    length = 32 if family == 4 else 128
    for circuit in topology.CIRCUITS.values():
        stage.net[circuit.isp].ip(f"address add {FAR[family]}/{length} dev lo" + (" nodad" if family == 6 else ""))


@scenario("planned moves there and back under 50,000 packets/s through the site, and of its own: none refused, none lost, none late", 60)
def no_gap(stage, note):
    stage.spent = True
    far_ends(stage, 4)
    both_senders(stage, note, 4, "voice", ("coax", "fiber"), lambda: stage.way("routing"))


@scenario("the same for IPv6: planned moves there and back under 50,000 packets/s lose not one packet", 170)
def no_gap_ipv6(stage, note):
    stage.spent = True
    with_ipv6(stage)
    for node in ("callers", "isp-a", "isp-b"):
        stage.net[node].sysctl(net__ipv6__conf__all__disable_ipv6=0)
        stage.net[node].sysctl(net__ipv6__conf__lo__disable_ipv6=0)
    stage.net["callers"].sysctl(net__ipv6__conf__eth0__disable_ipv6=0)
    stage.net["site"].sysctl(net__ipv6__conf__lan0__disable_ipv6=0)
    forwarded, own = INSIDE[6]
    stage.net["site"].ip(f"address add {own}/64 dev lan0 nodad")
    stage.net["callers"].ip(f"address add {forwarded}/64 dev eth0 nodad", f"route add default via {own}")
    far_ends(stage, 6)
    both_senders(stage, note, 6, "voice-ipv6", ("coax-ipv6", "fiber-ipv6"), lambda: via(stage, "voice-ipv6"))
