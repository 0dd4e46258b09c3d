"""Every circuit is dark: at boot, or all at once. What does not need them goes on, and the first that returns is taken."""
import socket
import threading
import time
from contextlib import contextmanager

import topology
from kernel import boot_ns
from processes import wait_until
from scenarios import scenario
from scenarios.l_addresses import route_out
from stage import Journal, Unexpected

SSH_PORT, MANAGEMENT = 2222, "172.20.0.1"


@contextmanager
def served(stage, node, address):
    """A TCP service that echoes, on a host of the site."""
    with stage.net[node], socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, SSH_PORT))
        listening.listen(16)

        def talk(peer):
            with peer:
                while packet := peer.recv(256):
                    peer.sendall(packet)

        def accept():
            while True:
                try:
                    peer, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(peer,), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        yield
        listening.shutdown(socket.SHUT_RDWR)


class Session:
    """A TCP connection of a host to a service of the site, as somebody's ssh is."""

    def __init__(self, stage, node, address):
        self.name = f"{node} to {address}"
        with stage.net[node]:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(1)
        self.socket.connect((address, SSH_PORT))

    def answers(self):
        self.socket.sendall(b"are you there")
        if self.socket.recv(64) != b"are you there":
            raise OSError("another answer")


def management(stage):
    """A network of the site behind a host of the LAN, by a route of its own in the main table."""
    stage.net["callers"].ip(f"address add {MANAGEMENT}/24 dev lo")
    stage.net["site"].ip(f"route replace {MANAGEMENT.rpartition('.')[0]}.0/24 via {topology.CALLERS} dev lan0 proto static")


WAYS = (("callers", topology.SITE_LAN), ("pbx", topology.SITE_LAN), ("pbx", MANAGEMENT), ("site", MANAGEMENT))


def still_well(stage, sessions, when):
    """The sessions that were up, and new ones."""
    for session in sessions:
        try:
            session.answers()
        except OSError as error:
            raise Unexpected(f"{when}: the session from {session.name} is broken: {error}") from error
    for node, address in WAYS:
        try:
            Session(stage, node, address).answers()
        except OSError as error:
            raise Unexpected(f"{when}: no new session from {node} to {address}: {error}") from error


@scenario("every circuit is down, each in another way: the LAN, what it manages and the PBX on it work as before, routes stay", 15)
def everything_dark(stage, note):
    stage.spent = True
    management(stage)
    with served(stage, "site", topology.SITE_LAN), served(stage, "callers", MANAGEMENT):
        sessions = [Session(stage, *way) for way in WAYS]
        still_well(stage, sessions, "before the fault")
        stage.does("break fiber blackhole")
        stage.does("break coax unplug")
        dark = stage.sees("all-bad", 5)
        still_well(stage, sessions, "with a dead fiber and coax unplugged")
        stage.does("break fiber lease")
        time.sleep(1)
        still_well(stage, sessions, "without an address on the fiber")
        stage.mends("fiber")
        stage.does("break fiber linkdown")
        time.sleep(1)
        still_well(stage, sessions, "with both links down")
        reply = stage.keeper.command("status")
        if "fiber" not in reply.stdout:
            raise Unexpected(f"status says: {reply.stdout}{reply.stderr}")
        note(alarm=dark["text"])


@scenario("both circuits are dead when the site boots: nothing is claimed; the one that returns is taken, and so is the other when that one dies", 35)
def all_down_at_boot(stage, note):
    stage.spent = True
    keeper = stage.keeper
    stage.does("break fiber blackhole")
    stage.does("break coax blackhole")
    keeper.daemon.stop()
    keeper.switch.stop()
    site = stage.net["site"]
    site.run("sh", "-c", "ip rule flush protocol 178; ip nexthop flush protocol 178; ip route flush table all proto 178; nft flush ruleset", check=False)
    keeper.forget_moves()  # and starts it
    keeper.start_daemon()
    stage.journal = Journal(keeper.api)
    time.sleep(6)
    states = {c["name"]: c["state"] for c in keeper.status()["circuits"]}
    if "up" in states.values():
        raise Unexpected(f"nothing answers, and the circuits are {states}")
    mended = stage.mends("coax")
    stage.must_move("routing", "coax", mended, 8)
    if not wait_until(lambda: stage.world.flow.circuit_now() == "coax", 2):
        raise Unexpected(f"coax is back, and packets go by {stage.world.flow.circuit_now()}; the kernel says {route_out(stage)}")
    note(at_boot=states, taken_s=round((boot_ns() - mended) / 1e9, 2))
    # The fiber is back too, and coax dies: what has just come back is better than what is dead.
    mended = stage.mends("fiber")
    if not wait_until(lambda: keeper.circuit("fiber")["state"] == "up", 8):
        raise Unexpected(f"fiber is {keeper.circuit('fiber')['state']}")
    fault = stage.does("break coax blackhole")
    note(stage.must_move("routing", "fiber", fault, 6), act="and the other")


@scenario("linekeeperd is killed a moment after the fiber died, before its verdict, and started again: it finds the death itself and leaves", 15)
def restart_before_the_verdict(stage, note):
    stage.spent = True
    fault = stage.does("break fiber blackhole")
    time.sleep(0.2)
    stage.keeper.daemon.kill()
    stage.keeper.start_daemon()
    stage.journal = Journal(stage.keeper.api)
    moved = stage.must_move("routing", "coax", fault, 8)
    note(moved)
    if moved.traffic_s is None or moved.traffic_s > 5:
        raise Unexpected(f"packets came back by coax only after {moved.traffic_s} s")
