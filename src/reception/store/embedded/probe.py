"""
One question to a server over its socket, and who it was that answered.

Speaks just enough of PostgreSQL's protocol (version 3) for that, with the standard library:
the supervisor asks before anything else is up, and must hold the very socket whose other
end it identifies. All other SQL goes through psycopg. No question here names a table.

Source: PostgreSQL's manual, "Frontend/Backend Protocol", message formats.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROTOCOL: Final = 3 << 16
_MAX_MESSAGE_BYTES: Final = 64 * 1024
# macOS: the process at the other end of a Unix socket.
_SOL_LOCAL: Final = 0
_LOCAL_PEERPID: Final = 2


class NoAnswer(Exception):  # not an error: servers come and go
    """Nobody listens there, or whoever does keeps silent."""


class Refused(Exception):  # as above: a server that starts refuses for a moment
    """A server answered, with an error; `sqlstate` says which."""

    def __init__(self, sqlstate: str, text: str) -> None:
        super().__init__(f"{sqlstate} {text}")
        self.sqlstate = sqlstate


@dataclass(slots=True)
class Connection:
    """A connection to whoever listens on a Unix socket."""

    socket: socket.socket

    @property
    def pid(self) -> int | None:
        """The process that listens, by the kernel's word; None where it does not tell."""
        if sys.platform == "linux":
            size = struct.calcsize("3i")
            credentials = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            return int(struct.unpack("3i", credentials)[0]) or None
        elif sys.platform == "darwin":
            return self.socket.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID) or None
        else:
            return None

    def ask(self, sql: str, *, user: str, database: str) -> str | None:
        """
        Log in, run one statement and give the first value of its first row.

        Errors:
            NoAnswer: the connection broke, or was silent for too long.
            Refused: the server said no.
        """
        pairs = ("user", user, "database", database, "application_name", "reception")
        start = b"".join(word.encode() + b"\0" for word in pairs) + b"\0"
        query = sql.encode() + b"\0"
        try:
            self.socket.sendall(struct.pack("!ii", len(start) + 8, _PROTOCOL) + start)
            self._read_until_ready()
            self.socket.sendall(b"Q" + struct.pack("!i", len(query) + 4) + query)
            return self._read_until_ready()
        except (OSError, struct.error, UnicodeDecodeError) as error:
            raise NoAnswer(str(error)) from None

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _read_until_ready(self) -> str | None:
        value: str | None = None
        while True:
            kind, length = struct.unpack("!ci", self._exactly(5))
            if not 4 <= length <= _MAX_MESSAGE_BYTES:
                raise NoAnswer("what answers there does not speak PostgreSQL's protocol")
            body = self._exactly(length - 4)
            if kind == b"E":
                fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
                raise Refused(fields.get(b"C", b"").decode(), fields.get(b"M", b"").decode())
            if kind == b"R" and body[:4] != b"\0\0\0\0":
                raise Refused("28000", "the server wants a password")
            if kind == b"D" and value is None and body[:2] != b"\0\0":
                size = struct.unpack("!i", body[2:6])[0]
                value = body[6 : 6 + size].decode() if size >= 0 else None
            if kind == b"Z":
                return value

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise NoAnswer("the server hung up")
            data += more
        return data


def connect(path: Path, timeout_s: float) -> Connection:
    """
    Connect to a Unix socket.

    Errors:
        NoAnswer: nobody listens there.
    """
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.settimeout(timeout_s)
    try:
        end.connect(str(path))
    except OSError as error:
        end.close()
        raise NoAnswer(str(error)) from None
    return Connection(end)


def ask(path: Path, sql: str, *, user: str, database: str, timeout_s: float) -> str | None:
    """
    Ask one question over a connection of its own.

    Errors:
        NoAnswer, Refused: as for `Connection.ask`.
    """
    connection = connect(path, timeout_s)
    try:
        return connection.ask(sql, user=user, database=database)
    finally:
        connection.close()
