"""
Bytes to a tree, exactly as the platform's reader takes them.

The rule this file keeps: whatever the bytes are, reading ends in time linear in their
number, without recursion and without an exception. The reader is our own because the
platform differs from the usual ones: the first of two equal keys counts, a lone surrogate
escape makes the whole text unreadable, and bytes that are no UTF-8 do not. What has none
of that is read by the interpreter's reader.

What a tree means is no business of this file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from math import isfinite
from typing import Any, Final

import msgspec

from reception.callflow.findings import Rejection, key_step
from reception.callflow.usual import Unusual, read_usual

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(
    r'"([^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*)*)"'
)
_ESCAPE: Final = re.compile(
    r"\\(?:u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))"
)
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_WORD: Final = re.compile(r"true|false|null")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UTF_16_MARKS: Final = ("\udcff\udcfe", "\udcfe\udcff")
_SHORT_ESCAPES: Final = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}

_MAX_DIGITS: Final = 4300
"""Longer whole numbers are read as the largest of this length, with their sign: the interpreter
refuses longer ones, and every bound of the platform's schemas is far below."""

_LARGEST: Final = int("9" * _MAX_DIGITS)


_MAX_NOTES: Final = 100
_MAX_STEPS: Final = 1000
"""Notes of each kind, and steps in one path: a note costs its depth, and a hostile text must
not make that a square."""


class Reading(msgspec.Struct, frozen=True):
    """
    One flow as read, and what reading noticed.

    Shape:
        root: the decoded value, of any JSON type; of two equal keys the first counts.
        duplicate_paths: where a key stood for the second time, in document order.
        broken_text_paths: texts whose bytes are no UTF-8 (for a key: its object). Each
            broken byte stands in the text as one lone surrogate.
    """

    root: Any
    duplicate_paths: tuple[str, ...] = ()
    broken_text_paths: tuple[str, ...] = ()


def read(source: bytes | str) -> Reading | Rejection:
    """
    Read one JSON text as the platform does.

    Shape:
        returns: a `Reading`, or the one `Rejection` (path ``$``, rule ``json``) that says
            why the text is none: a byte order mark, text after the end, comments, single
            quotes, NaN, a lone surrogate escape, a raw control character, nothing at all.

    Errors:
        none, whatever the bytes are.

    Source:
        contract wire/validate (101 to 113, invalid_utf8); the platform reads with jiffy.
    """
    if isinstance(source, bytes):
        source = source.decode("utf-8", "surrogateescape")
    try:
        return Reading(read_usual(source))
    except Unusual:
        pass
    try:
        return _Reader(source).read()
    except _Unreadable as reason:
        return Rejection("$", "json", f"This is not JSON that the platform can read: {reason}.")


class _Unreadable(Exception):
    """Why the text cannot be read; never leaves this file."""


class _Reader:
    """One pass over one text, with a stack of its own instead of the interpreter's."""

    def __init__(self, text: str) -> None:
        self._text = text
        # The open containers, each with the key or index at which its parent holds it.
        self._open: list[dict[str, Any] | list[Any]] = []
        self._keys: list[str | int] = []
        self._duplicates: list[str] = []
        self._broken: list[str] = []

    def read(self) -> Reading:
        text = self._text
        if not text:
            raise _Unreadable("it is empty")
        if text.startswith("\ufeff"):
            raise _Unreadable("it starts with a byte order mark; write plain UTF-8 without one")
        if text.startswith(_UTF_16_MARKS):
            raise _Unreadable("it is UTF-16; write plain UTF-8 without a byte order mark")
        root, at = self._value(_space(text, 0))
        at = _space(text, at)
        if at != len(text):
            raise _Unreadable(f"something follows the end of the flow, {_place(text, at)}")
        return Reading(root, tuple(self._duplicates), tuple(self._broken))

    def _value(self, at: int) -> tuple[Any, int]:
        """Read the value at `at` with everything in it; returns it and where it ends."""
        value, at, opened = self._start(at)
        root = value
        if not opened:
            return root, at
        containers, keys = self._open, self._keys
        containers.append(value)
        fresh = True
        while containers:
            container = containers[-1]
            at = _space(self._text, at)
            mark = self._text[at : at + 1]
            if mark == ("}" if isinstance(container, dict) else "]"):
                at += 1
                containers.pop()
                if keys:
                    keys.pop()
                fresh = False
                continue
            if not fresh:
                if mark != ",":
                    raise _Unreadable(f"a comma or a closing bracket is missing, {self._at(at)}")
                at = _space(self._text, at + 1)
            if isinstance(container, dict):
                key, first, at = self._key(container, at)
                keys.append(key)
                value, at, opened = self._start(at)
                if first:
                    container[key] = value
            else:
                keys.append(len(container))
                value, at, opened = self._start(at)
                container.append(value)
            if opened:
                containers.append(value)
                fresh = True
            else:
                keys.pop()
                fresh = False
        return root, at

    def _key(self, container: dict[str, Any], at: int) -> tuple[str, bool, int]:
        match = _STRING.match(self._text, at)
        if match is None:
            raise _Unreadable(f"a key in double quotes is missing, {self._at(at)}")
        key = self._string(match)
        if _SURROGATE.search(key):
            self._note(self._broken, self._keys)
        first = key not in container
        if not first:
            self._note(self._duplicates, (*self._keys, key))
        at = _space(self._text, match.end())
        if self._text[at : at + 1] != ":":
            raise _Unreadable(f"a colon is missing, {self._at(at)}")
        return key, first, _space(self._text, at + 1)

    def _start(self, at: int) -> tuple[Any, int, bool]:
        """Read a scalar, or open a container: the value, where it ends, whether it is open."""
        text = self._text
        mark = text[at : at + 1]
        if mark == '"':
            match = _STRING.match(text, at)
            if match is None:
                raise _Unreadable(
                    f"a text is not closed or holds a raw control character or "
                    f"a wrong escape, {self._at(at)}"
                )
            value = self._string(match)
            if _SURROGATE.search(value):
                self._note(self._broken, self._keys)
            return value, match.end(), False
        if mark == "{":
            return {}, at + 1, True
        if mark == "[":
            return [], at + 1, True
        match = _NUMBER.match(text, at)
        if match is not None:
            return self._number(match), match.end(), False
        match = _WORD.match(text, at)
        if match is not None:
            return _WORDS[match.group()], match.end(), False
        raise _Unreadable(
            f"a value is missing (text in double quotes, a number, true, false, null, an object "
            f"or a list), {self._at(at)}"
        )

    def _string(self, match: re.Match[str]) -> str:
        raw = match.group(1)
        if "\\" not in raw:
            return raw
        return _ESCAPE.sub(_unescaped, raw)

    def _number(self, match: re.Match[str]) -> int | float:
        whole, fraction, exponent = match.groups()
        if fraction is None and exponent is None:
            if len(whole) <= _MAX_DIGITS:
                return int(whole)
            return -_LARGEST if whole[0] == "-" else _LARGEST
        value = float(match.group())
        if not isfinite(value):
            raise _Unreadable(f"a number is too large, {self._at(match.start())}")
        return value

    def _at(self, at: int) -> str:
        return _place(self._text, at)

    @staticmethod
    def _note(paths: list[str], keys: Sequence[str | int]) -> None:
        if len(paths) < _MAX_NOTES:
            steps = (f"[{key}]" if isinstance(key, int) else key_step(key) for key in keys)
            paths.append("$" + "".join(islice(steps, _MAX_STEPS)))


def _unescaped(match: re.Match[str]) -> str:
    high, low, single, short = match.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    if short is not None:
        return _SHORT_ESCAPES[short]
    code = int(single, 16)
    if 0xD800 <= code <= 0xDFFF:
        raise _Unreadable(f"the escape \\u{single} is half of a pair")
    return chr(code)


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _place(text: str, at: int) -> str:
    if at >= len(text):
        return "at the end"
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return f"line {line}, column {column}"
