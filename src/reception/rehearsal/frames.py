"""
Where a dialog stands, so that two ways to the same place are seen to be one.

The rule this file keeps: two states are the same when every function that waits has the same
code, the same place in it, equal variables, as far as they are read again (`liveness`), and
equal values in the middle of an expression or a loop; then whatever comes next is the same
too. Objects are compared by their attributes; what cannot be compared by value, and what is too
far away, counts by its class.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
)
from typing import Any, Final

from reception.dialog import Operation
from reception.face.call import Call
from reception.rehearsal.liveness import live_at

_DEEPEST: Final = 6
# An object may lead to all others; what a dialog counts in is near and small.
_DEEPEST_OBJECTS: Final = 2
_MOST_ATTRIBUTES: Final = 20
# What belongs to a frame itself.
_PARTS: Final = (FrameType, CodeType, FunctionType)


def state_of(coroutine: Any, depth: int = _DEEPEST) -> Hashable:
    """The state of a dialog that waits; () where it does not."""
    found: list[Hashable] = []
    waiting = coroutine
    while waiting is not None:
        frame = _part(waiting, "frame")
        if isinstance(frame, FrameType):
            found.append(_of_frame(waiting, frame, depth))
        waiting = _awaited(waiting)
    return tuple(found)


def _part(waiting: Any, name: str) -> Any:
    """What a coroutine, an asynchronous generator or a generator says of itself."""
    return next((each for kind in ("cr", "ag", "gi") if (each := _said(waiting, kind, name))), None)


def _said(waiting: Any, kind: str, name: str) -> Any:
    return getattr(waiting, f"{kind}_{name}", None)


def _awaited(waiting: Any) -> Any:
    return _part(waiting, "await") or getattr(waiting, "gi_yieldfrom", None)


def _of_frame(owner: Any, frame: FrameType, depth: int) -> Hashable:
    code = frame.f_code
    live = live_at(code, frame.f_lasti)
    variables = tuple(
        (name, _of_value(value, depth))
        for name, value in sorted(frame.f_locals.items())
        if name in live
    )
    between = tuple(_of_value(value, depth) for value in _between(owner, frame))
    return code.co_filename, code.co_firstlineno, frame.f_lasti, variables, between


def _between(owner: Any, frame: FrameType) -> Iterator[Any]:
    """
    The values that are in no variable: iterators of loops, parts of an expression.

    They are found by what the collector sees, less the variables; what is awaited comes later.
    """
    known = frame.f_locals
    variables = Counter(map(id, known.values()))
    awaited = _awaited(owner)
    for value in gc.get_referents(owner):
        if variables[id(value)]:
            variables[id(value)] -= 1
        elif value is not awaited and value is not known and not isinstance(value, _PARTS):
            yield value


def _of_value(value: Any, depth: int) -> Hashable:
    kind = type(value)
    if isinstance(value, Call):
        return "call"
    if isinstance(value, Operation):
        return value.kind, value.label, value.digest()
    if kind in (str, int, float, bool, bytes, type(None)):
        return kind.__name__, value
    if depth and kind in (list, tuple):
        return kind.__name__, tuple(_of_value(each, depth - 1) for each in value)
    if depth and isinstance(value, Mapping):
        items = tuple((repr(key), _of_value(each, depth - 1)) for key, each in value.items())
        return kind.__name__, items
    if isinstance(value, BaseException):
        return kind.__qualname__, tuple(_of_value(each, 0) for each in value.args)
    if depth and isinstance(value, (GeneratorType, CoroutineType, AsyncGeneratorType)):
        return state_of(value, depth - 1)
    if depth and hasattr(value, "__next__"):
        return _of_iterator(value, depth)
    named = getattr(value, "__qualname__", None)
    if isinstance(named, str):
        return "named", getattr(value, "__module__", ""), named
    try:
        told = repr(value)
    except Exception:  # noqa: BLE001  an application's own class may say what it likes
        return (kind.__qualname__,)
    # The default form of an object says where it is, which is different every time.
    if " at 0x" not in told:
        return kind.__qualname__, told
    attributes = getattr(value, "__dict__", {})
    if not depth or len(attributes) > _MOST_ATTRIBUTES:
        return (kind.__qualname__,)
    return kind.__qualname__, _of_value(dict(attributes), min(depth - 1, _DEEPEST_OBJECTS))


def _of_iterator(value: Any, depth: int) -> Hashable:
    """What is left of it: those of Python say it in the form in which they are copied."""
    kind = type(value).__qualname__
    try:
        _, *left = value.__reduce__()
    except Exception:  # noqa: BLE001  it says nothing of itself
        return (kind,)
    return kind, tuple(_of_value(each, depth - 1) for each in left)
