"""
What can be told of a handler without running it.

The rule this file keeps: a handler is a dialog for certain only when its own code takes an
operation off its call; everything else is found out by the first operation that it awaits
(`dialog.Opening`). Nothing is guessed from names that merely look alike.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from contextlib import suppress
from inspect import iscoroutinefunction, signature
from types import CodeType
from typing import Any, Final, Literal, NamedTuple
from weakref import WeakKeyDictionary

from reception.dialog.lines import home_of, plain_function
from reception.dialog.source_check import OPERATIONS

Runs = Literal["thread", "loop", "dialog"]

_NAMES = OPERATIONS | {"on_end", "changed"}


class Told(NamedTuple):
    """
    What is told of a handler.

    Shape:
        runs: how its first step is run: a plain function in a "thread"; an ``async def`` that
            uses operations of its call by the engine from the start, as a "dialog"; any other
            on the "loop".
        home: the file that it is written in, "" where that is not known.
    """

    runs: Runs
    home: str


def runs_how(handler: Callable[..., Any]) -> Runs:
    """Say how the first step of a handler is run (see `Told`)."""
    return told_of(handler).runs


def told_of(handler: Callable[..., Any]) -> Told:
    """Look into a handler, once."""
    try:
        return _known[handler]
    except (KeyError, TypeError):
        told = Told(_found_out(handler), home_of(handler))
    with suppress(TypeError):
        _known[handler] = told
    return told


# It is asked at every pivot, and the code of a handler does not change.
_known: Final[WeakKeyDictionary[Any, Told]] = WeakKeyDictionary()


def _found_out(handler: Callable[..., Any]) -> Runs:
    plain = plain_function(handler)
    if not iscoroutinefunction(plain) and not iscoroutinefunction(getattr(plain, "__call__", None)):  # noqa: B004  it is looked into, not tested
        return "thread"
    code = getattr(plain, "__code__", None)
    if not isinstance(code, CodeType):
        return "loop"
    try:
        # Of the handler as it is called: without `self`, and without what a partial gives.
        names = tuple(signature(handler).parameters)
    except (TypeError, ValueError):
        return "loop"
    return "dialog" if _uses(code, frozenset(names[:1])) else "loop"


def _uses(code: CodeType, names: frozenset[str]) -> bool:
    """Does this code load an operation off one of its variables, itself or in a function within?"""
    before: Any = None
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name == "CACHE":
            continue
        if name.startswith(("LOAD_ATTR", "LOAD_METHOD")) and instruction.argval in _NAMES:
            last = before[-1] if isinstance(before, tuple) else before
            if last in names:
                return True
        before = (
            instruction.argval
            if name.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE"))
            else None
        )
    return any(_uses(inner, names) for inner in code.co_consts if isinstance(inner, CodeType))
