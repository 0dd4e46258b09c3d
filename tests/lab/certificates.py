"""Certificates for carriers that are called by TLS: an authority of the lab's own, and for each carrier one that is good, one that has expired and
one that is for somebody else. And the few lines that tell Kamailio of them.
"""
import os
import subprocess
from datetime import datetime, timedelta, timezone

from topology import CARRIERS

DOMAIN = "sip.{}.example"
CONFIGURATION = """[ca]
default_ca = lab
[lab]
dir = {directory}
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = whoever
copy_extensions = copy
email_in_dn = no
[whoever]
commonName = supplied
"""
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Tls:
    """Everything of one site, below one directory. carriers: those that are called by TLS; the others stay with UDP."""

    def __init__(self, directory, carriers=("north",)):
        self.directory, self.carriers = directory, carriers
        os.makedirs(directory, mode=0o755)
        self.ca = self._path("ca.pem")
        with open(self._path("index.txt"), "w"), open(self._path("ca.cnf"), "w") as f:
            f.write(CONFIGURATION.format(directory=directory))
        self._openssl("req", "-x509", *KEY, "-subj", "/CN=lab authority", "-days", "30", "-keyout", self._path("ca.key"), "-out", self.ca)
        now = datetime.now(timezone.utc)
        for name in CARRIERS:
            self._issue(name, "good", DOMAIN.format(name), now - timedelta(days=1), now + timedelta(days=30))
            self._issue(name, "expired", DOMAIN.format(name), now - timedelta(days=30), now - timedelta(hours=1))
            self._issue(name, "wrong-name", "sip.elsewhere.example", now - timedelta(days=1), now + timedelta(days=30))

    def _path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def _issue(self, carrier, kind, domain, begins, ends):
        at = self._path(f"{carrier}-{kind}")
        self._openssl("req", "-new", *KEY, "-subj", f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain}", "-keyout", f"{at}.key", "-out", f"{at}.csr")
        self._openssl("ca", "-batch", "-config", self._path("ca.cnf"), "-notext", "-cert", self.ca, "-keyfile", self._path("ca.key"), "-in", f"{at}.csr",
                      "-startdate", begins.strftime("%Y%m%d%H%M%SZ"), "-enddate", ends.strftime("%Y%m%d%H%M%SZ"), "-out", f"{at}.pem")

    def server(self, carrier, kind):
        """The path of a tls.cfg of a carrier."""
        at = self._path(f"{carrier}-{kind}")
        with open(f"{at}.cfg", "w") as f:
            f.write(f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\ncertificate = {at}.pem\nprivate_key = {at}.key\n"
                    "[client:default]\nverify_certificate = no\n")
        return f"{at}.cfg"

    def client(self, directory):
        """The path of a tls.cfg of the PBX: it wants to be sure of its carriers."""
        path = os.path.join(directory, "tls.cfg")
        own = self._path("south-good")  # never shown: nobody calls the PBX by TLS
        for name in ("ca.pem", "south-good.pem", "south-good.key"):
            os.chmod(self._path(name), 0o644)  # it runs as nobody
        with open(path, "w") as f:
            f.write(f"[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\ncertificate = {own}.pem\nprivate_key = {own}.key\n"
                    f"[client:default]\nmethod = TLSv1.2+\nca_list = {self.ca}\nverify_certificate = yes\nrequire_certificate = yes\n")
        return path

    def destinations(self, text):
        """A dispatcher.list in which these carriers are called by TLS, from the same addresses."""
        lines = []
        for line in text.splitlines():
            if not line.startswith("#") and any(f"sip:{CARRIERS[name].address}:5060" in line for name in self.carriers):
                line = line.replace(":5060 ", ":5061;transport=tls ").replace("udp:", "tls:").replace(":5060", ":5061")
            lines.append(line)
        return "\n".join(lines) + "\n"

    def site(self, text):
        """A linekeeper.toml in which they are asked by TLS."""
        for name in self.carriers:
            text = text.replace(f'address = "{CARRIERS[name].address}:5060"',
                                f'address = "{CARRIERS[name].address}:5061"\ntransport = "tls"\ndomain = "{DOMAIN.format(name)}"\n'
                                f'tls = {{ ca_file = "{self.ca}" }}')
        return text
