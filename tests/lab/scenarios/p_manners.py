"""What carriers hear of us: never more OPTIONS than was agreed, whatever happens to us; and calls of our own."""
import collections
import re
import socket
import struct
import threading
import time
from contextlib import contextmanager

import topology
from api import Journal
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

NORTH = topology.CARRIERS["north"]
INTERVAL_S, FLOOR_S, BURST = 4.0, 3.0, 2
RESTARTS = 20
ETH_P_IP, IPPROTO_UDP = 0x0800, 17


@contextmanager
def overheard(stage):
    """Every OPTIONS that reaches north: when each transaction's first packet came, by the public address that it came from."""
    with stage.net["north"]:
        ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    ear.settimeout(0.2)
    first = {}  # (source, branch) -> seconds
    over = threading.Event()

    def listen():
        while not over.is_set():
            try:
                packet, where = ear.recvfrom(65535)
            except OSError:
                continue
            header = (packet[0] & 15) * 4
            if where[2] == socket.PACKET_OUTGOING or packet[9] != IPPROTO_UDP or struct.unpack("!H", packet[header + 2:header + 4])[0] != 5060:
                continue
            text = packet[header + 8:].decode("latin-1")
            branch = re.search(r"branch=(z9hG4bK\w+)", text)
            if text.startswith("OPTIONS ") and branch:
                first.setdefault((socket.inet_ntoa(packet[12:16]), branch[1]), time.monotonic())
    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield first
    finally:
        over.set()
        thread.join()
        ear.close()


def most_in_any_window(times):
    """The worst excess over what carriers/README.md allows: 1 + T/floor + burst + T/interval in any time T."""
    worst = 0.0
    for i, begin in enumerate(times):
        for j in range(i, len(times)):
            lasted = times[j] - begin + 0.05  # the network's and our own clock's
            worst = max(worst, (j - i + 1) - (1 + lasted / FLOOR_S + BURST + lasted / INTERVAL_S))
    return worst


@scenario("20 restarts, by order and by SIGKILL, a carrier that falls silent, and a drill: north never hears more OPTIONS than was agreed", 110)
def manners_over_restarts(stage, note):
    stage.spent = True
    text = stage.keeper.rendered().replace('interval = "1s"\nfloor = "1s"\ndeadline = "800ms"\n',
                                           f'interval = "{INTERVAL_S:.0f}s"\nfloor = "{FLOOR_S:.0f}s"\ndeadline = "2s"\nverify_burst = {BURST}\n')
    text = text.replace('rto = "15s"', 'rto = "60s"').replace('stale_after = "10s"', 'stale_after = "30s"')
    stage.keeper.write_config(text)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    with overheard(stage) as first:
        for i in range(RESTARTS):
            time.sleep(1 + 0.7 * (i % 5))
            if i % 2:
                stage.keeper.daemon.kill()
            else:
                stage.keeper.daemon.stop()
            if i == 10:
                stage.does("carrier north silent")
            if i == 14:
                stage.mends()
            stage.keeper.start_daemon()
        stage.journal = Journal(stage.keeper.api)
        for to in ("coax", "fiber"):
            stage.keeper.command("failover", "voice", "--to", to, "--for", "5m", "--reason", "drill", "--yes")
            time.sleep(6)
        heard = dict(first)
    ways = collections.defaultdict(list)
    for (source, _), when in heard.items():
        ways[source].append(when)
    if len(ways) != len(topology.CIRCUITS):
        raise Unexpected(f"north heard of {sorted(ways)}, not of both circuits")
    if min(len(times) for times in ways.values()) < 10:
        raise Unexpected(f"north heard too little for a proof: {dict((source, len(times)) for source, times in ways.items())}")
    worst = {source: round(most_in_any_window(sorted(times)), 2) for source, times in ways.items()}
    note(heard={source: len(times) for source, times in ways.items()}, beyond_the_bound=worst)
    if max(worst.values()) > 0:
        raise Unexpected(f"more OPTIONS than 1 + T/{FLOOR_S} + {BURST} + T/{INTERVAL_S} in some time T: by {worst}")


@scenario("a test call by the fiber is answered by north, one is refused with 503; nobody is left on the line; inbound says what is known", 30)
def own_call(stage, note):
    stage.spent = True
    address = f'address = "{NORTH.address}:5060"\n'
    stage.keeper.write_config(stage.keeper.rendered().replace(
        address, address + 'test_call = { number = "+441632960000", expect = "answer", talk = "500ms" }\n'))
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    stage.steady()
    done = stage.keeper.command("call", "north", "--circuit", "fiber", "--yes")
    if done.returncode != 0 or "was answered after" not in done.stdout:
        raise Unexpected(f"the call ended with {done.returncode}: {done.stdout}{done.stderr}")
    again = stage.keeper.command("call", "north", "--yes")
    if again.returncode != 4 or "Try again in" not in again.stderr + again.stdout:
        raise Unexpected(f"a second call at once ended with {again.returncode}: {again.stdout}{again.stderr}")
    other = stage.keeper.command("call", "south", "--yes")
    if other.returncode != 4 or "no test_call" not in other.stderr + other.stdout:
        raise Unexpected(f"a call by a carrier without a number ended with {other.returncode}: {other.stdout}{other.stderr}")
    inbound = stage.keeper.command("inbound", check=True).stdout
    if not re.search(r"north +fiber +likely", inbound) or "was answered" not in inbound:
        raise Unexpected(f"inbound says: {inbound}")
    time.sleep(8)
    stage.does("carrier north 503")
    if not wait_until(lambda: "10 s" not in stage.keeper.command("call", "north", "--circuit", "coax", "--yes").stderr, 5, 1):
        raise Unexpected("no further call was possible after ten seconds")
    refused = stage.keeper.command("inbound", check=True).stdout
    if "was refused with 503" not in refused:
        raise Unexpected(f"the refused call is told as: {refused}")
    note(said=done.stdout.strip())
