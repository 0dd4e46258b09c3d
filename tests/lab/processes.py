"""Programs of the lab: started in a namespace, logged to a file, ended by their own number."""
import os
import signal
import subprocess
import time

import kernel

NOBODY = 65534


def one_user_only():
    """In a user namespace with a single mapped user nobody cannot be become."""
    with open("/proc/self/uid_map") as f:
        return all(int(line.split()[2]) <= 1 for line in f)


def as_nobody():
    """Words before a command that make it run without a privilege: as nobody where there is such a user, and in any case
    with no capability and no way to get one."""
    become = [] if one_user_only() else [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ["setpriv", *become, "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--pdeathsig=KILL"]


class Program:
    """One running program. `argv[0]` is found as it stands; output goes to run/logs/NAME.log."""

    def __init__(self, name, process, log, started):
        self.name, self.process, self.log, self.started = name, process, log, started

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def signal_all(self, number):
        """It and whatever it has begun."""
        if self.alive():
            os.killpg(self.pid, number)

    def stop(self, patience=2.0):
        """SIGTERM, then SIGKILL. Returns the seconds it took, and whether the asking was enough."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(patience)
            gentle = True
        except subprocess.TimeoutExpired:
            self.kill()
            gentle = False
        return time.monotonic() - begun, gentle

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def tail(self, lines=12):
        try:
            with open(self.log, errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError:
            return ""


class Programs:
    def __init__(self, logs):
        self.logs = logs
        os.makedirs(logs, mode=0o755, exist_ok=True)
        self._running = {}

    def __getitem__(self, name):
        return self._running[name]

    def get(self, name):
        return self._running.get(name)

    def start(self, name, node, *argv, cwd=None, env=None):
        """Starts argv in the namespace `node` under a name; a name may be used again after its program ended."""
        old = self._running.get(name)
        if old and old.alive():
            raise RuntimeError(f"{name} is already running as {old.pid}")
        log = os.path.join(self.logs, f"{name}.log")
        with node, open(log, "ab") as output:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
                                       env={**os.environ, "TERM": "dumb", **(env or {})}, start_new_session=True,
                                       preexec_fn=lambda: kernel.die_with_parent(signal.SIGKILL))
        program = self._running[name] = Program(name, process, log, kernel.boot_ns())
        return program

    def stop(self, name):
        program = self._running.pop(name, None)
        if program:
            program.stop()

    def stop_all(self):
        """Asks everyone at once, then waits: seconds in all, not seconds each."""
        for program in self._running.values():
            program.signal(signal.SIGTERM)
        until = time.monotonic() + 2.0
        for program in self._running.values():
            try:
                program.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                program.kill()
        self._running.clear()

    def all(self):
        return list(self._running.values())

    def died(self):
        """Programs that ended without being asked."""
        return [p for p in self._running.values() if not p.alive()]


def wait_until(condition, seconds, every=0.05):
    """Looks again and again until condition() is true; returns its value, or None when the time is over."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= until:
            return None
        time.sleep(every)
