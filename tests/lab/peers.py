"""Other products, each steering the default route of a site of its own: what our figures are compared with.

Each is configured as its makers ship it, or as fast as people run it, and says so in `how`, which stands in the README beside its figures.
BIRD and keepalived are Debian's own programs; dpinger and mwan3 are told again (monitors.py). What probes beyond the first hop asks the
anchors that Linekeeper asks too; BFD's far end is the provider's first router.
"""
import json
import os
import shutil
import sys
from dataclasses import asdict

import topology
from monitors import METRIC, Dpinger, Mwan3
from topology import CIRCUITS, TARGETS

HERE = os.path.dirname(os.path.abspath(__file__))
ANCHORS = [t.address for t in TARGETS.values()]
BIRD_METRIC = 32  # what BIRD's kernel protocol writes when nothing else is said


class Peer:
    """One product with one setting. begin() starts it in a world; ready() says that it steers; end() takes away what it started."""
    programs = ()      # (program, Debian package)
    needs_root = False
    period_s = 1.0     # faults begin at a random moment of so long: its own clocks are not to meet ours

    def __init__(self, key, title, how):
        self.key, self.title, self.how = key, title, how

    def missing(self):
        return {package for program, package in self.programs if not shutil.which(program)}

    def begin(self, world):
        pass

    def ready(self, world):
        return True

    def end(self, world):
        for circuit in CIRCUITS.values():  # the route of one that ended without taking it along
            for metric in (METRIC, METRIC + 10, BIRD_METRIC):
                world.net["site"].run("ip", "route", "del", "default", "via", circuit.gateway, "dev", circuit.interface, "metric", str(metric), check=False)


def routes_by(world, metrics):
    """True when the site has a default route by each circuit with its metric: {circuit: metric}."""
    shown = json.loads(world.net["site"].run("ip", "-4", "-json", "route", "show", "default"))
    stand = {(route.get("dev"), route.get("metric", 0)) for route in shown}
    return all((CIRCUITS[name].interface, metric) in stand for name, metric in metrics.items())


class Told(Peer):
    """A monitor of monitors.py."""

    def __init__(self, key, title, how, kind, setting, targets, period_s):
        super().__init__(key, title, how)
        self.kind, self.setting, self.targets, self.period_s = kind, setting, targets, period_s
        if kind == "mwan3":
            self.programs = (("ping", "iputils-ping"),)

    def begin(self, world):
        world.programs.start("peer", world.net["site"], sys.executable, os.path.join(HERE, "monitors.py"), self.kind,
                             json.dumps(asdict(self.setting)), json.dumps(self.targets))

    def ready(self, world):
        return "ready" in world.programs["peer"].tail() and routes_by(world, {"fiber": METRIC})

    def end(self, world):
        world.programs.stop("peer")
        super().end(world)


class Bfd(Peer):
    """BIRD with a static default route for each circuit that stands while the circuit's BFD session does; the ISPs speak BFD too."""
    programs = (("bird", "bird2"), ("birdc", "bird2"))
    period_s = 0.5

    def __init__(self, key, title, how, timers, check_link):
        super().__init__(key, title, how)
        self.timers, self.check_link = timers, check_link

    def _bird(self, world, name, node, text):
        directory = os.path.join(world.run, name)
        os.makedirs(directory, exist_ok=True)
        conf, control = os.path.join(directory, "bird.conf"), os.path.join(directory, "ctl")
        with open(conf, "w") as f:
            f.write("log stderr all;\nprotocol device { }\n" + text)
        world.programs.start(name, world.net[node], "bird", "-f", "-c", conf, "-s", control, "-P", os.path.join(directory, "pid"))

    def begin(self, world):
        routes = "".join(
            f"protocol static {c.name} {{\n  ipv4 {{ preference {250 - 10 * i}; }};\n  {'check link yes;' if self.check_link else ''}\n"
            f"  route 0.0.0.0/0 via {c.gateway} bfd;\n}}\n" for i, c in enumerate(CIRCUITS.values()))
        self._bird(world, "bird-site", "site", f'router id {topology.SITE_LAN};\nprotocol kernel {{ ipv4 {{ import none; export all; }}; }}\n'
                   f'protocol bfd {{ interface "wan-*" {{ {self.timers} }}; }}\n{routes}')
        for c in CIRCUITS.values():
            self._bird(world, f"bird-{c.isp}", c.isp, f'router id {c.gateway};\nprotocol bfd {{\n  interface "cust" {{ {self.timers} }};\n'
                       f'  neighbor {c.address} dev "cust" local {c.gateway};\n}}\n')

    def ready(self, world):
        control = os.path.join(world.run, "bird-site", "ctl")
        shown = world.net["site"].run("birdc", "-s", control, "show", "bfd", "sessions", check=False)
        return shown.count(" Up ") == len(CIRCUITS) and routes_by(world, {"fiber": BIRD_METRIC})

    def end(self, world):
        for name in ("bird-site", *(f"bird-{c.isp}" for c in CIRCUITS.values())):
            world.programs.stop(name)
        super().end(world)


class Keepalived(Peer):
    """A VRRP instance for each circuit, alone in its network, that holds the circuit's default route while its track script succeeds."""
    programs = (("keepalived", "keepalived"), ("ping", "iputils-ping"))
    needs_root = True  # its scripts take on a user's groups, which a user namespace of one user forbids

    def begin(self, world):
        text = "global_defs {\n  script_user root\n}\n"
        for i, c in enumerate(CIRCUITS.values()):
            text += (f'vrrp_script ask_{c.name} {{\n  script "{shutil.which("ping")} -n -q -c 1 -W 1 -I {c.interface} {ANCHORS[0]}"\n'
                     "  interval 1\n  timeout 1\n  fall 3\n  rise 3\n}\n"
                     f"vrrp_instance {c.name} {{\n  state MASTER\n  interface {c.interface}\n  virtual_router_id {51 + i}\n  priority 255\n  advert_int 1\n"
                     f"  virtual_ipaddress {{ 169.254.51.{1 + i}/32 dev lo }}\n"
                     f"  virtual_routes {{ 0.0.0.0/0 via {c.gateway} dev {c.interface} metric {METRIC + 10 * i} }}\n"
                     f"  track_script {{ ask_{c.name} }}\n}}\n")
        directory = os.path.join(world.run, "keepalived")
        os.makedirs(directory, exist_ok=True)
        conf = os.path.join(directory, "keepalived.conf")
        with open(conf, "w") as f:
            f.write(text)
        world.programs.start("keepalived", world.net["site"], "keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", conf,
                             "--pid", os.path.join(directory, "pid"), "--vrrp_pid", os.path.join(directory, "vrrp.pid"))

    def ready(self, world):
        """It holds the routes before its scripts have said a word: one that cannot run them would never move."""
        said = world.programs["keepalived"].tail(200)
        return (all(f"VRRP_Script(ask_{name}) succeeded" in said for name in CIRCUITS)
                and routes_by(world, {c.name: METRIC + 10 * i for i, c in enumerate(CIRCUITS.values())}))

    def end(self, world):
        world.programs.stop("keepalived")
        super().end(world)


def _one_each():
    return {c: ANCHORS[0] for c in CIRCUITS}


PEERS = {p.key: p for p in (
    Told("dpinger", "dpinger, pfSense's defaults",
         "a request each 500 ms, lost after 2 s, alarm above 20 % or 500 ms of a window of 60 s, looked at each second, cleared after ten quiet looks",
         "dpinger", Dpinger(0.5, 60, 2, 1, 20, 0.5), _one_each(), 1.0),
    Told("dpinger-fast", "dpinger, fast",
         "a request each 100 ms, lost after 400 ms, alarm above 30 % or 150 ms of a window of 2 s, looked at each 100 ms",
         "dpinger", Dpinger(0.1, 2, 0.4, 0.1, 30, 0.15), _one_each(), 1.0),
    Told("mwan3", "mwan3's counters, 3 x 5 s",
         "two hosts, one of which must answer within 2 s, each 5 s; three failed rounds take the line out, eight good ones bring it back "
         "(the values of its older sample configuration; what it does when nothing is set, five rounds of 10 s, is slower)",
         "mwan3", Mwan3(5, 2, 3, 8, 1), {c: ANCHORS[:2] for c in CIRCUITS}, 5.0),
    Bfd("bfd", "BFD, BIRD's defaults", "100 ms, multiplier 5: what BIRD negotiates when nothing is set", "", False),
    Bfd("bfd-300", "BFD, 3 x 300 ms", "BIRD with 300 ms and multiplier 3 (FRR's defaults), and `check link`", "interval 300 ms; multiplier 3;", True),
    Bfd("bfd-100", "BFD, 3 x 100 ms", "BIRD with 100 ms and multiplier 3, and `check link`", "interval 100 ms; multiplier 3;", True),
    Keepalived("keepalived", "keepalived", "a `vrrp_instance` for each circuit, its `virtual_routes` held while a `track_script` succeeds: "
               "ping each second, `timeout 1`, `fall 3`, `rise 3`"),
    Peer("kernel", "nobody (route metrics)", "two default routes of different metric, and the kernel alone: the control"),
)}
