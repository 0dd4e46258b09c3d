"""IPv6 beside IPv4: each dies, moves and comes home without the other."""
import socket

import topology
from kernel import boot_ns
from netns import timed
from processes import wait_until
from scenarios import scenario
from stage import Unexpected

ANCHORS = {"anchor6-1": "2001:db8:53::1", "anchor6-2": "2001:db9:53::1", "anchor6-3": "2001:dba:53::1"}
NUMBER = {"fiber": "a", "coax": "b"}  # of each circuit's networks


def with_ipv6(stage, of_circuits="", further=""):
    """Both accesses carry IPv6, without translation; their gateways come as router advertisements would bring them.
    of_circuits: lines for each circuit; further: sections behind all others."""
    net = stage.net
    for node in ("site", "isp-a", "isp-b", "internet"):
        net[node].sysctl(net__ipv6__conf__all__disable_ipv6=0, net__ipv6__conf__default__disable_ipv6=0, net__ipv6__conf__all__forwarding=1)
    for circuit in topology.CIRCUITS.values():
        n = NUMBER[circuit.name]
        access, uplink = f"2001:db8:{n}", f"2001:db8:1{n}"
        for node, device in (("site", circuit.interface), (circuit.isp, "cust"), (circuit.isp, "uplink"), ("internet", f"to-{circuit.isp}")):
            net[node].sysctl(**{f"net__ipv6__conf__{device}__disable_ipv6": 0})
        net["site"].ip(f"address add {access}::2/64 dev {circuit.interface} nodad")
        net[circuit.isp].ip(f"address add {access}::1/64 dev cust nodad", f"address add {uplink}::2/64 dev uplink nodad")
        net["internet"].ip(f"address add {uplink}::1/64 dev to-{circuit.isp} nodad", f"route add {access}::/64 via {uplink}::2")
        net[circuit.isp].ip(f"route add default via {uplink}::1")
        net["site"].ip(f"route add default via {access}::1 dev {circuit.interface} proto ra metric {circuit.metric}")
    net["internet"].sysctl(net__ipv6__conf__lo__disable_ipv6=0)
    net["internet"].ip(*(f"address add {address}/128 dev lo nodad" for address in ANCHORS.values()))
    text = stage.keeper.rendered()
    targets = "".join(f'\n[[target]]\nname = "{name}"\naddress = "{address}"\n' for name, address in ANCHORS.items())
    text = text.replace("\n[[circuit]]", targets + "\n[[circuit]]", 1)
    text = text.replace('[[circuit]]\n', f'[[circuit]]\nfamilies = ["ipv4", "ipv6"]\n{of_circuits}')
    stage.keeper.write_config(text + further)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    if not wait_until(lambda: via(stage, "voice-ipv6") == "fiber-ipv6" and stage.keeper.circuit("coax-ipv6")["state"] == "up", 100, 0.1):
        raise Unexpected(f"voice-ipv6 goes by {via(stage, 'voice-ipv6')}: {stage.keeper.command('status').stdout}")
    stage.steady()


def via(stage, name):
    service = next((s for s in stage.keeper.status()["services"] if s["name"] == name), None)
    return service["via"] if service and service["applied"] and service["verified"] else None


def way_out(stage):
    """The device by which the kernel would send IPv6 to the internet now."""
    words = stage.net["site"].run("ip", "-6", "route", "get", ANCHORS["anchor6-1"]).split()
    return words[words.index("dev") + 1]


def there_and_back(stage):
    """Whether a TCP segment of the site's own reaches the internet and its refusal comes back."""
    with stage.net["site"]:
        probe = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    with probe:
        probe.settimeout(2)
        try:
            probe.connect((ANCHORS["anchor6-2"], 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


@scenario("the fiber forwards no IPv6 while IPv4 is fine: IPv6 goes by coax within 3 s, IPv4 stays; then it goes home", 150)
def ipv6_black_hole(stage, note):
    stage.spent = True
    with_ipv6(stage)
    if way_out(stage) != "wan-a":
        raise Unexpected(f"IPv6 leaves by {way_out(stage)} before the fault")
    isp = stage.net["isp-a"]
    with timed() as stamp:
        isp.nft("table ip6 fault { chain c { type filter hook forward priority -10; drop; }\n}")
    if not wait_until(lambda: via(stage, "voice-ipv6") == "coax-ipv6", 5, 0.02):
        raise Unexpected(f"5 s after the fault: {stage.keeper.command('explain', 'voice-ipv6').stdout}")
    moved_s = (boot_ns() - stamp.before) / 1e9
    if way_out(stage) != "wan-b":
        raise Unexpected(f"status says coax-ipv6, and the kernel sends IPv6 by {way_out(stage)}")
    if not there_and_back(stage):
        raise Unexpected("IPv6 leaves by coax, and no answer comes back")
    stage.diagnosed("circuit", "fiber-ipv6", 5)
    if stage.way("routing") != "fiber" or stage.keeper.circuit("fiber")["state"] != "up":
        raise Unexpected(f"IPv4 goes by {stage.way('routing')}, fiber is {stage.keeper.circuit('fiber')['state']}")
    isp.nft("delete table ip6 fault")
    if not wait_until(lambda: via(stage, "voice-ipv6") == "fiber-ipv6", 70, 0.1):
        raise Unexpected(f"not home after 70 s: {stage.keeper.command('explain', 'voice-ipv6').stdout}")
    note(moved_s=round(moved_s, 2), status=stage.keeper.command("status").stdout.splitlines()[1:3])
    if moved_s > 3:
        raise Unexpected(f"IPv6 had its new way after {moved_s:.2f} s")
