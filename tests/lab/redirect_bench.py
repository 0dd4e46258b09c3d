"""`./dev bench redirect`: an SBC that follows our 302, as fast as a busy site calls. SIPp in the callers' namespace sends INVITE at a steady rate to the
redirecting port of the daemon that runs the site as ever; what is told is how many were answered, how many had to be repeated, how long the answer took,
and how much of one core the daemon used, beside what it uses when nobody calls."""
import csv
import json
import os
import statistics
import time

import cage
import topology
from processes import wait_until
from scenarios.q_responder import REDIRECT, site_of_an_sbc
from stage import Stage
from terminal import Terminal

RATE = 2000      # INVITE a second
SECONDS = 10
RUNS = 5
PORT = 6999


def add_arguments(parser):
    parser.add_argument("--rate", type=int, default=RATE, help=f"INVITE a second ({RATE})")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"of calls in a run ({SECONDS})")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"({RUNS})")
    parser.add_argument("--json", metavar="FILE", help="each result as a line")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one_run(stage, arguments, number):
    """Answered, repeated, lost; the seconds an answer took; the share of a core."""
    daemon, total = stage.keeper.daemon.pid, arguments.rate * arguments.seconds
    idle = cpu_seconds(daemon)
    time.sleep(3)
    idle = (cpu_seconds(daemon) - idle) / 3
    name, folder = f"sbc-load-{number}", os.path.join(stage.world.run, f"load-{number}")
    os.mkdir(folder)
    statistics_file = os.path.join(folder, "statistics.csv")
    used, begun = cpu_seconds(daemon), time.monotonic()
    sipp = stage.world.programs.start(
        name, stage.net["callers"], "sipp", "-sf", os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp", "load.xml"), "-i", topology.CALLERS,
        "-p", str(PORT), f"{topology.SITE_LAN}:{REDIRECT}", "-r", str(arguments.rate), "-rp", "1000", "-m", str(total), "-l", "20000", "-nostdin",
        "-trace_stat", "-stf", statistics_file, "-fd", "1", "-trace_rtt", "-rtt_freq", "1000", cwd=folder)
    if not wait_until(lambda: not sipp.alive(), arguments.seconds + 30):
        raise SystemExit("lab: SIPp does not come to its end")
    took = time.monotonic() - begun
    used = cpu_seconds(daemon) - used
    with open(statistics_file) as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    answered = int(last["SuccessfulCall(C)"])
    times = []
    for file in os.listdir(folder):
        if file.endswith("_rtt.csv"):
            with open(os.path.join(folder, file)) as f:
                times += [float(line.split(";")[1]) for line in f.read().splitlines()[1:] if line.count(";") >= 2]
    times.sort()
    return {"invites": total, "answered": answered, "repeated": int(last["Retransmissions(C)"]), "lost": total - answered,
            "answered_per_s": round(answered / max(took - 0.5, arguments.seconds), 1),
            "median_ms": round(statistics.median(times), 3) if times else None, "p99_ms": round(times[int(len(times) * 0.99)], 3) if times else None,
            "core_share": round(used / arguments.seconds, 3), "core_share_idle": round(idle, 3)}


def bench(arguments):
    from lab import check_tools, find_or_exit
    t = Terminal()
    check_tools()
    find_or_exit(arguments.build)

    def work(run, _kept):
        stage = Stage(run, arguments.build)
        results = []
        try:
            stage.world.up(0)
            stage.keeper.install()
            stage.keeper.write_config(site_of_an_sbc(stage.keeper.rendered()))
            stage.keeper.start_switch()
            stage.keeper.start_daemon()
            if missing := stage.keeper.wait_steady(30):
                raise SystemExit(f"lab: no steady state: {missing}")
            for number in range(1, arguments.runs + 1):
                results.append(one_run(stage, arguments, number))
                t.line(f" run {number}: " + ", ".join(f"{key} {value}" for key, value in results[-1].items()))
        finally:
            stage.down()
        if arguments.json:
            with open(arguments.json, "w") as f:
                f.writelines(json.dumps(r) + "\n" for r in results)
        def middle(key):
            ms = statistics.median(r[key] for r in results)
            return f"{ms:.0f} ms" if ms >= 1 else "less than 1 ms"  # SIPp counts whole ones
        lost = sum(r["lost"] for r in results)
        t.line(f"\n {arguments.rate} INVITE a second, {arguments.seconds} s, median of {len(results)} runs: answered in {middle('median_ms')} "
               f"(p99 {middle('p99_ms')}), {statistics.median(r['core_share'] for r in results) * 100:.0f} % of one core "
               f"({statistics.median(r['core_share_idle'] for r in results) * 100:.0f} % when nobody calls); {lost} of {sum(r['invites'] for r in results)} lost, "
               f"{sum(r['repeated'] for r in results)} repeated")
        return 1 if lost else 0
    return cage.run_inside(work)
