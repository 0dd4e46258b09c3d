"""Traffic chosen by where it goes: a carrier that is steered apart from its class."""
import socket
import threading
from contextlib import contextmanager

import kernel
import topology
from netns import timed
from processes import wait_until
from scenarios import scenario
from scenarios.h_connections import Talk, must_go
from stage import Unexpected

NORTH = topology.CARRIERS["north"]
NETWORK = "203.0.113.8/29"  # of north: its SIP address, and others that its media might come from
MEDIA_PORT = 7008


def with_north_apart(stage):
    """North is steered apart, with its network; a phone on the LAN that speaks to it follows that."""
    text = stage.keeper.rendered()
    address = f'address = "{NORTH.address}:5060"\n'
    stage.keeper.write_config(text.replace(address, address + f'steer_apart = true\nprefixes = ["{NETWORK}"]\n'))
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    if not wait_until(lambda: via(stage, "voice-north") == "fiber", 60, 0.1):
        raise Unexpected(f"voice-north goes by {via(stage, 'voice-north')}: {stage.keeper.command('status').stdout}")
    stage.steady()


def via(stage, name):
    service = next((s for s in stage.keeper.status()["services"] if s["name"] == name), None)
    return service["via"] if service and service["applied"] and service["verified"] else None


@contextmanager
def media_at_north(stage):
    """North answers each packet with the address that it came from."""
    with stage.net["north"]:
        answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    answers.bind((NORTH.address, MEDIA_PORT))
    answers.settimeout(0.2)
    over = threading.Event()

    def answer():
        while not over.is_set():
            try:
                packet, peer = answers.recvfrom(64)
                answers.sendto(packet[:8] + socket.inet_aton(peer[0]), peer)
            except OSError:
                continue
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        answers.close()


def way_out(stage, address):
    """The device by which the kernel would send a packet of the LAN there."""
    words = stage.net["site"].run("ip", "-4", "route", "get", address, "from", topology.CALLERS, "iif", "lan0").split()
    return words[words.index("dev") + 1]


LED_OVER_S = 1  # the connections of a way that is left are looked after when its routes stand, a moment after that is told


def must_leave(stage, phone, north, rest):
    if not wait_until(lambda: phone.way() == north.name, LED_OVER_S, 0):
        raise Unexpected(f"{LED_OVER_S} s after the move a phone's packet to north still came back by {phone.way()}, not by {north.name}")
    must_go(phone, north.name, "a phone's packets to north")
    for address, circuit in ((NORTH.address, north), ("203.0.113.14", north), ("203.0.113.16", rest), (topology.ECHO, rest)):
        if way_out(stage, address) != circuit.interface:
            raise Unexpected(f"the kernel sends {address} by {way_out(stage, address)}, not by {circuit.interface}")


@scenario("carrier north is dead by the fiber only: what goes to it leaves by coax, the rest stays on the fiber; then it goes home", 90)
def carrier_prefix_steered(stage, note):
    stage.spent = True
    fiber, coax = topology.CIRCUITS["fiber"], topology.CIRCUITS["coax"]
    with_north_apart(stage)
    with media_at_north(stage):
        phone = Talk(stage, (NORTH.address, MEDIA_PORT))
        must_leave(stage, phone, fiber, fiber)
        with timed() as stamp:
            stage.does("carrier north silent via fiber")
        if not wait_until(lambda: via(stage, "voice-north") == "coax", 15, 0.02):
            raise Unexpected(f"15 s after the fault: {stage.keeper.command('explain', 'voice-north').stdout}")
        moved_s = (kernel.boot_ns() - stamp.before) / 1e9
        must_leave(stage, phone, coax, fiber)
        if stage.way("routing") != "fiber" or stage.world.flow.circuit_now() != "fiber":
            raise Unexpected(f"the rest goes by {stage.way('routing')}, packets by {stage.world.flow.circuit_now()}")
        said = stage.keeper.command("explain", "voice-north").stdout
        if "left fiber, by which north is dead, for coax" not in said:
            raise Unexpected(f"explain does not say why: {said}")
        stage.mends()
        if not wait_until(lambda: via(stage, "voice-north") == "fiber", 60, 0.1):
            raise Unexpected(f"not home after 60 s: {stage.keeper.command('explain', 'voice-north').stdout}")
        must_leave(stage, phone, fiber, fiber)
    moved = [e for e in stage.journal.new() if e["id"] == "routing.moved" and e["subject"] == "class voice"]
    if moved:
        raise Unexpected(f"the rest moved: {moved}")
    note(moved_s=round(moved_s, 2), said=said.splitlines()[:2])
