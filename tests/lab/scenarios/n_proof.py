"""A circuit whose own probes are answered and by which the traffic of a class is not: the move there is undone once, or told loudly."""
import time

import topology
from api import boot_ns
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

OFFICE = '''[[class]]
name = "office"
match = { source = "10.10.0.0/24" }
circuits = ["fiber", "coax"]
rto = "10s"

'''
PROOF_S = 3.0  # controller/daemon/verification.hpp: kProofTime


def with_office(stage):
    """The LAN is a class of its own, so that the site's address there can stand for it."""
    stage.spent = True
    stage.keeper.write_config(stage.keeper.rendered().replace("[[pbx]]", OFFICE + "[[pbx]]", 1))
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    stage.steady()


def drops_office(stage, circuit):
    """A firewall that lets the site's own probes out by the circuit and nothing of the LAN: table inet lab_proof."""
    interface = topology.CIRCUITS[circuit].interface
    stage.net["site"].nft(f'table inet lab_proof {{ chain out {{ type filter hook postrouting priority 0; oifname "{interface}" '
                          f'ip saddr {topology.LAN} drop; }}\n}}')


def lets_office(stage):
    stage.net["site"].run("nft", "delete", "table", "inet", "lab_proof")


def office(stage):
    return stage.keeper.service("office")["via"]


def must_tell(stage, *words):
    for command in (("status",), ("explain", "office")):
        told = stage.keeper.command(*command).stdout
        if not any(word in told for word in words):
            raise Unexpected(f"linekeeper {' '.join(command)} says nothing of it ({' or '.join(words)}): {told}")


def moves_of_office(events):
    return [e for e in events if e["id"] == "routing.moved" and "office" in e["subject"]]


@scenario("the LAN goes home to a fiber that answers probes and drops its packets: back within seconds, once, and told", 90)
def way_home_does_not_serve(stage, note):
    with_office(stage)
    stage.does("break fiber blackhole")
    if not wait_until(lambda: office(stage) == "coax" and stage.keeper.service("office")["verified"], 10):
        raise Unexpected(f"office goes by {office(stage)}, and was to leave the dead fiber for coax")
    drops_office(stage, "fiber")
    try:
        stage.mends()
        stage.journal.skip()
        home = stage.sees("routing.moved", 80, "office")
        undone = stage.sees("routing.moved", PROOF_S + 2, "office")
        if undone["fields"].get("answer") != "undo" or undone["fields"]["to"] != "coax":
            raise Unexpected(f"not undone: {undone}")
        took = (boot_ns(undone) - boot_ns(home)) / 1e9
        note(undone_s=took)
        if not PROOF_S - 0.1 <= took <= PROOF_S + 1.0:
            raise Unexpected(f"undone {took:.2f} s after the move home; a proof may take {PROOF_S} s")
        if not wait_until(lambda: stage.keeper.service("office")["verified"] and office(stage) == "coax", 5):
            raise Unexpected(f"office goes by {office(stage)} and is not proven to pass")
        incidents = [i for i in stage.keeper.status()["incidents"] if i["subject"] == "office"]
        if not any("the way by fiber" in i["failed"] and i["rto_s"] is not None for i in incidents):
            raise Unexpected(f"no incident that was opened and closed tells of it: {incidents}")
        must_tell(stage, "did not carry office", "guard unproven")
        if not stage.keeper.service("voice")["verified"]:
            raise Unexpected("voice, which the firewall lets pass, is not proven")
        again = moves_of_office(stage.nothing_moves(10, planes=()))
        if again:
            raise Unexpected(f"moved again: {[e['text'] for e in again]}")
    finally:
        lets_office(stage)


@scenario("the LAN escapes to a coax that answers probes and drops its packets, and there is no third way: it stays, once told, and is proven when it passes", 60)
def last_way_does_not_serve(stage, note):
    with_office(stage)
    drops_office(stage, "coax")
    try:
        fault = stage.does("break fiber blackhole")
        if not wait_until(lambda: office(stage) == "coax", 5):
            raise Unexpected(f"office goes by {office(stage)}, and was to leave the dead fiber for coax")
        stage.journal.skip()
        events = stage.nothing_moves(15, planes=("routing",))
        failed = [e for e in events if e["id"] == "verify.failed" and "office" in e["subject"]]
        if not failed:
            raise Unexpected(f"no verify.failed about office; there were: {', '.join(e['id'] for e in events)}")
        note(told_s=(boot_ns(failed[0]) - fault) / 1e9)
        held = [e for e in events if e["id"] == "guard.held" and "office" in e["subject"] and e["fields"]["guard"] == "unproven"]
        if len(held) != 1:
            raise Unexpected(f"that office stays was told {len(held)} times: {[e['text'] for e in held]}")
        must_tell(stage, "not proven to pass", "are not answered there")
        if stage.keeper.service("office")["verified"]:
            raise Unexpected("office is called proven, and nothing of it passes")
    finally:
        lets_office(stage)
    passes = time.monotonic()
    # The next proof begins 10 s after one that failed, the one after that 20 s.
    if not wait_until(lambda: stage.keeper.service("office")["verified"], 25):
        raise Unexpected("office passes again, and is not proven")
    note(proven_again_s=time.monotonic() - passes)
