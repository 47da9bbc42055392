"""
The platform's form text: bodies with ``req_body_format: form``, and the query of a GET.

It looks like a web form and is not one. Keys are not percent-encoded at all: spaces,
brackets and raw UTF-8 stand in them as they are. Nesting is ``a[b][c]=v``, a list is
``k[]=v`` repeated, an object in a list is its JSON text, and an empty object or list
leaves an empty segment (``&&``, or a leading or trailing ``&``).

The rule: what the platform writes is read back exactly, except for keys that hold
``&``, ``=`` or ``][``, which its own encoding cannot tell apart. Anything else is read
as well as it can be: an escape that is none stays as it is, a key without ``=`` has
the empty value, and of two values for one key the first counts, also where one is a
text and the other an object.

Not here: what any key means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, unquote_to_bytes

from reception.errors import AppError
from reception.wire.json_text import render_json_text, shortest_digits, too_deep_to_send, utf8
from reception.wire.limits import MAX_DEPTH, unreadable

_NO_KEYS: Final[frozenset[str]] = frozenset()


class _Node:
    """What the brackets behind one key have said so far."""

    __slots__ = ("children", "items")

    def __init__(self) -> None:
        self.children: dict[str, str | _Node] = {}
        self.items: list[str] = []


def read_form(text: str, exclude: frozenset[str] = _NO_KEYS) -> dict[str, Any]:
    """
    Decode form text into the object it was written from.

    Shape:
        text: the whole body, or the query without its question mark.
        exclude: keys to leave out, as they stand in the text.
        returns: keys to str, dicts and lists of str. An object that has only the empty
            key reads as a list: the text of the two is the same.

    Errors:
        PeerError: "pivot.not_utf8", "pivot.too_deep". Key counts and lengths of values
        are not yet checked: `reception.wire.limits.check_bounds` does that.

    Source:
        contract/request.md §5, contract/observed.md §2; wire/pivot_form/*.body.

    >>> read_form("Digits[wake[up]]=0630&&User-ID[]=a&User-ID[]=b+c")
    {'Digits': {'wake[up]': '0630'}, 'User-ID': ['a', 'b c']}
    """
    fields: dict[str, Any] = {}
    nodes: list[str] = []
    for segment in text.split("&"):
        if not segment:
            continue
        key, _, raw = segment.partition("=")
        if key in exclude:
            continue
        value = _unquoted(raw)
        if "%" in key:
            key = _plain_key(key)
        base, bracket, rest = key.partition("[")
        if not bracket or rest[-1:] != "]":
            fields.setdefault(key, value)
            continue
        node = fields.get(base)
        if node is None:
            node = fields[base] = _Node()
            nodes.append(base)
        if isinstance(node, _Node):
            _insert(node, rest[:-1].split("]["), value)
    for base in nodes:
        fields[base] = _finished(fields[base])
    return fields


def render_form(fields: Mapping[str, Any]) -> bytes:
    """
    Write a request body as the platform does with ``req_body_format: form``.

    The same text is what a GET appends to the query.

    Shape:
        fields: the platform's own keys; their order is kept.

    Errors:
        AppError("wire.unsendable"): the platform's sender fails on this (null as the
        value of a key, a list in a list that holds anything but text); or the data nests
        deeper than Python goes.

    Source:
        kz_http_util.erl of kazoo 4.3, json_to_querystring; wire/pivot_form/*.body,
        wire/cdr 19, 21, 25.

    >>> render_form({"Caller-ID-Name": "Zoë & Co", "Custom-SIP-Headers": {}, "a": {"b c": [1.5]}})
    b'Caller-ID-Name=Zo%C3%AB+%26+Co&&a[b c][]=1.5'
    """
    try:
        return utf8(_segments(None, fields))
    except RecursionError:
        raise too_deep_to_send() from None


def form_text(value: Any) -> str:
    """
    Return the text that stands for one value, before it is percent-encoded.

    Shape:
        value: anything JSON can hold. An object is its JSON text. A list (it can only be
            the element of a list) is its texts run together, or else its JSON text:
            the platform cannot send that at all.

    Source:
        kz_term.erl to_binary, mochinum.erl digits; wire/pivot_form 27, 29, wire/cdr 19, 21.

    >>> form_text(True), form_text(1e22), form_text({"a": 1})
    ('true', '1.0e+22', '{"a":1}')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, (list, tuple)) and _is_text(value):
        return "".join(map(form_text, value))
    return render_json_text(value)


def form_view(fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return what is left of `fields` after the platform wrote them as a form.

    Leaves are text, objects in lists are JSON text, and null, empty objects and empty
    lists are gone.

    Source:
        contract/observed.md §2.

    >>> form_view({"n": 3, "none": {}, "legs": [{"a": 1}]})
    {'n': '3', 'legs': ['{"a":1}']}
    """
    seen = ((key, _seen(value)) for key, value in fields.items())
    return {key: value for key, value in seen if value is not None}


def _seen(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        inner = form_view(value)
        if len(inner) == 1 and isinstance(inner.get(""), str):
            return [inner[""]]
        return inner or None
    if isinstance(value, (list, tuple)):
        return [form_text(item) for item in value] or None
    return form_text(value)


def _plain_key(key: str) -> str:
    # The platform never encodes a key, but a browser, an HTTP library or a proxy encodes
    # the brackets of a nested one.
    if "[" in key or not (folded := key.upper()).endswith("%5D") or "%5B" not in folded:
        return key
    return _unquoted(key)


def _unquoted(raw: str) -> str:
    text = raw.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise unreadable("not_utf8") from None


def _insert(node: _Node, path: list[str], value: str) -> None:
    if len(path) >= MAX_DEPTH:
        raise unreadable("too_deep")
    for name in path[:-1]:
        child = node.children.setdefault(name, _Node())
        if isinstance(child, str):
            return
        node = child
    if path[-1]:
        node.children.setdefault(path[-1], value)
    else:
        node.items.append(value)


def _finished(node: _Node) -> dict[str, Any] | list[str]:
    if not node.children:
        return node.items
    named: dict[str, Any] = {
        name: child if isinstance(child, str) else _finished(child)
        for name, child in node.children.items()
    }
    if node.items:
        # An object with the empty key among others: its text looks like a list's.
        named.setdefault("", node.items[0] if len(node.items) == 1 else node.items)
    return named


def _segments(prefix: str | None, fields: Mapping[str, Any]) -> str:
    segments = []
    for key, value in fields.items():
        name = key if prefix is None else f"{prefix}[{key}]"
        if isinstance(value, Mapping):
            segments.append(_segments(name, value))
        elif isinstance(value, (list, tuple)):
            segments.append("&".join(f"{name}[]={_quoted(item)}" for item in value))
        elif value is None:
            raise AppError("wire.unsendable", "The platform cannot send null in a form.")
        else:
            segments.append(f"{name}={_quoted(value)}")
    return "&".join(segments)


def _quoted(value: Any) -> str:
    if isinstance(value, (list, tuple)) and not _is_text(value):
        raise AppError("wire.unsendable", "The platform cannot send such a list in a list.")
    try:
        return quote_plus(form_text(value))
    except UnicodeEncodeError:
        raise AppError("wire.unsendable", "Text with half a surrogate cannot be sent.") from None


def _is_text(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_text, value))
    return isinstance(value, str)


def _float_text(value: float) -> str:
    if value - value != 0:  # infinite, or not a number
        raise AppError("wire.unsendable", "A form has no infinity and no NaN.")
    sign, digits, place = shortest_digits(value)
    zeros = place - len(digits)
    if place > 0 and zeros < 6:
        if zeros >= 0:
            return f"{sign}{digits}{'0' * zeros}.0"
        return f"{sign}{digits[:place]}.{digits[place:]}"
    if -6 < place <= 0:
        return f"{sign}0.{'0' * -place}{digits}"
    exponent_sign = "-" if place < 0 else "+"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent_sign}{abs(place - 1)}"
