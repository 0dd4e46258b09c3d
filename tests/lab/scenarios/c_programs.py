"""What befalls our own programs: calls and routes go on."""
import os
import subprocess
import time

from processes import wait_until
from scenarios import Skip, scenario
from stage import Journal, Unexpected

LEASE_S, SWEEP_S = 12, 5  # site.toml.in; Kamailio's htable timer_interval


class KernelWatch:
    """What the kernel holds about routing, and every rtnetlink message about a change of it."""

    def __init__(self, stage):
        self.node = stage.net["site"]
        self.path = os.path.join(stage.world.run, f"monitor-{time.monotonic_ns()}.txt")
        with self.node, open(self.path, "w") as out:
            self.process = subprocess.Popen(["ip", "-N", "monitor", "route", "rule", "nexthop"], stdout=out, stderr=subprocess.STDOUT)
        time.sleep(0.2)
        self.before = self.dump()

    def dump(self):
        return "\n".join(self.node.run("ip", "-N", *words) for words in
                         (("rule", "show"), ("nexthop", "show"), ("route", "show", "table", "all")))

    def unchanged(self, during):
        """Unexpected when anything changed, there and back again included."""
        time.sleep(0.2)
        self.process.kill()
        self.process.wait()
        with open(self.path) as f:
            messages = f.read().splitlines()
        if self.dump() != self.before:
            raise Unexpected(f"the kernel's routing is another after {during}:\n{self.before}\n---\n{self.dump()}")
        if messages:
            raise Unexpected(f"{len(messages)} route messages during {during}: " + " | ".join(messages[:6]))


def calls_go_on(stage, since, what):
    calls = stage.world.callers.between(since, stage.world.callers.mark())
    if calls.failed or not calls.answered:
        raise Unexpected(f"of {calls.tried} calls {calls.failed} failed while {what}")
    return calls


@scenario("linekeeperd is killed during calls: routes and calls go on, the lease ends in the static order, a restart moves nothing")
def daemon_killed(stage, note):
    stage.must_move("trunk", "south", stage.does("carrier north silent"), 20)
    time.sleep(6)  # calls that met the silence have ended, and both of north's ways are known to be dead
    order = stage.world.pbx_order()
    watch, begin = KernelWatch(stage), stage.world.callers.mark()
    stage.keeper.daemon.kill()
    killed = time.monotonic()
    time.sleep(4)
    if stage.world.pbx_order() != order:
        raise Unexpected("the PBX's order was lost at once: it should have held for its lease")
    if not wait_until(lambda: stage.world.pbx_order() is None, LEASE_S + SWEEP_S + 2, 0.2):
        raise Unexpected(f"{LEASE_S + SWEEP_S + 2} s after the last word the lease has not ended: {stage.world.pbx_order()}")
    ended_s = time.monotonic() - killed
    time.sleep(2)  # calls by the static order, which begins with the silent carrier: the PBX's own retry finds the other
    calls = calls_go_on(stage, begin, "linekeeperd was dead")
    watch.unchanged("the death of linekeeperd")
    watch = KernelWatch(stage)
    restarted = time.monotonic()
    stage.keeper.start_daemon()
    stage.journal = Journal(stage.keeper.api)
    if not wait_until(lambda: (stage.world.pbx_order() or [0])[0] in (21, 22), 12, 0.1):
        raise Unexpected(f"12 s after the restart the PBX holds {stage.world.pbx_order()}")
    note(lease_ended_s=round(ended_s, 2), order_back_s=round(time.monotonic() - restarted, 2), tried=calls.tried, failed=calls.failed)
    watch.unchanged("the restart of linekeeperd")


@scenario("linekeeperd is killed and started while the fiber is dead: it takes over what stands and changes no route")
def restart_on_the_backup(stage, note):
    stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8)
    time.sleep(1)
    watch = KernelWatch(stage)
    stage.keeper.daemon.kill()
    begun = time.monotonic()
    stage.keeper.start_daemon()
    stage.journal = Journal(stage.keeper.api)
    if not wait_until(lambda: stage.keeper.service("voice")["via"] == "coax" and stage.keeper.service("voice")["verified"], 8):
        raise Unexpected(f"8 s after the restart voice goes by {stage.way('routing')}")
    note(proven_again_s=round(time.monotonic() - begun, 2))
    time.sleep(3)
    watch.unchanged("the restart of linekeeperd")
    if stage.world.flow.circuit_now() != "coax":
        raise Unexpected(f"packets go by {stage.world.flow.circuit_now()}")


@scenario("linekeeper-switch is killed and started again: routes stay, nothing is written, and it switches as before")
def switch_killed(stage, note):
    watch = KernelWatch(stage)
    stage.keeper.switch.kill()
    stage.sees("switch.lost", 5)
    time.sleep(1)
    stage.keeper.start_switch()
    begun = time.monotonic()
    stage.sees("switch.connected", 10)
    if not wait_until(lambda: stage.keeper.steady()[0], 10):
        raise Unexpected(f"10 s after the switch came back: {stage.keeper.steady()[1]}")
    note(connected_again_s=round(time.monotonic() - begun, 2))
    watch.unchanged("the restart of linekeeper-switch")
    note(stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8))


@scenario("Kamailio is restarted: the order is there again within 10 s")
def kamailio_restarted(stage, note):
    stage.must_move("trunk", "south", stage.does("carrier north silent"), 20)
    order = stage.world.pbx_order()
    begun = time.monotonic()
    stage.world.restart_pbx()
    if not wait_until(lambda: stage.world.pbx_order() == order, 10, 0.05):
        raise Unexpected(f"10 s after the restart the PBX holds {stage.world.pbx_order()}, not {order}")
    note(order_back_s=round(time.monotonic() - begun, 2))


@scenario("a broken configuration is reloaded: the old one stays, the mistake is told")
def broken_reload(stage, _note):
    keeper, good = stage.keeper, stage.keeper.rendered()
    watch = KernelWatch(stage)
    keeper.write_config(good.replace('rise = 10', 'rise = "ten"').replace("[site]", "[site]\ncolour = 3"))
    try:
        keeper.reload()
        event = stage.sees("config.rejected", 5)
        steady, why = keeper.steady()
        if not steady:
            raise Unexpected(f"after a rejected configuration: {why}")
        if "linekeeper_config_last_reload_successful 0" not in keeper.api.get("/metrics"):
            raise Unexpected("the metric config_last_reload_successful is not 0")
        checked = keeper.command("config", "check", keeper.config)
        said = checked.stdout + checked.stderr
        if checked.returncode != 2 or "colour" not in said or "rise" not in said:
            raise Unexpected(f"config check ended with {checked.returncode} and said: {said}")
    finally:
        keeper.write_config(good)
        keeper.reload()
    stage.sees("config.reloaded", 5)
    watch.unchanged("a rejected and an unchanged configuration")
    if not event["text"]:
        raise Unexpected("config.rejected has no text")


@scenario("linekeeperd has no capability, another user and no way to more; the switch has CAP_NET_ADMIN alone")
def least_privilege(stage, _note):
    if os.environ.get("LINEKEEPER_LAB_NO_PROC"):
        raise Skip("this container does not allow a /proc of our own")
    from processes import one_user_only

    def status(program):
        with open(f"/proc/{program.pid}/status") as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    daemon = status(stage.keeper.daemon)
    for capability_set in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        if int(daemon[capability_set], 16) != 0:
            raise Unexpected(f"linekeeperd has {capability_set} {daemon[capability_set]}")
    if daemon["NoNewPrivs"] != "1":
        raise Unexpected("linekeeperd could gain privileges")
    if not one_user_only() and set(daemon["Uid"].split()) != {"65534"}:
        raise Unexpected(f"linekeeperd runs as {daemon['Uid']}")
    switch = status(stage.keeper.switch)
    net_admin = 1 << 12
    for capability_set in ("CapPrm", "CapEff"):
        if int(switch[capability_set], 16) & ~net_admin:
            raise Unexpected(f"linekeeper-switch has {capability_set} {switch[capability_set]}, more than CAP_NET_ADMIN")


@scenario("the main routing table is never written, and what is ours stays in our ranges")
def main_table_untouched(stage, _note):
    site = stage.net["site"]
    main = site.run("ip", "-N", "route", "show", "table", "254")
    stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8)
    if site.run("ip", "-N", "route", "show", "table", "254") != main:
        raise Unexpected("the main table is another after a move")
    for line in site.run("ip", "-N", "route", "show", "table", "all").splitlines():
        words = line.split()
        if "proto" in words and words[words.index("proto") + 1] == "178":
            table = int(words[words.index("table") + 1]) if "table" in words else 254
            if not 7000 <= table <= 7999:
                raise Unexpected(f"a route of ours outside our tables: {line}")
    for line in site.run("ip", "-N", "rule", "show").splitlines():
        if "178" in line.split() and not 7000 <= int(line.split(":")[0]) <= 7999:
            raise Unexpected(f"a rule of ours outside our band: {line}")


@scenario("each program ends within 2 s of being asked, and leaves the routes in place")
def ends_when_asked(stage, note):
    keeper = stage.keeper
    watch = KernelWatch(stage)
    daemon_s, gentle = keeper.daemon.stop(4)
    if not gentle or daemon_s > 2:
        raise Unexpected(f"linekeeperd needed {daemon_s:.1f} s")
    if keeper.daemon.process.returncode != 0:
        raise Unexpected(f"linekeeperd ended with {keeper.daemon.process.returncode}")
    switch_s, gentle = keeper.switch.stop(4)
    if not gentle or switch_s > 2:
        raise Unexpected(f"linekeeper-switch needed {switch_s:.1f} s")
    if os.path.exists(keeper.control):
        raise Unexpected("the control socket is still there")
    watch.unchanged("the end of both programs")
    note(daemon_s=round(daemon_s, 3), switch_s=round(switch_s, 3))
    keeper.start_switch()
    keeper.start_daemon()
    stage.journal = Journal(keeper.api)
    unreachable = keeper.command("status", socket="/nonexistent")
    if unreachable.returncode != 3:
        raise Unexpected(f"without a daemon the command line ended with {unreachable.returncode}, not 3")
