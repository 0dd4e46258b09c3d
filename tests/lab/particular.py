"""A carrier that is particular: about who asks, with which password, from which address, over which certificate (carrier/particular.cfg).
It takes the place of an ordinary carrier of the lab, at the same address, with the same people who answer calls behind it."""
import os
import re
import signal

import rpc
import topology
from api import Journal
from processes import wait_until
from stage import Unexpected
from world import HERE, SetUpFailed

REALM_USER = "site"  # as whom the site shows its password


def with_settings(text, carrier, settings):
    """The configuration `text` with other keys in one [[carrier]]: {key: value as TOML has it}."""
    head, *blocks = re.split(r"(?m)^(?=\[\[?[a-z])", text)
    found = [i for i, block in enumerate(blocks) if block.startswith("[[carrier]]") and f'name = "{carrier}"\n' in block]
    block = blocks[found[0]]
    for key, value in settings.items():
        block = re.sub(rf"(?m)^{key} = .*\n", "", block)
        block = block.rstrip("\n") + f"\n{key} = {value}\n"
    blocks[found[0]] = block + "\n"
    return head + "".join(blocks)


class Particular:
    """password: asked of OPTIONS and REGISTER.  certificates: {label: (certificate, key)}; the first is shown over TLS at the start."""

    def __init__(self, stage, name="north", password=None, certificates=None):
        self.stage, self.world, self.name, self.certificates = stage, stage.world, name, certificates or {}
        self.address = topology.CARRIERS[name].address
        self.directory = os.path.join(self.world.run, name)
        self.rpc_socket = os.path.join(self.directory, "rpc.sock")
        sets = {"LAB_LISTEN": f"udp:{self.address}:5060", "LAB_RPC": f'"{self.rpc_socket}"', "LAB_ANSWERER": f'"sip:{self.address}:5070"',
                "LAB_PARTICULAR": "1"}
        if password:
            sets["LAB_PASSWORD"] = f'"{password}"'
        if self.certificates:
            sets |= {"LAB_TLS": f'"{self._write_tls(next(iter(self.certificates)))}"', "LAB_LISTEN_TLS": f"tls:{self.address}:5061"}
        stage.spent = True
        self.world.programs.stop(name)
        self.world.programs.start(
            name, self.world.net[name], "kamailio", "-DD", "-E", "-f", os.path.join(HERE, "carrier", "carrier.cfg"), "-Y", self.directory,
            "-P", os.path.join(self.directory, "pid"), "-m", "32", "-M", "8", *(word for key, value in sets.items() for word in ("-A", f"{key}={value}")))
        if not wait_until(lambda: self._version() or not self.world.programs[name].alive(), 10) or not self._version():
            raise SetUpFailed(f"the particular {name} does not run:\n{self.world.programs[name].tail()}")

    def _version(self):
        try:
            return self.call("core.version")
        except rpc.RpcError:
            return None

    def call(self, method, *parameters):
        return rpc.call(self.rpc_socket, method, *parameters)

    def sets(self, key, number, table="carrier"):
        self.call("htable.seti", table, key, number)

    def allows(self, *addresses):
        """Who is served, from now on also these and nobody else."""
        for address in addresses:
            self.sets(address, 1, table="list")
        self.sets("listed", 1)

    def counted(self, key):
        try:
            return self.call("htable.get", "carrier", key)["item"]["value"]
        except rpc.RpcError:  # there is none yet
            return 0

    # TLS ----------------------------------------------------------------------------------------------------------------------

    def _write_tls(self, label):
        certificate, key = self.certificates[label]
        path = os.path.join(self.directory, "tls.cfg")
        with open(path, "w") as f:
            f.write(f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n"
                    f"certificate = {certificate}\nprivate_key = {key}\n")
        return path

    def shows(self, label):
        """Another certificate from now on: to who connects; the connections that there are live on, as when a carrier renews it."""
        self._write_tls(label)
        self.call("tls.reload")

    # Its program --------------------------------------------------------------------------------------------------------------

    def freezes(self):
        """All of its processes stand still: the kernel goes on taking connections for it."""
        os.killpg(self.world.programs[self.name].pid, signal.SIGSTOP)

    def thaws(self):
        os.killpg(self.world.programs[self.name].pid, signal.SIGCONT)


def restarted_with(stage, text):
    """Linekeeper is started anew with this configuration, so that nothing is learned from the changing of carriers."""
    stage.spent = True
    stage.keeper.daemon.stop()
    stage.keeper.write_config(text)
    stage.keeper.start_daemon()
    stage.journal = Journal(stage.keeper.api)


def settled(stage):
    """Steady, and that for a carrier's hold-down of 5 s (site.toml.in): until then nobody passes whom he was found behind (I13)."""
    stage.steady()

    def youngest():
        return min(p["since_s"] for c in stage.keeper.status()["carriers"] for p in c["paths"])
    must_become("every way has been up for its hold-down", 10, lambda: youngest() > 5.1, youngest)
    stage.journal.skip()


def path_of(stage, carrier="north", circuit="fiber"):
    carriers = {c["name"]: c for c in stage.keeper.status()["carriers"]}
    return next(p for p in carriers[carrier]["paths"] if p["circuit"] == circuit)


def must_become(what, seconds, look, told):
    """Waits for look(); told(): what is there instead."""
    value = wait_until(look, seconds, 0.1)
    if not value:
        raise Unexpected(f"not within {seconds} s: {what}; instead: {told()}")
    return value


def must_say(stage, *words, command=("status",)):
    said = stage.keeper.command(*command).stdout
    folded = " ".join(said.split())  # a long sentence may be wrapped
    for word in words:
        if word not in folded:
            raise Unexpected(f"linekeeper {' '.join(command)} does not say {word!r}: {said}")


def told_so_far(stage, event_id, containing=""):
    """Events since the beginning, of before a restart too."""
    return [e for e in stage.keeper.api.get("/api/v1/events", id=event_id, limit=1000)["events"] if containing in e["text"] + e["subject"]]


def metric(stage, name, **labels):
    """Its value, of the first that has these labels; None: there is none."""
    for line in stage.keeper.api.get("/metrics").splitlines():
        if line.startswith(f"linekeeper_{name}{{") and all(f'{key}="{value}"' in line for key, value in labels.items()):
            return float(line.split()[-1])
    return None


def order_changes(events):
    return [e["text"] for e in events if e["id"] == "trunk.moved" and "outbound" in e["subject"] + e["text"]]
