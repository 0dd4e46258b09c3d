"""An SBC without an API: it asks a port of ours for each way of its trunk, or follows our 302."""
import topology
from asker import Asker, Redirected
from kernel import boot_ns
from particular import must_become, restarted_with, settled
from scenarios import scenario
from stage import Unexpected

WAYS = {("north", "fiber"): 5071, ("north", "coax"): 5072, ("south", "fiber"): 5073, ("south", "coax"): 5074}
REDIRECT = 5070
NORTH, SOUTH = (f"{c.address}:5060" for c in topology.CARRIERS.values())


def site_of_an_sbc(text):
    """The lab's configuration with an SBC at the callers' address, which asks us, beside the PBX."""
    ways = {carrier: ", ".join(f'{circuit} = "{port}"' for (c, circuit), port in WAYS.items() if c == carrier) for carrier in topology.CARRIERS}
    return text + f"""
[[pbx]]
name = "sbc"
driver = "responder"
listen = "{topology.SITE_LAN}"
redirect_port = {REDIRECT}
allow = ["{topology.CALLERS}"]

[[trunk]]
name = "by-sbc"
pbx = "sbc"
class = "voice"
carriers = ["north", "south"]
ways = {{ {", ".join(f"{carrier} = {{ {those} }}" for carrier, those in ways.items())} }}
rto = "20s"
"""


@scenario("an SBC asks a port for each way and follows 302: north falls silent, and within seconds its ports say 503 and south is the first Contact; then back", 40)
def sbc_is_answered(stage, note):
    restarted_with(stage, site_of_an_sbc(stage.keeper.rendered()))
    settled(stage)
    askers = {way: Asker(stage, f"sbc-{port}", "callers", (topology.CALLERS, 6000 + port), (topology.SITE_LAN, port)) for way, port in WAYS.items()}
    calls = Redirected(stage, "sbc-calls", "callers", (topology.CALLERS, 6000 + REDIRECT), (topology.SITE_LAN, REDIRECT))
    # One who is not let in: the PBX.
    stranger = Asker(stage, "not-the-sbc", "pbx", (topology.PBX_CALLERS, 6075), (topology.SITE_LAN, WAYS["north", "fiber"]))

    def must_hear(expected, first, seconds):
        begun = boot_ns()
        must_become(f"the ports say {expected}, and the first Contact is {first}", seconds,
                    lambda: {way: a.last() for way, a in askers.items()} == expected and (calls.last() or [""])[0] == first,
                    lambda: ({way: a.last() for way, a in askers.items()}, calls.last()))
        return (boot_ns() - begun) / 1e9
    all_well = dict.fromkeys(WAYS, "200")
    without_north = {way: "503" if way[0] == "north" else "200" for way in WAYS}
    must_hear(all_well, NORTH, 8)
    if calls.last() != [NORTH, SOUTH]:
        raise Unexpected(f"the Contacts are {calls.last()}")
    fault = stage.does("carrier north silent")
    heard_s = must_hear(without_north, SOUTH, 15)
    if calls.last() != [SOUTH, NORTH]:
        raise Unexpected(f"the Contacts are {calls.last()}")
    turned_s = {f"{way[0]} via {way[1]}": (next(at for at, word in asker.answers() if at > fault and word == "503") - fault) / 1e9
                for way, asker in askers.items() if way[0] == "north"}
    stage.mends()
    home_s = must_hear(all_well, NORTH, 30)
    # An SBC counts what it does not hear as a dead trunk: each question has been answered.
    unanswered = sum(word == "silent" for asker in askers.values() for _, word in asker.answers())
    if unanswered or calls.unanswered():
        raise Unexpected(f"{unanswered} OPTIONS and {calls.unanswered()} INVITE were not answered")
    if {word for _, word in stranger.answers()} != {"silent"}:
        raise Unexpected(f"who is not let in heard {stranger.answers()}")
    note(turned_s=turned_s, heard_s=round(heard_s, 2), home_s=round(home_s, 2), asked=sum(len(a.answers()) for a in askers.values()))
