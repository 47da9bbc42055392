"""
Python values to plain JSON values, strictly.

The rule this file keeps: what comes out shares nothing with what went in and holds only
`dict` with text keys, `list`, `str`, `int`, `float`, `bool` and None, so that everything
behind it may compare exact types. What JSON cannot say is named by its path, never
guessed at: the encoder alone would write NaN as null and a date as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from reception.callflow.findings import Rejection, key_step
from reception.callflow.shown import value_in_words

SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MAX_INT_BITS: Final = 14_000
"""About 4,200 digits: more cannot be written without lifting a limit of the interpreter."""


class NotJson(Exception):
    """A value that JSON cannot say; carries the finding."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.rejection = Rejection(path, "json", message)


def plain(value: Any, path: str = "$") -> Any:
    """
    Copy a value into plain JSON types.

    Shape:
        value: mappings, lists, tuples, texts, numbers, booleans, None, and whatever has a
            ``to_plain()`` of its own (parts of nodes, flows); enumeration members count
            as their value.
        path: JSON path of the value, for the finding.

    Errors:
        NotJson: something else, a key that is no text, NaN or an infinity, a number of
            more than 4,200 digits, half a surrogate pair, a structure that holds itself.
    """
    try:
        return _copied(value, 0)
    except _Unusual:
        return _walked(value, path)


class _Unusual(Exception):
    """Something that the quick copy does not know."""


def _copied(value: Any, depth: int) -> Any:
    """Copy what is usual, quickly: exact JSON types, shallow. It leaves everything else alone."""
    kind = type(value)
    if kind is str:
        if value.isascii() or not SURROGATE.search(value):
            return value
    elif kind is bool or value is None:
        return value
    elif kind is int:
        if -_SMALL < value < _SMALL:
            return value
    elif depth < _SHALLOW:
        if kind is list:
            return [_copied(item, depth + 1) for item in value]
        if kind is dict:
            copy = {}
            for name, item in value.items():
                if type(name) is not str or not name.isascii():
                    raise _Unusual
                copy[name] = _copied(item, depth + 1)
            return copy
    raise _Unusual


_SMALL: Final = 1 << 64
_SHALLOW: Final = 40


def _walked(value: Any, path: str) -> Any:
    """Copy anything, without recursion, and name what cannot be copied."""
    result: list[Any] = []
    # Each entry: the value, where its copy goes (a container and a key), its path as a
    # linked list, and the ids of the containers around it, linked likewise.
    work: list[tuple[Any, Any, Any, Any]] = [(value, result, None, None)]
    inside: set[int] = set()
    while work:
        value, target, key, trail = work.pop()
        if key is _LEAVE:
            inside.discard(id(value))
            continue
        copy = _scalar(value, trail, path)
        if copy is _CONTAINER:
            if not isinstance(value, (Mapping, list, tuple)):
                value = value.to_plain()
                work.append((value, target, key, trail))
                continue
            if id(value) in inside:
                raise NotJson(_path(path, trail), "This holds itself; a flow is a tree.")
            inside.add(id(value))
            # Held until it is left, so that no other object gets its id meanwhile.
            work.append((value, None, _LEAVE, None))
            if isinstance(value, Mapping):
                copy = {}
                for raw_name, item in value.items():
                    name = _name(raw_name, trail, path)
                    copy[name] = None
                    work.append((item, copy, name, (trail, name)))
            else:
                copy = [None] * len(value)
                for index, item in enumerate(value):
                    work.append((item, copy, index, (trail, index)))
        if key is None:
            target.append(copy)
        else:
            target[key] = copy
    return result[0]


_CONTAINER: Final = object()
_LEAVE: Final = object()


def _scalar(value: Any, trail: Any, path: str) -> Any:
    kind = type(value)
    if kind is str:
        if not value.isascii() and SURROGATE.search(value):
            raise NotJson(_path(path, trail), "This text holds half of a surrogate pair.")
        return value
    if kind is bool or value is None:
        return value
    if kind is dict or kind is list:
        return _CONTAINER
    if isinstance(value, str):
        return _scalar(str.__str__(value), trail, path)
    if isinstance(value, int):
        number = int(value)
        if number.bit_length() < _MAX_INT_BITS:
            return number
        raise NotJson(_path(path, trail), "This number is too long to be written.")
    if isinstance(value, float):
        if isfinite(value):
            return float(value)
        raise NotJson(_path(path, trail), "JSON has no NaN and no infinity.")
    if isinstance(value, (Mapping, tuple, list)) or hasattr(value, "to_plain"):
        return _CONTAINER
    words = value_in_words(value)
    raise NotJson(_path(path, trail), f"JSON cannot say {words}; write text, a number or a list.")


def _name(name: Any, trail: Any, path: str) -> str:
    if not isinstance(name, str):
        words = value_in_words(name)
        raise NotJson(_path(path, trail), f"A key must be text, not {words}.")
    text: str = _scalar(name, trail, path)
    return text


def _path(start: str, trail: Any) -> str:
    steps: list[str] = []
    while trail is not None:
        trail, key = trail
        steps.append(f"[{key}]" if isinstance(key, int) else key_step(key))
    return start + "".join(reversed(steps))
