#!/usr/bin/env python3
"""Draws the dashboard of a site as classic Grafana JSON (schemaVersion 42, which file provisioning of Grafana 10 to 13 reads).

  generate.py            writes site.json beside this file
  generate.py --check    exit 1 when site.json is not what this file draws

Every query names its job and instance, every panel its datasource by variable, every state is a word (colour only repeats
it). Nothing depends on recording rules: the dashboard works on a Prometheus that only scrapes.
"""
import json
import pathlib
import sys

OUT = pathlib.Path(__file__).with_name("site.json")
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
AT = 'job=~"$job",instance=~"$instance"'
CIRCUIT = AT + ',circuit=~"$circuit"'

GREEN, ORANGE, RED, GREY, BLUE = "green", "orange", "red", "#8e9aa6", "blue"
HEALTH = {0: ("up", GREEN), 1: ("unknown", GREY), 2: ("degraded", ORANGE), 3: ("DOWN", RED)}
SERVICE = {0: ("ok", GREEN), 1: ("unknown", GREY), 2: ("degraded", ORANGE), 3: ("DOWN", RED)}
YES_NO = {0: ("no", RED), 1: ("yes", GREEN)}


def code(metric, by, selector):
    """The state set as one number: 0 good, 1 unknown, 2 degraded, 3 down."""
    part = lambda state: f'sum by ({by}) ({metric}{{{selector},state="{state}"}})'
    return f"{part('unknown')} + 2 * {part('degraded')} + 3 * {part('down')}"


def words(mapping):
    options = {str(value): {"text": text, "color": colour, "index": i} for i, (value, (text, colour)) in enumerate(mapping.items())}
    return [{"type": "value", "options": options}]


def target(expr, legend, instant=False, table=False):
    return {"expr": expr, "legendFormat": legend, "instant": instant, "range": not instant, "format": "table" if table else "time_series", "editorMode": "code"}


def steps(*pairs):
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in pairs]}


class Board:
    """Panels from left to right on a grid 24 wide, rows of panels below each other."""

    def __init__(self):
        self.panels, self.x, self.y, self.height, self.number = [], 0, 0, 0, 0

    def place(self, width, height):
        if self.x + width > 24:
            self.x, self.y, self.height = 0, self.y + self.height, 0
        position = {"x": self.x, "y": self.y, "w": width, "h": height}
        self.x, self.height = self.x + width, max(self.height, height)
        self.number += 1
        return self.number, position

    def row(self, title):
        self.x, self.y, self.height = 0, self.y + self.height, 0
        number, position = self.place(24, 1)
        self.panels.append({"type": "row", "id": number, "title": title, "gridPos": position, "collapsed": False, "panels": []})

    def panel(self, kind, title, about, width, height, targets, defaults=None, options=None, overrides=None, transformations=None):
        number, position = self.place(width, height)
        for ref, one in zip("ABCDEFGH", targets):
            one["refId"] = ref
            one["datasource"] = DATASOURCE
        panel = {"type": kind, "id": number, "title": title, "description": about, "gridPos": position, "datasource": DATASOURCE, "targets": targets,
                 "fieldConfig": {"defaults": defaults or {}, "overrides": overrides or []}, "options": options or {}}
        if transformations:
            panel["transformations"] = transformations
        self.panels.append(panel)

    def words(self, title, about, width, expr, legend, mapping):
        self.panel("stat", title, about, width, 5, [target(expr, legend, instant=True)], {"mappings": words(mapping), "thresholds": steps((None, GREY))},
                   {"colorMode": "background", "graphMode": "none", "textMode": "value_and_name", "justifyMode": "center", "wideLayout": True,
                    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})

    def numbers(self, title, about, width, expr, legend, unit, colours=((None, BLUE),), decimals=None):
        defaults = {"unit": unit, "thresholds": steps(*colours), "noValue": "none yet"}
        if decimals is not None:
            defaults["decimals"] = decimals
        self.panel("stat", title, about, width, 5, [target(expr, legend, instant=True)], defaults,
                   {"colorMode": "value", "graphMode": "none", "textMode": "value_and_name", "justifyMode": "center", "wideLayout": True,
                    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})

    def timeline(self, title, about, expr, legend, mapping, height=6, width=24):
        self.panel("state-timeline", title, about, width, height, [target(expr, legend)],
                   {"mappings": words(mapping), "thresholds": steps((None, GREY)), "custom": {"fillOpacity": 80, "lineWidth": 0}},
                   {"mergeValues": True, "showValue": "auto", "rowHeight": 0.85, "alignValue": "left", "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
                    "tooltip": {"mode": "single"}})

    def lines(self, title, about, targets, unit, width=12, minimum=0, maximum=None, limits=()):
        """limits: legend beginnings that are drawn as dashed red lines without fill."""
        overrides = [{"matcher": {"id": "byRegexp", "options": f"^{legend}.*"},
                      "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 8]}}, {"id": "color", "value": {"mode": "fixed", "fixedColor": RED}},
                                     {"id": "custom.fillOpacity", "value": 0}]} for legend in limits]
        scale = {"min": minimum} if maximum is None else {"min": minimum, "max": maximum}
        self.panel("timeseries", title, about, width, 8, targets,
                   {"unit": unit, **scale, "custom": {"lineWidth": 2, "fillOpacity": 8, "showPoints": "never", "spanNulls": False}},
                   {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}, "tooltip": {"mode": "multi", "sort": "desc"}}, overrides)

    def table(self, title, about, width, height, expr, hide, names, unit="short"):
        self.panel("table", title, about, width, height, [target(expr, "", instant=True, table=True)], {"unit": unit, "custom": {"align": "auto"}}, {"showHeader": True, "cellHeight": "sm"},
                   transformations=[{"id": "organize", "options": {"excludeByName": {name: True for name in ("Time", "__name__", "job", *hide)}, "renameByName": names, "indexByName": {}}}])


def now(b):
    b.row("Now")
    b.words("Services", "ok: on its first choice and another way left. degraded: works, but not on its first choice or with no second way. DOWN: the way it goes is dead.", 8,
            code("linekeeper_service_state", "plane, service", AT), "{{service}} ({{plane}})", SERVICE)
    b.words("Circuits", "What is held to be true about each circuit, by carrier-neutral probes.", 8, code("linekeeper_circuit_state", "circuit", CIRCUIT), "{{circuit}}", HEALTH)
    b.words("SIP carriers", "What is held to be true about each SIP carrier, by OPTIONS through every circuit.", 8, code("linekeeper_carrier_state", "carrier", AT), "{{carrier}}", HEALTH)
    b.words("In use now", "The circuits some traffic class goes by.", 6, f"max by (circuit) (linekeeper_circuit_active{{{CIRCUIT}}})", "{{circuit}}", {0: ("–", GREY), 1: ("in use", BLUE)})
    b.words("Mode", "hold: a person froze automatic moves.", 4, f'max by (instance) (linekeeper_operating_mode{{{AT},mode="hold"}})', "{{instance}}", {0: ("automatic", GREEN), 1: ("HOLD", ORANGE)})
    b.words("Overrides", "Services whose choice a person forces or holds.", 5, f"max by (service) (linekeeper_override_active{{{AT}}})", "{{service}}", {0: ("none", GREEN), 1: ("OVERRIDE", ORANGE)})
    b.words("Switch and PBX", "in sync: what stands was read back equal to what was decided.", 5,
            f"max by (actuator) (linekeeper_actuator_connected{{{AT}}}) + max by (actuator) (linekeeper_actuator_in_sync{{{AT}}})", "{{actuator}}",
            {0: ("NOT CONNECTED", RED), 1: ("NOT IN SYNC", ORANGE), 2: ("in sync", GREEN)})
    b.numbers("Ways left", "Ways each service could go now; below 2 the next failure is an outage.", 4, f"min by (service) (linekeeper_candidates_eligible{{{AT}}})", "{{service}}", "short",
              ((None, RED), (1, ORANGE), (2, GREEN)))


def course(b):
    b.row("What happened")
    b.timeline("Services", "State of each service over time.", code("linekeeper_service_state", "plane, service", AT), "{{service}} ({{plane}})", SERVICE)
    b.timeline("Circuits", "State of each circuit over time.", code("linekeeper_circuit_state", "circuit", CIRCUIT), "{{circuit}}", HEALTH)
    b.timeline("Circuits in use", "Which circuit carried traffic when.", f"max by (circuit) (linekeeper_circuit_active{{{CIRCUIT}}})", "{{circuit}}", {0: ("–", GREY), 1: ("in use", BLUE)})
    b.timeline("SIP carriers by circuit", "One circuit red for every carrier: the circuit. One carrier red by every circuit: the carrier. One cell: peering or an allow-list.",
               code("linekeeper_path_state", "carrier, circuit", CIRCUIT), "{{carrier}} via {{circuit}}", HEALTH, height=8)


def recovery(b):
    b.row("Recovery against its target")
    b.lines("Last recovery", "From the last good probe to the verified recovery, with the target as dashed line.",
            [target(f"linekeeper_failover_last_duration_seconds{{{AT}}}", "{{service}} ({{plane}})"), target(f"linekeeper_rto_target_seconds{{{AT}}}", "target {{service}}")], "s", limits=("target",))
    b.lines("Where recoveries spend their time (p95 of the range)", "detect, decide, apply, verify; every incident of the last hour before each point.",
            [target(f"histogram_quantile(0.95, sum by (le, plane, phase) (increase(linekeeper_failover_phase_duration_seconds_bucket{{{AT}}}[1h])))", "{{plane}} {{phase}}")], "s")
    b.numbers("Time without service", "In the range shown, measured by the daemon from the last good probe.", 6,
              f"sum by (service) (increase(linekeeper_service_unavailable_seconds_total{{{AT}}}[$__range]))", "{{service}}", "s", ((None, GREEN), (1, ORANGE), (60, RED)), 2)
    b.numbers("Targets missed", "Recoveries longer than their target, in the range shown.", 6, f"sum by (service) (increase(linekeeper_rto_breaches_total{{{AT}}}[$__range]))", "{{service}}", "short",
              ((None, GREEN), (1, RED)), 0)
    b.numbers("Moves that failed", "Refused (decide), not carried out (apply), not proven (verify), in the range shown.", 6,
              f"sum by (phase) (increase(linekeeper_failover_failures_total{{{AT}}}[$__range]))", "{{phase}}", "short", ((None, GREEN), (1, RED)), 0)
    b.numbers("Held back by guards", "Decisions that a guard did not let through, in the range shown.", 6,
              f"sum by (guard) (increase(linekeeper_decisions_suppressed_total{{{AT}}}[$__range]))", "{{guard}}", "short", decimals=0)
    b.table("Moves", "From where to where, and who asked, in the range shown.", 24, 7, f"sort_desc(sum by (instance, plane, from, to, trigger) (increase(linekeeper_failovers_total{{{AT}}}[$__range])))", (),
            {"Value": "moves", "from": "from", "to": "to"})


def lines(b):
    b.row("Lines")
    b.lines("Voice quality (MOS)", "Estimate of ITU-T G.107 for G.711 calls, from loss, delay and jitter: 4.4 is a clean line; below 3.6 many callers are dissatisfied. A gap: not known.",
            [target(f"linekeeper_circuit_mos{{{CIRCUIT}}} > 0", "{{circuit}}")], "none", width=24, minimum=1, maximum=4.5)
    b.lines("Round trip", "Smoothed, as the judge sees it.", [target(f"linekeeper_circuit_rtt_seconds{{{CIRCUIT}}}", "{{circuit}}")], "s")
    b.lines("Loss", "Share of recent probes lost, as the judge sees it.", [target(f"linekeeper_circuit_loss_ratio{{{CIRCUIT}}}", "{{circuit}}")], "percentunit")
    b.lines("Jitter", "Smoothed difference of successive round trips.", [target(f"linekeeper_circuit_jitter_seconds{{{CIRCUIT}}}", "{{circuit}}")], "s")
    b.lines("Round trip by probe (p95)", "From the histograms: each target and SIP carrier apart.",
            [target(f"histogram_quantile(0.95, sum by (le, circuit, probe) (rate(linekeeper_probe_rtt_seconds_bucket{{{CIRCUIT}}}[$__rate_interval])))", "{{circuit}} {{probe}}")], "s")
    b.lines("Probes that failed", "Per second and reason. local_error is our own side and no evidence against a line.",
            [target(f"sum by (circuit, reason) (rate(linekeeper_probe_failures_total{{{CIRCUIT}}}[$__rate_interval]))", "{{circuit}} {{reason}}")], "ops")
    b.lines("SIP responses to OPTIONS", "Per second, by SIP carrier and code.",
            [target(f"sum by (carrier, code) (rate(linekeeper_path_sip_responses_total{{{CIRCUIT}}}[$__rate_interval]))", "{{carrier}} {{code}}")], "ops")
    b.table("Circuits", "What each is.", 12, 6, f"linekeeper_circuit_info{{{CIRCUIT}}}", ("Value",), {})
    b.table("SIP carriers", "What each is.", 12, 6, f"linekeeper_carrier_info{{{AT}}}", ("Value",), {})


def calls(b):
    b.row("Calls as witnesses")
    b.timeline("Calls pass", "By SIP carrier and circuit, as the PBX was seen to make them. FAILING is held out of the order whatever OPTIONS say.",
               " + ".join(f'{n} * max by (carrier, circuit) (linekeeper_path_calls_state{{{CIRCUIT},state="{s}"}})' for n, s in ((1, "well"), (2, "trial"), (3, "failing"))), "{{carrier}} via {{circuit}}",
               {0: ("no calls yet", GREY), 1: ("pass", GREEN), 2: ("tried again", ORANGE), 3: ("FAILING", RED)}, height=7)
    b.lines("Calls by how they ended", "Per second. Only carrier-failed and slow are held against a carrier.",
            [target(f"sum by (carrier, fate) (rate(linekeeper_path_calls_total{{{CIRCUIT}}}[$__rate_interval]))", "{{carrier}} {{fate}}")], "ops")
    b.lines("ASR and NER", "Of the newest 200 to 400 calls: answered, and not failed by the carrier.",
            [target(f"linekeeper_path_calls_answered_ratio{{{CIRCUIT}}}", "ASR {{carrier}} via {{circuit}}"), target(f"linekeeper_path_calls_effective_ratio{{{CIRCUIT}}}", "NER {{carrier}} via {{circuit}}")], "percentunit", maximum=1)
    b.lines("Post-dial delay", "From INVITE to ringing: median, and 95 of 100.",
            [target(f"linekeeper_path_calls_pdd_median_seconds{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}"), target(f"linekeeper_path_calls_pdd_p95_seconds{{{CIRCUIT}}}", "{{carrier}} via {{circuit}} 95 %")], "s")
    b.lines("Calls in progress", "Answered and not ended, both directions.", [target(f"linekeeper_path_calls_in_progress{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}")], "none")


def carriers(b):
    b.row("SIP carriers")
    b.timeline("What the carrier's answers say", "Of each path: is it reached, does it know us, does it take calls? The first that says no is where to begin.",
               f"linekeeper_path_layer{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}: {{layer}}", YES_NO, height=9)
    b.timeline("Addresses", "Of carriers with several, or with a name: each by each circuit. One red beside green ones: nothing has moved. Empty where every carrier has one address.",
               f"linekeeper_endpoint_takes_calls{{{CIRCUIT}}}", "{{carrier}} {{endpoint}} via {{circuit}}", YES_NO, height=7, width=12)
    b.timeline("Names answered for", "By each circuit's own resolvers; while not, the last good addresses stay. Empty where no carrier has a name.",
               f"linekeeper_path_name_answered{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}", YES_NO, height=7, width=12)
    b.timeline("Registrations", "Whether the carrier knows to reach this site by the circuit. Empty where no carrier wants a registration.",
               f"linekeeper_path_registered{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}", YES_NO, height=6, width=12)
    b.timeline("Test calls", "The latest of each path. Empty where no carrier has a test number.",
               f"linekeeper_path_test_call_carried{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}", YES_NO, height=6, width=12)
    b.numbers("Carriers' certificates end in", "The first of those that the carrier shows over TLS. Empty where no carrier speaks TLS.", 12,
              f"linekeeper_carrier_tls_expiry_timestamp_seconds{{{CIRCUIT}}} - time()", "{{carrier}} via {{circuit}}", "s", ((None, RED), (14 * 86400, ORANGE), (30 * 86400, GREEN)))
    b.numbers("Post-dial delay of test calls", "Of the latest. Empty where no carrier has a test number.", 12, f"linekeeper_path_test_call_pdd_seconds{{{CIRCUIT}}}", "{{carrier}} via {{circuit}}", "s",
              ((None, GREEN), (2, ORANGE), (5, RED)), 2)
    b.timeline("Checks of circuits", "Name resolution, pages, packet size and public address, as each stands. Empty where none is configured.",
               f'max by (circuit, check) (linekeeper_check_result{{{CIRCUIT},result="well"}}) and on (circuit, check) (sum by (circuit, check) (linekeeper_check_result{{{CIRCUIT}}}) > 0)',
               "{{check}} via {{circuit}}", {0: ("NOT WELL", RED), 1: ("well", GREEN)}, height=7)


def detection(b):
    b.row("Detection and diagnosis")
    b.words("What is wrong", "Diagnoses that stand now, by name. None: nothing is wrong.", 12, f"sum by (failed) (linekeeper_diagnoses{{{AT}}}) > 0 or label_replace(vector(0), \"failed\", \"nothing\", \"\", \"\") unless on () (sum(linekeeper_diagnoses{{{AT}}}) > 0)",
            "{{failed}}", {0: ("is wrong", GREEN), 1: ("WRONG", RED), 2: ("2 WRONG", RED), 3: ("3 WRONG", RED)})
    b.words("Suspect", "Silent for longer than usual: new calls are led around it.", 6, f"max by (circuit) (linekeeper_circuit_suspect{{{CIRCUIT}}})", "{{circuit}}", {0: ("–", GREEN), 1: ("SUSPECT", ORANGE)})
    b.words("Gateways", "What the kernel says of each circuit's gateway on the link.", 6,
            " + ".join(f'{n} * max by (circuit) (linekeeper_circuit_gateway_state{{{CIRCUIT},state="{s}"}})' for n, s in ((1, "answers"), (2, "doubtful"), (3, "silent"))), "{{circuit}}",
            {0: ("not known", GREY), 1: ("answers", GREEN), 2: ("being asked", ORANGE), 3: ("SILENT", RED)})
    b.timeline("Diagnoses", "What was wrong when; empty names are what it is not about.", f"max by (failed, circuit, carrier, target) (linekeeper_diagnosis_active{{{AT}}}) and on (failed) sum by (failed) (max_over_time(linekeeper_diagnoses{{{AT}}}[$__range])) > 0",
               "{{failed}} {{circuit}} {{carrier}} {{target}}", {0: ("–", GREEN), 1: ("wrong", RED)}, height=8)
    b.lines("Silence that means death", "Learned for each circuit from its own silences, within the dashed maximum. What it was learned from grows to a week.",
            [target(f"linekeeper_circuit_dead_after_seconds{{{CIRCUIT}}}", "{{circuit}}"), target(f"linekeeper_circuit_suspect_after_seconds{{{CIRCUIT}}}", "{{circuit}} suspect"),
             target(f"linekeeper_circuit_dead_after_limit_seconds{{{CIRCUIT}}}", "maximum {{circuit}}")], "s", limits=("maximum",))
    b.lines("Scores of the loss tests", "Against their alarm: at 1 the circuit is degraded. lossy: a share is lost; bursty: losses come in runs.",
            [target(f"linekeeper_circuit_detector_score_ratio{{{CIRCUIT}}}", "{{circuit}} {{detector}}")], "none")
    b.lines("Call quality (R)", "ITU-T G.107, from loss, bursts, delay and jitter. Below 70 many callers are dissatisfied.", [target(f"linekeeper_circuit_r_factor{{{CIRCUIT}}}", "{{circuit}}")], "none", maximum=100)
    b.lines("Shortest round trip", "Of late, and as it usually is: a standing queue or a longer way raises the shortest, not only the mean.",
            [target(f"linekeeper_circuit_shortest_rtt_seconds{{{CIRCUIT}}}", "{{circuit}}"), target(f"linekeeper_circuit_usual_rtt_seconds{{{CIRCUIT}}}", "{{circuit}} usually")], "s")
    b.timeline("Targets set aside", "Whose word did not count, and where.", f"sum by (target, circuit) (linekeeper_target_set_aside{{{CIRCUIT}}})", "{{target}} by {{circuit}}", {0: ("counts", GREEN), 1: ("set aside", ORANGE)}, height=7)
    b.lines("Hold-down", "How long each circuit must be well before anything goes back to it; grows with each relapse.", [target(f"linekeeper_circuit_hold_down_seconds{{{CIRCUIT}}}", "{{circuit}}")], "s", width=8)
    b.lines("Probes by kind", "Per second: scheduled, closer (a brownout is suspected), verify (an answer is overdue).",
            [target(f"sum by (circuit, kind) (rate(linekeeper_circuit_probes_total{{{CIRCUIT}}}[$__rate_interval]))", "{{circuit}} {{kind}}")], "ops", width=8)
    b.lines("Bytes of probes", "Per second, both ways. What counts is the metered circuits.",
            [target(f"sum by (circuit) (rate(linekeeper_circuit_probe_bytes_total{{{CIRCUIT}}}[$__rate_interval]))", "{{circuit}}")], "Bps", width=8)
    b.numbers("Moves by motive", "In the range shown: why traffic moved.", 24, f"sum by (plane, motive) (increase(linekeeper_moves_total{{{AT}}}[$__range])) > 0 or sum by (plane, motive) (linekeeper_moves_total{{{AT},motive=\"escape\"}} * 0)",
              "{{plane}} {{motive}}", "short", decimals=0)


def daemon(b):
    b.row("The daemon itself")
    b.lines("Loop lag (p99)", "How late timers are served; above 50 ms evidence suffers.",
            [target(f"histogram_quantile(0.99, sum by (le, instance) (rate(linekeeper_loop_lag_seconds_bucket{{{AT}}}[$__rate_interval])))", "{{instance}}")], "s", width=8)
    b.lines("Changes by switch and PBX", "Asked for, failed, and foreign changes put back, per second.",
            [target(f"sum by (actuator) (rate(linekeeper_actuator_operations_total{{{AT}}}[$__rate_interval]))", "{{actuator}} asked"),
             target(f"sum by (actuator) (rate(linekeeper_actuator_failures_total{{{AT}}}[$__rate_interval]))", "{{actuator}} failed"),
             target(f"sum by (actuator) (rate(linekeeper_actuator_corrections_total{{{AT}}}[$__rate_interval]))", "{{actuator}} put back")], "ops", width=8)
    b.lines("Log messages", "Per second, by level.", [target(f"sum by (level) (rate(linekeeper_log_messages_total{{{AT}}}[$__rate_interval]))", "{{level}}")], "ops", width=8)
    b.words("Configuration", "Whether the last attempt to load it succeeded.", 6, f"min by (instance) (linekeeper_config_last_reload_successful{{{AT}}})", "{{instance}}", {0: ("REJECTED, old one in use", RED), 1: ("in use", GREEN)})
    b.numbers("API requests that failed", "Per second, status 400 and above.", 6, f'sum by (handler) (rate(linekeeper_api_requests_total{{{AT},code=~"[45].."}}[5m])) ', "{{handler}}", "ops", decimals=2)
    b.table("Builds", "Version, commit and compiler of each instance.", 12, 5, f"linekeeper_build_info{{{AT}}}", ("Value",), {})


def variable(name, label, query, **more):
    return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE, "definition": query, "query": {"query": query, "refId": "StandardVariableQuery", "qryType": 1}, "refresh": 2, "sort": 1,
            "includeAll": True, "multi": True, "allValue": ".+", "current": {"text": ["All"], "value": ["$__all"]}, "options": [], "regex": "", **more}


def dashboard():
    b = Board()
    for part in (now, course, detection, carriers, calls, recovery, lines, daemon):
        part(b)
    variables = [
        {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1, "regex": "", "includeAll": False, "multi": False, "current": {}, "options": []},
        variable("job", "Job", "label_values(linekeeper_build_info, job)"),
        variable("instance", "Instance", 'label_values(linekeeper_build_info{job=~"$job"}, instance)'),
        variable("circuit", "Circuit", f"label_values(linekeeper_circuit_info{{{AT}}}, circuit)"),
    ]
    annotations = [
        {"builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True, "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"},
        # The value is the time of the recovery, so a mark stands where it happened, however seldom Prometheus scrapes.
        {"datasource": DATASOURCE, "enable": True, "iconColor": ORANGE, "name": "Recoveries", "expr": f"linekeeper_failover_last_timestamp_seconds{{{AT}}} * 1000", "useValueForTime": True,
         "titleFormat": "{{service}} recovered", "tagKeys": "plane", "step": "15s"},
        {"datasource": DATASOURCE, "enable": True, "iconColor": BLUE, "name": "Circuit changes", "expr": f"linekeeper_circuit_last_transition_timestamp_seconds{{{CIRCUIT}}} * 1000", "useValueForTime": True,
         "titleFormat": "{{circuit}} changed its state", "tagKeys": "circuit", "step": "15s"},
    ]
    return {"uid": "linekeeper-site", "title": "Linekeeper: site", "description": "Circuits, SIP carriers, services and recoveries of a site.", "tags": ["linekeeper"], "schemaVersion": 42, "version": 1,
            "editable": True, "graphTooltip": 1, "timezone": "browser", "fiscalYearStartMonth": 0, "liveNow": False, "refresh": "10s", "time": {"from": "now-1h", "to": "now"}, "timepicker": {},
            "links": [], "annotations": {"list": annotations}, "templating": {"list": variables}, "panels": b.panels}


def main():
    text = json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        if OUT.read_text(encoding="utf-8") == text:
            return 0
        print(f"{OUT.name} is not what {pathlib.Path(__file__).name} draws: run it and commit the result")
        return 1
    OUT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
