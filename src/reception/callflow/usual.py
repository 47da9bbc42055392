"""
The usual JSON text, read quickly.

Nearly every reply is plain JSON without a trick in it, and the interpreter's own reader
takes it as the platform does, ten times as fast as ours. The rule: this file reads a text
only where both readers agree, and hands everything else back unread, errors too.

They differ in equal keys, in escapes of surrogates, in broken UTF-8, in numbers without
end and in what is no JSON, and in nothing else (``json.JSONDecoder`` in its strict mode).
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, Final, NoReturn

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Unusual(Exception):
    """The text is for the slow reader."""


def read_usual(text: str) -> Any:
    """
    Read a text without anything unusual.

    Shape:
        text: decoded; bytes that are no UTF-8 are lone surrogates.
        returns: the value, of any JSON type.

    Errors:
        Unusual: it may be anything else: look closer.
    """
    if "\\u" in text or (not text.isascii() and _SURROGATE.search(text)):
        raise Unusual
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as reason:
        raise Unusual from reason


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Unusual
    return made


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise Unusual
    return value


def _constant(_: str) -> NoReturn:
    raise Unusual


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_constant
)
