"""Others who write rules and routes on our machine: a person, a network service that cleans up."""
import time

import topology
from kernel import boot_ns
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

COAX = topology.CIRCUITS["coax"]
VOICE_TABLE = 7200
ALL_TRAFFIC = 7999  # the rule of the class without a selector


def dumped(stage):
    """Our rules, nexthops and routes, as the kernel shows them."""
    site = stage.net["site"]
    return [sorted(line.strip() for line in site.run("ip", "-N", *words).splitlines() if "178" in line.split())
            for words in (("rule", "show"), ("nexthop", "show"), ("route", "show", "table", "all"))]


def put_back(stage, before, what):
    """Seconds until all stands again as it did; the event is told."""
    begun = time.monotonic()
    if not wait_until(lambda: dumped(stage) == before, 3, 0.01):
        raise Unexpected(f"3 s after {what} our objects are:\n{dumped(stage)}\nand were:\n{before}")
    seconds = time.monotonic() - begun
    told = stage.sees("switch.drift", 2)
    if seconds > 1:
        raise Unexpected(f"{what}: put back only after {seconds:.2f} s")
    return round(seconds, 3), told["text"]


def corrections(stage):
    lines = stage.keeper.api.get("/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("linekeeper_actuator_corrections_total") and '"switch"' in line)


@scenario("somebody deletes our rules and nexthops: back within a second and counted, after three times in ten minutes left alone with an alarm", 15)
def foreign_rule_deletion(stage, note):
    stage.spent = True
    site, before, counted = stage.net["site"], dumped(stage), corrections(stage)
    nexthop = next(line.split()[1] for line in before[1] if int(line.split()[1]) >= 75000)
    acts = ((f"ip rule delete priority {ALL_TRAFFIC}", "the deletion of a rule"), (f"ip nexthop delete id {nexthop}", "the deletion of a nexthop"),
            ("ip rule flush protocol 178", "the deletion of all rules"))
    for command, what in acts:
        site.run(*command.split())
        seconds, text = put_back(stage, before, what)
        note(act=what, back_s=seconds, told=text)
    if corrections(stage) < counted + len(acts):
        raise Unexpected(f"{len(acts)} repairs, and the metric counts {corrections(stage) - counted:g}")
    site.run("ip", "rule", "delete", "priority", str(ALL_TRAFFIC))  # for the third time
    note(act="a third time", back_s=put_back(stage, before, "the third deletion of a rule")[0])
    if stage.world.flow.circuit_now() != "fiber":
        raise Unexpected(f"packets go by {stage.world.flow.circuit_now()}")
    site.run("ip", "rule", "delete", "priority", str(ALL_TRAFFIC))
    alarm = stage.sees("switch.drift", 3, "not any more")
    time.sleep(1)
    if dumped(stage) == before:
        raise Unexpected("it was put back a fourth time in ten minutes")
    page = stage.keeper.command("status").stdout
    note(act="given up", told=alarm["text"], status=[line for line in page.splitlines() if "put back" in line or "switch" in line.lower()])
    # Leaving a dead circuit is more urgent than a quarrel: the next change of ours puts it back.
    note(stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 6), act="a death all the same")


@scenario("somebody's rule stands before ours and takes the traffic elsewhere: told within a second, with the rule's table, and told when it is over", 15)
def foreign_rule_shadows(stage, note):
    stage.spent = True
    site, before = stage.net["site"], dumped(stage)
    site.ip(f"route add default via {COAX.gateway} dev {COAX.interface} table 500")
    begun = boot_ns()
    site.ip("rule add priority 90 lookup 500")
    told = stage.sees("switch.drift", 3, "500")
    told_s = (boot_ns() - begun) / 1e9
    if told_s > 1.5:
        raise Unexpected(f"told only after {told_s:.2f} s")
    if "voice" not in told["text"]:
        raise Unexpected(f"it is not said what is led elsewhere: {told['text']}")
    stage.nothing_moves(2)
    if "90:" not in site.run("ip", "rule", "show") or dumped(stage) != before:
        raise Unexpected("a rule of somebody else's was touched, or ours were")
    again = [e for e in stage.journal.new() if e["id"] == "switch.drift"]
    site.ip("rule delete priority 90")
    over = stage.sees("switch.drift", 3, "again")
    note(told_s=round(told_s, 3), told=told["text"], over=over["text"])
    if again:
        raise Unexpected(f"one rule was told more than once: {[e['text'] for e in again]}")
