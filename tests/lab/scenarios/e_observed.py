"""What others see of it: Prometheus, the dashboards' queries, a browser."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

import topology
from kernel import boot_ns
from processes import wait_until
from scenarios import Skip, scenario
from scenarios.o_calls import listening
from stage import Unexpected
from world import ARTEFACTS, TOP

sys.path.insert(0, os.path.join(TOP, "tests", "support"))
import browser  # noqa: E402


def in_site(stage, *argv, timeout=60, stdin=None):
    with stage.net["site"]:
        return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=stdin, stdin=None if stdin else subprocess.DEVNULL)


@scenario("the metrics are clean by promtool, on the control socket and on loopback")
def metrics_are_clean(stage, note):
    if not shutil.which("promtool"):
        raise Skip("promtool is not installed (package prometheus)")
    text = stage.keeper.api.get("/metrics")
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    if checked.returncode != 0 or checked.stderr.strip() or checked.stdout.strip():
        raise Unexpected(f"promtool: {checked.stdout}{checked.stderr}")
    fetched = in_site(stage, "python3", "-c", f"import urllib.request as u; print(len(u.urlopen('http://127.0.0.1:{topology.HTTP_PORT}/metrics').read()))")
    if fetched.returncode != 0:
        raise Unexpected(f"not on loopback: {fetched.stderr}")
    note(families=sum(line.startswith("# TYPE") for line in text.splitlines()), bytes=len(text))


@scenario("a real Prometheus scrapes the site, and every query of dashboards and rules finds data", 55)
def prometheus_scrapes(stage, note):
    if not shutil.which("prometheus"):
        raise Skip("prometheus is not installed")
    check = os.path.join(TOP, "dashboards", "check.py")
    if not os.path.exists(check):
        raise Skip("dashboards/check.py is not there")
    listening(stage)  # calls are drawn, too
    home = os.path.join(stage.world.run, "prometheus")
    os.mkdir(home)
    rules = os.path.join(TOP, "dashboards", "prometheus")
    files = sorted(f for f in os.listdir(rules) if f.endswith((".yml", ".yaml")) and "test" not in f and "alertmanager" not in f)
    with open(os.path.join(home, "prometheus.yml"), "w") as f:
        f.write("global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n" + "".join(f"  - {rules}/{name}\n" for name in files) +
                f"scrape_configs:\n  - job_name: linekeeper\n    static_configs:\n      - targets: ['127.0.0.1:{topology.HTTP_PORT}']\n"
                "        labels:\n          site: lab\n")
    stage.world.programs.start("prometheus", stage.net["site"], "prometheus", f"--config.file={home}/prometheus.yml",
                               f"--storage.tsdb.path={home}/data", "--web.listen-address=127.0.0.1:9090",
                               "--web.external-url=http://127.0.0.1:9090", "--log.level=warn", cwd=home)
    try:
        # Before it scrapes it asks the resolver for this machine's name; where /etc/hosts does not have it, nobody answers in here.
        ask = "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/-/ready', timeout=2)"
        if not wait_until(lambda: in_site(stage, "python3", "-c", ask).returncode == 0, 60, every=0.5):
            raise Unexpected("Prometheus is not ready within 60 s")
        # Something worth drawing: a failover there and back.
        moved = stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8)
        note(moved)
        stage.diagnosed("circuit", "fiber", 3, moved.events)
        # Mended once it has been scraped, or the dashboards' diagnoses have nothing to show.
        look = "import json, urllib.request as u; print(json.load(u.urlopen('http://127.0.0.1:9090/api/v1/query?query=sum(linekeeper_diagnoses)>0'))['data']['result'])"
        if not wait_until(lambda: "value" in in_site(stage, "python3", "-c", look).stdout, 15, every=0.5):
            raise Unexpected("15 s after the diagnosis Prometheus knows of none")
        stage.mends()
        stage.keeper.wait_steady(70)
        time.sleep(5)
        checked = in_site(stage, "python3", check, "live", "http://127.0.0.1:9090", timeout=120)
        if checked.returncode != 0:
            raise Unexpected(f"dashboards/check.py live: {checked.stdout[-1500:]}{checked.stderr[-1500:]}")
    finally:
        stage.world.programs.stop("prometheus")


@scenario("the page is drawn by a browser from the living daemon, and follows a failover there and back without being asked", 55)
def page_is_drawn(stage, note):
    if not browser.available():
        raise Skip("chromium is not installed")
    folder = os.path.join(ARTEFACTS, "page")
    os.makedirs(folder, exist_ok=True)
    with stage.net["site"], inside_run(stage.world.run), browser.Browser() as page:
        page.view(1280, 1000, dark=False)
        page.go(f"http://127.0.0.1:{topology.HTTP_PORT}/")
        for word in ("fiber", "coax", "north", "south", "voice", "outbound"):
            if not page.wait(f"document.body.innerText.toLowerCase().includes('{word}')", 5):
                raise Unexpected(f"the page does not show {word}")
        page.screenshot(os.path.join(folder, "steady.png"), whole=True)
        seen = "document.querySelector('.via strong').innerText === 'coax'"  # the first service: voice
        if page.ask("document.querySelector('.via strong').innerText") != "fiber":
            raise Unexpected("the page does not say that voice goes via fiber")
        fault = stage.does("break fiber blackhole")
        if not page.wait(seen, 15):
            page.screenshot(os.path.join(folder, "failed.png"), whole=True)
            raise Unexpected(f"15 s after the fault the page does not say that voice goes via coax; see {folder}")
        note(page_says_so_s=round((boot_ns() - fault) / 1e9, 2))
        page.screenshot(os.path.join(folder, "fiber-down.png"), whole=True)
        stage.mends()
        if not page.wait(f"!({seen})", 70):
            raise Unexpected("70 s after the mending the page still shows coax")
        if page.complaints:
            raise Unexpected("the browser complains: " + "; ".join(page.complaints[:3]))
    for name in ("steady", "fiber-down"):
        if os.path.getsize(os.path.join(folder, f"{name}.png")) < 5000:
            raise Unexpected(f"{name}.png is empty")


@contextlib.contextmanager
def inside_run(run):
    """Temporary files of a browser go where the run goes."""
    before, tempfile.tempdir, os.environ["TMPDIR"] = tempfile.tempdir, run, run
    try:
        yield
    finally:
        tempfile.tempdir = before
        del os.environ["TMPDIR"]
