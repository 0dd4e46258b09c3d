"""IPv6 where it is new: added by a reload, its router gone and replaced."""
import topology
from kernel import boot_ns
from netns import timed
from processes import wait_until
from scenarios import scenario
from scenarios.i_families import NUMBER, there_and_back, via, way_out, with_ipv6
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
