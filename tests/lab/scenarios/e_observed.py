"""What others see of it: Prometheus, the dashboards' queries, a browser."""
import os
import shutil
import subprocess
import time

import topology
from processes import wait_until
from scenarios import Skip, scenario
from stage import Unexpected
from world import TOP


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


@scenario("a real Prometheus scrapes the site, and every query of dashboards and rules finds data")
def prometheus_scrapes(stage, note):
    if not shutil.which("prometheus"):
        raise Skip("prometheus is not installed")
    check = os.path.join(TOP, "dashboards", "check.py")
    if not os.path.exists(check):
        raise Skip("dashboards/check.py is not there")
    home = os.path.join(stage.world.run, "prometheus")
    os.mkdir(home)
    rules = os.path.join(TOP, "dashboards", "prometheus")
    files = sorted(f for f in os.listdir(rules) if f.endswith((".yml", ".yaml")) and "test" not in f and "alertmanager" not in f)
    with open(os.path.join(home, "prometheus.yml"), "w") as f:
        f.write("global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n" + "".join(f"  - {rules}/{name}\n" for name in files) +
                f"scrape_configs:\n  - job_name: linekeeper\n    static_configs:\n      - targets: ['127.0.0.1:{topology.HTTP_PORT}']\n"
                "        labels:\n          site: lab\n")
    stage.world.programs.start("prometheus", stage.net["site"], "prometheus", f"--config.file={home}/prometheus.yml",
                               f"--storage.tsdb.path={home}/data", "--web.listen-address=127.0.0.1:9090", "--log.level=warn", cwd=home)
    try:
        # Something worth drawing: a failover there and back.
        note(stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8))
        stage.mends()
        stage.keeper.wait_steady(30)
        time.sleep(5)
        checked = in_site(stage, "python3", check, "live", "http://127.0.0.1:9090", timeout=120)
        if checked.returncode != 0:
            raise Unexpected(f"dashboards/check.py live: {checked.stdout[-1500:]}{checked.stderr[-1500:]}")
    finally:
        stage.world.programs.stop("prometheus")


@scenario("the page is drawn by a browser from the living daemon, and follows a failover")
def page_is_drawn(stage, _note):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise Skip("chromium is not installed")
    folder = os.path.join(stage.artefacts, "page")
    os.makedirs(folder, exist_ok=True)

    def look(name):
        """(text of the page, screenshot); Chromium's own profile goes with the run."""
        common = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                  f"--user-data-dir={stage.world.run}/chromium", "--timeout=4000", "--window-size=1280,1000"]
        url = f"http://127.0.0.1:{topology.HTTP_PORT}/"
        dom = in_site(stage, *common, "--dump-dom", url)
        picture = os.path.join(folder, f"{name}.png")
        in_site(stage, *common, f"--screenshot={picture}", url)
        if not os.path.exists(picture) or os.path.getsize(picture) < 5000:
            raise Unexpected(f"no screenshot {picture}")
        return dom.stdout
    calm = look("steady")
    for word in ("fiber", "coax", "north", "south", "voice", "outbound"):
        if word not in calm:
            raise Unexpected(f"the page does not show {word}")
    stage.must_move("routing", "coax", stage.does("break fiber blackhole"), 8)
    if not wait_until(lambda: "down" in look("fiber-down"), 15, 0.5):
        raise Unexpected("the page does not show that the fiber is down")
