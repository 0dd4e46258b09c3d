"""Connections in progress: who stays, who moves, and who finds the other circuit at once."""
import socket
import struct
import threading
import time
from contextlib import contextmanager

import kernel
import topology
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

PUBLIC = {socket.inet_aton(c.public): c.name for c in topology.CIRCUITS.values()}
TABLE = ("nft", "list", "table", "ip", "linekeeper")


class Talk:
    """One flow of a host on the LAN: the same ports for all of its life, as a call has."""

    def __init__(self, stage, to=(topology.ECHO, topology.ECHO_PORT)):
        with stage.net["callers"]:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((topology.CALLERS, 0))
        self.socket.connect(to)
        self.socket.settimeout(0.3)

    def way(self):
        """The circuit that carried a packet of it there and back; None when no answer came."""
        sent = kernel.boot_ns()
        try:
            self.socket.send(struct.pack("<Q", sent))
            while True:
                packet = self.socket.recv(64)
                if struct.unpack("<Q", packet[:8])[0] == sent:
                    return PUBLIC.get(packet[8:12], "?")
        except OSError:
            return None


    @contextmanager
    def going_on(self):
        """It sends ten packets a second meanwhile: a call that falls silent for half a minute is over for the kernel."""
        over = threading.Event()

        def send():
            while not over.wait(0.1):
                self.way()
        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def must_go(talk, circuit, what):
    ways = [talk.way() for _ in range(5)]
    if set(ways) != {circuit}:
        raise Unexpected(f"{what}: five packets came back by {ways}, not by {circuit}")


def with_connections(stage, drain, edited=lambda text: text):
    """The site translates addresses itself, and lets connections drain."""
    text = edited(stage.keeper.rendered()).replace('drain = "0s"', f'drain = "{drain}"')
    for circuit in topology.CIRCUITS:
        text = text.replace(f'name = "{circuit}"\ninterface', f'name = "{circuit}"\nnat = "masquerade"\ninterface')
    stage.keeper.write_config(text)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    if not wait_until(lambda: "masquerade" in stage.net["site"].run(*TABLE), 5):
        raise Unexpected(f"the table does not translate: {stage.net['site'].run(*TABLE)}")
    stage.steady()


def draining(stage):
    return [(d["class"], d["circuit"], d["flows"]) for d in stage.keeper.status()["connections"]["draining"]]


@scenario("a planned move: the call in progress stays on the fiber, a new one goes by coax, and at the end of its time the old one goes there too")
def planned_move_keeps_calls(stage, note):
    stage.spent = True
    with_connections(stage, "2h")
    call = Talk(stage)
    must_go(call, "fiber", "before the move")
    stage.keeper.command("failover", "voice", "--to", "coax", "--for", "60s", "--reason", "lab", "--yes")
    if not wait_until(lambda: stage.there("routing", "coax"), 5):
        raise Unexpected(f"voice goes by {stage.way('routing')}")
    must_go(call, "fiber", "a call that was up when its class left by plan")
    must_go(Talk(stage), "coax", "a call begun after the move")
    stays = stage.sees("connections.stay", 3, "voice")
    left = draining(stage)
    if not any(c == "voice" and by == "fiber" and flows >= 1 for c, by, flows in left):
        raise Unexpected(f"the call stays on the fiber, and status says of connections: {left}")
    for words in (("explain", "voice"), ("status",)):
        told = stage.keeper.command(*words).stdout
        if "draining" not in told.lower() or "stay" not in told or "at most" not in told:
            raise Unexpected(f"linekeeper {' '.join(words)} says nothing of it: {told}")
    begun = time.monotonic()
    with_time = stage.keeper.rendered().replace('drain = "0s"', 'drain = "4s"')
    stage.keeper.write_config(with_time)
    stage.keeper.reload()
    cut = stage.sees("connections.cut", 15, "fiber")
    must_go(call, "coax", "a call whose time was over")
    note(stays=stays["text"], cut=cut["text"], cut_after_s=round(time.monotonic() - begun, 2))


@scenario("the fiber dies during a call that both sides keep sending: it is back by coax as fast as new ones, and 30 s after the way home "
          "not one packet goes by coax", 110)
def no_strays_after_failback(stage, note):
    stage.spent = True
    with_connections(stage, "20s")
    call, seen = Talk(stage), []
    must_go(call, "fiber", "before the fault")

    def watch():
        seen.append((kernel.boot_ns(), call.way(), Talk(stage).way()))
    fault = stage.does("break fiber blackhole")
    if not wait_until(lambda: watch() or seen[-1][1] == "coax", 5, 0.05):
        raise Unexpected(f"5 s after the fault the call is not back: {[s[1] for s in seen]}")
    call_s = (seen[-1][0] - fault) / 1e9
    moved = stage.must_move("routing", "coax", fault, 5)
    cut = stage.sees("connections.cut", 1, "fiber", moved.events)
    note(moved, call_back_s=round(call_s, 3), cut=cut["text"])
    if call_s > moved.decided_s + 0.7:
        raise Unexpected(f"decided after {moved.decided_s:.2f} s, and the call was back only after {call_s:.2f} s")
    must_go(call, "coax", "a call whose circuit is dead")
    mended = stage.mends()
    with call.going_on():
        home = stage.must_move("routing", "fiber", mended, 80)
    must_go(call, "coax", "a call begun on coax, when its class went home")
    must_go(Talk(stage), "fiber", "a call begun after the way home")
    home_ns = mended + int(home.decided_s * 1e9)
    if not wait_until(lambda: call.way() == "fiber", 30, 0.2):
        raise Unexpected("the call stays on coax for longer than its drain time")
    drained_s = (kernel.boot_ns() - home_ns) / 1e9
    time.sleep(max(0.0, 30 - drained_s))
    strays = [w for w in (call.way() for _ in range(20)) if w != "fiber"] + [w for w in (Talk(stage).way() for _ in range(10)) if w != "fiber"]
    since = kernel.boot_ns() - int(1e9)
    strays += [by for _, by in stage.world.flow.records(since) if by != "fiber"]
    note(home, act="home", call_home_s=round(drained_s, 2), strays=len(strays))
    if strays:
        raise Unexpected(f"30 s after the way home packets still go by {strays}")
    if drained_s < 15:
        raise Unexpected(f"the call was taken home after {drained_s:.1f} s, and its time is 20 s")


@scenario("somebody flushes the ruleset during calls: our table is back within a second, that is told, and no call and no way is lost")
def flush_ruleset(stage, note):
    stage.spent = True
    with_connections(stage, "2h")
    site = stage.net["site"]
    before = site.run(*TABLE)
    call = Talk(stage)
    must_go(call, "fiber", "before the flush")
    begun = stage.world.callers.mark()
    flushed = time.monotonic()
    site.run("nft", "flush", "ruleset")

    def back():
        return "linekeeper" in site.run("nft", "list", "tables")
    if not wait_until(back, 2, 0.01):
        raise Unexpected("2 s after the flush our table is not back")
    back_s = time.monotonic() - flushed
    drift = stage.sees("switch.drift", 2, "nftables table ip linekeeper")
    if site.run(*TABLE) != before:
        raise Unexpected(f"what is back is another table:\n{before}\n---\n{site.run(*TABLE)}")
    if not wait_until(lambda: call.way() == "fiber", 2, 0.05):
        raise Unexpected(f"the call is not back: {call.way()}")
    stage.nothing_moves(4)
    calls = stage.world.callers.between(begun, stage.world.callers.mark())
    note(back_s=round(back_s, 3), drift=drift["text"], tried=calls.tried, failed=calls.failed)
    if back_s > 1:
        raise Unexpected(f"our table was back only after {back_s:.2f} s")
    if calls.failed:
        raise Unexpected(f"of {calls.tried} calls {calls.failed} failed")
