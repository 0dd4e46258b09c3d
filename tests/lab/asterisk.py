"""A real Asterisk as a PBX of the site, beside the Kamailio, with what we ship for it included as an operator would: its callers, an endpoint for
each carrier by each circuit, our dialplan and our user of its manager interface."""
import os
import shutil

import debian_tree
import topology
from processes import one_user_only, wait_until
from scenarios import Skip
from world import TOP, SetUpFailed

SHIPPED = os.path.join(TOP, "carriers", "trunks", "asterisk")
PORT = 5062  # 5060 is Kamailio's
AMI_PORT = 5038
SECRET = "sixteen bytes long"
T1_MS, TIMER_B_MS = 100, 6400  # a carrier that says nothing is given up: the least that Asterisk takes
SOURCES = {"fiber": topology.PBX_FIBER, "coax": topology.PBX_COAX}


def way(carrier, circuit):
    return f"{carrier}-{circuit}"


class Asterisk:
    """release: a tree of debian_tree.py. Skip where there is none."""

    def __init__(self, stage, release):
        try:
            self.tree = debian_tree.tree(release)
        except debian_tree.NoTree as reason:
            raise Skip(str(reason)) from None
        self.world, self.programs, self.node = stage.world, stage.world.programs, stage.world.net["pbx"]
        self.inside = f"/tmp/lab-{os.path.basename(self.world.run)}-{release}"  # as seen from within the tree
        self.folder = self.tree + self.inside
        self.secret_file = os.path.join(self.world.run, "asterisk-secret")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        self._write_secret(stage.keeper.user)
        for name, text in self._files().items():
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)

    def _write_secret(self, user):
        with open(self.secret_file, "w") as f:
            f.write(SECRET + "\n")
        os.chmod(self.secret_file, 0o600)
        if not one_user_only():
            os.chown(self.secret_file, user, user)

    def _files(self):
        places = "".join(f"{name} => {self.inside}\n" for name in ("astetcdir", "astdbdir", "astrundir", "astlogdir", "astspooldir", "astkeydir", "astagidir"))
        # Where Debian has them moved between the two releases.
        modules = next(place for place in ("/usr/lib/x86_64-linux-gnu/asterisk/modules", "/usr/lib/asterisk/modules") if os.path.isdir(self.tree + place))
        with open(os.path.join(SHIPPED, "manager.conf")) as f:
            manager = f.read()
        # As its comments say for a PBX on another machine than ours.
        for ours, theirs in (("CHANGE-ME", SECRET), ("bindaddr = 127.0.0.1", f"bindaddr = {topology.PBX_CALLERS}"),
                             ("permit = 127.0.0.1/255.255.255.255", f"permit = {topology.SITE_LAN}/255.255.255.255")):
            assert manager.count(ours) == 1, f"the shipped manager.conf has no {ours}"
            manager = manager.replace(ours, theirs)
        with open(os.path.join(SHIPPED, "extensions.conf")) as f:
            snippet = f.read()
        return {
            "asterisk.conf": f"[directories]\n{places}astmoddir => {modules}\nastvarlibdir => /usr/share/asterisk\n"
                             "astdatadir => /usr/share/asterisk\n",
            "modules.conf": "[modules]\nautoload = yes\n",
            "logger.conf": "[logfiles]\nfull => notice,warning,error,verbose(3)\n",
            "manager.conf": manager, "linekeeper.conf": snippet, "pjsip.conf": self._pjsip(),
            "extensions.conf": "#include linekeeper.conf\n[from-callers]\nexten => _X.,1,Gosub(linekeeper-out,s,1(${EXTEN}))\n same => n,Hangup()\n"}

    def _pjsip(self):
        parts = [f"[system]\ntype = system\ntimer_t1 = {T1_MS}\ntimer_b = {TIMER_B_MS}\n"]
        for name, address in (("lan", topology.PBX_CALLERS), *SOURCES.items()):
            parts.append(f"[{name}]\ntype = transport\nprotocol = udp\nbind = {address}:{PORT}\n")
        parts.append("[callers]\ntype = endpoint\ncontext = from-callers\ntransport = lan\ndirect_media = no\ndisallow = all\nallow = ulaw\n"
                     f"[callers]\ntype = identify\nendpoint = callers\nmatch = {topology.CALLERS}\n")
        for carrier in topology.CARRIERS.values():
            for circuit in SOURCES:
                name = way(carrier.name, circuit)
                parts.append(f"[{name}]\ntype = endpoint\ncontext = nothing\ntransport = {circuit}\ndirect_media = no\ndisallow = all\nallow = ulaw\naors = {name}\n"
                             f"[{name}]\ntype = aor\ncontact = sip:{carrier.address}:5060\n")
        return "\n".join(parts)

    def start(self):
        self.programs.start("asterisk", self.node, "chroot", self.tree, "/usr/sbin/asterisk", "-f", "-C", f"{self.inside}/asterisk.conf")
        if not wait_until(lambda: "fully booted" in self.console("core waitfullybooted"), 30):
            raise SetUpFailed(f"Asterisk does not start:\n{self.programs['asterisk'].tail()}")

    def stop(self):
        self.programs.stop("asterisk")
        if os.path.exists(os.path.join(self.folder, "full")):
            shutil.copy(os.path.join(self.folder, "full"), os.path.join(self.programs.logs, "asterisk-calls.log"))
        shutil.rmtree(self.folder, ignore_errors=True)

    def console(self, command):
        return self.node.run("chroot", self.tree, "/usr/sbin/asterisk", "-C", f"{self.inside}/asterisk.conf", "-rx", command, check=False)

    def version(self):
        return self.console("core show version").split(" built")[0].strip()

    def order(self):
        """What AstDB holds, whether it has ended or not: ["north-fiber", ...]."""
        said = self.console("database get linekeeper order")
        return said.partition("Value: ")[2].split("|")[0].strip().split("&") if "Value: " in said else []

    def configuration(self, text):
        """The lab's, with this PBX and a trunk of its own beside what is there."""
        ways = ", ".join(f"{carrier} = {{ " + ", ".join(f'{c} = "{way(carrier, c)}"' for c in SOURCES) + " }" for carrier in topology.CARRIERS)
        return text + f"""
[[pbx]]
name = "asterisk"
driver = "asterisk"
address = "{topology.PBX_CALLERS}:{AMI_PORT}"
user = "linekeeper"
secret_file = "{self.secret_file}"
lease = "12s"
refresh = "3s"

[[trunk]]
name = "by-asterisk"
pbx = "asterisk"
class = "voice"
carriers = ["north", "south"]
ways = {{ {ways} }}
rto = "20s"
"""
