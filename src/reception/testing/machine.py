"""
The event loop that servers and calls under test run on, in a thread of its own.

Tests are plain functions that block; what they test is asynchronous and goes on between two
of their lines, as a server does. One thread for the process, begun by the first phone. It
also starts the embedded database, which lives as long as the thread that has started it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")


class Machine:
    """Runs coroutines for those who wait for them."""

    def __init__(self) -> None:
        self._loop: Final = asyncio.new_event_loop()
        self._thread: Final = threading.Thread(
            target=self._loop.run_forever, name="reception-testing", daemon=True
        )
        self._thread.start()

    @property
    def is_here(self) -> bool:
        """Is it the loop's own thread that asks?"""
        return threading.current_thread() is self._thread

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and wait for that."""
        if self.is_here:
            coroutine.close()
            raise RuntimeError(
                "a phone is used by a test, not by the code that it tests: this would wait for"
                " itself"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            # Ctrl-C, or pytest's own timeout: nobody waits any more.
            future.cancel()
            raise


_lock: Final = threading.Lock()
_machine: Machine | None = None


def machine() -> Machine:
    """Give the machine of this process."""
    global _machine  # noqa: PLW0603 - one for the process, made when it is needed
    with _lock:
        if _machine is None:
            _machine = Machine()
        return _machine
