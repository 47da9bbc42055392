"""
Watches the developer's files and wakes the supervisor when one was saved.

What a reload is, the supervisor knows. Nothing here imports the developer's code.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import watchfiles

from reception.bootstrap.supervisor import RELOAD

_SUFFIXES: Final = (".py", ".toml", ".json")
_IGNORED: Final = frozenset(
    {
        ".git",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "reception-data",
        "site-packages",
        "venv",
    }
)


class SourceFiles(watchfiles.BaseFilter):
    """Passes what an application is made of."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root: Final = root

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        """Is this change of interest?"""
        try:
            parts = Path(path).relative_to(self._root).parts
        except ValueError:
            return False
        return path.endswith(_SUFFIXES) and not _IGNORED.intersection(parts)


class Watch:
    """A context in which `waker` gets the byte `RELOAD` whenever a source file was saved."""

    def __init__(self, root: Path, waker: socket.socket) -> None:
        self._root: Final = root.resolve()
        self._waker: Final = waker
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(
            target=self._watch, name="reception-reload", daemon=True
        )

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, and wait for it."""
        self._stop.set()
        self._thread.join(2.0)

    def _watch(self) -> None:
        changes = watchfiles.watch(
            self._root,
            watch_filter=SourceFiles(self._root),
            stop_event=self._stop,
            debounce=200,
            step=50,
            rust_timeout=500,
            raise_interrupt=False,
        )
        for _ in changes:
            try:
                self._waker.send(bytes([RELOAD]))
            except OSError:  # full (a reload is due anyway) or closed (nobody needs one)
                continue
