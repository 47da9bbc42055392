"""
What happened in a call, as a list of small records.

The walk, the modules and the client say what they do by writing entries; whoever runs the
call decides what becomes of them (lines on a terminal, JSON for a machine, a test's
assertions). They may quote what a server sent, so they are made safe to print here, once,
and the secrets of URLs are taken out: transcripts get pasted into tickets.
No colours, no printing and no exit codes in this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

_LONGEST_TEXT: Final = 600
# A reply may nest thousands deep where the platform does not look; Python cannot print that.
_DEEPEST: Final = 50
# A tenant's secret and the signature of a URL back to the app: both let anybody in.
_SECRET: Final = re.compile(r"([?&](?:key|k)=)[^&#\s\"'<>\\]*")
_USERINFO: Final = re.compile(r"://[^/?#\"\n]*@")


class Kind(Enum):
    """What an entry is about; the value is the word used in JSON and in the margin."""

    CALL = "call"
    POST = "post"
    REPLY = "reply"
    NODE = "node"
    HEARS = "hears"
    RINGS = "rings"
    PRESSES = "presses"
    SETS = "sets"
    ASSUMES = "assumes"
    WARNS = "warns"
    UNKNOWN = "unknown"
    END = "end"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One thing that happened.

    Shape:
        at_ms: milliseconds since the call began, on the call's own clock.
        text: one line, printable ASCII or Unicode, at most 600 characters.
        detail: JSON values for machines; keys are stable per kind.
    """

    at_ms: int
    kind: Kind
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Give the entry as one JSON object: no secrets of URLs, nothing too deep to write."""
        shown: dict[str, Any] = {"at_ms": self.at_ms, "kind": self.kind.value, "text": self.text}
        if self.detail:
            shown["detail"] = _showable(self.detail, _DEEPEST)
        return shown


Note = Callable[[Entry], None]
"""Takes each entry as it happens."""


def printable(text: object, *, limit: int = _LONGEST_TEXT) -> str:
    """
    Make a text of foreign origin safe to show: one line, no control characters, no secrets.

    >>> printable("a\\x1b[31mb")
    'a?[31mb'
    """
    whole = without_secrets(str(text))
    cut = whole[:limit]
    safe = "".join(char if char.isprintable() else ("?" if char != "\n" else " ") for char in cut)
    return safe if len(whole) <= limit else safe + "..."


def without_secrets(text: str) -> str:
    """
    Hide what the URLs in a text must not give away.

    >>> without_secrets("https://u:pw@h/v?APPID=a&key=sesame")
    'https://***@h/v?APPID=a&key=***'
    """
    return _USERINFO.sub("://***@", _SECRET.sub(r"\1***", text))


def _showable(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if not levels:
        return "..."
    if isinstance(value, Mapping):
        return {key: _showable(inner, levels - 1) for key, inner in value.items()}
    return [_showable(inner, levels - 1) for inner in value]


def seconds(milliseconds: int) -> str:
    """
    Say a length of time the way people do.

    >>> seconds(2500), seconds(30), seconds(20000)
    ('2.5 s', '30 ms', '20 s')
    """
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f}".removesuffix(".0") + " s"
