"""
How much of a request is read before it is refused, and the words of each refusal.

The rule: whatever the platform or anybody else sends, reading it costs time in
proportion to its length, and the only way it can fail is one `PeerError` made
by `unreadable`. Its text never quotes the request: it may reach a log or the
platform's debug store, and a caller's name or number must not.

The bounds are far above a usual request (400 bytes, 15 keys, values under 100 bytes)
and small enough that the worst request allowed costs milliseconds. The platform itself
has none: made to, it sent a caller's name of 20 000 letters, which is refused here.

Not here: the shapes of the two encodings, and limits on HTTP itself.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from reception.errors import PeerError

MAX_BODY_BYTES: Final = 65_536
MAX_DEPTH: Final = 32  # objects and lists inside each other; the request itself is the first
MAX_KEYS: Final = 256  # in one object
# Digits keeps every collection of the whole call, and each question of a dialog adds one.
MAX_DIGITS_KEYS: Final = 1_024
MAX_VALUE_BYTES: Final = 4_096  # of UTF-8, in one key, text or written number

Reason = Literal[
    "empty",
    "too_large",
    "too_deep",
    "too_many_keys",
    "value_too_long",
    "not_utf8",
    "not_json",
    "not_object",
    "not_form",
    "compressed",
    "unsupported_type",
]

_REFUSALS: Final[dict[Reason, tuple[int, str]]] = {
    "empty": (400, "The request is empty: it says nothing about a call."),
    "too_large": (413, f"The request is larger than {MAX_BODY_BYTES} bytes."),
    "too_deep": (400, f"The request nests deeper than {MAX_DEPTH} levels."),
    "too_many_keys": (
        400,
        f"An object of the request has more than {MAX_KEYS} keys (Digits: {MAX_DIGITS_KEYS}).",
    ),
    "value_too_long": (
        400,
        f"A key or value of the request is longer than {MAX_VALUE_BYTES} bytes.",
    ),
    "not_utf8": (400, "The request is not UTF-8 text."),
    "not_json": (400, "The request is neither JSON nor a form."),
    "not_object": (400, "The request is JSON, but not an object."),
    "not_form": (400, "The request is called a form, but it holds no key=value pair."),
    "compressed": (415, "The request is compressed; the platform sends it plain."),
    "unsupported_type": (415, "The request must be application/json or a form."),
}


def unreadable(reason: Reason) -> PeerError:
    """Return the error for `reason`: code ``pivot.<reason>``, a status hint, a safe text."""
    status, text = _REFUSALS[reason]
    return PeerError(f"pivot.{reason}", text, status=status)


def check_text(text: str) -> None:
    """
    Refuse a text that is too long, or that no UTF-8 can spell.

    Errors:
        PeerError: "pivot.value_too_long", or "pivot.not_utf8" for half of a surrogate
        pair, which JSON can write as an escape although no text contains one.
    """
    if len(text) <= MAX_VALUE_BYTES // 4 and text.isascii():
        return
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise unreadable("not_utf8") from None
    if size > MAX_VALUE_BYTES:
        raise unreadable("value_too_long")


def check_bounds(fields: dict[str, Any]) -> None:
    """
    Refuse a decoded request that is too deep, or has too many keys or too long a value.

    Both encodings pass through this one check, so that neither allows more than the
    other. It keeps its own stack: a request can not exhaust Python's.

    Shape:
        fields: keys to texts, numbers, booleans, None, dicts and lists. A key that is
            repeated counts once.

    Errors:
        PeerError: "pivot.too_deep", "pivot.too_many_keys", "pivot.value_too_long",
        "pivot.not_utf8".
    """
    digits = fields.get("Digits")
    waiting: list[tuple[Any, int]] = [(fields, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise unreadable("too_deep")
        if isinstance(node, dict):
            if len(node) > (MAX_DIGITS_KEYS if node is digits else MAX_KEYS):
                raise unreadable("too_many_keys")
            for key in node:
                check_text(key)
            node = node.values()
        for value in node:
            if isinstance(value, str):
                check_text(value)
            elif isinstance(value, (dict, list)):
                waiting.append((value, depth + 1))
