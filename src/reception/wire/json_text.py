"""
JSON as the platform writes and reads it.

The reader is strict about JSON (no NaN, no infinity, no bare control characters, no
half surrogates) and bounded in everything: it never raises anything but `PeerError`
and never takes more than linear time. A key that is repeated counts as it stood first:
the platform's own objects are lists of pairs in which the first match is found.

The writer gives the platform's bytes: no space, no escape that JSON does not demand,
UTF-8 as it is, upper-case hexadecimal digits, keys in the order of the mapping.

Not here: what any key means.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from math import isinf
from typing import Any, Final, NoReturn

from reception.errors import AppError, PeerError
from reception.wire.limits import MAX_VALUE_BYTES, unreadable

_ESCAPES: Final = {code: f"\\u{code:04X}" for code in range(0x20)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


def read_json(text: str) -> Any:
    """
    Decode one JSON document.

    Shape:
        returns: dicts, lists, str, int, float, bool, None. Depth and lengths of texts
            are not yet checked: `reception.wire.limits.check_bounds` does that.

    Errors:
        PeerError: "pivot.not_json", "pivot.too_deep", "pivot.value_too_long" (a number
        written with more than 4 KiB of digits, which would cost quadratic time).

    Source:
        RFC 8259; duplicate keys: kz_json.erl of kazoo 4.3 (first match in a proplist).

    >>> read_json('{"a": 1, "a": 2}')
    {'a': 1}
    """
    try:
        return _DECODER.decode(text)
    except PeerError:
        raise
    except RecursionError:
        raise unreadable("too_deep") from None
    except ValueError:
        raise unreadable("not_json") from None


def render_json_text(value: Any) -> str:
    """
    Write one value as the platform's JSON text.

    Shape:
        value: mappings with str keys, lists, tuples, str, int, float, bool, None.

    Errors:
        AppError("wire.unsendable"): the platform could not hold such a value either.

    Source:
        jiffy encoder.c and doubles.cc (kz_json:encode); wire/pivot_json 21, 23, 27.

    >>> render_json_text({"a": [1.0, True, "é\\x01"]})
    '{"a":[1.0,true,"é\\\\u0001"]}'
    """
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Mapping):
        members = (f"{render_json_text(str(k))}:{render_json_text(v)}" for k, v in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(render_json_text, value)) + "]"
    raise AppError("wire.unsendable", f"A {type(value).__name__} cannot be sent as JSON.")


def render_pivot_json(fields: Mapping[str, Any]) -> bytes:
    """
    Write a request body as the platform does with ``req_body_format: json``.

    Shape:
        fields: the platform's own keys; their order is kept.

    Errors:
        AppError("wire.unsendable"): a value of another type, text that is not UTF-8, or
        data nested deeper than Python goes (hundreds of levels; the reader allows 32).

    Source:
        wire/pivot_json/*.json, wire/http/pivot_post_json*.raw.
    """
    try:
        return utf8(render_json_text(fields))
    except RecursionError:
        raise too_deep_to_send() from None


def utf8(text: str) -> bytes:
    """Encode `text`, or raise AppError("wire.unsendable") for half of a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise AppError("wire.unsendable", "Text with half a surrogate cannot be sent.") from None


def too_deep_to_send() -> AppError:
    """Return the error for data that nests deeper than it can be written."""
    return AppError("wire.unsendable", "Data nested hundreds of levels deep cannot be sent.")


def shortest_digits(value: float) -> tuple[str, str, int]:
    """
    Return sign, digits and decimal point of the shortest text that reads back as `value`.

    Shape:
        value: finite. returns: ("" or "-", digits without surrounding zeros, place) such
        that the number is 0.<digits> times ten to the power of place; zero has no sign.

    >>> shortest_digits(-1500.0)
    ('-', '15', 4)
    """
    if value == 0:
        return "", "0", 1
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits))
    place = len(text) + int(exponent)
    return "-" if sign else "", text.rstrip("0"), place


def _float_text(value: float) -> str:
    if value - value != 0:  # infinite, or not a number
        raise AppError("wire.unsendable", "JSON has no infinity and no NaN.")
    sign, digits, place = shortest_digits(value)
    if -6 < place <= 21:
        if place <= 0:
            return f"{sign}0.{'0' * -place}{digits}"
        return f"{sign}{digits[:place].ljust(place, '0')}.{digits[place:] or '0'}"
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{place - 1:+d}"


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        found = dict(reversed(pairs))
    return found


def _whole_number(text: str) -> int:
    if len(text) > MAX_VALUE_BYTES:
        raise unreadable("value_too_long")
    return int(text)


def _fraction(text: str) -> float:
    if len(text) > MAX_VALUE_BYTES:
        raise unreadable("value_too_long")
    number = float(text)
    if isinf(number):
        raise unreadable("not_json")
    return number


def _no_constant(_name: str) -> NoReturn:
    raise unreadable("not_json")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_first_wins,
    parse_int=_whole_number,
    parse_float=_fraction,
    parse_constant=_no_constant,
)
