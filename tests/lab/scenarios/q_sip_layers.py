"""What carriers answer beyond yes and no: for how long they refuse, whose address they know, which password they want, how late they are."""
import os
import time

import topology
from kernel import boot_ns
from particular import (REALM_USER, Particular, metric, must_become, must_say, order_changes, path_of, restarted_with, settled, told_so_far,
                        with_settings)
from scenarios import scenario
from scenarios.l_addresses import follows
from scenarios.p_manners import overheard
from stage import IN_SET_UP_S, Unexpected

FIBER, COAX = topology.CIRCUITS["fiber"], topology.CIRCUITS["coax"]
POOL = "198.19.1.2"  # another address by which the fiber's provider may show its customer
FLOOR_S, AFTER_S = 2.0, 3600
SETTLED_S = 3.2  # a call that met a dead hop has gone to the next one by then


def unhurried(text):
    """The configuration with more time for a carrier that is asked seldom."""
    return text.replace('rto = "15s"', 'rto = "60s"').replace('stale_after = "10s"', 'stale_after = "30s"')


def no_call_lost(stage, begins):
    """All calls since begins_counting_calls() were answered, but for those that were being set up when one of the faults began."""
    calls = stage.counted_calls(SETTLED_S)
    lost = [at for at in calls.unanswered if not any(-IN_SET_UP_S <= (at - b) / 1e9 <= IN_SET_UP_S for b in begins)]
    if lost or calls.worst_setup_s > 6:
        raise Unexpected(f"of {calls.tried} calls {len(lost)} were not answered, the slowest after {calls.worst_setup_s:.2f} s")
    return calls


@scenario("north refuses with 503 and Retry-After of an hour: left at the first of them, asked no sooner than agreed meanwhile, and back seconds after it serves again", 40)
def retry_after_is_obeyed(stage, note):
    north = Particular(stage)
    restarted_with(stage, unhurried(with_settings(stage.keeper.rendered(), "north", {"interval": '"4s"', "floor": f'"{FLOOR_S:.0f}s"'})))
    settled(stage)
    north.sets("after", AFTER_S)
    stage.begins_counting_calls()
    with overheard(stage) as heard:
        begun, begun_s = boot_ns(), time.monotonic()
        north.sets("mode", 503)
        moved = stage.must_move("trunk", "south", begun, 12)
        seen = moved.events + stage.nothing_moves(9)
        times = {source: sorted(at for (who, _), at in heard.items() if who == source and at > begun_s) for source in {who for who, _ in heard}}
    gaps = [b - a for each in times.values() for a, b in zip(each, each[1:])]
    calls = no_call_lost(stage, [begun])
    note(moved, order_changes=len(order_changes(seen)), heard={k: len(v) for k, v in times.items()}, shortest_gap_s=round(min(gaps), 2), calls=calls.tried)
    if len(times) != 2 or len(gaps) < 4:
        raise Unexpected(f"too few OPTIONS for a proof: {times}")
    # Each way was told to come back later by its first answer.
    if min(gaps) < FLOOR_S - 0.05:
        raise Unexpected(f"asked again after {min(gaps):.2f} s, sooner than the floor of {FLOOR_S} s: {times}")
    begun = boot_ns()
    north.sets("mode", 0)
    home = stage.must_move("trunk", "north via fiber", begun, 25)
    note(home, act="home")
    if home.decided_s < 5.0:
        raise Unexpected(f"home after {home.decided_s:.2f} s, before the hold-down of 5 s")


@scenario("north asks for less (RFC 7339) with each answer: told once, nothing moves; when it refuses as well it is asked no sooner than it wished, and calls go to south", 45)
def overloaded_carrier_is_spared(stage, note):
    north = Particular(stage)
    agreed = {"interval": '"4s"', "floor": '"500ms"', "overload_control": "true"}
    restarted_with(stage, unhurried(with_settings(stage.keeper.rendered(), "north", agreed)))
    settled(stage)
    north.sets("oc", 1)
    told = stage.sees("carrier.overloaded", 10, "north")
    stage.nothing_moves(9)
    stage.begins_counting_calls()
    with overheard(stage) as heard:
        begun, begun_s = boot_ns(), time.monotonic()
        north.sets("mode", 503)
        moved = stage.must_move("trunk", "south", begun, 12)
        stage.nothing_moves(9)
        times = {source: sorted(at for (who, _), at in heard.items() if who == source and at > begun_s) for source in {who for who, _ in heard}}
    gaps = [b - a for each in times.values() for a, b in zip(each, each[1:])]
    calls = no_call_lost(stage, [begun])
    said = told_so_far(stage, "carrier.overloaded", "north")
    note(moved, told=told["text"], times_told=len(said), shortest_gap_s=round(min(gaps), 2), calls=calls.tried)
    # Without its wish a refusal is looked at again after the floor of half a second.
    if len(times) != 2 or len(gaps) < 4 or min(gaps) < 2.9:
        raise Unexpected(f"it was asked again after {min(gaps):.2f} s though it wished for 3 s: {times}")
    if len(said) > 2:
        raise Unexpected(f"told {len(said)} times: {[e['text'] for e in said]}")


def flaps(stage, note, how, least):
    """Five times 2 s of a fault and 2 s without: how often the order changes, and what becomes of calls meanwhile and afterwards."""
    stage.spent = True
    stage.begins_counting_calls()
    begins, events = [], []
    for _ in range(5):
        begins.append(stage.does(f"carrier north {how}"))
        events += stage.nothing_moves(2, planes=())
        stage.mends("north")
        events += stage.nothing_moves(2, planes=())
    well = stage.faults.mended_ns
    changes = order_changes(events)
    calls = no_call_lost(stage, begins)
    must_become("north by the fiber is first again", 25, lambda: stage.there("trunk", "north via fiber"), lambda: stage.way("trunk"))
    note(order_changes=len(changes), changes=changes, home_s=round((boot_ns() - well) / 1e9, 2), calls=calls.tried, failed=calls.failed, cut=calls.cut,
         worst_setup_s=round(calls.worst_setup_s, 2))
    # Led back to and left again no more than once in each hold-down of 5 s.
    if not least <= len(changes) <= 4:
        raise Unexpected(f"{len(changes)} changes of the order while north flapped: {changes}")


@scenario("north is silent for 2 s and well for 2 s, five times: the order changes four times at most, all calls are answered, and it is home afterwards", 45)
def flapping_silent(stage, note):
    flaps(stage, note, "silent", least=0)  # such a silence is not always long enough to be called one


@scenario("north refuses with 503 for 2 s and is well for 2 s, five times: left, not gone back to each time, all calls are answered, and it is home afterwards", 45)
def flapping_503(stage, note):
    flaps(stage, note, "503", least=1)


@scenario("north answers each OPTIONS after 3 s: that is late and no silence, nothing moves; when it is silent in earnest calls go to south", 45)
def carrier_answers_late(stage, note):
    north = Particular(stage)
    restarted_with(stage, unhurried(with_settings(stage.keeper.rendered(), "north", {"interval": '"5s"', "floor": '"1s"', "deadline": '"4s"'})))
    settled(stage)
    overdue = metric(stage, "path_sip_overdue_total", carrier="north", circuit="fiber") or 0
    north.sets("slow", 1)
    stage.nothing_moves(16, planes=("trunk",))
    late = (metric(stage, "path_sip_overdue_total", carrier="north", circuit="fiber") or 0) - overdue
    ways = [path_of(stage, circuit=circuit) for circuit in topology.CIRCUITS]
    if any(way["state"] != "up" for way in ways) or late < 2:
        raise Unexpected(f"{late:g} OPTIONS were late, and north is {[(w['state'], w['reason']) for w in ways]}")
    fault = stage.does("carrier north silent")
    note(stage.must_move("trunk", "south", fault, 20), late=late)


def served_addresses_only(stage, *addresses, text=None):
    """north serves these public addresses; to others it says 403."""
    north = Particular(stage)
    north.allows(*addresses)
    restarted_with(stage, text or stage.keeper.rendered())
    return north


@scenario("the fiber is renewed with a public address that is not on north's list: 403 is told as that, calls leave by coax, and go home when north lets it in", 45)
def forbidden_since_renewal(stage, note):
    north = served_addresses_only(stage, FIBER.public, COAX.public, text=follows(stage.keeper.rendered()))
    settled(stage)
    stage.begins_counting_calls()
    stage.net["internet"].ip(f"route add {POOL} via {FIBER.public}")
    stage.net[FIBER.isp].nft(f'table ip pool {{ chain out {{ type nat hook postrouting priority srcnat - 1; oifname "uplink" snat to {POOL}; }}\n}}')
    fault = stage.does("break fiber renewal")
    moved = stage.must_move("trunk", "north via coax", fault, 15)
    told = stage.sees("carrier.unauthorised", 5, "since our address there is another", seen=moved.events)
    way = must_become("north by the fiber is down since our address is another", 10,
                      lambda: (lambda p: p if p["state"] == "down" and p["last_code"] == 403 else None)(path_of(stage)), lambda: path_of(stage))
    if way["cause"] != "sip-rejected" or "403, since our address on fiber is another" not in way["reason"]:
        raise Unexpected(f"it is told as {way['cause']}: {way['reason']}")
    if (way["reachable"], way["authorised"], way["takes_calls"]) != ("yes", "no", "no") or way["seen_from"] != POOL:
        raise Unexpected(f"its layers are {way}")
    must_say(stage, f"north forbids us by fiber since our address there is another ({POOL}): ask it to allow that address.")
    must_say(stage, "it forbids our address there (403)", "allow-list", command=("inbound",))
    calls = no_call_lost(stage, [fault])
    note(moved, told=told["text"], calls=calls.tried, failed=calls.failed)
    begun = boot_ns()
    north.allows(POOL)
    stage.sees("carrier.authorised", 10, "fiber")
    note(stage.must_move("trunk", "north via fiber", begun, 30), act="home")


@scenario("north's list knows the fiber alone: by coax it is no second way, so that calls go to south when the fiber dies, and no caller hears 403", 30)
def allow_list_knows_one_circuit(stage, note):
    served_addresses_only(stage, FIBER.public)

    def as_expected():
        good = stage.way("trunk") == "north via fiber" and path_of(stage, circuit="coax")["state"] == "degraded"
        return good and stage.keeper.service("outbound")["verified"] and stage.keeper.service("voice")["verified"]
    must_become("north is first by the fiber and degraded by coax", 20, as_expected, lambda: (stage.way("trunk"), path_of(stage, circuit="coax")))
    coax = path_of(stage, circuit="coax")
    if "ask north whether our address on coax is allowed" not in coax["reason"] or coax["cause"] != "sip-unauthorised":
        raise Unexpected(f"403 by coax is told as {coax['cause']}: {coax['reason']}")

    def order():
        return [(step["carrier"], step["circuit"]) for step in stage.keeper.service("outbound")["order"]]
    # What has just begun has hold-downs to wait for: until then the others have not earned to pass it.
    must_become("north by coax is the last way", 15, lambda: order()[-1] == ("north", "coax"), order)
    must_say(stage, "it forbids our address there (403)", command=("inbound",))
    stage.journal.skip()
    stage.begins_counting_calls()
    fault = stage.does("break fiber blackhole")
    moved = stage.must_move("trunk", "south", fault, 12)
    if any("north via coax" in text for text in order_changes(moved.events)):
        raise Unexpected(f"calls were led to who forbids them: {order_changes(moved.events)}")
    calls = no_call_lost(stage, [fault])
    note(moved, calls=calls.tried, failed=calls.failed, cut=calls.cut)


def write_password(stage, text):
    path = os.path.join(stage.world.run, "linekeeper", "north.password")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as f:
        f.write(text + "\n")
    os.chown(path, stage.keeper.user, stage.keeper.user)
    return path


@scenario("north wants a password and we have a wrong one: told, shown once by each way and not again, south is taken; corrected and reloaded it is known", 35)
def digest_password(stage, note):
    north = Particular(stage, password="right one")
    path = write_password(stage, "wrong one")
    restarted_with(stage, with_settings(stage.keeper.rendered(), "north", {"auth": f'{{ user = "{REALM_USER}", password_file = "{path}" }}'}))
    refused = must_become("both ways say that our credentials are refused", 10,
                          lambda: all(path_of(stage, circuit=c)["authorised"] == "no" for c in topology.CIRCUITS), lambda: path_of(stage))
    must_become("calls go to south", 10, lambda: stage.there("trunk", "south"), lambda: stage.way("trunk"))
    way = path_of(stage)
    if way["state"] != "degraded" or "refuses our credentials (407)" not in way["reason"] or way["reachable"] != "yes":
        raise Unexpected(f"{refused}: north is {way['state']}, reachable {way['reachable']}: {way['reason']}")
    if len(told_so_far(stage, "carrier.unauthorised", "refuses our credentials")) != len(topology.CIRCUITS):
        raise Unexpected(f"told: {[e['text'] for e in told_so_far(stage, 'carrier.unauthorised')]}")
    must_say(stage, "north refuses our credentials by fiber: correct its auth in the configuration and reload.")
    stage.journal.skip()
    with overheard(stage) as heard:
        stage.nothing_moves(8)
        asked = len(heard)
    if north.counted("wrong") != len(topology.CIRCUITS) or asked < 10:
        raise Unexpected(f"of {asked} OPTIONS in 8 s, a wrong password was shown {north.counted('wrong')} times in all; once by each way is enough")
    write_password(stage, "right one")
    begun = boot_ns()
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    home = stage.must_move("trunk", "north via fiber", begun, 25)
    way = must_become("north knows us", 5, lambda: (lambda p: p if p["authorised"] == "yes" and p["last_code"] == 200 else None)(path_of(stage)),
                      lambda: path_of(stage))
    if north.counted("wrong") != len(topology.CIRCUITS):
        raise Unexpected("a wrong password was shown after it had been corrected")
    note(home, asked=asked, shown=north.counted("shown"), wrong=north.counted("wrong"))
