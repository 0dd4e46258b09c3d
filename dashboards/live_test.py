#!/usr/bin/env python3
"""Runs every query of the dashboard and loads every rule on a real Prometheus that scrapes a canned site.

  live_test.py --sample build/.../telemetry_sample

Exit 0 good, 1 bad, 77 no prometheus here.
"""
import argparse
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


class Answer(http.server.BaseHTTPRequestHandler):
    sample = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(subprocess.run([self.sample, "metrics"], check=True, capture_output=True).stdout)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if what():
                return True
        except OSError:
            pass
        time.sleep(0.2)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", required=True)
    Answer.sample = str(pathlib.Path(parser.parse_args().sample).resolve())
    if not shutil.which("prometheus"):
        print("live_test: no prometheus here: skipped")
        return 77
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="dashboards-live-")
    base = f"http://127.0.0.1:{free_port()}"
    config = pathlib.Path(folder) / "prometheus.yml"
    config.write_text(f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{HERE}/prometheus/recording.yml, {HERE}/prometheus/alerts.yml]
scrape_configs:
  - job_name: linekeeper
    static_configs: [{{targets: ['127.0.0.1:{site.server_address[1]}']}}]
""")
    log = open(pathlib.Path(folder) / "log", "w", encoding="utf-8")
    process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={base[7:]}", f"--web.external-url={base}"], stdout=log, stderr=log)
    try:
        count = lambda: json.load(urllib.request.urlopen(base + "/api/v1/query?query=count_over_time(linekeeper_build_info[1m])", timeout=5))["data"]["result"]
        if not wait_for(lambda: count() and float(count()[0]["value"][1]) >= 4):
            print("live_test: Prometheus has scraped nothing:", (pathlib.Path(folder) / "log").read_text(encoding="utf-8")[-2000:])
            return 1
        loaded = json.load(urllib.request.urlopen(base + "/api/v1/rules", timeout=5))["data"]["groups"]
        sick = [r["name"] + ": " + r["lastError"] for g in loaded for r in g["rules"] if r["health"] == "err"]
        for line in sick:
            print("live_test: rule", line)
        return subprocess.run([sys.executable, str(HERE / "check.py"), "live", base, "--job", "linekeeper"]).returncode or bool(sick)
    finally:
        process.terminate()
        process.wait(20)
        log.close()
        site.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
