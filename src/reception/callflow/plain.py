"""
Python values to plain JSON values, strictly.

The rule this file keeps: what comes out of `plain` shares nothing with what went in and
holds only `dict` with text keys, `list`, `str`, `int`, `float`, `bool` and None, so that
everything behind it may compare exact types. What JSON cannot say is named by its path,
never guessed at: the encoder alone would write NaN as null and a date as text.
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
            ``to_plain()`` of its own (parts of nodes, flows); members of enumerations of
            texts or numbers count as their value.
        path: JSON path of the value, for the finding.

    Errors:
        NotJson: something else, a key that is no text, NaN or an infinity, a number of
            more than 4,200 digits, half a surrogate pair, a structure that holds itself.
    """
    try:
        return _copied(value, 0)
    except _Unusual:
        return _walked(value, path)


def is_plain(value: Any) -> bool:
    """
    Tell quickly whether a value holds plain JSON values only, so that it may be read as it is.

    No says little: it is too large to tell quickly, or nothing that `plain` could not copy.
    """
    work = [value]
    for item in work:
        kind = type(item)
        if kind is str:
            if not item.isascii() and SURROGATE.search(item):
                return False
        elif kind is dict:
            if len(work) > _MANY:
                return False
            for name in item:
                if type(name) is not str or (not name.isascii() and SURROGATE.search(name)):
                    return False
            work += item.values()
        elif kind is list:
            if len(work) > _MANY:
                return False
            work += item
        elif kind is int:
            if not -_SMALL < item < _SMALL:
                return False
        elif kind is float:
            if not isfinite(item):
                return False
        elif kind is not bool and item is not None:
            return False
    return True


_MANY: Final = 20_000
"""Values that are looked at. Beyond, a structure may hold itself, and copying finds that."""


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
                made = value.to_plain()
                # Anything else might answer with another of its kind for ever.
                if not isinstance(made, Mapping):
                    raise _cannot_say(value, trail, path)
                work.append((made, target, key, trail))
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
    if isinstance(value, (Mapping, tuple, list)):
        return _CONTAINER
    if hasattr(value, "to_plain") and not isinstance(value, type):
        return _CONTAINER
    raise _cannot_say(value, trail, path)


def _cannot_say(value: Any, trail: Any, path: str) -> NotJson:
    words = value_in_words(value)
    message = f"JSON cannot say {words}; write text, a number, a list or a mapping."
    return NotJson(_path(path, trail), message)


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
