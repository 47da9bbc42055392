"""
Show a piece of a callflow in one short line, and say how large the whole is.

Both work without recursion and on any value: a flow of 3,000 levels, a number of 5,000
digits and a lone surrogate are all things that somebody has sent. What is shown is
ASCII, cut to a limit, and close to JSON; it is for people, never sent to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Final

_STEP: Final = re.compile(r'\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d{1,9})\]|\[("(?:[^"\\]|\\.)*")\]')
_ESCAPE: Final = re.compile(r"\\u([0-9a-f]{4})|\\(.)")
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_DIGITS_PER_BIT: Final = 0.30103  # log10(2)


def excerpt(value: object, limit: int = 60) -> str:
    """
    Render `value` as one line of at most `limit` characters, cut with ``...``.

    >>> excerpt({"module": "play", "data": {"id": "abc"}}, 24)
    '{"module":"play","dat...'
    """
    parts: list[str] = []
    length = 0
    for part in _pieces(value, limit):
        parts.append(part)
        length += len(part)
        if length > limit:
            return "".join(parts)[: limit - 3] + "..."
    return "".join(parts)


def rendered_bytes(value: object) -> int:
    """
    Count the bytes of `value` as compact ASCII JSON.

    >>> rendered_bytes({"a": [1, "é"]})
    18
    """
    return sum(len(part) for part in _pieces(value, None))


def value_at(root: object, path: str) -> Any:
    """
    Find what a JSON path names; where that is missing, the nearest thing above it.

    >>> value_at({"data": {"id": "abc"}}, "$.data.timeout")
    {'id': 'abc'}
    """
    found: Any = root
    position = 1
    while match := _STEP.match(path, position):
        name, number, quoted = match.groups()
        if number is not None:
            index = int(number)
            if not isinstance(found, list) or index >= len(found):
                break
            found = found[index]
        else:
            key = name if quoted is None else _unquote(quoted)
            if not isinstance(found, Mapping) or key not in found:
                break
            found = found[key]
        position = match.end()
    return found


def _unquote(quoted: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code, short = match.groups()
        return chr(int(code, 16)) if code else _SHORT.get(short, short)

    text = _ESCAPE.sub(plain, quoted[1:-1])
    # Two escaped halves of one character become that character; a lone half stays.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _pieces(value: object, limit: int | None) -> Iterator[str]:
    """Yield compact JSON bit by bit; with a limit, no single text is rendered far beyond it."""
    stack: list[Iterator[str | _Nested]] = [iter([_Nested(value)])]
    while stack:
        piece = next(stack[-1], None)
        if piece is None:
            stack.pop()
        elif isinstance(piece, str):
            yield piece
        elif isinstance(piece.value, Mapping):
            stack.append(_object(piece.value, limit))
        elif isinstance(piece.value, list | tuple):
            stack.append(_array(piece.value))
        else:
            yield _scalar(piece.value, limit)


class _Nested:
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _object(value: Mapping[Any, Any], limit: int | None) -> Iterator[str | _Nested]:
    comma = ""
    yield "{"
    for key, member in value.items():
        yield f"{comma}{_scalar(str(key), limit)}:"
        yield _Nested(member)
        comma = ","
    yield "}"


def _array(value: list[Any] | tuple[Any, ...]) -> Iterator[str | _Nested]:
    comma = ""
    yield "["
    for member in value:
        if comma:
            yield comma
        yield _Nested(member)
        comma = ","
    yield "]"


def _scalar(value: object, limit: int | None) -> str:
    if isinstance(value, str):
        return encode_basestring_ascii(value if limit is None else value[: limit + 1])
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and value.bit_length() > 10_000:
        # Python refuses to write out such a number; its length is near enough.
        return "9" * max(int(value.bit_length() * _DIGITS_PER_BIT), 1)
    if isinstance(value, int | float):
        return repr(value)
    return encode_basestring_ascii(type(value).__name__)
