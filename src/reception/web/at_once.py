"""
The usual answer, written in one piece.

ASGI wants an answer in two messages, and uvicorn checks every header of the first. That is
a third of what it costs to answer a call, for headers that are always the same three. Where
the server is uvicorn with httptools and nothing is unusual, the bytes go straight to its
transport, with the same effect on the connection; else the answer takes the ordinary way.

The rule: only a 200 with JSON that leaves the connection open. Whatever closes, refuses or
explains itself is rare, and is sent as ASGI says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_OURS: Final = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Heads:
    """The head of an answer with the server's own headers, which change once a second."""

    __slots__ = ("_head", "_headers")

    def __init__(self) -> None:
        self._headers: Sequence[tuple[bytes, bytes]] | None = None
        self._head = b""

    def of(self, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Status line and the server's headers; uvicorn makes a new list for a new date."""
        if headers is not self._headers:
            lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self._headers, self._head = headers, STATUS_LINE[200] + lines
        return self._head


def answer_at_once(send: Any, body: bytes, heads: Heads) -> bool:
    """
    Write a 200 with this JSON to the connection behind `send`; False where that cannot be.

    Source:
        uvicorn 0.54, RequestResponseCycle.send: what a complete answer leaves behind.
    """
    cycle = getattr(send, "__self__", None)
    if (
        type(cycle) is not RequestResponseCycle
        or cycle.response_started
        or cycle.disconnected
        or not cycle.keep_alive
        or cycle.flow.write_paused
        or cycle.access_log
    ):
        return False
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(heads.of(cycle.default_headers) + _OURS % (len(body), body))
    cycle.message_event.set()
    cycle.on_response()
    return True
