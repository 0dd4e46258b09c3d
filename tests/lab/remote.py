"""Talking to a kept site: the lab's first process listens on RUN/lab.sock and does what it is told, one command at a time."""
import contextlib
import json
import os
import socket

from faults import BadCommand
from netns import CommandFailed
from rpc import RpcError


def serve(stage, run):
    """Until `down` or a signal. Commands: those of faults.py; exec NODE ARGV...; down."""
    path = os.path.join(run, "lab.sock")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listening:
        listening.bind(path)
        os.chmod(path, 0o600)
        listening.listen(4)
        while True:
            client, _ = listening.accept()
            with client:
                client.settimeout(5)
                try:
                    words = json.loads(client.makefile().readline())
                    if words == ["down"]:
                        return client  # closed when everything is gone: the other side waits for that
                    answer = _do(stage, words)
                except (OSError, ValueError) as error:
                    answer = {"exit": 2, "text": str(error)}
                with contextlib.suppress(OSError):
                    client.sendall(json.dumps(answer).encode() + b"\n")


def _do(stage, words):
    try:
        if words[:1] == ["exec"] and len(words) >= 3 and words[1] in stage.net.nodes:
            return {"exit": 0, "text": stage.net[words[1]].run(*words[2:])}
        return {"exit": 0, "text": stage.faults.command(words)}
    except BadCommand as error:
        return {"exit": 2, "text": str(error)}
    except (CommandFailed, RpcError, OSError) as error:
        return {"exit": 1, "text": str(error)}


def ask(run, words, timeout=30):
    """Sends one command to the kept site at `run`. Returns (exit status, text)."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.closing(s):
        s.settimeout(timeout)
        s.connect(os.path.join(run, "lab.sock"))
        s.sendall(json.dumps(list(words)).encode() + b"\n")
        text = s.makefile().read()
    if not text:
        return 0, ""
    answer = json.loads(text)
    return answer["exit"], answer["text"].rstrip()
