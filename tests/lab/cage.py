"""A cage for the lab: whatever happens inside, nothing of it survives.

The lab runs in a PID namespace of its own (and, for a user without root, in a user namespace): when its first process ends,
by its own will, by Ctrl-C or by kill -9, the kernel ends every process in it, and with the last process go the network
namespaces, which have no name anywhere on the host. So there is nothing to sweep up, and nothing that can be forgotten.

Three processes:
  outer   what the person started; owns the terminal; passes signals on; removes the run directory at the very end
  keeper  waits for `first`, which is in a new PID namespace and so cannot be the outer's own child; removes the run
          directory too, should the outer have been killed
  first   PID 1 of the cage: sets up the site, runs the demo or the tests

`outer` holds a pipe to `first`, the lifeline: when it breaks without a word, `first` ends everything. With --keep the outer
writes one byte before it leaves, and the site lives on until `lab.py down`.
"""
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time

import kernel

RUN_MARK = "LINEKEEPER_LAB_RUN"


class Stopped(BaseException):
    """Someone asked us to stop (a signal, or the end of the lifeline). Not an Exception: nothing may swallow it."""


class NoCage(Exception):
    """The kernel does not allow the namespaces that the lab lives in."""


def base_directory():
    """Where run directories live. For root always under /tmp: linekeeperd runs as nobody and must be able to reach it."""
    root = os.geteuid() == 0
    return os.path.join("/tmp" if root else os.environ.get("XDG_RUNTIME_DIR") or "/tmp", f"linekeeper-lab-{os.geteuid()}")


def kept_link():
    return os.path.join(base_directory(), "kept")


def kept_run():
    """The run directory of the site that was left up, or None."""
    link = kept_link()
    return os.path.realpath(link) if os.path.islink(link) and os.path.isdir(link) and _locked(os.path.realpath(link)) else None


def _locked(run):
    try:
        with open(os.path.join(run, "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def make_run_directory():
    base = base_directory()
    os.makedirs(base, mode=0o755, exist_ok=True)
    if os.lstat(base).st_uid != os.geteuid():
        raise SystemExit(f"lab: {base} belongs to someone else; remove it or set XDG_RUNTIME_DIR")
    for name in os.listdir(base):  # what a power cut or a kill -9 of all three processes left
        old = os.path.join(base, name)
        if not os.path.islink(old) and os.path.isdir(old) and not _locked(old) and time.time() - os.stat(old).st_mtime > 5:
            shutil.rmtree(old, ignore_errors=True)
    if os.path.islink(kept_link()) and kept_run() is None:
        os.unlink(kept_link())
    run = os.path.join(base, f"{time.strftime('%H%M%S')}-{os.getpid()}")
    os.mkdir(run, 0o755)
    lock = open(os.path.join(run, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock.fileno(), False)
    return run, lock


def _remove(run):
    """The run directory, and the one above it when it was the last."""
    shutil.rmtree(run, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(run))


def run_inside(work, keep_possible=False):
    """Runs work(run, kept) as the first process of a new cage and returns its exit status.

    work gets the run directory, and a function that tells the outer process that the site stays up: called once, after
    which the outer leaves with status 0 and `work` carries on alone.
    """
    run, lock = make_run_directory()
    lifeline_read, lifeline_write = os.pipe()
    news_read, news_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.setsid()  # Ctrl-C reaches the outer process only; it passes it on once
            for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            os.close(lifeline_write)
            os.close(news_read)
            os.environ[RUN_MARK] = run
            status = _keeper(run, lifeline_read, news_write, work)
        except Stopped:
            status = 130
        except NoCage as error:
            print(f"lab: cannot make a namespace: {error}. {_remedy()}", file=sys.stderr)
            status = 77
        except BaseException:  # noqa: the fork must never return into the caller's frames
            import traceback
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    os.close(lifeline_read)
    os.close(news_write)
    status, kept = _outer(pid, lifeline_write, news_read, keep_possible)
    if not kept:
        _remove(run)
        status = report_leftovers(run) or status
    lock.close()
    return status


def _remedy():
    try:
        if open("/proc/sys/kernel/unprivileged_userns_clone").read().strip() == "0":
            return "This kernel forbids user namespaces: run it as root, or set sysctl kernel.unprivileged_userns_clone=1."
    except OSError:
        pass
    return "Run it as root, or allow user namespaces (sysctl user.max_user_namespaces; in a container: CAP_SYS_ADMIN)."


def _outer(pid, lifeline, news, keep_possible):
    asked = []

    def pass_on(number, _frame):
        asked.append(number)
        try:
            os.write(lifeline, b"s")
        except OSError:
            pass

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    if keep_possible and os.read(news, 1) == b"k":  # EOF: the cage has ended
        os.write(lifeline, b"k")
        return 0, True
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return (130 if asked and code <= 0 else code if code >= 0 else 128 - code), False


def _keeper(run, lifeline, news, work):
    uid, gid = os.geteuid(), os.getegid()
    try:
        if uid == 0:
            kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
        else:
            kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET)
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
                with open(f"/proc/self/{name}", "w") as f:
                    f.write(text)
    except OSError as error:
        raise NoCage(error.strerror) from error
    pid = os.fork()
    if pid != 0:
        os.close(lifeline)
        os.close(news)
        kernel.let_go_of_terminal()
        _, status = os.waitpid(pid, 0)
        _remove(run)
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code
    kernel.die_with_parent(signal.SIGKILL)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    try:
        kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    except OSError:
        # Some containers mask parts of /proc and refuse a new one. /proc/self then shows the outer numbers, which only the
        # tests that read /proc/PID/status notice; they say so.
        os.environ["LINEKEEPER_LAB_NO_PROC"] = "1"
    return _first(run, lifeline, news, work)


def _first(run, lifeline, news, work):
    def stop(_number, _frame):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGIO):
            signal.signal(number, signal.SIG_IGN)  # once is enough: do not interrupt the tidying up
        raise Stopped()

    def life(_number, _frame):
        try:
            word = os.read(lifeline, 16)
        except BlockingIOError:
            return
        if word == b"" or b"s" in word:
            if not state["kept"]:
                stop(0, None)
        if b"k" in word:
            state["kept"] = True

    state = {"kept": False}
    link = os.path.join(os.path.dirname(run), "kept")  # our own number may differ from the outer one in here
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGIO, life)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    life(0, None)  # what came before the handler stood

    def kept():
        """From here on the site stays when the person's shell goes on."""
        os.symlink(run, link)
        os.write(news, b"k")
        while not state["kept"]:
            time.sleep(0.01)
        sys.stdout.flush()
        kernel.let_go_of_terminal()

    try:
        return work(run, kept)
    finally:
        if state["kept"] and os.path.islink(link):
            os.unlink(link)


def report_leftovers(run):
    """The last look: processes that carry our mark, or a directory that is still there. Returns 1 and says what, or 0."""
    left = [] if not os.path.exists(run) else [f"directory {run}"]
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as f:
                environment = f.read().split(b"\0")
            if f"{RUN_MARK}={run}".encode() in environment:
                left.append(f"process {entry} ({open(f'/proc/{entry}/comm').read().strip()})")
        except OSError:
            continue
    for thing in left:
        print(f"lab: left behind: {thing}", file=sys.stderr)
    return 1 if left else 0
