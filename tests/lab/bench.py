"""Fault -> verified for each act, many times over: JSON lines, and a Markdown table of median and worst."""
import json
import os
import statistics
import sys
import time

import cage
from stage import Stage, Unexpected
from terminal import Terminal
from world import SetUpFailed

# (name, command, plane, where it must go)
ACTS = (
    ("fiber unplugged", "break fiber unplug", "routing", "coax"),
    ("fiber black-holed at its gateway, link up", "break fiber gateway", "routing", "coax"),
    ("fiber dead upstream, gateway lives", "break fiber blackhole", "routing", "coax"),
    ("fiber loses 30 %", "break fiber loss 30", "routing", "coax"),
    ("fiber 200 ms slower", "break fiber delay 200", "routing", "coax"),
    ("carrier silent", "carrier north silent", "trunk", "south"),
    ("carrier answers 503", "carrier north 503", "trunk", "south"),
    ("carrier stopped (port unreachable)", "carrier north stopped", "trunk", "south"),
    ("carrier dead by one circuit", "carrier north silent via fiber", "trunk", "north via coax"),
)
COLUMNS = (("led_around_s", "new calls led around"), ("detected_s", "detected"), ("applied_s", "applied"), ("traffic_s", "traffic back"), ("verified_s", "verified"))


def table(results):
    """Markdown: for each act the median and the worst of each clock, and the calls."""
    lines = ["| fault | " + " | ".join(f"{title}, median (worst)" for _, title in COLUMNS) + " | new calls lost of placed | runs |",
             "|---|" + "---|" * (len(COLUMNS) + 2)]
    for name, _, _, _ in ACTS:
        runs = [r for r in results if r["act"] == name]
        good = [r for r in runs if not r.get("problem")]
        cells = []
        for key, _ in COLUMNS:
            values = [r[key] for r in good if key in r]
            cells.append(f"{statistics.median(values):.2f} s ({max(values):.2f} s)" if values else "-")
        lost = sum(r["failed"] - r["cut"] for r in good)
        cells.append(f"{lost} of {sum(r['tried'] for r in good)}")
        cells.append(str(len(runs)) + (f", {len(runs) - len(good)} not as expected" if len(good) != len(runs) else ""))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def one(place, build, name, command, plane, to):
    """One act in a site of its own: coming home would take longer, and each act meets the same state."""
    stage = Stage(place, build)
    try:
        stage.up(5)
        stage.steady(20)
        if " loss " in command or " delay " in command:
            stage.warm()
        stage.begins_counting_calls()
        timeline = stage.moves(plane, to, stage.does(command), 30)
        if plane == "routing" and not timeline.problem:
            # Calls may have been led around before routes moved: on suspicion, or because their trunk is told at once.
            calls_moved = stage.moves("trunk", "north via coax", timeline.fault_ns, 30, seen=timeline.events)
            timeline.problem, led_around_s = calls_moved.problem, calls_moved.applied_s
        calls = stage.counted_calls()
        timeline.tried, timeline.failed, timeline.cut, timeline.worst_setup_s = calls.tried, calls.failed, calls.cut, calls.worst_setup_s
        result = {"act": name} | timeline.data() | {"failed": calls.failed, "cut": calls.cut}
        return result | ({"led_around_s": round(led_around_s, 4)} if plane == "routing" and not timeline.problem else {})
    finally:
        stage.down()


def bench(arguments):
    from lab import check_tools, find_or_exit
    terminal = Terminal(sys.stderr)
    check_tools()
    find_or_exit(arguments.build)

    def work(run, _kept):
        results = []
        out = open(arguments.json, "w") if arguments.json else None
        try:
            for number in range(1, arguments.runs + 1):
                for position, act in enumerate(ACTS):
                    place = os.path.join(run, f"site-{number}-{position}")
                    os.mkdir(place, 0o755)
                    result = {"run": number} | one(place, arguments.build, *act)
                    results.append(result)
                    line = json.dumps(result)
                    print(line, flush=True)
                    if out:
                        print(line, file=out, flush=True)
                    terminal.line(f" run {number}/{arguments.runs}  {act[0]}: "
                                  + (result.get("problem") or f"verified after {result['verified_s']:.2f} s"))
        except (Unexpected, SetUpFailed) as error:
            terminal.wrapped(terminal.bad("the bench ends early: ") + str(error))
            return 1
        finally:
            if results:
                text = f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, kernel {os.uname().release}, seconds from the fault\n\n" + table(results)
                if arguments.table:
                    with open(arguments.table, "w") as f:
                        f.write(text)
                else:
                    print("\n" + text)
        return 1 if any(r.get("problem") for r in results) else 0
    return cage.run_inside(work)
