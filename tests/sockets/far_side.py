#!/usr/bin/env python3
"""The far side of a line, for the checks: HTTP, HTTPS, DNS and STUN servers of a few lines each, by IPv4 and IPv6.
far_side.py ADDRESS ADDRESS6 CERT KEY"""
import http.server
import socket
import socketserver
import ssl
import struct
import sys
import threading

ADDRESS, ADDRESS6, CERT, KEY = sys.argv[1:5]


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bound(address, port):
    s = socket.socket(family_of(address), socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


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
        body = {"/address": b" 203.0.113.77\n", "/whom": self.headers["Host"].encode(), "/long": b"x" * 200000}.get(self.path, b"all is well\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def dns(address):
    """good.example has an address of each family, four.example none of IPv6, absent.example does not exist, failing.example fails, anything else is left unanswered."""
    with bound(address, 53) as s:
        while True:
            asked, whom = s.recvfrom(1500)
            name, at = [], 12
            while asked[at]:
                name.append(asked[at + 1 : at + 1 + asked[at]].decode().lower())
                at += 1 + asked[at]
            question = asked[12 : at + 5]
            rcode = {"good.example": 0, "four.example": 0, "empty.example": 0, "absent.example": 3, "failing.example": 2, "refusing.example": 5}.get(".".join(name))
            if rcode is None:
                continue
            kind = struct.unpack("!H", asked[at + 1 : at + 3])[0]
            records = {("good", 1): socket.inet_aton(ADDRESS), ("four", 1): socket.inet_aton(ADDRESS), ("good", 28): socket.inet_pton(socket.AF_INET6, ADDRESS6)}
            record = records.get((name[0], kind), b"")
            answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(record)) + record if record else b""
            s.sendto(asked[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, 1 if answer else 0, 0, 0) + question + answer, whom)


def stun(address):
    """Says who asked, masked (RFC 8489 14.2); the first request is lost, so that it must be asked again."""
    lost = False
    with bound(address, 3478) as s:
        while True:
            asked, whom = s.recvfrom(1500)
            if not lost:
                lost = True
                continue
            port = struct.pack("!H", whom[1] ^ 0x2112)
            plain = socket.inet_pton(s.family, whom[0])
            masked = bytes(a ^ b for a, b in zip(plain, asked[4:20]))  # the cookie, and of IPv6 the transaction too
            value = b"\x00" + (b"\x01" if len(plain) == 4 else b"\x02") + port + masked
            s.sendto(b"\x01\x01" + struct.pack("!H", 4 + len(value)) + asked[4:20] + b"\x00\x20" + struct.pack("!H", len(value)) + value, whom)


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, address, port):
        self.address_family = family_of(address)
        super().__init__((address, port), Page)

    def server_bind(self):
        """As the base of HTTPServer: that one asks for the name of its address first, and nobody here has names."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def serve(address, port, tls):
    server = Server(address, port)
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


for task, *arguments in [(task, a) for a in (ADDRESS, ADDRESS6) for task in (dns, stun)] + [(mute,), (serve, ADDRESS, 80, False), (serve, ADDRESS6, 80, False)]:
    threading.Thread(target=task, args=arguments, daemon=True).start()
serve(ADDRESS, 443, True)
