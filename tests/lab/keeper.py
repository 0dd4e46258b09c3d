"""Our own programs in the site: linekeeper-switch, linekeeperd and the command line, started as a real appliance starts them.

linekeeper-switch begins as root and drops by itself; linekeeperd runs as nobody, with an empty bounding set. In a user
namespace there is one user only: there linekeeperd keeps the number and loses every capability all the same.
"""
import os
import shutil
import signal
import subprocess

import topology
from api import Api, ApiError
from processes import NOBODY, as_nobody, one_user_only, wait_until
from world import HERE, SetUpFailed

PROGRAMS = ("linekeeperd", "linekeeper-switch", "linekeeper")


def find_programs(build):
    """Where the three programs are: a CMake build folder leaves each with its room; an installed tree has them in bin and sbin.
    SetUpFailed names what is missing."""
    found = {}
    for part in ("controller", "bin", "sbin"):
        for place, _, files in os.walk(os.path.join(build, part)):
            for name in PROGRAMS:
                if name in files and os.access(os.path.join(place, name), os.X_OK):
                    found.setdefault(name, os.path.join(place, name))
    missing = [name for name in PROGRAMS if name not in found]
    if missing:
        raise SetUpFailed(f"not built in {build}: {', '.join(missing)}; run ./dev build")
    return found


class Keeper:
    def __init__(self, world):
        self.world, self.run, self.site = world, world.run, world.net
        self.config = os.path.join(self.run, "linekeeper.toml")
        self.control = os.path.join(self.run, "linekeeper", "control.sock")
        self.switch_socket = os.path.join(self.run, "switch", "switch.sock")
        self.api = Api(self.control)
        self.user = os.geteuid() if one_user_only() else NOBODY

    def install(self):
        """Programs, configuration and directories, where the site's users can reach them (a build folder may be private)."""
        self.bin = os.path.join(self.run, "bin")
        os.mkdir(self.bin, 0o755)
        for name, place in find_programs(self.world.build).items():
            shutil.copy(place, os.path.join(self.bin, name))
            os.chmod(os.path.join(self.bin, name), 0o755)
        for name, owner in (("linekeeper", self.user), ("switch", os.geteuid())):
            directory = os.path.join(self.run, name)
            os.mkdir(directory, 0o755)
            os.chown(directory, owner, owner)
        self.write_config(self.rendered())

    def rendered(self):
        with open(os.path.join(HERE, "site.toml.in")) as f:
            text = f.read()
        targets = "".join(f'\n[[target]]\nname = "{t.name}"\naddress = "{t.address}"\n' for t in topology.TARGETS.values())
        carriers = "".join(
            f'\n[[carrier]]\nname = "{c.name}"\nprovider = "{c.name.capitalize()} Telecom"\naddress = "{c.address}:5060"\npriority = {10 * (i + 1)}\n'
            'interval = "1s"\nfloor = "1s"\ndeadline = "800ms"\n' for i, c in enumerate(topology.CARRIERS.values()))
        sets = ", ".join(f"{c.name} = {{ " + ", ".join(f"{k} = {v}" for k, v in c.sets.items()) + " }" for c in topology.CARRIERS.values())
        for name, value in (("RUN", self.run), ("HTTP_PORT", str(topology.HTTP_PORT)), ("TARGETS", targets), ("CARRIERS", carriers),
                            ("PBX_RPC", self.world.pbx_rpc), ("SETS", "{ " + sets + " }")):
            text = text.replace(f"@{name}@", value)
        return text

    def write_config(self, text):
        with open(self.config, "w") as f:
            f.write(text)

    # Programs -----------------------------------------------------------------------------------------------------------------

    def start_switch(self):
        self.world.programs.start("linekeeper-switch", self.site["site"], os.path.join(self.bin, "linekeeper-switch"),
                                  "--socket", self.switch_socket, "--allow-user", str(self.user))
        if not wait_until(lambda: os.path.exists(self.switch_socket), 5):
            raise SetUpFailed(f"linekeeper-switch does not listen:\n{self.world.programs['linekeeper-switch'].tail()}")

    def forget_moves(self):
        """A fresh linekeeper-switch: one that has not used up its moves. It allows three in ten minutes that are no escape
        (I3), which is right for a site and too few for a lab that breaks one line after the other."""
        self.switch.stop()
        for name in os.listdir(os.path.dirname(self.switch_socket)):
            os.unlink(os.path.join(os.path.dirname(self.switch_socket), name))
        self.start_switch()

    def start_daemon(self):
        self.world.programs.start("linekeeperd", self.site["site"], *as_nobody(), os.path.join(self.bin, "linekeeperd"), "--config", self.config)
        self.wait_ready()

    def wait_ready(self, seconds=10):
        def answers():
            if not self.daemon.alive():
                raise SetUpFailed(f"linekeeperd ended with {self.daemon.process.returncode}:\n{self.daemon.tail(20)}")
            try:
                return self.api.get("/livez")
            except ApiError:
                return None
        if not wait_until(answers, seconds):
            raise SetUpFailed(f"linekeeperd does not answer on {self.control}:\n{self.daemon.tail(20)}")

    @property
    def daemon(self):
        return self.world.programs["linekeeperd"]

    @property
    def switch(self):
        return self.world.programs["linekeeper-switch"]

    def reload(self):
        self.daemon.signal(signal.SIGHUP)

    def command(self, *words, check=False, socket=None):
        """The command line of the site: `linekeeper WORDS`. Returns the finished process, with its output as text."""
        env = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "LINEKEEPER_JOURNAL": os.path.join(self.run, "linekeeper", "journal.db")}
        done = subprocess.run([os.path.join(self.bin, "linekeeper"), "--socket", socket or self.control, *words], env=env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=30)
        if check and done.returncode != 0:
            raise AssertionError(f"linekeeper {' '.join(words)} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done

    # What stands --------------------------------------------------------------------------------------------------------------

    def status(self):
        return self.api.get("/api/v1/status")

    def service(self, name, status=None):
        return next(s for s in (status or self.status())["services"] if s["name"] == name)

    def circuit(self, name):
        return next(c for c in self.status()["circuits"] if c["name"] == name)

    def first_way(self, status=None):
        """(carrier, circuit) that the trunk offers first."""
        order = self.service("outbound", status).get("order") or [{}]
        return order[0].get("carrier"), order[0].get("circuit")

    def steady(self):
        """Everything up, first choices everywhere, carried out and proven: the state each act begins and ends in."""
        try:
            status = self.status()
        except ApiError as error:
            return False, str(error)
        wrong = [f"{s['name']} is {s['state']} via {s.get('via')}" for s in status["services"]
                 if s["state"] != "ok" or not s.get("applied") or not s.get("verified")]
        wrong += [f"circuit {c['name']} is {c['state']}" for c in status["circuits"] if c["state"] != "up"]
        wrong += [f"{c['name']} via {p['circuit']} is {p['state']}" for c in status["carriers"] for p in c["paths"] if p["state"] != "up"]
        wrong += [f"{a['name']}: {a.get('detail') or 'not in sync'}" for a in status["actuators"] if not (a["connected"] and a["in_sync"])]
        if not wrong:
            if self.service("voice", status)["via"] != "fiber":
                wrong.append(f"voice goes via {self.service('voice', status)['via']}")
            if self.first_way(status) != ("north", "fiber"):
                wrong.append(f"calls go via {' by '.join(map(str, self.first_way(status)))}")
        return not wrong, "; ".join(wrong)

    def wait_steady(self, seconds=30):
        """Waits for the steady state. Returns "" or what is still missing."""
        what = ""

        def look():
            nonlocal what
            good, what = self.steady()
            return good
        return "" if wait_until(look, seconds, 0.1) else what
