"""How carriers find us: registrations by each circuit, and answers to their own OPTIONS."""
import json
import re

import topology
from asker import Asker
from kernel import boot_ns
from particular import REALM_USER, Particular, must_become, must_say, restarted_with, settled, told_so_far, with_settings
from scenarios import scenario
from scenarios.l_addresses import follows
from scenarios.q_sip_layers import write_password
from stage import Unexpected

NORTH, SOUTH = topology.CARRIERS["north"], topology.CARRIERS["south"]
FIBER, COAX = topology.CIRCUITS["fiber"], topology.CIRCUITS["coax"]
PORT = 5090
GRANTED_S = 10  # carrier/particular.cfg


def bound(north):
    """Addresses by which the registrar finds the site now."""
    return sorted(set(re.findall(r"sip:site@([0-9.]+)", json.dumps(north.call("ul.dump")))))


def registered(stage, text):
    """north is a registrar that wants a password, and the site is bound there by each circuit."""
    north = Particular(stage, password="right one")
    path = write_password(stage, "right one")
    restarted_with(stage, with_settings(text, "north", {
        "auth": f'{{ user = "{REALM_USER}", password_file = "{path}" }}', "register": f'{{ user = "{REALM_USER}" }}'}))
    settled(stage)
    must_bind(north, 10, FIBER.address, COAX.address)
    for circuit in (FIBER, COAX):
        must_say(stage, f"registered there as sip:site@{circuit.address}", command=("inbound",))
    return north


def must_bind(north, seconds, *addresses):
    """Seconds until the registrar finds the site at these and nowhere else."""
    begun = boot_ns()
    must_become(f"north finds the site at {' and '.join(addresses)}", seconds, lambda: bound(north) == sorted(addresses), lambda: bound(north))
    return round((boot_ns() - begun) / 1e9, 2)


@scenario("registered at north by each circuit; the fiber dies: north finds us by coax alone, inbound says so; mended it is bound again within seconds", 50)
def registered_by_each_circuit(stage, note):
    north = registered(stage, stage.keeper.rendered())
    fault = stage.does("break fiber blackhole")
    died_s = must_bind(north, GRANTED_S + 5, COAX.address)
    must_say(stage, "fiber NO the circuit is down", f"registered there as sip:site@{COAX.address}", command=("inbound",))
    stage.sees("registration.lost", 3, "fiber")
    if len(told_so_far(stage, "registration.lost", "fiber")) != 1 or told_so_far(stage, "registration.lost", "coax"):
        raise Unexpected(f"told: {[e['text'] for e in told_so_far(stage, 'registration')]}")
    # Until its second attempt has failed: its pause is 20 s from then on.
    stage.nothing_moves(GRANTED_S + 12 - (boot_ns() - fault) / 1e9, planes=())
    stage.mends()
    back_s = must_bind(north, 9, FIBER.address, COAX.address)
    if north.counted("wrong"):
        raise Unexpected(f"a wrong password was shown {north.counted('wrong')} times")
    note(only_coax_s=died_s, back_s=back_s, shown=north.counted("shown"))


@scenario("the fiber is renewed with another address: within seconds north finds us at that one, and later at the old one no more", 35)
def registered_after_renewal(stage, note):
    north = registered(stage, follows(stage.keeper.rendered()))
    begun = boot_ns()
    stage.does("break fiber renewal")
    address = FIBER.renewed[0]
    must_become(f"north finds the site at {address}", 6, lambda: address in bound(north), lambda: bound(north))
    new_s = (boot_ns() - begun) / 1e9
    old_s = must_bind(north, GRANTED_S + 5, address, COAX.address)
    must_say(stage, f"registered there as sip:site@{address}", command=("inbound",))
    note(new_s=round(new_s, 2), old_gone_s=old_s)


def let_in(stage, circuit):
    """The provider leads what comes for the port to its customer, as for a fixed address."""
    stage.net[circuit.isp].nft(f'table ip letin {{ chain in {{ type nat hook prerouting priority dstnat; iifname "uplink" udp dport {PORT} '
                               f"dnat to {circuit.address}; }}\n}}")


@scenario("north asks us by OPTIONS at each circuit: 200; 503 with Retry-After by the fiber while people have led calls away from it; a stranger hears nothing", 30)
def carriers_ask_us(stage, note):
    restarted_with(stage, stage.keeper.rendered().replace("\n[[circuit]]", f'\n[answering]\nport = {PORT}\nretry_after = "45s"\n\n[[circuit]]', 1))
    settled(stage)
    by_fiber, by_coax = (Asker(stage, f"north-asks-{c.name}", "north", (NORTH.address, 5080 + i), (c.public, PORT)) for i, c in enumerate((FIBER, COAX)))
    stranger = Asker(stage, "stranger", "internet", (topology.TARGETS["anchor-1"].address, 5080), (FIBER.public, PORT))
    for circuit in (FIBER, COAX):
        let_in(stage, circuit)

    def must_hear(fiber, coax, seconds=6):
        must_become(f"north hears {fiber} by the fiber and {coax} by coax", seconds, lambda: by_fiber.last() == fiber and by_coax.last() == coax,
                    lambda: (by_fiber.last(), by_coax.last()))
    must_hear("200", "200")
    must_say(stage, "it asked us there", command=("inbound",))
    begun = boot_ns()
    stage.keeper.command("failover", "voice", "--to", "coax", "--for", "60s", "--reason", "lab", "--yes", check=True)
    must_hear("503 Retry-After 45", "200")
    drained_s = (boot_ns() - begun) / 1e9
    stage.keeper.command("release", "voice", "--reason", "lab", "--yes", check=True)
    must_hear("200", "200")
    # A circuit's death leads nobody away by hand: nothing is refused, it is only not reached.
    stage.does("break coax blackhole")
    must_hear("200", "silent", 8)
    heard = stranger.answers()
    if len(heard) < 5 or {word for _, word in heard} != {"silent"}:
        raise Unexpected(f"a stranger heard {[word for _, word in heard]}")
    note(drained_s=round(drained_s, 2), asked=len(by_fiber.answers()), stranger=len(heard))
