"""What echoes cannot see, and what must condemn no circuit: a hole for large packets, a dead resolver."""
import os
import signal
import socket
import subprocess
from contextlib import contextmanager

import topology
from api import boot_ns
from netns import forked_into
from scenarios import scenario
from scenarios.l_addresses import reconfigured
from stage import Unexpected

NAME = "portal.example.net"


def checked(stage, kind, values):
    """The lab's site with one check by both circuits."""
    return stage.keeper.rendered() + f'\n[[check]]\nname = "{kind}"\nkind = "{kind}"\ninterval = "5s"\ntimeout = "3s"\n{values}\n'


def by_hand(stage, kind, circuit, *what):
    """`linekeeper probe run KIND [WHAT] --circuit CIRCUIT` on the site itself: (exit code, what it says)."""
    with stage.net["site"]:
        done = subprocess.run([os.path.join(stage.keeper.bin, "linekeeper"), "probe", "run", kind, *what, "--circuit", circuit, "--config", stage.keeper.config],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20, env={**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"})
    return done.returncode, (done.stdout + done.stderr).strip()


def still_up(stage, *circuits):
    for name in circuits:
        circuit = stage.keeper.circuit(name)
        if circuit["state"] != "up":
            raise Unexpected(f"{name} is {circuit['state']}: {circuit['reason']}")


@scenario("the fiber carries packets up to 1420 bytes and tells nobody: the check finds it and names it, by hand it is seen, and no call moves", 30)
def mtu_1420_with_icmp_dropped(stage, note):
    reconfigured(stage, checked(stage, "mtu", f'target = "{topology.TARGETS["anchor-1"].address}"\nsize = 1500'))
    fault = stage.does("break fiber mtu 1420")
    named = stage.diagnosed("mtu-hole", "fiber", 25)
    events = stage.nothing_moves(1)
    still_up(stage, "fiber", "coax")
    code, said = by_hand(stage, "mtu", "fiber")
    coax_code, coax_said = by_hand(stage, "mtu", "coax")
    note(named_s=round((boot_ns(named) - fault) / 1e9, 2), diagnosis=named["text"], by_hand=said, by_coax=coax_said)
    if code == 0 or "1500 bytes never" not in said or "1420 bytes are the most that pass" not in said or coax_code != 0:
        raise Unexpected(f"by hand the fiber ended with {code}: {said}; coax with {coax_code}: {coax_said}")
    if bad := [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.degraded", "circuit.suspect")]:
        raise Unexpected(f"the circuit was blamed: {bad}")


def answers(address):
    """A resolver that knows one IPv4 address for every name (RFC 1035)."""
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    while True:
        query, peer = s.recvfrom(512)
        end = query.index(b"\0", 12) + 5  # the name ends with a length of zero; type and class follow
        header = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0"
        s.sendto(header + query[12:end] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(topology.ECHO), peer)


@contextmanager
def resolver(stage, address=topology.RESOLVER):
    pid = forked_into(stage.net["internet"], lambda: answers(address))
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@scenario("the resolvers that the fiber's provider gives are dead: the check names them, and the circuit is not condemned for it", 30)
def resolver_of_one_circuit_dead(stage, note):
    with resolver(stage):
        text = checked(stage, "resolver", f'query = "{NAME}"')
        for circuit in topology.CIRCUITS:
            text = text.replace(f'name = "{circuit}"\ninterface', f'name = "{circuit}"\nresolvers = ["{topology.RESOLVER}"]\ninterface')
        reconfigured(stage, text)
        code, said = by_hand(stage, "resolver", "fiber")
        if code != 0:
            raise Unexpected(f"before the fault the check by hand ended with {code}: {said}")
        fault = stage.does("break fiber resolvers")
        named = stage.diagnosed("resolver", "fiber", 25)
        events = stage.nothing_moves(3)
        still_up(stage, "fiber", "coax")
        code, said = by_hand(stage, "resolver", "fiber")
        coax_code, coax_said = by_hand(stage, "resolver", "coax")
        note(named_s=round((boot_ns(named) - fault) / 1e9, 2), diagnosis=named["text"], by_hand=said)
        if code == 0 or coax_code != 0:
            raise Unexpected(f"by hand the fiber ended with {code}: {said}; coax with {coax_code}: {coax_said}")
        if bad := [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.degraded", "circuit.suspect")]:
            raise Unexpected(f"the circuit was blamed: {bad}")
