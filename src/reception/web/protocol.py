"""
The HTTP protocol of a connection: uvicorn's, with the limits that it lacks.

httptools reads a head of any length and waits for it for ever, so that one stranger
can hold memory and sockets without sending a request. Here a head (request line and
headers) is at most 32 KiB and arrives within 10 s of its first byte, and a fresh
connection says something within 30 s.

The rule: the common request, whose head arrives in one piece, arms no timer, copies
nothing and takes no call more than uvicorn's own. The idle time of a kept-alive
connection stays uvicorn's `timeout_keep_alive`. Limits of a body, and whatever
needs to know the request, belong to the application.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from reception.web.load import ARRIVED

# The platform's own head is about 300 bytes. Other servers: nginx 4 × 8 KiB, Apache
# 8 KiB a line and 100 lines, h11 16 KiB.
MAX_HEAD_BYTES: Final = 32 * 1024
HEAD_TIMEOUT_S: Final = 10.0
FIRST_BYTE_TIMEOUT_S: Final = 30.0
# How long a refused peer may go on sending before the socket is closed on it: closing
# at once would reset the connection and with it the refusal that is still on its way.
LINGER_S: Final = 1.0

# A body is fed in pieces of this size where a head might hide behind it, so that what is
# counted as head is wrong by at most one piece, and in favour of the peer.
_PIECE_BYTES: Final = 4096


class LimitedHttpProtocol(HttpToolsProtocol):
    """
    uvicorn's httptools protocol with a bounded head.

    A head over `max_head_bytes` is answered 431, unreadable HTTP 400; both close the
    connection once the answers that are still owed on it have been sent. A head or a
    first byte that is overdue closes it without a word: a peer that does not speak
    is not waiting for an answer.

    The three class attributes are the limits (bytes, seconds); a subclass may set others.
    """

    # None until the first request, which uvicorn's own annotation leaves out.
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # see above

    max_head_bytes = MAX_HEAD_BYTES
    head_timeout_s = HEAD_TIMEOUT_S
    first_byte_timeout_s = FIRST_BYTE_TIMEOUT_S

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._refused = False
        self._is_silent = True
        # Bytes of a head that is not complete yet; 0 while there is none.
        self._head_bytes = 0
        self._overdue: asyncio.TimerHandle | None = None

    # ── the connection ───────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self._overdue = self.loop.call_later(self.first_byte_timeout_s, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        # uvicorn leaves this timer alone after an error, and the connection with it.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; count and time a head that is left unfinished."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        before = self.cycle
        try:
            if self._head_bytes + len(data) > self.max_head_bytes:
                self._feed_in_pieces(data)
                return
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400)
            return
        except httptools.HttpParserUpgrade:
            # We speak nothing else. The request is answered as it stands; the bytes
            # after it would be read as another protocol, so nothing follows it.
            if self.cycle is not None:
                self.cycle.keep_alive = False
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope or cycle.response_complete:
            self._note_unfinished(len(data), before)
        elif self._overdue is not None:
            self._disarm()

    def on_message_begin(self) -> None:
        """Note when the request came: a busy event loop may start on it much later."""
        super().on_message_begin()
        self.scope[ARRIVED] = time.monotonic()  # type: ignore[typeddict-unknown-key]  # a key of our own

    def _feed_in_pieces(self, data: bytes) -> None:
        at = 0
        while at < len(data) and not self._refused:
            before = self.cycle
            is_idle = before is None or before.response_complete
            size = _PIECE_BYTES
            if self._head_bytes or is_idle:
                size = self.max_head_bytes - self._head_bytes
            self.parser.feed_data(data[at : at + size])
            at += size
            cycle = self.cycle
            if cycle is None or cycle.scope is not self.scope or cycle.response_complete:
                self._note_unfinished(size, before)
            elif self._overdue is not None:
                self._disarm()

    def _note_unfinished(self, received: int, before: RequestResponseCycle | None) -> None:
        """
        Take stock after bytes that left no request under way.

        `received` bytes came while `before` was the newest request: where that is still
        so and it was answered, all of them belong to the head that is being read.
        uvicorn makes a scope when a head begins and a cycle when it is complete; a scope
        without its cycle is a head in progress.
        """
        cycle = self.cycle
        if cycle is not None and cycle.scope is self.scope:
            # The end of a body whose answer did not wait for it, or a stray line break.
            self._disarm()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
            return
        is_all_head = cycle is before and (before is None or before.response_complete)
        self._head_bytes += received if self._head_bytes or is_all_head else 1
        if self._head_bytes >= self.max_head_bytes:
            self._refuse(431)
            return
        if self._is_silent:
            self._is_silent = False
            self._cancel_overdue()
        if self._overdue is None:
            self._overdue = self.loop.call_later(self.head_timeout_s, self._close)

    # ── refusing ─────────────────────────────────────────────────────────────────────

    def _refuse(self, status: int) -> None:
        self._refused = True
        self._disarm()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # A whole request is being answered: the answer goes out, and ends it.
                cycle.keep_alive = False
                return
            if cycle.response_started or self.pipeline:
                self._close()
                return
        text = b"Request head too large." if status == 431 else b"Unreadable HTTP request."
        self.transport.write(
            STATUS_LINE[status]
            + b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: "
            + b"%d\r\n\r\n%b" % (len(text), text)
        )
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._overdue = self.loop.call_later(LINGER_S, self._close)

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _disarm(self) -> None:
        """Stop waiting: the head is complete, or nobody waits for it any more."""
        self._is_silent = False
        self._head_bytes = 0
        self._cancel_overdue()

    def _cancel_overdue(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
