#!/usr/bin/env python3
"""Looks at the status page in headless Chromium, served with its real Content-Security-Policy.

  page_check.py --sample build/.../telemetry_sample [--out FOLDER]

Serves what telemetry_sample draws, with a stream of server-sent events of its own. The page must be whole without
JavaScript; follow a change of the site without being reloaded; say NOT LIVE when the stream is lost and recover from it;
ask for nothing but itself and its events; fit a wall screen and a telephone. With --out, screenshots are left there.
Exit 0 good, 1 bad, 77 no Chromium.
"""
import argparse
import http.server
import json
import os
import subprocess
import sys
import threading
import time

import browser


class Site:
    """What is served now."""

    def __init__(self, sample):
        self.sample = sample
        self.which = "busy"
        self.alive = True
        self.others = []  # what was asked for beside the page and its events

    def draw(self, what):
        return subprocess.run([self.sample, what, self.which], check=True, capture_output=True).stdout


def server_for(site):
    class Answer(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path == "/":
                if not site.alive:
                    self.send_error(503)
                    return
                body = site.draw("page")
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", site.draw("policy").decode().strip())
                self.send_header("X-Content-Type-Options", "nosniff")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)
            elif self.path == "/events":
                self.stream()
            else:
                site.others.append(self.path)
                self.send_error(404)

        def stream(self):
            if not site.alive:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                while site.alive:
                    self.wfile.write(b"event: status\ndata: " + site.draw("status").strip() + b"\n\n")
                    self.wfile.flush()
                    time.sleep(0.3)
            except OSError:
                pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sample", required=True)
    options.add_argument("--out", help="leave screenshots here")
    given = options.parse_args()
    if not browser.available():
        print("page_check: no chromium here: skipped")
        return 77
    site = Site(os.path.abspath(given.sample))
    server = server_for(site)
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    bad = []

    def expect(what, true):
        print("page_check:", "ok " if true else "BAD", what)
        if not true:
            bad.append(what)

    with browser.Browser() as page:
        shows = lambda text: f"document.body.innerText.includes({json.dumps(text)})"
        page.view(1280, 900, dark=True, scripts=False)
        page.go(address)
        for text in ("works, but DEGRADED: voice, outbound", 'ISP "Two" & Sons', "Needs attention", "recovered in 0.8s of 7s <i>", "CHG-1182 <b>", "reload it"):
            expect(f"drawn without JavaScript: {text}", page.ask(shows(text)))
        site.which = "calm"
        page.view(1280, 900, dark=True)
        page.go(address)
        expect("calm: all services work", page.wait(shows("all services work") + " && document.getElementById('attention').innerText === ''", 3))
        page.ask("window.stayed = true; window.headline = document.querySelector('h1')")
        site.which = "busy"
        expect("live: the page follows within 2 s", page.wait(shows("works, but DEGRADED: voice, outbound") + " && " + shows("Needs attention"), 2))
        expect("live: it was not reloaded, the headline's element stayed", page.ask("window.stayed && window.headline === document.querySelector('h1')"))
        drawn = "document.getElementById('%s').innerHTML"
        fresh = "new DOMParser().parseFromString(window.document_text, 'text/html').getElementById('%s').innerHTML"
        page.ask("window.document_text = " + json.dumps(site.draw("page").decode()))
        for part in ("top", "attention", "services", "circuits", "detection", "carriers", "people", "incidents", "events-section", "foot"):
            expect(f"live: part {part} is what the daemon draws", page.ask(f"{drawn % part} === {fresh % part}"))
        expect("live: nothing is said to be stale", not page.ask(shows("NOT LIVE")))
        for which, needle in (("busy", "works, but DEGRADED: voice, outbound"), ("troubled", "SUSPECT")):
            site.which = which
            expect(f"{which}: the page follows", page.wait(shows(needle), 3))
            if which == "troubled":
                for text in ("What is wrong", "31 % of the probes lost in bursts", "▲ SUSPECT", "beta (dead)", "metered: 400 MB a month", "learned from 5h"):
                    expect(f"troubled: {text}", page.ask(shows(text)))
            for width, height in ((1280, 900), (390, 844)):
                for dark in (True, False):
                    page.view(width, height, dark)
                    expect(f"{which}, {width}x{height}: nothing runs over the edge", page.ask("document.documentElement.scrollWidth <= innerWidth"))
                    if given.out:
                        os.makedirs(given.out, exist_ok=True)
                        name = f"{given.out}/page-{which}-{width}x{height}-{'dark' if dark else 'light'}"
                        page.screenshot(name + ".png")
                        page.screenshot(name + "-whole.png", whole=True)
        expect("the policy refused nothing, no script failed: " + str(page.complaints), not page.complaints)
        page.view(1280, 900, dark=True)
        site.alive = False
        expect("stream lost: NOT LIVE within 6 s", page.wait(shows("NOT LIVE") + " && document.body.className === 'stale'", 6))
        if given.out:
            page.screenshot(f"{given.out}/page-stale.png")
        site.alive = True
        expect("stream back: live again within 8 s", page.wait("!" + shows("NOT LIVE"), 8))
    expect(f"it asked for nothing else: {site.others}", not site.others)
    server.shutdown()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
