"""This host's resolvers follow the circuit in use: real BINDs at each provider, and the C library as whoever asks."""
import os
import shutil
import socket
import struct
import subprocess
import time

import topology
from api import boot_ns
from kernel import boot_ns as now_ns
from processes import wait_until
from scenarios import Skip, scenario
from stage import Unexpected

NAME, ADDRESS = "www.lab.example", topology.ECHO
# Where each BIND runs, its address there, and who may ask it: a provider answers its own customers only.
BINDS = {"fiber": ("isp-a", "198.18.10.53", "100.64.1.0/24"), "coax": ("isp-b", "198.18.20.53", "100.64.2.0/24"),
         "fallback": ("internet", topology.RESOLVER, "any")}
AT = {who: address for who, (_, address, _) in BINDS.items()}


def start_bind(stage, who):
    node, address, askers = BINDS[who]
    directory = os.path.join(stage.world.run, f"bind-{who}")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "named.conf"), "w") as f:
        f.write(f'options {{ directory "{directory}"; pid-file none; session-keyfile none; listen-on {{ {address}; }}; listen-on-v6 {{ none; }};\n'
                f'          recursion no; dnssec-validation no; allow-query {{ {askers}; }}; }};\n'
                f'controls {{ }};\nzone "lab.example" {{ type primary; file "zone"; }};\n')
    with open(os.path.join(directory, "zone"), "w") as f:
        f.write(f"$TTL 0\n@ SOA ns. root. 1 60 60 60 0\n@ NS ns.lab.example.\nns A {address}\nwww A {ADDRESS}\n")
    stage.world.programs.start(f"bind-{who}", stage.net[node], "named", "-g", "-n", "1", "-c", os.path.join(directory, "named.conf"))

    def listens():
        question = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + b"".join(bytes([len(p)]) + p.encode() for p in NAME.split(".")) + b"\0" + struct.pack("!2H", 1, 1)
        with stage.net[node], socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.sendto(question, (address, 53))
                return s.recv(512)[:2] == question[:2]
            except OSError:
                return False
    if not wait_until(listens, 10):
        raise Unexpected(f"BIND does not listen on {address}:\n{stage.world.programs[f'bind-{who}'].tail()}")


def file_of(stage):
    return os.path.join(stage.world.run, "linekeeper", "resolv.conf")


def servers(stage):
    try:
        with open(file_of(stage)) as f:
            return [line.split()[1] for line in f if line.startswith("nameserver ")]
    except FileNotFoundError:
        return []


def must_name(stage, first, within_s, since_ns=None):
    """Waits until the file names `first` first; returns the seconds since `since_ns`, as a reader of the file sees it."""
    if not wait_until(lambda: servers(stage)[:1] == [AT[first]], within_s, 0.01):
        raise Unexpected(f"{first}'s resolver {AT[first]} is not first in the file within {within_s} s: {servers(stage)}")
    return (now_ns() - (since_ns or now_ns())) / 1e9


def must_look_up(stage):
    """As every program of the site does: by the C library, whose /etc/resolv.conf is the file."""
    try:
        with stage.net["site"]:
            done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec getent ahostsv4 "$1"', file_of(stage), NAME],
                                  capture_output=True, text=True, timeout=4)
    except subprocess.TimeoutExpired:
        raise Unexpected(f"looking up {NAME} hangs; the file names {servers(stage)}") from None
    if ADDRESS not in done.stdout:
        raise Unexpected(f"{NAME} is not found: {done.stdout or done.stderr or f'getent ends with {done.returncode}'}; the file names {servers(stage)}")


def with_resolvers(stage):
    if not shutil.which("named"):
        raise Skip("needs BIND (Debian package bind9)")
    stage.spent = True
    for who, (node, address, _) in BINDS.items():
        if address != topology.RESOLVER:  # that one stands
            stage.net[node].ip(f"address add {address}/32 dev lo")
        start_bind(stage, who)
    text = stage.keeper.rendered().replace("[http]", f'[resolvers]\nfile = "{file_of(stage)}"\nquery = "{NAME}"\ninterval = "5s"\n'
                                           f'fallback = ["{AT["fallback"]}"]\n\n[http]', 1)
    for circuit in topology.CIRCUITS:
        text = text.replace(f'name = "{circuit}"\ninterface', f'name = "{circuit}"\nresolvers = ["{AT[circuit]}"]\ninterface')
    stage.keeper.write_config(text)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    stage.steady()
    must_name(stage, "fiber", 5)
    must_look_up(stage)


@scenario("the fiber dies: this host's resolvers are coax's within a second of the move, and names are found by them", 30)
def resolvers_follow(stage, note):
    with_resolvers(stage)
    fault = stage.does("break fiber blackhole")
    moved = stage.must_move("routing", "coax", fault, 5)
    named_s = must_name(stage, "coax", 5, fault)
    must_look_up(stage)
    told = stage.sees("resolvers.moved", 2, AT["coax"], moved.events)
    told_s = (boot_ns(told) - fault) / 1e9
    note(moved, named_s=round(named_s, 3), told_s=round(told_s, 3), servers=servers(stage))
    if told_s > moved.applied_s + 1:
        raise Unexpected(f"the file named coax's resolvers {told_s - moved.applied_s:.2f} s after the move, not within 1 s")
    status = stage.keeper.status()["resolvers"]
    if (status["circuit"], status["servers"][0], status["problem"]) != ("coax", AT["coax"], None):
        raise Unexpected(f"the status says of the resolvers: {status}")
    if AT["coax"] not in stage.keeper.command("explain", check=True).stdout:
        raise Unexpected("linekeeper explain does not say where names are looked up")
    # A restart takes over what stands: the file is not even touched.
    before = os.stat(file_of(stage))
    stage.keeper.daemon.stop()
    if servers(stage)[:1] != [AT["coax"]]:
        raise Unexpected(f"with linekeeperd gone the file names {servers(stage)}")
    stage.keeper.start_daemon()
    time.sleep(2)
    after = os.stat(file_of(stage))
    if (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns):
        raise Unexpected(f"a restart has written the file anew: {servers(stage)}")
    if after.st_mode & 0o777 != 0o644:
        raise Unexpected(f"the file has mode {after.st_mode & 0o777:o}: others cannot read it")


@scenario("the resolver of the circuit in use dies: one that answers comes first, and steps back when it lives again", 40)
def resolver_of_circuit_dies(stage, note):
    with_resolvers(stage)
    begun = now_ns()
    stage.world.programs.stop("bind-fiber")
    stage.sees("resolvers.silent", 12, AT["fallback"])
    must_name(stage, "fallback", 1)
    silent_s = (now_ns() - begun) / 1e9
    must_look_up(stage)
    stage.nothing_moves(1)
    start_bind(stage, "fiber")
    begun = now_ns()
    stage.sees("resolvers.answering", 12)
    note(silent_s=round(silent_s, 2), home_s=round(must_name(stage, "fiber", 1, begun), 2))
    must_look_up(stage)
