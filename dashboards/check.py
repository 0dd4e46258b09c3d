#!/usr/bin/env python3
"""Checks the dashboard and the Prometheus rules.

  check.py rules                promtool check rules, promtool test rules; each alert fires in one test, is silent in another, has a runbook
  check.py lint                 structure of the dashboard; every metric and label that is asked for is in the catalogue
  check.py live PROMETHEUS_URL  runs every panel, variable and annotation query on a real Prometheus: each must return data
                                [--range 5m] what $__range stands for, [--rate 15s] $__rate_interval, [--job J] [--instance I]
Exit 0 good, 1 bad, 77 a tool is missing.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
CATALOGUE = HERE.parent / "controller" / "telemetry" / "metric_catalogue.hpp"
PROMETHEUS = HERE / "prometheus"
RECORDED_LABELS = {"job", "instance", "le"}


def catalogue():
    """Metric name -> label names, as the daemon serves them."""
    rows = re.findall(r'\{"(\w+)",\s*k([GCH]),\s*"([\w,]*)",', CATALOGUE.read_text(encoding="utf-8"))
    known = {}
    for name, kind, labels in rows:
        names = {label for label in labels.split(",") if label}
        for suffix in ("_bucket", "_sum", "_count") if kind == "H" else ("",):
            known[f"linekeeper_{name}{suffix}"] = names | ({"le"} if suffix == "_bucket" else set())
    return known


def unknown_in(expr, known):
    """What an expression asks for that is not in the catalogue."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)
    for match in re.finditer(r"(?<![\w:])(linekeeper_\w+)(\{[^}]*\})?", bare):
        name, selector = match.group(1), match.group(2) or ""
        if name not in known:
            yield f"{name} is not in the catalogue"
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in known[name] | {"job", "instance"}:
                yield f"{name} has no label {label}"


def expressions(rule_file):
    """(name, expression) of each rule: our rule files write every expression as a block (expr: |-)."""
    name, block, indent = None, None, 0
    for line in (*rule_file.read_text(encoding="utf-8").splitlines(), "end"):
        if block is not None:
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                yield name, "\n".join(block)
                block = None
            else:
                block.append(line.strip())
                continue
        found = re.match(r"\s*- (?:alert|record): (\S+)", line)
        if found:
            name = found.group(1)
        if re.match(r"\s*expr: \|-$", line):
            block, indent = [], len(line) - len(line.lstrip())


def rules(_):
    promtool = shutil.which("promtool")
    if not promtool:
        print("check: no promtool here (Debian package prometheus)")
        return 77
    files = [PROMETHEUS / "recording.yml", PROMETHEUS / "alerts.yml"]
    bad = []
    for command in ([promtool, "check", "rules", *map(str, files)], [promtool, "test", "rules", str(PROMETHEUS / "rules_test.yml")]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            bad.append(f"{' '.join(command[1:3])}: {done.stdout}{done.stderr}")
    known = catalogue()
    recorded = set(re.findall(r"- record: (\S+)", files[0].read_text(encoding="utf-8")))
    tests = (PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8")
    runbooks = (HERE / "runbooks.md").read_text(encoding="utf-8")
    alerts = files[1].read_text(encoding="utf-8")
    for name, expr in (*expressions(files[0]), *expressions(files[1])):
        bad += [f"{name}: {what}" for what in unknown_in(expr, known)]
        bad += [f"{name}: {other} is not recorded" for other in re.findall(r"linekeeper:\w+:\w+", expr) if other not in recorded]
    for alert in re.findall(r"- alert: (\S+)", alerts):
        if f"name: {alert} fires\n" not in tests:
            bad.append(f"{alert}: no test in which it fires")
        if f"name: {alert} does not fire\n" not in tests and alert != "LinekeeperWatchdog":
            bad.append(f"{alert}: no test in which it is silent")
        if f"runbooks.md#{alert.lower()}\n" not in alerts or f"## {alert}\n" not in runbooks:
            bad.append(f"{alert}: no runbook")
    return verdict("rules", bad, f"{len(recorded)} recording rules, {alerts.count('- alert: ')} alerts")


def dashboards():
    for path in sorted((HERE / "grafana").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def lint(_):
    bad, count, known = [], 0, catalogue()
    drawn = subprocess.run([sys.executable, str(HERE / "grafana" / "generate.py"), "--check"], capture_output=True, text=True)
    if drawn.returncode != 0:
        bad.append(drawn.stdout.strip() or drawn.stderr.strip())
    for name, board in dashboards():
        if board.get("schemaVersion") != 42:
            bad.append(f"{name}: schemaVersion is not 42")
        by_variable = {"type": "prometheus", "uid": "${datasource}"}
        ids, places = [], []
        for panel in board["panels"]:
            where = f"{name}: panel '{panel['title']}'"
            ids.append(panel["id"])
            places.append((where, panel["gridPos"]))
            if panel["type"] == "row":
                continue
            if panel.get("datasource") != by_variable:
                bad.append(f"{where}: datasource is not the variable")
            if not panel.get("description"):
                bad.append(f"{where}: no description")
            refs = [t.get("refId") for t in panel["targets"]]
            if not refs or None in refs or len(set(refs)) != len(refs):
                bad.append(f"{where}: refIds {refs}")
            for one in panel["targets"]:
                count += 1
                if one.get("datasource") != by_variable:
                    bad.append(f"{where}: a target's datasource is not the variable")
                bad += [f"{where}: {what}" for what in matchers_missing(one["expr"])]
                bad += [f"{where}: {what}" for what in unknown_in(one["expr"], known)]
        for note in board["annotations"]["list"]:
            if "expr" in note:
                bad += [f"{name}: annotation '{note['name']}': {what}" for what in (*matchers_missing(note["expr"]), *unknown_in(note["expr"], known))]
        for v in board["templating"]["list"]:
            if v["type"] == "query":
                if v.get("allValue") != ".+":
                    bad.append(f"{name}: variable {v['name']}: allValue is not .+")
                bad += [f"{name}: variable {v['name']}: {what}" for what in unknown_in(v["definition"], known)]
        if len(set(ids)) != len(ids):
            bad.append(f"{name}: panel ids repeat")
        bad += [f"{where} overlaps {other}" for i, (where, p) in enumerate(places) for other, q in places[i + 1 :] if overlap(p, q)]
    return verdict("lint", bad, f"{count} queries")


def overlap(p, q):
    return p["x"] < q["x"] + q["w"] and q["x"] < p["x"] + p["w"] and p["y"] < q["y"] + q["h"] and q["y"] < p["y"] + p["h"]


def matchers_missing(expr):
    selectors = re.findall(r"linekeeper_\w+(\{(?:[^}\"]|\"[^\"]*\")*\})?", expr)
    for selector in selectors:
        for needed in ('job=~"$job"', 'instance=~"$instance"'):
            if needed not in selector:
                yield f"a selector lacks {needed}: {expr}"


def ask(base, path, **parameters):
    url = f"{base.rstrip('/')}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{error.code}: {error.read().decode(errors='replace')[:300]}") from error


def live(given):
    bad, count = [], 0
    end = time.time()
    values = {"$__rate_interval": given.rate, "$__range": given.range, "$__interval": given.rate, "$job": given.job, "$instance": given.instance, "$circuit": ".+"}

    def fill(expr):
        for name, value in values.items():
            expr = expr.replace(name, value)
        return expr

    def expect(where, expr, instant, may_be_empty=False):
        nonlocal count
        count += 1
        try:
            if instant:
                result = ask(given.url, "query", query=fill(expr), time=end)["result"]
            else:
                result = ask(given.url, "query_range", query=fill(expr), start=end - 60, end=end, step=1)["result"]
        except (RuntimeError, OSError) as error:
            bad.append(f"{where}: {error}: {expr}")
            return
        if not result and not may_be_empty:
            bad.append(f"{where}: no data: {expr}")

    for name, board in dashboards():
        for v in board["templating"]["list"]:
            if v["type"] != "query":
                continue
            count += 1
            selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", v["definition"]).groups()
            if not ask(given.url, f"label/{label}/values", **{"match[]": fill(selector)}):
                bad.append(f"{name}: variable {v['name']}: no data: {selector}")
        for note in board["annotations"]["list"]:
            if "expr" in note:
                expect(f"{name}: annotation '{note['name']}'", note["expr"], instant=False)
        for panel in board["panels"]:
            for one in panel.get("targets", []):
                # Says so to its reader: what only some sites have.
                expect(f"{name}: panel '{panel['title']}' {one['refId']}", one["expr"], one["instant"], "Empty where" in panel["description"])
    return verdict("live", bad, f"{count} queries on {given.url}")


def verdict(what, bad, size):
    for line in bad:
        print(f"check {what}: {line}")
    print(f"check {what}: {'bad' if bad else 'good'} ({size})")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(required=True)
    kinds.add_parser("rules").set_defaults(act=rules)
    kinds.add_parser("lint").set_defaults(act=lint)
    running = kinds.add_parser("live")
    running.set_defaults(act=live)
    running.add_argument("url")
    running.add_argument("--range", default="5m")
    running.add_argument("--rate", default="15s")
    running.add_argument("--job", default=".+")
    running.add_argument("--instance", default=".+")
    given = parser.parse_args()
    return given.act(given)


if __name__ == "__main__":
    sys.exit(main())
