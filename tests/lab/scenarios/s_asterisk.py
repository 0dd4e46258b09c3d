"""Calls through a real Asterisk that is told by us: the same as with Kamailio, by another driver."""
import time

import topology
from asterisk import PORT as ASTERISK_PORT
from asterisk import Asterisk, way
from callers import Callers
from kernel import boot_ns
from particular import must_become, restarted_with, settled
from scenarios import scenario
from stage import IN_SET_UP_S, Unexpected

RATE = 5  # calls a second
PORT = 5066  # of its callers: 5060 is those of Kamailio


def first_is(asterisk, carrier, circuit):
    return asterisk.order()[:1] == [way(carrier, circuit)]


def calls_through(stage, note, release):
    asterisk = Asterisk(stage, release)
    callers = Callers(stage.world.programs, stage.world.net["callers"], stage.world.run, "asterisk-callers", PORT, f"{topology.PBX_CALLERS}:{ASTERISK_PORT}")
    try:
        asterisk.start()
        restarted_with(stage, asterisk.configuration(stage.keeper.rendered()))
        settled(stage)
        must_become("Asterisk has our order", 8, lambda: first_is(asterisk, "north", "fiber"), asterisk.order)
        callers.start(RATE)
        begun = callers.mark()
        must_become("calls are answered through Asterisk", 10, lambda: callers.between(begun, callers.mark() - 10**9).answered >= 5, callers.log)

        counted = callers.mark()
        fault = stage.does("carrier north silent")
        must_become("Asterisk has south first", 15, lambda: asterisk.order()[:1] in ([way("south", "fiber")], [way("south", "coax")]), asterisk.order)
        moved_s = (boot_ns() - fault) / 1e9
        stage.mends()
        must_become("Asterisk has north first again", 30, lambda: first_is(asterisk, "north", "fiber"), asterisk.order)
        carrier_died = tally(callers, counted, fault, "north fell silent")

        counted = callers.mark()
        fault = stage.does("break fiber blackhole")
        must_become("Asterisk has a way by coax first", 15, lambda: first_is(asterisk, "north", "coax"), asterisk.order)
        circuit_s = (boot_ns() - fault) / 1e9
        time.sleep(2)  # of calls by the new way
        circuit_died = tally(callers, counted, fault, "the fiber died")

        # Without us: the end in the text does its work, and the static order of the snippet holds; fiber is alive again by then.
        stage.mends()
        stage.keeper.daemon.kill()
        counted = callers.mark()
        must_become("the order in AstDB has ended", 20, lambda: ended(asterisk), asterisk.order)
        alone = tally(callers, counted, None, "we died")
        note(asterisk=asterisk.version(), moved_s=round(moved_s, 2), circuit_s=round(circuit_s, 2), carrier_died=carrier_died, circuit_died=circuit_died,
             without_us=alone)
    finally:
        callers.stop()
        asterisk.stop()


def ended(asterisk):
    said = asterisk.console("database get linekeeper order")
    ends = said.partition("|")[2].split()
    return bool(ends) and int(ends[0]) < time.time()


def tally(callers, begun, fault, since):
    """No new call fails but one that was being set up at the very fault. What was up on a line that died may not be ended properly."""
    calls = callers.between(begun, callers.mark())
    caught = [at for at in calls.unanswered if fault and fault - IN_SET_UP_S * 1e9 <= at <= fault + IN_SET_UP_S * 1e9]
    if len(calls.unanswered) > len(caught) or not calls.tried:
        raise Unexpected(f"{len(calls.unanswered)} of {calls.tried} calls through Asterisk were not answered since {since}; placed so many seconds after that: "
                         + ", ".join(f"{(at - (fault or begun)) / 1e9:.3f}" for at in calls.unanswered))
    return {"tried": calls.tried, "caught": len(caught), "cut": calls.cut, "worst_setup_s": round(calls.worst_setup_s, 2)}


@scenario("the PBX is an Asterisk 16: north falls silent, then the fiber dies, then we do; it is told each time in time, and no new call is lost", 75)
def asterisk_16_is_told(stage, note):
    calls_through(stage, note, "asterisk-bullseye")


@scenario("the PBX is an Asterisk 22: north falls silent, then the fiber dies, then we do; it is told each time in time, and no new call is lost", 75)
def asterisk_22_is_told(stage, note):
    calls_through(stage, note, "asterisk-sid")
