"""Programs that Debian bookworm has not, from other suites of the same archive: a tree made once by debootstrap, kept in build/pbx/, and
run by chroot. The archive is this machine's own, as apt knows it; its signature is checked with Debian's keyring."""
import fcntl
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TREES = {  # name: suite, packages, what must be there
    "asterisk-bullseye": ("bullseye", "asterisk,asterisk-modules", "usr/sbin/asterisk"),
    "asterisk-sid": ("sid", "asterisk,asterisk-modules", "usr/sbin/asterisk")}
PATIENCE_S = 480


class NoTree(Exception):
    """There is none, and none can be made here; the text says why."""


def archive():
    """The Debian archive that this machine's apt uses: the first http(s) one of its sources that ends in /debian."""
    for place in ["/etc/apt/sources.list"] + sorted(os.path.join("/etc/apt/sources.list.d", f) for f in
                                                   (os.listdir("/etc/apt/sources.list.d") if os.path.isdir("/etc/apt/sources.list.d") else [])):
        try:
            with open(place) as f:
                lines = [line.split("#")[0] for line in f]
        except OSError:
            continue
        for line in lines:
            for uri in re.findall(r"https?://\S+", line):
                if uri.rstrip("/").endswith("/debian"):
                    return uri
    raise NoTree("apt's sources name no Debian archive by http")


def _environment():
    """apt's proxy is debootstrap's too."""
    proxy = subprocess.run(["apt-config", "shell", "P", "Acquire::http::Proxy"], capture_output=True, text=True).stdout
    found = re.search(r"P='(.*)'", proxy)
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", **({"http_proxy": found[1]} if found and found[1] not in ("", "DIRECT") else {})}


@contextmanager
def _locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tree(name):
    """The tree's folder; made when it is missing, which takes a minute or two. NoTree where that cannot be."""
    suite, packages, proof = TREES[name]
    folder = os.path.join(TOP, "build", "pbx", name)
    if os.geteuid() != 0:
        raise NoTree("a tree of another Debian suite is made and entered by root only")
    with _locked(folder + ".lock"):
        if os.path.exists(os.path.join(folder, proof)):
            return folder
        if not shutil.which("debootstrap", path=os.environ.get("PATH", "") + ":/usr/sbin"):
            raise NoTree("needs debootstrap (Debian package debootstrap)")
        if not os.path.exists(KEYRING):
            raise NoTree("needs Debian's keyring (Debian package debian-archive-keyring)")
        half = folder + ".half"  # renamed when it is whole: what was interrupted is begun anew
        shutil.rmtree(half, ignore_errors=True)
        try:
            done = subprocess.run(["/usr/sbin/debootstrap", "--variant=minbase", f"--keyring={KEYRING}", "--force-check-gpg", f"--include={packages}",
                                   suite, half, archive()], env=_environment(), capture_output=True, text=True, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise NoTree(f"debootstrap {suite} was not done in {PATIENCE_S} s") from None
        if done.returncode != 0 or not os.path.exists(os.path.join(half, proof)):
            last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no word"]
            raise NoTree(f"debootstrap {suite} failed: {last[0]}")
        shutil.rmtree(os.path.join(half, "var/cache/apt/archives"), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(half, folder)
        return folder


def make_all():
    """Whatever can be made here, for programs that look for trees where there is no way to the archive: in network namespaces of their own."""
    for name in TREES:
        try:
            print(tree(name))
        except NoTree as reason:
            print(f"no {name}: {reason}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--all"]:
        make_all()
        sys.exit(0)
    try:
        print(tree(sys.argv[1] if len(sys.argv) > 1 else "asterisk-bullseye"))
    except NoTree as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(77)
