"""
The room in which a dialog's code runs: no event loop, and where it helps, no clock or chance.

`hidden_loop` is for every run: with it `asyncio.sleep`, `create_task`, `gather` and `timeout`
inside a dialog fail at once, instead of arming themselves on the server's own task. In the loop's
place stands one that can do nothing: were there none at all, `asyncio.run` would start another,
and `asyncio.gather` would find the server's by the thread that it runs in. `watched` is for
dev mode and tests: it also stops direct use of clocks, chance and sockets, and says which
``call.…`` to write. It watches calls as they happen, with the interpreter's profiler, so
nothing is patched and nobody else sees it: it is on only while the dialog's own code runs, and
only in its thread. Both are context managers for `dialog.Facts.sandbox`.

Not here: what a dialog may do instead; that is `Call`.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import secrets
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
import uuid
from asyncio import _get_running_loop, _set_running_loop
from asyncio.events import AbstractEventLoop
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, Never

from reception.errors import AppError

_CLOCK: Final = "`await call.now()`"
_CHANCE: Final = "`await call.random()` or `await call.token()`"
_WORLD: Final = "`await call.step(fn, …)` with a function that does it"
_SLEEP: Final = "`await call.sleep(seconds)`"


class _NoLoop:
    """What a dialog finds for an event loop: whatever it is asked for, it refuses."""

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):
            # Tools ask objects what they are, pytest's doctests among them.
            raise AttributeError(name)
        raise RuntimeError("no running event loop")


_NO_LOOP: Final[Any] = _NoLoop()


class hidden_loop:  # noqa: N801  used as a function, as contextlib's own
    """Run a block of code in which the event loop of this thread cannot be used."""

    __slots__ = ("_loop",)

    def __enter__(self) -> None:
        self._loop: AbstractEventLoop | None = _get_running_loop()
        _set_running_loop(_NO_LOOP)

    def __exit__(self, *_: object) -> None:
        _set_running_loop(self._loop)


class watched(hidden_loop):  # noqa: N801  as above
    """
    The same, and clocks, chance and sockets raise.

    Errors, inside the block:
        AppError("dialog.not_deterministic"): with the line and what to write instead.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        super().__enter__()
        self._before: Any = sys.getprofile()
        sys.setprofile(_look)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)
        super().__exit__()


def _look(frame: FrameType, event: str, argument: Any) -> None:
    """What the interpreter calls at every call; raising in it raises at the call."""
    if event == "c_call":
        advice = _BUILT_IN.get(_identity(argument))
        if advice is not None and _is_theirs(frame):
            raise _refusal(frame, _name(argument), advice)
    elif event == "call":
        told = _PYTHON.get(frame.f_code)
        if told is not None:
            name, advice, deep = told
            caller = frame.f_back
            if caller is not None and (deep or _is_theirs(caller)):
                raise _refusal(_nearest(caller), name, advice)


def _identity(function: Any) -> Any:
    """A built-in function is itself; a method of one is its owner and its name."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type) and issubclass(owner, dt.date):
        return "date", function.__name__
    if isinstance(owner, random.Random):
        return "chance", function.__name__
    try:
        hash(function)
    except TypeError:
        return None
    return function


def _built_in() -> dict[Any, str]:
    known: dict[Any, str] = {}
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"):
        known[getattr(time, name)] = _CLOCK
    for name in ("process_time", "process_time_ns", "thread_time", "thread_time_ns"):
        known[getattr(time, name)] = _CLOCK
    # Without a time of their own they take the present one.
    for name in ("localtime", "gmtime", "ctime", "asctime", "strftime"):
        known[getattr(time, name)] = _CLOCK
    known[time.sleep] = _SLEEP
    for name in ("now", "utcnow", "today"):
        known["date", name] = _CLOCK
    for name in ("random", "getrandbits"):
        known["chance", name] = _CHANCE
    known[os.urandom] = _CHANCE
    known[os.system] = known[open] = known[sqlite3.connect] = _WORLD
    return known


def _python() -> dict[CodeType, tuple[str, str, bool]]:
    """Functions written in Python: by code, the name, the advice, and whether depth matters."""
    known: dict[CodeType, tuple[str, str, bool]] = {}

    def add(function: Any, name: str, advice: str, *, deep: bool = False) -> None:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        if isinstance(code, CodeType):
            known[code] = (name, advice, deep)

    for kind in (random.Random, random.SystemRandom):
        for name, function in vars(kind).items():
            if not name.startswith("_"):
                add(function, f"random.{name}", _CHANCE)
    for name in ("uuid1", "uuid4"):
        add(getattr(uuid, name), f"uuid.{name}", _CHANCE)
    for name in ("token_bytes", "token_hex", "token_urlsafe", "randbelow"):
        add(getattr(secrets, name), f"secrets.{name}", _CHANCE)
    for name in ("open", "read_bytes", "read_text", "write_bytes", "write_text"):
        add(getattr(Path, name), f"Path.{name}", _WORLD)
    for function in (subprocess.run, subprocess.call, subprocess.check_output):
        add(function, "subprocess", _WORLD)
    add(subprocess.Popen.__init__, "subprocess", _WORLD)
    # What a library starts for itself, for its log say, is its own affair.
    add(threading.Thread.start, "a thread", _WORLD)
    # A socket is a socket, however deep in a library it is opened.
    add(socket.socket.__init__, "a socket", _WORLD, deep=True)
    add(socket.create_connection, "socket.create_connection", _WORLD, deep=True)
    add(socket.getaddrinfo, "socket.getaddrinfo", _WORLD, deep=True)
    return known


_BUILT_IN: Final = _built_in()
_PYTHON: Final = _python()
_LIBRARIES: Final = tuple(
    str(Path(path)) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
)
_INSTALLED: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OURS: Final = str(Path(__file__).resolve().parents[1]) + os.sep
# The hotel is an application like any other, although it comes with us.
_FRONTDESK: Final = _OURS + "frontdesk"
_THEIRS: Final[dict[str, bool]] = {}


def _is_theirs(frame: FrameType) -> bool:
    """Is this the application's own code? What a library does for itself is its own affair."""
    path = frame.f_code.co_filename
    known = _THEIRS.get(path)
    if known is None:
        is_ours = path.startswith(_OURS) and not path.startswith(_FRONTDESK)
        is_library = is_ours or path.startswith((*_LIBRARIES, "<frozen"))
        known = not is_library and not any(part in path for part in _INSTALLED)
        _THEIRS[path] = known
    return known


def _nearest(frame: FrameType) -> FrameType:
    """The application's own frame that led here."""
    found: FrameType | None = frame
    while found is not None and not _is_theirs(found):
        found = found.f_back
    return found or frame


def _name(function: Callable[..., Any]) -> str:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):
        return f"{owner.__name__}.{function.__name__}"
    module = "random" if isinstance(owner, random.Random) else function.__module__
    return f"{module}.{function.__name__}"


def _refusal(frame: FrameType, name: str, advice: str) -> AppError:
    where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
    return AppError(
        "dialog.not_deterministic",
        f"{where}: {name} gives another answer on every replay: use {advice}",
    )
