"""
JSON as the platform writes it for people: indented, in the order of its keys.

Webhooks are sent so. The layout is that of the platform's encoder, oddities included: a
blank on both sides of the colon, and an empty object or list that still takes three lines.

Not here: what any key means, and the compact text (`json_text`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reception.wire.json_text import render_json_text, too_deep_to_send, utf8


def render_pretty_json(value: Mapping[str, Any]) -> bytes:
    """
    Write a webhook's body as the platform does with ``format: json``.

    Shape:
        value: the platform's own keys; their order is kept.

    Errors:
        AppError("wire.unsendable"): a value of another type, text that is not UTF-8, or
        data nested deeper than Python goes.

    Source:
        jiffy encoder.c with ``pretty``; wire/webhook_json.

    >>> render_pretty_json({"a": {}, "b": [1]})
    b'{\\n  "a" : {\\n    \\n  },\\n  "b" : [\\n    1\\n  ]\\n}'
    """
    try:
        return utf8(_written(value, 1))
    except RecursionError:
        raise too_deep_to_send() from None


def _written(value: Any, depth: int) -> str:
    if isinstance(value, Mapping):
        members = [
            f"{render_json_text(str(key))} : {_written(inner, depth + 1)}"
            for key, inner in value.items()
        ]
        return _block("{", members, "}", depth)
    if isinstance(value, (list, tuple)):
        return _block("[", [_written(inner, depth + 1) for inner in value], "]", depth)
    return render_json_text(value)


def _block(opening: str, members: list[str], closing: str, depth: int) -> str:
    indent = "  " * depth
    inside = f",\n{indent}".join(members)
    return f"{opening}\n{indent}{inside}\n{indent[:-2]}{closing}"
