"""Others who write routes beside us: theirs are theirs, and ours are ours."""
import os
import re
import shutil
import subprocess
import time

import topology
from processes import wait_until
from scenarios import Skip, scenario
from stage import Journal, Unexpected

BIRD, OURS = 12, 178  # routing protocol numbers (RTPROT_BIRD in linux/rtnetlink.h; ours: controller/switch/README.md)
LEARNED, OWN, TABLE = "10.97.0.0/16", "10.98.0.0/16", 500

# Scans every second and exports all: what it would write at all, it writes often.
SITE = f"""
router id {topology.SITE_LAN};
ipv4 table others;
protocol device {{ scan time 1; }}
protocol kernel {{ learn; scan time 1; ipv4 {{ import all; export where source ~ [ RTS_STATIC, RTS_BGP ]; }}; }}
protocol kernel {{ kernel table {TABLE}; scan time 1; ipv4 {{ table others; export all; }}; }}
protocol static {{ ipv4; route {OWN} via {topology.CALLERS}; }}
protocol static {{ ipv4 {{ table others; }}; route 0.0.0.0/0 via {topology.CALLERS}; }}
protocol bgp peer {{ local {topology.SITE_LAN} as 65001; neighbor {topology.CALLERS} as 65002; ipv4 {{ import all; export none; }}; }}
"""
PEER = f"""
router id {topology.CALLERS};
protocol device {{}}
protocol static {{ ipv4; route {LEARNED} blackhole; }}
protocol bgp site {{ local {topology.CALLERS} as 65002; neighbor {topology.SITE_LAN} as 65001; passive; ipv4 {{ import none; export all; }}; }}
"""


class Bird:
    def __init__(self, stage, node, configuration):
        self.stage, self.node, self.name = stage, stage.net[node], f"bird-{node}"
        self.folder = os.path.join(stage.world.run, self.name)
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "bird.conf"), "w") as f:
            f.write(configuration)

    def start(self):
        self.stage.world.programs.start(self.name, self.node, "bird", "-f", "-c", os.path.join(self.folder, "bird.conf"),
                                        "-s", os.path.join(self.folder, "ctl"), "-P", os.path.join(self.folder, "pid"))

    def stop(self):
        self.stage.world.programs.stop(self.name)

    def asked(self, *words):
        return self.node.run("birdc", "-s", os.path.join(self.folder, "ctl"), *words)


class Books:
    """Whose routes, rules and nexthops stand, and every message about a change of them."""

    def __init__(self, stage):
        self.node = stage.net["site"]
        self.read = 0
        self.path = os.path.join(stage.world.run, f"books-{time.monotonic_ns()}.txt")
        with self.node, open(self.path, "w") as out:
            self.monitor = subprocess.Popen(["ip", "-N", "-o", "monitor", "route", "rule", "nexthop"], stdout=out, stderr=subprocess.STDOUT)
        time.sleep(0.2)

    def of(self, protocol):
        lines = (line for words in (("rule", "show"), ("nexthop", "show"), ("route", "show", "table", "all"))
                 for line in self.node.run("ip", "-N", "-d", *words).splitlines())
        return sorted(line.strip() for line in lines if re.search(rf"\bproto {protocol}\b", line))

    def written(self):
        """Messages since the last call."""
        time.sleep(0.2)
        with open(self.path) as f:
            f.seek(self.read)
            lines = f.read().splitlines()
            self.read = f.tell()
        return lines

    def of_written(self, protocol):
        return [line for line in self.written() if re.search(rf"\bproto {protocol}\b", line)]


@scenario("BIRD holds routes, a rule and a BGP session beside us: neither touches the other's while we fail over, repair, stop and start, nor while it does", 60)
def bird_beside_us(stage, note):
    if not shutil.which("bird") or not shutil.which("birdc"):
        raise Skip("there is no BIRD here: install bird2")
    stage.spent = True
    site, keeper = stage.net["site"], stage.keeper
    bird, peer = Bird(stage, "site", SITE), Bird(stage, "callers", PEER)
    books = Books(stage)
    ours = books.of(OURS)
    if not ours:
        raise Unexpected("nothing of ours stands, and the site is steady")

    def ours_untouched(during):
        messages = books.of_written(OURS)
        if messages or books.of(OURS) != ours:
            raise Unexpected(f"{during}: ours are others: {messages or books.of(OURS)}")

    peer.start()
    bird.start()
    if not wait_until(lambda: any(LEARNED in line for line in books.of(BIRD)) and any(OWN in line for line in books.of(BIRD)), 20, 0.1):
        raise Unexpected(f"BIRD has not set its routes: {books.of(BIRD)}; {bird.asked('show', 'protocols')}")
    site.ip(f"rule add priority 5000 from 10.10.99.0/24 lookup {TABLE} proto {BIRD}")
    ours_untouched("BIRD started")
    theirs = books.of(BIRD)
    acts = []

    def theirs_untouched(during):
        messages = books.of_written(BIRD)
        if messages or books.of(BIRD) != theirs:
            raise Unexpected(f"{during}: BIRD's are others: {messages or books.of(BIRD)}, were {theirs}")
        if "Established" not in bird.asked("show", "protocols", "peer"):
            raise Unexpected(f"{during}: the session is down: {bird.asked('show', 'protocols')}")
        for where, source in (("10.97.1.1", ()), ("10.98.1.1", ()), ("192.0.2.1", ("from", "10.10.99.9", "iif", "lan0"))):
            way = site.run("ip", "route", "get", where, *source)
            if "dev lan0" not in way:
                raise Unexpected(f"{during}: BIRD sends {where} to the LAN, and it goes {way}")
        acts.append(during)

    stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8)
    theirs_untouched("failed over")
    site.ip("rule del priority 7999")
    stage.sees("switch.drift", 3, "7999")
    if not any(line.startswith("7999:") for line in books.of(OURS)):
        raise Unexpected("a rule of ours was deleted and is not back")
    theirs_untouched("repaired a rule of ours")
    keeper.switch.stop()
    keeper.daemon.stop()
    theirs_untouched("stopped")
    keeper.start_switch()
    keeper.start_daemon()
    stage.journal = Journal(keeper.api)
    theirs_untouched("started")
    stage.must_move("routing", "fiber", stage.mends(), 80)
    theirs_untouched("came home")

    books.written()
    ours = books.of(OURS)
    bird.stop()
    if not wait_until(lambda: not any("dev lan0" in line for line in books.of(BIRD)), 5, 0.1):
        raise Unexpected(f"BIRD has ended, and its routes stand: {books.of(BIRD)}")
    ours_untouched("BIRD stopped")
    bird.start()
    if not wait_until(lambda: books.of(BIRD) == theirs, 20, 0.1):
        raise Unexpected(f"BIRD came back with {books.of(BIRD)}, had {theirs}")
    ours_untouched("BIRD came back")
    note(acts=acts, theirs=len(theirs), ours=len(ours))
