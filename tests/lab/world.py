"""Everything around our own programs: the network, two carriers, the PBX, people who telephone, and a flow of packets."""
import glob
import os
import shutil

import rpc
import topology
from callers import Callers
from faults import Faults
from flow import Flow
from processes import NOBODY, Programs, as_nobody, one_user_only, wait_until
from topology import CARRIERS, Topology

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ARTEFACTS = os.path.join(TOP, "build", "artefacts")  # what a run leaves for people: logs of failures, screenshots


class SetUpFailed(Exception):
    """The lab itself could not be brought up: no verdict about Linekeeper."""


def _sets(names):
    """Names of a kamailio.cfg as words of its command line."""
    return [word for name, value in names.items() for word in ("-A", f"{name}={value}")]


SNIPPET = os.path.join(TOP, "carriers", "trunks", "kamailio", "linekeeper.cfg")


class World:
    """snippet: what stands in the PBX as its linekeeper.cfg.  pbx_sets: more LK_ names of it.  tls: a Tls, by which carriers are called that
    it has certificates for."""

    def __init__(self, run, build, snippet=SNIPPET, pbx_sets=None, tls=None):
        self.run, self.build, self.snippet, self.pbx_sets, self.tls = run, build, snippet, pbx_sets or {}, tls
        self.programs = Programs(os.path.join(run, "logs"))
        self.net = Topology()
        self.callers = self.flow = None
        self.faults = Faults(self.net, self)

    def up(self, calls_per_second=0, telephony=True):
        """telephony=False: only the network and the flow of packets, for what steers routes and knows no PBX."""
        self.net.build()
        if telephony:
            self._start_telephony()
        self.flow = Flow(self.net, self.run)
        self.flow.start()
        self.callers = Callers(self.programs, self.net["callers"], self.run)
        if calls_per_second:
            self.callers.start(calls_per_second)
        if not wait_until(self.flow.circuit_now, 5):
            raise SetUpFailed("packets from the LAN do not come back from the internet")

    def _start_telephony(self):
        for name in CARRIERS:
            directory = os.path.join(self.run, name)
            os.mkdir(directory, 0o755)
            self.start_carrier(name)
        self.start_pbx()
        for name in CARRIERS:
            self._wait_for(name, self._carrier_rpc(name))
        self._wait_for("kamailio", self.pbx_rpc)

    def down(self):
        if self.flow:
            self.flow.stop()
        self.programs.stop_all()

    def _wait_for(self, program, socket_path):
        def answers():
            if not self.programs[program].alive():
                raise SetUpFailed(f"{program} ended:\n{self.programs[program].tail()}")
            try:
                return rpc.call(socket_path, "core.version", timeout=0.5)
            except rpc.RpcError:
                return None
        if not wait_until(answers, 10):
            raise SetUpFailed(f"{program} does not answer its RPC:\n{self.programs[program].tail()}")

    # Carriers ---------------------------------------------------------------------------------------------------------------

    def _carrier_rpc(self, name):
        return os.path.join(self.run, name, "rpc.sock")

    def start_carrier(self, name):
        address = CARRIERS[name].address
        self.start_front(name, name, address)
        self.programs.start(f"{name}-answers", self.net[name], "sipp", "-sf", os.path.join(HERE, "sipp", "answer.xml"), "-i", address, "-p", "5070",
                            "-nostdin", cwd=os.path.join(self.run, name))

    def start_front(self, program, name, address, certificate="good"):
        """What meets the internet; the answerer behind it, and with it the calls in progress, may have outlived the one before."""
        directory = os.path.join(self.run, program)
        sets = {"LAB_LISTEN": f"udp:{address}:5060", "LAB_RPC": f'"{self._carrier_rpc(program)}"', "LAB_ANSWERER": f'"sip:{CARRIERS[name].address}:5070"'}
        if self.tls:
            sets |= {"LAB_LISTEN_TLS": f"tls:{address}:5061", "LAB_TLS": f'"{self.tls.server(name, certificate)}"'}
        self.programs.start(
            program, self.net[name], "kamailio", "-DD", "-E", "-f", os.path.join(HERE, "carrier", "carrier.cfg"), "-Y", directory,
            "-P", os.path.join(directory, "pid"), "-m", "16", "-M", "4", *_sets(sets))

    def start_more_of(self, name, addresses):
        """A carrier of several addresses: each has a front of its own, called "north-203.0.113.11"."""
        for address in addresses:
            program = f"{name}-{address}"
            self.net[name].ip(f"address add {address}/29 dev net")
            os.mkdir(os.path.join(self.run, program), 0o755)
            self.start_front(program, name, address)
            self._wait_for(program, self._carrier_rpc(program))

    def stop_carrier(self, name):
        self.programs.stop(name)
        self.programs.stop(f"{name}-answers")

    def change_certificate(self, name, certificate):
        """It is started anew with that one, as after a renewal that went wrong: its connections end, and are made again."""
        self.programs.stop(name)
        self.start_front(name, name, CARRIERS[name].address, certificate)
        self._wait_for(name, self._carrier_rpc(name))

    def set_mode(self, name, mode, key="mode"):
        """key: an address, for what comes from there alone; or "retry": the seconds of Retry-After."""
        rpc.call(self._carrier_rpc(name), "htable.seti", "carrier", key, mode)

    # PBX --------------------------------------------------------------------------------------------------------------------

    @property
    def pbx_rpc(self):
        return os.path.join(self.run, "pbx", "rpc.sock")

    def start_pbx(self):
        directory = os.path.join(self.run, "pbx")
        if not os.path.isdir(directory):
            os.mkdir(directory, 0o755)
            if os.geteuid() == 0 and not one_user_only():
                os.chown(directory, NOBODY, NOBODY)
        sample = os.path.dirname(SNIPPET)
        shutil.copy(os.path.join(sample, "kamailio.sample.cfg"), directory)  # nobody may not be able to read a private checkout
        shutil.copy(self.snippet, os.path.join(directory, "linekeeper.cfg"))
        with open(os.path.join(sample, "dispatcher.list.example")) as f:
            destinations = f.read()
        with open(os.path.join(directory, "dispatcher.list"), "w") as f:
            f.write(self.tls.destinations(destinations) if self.tls else destinations)
        sets = {
            "LK_SOCKET": f'"{self.pbx_rpc}"', "LK_DISPATCHER_LIST": f'"{os.path.join(directory, "dispatcher.list")}"',
            "LK_LISTEN_LAN": f"udp:{topology.PBX_CALLERS}:5060", "LK_LISTEN_FIBER": f"udp:{topology.PBX_FIBER}:5060",
            "LK_LISTEN_COAX": f"udp:{topology.PBX_COAX}:5060", "LK_HEP": f'"sip:{topology.SITE_LAN}:{topology.HEP_PORT}"'}
        if self.tls:
            sets["LK_TLS"] = f'"{self.tls.client(directory)}"'
        sets |= self.pbx_sets
        self.programs.start(
            "kamailio", self.net["pbx"], *as_nobody(), "kamailio", "-DD", "-E", "-f", os.path.join(directory, "kamailio.sample.cfg"),
            "-Y", directory, "-P", os.path.join(directory, "pid"), "-m", "64", "-M", "8", *_sets(sets))

    def restart_pbx(self):
        self.programs["kamailio"].kill()
        self.start_pbx()

    def pbx_states(self):
        """What Kamailio's own dispatcher holds of each set: {11: "AP"}; None: it does not answer."""
        try:
            records = rpc.call(self.pbx_rpc, "dispatcher.list")["RECORDS"]
            return {record["SET"]["ID"]: record["SET"]["TARGETS"][0]["DEST"]["FLAGS"] for record in records}
        except rpc.RpcError:
            return None

    def pbx_order(self):
        """Dispatcher sets in the order that stands in the PBX by lease; None: its static order holds."""
        try:
            value = rpc.call(self.pbx_rpc, "htable.get", "lk", "order")
            text = value["item"]["value"] if isinstance(value, dict) else ""
            return [int(part.split("=")[0]) for part in text.split(";") if part]
        except rpc.RpcError:
            return None

    # Wires ------------------------------------------------------------------------------------------------------------------

    def start_relay(self, name, wire, milliseconds):
        binary = os.path.join(self.build, "tests", "lab", "delay_relay")
        program = self.programs.start(name, wire, binary, "west", "east", str(milliseconds))
        if not wait_until(lambda: "ready" in program.tail() or not program.alive(), 3) or not program.alive():
            raise SetUpFailed(f"the delay relay does not run: {program.tail()}")

    def logs(self):
        return sorted(glob.glob(os.path.join(self.programs.logs, "*.log")))
