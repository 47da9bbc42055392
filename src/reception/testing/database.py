"""
The database of a test session: one for all phones, and only when the first one needs it.

Either the embedded server in a directory of its own, which is thrown away, or the one that
``RECEPTION_TEST_DATABASE_URL`` names. Nothing in it is ever deleted: every call has a
Call-ID of its own, so that calls do not meet, and a database of somebody's own keeps what
it had.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from pathlib import Path
from typing import Final

from reception.store.embedded import EmbeddedServer
from reception.store.migrations import migrate
from reception.testing.machine import machine

URL: Final = "RECEPTION_TEST_DATABASE_URL"


class SessionDatabase:
    """The embedded server of this process, once somebody has asked for it."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._server: EmbeddedServer | None = None
        self._prepared: set[str] = set()

    @property
    def is_running(self) -> bool:
        """Was an embedded server started?"""
        return self._server is not None

    def server(self) -> EmbeddedServer:
        """Give the running server, its database migrated."""
        with self._lock:
            # Also where somebody has ended it: a test must not spoil those after it.
            if self._server is None or self._server.pid is None:
                self._forget()
                self._folder = tempfile.TemporaryDirectory(
                    prefix="reception-test-", ignore_cleanup_errors=True
                )
                server = EmbeddedServer(Path(self._folder.name) / "data")
                _start(server)
                self._server = server
                atexit.register(self.stop)
                migrate(server.dsn(user="postgres"))
            return self._server

    def address(self) -> str:
        """Give the address with which the program connects."""
        url = os.environ.get(URL, "")
        if not url:
            return self.server().dsn(user="reception_app")
        with self._lock:
            if url not in self._prepared:
                migrate(url)
                self._prepared.add(url)
        return url

    def stop(self) -> None:
        """Stop the server and remove its files; the next who asks gets another one."""
        atexit.unregister(self.stop)
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        server, self._server = self._server, None
        folder, self._folder = self._folder, None
        if server is not None:
            server.stop(timeout_s=0.0)  # nobody needs its data any more
        if folder is not None:
            folder.cleanup()


def _start(server: EmbeddedServer) -> None:
    """Start it from the machine's thread: a server ends with the thread that has started it."""
    if machine().is_here:
        server.start()
    else:
        machine().do(_started(server))


async def _started(server: EmbeddedServer) -> None:
    server.start()


database: Final = SessionDatabase()
