#!/usr/bin/python3
"""The Linekeeper lab: a site with two circuits and two carriers in network namespaces, faults, a demo, tests and a bench.

  lab.py demo [--keep] [--quick]     the story, then a table; --keep leaves the site up to play with
  lab.py up [--bare]                 only the site; --bare: without Linekeeper, to see what it is worth
  lab.py break fiber blackhole       a fault in the kept site (lab.py faults --help lists them all)
  lab.py carrier north silent        ... at a carrier: silent [via CIRCUIT], 503, calls-503, calls-slow, slow, stopped, up; more: faults --help
  lab.py target anchor-1 dead        ... at a probe target
  lab.py mend [THING]                undone
  lab.py faults                      what is broken now
  lab.py status | explain | events | paths | failover | hold | release ...    the linekeeper program of the kept site
  lab.py exec NODE COMMAND...        a command inside a namespace of the kept site
  lab.py down                        takes the kept site away
  lab.py test [NAME...] [--list] [--repeat N] [--sites N] [--json FILE]
  lab.py bench [ACT...] [--runs N] [--peers P,Q|none] [--write DIR]    failovers measured, ours and others'; --help tells more
  lab.py bench-trunks [ACT...] [--runs N] [--quick] [--write DIR]      carriers that misbehave, under calls; --help tells more
  lab.py bench-redirect [--rate N] [--runs N]                          an SBC that follows our 302, 2,000 INVITE a second

--build DIR says where the programs were built (default: build/dev).
"""
import argparse
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench  # noqa: E402
import cage  # noqa: E402
import faults  # noqa: E402
import forward  # noqa: E402
import remote  # noqa: E402
import redirect_bench  # noqa: E402
import trunk_bench  # noqa: E402
from keeper import find_programs  # noqa: E402
from netns import CommandFailed  # noqa: E402
from processes import one_user_only  # noqa: E402
from stage import Stage, Unexpected  # noqa: E402
from story import QUICK, STORY, Story, run_story  # noqa: E402
from terminal import Terminal  # noqa: E402
from world import ARTEFACTS, TOP, SetUpFailed  # noqa: E402

FAULT_WORDS = ("break", "carrier", "target", "mend", "faults", "exec")
LINEKEEPER_WORDS = ("status", "explain", "events", "paths", "replay", "failover", "hold", "release", "config")
NEEDED = {"ip": "iproute2", "nft": "nftables", "sipp": "sip-tester", "kamailio": "kamailio", "setpriv": "util-linux"}


def check_tools():
    missing = {package for tool, package in NEEDED.items() if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")}
    if missing:
        raise SystemExit(f"lab: missing packages: {' '.join(sorted(missing))} (apt-get install them, or run ./dev demo, which does)")
    os.environ["PATH"] += ":/usr/sbin:/sbin"


def keep_logs(stage):
    """Copies the programs' logs to where a person finds them after the cage is gone; returns the folder."""
    folder = os.path.join(ARTEFACTS, "lab-logs", "site")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stage.world.programs.logs, folder)
    return folder


def inside(work, build, terminal, **how):
    """Runs work(stage, run, kept) in a cage with its set-up errors told, its logs kept on failure, and all of it ended."""
    def first(run, kept):
        stage = Stage(run, build)
        status = 1
        try:
            status = work(stage, run, kept)
        except (SetUpFailed, CommandFailed) as error:
            terminal.line(terminal.bad("lab: the site could not be set up: ") + str(error))
        except Unexpected as error:
            terminal.wrapped(terminal.bad("not as it should be: ") + str(error))
        except cage.Stopped:
            status = 130
            terminal.line("\n " + terminal.dim("stopped: taking the site down"))
        finally:
            if status not in (0, 130):
                terminal.line(f" logs: {keep_logs(stage)}")
            stage.down()
        return status
    return cage.run_inside(first, **how)


def bring_up(stage, calls, bare=False):
    begun = time.monotonic()
    stage.up(calls, linekeeper=not bare)
    return time.monotonic() - begun


def tell_how_to_play(t, port, bare=False):
    command = os.environ.get("LINEKEEPER_LAB_COMMAND", "./dev demo")
    t.line(" The site stays up. To play with it:")
    rows = [("break fiber blackhole", "or gateway, unplug, linkdown, loss 30, loss-in 30, delay 200; also coax"), ("carrier north silent", "or 503, calls-503, stopped; 'silent via fiber'"),
            ("target anchor-1 dead", "one probe target dies: nothing should move"), ("mend", "everything, or 'mend fiber'")]
    if not bare:
        rows += [("status", "what stands; also explain, events, paths"), ("failover voice --to coax --for 2m --reason 'trying it'", "")]
    rows += [("exec site ip rule", "any command in any namespace"), ("down", "take it away")]
    for words, what in rows:
        t.line(f"   {command} {words:<24} {t.dim(what)}".rstrip())
    if not bare and port:
        t.line(f"   {'the page:':<{len(command)}} {t.bold(f'http://127.0.0.1:{port}/')}")
    t.line()


def stay(stage, run, kept, t, port, listening, bare=False):
    if listening and not bare:
        forward.start(listening, stage.net["site"])
    tell_how_to_play(t, port, bare)
    kept()
    remote.serve(stage, run)


def refuse_second():
    if cage.kept_run():
        raise SystemExit("lab: a site is already up; play with it, or take it away with: lab.py down")


def demo(arguments):
    terminal = Terminal()
    if arguments.keep:
        refuse_second()
    check_tools()
    find_or_exit(arguments.build)
    listening = forward.open_port() if arguments.keep else None

    def work(stage, run, kept):
        story = Story(stage, terminal)
        story.opening(QUICK if arguments.quick else STORY)
        if one_user_only():
            terminal.wrapped("Without root there is one user only: linekeeperd keeps this user's number here, and has no capability all the same.")
        up_s = bring_up(stage, 5)
        status = run_story(stage, terminal, arguments.quick, up_s)
        if arguments.keep:
            stage.keeper.forget_moves()
            stay(stage, run, kept, terminal, listening and listening.getsockname()[1], listening)
        return status
    return inside(work, arguments.build, terminal, keep_possible=arguments.keep)


def up(arguments):
    terminal = Terminal()
    refuse_second()
    check_tools()
    if not arguments.bare:
        find_or_exit(arguments.build)
    listening = forward.open_port()

    def work(stage, run, kept):
        bring_up(stage, arguments.calls, arguments.bare)
        if not arguments.bare:
            stage.steady()
        stay(stage, run, kept, terminal, listening and listening.getsockname()[1], listening, arguments.bare)
        return 0
    return inside(work, arguments.build, terminal, keep_possible=True)


def find_or_exit(build):
    try:
        find_programs(build)
    except SetUpFailed as error:
        raise SystemExit(f"lab: {error}")


def down(_arguments):
    run = cage.kept_run()
    if not run:
        print("no site is up")
        return 0
    remote.ask(run, ["down"])
    until = time.monotonic() + 10
    while os.path.exists(run) and time.monotonic() < until:
        time.sleep(0.05)
    return cage.report_leftovers(run)


def tell_kept(words):
    run = cage.kept_run()
    if not run:
        print("lab: no site is up; start one with: lab.py up, or lab.py demo --keep", file=sys.stderr)
        return 2
    if words[0] in LINEKEEPER_WORDS:
        program = os.path.join(run, "bin", "linekeeper")
        if not os.path.exists(program):
            print("lab: this site was started without Linekeeper (--bare)", file=sys.stderr)
            return 2
        os.environ["LINEKEEPER_JOURNAL"] = os.path.join(run, "linekeeper", "journal.db")
        os.execv(program, [program, "--socket", os.path.join(run, "linekeeper", "control.sock"), *words])
    if words[0] == "break" and len(words) == 2:
        words = [*words, "blackhole"]
    status, text = remote.ask(run, words)
    print(text, file=sys.stderr if status else sys.stdout)
    return status


def main():
    words = sys.argv[1:]
    if words[:1] == ["demo"] and words[1:2] and words[1] in (*FAULT_WORDS, *LINEKEEPER_WORDS, "down", "up"):
        words = words[1:]  # ./dev demo break fiber
    if words[:2] == ["faults", "--help"]:
        print(faults.__doc__)
        return 0
    if words and words[0] in (*FAULT_WORDS, *LINEKEEPER_WORDS):
        return tell_kept(words)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage="lab.py COMMAND ...")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, function):
        sub = commands.add_parser(name)
        sub.add_argument("--build", default=os.path.join(TOP, "build", "dev"), type=os.path.abspath)
        sub.set_defaults(function=function)
        return sub
    sub = command("demo", demo)
    sub.add_argument("--keep", action="store_true", help="leave the site up afterwards")
    sub.add_argument("--quick", action="store_true", help="half of the acts")
    sub = command("up", up)
    sub.add_argument("--bare", action="store_true", help="without Linekeeper")
    sub.add_argument("--calls", type=int, default=5, help="calls a second")
    command("down", down)
    sub = command("test", lambda a: __import__("runner").test(a))
    sub.add_argument("names", nargs="*", metavar="NAME", help="scenarios, or parts of their names")
    sub.add_argument("--list", action="store_true")
    sub.add_argument("--json", metavar="FILE", help="timings as JSON lines")
    sub.add_argument("--repeat", type=int, default=1, metavar="N", help="each scenario N times")
    sub.add_argument("--sites", type=int, default=4, help="so many sites at the same time")
    bench.add_arguments(command("bench", bench.bench))
    trunk_bench.add_arguments(command("bench-trunks", trunk_bench.bench))
    redirect_bench.add_arguments(command("bench-redirect", redirect_bench.bench))
    arguments = parser.parse_args(words)
    return arguments.function(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.exit(1)
