#!/usr/bin/env python3
"""The far side of a line, for the checks: HTTP, HTTPS, DNS and STUN servers of a few lines each. far_side.py ADDRESS CERT KEY"""
import http.server
import socket
import ssl
import struct
import sys
import threading

ADDRESS, CERT, KEY = sys.argv[1:4]


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/portal":
            self.send_response(302)
            self.send_header("Location", "http://login.example/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/mute":
            threading.Event().wait(30)
            return
        body = {"/address": b" 203.0.113.77\n", "/long": b"x" * 200000}.get(self.path, b"all is well\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def dns():
    """good.example has an address, absent.example does not exist, failing.example fails, anything else is left unanswered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((ADDRESS, 53))
        while True:
            asked, whom = s.recvfrom(1500)
            name, at = [], 12
            while asked[at]:
                name.append(asked[at + 1 : at + 1 + asked[at]].decode().lower())
                at += 1 + asked[at]
            question = asked[12 : at + 5]
            rcode = {"good.example": 0, "empty.example": 0, "absent.example": 3, "failing.example": 2, "refusing.example": 5}.get(".".join(name))
            if rcode is None:
                continue
            answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(ADDRESS) if name[0] == "good" else b""
            s.sendto(asked[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, 1 if answer else 0, 0, 0) + question + answer, whom)


def stun():
    """Says who asked, masked (RFC 8489 14.2); the first request is lost, so that it must be asked again."""
    lost = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((ADDRESS, 3478))
        while True:
            asked, whom = s.recvfrom(1500)
            if not lost:
                lost = True
                continue
            port = struct.pack("!H", whom[1] ^ 0x2112)
            address = bytes(a ^ b for a, b in zip(socket.inet_aton(whom[0]), b"\x21\x12\xa4\x42"))
            s.sendto(b"\x01\x01\x00\x0c" + asked[4:20] + b"\x00\x20\x00\x08\x00\x01" + port + address, whom)


def serve(port, tls):
    server = http.server.ThreadingHTTPServer((ADDRESS, port), Page)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, KEY)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def mute():
    """Takes connections and says nothing, and speaks no HTTP on the next port."""
    with socket.create_server((ADDRESS, 81)) as silent, socket.create_server((ADDRESS, 82)) as rude:
        kept = []
        threading.Thread(target=lambda: [kept.append(silent.accept()) for _ in iter(int, 1)], daemon=True).start()
        while True:
            peer, _ = rude.accept()
            peer.recv(100)
            peer.sendall(b"SSH-2.0-nobody\r\n\r\n")
            peer.close()


for task in (dns, stun, mute, lambda: serve(80, False)):
    threading.Thread(target=task, daemon=True).start()
serve(443, True)
