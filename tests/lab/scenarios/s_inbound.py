"""Carriers look this site up by a name: its record is led to the circuit that lives, in a real BIND."""
import os
import shutil
import socket
import struct

import topology
from kernel import boot_ns
from particular import must_become, must_say, restarted_with, settled
from processes import one_user_only
from scenarios import Skip, scenario

ZONE, KEY, SECRET = "in.lab.example", "sip", "c2l4dGVlbiBieXRlcyBsb25nIQ=="
SERVER = topology.PBX_CALLERS
PUBLIC = {name: circuit.public for name, circuit in topology.CIRCUITS.items()}


def start_bind(stage):
    directory = os.path.join(stage.world.run, "bind-site")
    os.makedirs(directory)
    with open(os.path.join(directory, "named.conf"), "w") as f:
        f.write(f'options {{ directory "{directory}"; pid-file none; session-keyfile none; listen-on {{ {SERVER}; }}; listen-on-v6 {{ none; }};\n'
                f'          recursion no; dnssec-validation no; }};\ncontrols {{ }};\nkey "linekeeper" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
                f'zone "{ZONE}" {{ type primary; file "zone"; update-policy {{ grant linekeeper name {KEY}.{ZONE}. A; }}; }};\n')
    with open(os.path.join(directory, "zone"), "w") as f:
        f.write(f"$TTL 5\n@ SOA ns.{ZONE}. root.{ZONE}. 1 60 60 60 5\n@ NS ns.{ZONE}.\nns A {SERVER}\n")
    stage.world.programs.start("bind-site", stage.net["pbx"], "named", "-g", "-n", "1", "-c", os.path.join(directory, "named.conf"))
    must_become("BIND answers", 10, lambda: looked_up(stage, "ns") == [SERVER], lambda: stage.world.programs["bind-site"].tail())


def looked_up(stage, host=KEY):
    """The addresses that the name has, as a carrier would ask for them."""
    name = b"".join(bytes([len(part)]) + part.encode() for part in f"{host}.{ZONE}".split(".")) + b"\0"
    question = struct.pack("!6H", 7, 0, 1, 0, 0, 0) + name + struct.pack("!2H", 1, 1)
    with stage.net["callers"], socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        try:
            s.sendto(question, (SERVER, 53))
            answer = s.recv(512)
        except OSError:
            return []
    count, at, found = struct.unpack("!H", answer[6:8])[0], len(question), []
    for _ in range(count):  # the name of each is a pointer to the question
        kind, _, _, size = struct.unpack("!2HIH", answer[at + 2:at + 12])
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at + 12:at + 12 + size]))
        at += 12 + size
    return found


def configuration(stage, text):
    secret = os.path.join(stage.world.run, "tsig-secret")
    with open(secret, "w") as f:
        f.write(SECRET + "\n")
    os.chmod(secret, 0o600)
    if not one_user_only():
        os.chown(secret, stage.keeper.user, stage.keeper.user)
    for name, address in PUBLIC.items():
        text = text.replace(f'name = "{name}"\ninterface', f'name = "{name}"\nexpect_public = "{address}"\ninterface')
    ways = ", ".join(f'{name} = "{address}"' for name, address in PUBLIC.items())
    return text + f"""
[[pbx]]
name = "dns"
driver = "dns"
address = "{SERVER}"
zone = "{ZONE}"
tsig_key = "linekeeper"
secret_file = "{secret}"
lease = "12s"
refresh = "3s"

[[trunk]]
name = "where-we-are"
pbx = "dns"
class = "voice"
carriers = ["north"]
key = "{KEY}"
ways = {{ north = {{ {ways} }} }}
rto = "20s"
"""


@scenario("north looks the site up by a name: it has the fiber's address, the coax's alone once the fiber is dead, and the fiber's again", 45)
def inbound_record_moves(stage, note):
    if not shutil.which("named"):
        raise Skip("needs BIND (Debian package bind9)")
    start_bind(stage)
    restarted_with(stage, configuration(stage, stage.keeper.rendered()))
    settled(stage)
    must_become("the name has the fiber's address", 10, lambda: looked_up(stage) == [PUBLIC["fiber"]], lambda: looked_up(stage))
    must_say(stage, f"DNS leads it there: {KEY}.{ZONE}", f"DNS will lead it there when it is needed: {KEY}.{ZONE}", command=("inbound",))
    fault = stage.does("break fiber blackhole")
    must_become("the name has the coax's address", 15, lambda: looked_up(stage) == [PUBLIC["coax"]], lambda: looked_up(stage))
    moved_s = (boot_ns() - fault) / 1e9
    stage.mends()
    must_become("the name has the fiber's address again", 40, lambda: looked_up(stage) == [PUBLIC["fiber"]], lambda: looked_up(stage))
    note(moved_s=round(moved_s, 2))
