#!/usr/bin/python3
"""Includes point one way only: which room may name which. The house's walls, as a test.

Reads every #include "room/..." of the product and holds it to the table below. A new arrow is a decision: it is made here,
on purpose, and told in the room's README.
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MODEL = "controller/model"
RUNTIME = "controller/runtime"
MAY_INCLUDE = {
    MODEL: set(),
    RUNTIME: {MODEL},
    "controller/decision": {MODEL},
    "controller/switch": {MODEL, RUNTIME},
    "controller/journal": {MODEL, RUNTIME},
    "controller/operations": {MODEL, "controller/decision", "controller/journal"},
    "controller/telemetry": {MODEL, RUNTIME},
    "controller/admin": {MODEL, RUNTIME, "controller/operations"},
    # It asks the kernel in the switch's own words (netlink, ranges of numbers).
    "controller/admin/doctor": {MODEL, RUNTIME, "controller/switch"},
    "controller/admin/cli": {MODEL, RUNTIME, "controller/admin", "controller/admin/doctor", "config", "controller/journal", "controller/operations", "probes"},
    "probes": {MODEL, RUNTIME},
    "carriers/sip": {MODEL, RUNTIME},
    "carriers/answering": {MODEL, RUNTIME, "carriers/sip"},
    "carriers/calls": {MODEL, RUNTIME},
    "carriers/locate": {MODEL, RUNTIME},
    "carriers/registration": {MODEL, RUNTIME, "carriers/sip"},
    "carriers/trial": {MODEL, RUNTIME, "carriers/sip"},
    "carriers/trunks": {MODEL, RUNTIME, "carriers/sip"},
    "config": {MODEL},
    # The wiring knows everyone; nobody knows it.
    "controller/daemon": {MODEL, RUNTIME, "controller/decision", "controller/switch", "controller/journal", "controller/operations",
                          "controller/telemetry", "controller/admin", "probes", "carriers/sip", "carriers/calls", "carriers/locate", "carriers/answering", "carriers/registration", "carriers/trial", "carriers/trunks", "config"},
}
MAINS = {"controller/linekeeperd.cpp", "controller/linekeeper_switch.cpp", "controller/linekeeper.cpp"}
# The pure rooms must not even reach for a loop, a socket or a clock of their own.
PURE = {MODEL, "controller/decision", "controller/operations"}
IMPURE = re.compile(r"#include <(boost/|sys/socket|sys/time|time\.h|ctime|thread|mutex|iostream|fstream|sqlite|osip)")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def room_of(path):
    folder = os.path.dirname(path)
    while folder and folder not in MAY_INCLUDE:
        folder = os.path.dirname(folder)
    return folder


def main():
    files = subprocess.run(["git", "ls-files", "controller/*.[ch]pp", "probes/*.[ch]pp", "carriers/*.[ch]pp", "config/*.[ch]pp"], cwd=TOP,
                           check=True, capture_output=True, text=True).stdout.split()
    wrong, looked = [], 0
    for path in files:
        if path in MAINS:
            continue
        room = room_of(path)
        if not room:
            wrong.append(f"{path}: stands in no room that this test knows")
            continue
        with open(os.path.join(TOP, path), encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if room in PURE and IMPURE.search(line):
                    wrong.append(f"{path}:{number}: {line.strip()}: {room} is pure")
                found = INCLUDE.match(line)
                if not found:
                    continue
                looked += 1
                other = room_of(found.group(1))
                if other and other != room and other not in MAY_INCLUDE[room]:
                    wrong.append(f"{path}:{number}: {room} may not include {other} ({found.group(1)})")
    for line in wrong:
        print(line)
    if not looked:
        print("nothing was looked at: the pattern of files is broken")
    print(f"{looked} includes in {len(files)} files looked at, {len(wrong)} wrong")
    return 1 if wrong or not looked else 0


if __name__ == "__main__":
    sys.exit(main())
