"""Network namespaces without names: each is an open file of the lab's first process, and is gone with it."""
import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess

import kernel


class CommandFailed(Exception):
    pass


def run(*argv, stdin=None, check=True):
    """Runs a command to its end and returns its standard output; in whichever namespace we are in."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}" + (f"\n{stdin}" if stdin else ""))
    return done.stdout


def forked_into(node, work):
    """A forked helper inside a namespace, which ends with its parent. Returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        kernel.die_with_parent(signal.SIGKILL)
        kernel.let_go_of_terminal()
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        kernel.setns(node.fd)
        work()
    finally:  # a helper never returns into its parent's frames
        os._exit(1)


class Namespace:
    """`with namespace:` everything done inside, sockets, /proc/sys/net and child processes, belongs to it."""

    def __init__(self, name):
        self.name = name
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            kernel.unshare(kernel.CLONE_NEWNET)
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        finally:
            kernel.setns(home)
            os.close(home)
        self._homes = []

    @property
    def path(self):
        """As `ip link ... netns PATH` takes it."""
        return f"/proc/{os.readlink('/proc/self')}/fd/{self.fd}"

    def __enter__(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            kernel.setns(self.fd)
        except BaseException:
            os.close(home)
            raise
        self._homes.append(home)
        return self

    def __exit__(self, *_):
        home = self._homes.pop()
        kernel.setns(home)
        os.close(home)

    def run(self, *argv, **how):
        with self:
            return run(*argv, **how)

    def ip(self, *lines):
        """Several ip(8) commands in one process."""
        return self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def nft(self, text):
        return self.run("nft", "-f", "-", stdin=text)

    def sysctl(self, **settings):
        with self:
            for key, value in settings.items():
                with open("/proc/sys/" + key.replace("__", "/"), "w") as f:
                    f.write(str(value))

    def forget_connections(self):
        """Empties its connection tracking (`conntrack -F`): a message without a tuple deletes them all (linux/netfilter/nfnetlink_conntrack.h)."""
        kind = 1 << 8 | 2  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE
        with self, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as s:  # NETLINK_NETFILTER
            s.send(struct.pack("=IHHIIBBH", 20, kind, 0x5, 1, 0, 0, 0, 0))  # NLM_F_REQUEST | NLM_F_ACK; then nfgenmsg
            error, = struct.unpack_from("=i", s.recv(4096), 16)
        if error:
            raise CommandFailed(f"connection tracking of {self.name} could not be emptied: {os.strerror(-error)}")

    def no_offload(self, device):
        """Real checksums and no giant segments on a device (ethtool -K tx off tso off gso off gro off, SIOCETHTOOL): frames that
        a relay reads from an AF_PACKET socket must be complete."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for command in (0x17, 0x1F, 0x24, 0x2C):  # ETHTOOL_STXCSUM, STSO, SGSO, SGRO
                value = ctypes.create_string_buffer(struct.pack("II", command, 0))
                with contextlib.suppress(OSError):  # a feature that this kernel fixes off already
                    fcntl.ioctl(s, 0x8946, struct.pack("16sP8x", device.encode(), ctypes.addressof(value)))


@contextlib.contextmanager
def timed():
    """Stamps around an act on the boot clock: `with timed() as stamp: ...; stamp.before, stamp.after` in nanoseconds."""
    class Stamp:
        before = kernel.boot_ns()
        after = 0
    stamp = Stamp()
    try:
        yield stamp
    finally:
        stamp.after = kernel.boot_ns()
