"""Carriers asked over TLS: certificates that end, that are another's, and a peer that stands still behind connections that live."""
import os
import time

import topology
from authority import DAY_S, Authority
from kernel import boot_ns
from particular import Particular, metric, must_become, must_say, order_changes, path_of, restarted_with, settled, told_so_far, with_settings
from scenarios import Skip, scenario
from stage import Unexpected

HOST = "sip.north.example"
SOON_DAYS = 10
TLS_MODULE = "/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so"
CIRCUITS = tuple(topology.CIRCUITS)
# Of eight OPTIONS of a path one takes a fresh connection, and only that meets another certificate; then two in a row mean down.
MEETS_IT_S = 20


def over_tls(stage, first):
    """north is asked over TLS, and shows the certificate `first`; callers reach it as before."""
    if not os.path.exists(TLS_MODULE):
        raise Skip("Kamailio has no TLS here: Debian's kamailio-tls-modules")
    authority = Authority(os.path.join(stage.world.run, "authority"))
    all_of_them = {"good": (HOST, 90), "soon": (HOST, SOON_DAYS), "ended": (HOST, -1), "another": ("sip.east.example", 90)}
    labels = sorted(all_of_them, key=lambda label: label != first)
    north = Particular(stage, certificates={label: authority.issue(label, *all_of_them[label]) for label in labels})
    restarted_with(stage, with_settings(stage.keeper.rendered(), "north", {
        "address": f'"{north.address}:5061"', "transport": '"tls"', "domain": f'"{HOST}"', "tls": f'{{ ca_file = "{authority.ca_file}" }}'}))
    settled(stage)
    return north


def paths(stage):
    return [path_of(stage, circuit=circuit) for circuit in CIRCUITS]


def home(stage, note, since, within_s=30):
    note(stage.must_move("trunk", "north via fiber", since, within_s), act="home")
    must_become("both ways of north are up, and nothing is said against them", 10, lambda: all(p["state"] == "up" for p in paths(stage)),
                lambda: [p["reason"] for p in paths(stage)])


def is_refused(stage, note, north, label, fault_word, words):
    """north shows another certificate to who connects: left by both ways, for a reason that is told; not one call is lost. Then a good one."""
    stage.begins_counting_calls()
    begun = boot_ns()
    north.shows(label)
    moved = stage.must_move("trunk", "south", begun, MEETS_IT_S)
    must_become("both ways of north are down", MEETS_IT_S, lambda: all(p["state"] == "down" for p in paths(stage)), lambda: [p["reason"] for p in paths(stage)])
    for path in paths(stage):
        if path["cause"] != "sip-refused" or path["fault"] != fault_word or words not in path["reason"]:
            raise Unexpected(f"north via {path['circuit']} is down by {path['cause']}, {path['fault']}: {path['reason']}")
    must_say(stage, words, command=("paths",))
    must_say(stage, words, command=("explain", "outbound"))
    if not told_so_far(stage, "path.down", words) and not told_so_far(stage, "carrier.down", words):
        raise Unexpected(f"no event says {words!r}")
    named = stage.diagnosed("carrier", "north", 5, seen=moved.events)
    calls = stage.counted_calls(0.5)
    if calls.failed:
        raise Unexpected(f"{calls.failed} of {calls.tried} calls failed, and calls do not go over TLS")
    note(moved, order_changes=len(order_changes(moved.events)), calls=calls.tried, diagnosis=named["text"], reason=paths(stage)[0]["reason"])


@scenario("a certificate of north's ends in ten days, which is told; then it shows one that has ended: told, left for south, back with a good one", 45)
def certificate_ends(stage, note):
    north = over_tls(stage, "soon")
    told = told_so_far(stage, "carrier.certificate", "north")
    if len(told) != 1 or f"ends in {SOON_DAYS - 1} days" not in told[0]["text"]:
        raise Unexpected(f"of a certificate that ends in {SOON_DAYS} days was told: {[e['text'] for e in told]}")
    must_say(stage, "A certificate that north shows ends in")
    for circuit in CIRCUITS:
        ends = metric(stage, "carrier_tls_expiry_timestamp_seconds", carrier="north", circuit=circuit)
        if ends is None or abs(ends - time.time() - SOON_DAYS * DAY_S) > 600:
            raise Unexpected(f"the metric says of {circuit} that it ends at {ends}")
    is_refused(stage, note, north, "ended", "certificate-expired", "its certificate has expired")
    must_say(stage, "A certificate that north shows has ended. Tell the carrier.")
    if not told_so_far(stage, "carrier.certificate", "has ended"):
        raise Unexpected("that it has ended is no event")
    since = boot_ns()
    north.shows("good")
    home(stage, note, since)
    if "certificate" in stage.keeper.command("status").stdout:
        raise Unexpected(f"all is well, and status speaks of certificates: {stage.keeper.command('status').stdout}")


@scenario("north shows a certificate of another name to who connects: told, left for south by both ways, and back with its own", 40)
def certificate_of_another_name(stage, note):
    north = over_tls(stage, "good")
    is_refused(stage, note, north, "another", "certificate-name", "its certificate is of another name")
    since = boot_ns()
    north.shows("good")
    home(stage, note, since)


@scenario("north's program stands still while the kernel takes its connections: told apart from a dead connection, calls go to south, and back when it goes on", 40)
def tls_peer_frozen(stage, note):
    north = over_tls(stage, "good")
    stage.begins_counting_calls()
    begun = boot_ns()
    north.freezes()
    try:
        moved = stage.must_move("trunk", "south", begun, 15)
        must_become("both ways are down because fresh connections are not answered either", 10,
                    lambda: all(p["state"] == "down" and p["fault"] == "peer-dead" for p in paths(stage)),
                    lambda: [(p["fault"], p["reason"]) for p in paths(stage)])
        must_say(stage, "a fresh connection is not answered either", command=("paths",))
        named = stage.diagnosed("carrier", "north", 5, seen=moved.events)
        if not moved.met:
            raise Unexpected(f"verified after {moved.verified_s} s: the RTO of {moved.target_s} s was missed")
        calls = stage.counted_calls()
        note(moved, order_changes=len(order_changes(moved.events)), calls=calls.tried, failed=calls.failed, cut=calls.cut,
             worst_setup_s=round(calls.worst_setup_s, 2), diagnosis=named["text"])
        # Who was talking by north cannot hang up properly; whoever calls anew is answered by south, however late.
        if calls.failed > calls.cut + 1:
            raise Unexpected(f"{calls.failed - calls.cut} of {calls.tried} new calls were not answered")
    finally:
        north.thaws()
    home(stage, note, boot_ns())
