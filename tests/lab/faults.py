"""Faults as named commands. Each can be undone, each is listed while it lasts, each knows when it began.

    break fiber blackhole        the provider's core forwards nothing; link and gateway look healthy
    break fiber gateway          the provider's first router is gone, to ARP too; the link looks healthy
    break fiber access           the line to the provider swallows every IP packet, both ways; link and ARP look healthy
    break fiber unplug           the cable is pulled: no carrier at the site
    break fiber linkdown         someone sets the interface down
    break fiber gone             the interface is deleted; mended, it is another one of the same name
    break fiber flap 0.1         the cable is out for so many seconds, and in again
    break fiber lease            the address is taken away, and the routes that were learned with it
    break fiber renewal          the provider gives another address and another gateway
    break fiber mtu 1420         packets larger than that are lost, and nobody is told
    break fiber resolvers        questions to resolvers are lost
    break fiber loss 30          30 % of the round trips are lost, alike on both ways
    break fiber loss-in 30       30 % of the packets toward the site are lost; loss-out 30: of those it sends
    break fiber delay 200        200 ms are added to each round trip
    carrier north silent         answers nothing          (carrier north silent via fiber: only what comes by that circuit)
    carrier north 503            refuses new calls and OPTIONS
    carrier north calls-503      OPTIONS 200, new calls 503
    carrier north calls-slow     OPTIONS 200, new calls ring after 3 s
    carrier north slow           answers everything 3 s late, without a 100 before
    carrier north answers 500    refuses new calls and OPTIONS with that code
    carrier north options 404    answers OPTIONS with that code, and takes calls
    carrier north retry-after 30 refuses both with 503, and says for how long
    carrier north flapping 2     silent for so many seconds, well for as many, and again
    carrier north forbids via fiber    the provider gives that circuit another public address, for which north has nothing but 403
    carrier north stopped        its program is gone: the port is unreachable
    carrier north frozen         its program stands still: connections to it stay, and nothing is answered
    carrier north certificate expired    it shows that over TLS, or another wrong-name (where it speaks TLS)
    carrier north up             all of north's faults undone
    target anchor-1 dead         one probe target answers nobody
    mend [THING]                 undo everything, or what was done to one thing
"""
import itertools
import math
import signal
import time
from dataclasses import dataclass
from typing import Callable

from kernel import boot_ns
from netns import timed
from topology import CARRIERS, CIRCUITS, LAN, TARGETS


class BadCommand(Exception):
    """What was asked for does not exist; the text says what does."""


@dataclass
class Fault:
    thing: str           # "fiber", "north", "anchor-1"
    text: str            # "fiber blackhole", as it was asked for
    mend: Callable
    began_ns: int = 0    # boot clock, just before it was done: figures counted from it are never flattered
    took_ns: int = 0     # how long doing it took: the uncertainty


class Faults:
    """The faults of one lab. `net` is its Topology, `world` its carriers."""

    def __init__(self, net, world):
        self.net, self.world, self.active = net, world, []
        self.mended_ns = 0  # boot clock, when the last mending was done
        self._number = itertools.count(1)

    def command(self, words):
        """One of the commands above, as words. Returns what was done, in words."""
        words = [w.lower() for w in words]
        match words:
            case ["break", circuit, *rest] if circuit in CIRCUITS and rest:
                return self._began(self.break_circuit(circuit, *rest))
            case ["carrier", carrier, "up"] if carrier in CARRIERS:
                return self.mend(carrier)
            case ["carrier", carrier, how] if carrier in CARRIERS:
                return self._began(self.break_carrier(carrier, how))
            case ["carrier", carrier, "silent", "via", circuit] if carrier in CARRIERS and circuit in CIRCUITS:
                return self._began(self.break_carrier(carrier, "silent", circuit))
            case ["carrier", carrier, "forbids", "via", circuit] if carrier in CARRIERS and circuit in CIRCUITS:
                return self._began(self._forbids(carrier, CIRCUITS[circuit]))
            case ["carrier", carrier, how, amount] if carrier in CARRIERS:
                return self._began(self.break_carrier(carrier, how, amount=amount))
            case ["target", target, "dead"] if target in TARGETS:
                return self._began(self.kill_target(target))
            case ["mend"] | ["mend", "all"]:
                return self.mend()
            case ["mend", thing] if thing in (*CIRCUITS, *CARRIERS, *TARGETS):
                return self.mend(thing)
            case ["faults"]:
                return "\n".join(f.text for f in self.active) or "nothing is broken"
        raise BadCommand(f"cannot do '{' '.join(words)}'; what can be done:\n{__doc__.split(chr(10), 2)[2].rstrip()}\n"
                         f"circuits: {', '.join(CIRCUITS)}; carriers: {', '.join(CARRIERS)}; targets: {', '.join(TARGETS)}")

    @staticmethod
    def _began(fault):
        return f"{fault.text}: done"

    def _do(self, thing, text, act, mend):
        with timed() as stamp:
            act()
        fault = Fault(thing, text, mend, stamp.before, stamp.after - stamp.before)
        self.active.append(fault)
        return fault

    def _drop(self, node, thing, text, chain, rule, *more):
        """A fault made of one nftables table, which exists or does not. more: further chains of it, each (chain, rule)."""
        table = f"fault_{next(self._number)}"
        ns = self.net[node]
        chains = "\n".join(f"chain c{i} {{ type filter hook {hook} priority -10; {what}; }}" for i, (hook, what) in enumerate(((chain, rule), *more)))
        return self._do(thing, text,
                        lambda: ns.nft(f"table inet {table} {{ {chains}\n}}"),
                        lambda: ns.nft(f"delete table inet {table}"))

    def break_circuit(self, name, how, amount=None):
        c = CIRCUITS[name]
        text = " ".join(filter(None, (name, how, amount)))
        match how:
            case "blackhole":
                return self._drop(c.isp, name, text, "forward", "drop")
            case "gateway":
                return self._gateway(c, text)
            case "access":
                return self._drop(c.isp, name, text, "prerouting", 'iifname "cust" drop', ("postrouting", 'oifname "cust" drop'))
            case "loss" | "loss-in" | "loss-out":
                share = self._number_of(amount, how, "percent", 100) / 100
                each_way = 1 - math.sqrt(1 - share) if how == "loss" else share
                lose = f"numgen random mod 100000 < {round(each_way * 100000)} drop"
                ways = {"loss": ("uplink", "cust"), "loss-in": ("uplink",), "loss-out": ("cust",)}[how]
                return self._drop(c.isp, name, text, "forward", "; ".join(f'iifname "{way}" {lose}' for way in ways))
            case "unplug":
                return self._do(name, text, lambda: self.net[c.isp].ip("link set cust down"), lambda: self._plug_in(c))
            case "linkdown":
                return self._do(name, text, lambda: self.net["site"].ip(f"link set {c.interface} down"), lambda: self._link_up(c))
            case "gone":
                return self._do(name, text, lambda: self.net["site"].ip(f"link delete {c.interface}"), lambda: self._made_again(c))
            case "flap":
                return self._flap(c, text, self._number_of(amount, "flap", "seconds", 10))
            case "lease":
                return self._do(name, text, lambda: self.net["site"].ip(f"address delete {c.address}/24 dev {c.interface}"), lambda: self._leased(c))
            case "renewal":
                new, old = c.renewed, (c.address, c.gateway)
                return self._do(name, text, lambda: self._renew(c, old, new), lambda: self._renew(c, new, old))
            case "mtu":
                most = self._number_of(amount, "mtu", "bytes", 9000)
                return self._drop(c.isp, name, text, "forward", f"ip length > {most:.0f} drop")
            case "resolvers":
                return self._drop(c.isp, name, text, "forward", "meta l4proto { tcp, udp } th dport 53 drop")
            case "delay":
                return self._delay(c, text, self._number_of(amount, "delay", "milliseconds", 10000))
        raise BadCommand(f"a circuit cannot be broken by '{how}': blackhole, gateway, access, unplug, linkdown, gone, flap SECONDS, lease, "
                         "renewal, mtu BYTES, resolvers, loss, loss-in or loss-out PERCENT, delay MS")

    def _gateway(self, c, text):
        """Nothing that reaches the ISP's router from the site is heard, ARP included."""
        table, ns = f"fault_{next(self._number)}", self.net[c.isp]
        return self._do(c.name, text,
                        lambda: ns.nft(f'table inet {table} {{ chain c {{ type filter hook prerouting priority -310; iifname "cust" drop; }}\n}}\n'
                                       f'table arp {table} {{ chain c {{ type filter hook input priority -10; iifname "cust" drop; }}\n}}'),
                        lambda: ns.nft(f"delete table inet {table}\ndelete table arp {table}"))

    @staticmethod
    def _number_of(amount, what, unit, most):
        try:
            value = float(amount)
        except (TypeError, ValueError):
            value = -1.0
        if not 0 < value <= most:
            raise BadCommand(f"{what} needs a number of {unit} between 0 and {most}, as in '{what} 30'")
        return value

    def _plug_in(self, c):
        self.net[c.isp].ip("link set cust up")
        self.net.isp_customer_route(c)

    def _link_up(self, c):
        self.net["site"].ip(f"link set {c.interface} up")
        self.net.site_default_route(c)  # as the site's DHCP client would

    def _made_again(self, c):
        """As a PPPoE session or a hot-plugged modem comes back: the same name, another interface."""
        self.net.access_link(c)
        self.net.site_default_route(c)

    def _flap(self, c, text, seconds):
        def act():
            self.net[c.isp].ip("link set cust down")
            time.sleep(seconds)
            self._plug_in(c)
        return self._do(c.name, text, act, lambda: None)

    def _leased(self, c):
        self.net["site"].ip(f"address add {c.address}/24 dev {c.interface}")
        self.net.site_default_route(c)

    def _renew(self, c, old, new):
        """The provider's side first; then as a DHCP client does it that was given another address: the old one goes, the new one comes."""
        self.net[c.isp].ip(f"address delete {old[1]}/24 dev cust", f"address add {new[1]}/24 dev cust", f"route replace {LAN} via {new[0]}")
        site = self.net["site"]
        site.ip(f"address delete {old[0]}/24 dev {c.interface}")
        site.ip(f"address add {new[0]}/24 dev {c.interface}")
        site.ip(f"route replace default via {new[1]} dev {c.interface} proto dhcp metric {c.metric}")

    def _delay(self, c, text, milliseconds):
        """The wire's bridge is replaced by the relay; there and back, half each way."""
        wire, relay = self.net[c.wire], f"delay-{c.name}"
        if any(f.thing == c.name and " delay " in f.text for f in self.active):
            raise BadCommand(f"{c.name} is delayed already; mend it first")
        self.world.start_relay(relay, wire, milliseconds / 2)

        def act():
            wire.ip("link set west nomaster", "link set east nomaster")

        def mend():
            wire.ip("link set west master br0", "link set east master br0")
            self.world.programs.stop(relay)
        return self._do(c.name, text, act, mend)

    def break_carrier(self, name, how, circuit=None, amount=None):
        text = " ".join(filter(None, (name, how, circuit and f"via {circuit}", amount)))
        world = self.world

        def mode(number, retry_s=0):
            def act():
                world.set_mode(name, retry_s, "retry")
                world.set_mode(name, number)
            return self._do(name, text, act, lambda: (world.set_mode(name, 0), world.set_mode(name, 0, "retry")))
        match how:
            case "silent" if amount is None:
                by = f"ip saddr {CIRCUITS[circuit].public} " if circuit else ""
                return self._drop(name, name, text, "prerouting", f'iifname "net" {by}drop')
            case "503" | "calls-503" | "calls-slow" | "slow" if amount is None:
                return mode({"503": 503, "calls-503": 1503, "calls-slow": 1200, "slow": 3000}[how])
            case "answers" | "options":
                code = int(self._number_of(amount, how, "a final response above 299,", 699))
                if code < 300:
                    raise BadCommand(f"{how} needs the code of a refusal, 300 to 699")
                return mode(code if how == "answers" else 2000 + code)
            case "retry-after":
                return mode(503, int(self._number_of(amount, how, "seconds", 86400)))
            case "flapping":
                return self._flapping(name, text, self._number_of(amount, how, "seconds", 60))
            case "frozen" if amount is None:
                program = world.programs[name]
                return self._do(name, text, lambda: program.signal_all(signal.SIGSTOP), lambda: program.signal_all(signal.SIGCONT))
            case "certificate" if amount in ("expired", "wrong-name"):
                if not world.tls:
                    raise BadCommand("certificate: the carriers of this site do not speak TLS")
                return self._do(name, text, lambda: world.change_certificate(name, amount), lambda: world.change_certificate(name, "good"))
            case "stopped" if amount is None:
                return self._do(name, text, lambda: world.stop_carrier(name), lambda: world.start_carrier(name))
        raise BadCommand(f"a carrier cannot be broken by '{how}{' ' + amount if amount else ''}': silent [via CIRCUIT], 503, calls-503, calls-slow, slow, answers CODE, "
                         "options CODE, retry-after SECONDS, flapping SECONDS, forbids via CIRCUIT, frozen, certificate expired|wrong-name, stopped, up")

    def _flapping(self, name, text, seconds):
        """A program of its own turns the silence on and off: it goes on while others wait for something."""
        table, program = f"fault_{next(self._number)}", f"{name}-flaps"
        silence = f'table inet {table} {{ chain c {{ type filter hook prerouting priority -10; iifname "net" drop; }}\n}}'
        script = f"while nft '{silence}' && sleep {seconds} && nft delete table inet {table} && sleep {seconds}; do :; done"

        def mend():
            self.world.programs.stop(program)
            self.net[name].nft(f"table inet {table} {{ }}\ndelete table inet {table}")  # it may be there, or not
        return self._do(name, text, lambda: self.world.programs.start(program, self.net[name], "sh", "-c", script), mend)

    def _forbids(self, carrier, c):
        """Others see the circuit by another address from now on, on connections that there were already, too; the carrier does not know it."""
        table, isp = f"fault_{next(self._number)}", self.net[c.isp]

        def act():
            self.world.set_mode(carrier, 403, c.other_public)
            self.net["internet"].ip(f"route replace {c.other_public} via {c.public}")
            isp.nft(f'table ip {table} {{ chain out {{ type nat hook postrouting priority srcnat - 1; oifname "uplink" snat to {c.other_public}; }}\n}}')
            isp.forget_connections()

        def mend():
            isp.nft(f"delete table ip {table}")
            isp.forget_connections()
            self.net["internet"].ip(f"route delete {c.other_public}")
            self.world.set_mode(carrier, 0, c.other_public)
        return self._do(carrier, f"{carrier} forbids via {c.name}", act, mend)

    def kill_target(self, name):
        return self._drop("internet", name, f"{name} dead", "input", f"ip daddr {TARGETS[name].address} drop")

    def mend(self, thing=None):
        """Undoes the newest first. Returns what was mended, in words."""
        mine = [f for f in reversed(self.active) if thing in (None, f.thing)]
        for fault in mine:
            self.active.remove(fault)
            fault.mend()
        self.mended_ns = boot_ns()
        return ", ".join(f.text for f in mine) + ": mended" if mine else "nothing to mend"
