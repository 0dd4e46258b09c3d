"""IPv6 where it is new: added by a reload, its router gone and replaced; and its own checks."""
import topology
from kernel import boot_ns
from netns import timed
from processes import wait_until
from scenarios import scenario
from scenarios.i_families import ANCHORS, NUMBER, there_and_back, via, way_out, with_ipv6
from scenarios.l_checks import NAME, by_hand, resolver, still_up
from stage import Unexpected

FIBER = topology.CIRCUITS["fiber"]
NETWORK, ROUTER, OTHER_ROUTER = f"2001:db8:{NUMBER['fiber']}::/64", f"2001:db8:{NUMBER['fiber']}::1", "fe80::b0b"


@scenario("IPv6 is added by a reload: none of its circuits is called down for being new. Its router dies: IPv6 goes by coax, IPv4 stays; another "
          "router is announced: the circuit is up by that one", 35)
def ipv6_router_replaced(stage, note):
    stage.spent = True

    def events():
        told = stage.keeper.api.get("/api/v1/events", limit=200)
        return told["events"] if isinstance(told, dict) else told
    before = max((e["sequence"] for e in events()), default=0)  # the site may have seen other scenarios
    with_ipv6(stage)
    fallen = [e["text"] for e in events() if e["id"] == "circuit.down" and e["sequence"] > before]
    if fallen:
        raise Unexpected(f"a circuit was called down for being new: {fallen}")
    site, isp = stage.net["site"], stage.net[FIBER.isp]
    with timed() as stamp:
        isp.ip(f"address delete {ROUTER}/64 dev cust")
        site.ip(f"route delete default via {ROUTER} dev {FIBER.interface}")
    if not wait_until(lambda: via(stage, "voice-ipv6") == "coax-ipv6", 6, 0.02):
        raise Unexpected(f"6 s after its router went: {stage.keeper.command('explain', 'voice-ipv6').stdout}")
    moved_s = (boot_ns() - stamp.before) / 1e9
    if way_out(stage) != "wan-b" or not there_and_back(stage):
        raise Unexpected(f"IPv6 leaves by {way_out(stage)}, and answers come: {there_and_back(stage)}")
    if stage.way("routing") != "fiber" or stage.keeper.circuit("fiber")["state"] != "up":
        raise Unexpected(f"IPv4 goes by {stage.way('routing')}")
    with timed() as stamp:
        isp.ip(f"address add {OTHER_ROUTER}/64 dev cust nodad", f"route add {NETWORK} dev cust")
        site.ip(f"route add default via {OTHER_ROUTER} dev {FIBER.interface} proto ra metric {FIBER.metric}")
    if not wait_until(lambda: stage.keeper.circuit("fiber-ipv6")["state"] == "up", 8, 0.05):
        circuit = stage.keeper.circuit("fiber-ipv6")
        raise Unexpected(f"8 s after another router came fiber-ipv6 is {circuit['state']} by {circuit['gateway']}: {circuit['reason']}")
    circuit = stage.keeper.circuit("fiber-ipv6")
    if circuit["gateway"] != OTHER_ROUTER:
        raise Unexpected(f"up by {circuit['gateway']}")
    note(moved_s=round(moved_s, 2), up_again_s=round((boot_ns() - stamp.before) / 1e9, 2))
    if moved_s > 4:
        raise Unexpected(f"IPv6 had its new way after {moved_s:.2f} s")


RESOLVER = "2001:db8:53::53"
CHECKS = f"""
[[check]]
name = "packets6"
kind = "mtu"
target = "{ANCHORS["anchor6-1"]}"
interval = "5s"
timeout = "3s"
[[check]]
name = "names"
kind = "resolver"
families = ["ipv4", "ipv6"]
query = "{NAME}"
interval = "5s"
timeout = "3s"
"""


@scenario("the fiber's IPv6 carries 1420 bytes and tells nobody, then its IPv6 resolver dies: both are named of fiber-ipv6, IPv4 is well, nothing moves", 80)
def ipv6_checks(stage, note):
    stage.spent = True
    internet = stage.net["internet"]
    internet.sysctl(net__ipv6__conf__all__disable_ipv6=0, net__ipv6__conf__default__disable_ipv6=0, net__ipv6__conf__lo__disable_ipv6=0)
    internet.ip(f"address add {RESOLVER}/128 dev lo nodad")
    isp = stage.net[FIBER.isp]
    with resolver(stage), resolver(stage, RESOLVER):
        with_ipv6(stage, f'resolvers = ["{topology.RESOLVER}", "{RESOLVER}"]\n', CHECKS)
        before = {kind: by_hand(stage, kind, "fiber-ipv6") for kind in ("mtu", "resolver")}
        if any(code != 0 for code, _ in before.values()):
            raise Unexpected(f"before the faults: {before}")
        isp.nft("table ip6 hole { chain c { type filter hook forward priority -10; ip6 length > 1380 drop; }\n}")  # the header of 40 is not counted
        hole = stage.diagnosed("mtu-hole", "fiber-ipv6", 30)
        isp.nft("table ip6 mute { chain c { type filter hook forward priority -10; udp dport 53 drop; }\n}")
        deaf = stage.diagnosed("resolver", "fiber-ipv6", 30)
        events = stage.nothing_moves(3)
        still_up(stage, "fiber", "coax", "fiber-ipv6", "coax-ipv6")
        said = {(kind, circuit): by_hand(stage, kind, circuit)
                for kind in ("mtu", "resolver") for circuit in ("fiber-ipv6", "coax-ipv6")} | {("resolver", "fiber"): by_hand(stage, "resolver", "fiber")}
        by_one_name = by_hand(stage, "echo", "fiber", ANCHORS["anchor6-2"])
    isp.nft("delete table ip6 hole\ndelete table ip6 mute")
    note(diagnoses=[hole["text"], deaf["text"]], by_hand=said["mtu", "fiber-ipv6"][1])
    failed = {what for what, (code, _) in said.items() if code != 0}
    if failed != {("mtu", "fiber-ipv6"), ("resolver", "fiber-ipv6")} or "1420 bytes are the most that pass" not in said["mtu", "fiber-ipv6"][1]:
        raise Unexpected(f"by hand: {said}")
    if by_one_name[0] != 0 or "fiber-ipv6" not in by_one_name[1]:
        raise Unexpected(f"an IPv6 address asked by the fiber's one name: {by_one_name}")
    if bad := [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.degraded", "circuit.suspect")]:
        raise Unexpected(f"a circuit was blamed: {bad}")
