"""Carriers with a name: NAPTR, SRV and addresses by each circuit's own resolvers, which are real BINDs; a verdict for each address."""
import os
import re
import shutil
import time

import topology
from processes import wait_until
from scenarios import Skip, scenario
from scenarios.o_calls import path
from stage import Unexpected

NAME = "sip.north.example"
ADDRESSES = ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.13"]
PINNED = "203.0.113.8/29"
STRANGER = "192.0.2.66"  # in no network of north's
BINDS = {"fiber": ("isp-a", "198.18.10.53"), "coax": ("isp-b", "198.18.20.53")}


def write_zone(stage, circuit, addresses):
    lines = ["$TTL 5", "@ SOA ns. root. 1 60 60 60 5", f"@ NS ns.{NAME}.", f"ns A {BINDS[circuit][1]}",
             '@ NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp']
    for i, address in enumerate(addresses):
        lines += [f"_sip._udp SRV 10 25 5060 n{i}", f"n{i} A {address}"]
    with open(os.path.join(stage.world.run, f"bind-{circuit}", "zone"), "w") as f:
        f.write("\n".join(lines) + "\n")


def start_bind(stage, circuit):
    node, address = BINDS[circuit]
    directory = os.path.join(stage.world.run, f"bind-{circuit}")
    stage.world.programs.start(f"bind-{circuit}", stage.net[node], "named", "-g", "-n", "1", "-c", os.path.join(directory, "named.conf"))


def zone_of(stage, circuit, addresses):
    """A BIND of the provider's, which says this of north's name."""
    node, address = BINDS[circuit]
    directory = os.path.join(stage.world.run, f"bind-{circuit}")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "named.conf"), "w") as f:
        f.write(f'options {{ directory "{directory}"; pid-file none; session-keyfile none; listen-on {{ {address}; }}; listen-on-v6 {{ none; }};\n'
                f'          recursion no; dnssec-validation no; }};\ncontrols {{ }};\nzone "{NAME}" {{ type primary; file "zone"; }};\n')
    write_zone(stage, circuit, addresses)
    stage.net[node].ip(f"address add {address}/32 dev lo")
    start_bind(stage, circuit)


def named(stage, addresses=ADDRESSES, fronts=True):
    """North is known by its name, at these addresses."""
    if not shutil.which("named"):
        raise Skip("needs BIND (Debian package bind9)")
    stage.spent = True
    if fronts:
        stage.world.start_more_of("north", addresses[1:])
    for circuit in topology.CIRCUITS:
        zone_of(stage, circuit, addresses)
    text = stage.keeper.rendered().replace(f'address = "{topology.CARRIERS["north"].address}:5060"', f'address = "{NAME}"\npinned = ["{PINNED}"]')
    for circuit in topology.CIRCUITS:
        text = text.replace(f'name = "{circuit}"\ninterface', f'name = "{circuit}"\nresolvers = ["{BINDS[circuit][1]}"]\ninterface')
    stage.keeper.write_config(text)
    checked = stage.keeper.command("config", "check", stage.keeper.config)
    if checked.returncode != 0:
        raise Unexpected(f"the configuration is refused: {checked.stdout}{checked.stderr}")
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    must_be_up(stage, addresses)
    stage.steady(60)


def endpoints(stage, circuit):
    return {e["address"].split(":")[0]: e["state"] for e in path(stage, "north", circuit)["endpoints"] if e["listed"]}


def must_be_up(stage, addresses, within_s=40, circuits=tuple(BINDS)):
    wanted = {a: "up" for a in addresses}
    if not wait_until(lambda: all(endpoints(stage, c) == wanted for c in circuits), within_s, 0.2):
        raise Unexpected(f"wanted are {wanted}, and north's addresses are {[endpoints(stage, c) for c in circuits]}")


@scenario("one of four addresses of a carrier's SRV record dies: it is named, nothing moves, no call is lost; it is well again", 75)
def one_of_four_targets_dead(stage, note):
    named(stage)
    stage.begins_counting_calls()
    begun = time.monotonic()
    dead = ADDRESSES[2]
    stage.world.programs.stop(f"north-{dead}")
    told = stage.sees("endpoint.down", 30, dead)
    down_s = time.monotonic() - begun
    seen = stage.nothing_moves(8)
    stage.diagnosed("endpoint", "north", 5, seen=[told, *seen])
    if any(path(stage, "north", c)["state"] != "up" for c in BINDS):
        raise Unexpected(f"three of four addresses answer, and north is {[path(stage, 'north', c) for c in BINDS]}")
    text = stage.keeper.command("paths", check=True).stdout
    if "3 of 4 addresses answer" not in text or dead not in text:
        raise Unexpected(f"linekeeper paths does not name the dead address: {text}")
    if not re.search(rf'endpoint_takes_calls{{carrier="north",circuit="fiber",endpoint="{dead}:5060"}} 0', stage.keeper.api.get("/metrics")):
        raise Unexpected("the metrics do not name the dead address")
    calls = stage.counted_calls()
    if calls.failed:
        raise Unexpected(f"calls were lost although nothing moved: {calls}")
    stage.world.start_front(f"north-{dead}", "north", dead)
    stage.sees("endpoint.up", 30, dead)
    note(down_s=round(down_s, 1), text=told["text"])


@scenario("the resolver of one circuit dies, and the daemon starts anew without it: north's addresses of before are asked, and nothing moves", 75)
def resolver_dead_on_one_circuit(stage, note):
    addresses = ADDRESSES[:2]
    named(stage, addresses)
    begun = time.monotonic()
    stage.world.programs.stop("bind-coax")
    told = stage.sees("carrier.not-located", 40, "coax")
    told_s = time.monotonic() - begun
    stage.nothing_moves(5)
    must_be_up(stage, addresses, 2)
    stage.keeper.daemon.kill()
    stage.keeper.start_daemon()
    must_be_up(stage, addresses, 30)
    if "the resolvers do not answer" not in stage.keeper.command("paths", check=True).stdout:
        raise Unexpected(f"linekeeper paths says: {stage.keeper.command('paths').stdout}")
    start_bind(stage, "coax")
    if not wait_until(lambda: path(stage, "north", "coax")["lookup"] == "found", 70, 0.5):
        raise Unexpected(f"the resolver answers again, and the path says {path(stage, 'north', 'coax')['lookup']}")
    note(told_s=round(told_s, 1), text=told["text"])


@scenario("one circuit's DNS is poisoned: an address outside the carrier's networks is told, never asked, and nothing moves", 60)
def poisoned_answer(stage, note):
    addresses = ADDRESSES[:2]
    named(stage, addresses)
    ways = [stage.net[n] for n in ("isp-a", "isp-b")]
    for node in ways:
        node.nft(f"table inet heard {{ chain c {{ type filter hook forward priority -300; ip daddr {STRANGER} counter; }}; }}\n")
    write_zone(stage, "coax", [STRANGER])
    stage.world.programs.stop("bind-coax")
    start_bind(stage, "coax")
    told = stage.sees("carrier.address-refused", 40, STRANGER)
    stage.nothing_moves(8)
    must_be_up(stage, addresses, 1)
    for node in ways:
        counted = node.run("nft", "list", "table", "inet", "heard")
        if "packets 0" not in counted:
            raise Unexpected(f"the stranger was asked: {counted}")
    note(text=told["text"])
