"""
What happened in a call, as a list of small records.

The walk, the modules and the client say what they do by writing entries; whoever runs the
call decides what becomes of them (lines on a terminal, JSON for a machine, a test's
assertions). Texts may quote what a server sent, so they are made safe to print here, once.
No colours, no printing and no exit codes in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

_LONGEST_TEXT: Final = 600


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
        """Give the entry as one JSON object."""
        shown: dict[str, Any] = {"at_ms": self.at_ms, "kind": self.kind.value, "text": self.text}
        if self.detail:
            shown["detail"] = dict(self.detail)
        return shown


Note = Callable[[Entry], None]
"""Takes each entry as it happens."""


def printable(text: object, *, limit: int = _LONGEST_TEXT) -> str:
    """
    Make a text of foreign origin safe for a terminal: one line, no control characters.

    >>> printable("a\\x1b[31mb")
    'a?[31mb'
    """
    whole = str(text)
    cut = whole[:limit]
    safe = "".join(char if char.isprintable() else ("?" if char != "\n" else " ") for char in cut)
    return safe if len(whole) <= limit else safe + "..."


def seconds(milliseconds: int) -> str:
    """
    Say a length of time the way people do.

    >>> seconds(2500), seconds(30), seconds(20000)
    ('2.5 s', '30 ms', '20 s')
    """
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f}".removesuffix(".0") + " s"
