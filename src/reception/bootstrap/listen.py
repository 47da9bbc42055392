"""
The listening socket, or plain words about why there is none; and how its address is written.

Used by the supervisor, so it must stay light: nothing of the web side is imported here.
"""

from __future__ import annotations

import errno
import socket

from reception.errors import NeedsHuman

# Connections that wait while every worker is busy; the kernel caps it (net.core.somaxconn).
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """
    Bind and listen.

    Errors:
        NeedsHuman("listen.…"): the address cannot be had; the text says what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise NeedsHuman(
            "listen.unknown_host", f"There is no host {host}: set server.host to an address"
        ) from None
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Else the port stays taken for a minute after a restart.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise NeedsHuman("listen.refused", _in_words(error, host, port)) from None
    listener.setblocking(False)
    return listener


def _in_words(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken by another program: stop that one, or choose"
            f" another port with --port {port + 1 if port < 65535 else 8080}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} needs privileges: choose one above 1023, with a proxy in front"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host}: set server.host to one that it has"
    return f"Cannot listen on {host}, port {port}: {error.strerror or error}"


def origin(host: str, port: int) -> str:
    """Write the URL of our own address, like ``http://[::1]:8080``."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
