"""The site and the world around it: the one description that demo, tests and benches share.

                                                     ┌── 203.0.113.10  north (SIP carrier)
   callers 10.10.0.20 ─┐      ┌─wan-a─ isp-a ═wire-a═┤
                      lan── site                 internet (three anchors to probe, an echo service)
   pbx 10.10.0.10-12 ──┘      └─wan-b─ isp-b ═wire-b═┤
                                                     └── 198.51.100.10 south (SIP carrier)

The ISPs translate addresses, as access providers do, so who answers sees which circuit was used. The upstream links run
through a wire of their own: it can be cut or made long without the site's link noticing. The PBX has three addresses: .10
for callers, .11 for what is to leave by fiber and .12 for coax.
"""
from dataclasses import dataclass, field

from netns import Namespace

LAN = "10.10.0.0/24"
SITE_LAN = "10.10.0.1"
PBX_CALLERS, PBX_FIBER, PBX_COAX = "10.10.0.10", "10.10.0.11", "10.10.0.12"
CALLERS = "10.10.0.20"
HEP_PORT = 9060  # the PBX mirrors its SIP to the site there
ECHO = "192.0.2.80"
ECHO_PORT = 7007
HTTP_PORT = 9851
RESOLVER = "192.0.2.99"


@dataclass(frozen=True)
class Circuit:
    name: str
    interface: str
    isp: str
    wire: str
    address: str       # the site's
    gateway: str
    public: str        # what the internet sees
    upstream: str      # the internet's end of the upstream link
    provider: str
    medium: str
    metric: int
    renewed: tuple     # another address and gateway, as the provider may give it at a renewal

    @property
    def other_public(self):
        """Another address that the internet may see."""
        return self.public.replace("198.18.", "198.19.")


@dataclass(frozen=True)
class Carrier:
    name: str
    address: str
    router: str
    sets: dict = field(default_factory=dict, hash=False)  # circuit -> dispatcher set


@dataclass(frozen=True)
class Target:
    name: str
    address: str


CIRCUITS = {c.name: c for c in (
    Circuit("fiber", "wan-a", "isp-a", "wire-a", "100.64.1.2", "100.64.1.1", "198.18.1.2", "198.18.1.1", "Fiber Co", "fiber", 100,
            ("100.65.1.2", "100.65.1.1")),
    Circuit("coax", "wan-b", "isp-b", "wire-b", "100.64.2.2", "100.64.2.1", "198.18.2.2", "198.18.2.1", "Cable Co", "coax", 200,
            ("100.65.2.2", "100.65.2.1")),
)}
CARRIERS = {c.name: c for c in (
    Carrier("north", "203.0.113.10", "203.0.113.9", {"fiber": 11, "coax": 12}),
    Carrier("south", "198.51.100.10", "198.51.100.9", {"fiber": 21, "coax": 22}),
)}
TARGETS = {t.name: t for t in (
    Target("anchor-1", "192.0.2.53"), Target("anchor-2", "198.51.100.53"), Target("anchor-3", "203.0.113.53"),
)}
NODES = ("site", "lan", "pbx", "callers", "isp-a", "isp-b", "wire-a", "wire-b", "internet", "north", "south")
ROUTERS = ("site", "isp-a", "isp-b", "internet")


class Topology:
    def __init__(self):
        self.nodes = {}

    def __getitem__(self, name):
        return self.nodes[name]

    def build(self):
        for name in NODES:
            node = self.nodes[name] = Namespace(name)
            node.sysctl(net__ipv6__conf__default__disable_ipv6=1, net__ipv6__conf__all__disable_ipv6=1,
                        net__ipv4__conf__all__rp_filter=2 if name == "site" else 0,
                        net__ipv4__conf__default__rp_filter=2 if name == "site" else 0,
                        net__ipv4__icmp_ratelimit=0, net__ipv4__ip_forward=int(name in ROUTERS))
            node.ip("link set lo up")
        self._allow_ping_sockets()
        self._lan()
        for circuit in CIRCUITS.values():
            self._access(circuit)
            self.site_default_route(circuit)
        self._world()

    def _allow_ping_sockets(self):
        """In a user namespace only the mapped group may be named, and there is one: ours."""
        try:
            self["site"].sysctl(net__ipv4__ping_group_range="0 2147483647")
        except OSError:
            self["site"].sysctl(net__ipv4__ping_group_range="0 0")

    def veth(self, left, left_name, right, right_name):
        self[left].ip(f"link add {left_name} type veth peer name {right_name} netns {self[right].path}", f"link set {left_name} up")
        self[right].ip(f"link set {right_name} up")

    def _bridge(self, node, ports):
        self[node].ip("link add br0 type bridge", "link set br0 up", *(f"link set {port} master br0" for port in ports))

    def _lan(self):
        ports = []
        for node, device, addresses in (("site", "lan0", [SITE_LAN]), ("pbx", "eth0", [PBX_CALLERS, PBX_FIBER, PBX_COAX]), ("callers", "eth0", [CALLERS])):
            self.veth(node, device, "lan", f"to-{node}")
            ports.append(f"to-{node}")
            self[node].ip(*(f"address add {address}/24 dev {device}" for address in addresses))
            if node != "site":
                self[node].ip(f"route add default via {SITE_LAN}")
        self._bridge("lan", ports)

    def _access(self, c):
        """The circuit: site - ISP - wire - internet, with masquerade at the ISP."""
        self.access_link(c)
        self.veth(c.isp, "uplink", c.wire, "west")
        self.veth("internet", f"to-{c.isp}", c.wire, "east")
        self[c.isp].no_offload("uplink")
        self["internet"].no_offload(f"to-{c.isp}")
        self._bridge(c.wire, ["west", "east"])
        self[c.isp].ip(f"address add {c.public}/30 dev uplink", f"route add default via {c.upstream}")
        self["internet"].ip(f"address add {c.upstream}/30 dev to-{c.isp}")
        self[c.isp].nft('table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "uplink" masquerade; }\n}')

    def access_link(self, c):
        self.veth("site", c.interface, c.isp, "cust")
        self["site"].ip(f"address add {c.address}/24 dev {c.interface}")
        self[c.isp].ip(f"address add {c.gateway}/24 dev cust", f"route add {LAN} via {c.address}")

    def site_default_route(self, c):
        """What the site's DHCP client does: a default route in the main table. Linekeeper follows it and never writes there."""
        self["site"].ip(f"route replace default via {c.gateway} dev {c.interface} proto dhcp metric {c.metric}")

    def isp_customer_route(self, c):
        self[c.isp].ip(f"route replace {LAN} via {c.address}")

    def _world(self):
        for carrier in CARRIERS.values():
            self.veth("internet", f"to-{carrier.name}", carrier.name, "net")
            self["internet"].ip(f"address add {carrier.router}/29 dev to-{carrier.name}")
            self[carrier.name].ip(f"address add {carrier.address}/29 dev net", f"route add default via {carrier.router}")
        for address in [t.address for t in TARGETS.values()] + [ECHO, RESOLVER]:
            self["internet"].ip(f"address add {address}/32 dev lo")
