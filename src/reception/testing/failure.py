"""
How a phone says that a test has failed: what was expected, what was, and the whole call.

Only texts are made here. Nodes are left out of the transcript: what they do stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from reception.simulator.transcript import Entry, Kind

_LEFT_OUT = frozenset({Kind.NODE})


class PhoneFailure(AssertionError):
    """The call was not as the test expects it; the text holds the transcript."""


def transcript_of(entries: Iterable[Entry]) -> str:
    """Give the call so far, a line for each thing that happened."""
    return "\n".join(
        f"  {entry.at_ms / 1000:7.1f} s  {entry.kind.value:8}{entry.text}"
        for entry in entries
        if entry.kind not in _LEFT_OUT
    )


def told(words: str, entries: Iterable[Entry], again: str) -> str:
    """Put a failure together; `again` says how to have the same chaos once more, if any."""
    lines = transcript_of(entries)
    parts = [words, f"The call so far:\n{lines}" if lines else "There was no call yet."]
    if again:
        parts.append(f"The same chaos again: {again}")
    return "\n\n".join(parts)
