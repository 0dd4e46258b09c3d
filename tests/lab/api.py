"""The daemon's HTTP over its control socket, as the lab reads it (controller/admin/README.md)."""
import http.client
import json
import socket
import urllib.parse


class ApiError(Exception):
    def __init__(self, message, status=0, document=None):
        super().__init__(message)
        self.status, self.document = status, document


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    def __init__(self, path):
        self.path = path

    def get(self, path, **query):
        """The answer: a document when it is JSON, otherwise text. ApiError: not reachable, or not 200."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection = _UnixConnection(self.path, timeout=3)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(f"linekeeperd does not answer: {error}") from error
        finally:
            connection.close()
        document = json.loads(body) if "json" in (response.getheader("Content-Type") or "") else body
        if response.status != 200:
            raise ApiError(f"{path}: {response.status} {body[:200]}", response.status, document)
        return document


class Journal:
    """Events as they come, each once. `boot_ns` of an event's fields is the clock that faults are stamped on."""

    def __init__(self, api):
        self.api, self.after = api, 0
        self.skip()

    def skip(self):
        """Forgets what has happened so far."""
        while self.new():
            pass

    def new(self):
        try:
            events = self.api.get("/api/v1/events", after=self.after, limit=1000)["events"]
        except ApiError:
            return []
        if events:
            self.after = max(e["sequence"] for e in events)
        return events


def boot_ns(event):
    """When an event happened on the boot clock, or None for one that does not say."""
    value = (event.get("fields") or {}).get("boot_ns")
    return int(value) if value is not None else None
