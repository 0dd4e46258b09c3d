"""A certificate authority of the lab's own, made with openssl(1) when a scenario wants one. `openssl ca`, because only that can write a
certificate that has ended already."""
import os
import time

from netns import run

DAY_S = 86400
SETTINGS = """[ca]
default_ca = lab
[lab]
database = {directory}/issued
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def stamp(seconds):
    """A time as a certificate has it (RFC 5280 4.1.2.5)."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


class Authority:
    def __init__(self, directory):
        self.directory = directory
        os.mkdir(directory, 0o755)
        self.ca_file = self._path("ca.pem")
        with open(self._path("settings"), "w") as f:
            f.write(SETTINGS.format(directory=directory))
        with open(self._path("issued"), "w"):
            pass
        run("openssl", "req", "-x509", *NEW_KEY, "-keyout", self._path("ca.key"), "-out", self.ca_file, "-subj", "/CN=Lab authority", "-days", "30")

    def _path(self, name):
        return os.path.join(self.directory, name)

    def issue(self, label, host, days):
        """A certificate for the DNS name `host`, which ends in so many days; negative: it has ended. Returns its file and that of its key."""
        certificate, key, request, names = (self._path(f"{label}.{kind}") for kind in ("pem", "key", "csr", "names"))
        run("openssl", "req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={host}")
        with open(names, "w") as f:
            f.write(f"subjectAltName=DNS:{host}\n")
        now = time.time()
        run("openssl", "ca", "-config", self._path("settings"), "-batch", "-notext", "-cert", self.ca_file, "-keyfile", self._path("ca.key"),
            "-in", request, "-out", certificate, "-extfile", names, "-startdate", stamp(now - 60 * DAY_S), "-enddate", stamp(now + days * DAY_S))
        return certificate, key
