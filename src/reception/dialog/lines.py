"""
Where in the developer's file something happened.

The rule this file keeps: a place is a code object and an offset in it, which costs next to
nothing to keep; the line is looked up only when somebody must be told. No frame is held: it
would keep alive whatever the developer's function held.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from sys import _getframe as caller
from types import CodeType, FunctionType, TracebackType
from typing import Any, Final, NamedTuple

__all__ = [
    "Place",
    "caller",
    "home_of",
    "is_in_asyncio",
    "line_in",
    "name_of",
    "place_in_coroutine",
    "place_in_traceback",
    "plain_function",
]

_OURS: Final = ("reception.dialog", "reception.face")


class Place(NamedTuple):
    """One place in a code: ``str(place)`` is ``app.py:12``."""

    code: CodeType
    offset: int

    @property
    def line(self) -> int:
        """The line, counted from 1; that of the function's head where it is unknown."""
        found = self.code.co_firstlineno
        for start, end, line in self.code.co_lines():
            if start <= self.offset < end and line is not None:
                found = line
        return found

    def __str__(self) -> str:
        return f"{_short(self.code.co_filename)}:{self.line}"


def place_in_traceback(trace: TracebackType | None, home: str) -> Place | None:
    """The deepest place of a traceback in the file `home`, else its first one outside the engine."""
    first: Place | None = None
    found: Place | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        name = trace.tb_frame.f_globals.get("__name__", "")
        if type(name) is not str or not name.startswith(_OURS):
            first = first or Place(code, trace.tb_lasti)
            if code.co_filename == home:
                found = Place(code, trace.tb_lasti)
        trace = trace.tb_next
    return found or first


def line_in(trace: TracebackType | None, home: str) -> str:
    """The deepest line of a traceback in the file `home`; "" where there is none."""
    found = ""
    while trace is not None and home:
        code = trace.tb_frame.f_code
        if code.co_filename == home:
            found = str(Place(code, trace.tb_lasti))
        trace = trace.tb_next
    return found


def is_in_asyncio(trace: TracebackType | None) -> bool:
    """Was it asyncio itself that raised? It says of a missing task what nobody can act upon."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return type(name) is str and name.startswith("asyncio.")


def place_in_coroutine(waiting: Any, home: str) -> Place | None:
    """Where a suspended coroutine waits: the deepest place in `home`, else the outermost one."""
    first: Place | None = None
    found: Place | None = None
    while waiting is not None:
        # An awaitable of somebody's own may be a generator: the line that awaits it is meant.
        frame = getattr(waiting, "cr_frame", None)
        if frame is not None:
            place = Place(frame.f_code, frame.f_lasti)
            first = first or place
            if frame.f_code.co_filename == home:
                found = place
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "gi_yieldfrom", None)
    return found or first


def home_of(function: Callable[..., Any]) -> str:
    """The file that a function was written in, "" where it is not known."""
    code = getattr(_plain(function), "__code__", None)
    return code.co_filename if isinstance(code, CodeType) else ""


def name_of(function: Callable[..., Any]) -> str:
    """
    The name by which a function stands in a journal: ``module:Class.method``.

    >>> from functools import partial
    >>> name_of(partial(len, "x"))
    'builtins:len'
    """
    plain = _plain(function)
    named = plain if hasattr(plain, "__qualname__") else type(plain)
    return f"{getattr(named, '__module__', None) or ''}:{named.__qualname__}"


def _plain(function: Any) -> Any:
    """Take `functools.partial`, bound methods and decorators that say so off a function."""
    # Whoever decorates says so in the function's own dictionary.
    while type(function) is not FunctionType or function.__dict__:
        # By its class: a mock has every attribute that somebody asks for.
        inner = (
            function.func
            if isinstance(function, partial)
            else getattr(function, "__func__", None) or getattr(function, "__wrapped__", None)
        )
        if inner is None:
            break
        function = inner
    return function


def plain_function(function: Callable[..., Any]) -> Any:
    """The function itself, without `functools.partial`, binding and decoration."""
    return _plain(function)


def _short(path: str) -> str:
    """The last two parts of a path: enough to find the file, nothing of the machine."""
    return "/".join(path.replace("\\", "/").rsplit("/", 2)[-2:])
