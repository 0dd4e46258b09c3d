"""Addresses and gateways that come, go and change: a circuit is what its provider gives, and that is another thing tomorrow."""
import topology
from kernel import boot_ns
from processes import wait_until
from scenarios import scenario
from scenarios.h_connections import Talk, must_go, with_connections
from stage import Unexpected

FIBER, COAX = topology.CIRCUITS["fiber"], topology.CIRCUITS["coax"]


def follows(text):
    """Of both circuits the gateway is followed from the kernel."""
    return text.replace(f'gateway = "{FIBER.gateway}"\n', "")


def reconfigured(stage, text):
    """The site with another configuration, steady again; it is not for the next scenario."""
    stage.spent = True
    stage.keeper.write_config(text)
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    stage.steady()


def route_out(stage, *words):
    """(device, gateway) by which the kernel would send to the internet now, as `ip route get` is asked with these words."""
    answer = stage.net["site"].run("ip", "route", "get", topology.ECHO, *words).split()
    return tuple(answer[answer.index(word) + 1] if word in answer else None for word in ("dev", "via"))


def routes_with(stage, address):
    """What still stands in the kernel's routing that names an address."""
    site = stage.net["site"]
    lines = [line for words in (("rule", "show"), ("nexthop", "show"), ("route", "show", "table", "all"))
             for line in site.run("ip", "-N", *words).splitlines()]
    return [line.strip() for line in lines if address in line.split()]


def up_again(stage, circuit, since_ns, within_s):
    """Seconds until a circuit is up again."""
    if not wait_until(lambda: stage.keeper.circuit(circuit)["state"] == "up", within_s - (boot_ns() - since_ns) / 1e9, 0.05):
        raise Unexpected(f"{within_s} s later {circuit} is {stage.keeper.circuit(circuit)['state']}: {stage.keeper.circuit(circuit)['reason']}")
    return round((boot_ns() - since_ns) / 1e9, 2)


@scenario("the provider renews the fiber with another address and gateway during a call: the call is back within 2 s, nothing is called down, "
          "nothing keeps to the old ones", 20)
def address_renewal_mid_call(stage, note):
    stage.spent = True
    with_connections(stage, "2h", follows)
    call = Talk(stage)
    must_go(call, "fiber", "before the renewal")
    fault = stage.does("break fiber renewal")
    if not wait_until(lambda: call.way() == "fiber", 4, 0.02):
        raise Unexpected(f"4 s after the renewal the call is not back by the fiber: it goes by {call.way()}")
    back_s = (boot_ns() - fault) / 1e9
    events = stage.nothing_moves(5)
    fallen = [e["text"] for e in events if e["id"] in ("circuit.down", "circuit.suspect", "circuit.degraded", "incident.opened", "prober.stuck")]
    if fallen:
        raise Unexpected(f"the fiber was not down, and it was said: {'; '.join(fallen)}")
    must_go(call, "fiber", "after the renewal")
    address, gateway = FIBER.renewed
    if route_out(stage) != (FIBER.interface, gateway):
        raise Unexpected(f"traffic leaves by {route_out(stage)}")
    if left := routes_with(stage, FIBER.address) + routes_with(stage, FIBER.gateway):
        raise Unexpected(f"the old address or gateway still stands: {' | '.join(left)}")
    conntrack = stage.net["site"].run("cat", "/proc/net/nf_conntrack", check=False)
    if FIBER.address in [word.partition("=")[2] for word in conntrack.split()]:
        raise Unexpected(f"connections with the old address are left: {[line for line in conntrack.splitlines() if FIBER.address in line][:3]}")
    circuit = stage.keeper.circuit("fiber")
    if circuit["state"] != "up" or circuit["address"] != address:
        raise Unexpected(f"fiber is {circuit['state']} with the address {circuit['address']}: {circuit['reason']}")
    note(back_s=round(back_s, 3))
    if back_s > 2:
        raise Unexpected(f"the call was back only after {back_s:.2f} s")
    # It is watched as before: the new way dies, and is left.
    moved = stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 5)
    note(moved, act="dies afterwards")
    if moved.decided_s > 1.5:
        raise Unexpected(f"with its new address the fiber was left only {moved.decided_s:.2f} s after its death")


@scenario("the fiber's lease ends and its address goes: left within a second, named as the address, and up again when it has one", 20)
def lease_lost(stage, note):
    fault = stage.does("break fiber lease")
    moved = stage.must_move("routing", "coax", fault, 5)
    note(moved)
    if moved.decided_s > 1:
        raise Unexpected(f"left after {moved.decided_s:.2f} s, not within 1 s")
    named = stage.diagnosed("address", "fiber", 3, moved.events)
    mended = stage.mends()
    note(diagnosis=named["text"], up_again_s=up_again(stage, "fiber", mended, 8))
    if stage.way("routing") != "coax":
        raise Unexpected("back on the fiber without proof that it is well")


def of_one_network(stage):
    """Both providers give addresses of one network and the same gateway address, as two of the same modem do."""
    net, site, isp = stage.net, stage.net["site"], stage.net[COAX.isp]
    address = FIBER.address.rpartition(".")[0] + ".3"
    isp.ip(f"address delete {COAX.gateway}/24 dev cust", f"address add {FIBER.gateway}/24 dev cust", f"route replace {topology.LAN} via {address}")
    site.ip(f"address delete {COAX.address}/24 dev {COAX.interface}", f"address add {address}/24 dev {COAX.interface}",
            f"route replace default via {FIBER.gateway} dev {COAX.interface} proto dhcp metric {COAX.metric}")
    net["site"].run("ip", "neigh", "flush", "all")
    return address


@scenario("both circuits have the same gateway address, in one network: each is measured and steered by its own device", 25)
def same_gateway_twice(stage, note):
    stage.spent = True
    address = of_one_network(stage)
    reconfigured(stage, follows(stage.keeper.rendered()))
    status = {c["name"]: c for c in stage.keeper.status()["circuits"]}
    seen = {name: (c["address"], c["gateway"]) for name, c in status.items()}
    if seen != {"fiber": (FIBER.address, FIBER.gateway), "coax": (address, FIBER.gateway)}:
        raise Unexpected(f"the circuits are seen as {seen}")
    for circuit in (FIBER, COAX):  # what is bound to a device leaves by it, and what has its address too
        for words in (("oif", circuit.interface), ("from", seen[circuit.name][0])):
            if route_out(stage, *words) != (circuit.interface, FIBER.gateway):
                raise Unexpected(f"{' '.join(words)}: by {route_out(stage, *words)}")
    fault = stage.does("break coax blackhole")
    down = stage.sees("circuit.down", 4, "coax")
    if stage.keeper.circuit("fiber")["state"] != "up" or stage.way("routing") != "fiber":
        raise Unexpected("coax died, and the fiber was held for dead too")
    stage.mends()
    note(coax_down=down["text"], up_again_s=up_again(stage, "coax", boot_ns(), 8))
    fault = stage.does("break fiber gateway")
    moved = stage.must_move("routing", "coax", fault, 5)
    note(moved)
    if route_out(stage) != (COAX.interface, FIBER.gateway):
        raise Unexpected(f"traffic leaves by {route_out(stage)}")
    if stage.keeper.circuit("coax")["state"] != "up":
        raise Unexpected(f"with the other's gateway dead coax is {stage.keeper.circuit('coax')['state']}")


@scenario("the fiber is a point-to-point link without a gateway's address: it is used, left when it is dead, and its device is all that routes name", 20)
def point_to_point(stage, note):
    stage.spent = True
    site, isp = stage.net["site"], stage.net[FIBER.isp]
    # Without ARP a frame goes to the own hardware address: one for both ends makes the pair of devices a wire, as a PPPoE session is one.
    for node, device in ((site, FIBER.interface), (isp, "cust")):
        node.ip(f"link set {device} down", f"link set {device} address 02:00:00:00:00:01 arp off", f"link set {device} up")
    site.ip(f"address flush dev {FIBER.interface}", f"address add {FIBER.address}/32 dev {FIBER.interface}",
            f"route replace default dev {FIBER.interface} proto static metric {FIBER.metric}")
    isp.ip("address flush dev cust", f"address add {FIBER.gateway}/32 dev cust", f"route replace {FIBER.address}/32 dev cust",
           f"route replace {topology.LAN} dev cust")
    stage.keeper.forget_moves()
    reconfigured_from_coax(stage)
    circuit = stage.keeper.circuit("fiber")
    if circuit["gateway"] or route_out(stage) != (FIBER.interface, None):
        raise Unexpected(f"fiber has the gateway {circuit['gateway']}, traffic leaves by {route_out(stage)}")
    moved = stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 5)
    note(moved)
    if moved.decided_s > 1.5:
        raise Unexpected(f"left after {moved.decided_s:.2f} s")


def reconfigured_from_coax(stage):
    """The link was down for a moment: voice may have left it, and is to come home by an order rather than by half a minute of proof."""
    stage.spent = True
    stage.keeper.write_config(follows(stage.keeper.rendered()))
    stage.keeper.reload()
    stage.sees("config.reloaded", 5)
    up_again(stage, "fiber", boot_ns(), 8)
    stage.keeper.command("failover", "voice", "--to", "fiber", "--for", "1m", "--reason", "lab", "--yes", check=True)
    if not wait_until(lambda: stage.there("routing", "fiber"), 5):
        raise Unexpected(f"voice goes by {stage.way('routing')}")
    stage.keeper.command("release", "voice", "--yes", check=False)
    stage.journal.skip()
