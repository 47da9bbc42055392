"""
What supervisor and worker say to each other, over one socket pair.

JSON lines both ways; the listening socket itself travels beside one of them. The pair is
also how a death is noticed: when one side is gone, the other reads the end of the stream,
whatever killed it.

supervisor → worker   settings (the first line), listen (with the socket), ping, retire
worker → supervisor   store (which database to keep), loaded or problems, ready, pong

Secrets never travel: a worker has the supervisor's environment.
"""

from __future__ import annotations

import json
import os
import socket
from typing import Any, Final

Message = dict[str, Any]
# Far more than the longest message (a report of many problems).
_MAX_LINE_BYTES: Final = 1024 * 1024


class Line:
    """One end of the pair. Blocking, unless its socket is not."""

    def __init__(self, end: socket.socket) -> None:
        self.socket: Final = end
        self._buffer = b""

    def send(self, message: Message) -> bool:
        """Send a message; False where nobody is there any more."""
        try:
            self.socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        return True

    def send_listener(self, listener: socket.socket) -> bool:
        """Hand over the listening socket."""
        try:
            socket.send_fds(self.socket, [b'{"listen": true}\n'], [listener.fileno()])
        except OSError:
            return False
        return True

    def receive_listener(self) -> socket.socket | None:
        """Wait for the listening socket; None where the other side has gone instead."""
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, 64, 1)
        except OSError:
            return None
        if not data or not fds:
            return None
        os.set_inheritable(fds[0], False)
        self._buffer += data
        self.receive()
        return socket.socket(fileno=fds[0])

    def receive(self) -> Message | None:
        """Wait for a message; None where the other side has gone."""
        while b"\n" not in self._buffer:
            if not self._read():
                return None
        return self._next()

    def receive_all(self) -> tuple[list[Message], bool]:
        """Take what is there without waiting, and tell whether the other side still is."""
        try:
            is_open = self._read()
        except BlockingIOError:
            return [], True
        messages = []
        while b"\n" in self._buffer:
            messages.append(self._next())
        return messages, is_open

    def close(self) -> None:
        """End it; the other side reads the end of the stream."""
        self.socket.close()

    def _read(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            raise
        except OSError:
            return False
        self._buffer += data
        return bool(data) and len(self._buffer) <= _MAX_LINE_BYTES

    def _next(self) -> Message:
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: Message = json.loads(line)
        return message
