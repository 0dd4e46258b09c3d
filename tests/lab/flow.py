"""A flow of packets from the LAN to the internet and back: the lab's own witness of where traffic goes.

The echo answers each packet with the address it came from, as the internet sees it: that is the ISP that carried it, and no
program under test has a say in it. The sender notes when each answer was for; a gap in them is what a person would have heard.
"""
import os
import select
import signal
import socket
import struct
import time

import kernel
import topology
from netns import forked_into

EVERY_S = 0.005  # a packet tells a move by half of this late; 5 ms cost 2 % of a core a site
MOST_BYTES = 8 << 20  # a kept site may run for days: the record begins anew then
RECORD = struct.Struct("<QQ4s")  # sent and answered (boot clock, ns), public address


def _echo():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((topology.ECHO, topology.ECHO_PORT))
    while True:
        packet, peer = s.recvfrom(64)
        try:
            s.sendto(packet[:8] + socket.inet_aton(peer[0]), peer)
        except OSError:
            pass  # the way back is broken: that is what is being measured


def _send(path):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((topology.CALLERS, 0))
    s.setblocking(False)
    with open(path, "ab", buffering=0) as out:
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= due:
                due = max(due + EVERY_S, now)
                try:
                    s.sendto(struct.pack("<Q", kernel.boot_ns()), (topology.ECHO, topology.ECHO_PORT))
                except OSError:
                    pass
            if select.select([s], [], [], max(0.0, due - time.monotonic()))[0]:
                try:
                    packet = s.recv(64)
                    if out.tell() > MOST_BYTES:
                        out.truncate(0)
                    out.write(RECORD.pack(struct.unpack("<Q", packet[:8])[0], kernel.boot_ns(), packet[8:12]))
                except OSError:
                    pass


class Flow:
    def __init__(self, net, run):
        self.net, self.path, self.pids = net, os.path.join(run, "flow.bin"), []

    def start(self):
        self.pids = [forked_into(self.net["internet"], _echo), forked_into(self.net["callers"], lambda: _send(self.path))]

    def stop(self):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        self.pids = []

    def records(self, since_ns):
        """(sent, circuit) of each answered packet sent since then, in the order of sending."""
        by_address = {socket.inet_aton(c.public): c.name for c in topology.CIRCUITS.values()}
        try:
            with open(self.path, "rb") as f:
                data = self._answered_since(f, since_ns)
        except OSError:
            return []
        return sorted((sent, by_address.get(public, "?")) for sent, _, public in RECORD.iter_unpack(data) if sent >= since_ns)

    @staticmethod
    def _answered_since(f, since_ns):
        """The whole records from the first answered at that moment: they are written in that order, and hours of them are not read anew."""
        low, high = 0, os.fstat(f.fileno()).st_size // RECORD.size
        end = high * RECORD.size
        while low < high:
            middle = (low + high) // 2
            record = os.pread(f.fileno(), RECORD.size, middle * RECORD.size)
            if len(record) == RECORD.size and RECORD.unpack(record)[1] < since_ns:
                low = middle + 1
            else:
                high = middle
        data = os.pread(f.fileno(), end - low * RECORD.size, low * RECORD.size)
        return data[:len(data) - len(data) % RECORD.size]

    def circuit_now(self, within_s=0.5):
        """The circuit that carried the newest answered packet, or None when nothing was answered lately."""
        seen = self.records(kernel.boot_ns() - int(within_s * 1e9))
        return seen[-1][1] if seen else None

    def first_by(self, circuit, since_ns):
        """Seconds from a moment until the first packet sent that came back by this circuit, or None."""
        return next(((sent - since_ns) / 1e9 for sent, by in self.records(since_ns) if by == circuit), None)

    def longest_gap(self, since_ns, until_ns):
        """The longest silence between answered packets, in seconds."""
        seen = [since_ns] + [sent for sent, _ in self.records(since_ns) if sent <= until_ns] + [until_ns]
        return max(b - a for a, b in zip(seen, seen[1:])) / 1e9
