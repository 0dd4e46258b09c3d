"""The site's page on this machine's own loopback: a small forwarder from a port here to the site's port.

The listening socket is opened before the cage is entered and so belongs to the host's network; the connections it makes
belong to the site's.
"""
import asyncio
import socket

import topology
from netns import forked_into


def open_port():
    """Listens on 127.0.0.1, at the site's own port number if it is free."""
    for port in (topology.HTTP_PORT, 0):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            s.listen(16)
            return s
        except OSError:
            s.close()
    return None


async def _copy(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _serve(listening):
    async def client(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", topology.HTTP_PORT)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    server = await asyncio.start_server(client, sock=listening)
    await server.serve_forever()


def start(listening, node):
    """Forks the forwarder; it ends with its parent."""
    return forked_into(node, lambda: asyncio.run(_serve(listening)))
