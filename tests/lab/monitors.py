"""Two gateway monitors of other products, told again in Python so that they run in the lab: dpinger as pfSense uses it, and mwan3's
counters. Real ICMP, real routes; their rules are theirs, and what an appliance does beside (seconds of reloading) is left out in
their favour: once the rule speaks, the default route is replaced at once.

dpinger: an echo request each `interval`; in a window of `period` a request counts as lost when it is unanswered for longer than `late`;
each `alert` the alarm is raised above `loss` per cent (whole ones, rounded down) or an average round trip above `slow`, and cleared
after ten looks in a row without (dpinger.c, alert_thread). It begins with a window of answers, as after a whole period of quiet.
mwan3: in each round hosts are pinged one after the other until `reliability` of them have answered; `down` failed rounds take a line
out, `up` good ones bring it back; a pause of `interval` between rounds (mwan3track).
"""
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import topology

METRIC = 50  # before what the site's DHCP client has written
DECAY = 10   # looks without reason until dpinger clears an alarm


@dataclass(frozen=True)
class Dpinger:
    interval_s: float
    period_s: float
    late_s: float
    alert_s: float
    loss_percent: int
    slow_s: float


@dataclass(frozen=True)
class Mwan3:
    interval_s: float
    timeout_s: float
    down: int
    up: int
    reliability: int


class Window:
    """dpinger's ring of requests, and its alarm. Time is the caller's, in seconds.

    filled_s: begins as after a whole period of answers with that round trip. An empty window flatters: in it a few losses are many."""

    def __init__(self, setting, filled_s=None):
        self.s = setting
        size = int(setting.period_s / setting.interval_s + 0.5)
        self.slots = [(None, filled_s)] * size  # (sent, round trip): sent None: before our time; round trip None: unanswered
        if filled_s is None:
            self.slots = [None] * size
        self.sequence, self.decay = 0, {"loss": 0, "slow": 0}

    def sent(self, now):
        """Returns the sequence number to send."""
        number = self.sequence
        self.slots[number % len(self.slots)] = (now, None)
        self.sequence = (number + 1) % (0xFFFF // len(self.slots) * len(self.slots))  # so that the ring is closed
        return number

    def received(self, number, now):
        slot = self.slots[number % len(self.slots)]
        if slot and slot[0] is not None and slot[1] is None:
            self.slots[number % len(self.slots)] = (slot[0], now - slot[0])

    def report(self, now):
        """Average round trip in seconds, and loss in whole per cent."""
        answered = [slot[1] for slot in self.slots if slot and slot[1] is not None]
        lost = sum(1 for slot in self.slots if slot and slot[1] is None and now - slot[0] > self.s.late_s)
        return (sum(answered) / len(answered) if answered else 0.0), (100 * lost // (len(answered) + lost) if lost else 0)

    def look(self, now):
        """One look of the alert thread. Returns whether the alarm stands."""
        slow_s, loss = self.report(now)
        for what, above in (("loss", loss > self.s.loss_percent), ("slow", slow_s > self.s.slow_s)):
            self.decay[what] = DECAY if above else max(0, self.decay[what] - 1)
        return any(self.decay.values())


class Score:
    """mwan3track's counter: one for both directions."""

    def __init__(self, setting):
        self.s, self.score, self.online = setting, setting.down + setting.up, True

    def round(self, hosts_up):
        """After one round over the hosts. Returns whether the line is held to be online."""
        if hosts_up < self.s.reliability:
            self.score -= 1
            if self.score <= self.s.up:
                self.score, self.online = 0, False
        else:
            self.score += 1
            self.online = self.online or self.score >= self.s.up
            if self.online:
                self.score = self.s.down + self.s.up
        return self.online


class Steering:
    """The default route goes by the first circuit that is well; when none is, it stays."""

    def __init__(self):
        self.well, self.now, self.lock = {name: True for name in topology.CIRCUITS}, None, threading.Lock()
        self.steer()

    def says(self, circuit, well):
        with self.lock:
            if self.well[circuit] != well:
                self.well[circuit] = well
                self.steer()

    def steer(self):
        to = next((name for name in topology.CIRCUITS if self.well[name]), None)
        if to and to != self.now:
            self.now, c = to, topology.CIRCUITS[to]
            done = subprocess.run(["ip", "route", "replace", "default", "via", c.gateway, "dev", c.interface, "metric", str(METRIC)], check=False)
            print(f"{time.monotonic():.3f} default by {to}: {'done' if done.returncode == 0 else 'refused'}", flush=True)


def _echo(identifier, sequence):
    header = struct.pack(">BBHHH", 8, 0, 0, identifier, sequence)
    total = sum(struct.unpack(">4H", header))
    total = (total >> 16) + (total & 0xFFFF)
    return struct.pack(">BBHHH", 8, 0, ~total & 0xFFFF, identifier, sequence)


class _Pinger:
    """One circuit's dpinger: its socket, its window, when it is due."""

    def __init__(self, setting, circuit, target, identifier):
        self.setting, self.circuit, self.target, self.identifier = setting, circuit, target, identifier
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, topology.CIRCUITS[circuit].interface.encode())
        self.socket.setblocking(False)
        begun = time.monotonic()
        self.window = Window(setting, self._measured())
        self.send_at, self.look_at = time.monotonic() + setting.interval_s, begun + random.uniform(0, 1) * setting.alert_s

    def _measured(self):
        """The round trip now, with which the window begins."""
        for _ in range(50):
            begun = time.monotonic()
            self.socket.sendto(_echo(self.identifier ^ 0xFFFF, 0), (self.target, 0))
            if select.select([self.socket], [], [], 0.2)[0]:
                self.socket.recv(1024)
                return time.monotonic() - begun
        raise SystemExit(f"{self.target} does not answer by {self.circuit}")

    def turn(self, now, steering):
        if now >= self.send_at:
            self.send_at = max(self.send_at + self.setting.interval_s, now)
            try:
                self.socket.sendto(_echo(self.identifier, self.window.sent(now)), (self.target, 0))
            except OSError:
                pass  # counts as lost, as dpinger counts it
        if now >= self.look_at:
            self.look_at = max(self.look_at + self.setting.alert_s, now)
            steering.says(self.circuit, not self.window.look(now))

    def hear(self):
        packet = self.socket.recv(1024)
        at = (packet[0] & 15) * 4
        kind, _, _, identifier, sequence = struct.unpack(">BBHHH", packet[at:at + 8])
        if kind == 0 and identifier == self.identifier:
            self.window.received(sequence, time.monotonic())


def run_dpinger(setting, targets):
    """For ever. targets: circuit -> address. dpinger is one process for each gateway; here one loop turns both."""
    steering = Steering()
    pingers = [_Pinger(setting, circuit, target, (os.getpid() + 7919 * i) & 0x7FFF) for i, (circuit, target) in enumerate(targets.items())]
    print("ready", flush=True)
    while True:
        due = min(min(p.send_at, p.look_at) for p in pingers)
        for s in select.select([p.socket for p in pingers], [], [], max(0.0, due - time.monotonic()))[0]:
            next(p for p in pingers if p.socket is s).hear()
        for pinger in pingers:
            pinger.turn(time.monotonic(), steering)


def run_mwan3(setting, targets):
    """For ever. targets: circuit -> addresses."""
    steering = Steering()

    def track(circuit, hosts):
        score = Score(setting)
        while True:
            up = 0
            for host in hosts:
                if up < setting.reliability:
                    up += subprocess.run(["ping", "-I", topology.CIRCUITS[circuit].interface, "-c", "1", "-W", f"{setting.timeout_s:g}", "-q", host],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
            steering.says(circuit, score.round(up))
            time.sleep(setting.interval_s)
    for circuit, hosts in targets.items():
        threading.Thread(target=track, args=(circuit, hosts), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _setting, _targets = json.loads(sys.argv[2]), json.loads(sys.argv[3])
    if sys.argv[1] == "dpinger":
        run_dpinger(Dpinger(**_setting), _targets)
    else:
        run_mwan3(Mwan3(**_setting), _targets)
